"""The ASCII frame: ':', slave id, PDU and LRC in hex, CR and LF (SL 2.5.2)."""

from micropython import const

_START = const(6)  # where in the ADU buffer the slave id is
_COLON = const(0x3A)
_CR = const(0x0D)
_LF = const(0x0A)
_CHARACTERS = const(513)  # of the longest frame
_SHORTEST_BYTES = const(3)  # slave id, function code, LRC
_LONGEST_BYTES = const(255)  # bytes: id, PDU, LRC
_NONE = const(-1)  # values of _high beside 0..15
_RETURNED = const(16)
_HEX = b"0123456789ABCDEF"


def _digit(char):
    """The value of a hex digit, or -1."""
    if 0x30 <= char <= 0x39:
        return char - 0x30
    char &= 0xDF  # lower case is taken too
    return char - 0x37 if 0x41 <= char <= 0x46 else -1


class ASCII:
    """Finds ASCII frames in what a line delivers, and decodes them in place to adu[6:].

    The characters are the driver's to put at adu[6 + have].
    owner.sizes(buf, at, n)  as umb.frame.rtu.RTU has it
    """

    start = 0  # where in `out` a sealed frame begins
    timed = False  # silence means nothing

    def __init__(self, adu, owner):
        self.adu = adu
        self.out = bytearray(_CHARACTERS)  # where seal() puts a frame
        self.rejected = 0  # how often something was thrown away; the driver's to read and clear
        self.delimiter = _LF  # what ends a frame instead of LF (FC 8, sub-function 3)
        self._last = _LF  # and what ends the next one that leaves
        self.owner = owner
        self.reset()

    def reset(self):
        """Forget what has come."""
        self.have = 0  # where the driver puts the next character: 0 until a colon has come
        self.need = 1  # how many characters may come without passing the frame's end
        self._n = 0  # bytes since the colon
        self._high = _NONE  # the first digit of a pair, or that CR has come

    def gap(self):
        """Silence means nothing here: characters may be a second apart (SL 2.5.2.1)."""

    def quiet(self):
        """As gap()."""
        return 0

    def clear(self):
        """Give up what is there."""
        if self.have:
            self.rejected += 1
        self.reset()

    def push(self, n):
        """n <= need characters are there. Returns the length that their frame has as RTU, or 0."""
        at = _START + self.have
        for i in range(at, at + n):
            char = self.adu[i]
            if char == _COLON:  # begins a frame wherever it comes
                self.clear()
                self.have = 1
            elif self.have and self._high == _RETURNED:
                size = self._n
                if char != self.delimiter or not self._right():
                    self.clear()
                    continue
                self.reset()
                return size + 1
            elif self.have and not self._take(char):
                self.clear()
        self.need = self._rest()
        return 0

    def _take(self, char):
        """One more character between colon and LF. Returns whether it may be one."""
        if char == _CR and self._high == _NONE:
            self._high = _RETURNED
            return True
        digit = _digit(char)
        if digit < 0 or self._n == _LONGEST_BYTES:
            return False
        if self._high == _NONE:
            self._high = digit
            return True
        # Decoded bytes stand before the characters that have not been read yet.
        self.adu[_START + self._n] = self._high << 4 | digit
        self._high = _NONE
        self._n += 1
        self.have = min(self._n + 1, _LONGEST_BYTES)
        return True

    def _right(self):
        """Is the frame long enough, and its LRC right (SL 6.2.1)?"""
        total = 0
        for i in range(_START, _START + self._n):
            total += self.adu[i]
        return self._n >= _SHORTEST_BYTES and total & 0xFF == 0

    def _rest(self):
        """How many characters may come before the frame can be over, as far as there is room."""
        n = self._n
        if not self.have:
            return 1
        size = self.owner.sizes(self.adu, _START, n) - 1 if n > 2 else _SHORTEST_BYTES
        rest = 2 * (size - n) + 2  # digits, CR and LF
        if self._high != _NONE:
            rest = 1 if self._high == _RETURNED else rest - 1
        return max(1, min(rest, _LONGEST_BYTES + 1 - self.have))

    def seal(self, adu, n):
        """Write the PDU of n bytes at adu[7] as a frame to `out`. Returns its length."""
        out = self.out
        out[0] = _COLON
        total = 0
        at = 1
        for i in range(n + 2):
            byte = -total & 0xFF
            if i <= n:
                byte = adu[_START + i]
                total += byte
            out[at] = _HEX[byte >> 4]
            out[at + 1] = _HEX[byte & 15]
            at += 2
        out[at] = _CR
        out[at + 1] = self._last
        self._last = self.delimiter
        return at + 2
