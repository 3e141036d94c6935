"""The ASCII frame: ':', slave id, PDU and LRC in hex, CR and LF (SL 2.5.2)."""

from micropython import const

from .rtu import rtu_size

_FRAME = const(6)  # where in the buffer an RTU frame begins
_COLON = const(0x3A)
_CR = const(0x0D)
_LF = const(0x0A)
_CHARACTERS = const(513)  # of the longest frame
_SHORTEST_BYTES = const(3)  # slave id, function code, LRC
_LONGEST_BYTES = const(255)  # bytes: id, PDU, LRC
_NONE = const(-1)  # values of _high that are no digit 0..15
_RETURNED = const(16)
_HEX = b"0123456789ABCDEF"


def _digit(char):
    """Return the value of a hex digit, or -1."""
    if 0x30 <= char <= 0x39:
        return char - 0x30
    char &= 0xDF  # lower case is taken too
    return char - 0x37 if 0x41 <= char <= 0x46 else -1


class ASCII:
    """Finds ASCII frames in what a line delivers, and decodes them in place.

    The parameters are those of umb.frame.rtu.RTU, and it is used in the same way: the characters
    received are put at adu[6 + have], a decoded frame is at adu[6]. Silence ends no frame, but a
    long one means that no more characters will come.
    """

    start = 0  # where in `out` a sealed frame begins
    timed = False  # silence ends no frame
    # The most characters that are read at once. If a frame is shorter than its function code
    # announces, only CR and LF show its end: then they are the last two that were read.
    piece_size = 2

    def __init__(self, adu, table, serves):
        self.adu = adu
        self.out = bytearray(_CHARACTERS)  # where seal() puts a frame
        self.table = table
        self.serves = serves
        self.rejected = 0  # how many invalid frames were discarded; who reads it resets it
        self.delimiter = _LF  # what ends a frame instead of LF (FC 8, sub-function 3)
        self._last = _LF  # what ends the next frame to be sent
        self.reset()

    def reset(self):
        """Discard what was received."""
        self.have = 0  # the next character is put at adu[6 + have]; 0 until a colon has come
        self.need = 1  # how many characters can be read without passing the frame's end
        self.for_us = False  # the frame that is arriving is of interest
        self._n = 0  # bytes since the colon
        self._high = _NONE  # the first digit of a pair, _NONE, or _RETURNED after CR

    def gap(self):
        """There may have been silence. Characters may be a second apart (SL 2.5.2.1)."""

    def silence(self, final=False):
        """As gap()."""
        return 0

    def clear(self):
        """Discard what was received, and count it as rejected."""
        if self.have:
            self.rejected += 1
        self.reset()

    def received(self, n):
        """n <= need more characters are there. Returns the length of the frame as RTU, or 0."""
        at = _FRAME + self.have
        end = at + n
        while at < end:
            char = self.adu[at]
            at += 1
            if char == _COLON:  # always begins a frame
                self.clear()
                self.have = 1
            elif self._high == _RETURNED:
                n = self._n
                if char == self.delimiter and self._is_right():
                    self.reset()
                    return n + 1
                self.clear()
            elif self.have and not self._take(char):
                self.clear()
        self.need = self._rest()
        return 0

    def _take(self, char):
        """Take a character between colon and LF. Returns False for one that may not be there."""
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
        self.adu[_FRAME + self._n] = self._high << 4 | digit
        self._high = _NONE
        self._n += 1
        self.have = min(self._n + 1, _LONGEST_BYTES)
        return True

    def _is_right(self):
        """Return whether the frame is long enough and its LRC right (SL 6.2.1)."""
        total = 0
        for i in range(_FRAME, _FRAME + self._n):
            total += self.adu[i]
        return self._n >= _SHORTEST_BYTES and total & 0xFF == 0

    def _rest(self):
        """Return how many characters can be read before the frame can end, as far as they fit."""
        n = self._n
        if not self.have:
            return 1
        rest = _SHORTEST_BYTES - n
        if n >= 2:
            self.for_us = self.serves(self.adu[_FRAME])
            # A frame has a byte less than one with a CRC.
            rest = rtu_size(self.table, self.adu, _FRAME, n) - 1 - n
        rest = 2 * rest + 2  # digits, CR and LF
        if self._high != _NONE:
            rest = 1 if self._high == _RETURNED else rest - 1
        return max(1, min(rest, _LONGEST_BYTES + 1 - self.have))

    def seal(self, adu, n):
        """Write the PDU of n bytes at adu[7] as a frame to `out`. Returns its length."""
        self.out[0] = _COLON
        i = total = 0
        while i <= n:
            total += adu[_FRAME + i]
            self._put(2 * i + 1, adu[_FRAME + i])
            i += 1
        n = 2 * n + 3
        self._put(n, -total & 0xFF)
        self.out[n + 2] = _CR
        self.out[n + 3] = self._last
        self._last = self.delimiter
        return n + 4

    def _put(self, at, byte):
        """Write a byte to out[at:], in hex."""
        self.out[at] = _HEX[byte >> 4]
        self.out[at + 1] = _HEX[byte & 15]
