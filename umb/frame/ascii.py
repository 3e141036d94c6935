"""The ASCII frame: ':', slave id, PDU and LRC in hex, CR and LF (SL 2.5.2)."""

from micropython import const

_START = const(6)  # where in the ADU buffer the slave id is
_COLON = const(0x3A)
_CR = const(0x0D)
_LF = const(0x0A)
_CHARACTERS = const(513)  # of the longest frame
_MINIMUM = const(9)  # characters of the shortest: ':', id, function code, LRC, CR, LF
_MOST = const(255)  # bytes of it: id, PDU, LRC
_HEX = b"0123456789ABCDEF"


def _digit(char):
    """The value of a hex digit, or -1."""
    if 0x30 <= char <= 0x39:
        return char - 0x30
    char &= 0xDF  # lower case is taken too
    return char - 0x37 if 0x41 <= char <= 0x46 else -1


class ASCII:
    """Finds ASCII frames in what a line delivers, and decodes them to adu[6:].

    sizes(buf, at, n)  as umb.frame.rtu.RTU has it
    """

    direct = False  # the driver hands over characters with feed()

    def __init__(self, adu, sizes):
        self.adu = adu
        self.bad = 0  # how often something was thrown away; the driver's to read and clear
        self.text = bytearray(_CHARACTERS)  # what seal() makes
        self.delimiter = _LF  # what ends a frame instead of LF (FC 8, sub-function 3)
        self._last = _LF  # and what ends the next one that leaves
        self._sizes = sizes
        self.reset()

    def reset(self):
        """Forget what has come."""
        self.have = 0  # characters since the colon
        self.need = _MINIMUM  # how many more may be fed without passing the frame's end
        self._n = 0  # bytes
        self._high = -1  # the first digit of a pair

    def gap(self):
        """Silence means nothing here: characters may be a second apart (SL 2.5.2.1)."""

    def quiet(self):
        return 0

    def drop(self):
        """Give up what is there."""
        if self.have:
            self.bad += 1
        self.reset()

    def feed(self, chars, n):
        """n <= need characters have come. Returns the length that their frame has as RTU, or 0."""
        size = 0
        for i in range(n):
            char = chars[i]
            if char == _COLON:  # begins a frame wherever it comes
                self.drop()
                self.have = 1
            elif self.have:
                self.have += 1
                if char == self.delimiter and self._high == _CR:
                    size = self._finish()
                elif not self._take(char):
                    self.drop()
        if not size:
            self.need = self._rest()
        return size

    def _take(self, char):
        """One more character of a frame. Returns whether it may be one."""
        digit = _digit(char)
        if self._high == _CR:
            return False
        if self._high < 0:
            if char == _CR:
                self._high = _CR
                return True
            # The digit is kept one higher by 16: a first digit is never taken for CR.
            self._high = digit + 16 if digit >= 0 else -1
            return digit >= 0
        if digit < 0 or self._n == _MOST:
            return False
        self.adu[_START + self._n] = (self._high - 16) << 4 | digit
        self._n += 1
        self._high = -1
        return True

    def _finish(self):
        """The end has come: is the LRC right? Returns the length as RTU, or 0."""
        n = self._n
        total = 0
        for i in range(n):
            total += self.adu[_START + i]
        if n < 3 or total & 0xFF:
            self.drop()
            return 0
        self.reset()
        return n + 1

    def _rest(self):
        """How many characters may come before the frame can be over."""
        if not self.have:
            return _MINIMUM
        if self._n < 3:
            return max(1, _MINIMUM - self.have)
        size = self._sizes(self.adu, _START, self._n)  # with a CRC of 2 bytes in place of the LRC
        return max(1, 1 + 2 * (size - 1) + 2 - self.have) if size else 1

    def seal(self, n):
        """Write the PDU of n bytes at adu[7] as a frame to text. Returns its length."""
        text = self.text
        text[0] = _COLON
        total = 0
        at = 1
        for i in range(n + 2):
            byte = -total & 0xFF
            if i <= n:
                byte = self.adu[_START + i]
                total += byte
            text[at] = _HEX[byte >> 4]
            text[at + 1] = _HEX[byte & 15]
            at += 2
        text[at] = _CR
        text[at + 1] = self._last
        self._last = self.delimiter
        return at + 2
