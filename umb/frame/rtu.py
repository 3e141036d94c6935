"""The RTU frame: slave id, PDU and CRC-16 from adu[6] on (SL 2.5.1.1).

A frame ends where its function code says, if the CRC is right there, or where the line falls
silent. Both are needed: silence may go unseen (USB adapters, a program that was busy), and not
every length can be told.
"""

from micropython import const

from ..fast import copy, crc16

_START = const(6)
_SHORTEST = const(4)  # slave id, function code, CRC
_LONGEST = const(256)  # SL 2.5.1.1
_COUNTED = const(0x80)

# How long the PDU of a function code is (AP 6): a number of bytes, or where in it the byte
# that counts the rest stands (+ _COUNTED). 0: its length cannot be told from its beginning.
REQUEST = (
    b"\x00\x05\x05\x05\x05\x05\x05\x01\x05\x00\x00\x01\x01\x00\x00\x85\x85\x01\x00\x00\x81\x81"
    b"\x07\x89\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04"
)
RESPONSE = (
    b"\x00\x81\x81\x81\x81\x05\x05\x02\x05\x00\x00\x05\x81\x00\x00\x05\x05\x81\x00\x00\x81\x81"
    b"\x07\x81\x82"
)


def rtu_size(sizes, buf, at, n):
    """Where an RTU frame at buf[at:] may end, n >= 2 bytes of it being there: a length >= n.

    sizes is REQUEST or RESPONSE. Where the byte that counts the rest has not come yet, it is the
    length at which it will have. 0: nobody can tell, or it should have ended before.
    """
    code = buf[at + 1]
    if code & 0x80:  # an exception response (AP 7)
        size = 2 if sizes is RESPONSE else 0
    else:
        size = sizes[code] if code < len(sizes) else 0
        if size >= _COUNTED:
            at += size - _COUNTED + 1
            size += 1 - _COUNTED
            size += buf[at] if n > size else 1
    size += 3
    return size if n <= size > 3 else 0


class RTU:
    """Finds the frames in what a line delivers; the driver puts the bytes at adu[6 + have].

    owner.sizes(buf, at, n)   of a frame at buf[at:] n >= 4 bytes are there: the smallest length
                              >= n at which it may end or more can be told; 0: only silence ends it
    owner.serves(slave_id)    is a frame for this id worth being searched for among garbage?
    """

    start = _START  # where in `out` a sealed frame begins
    timed = True  # silence ends frames

    def __init__(self, adu, owner):
        self.adu = self.out = adu
        self.rejected = 0  # how often something was thrown away; the driver's to read and clear
        self.owner = owner
        self.reset()

    @staticmethod
    def seal(adu, n):
        """Put the CRC behind the PDU of n bytes at adu[7]. Returns the frame's length."""
        crc = crc16(adu, _START, n + 1)
        adu[n + 7] = crc & 0xFF
        adu[n + 8] = crc >> 8
        return n + 3

    def reset(self):
        """Forget what has come: the next byte begins a frame."""
        self.have = 0  # bytes of adu[6:] that have come and belong to no frame yet
        self.need = _SHORTEST  # how many more the driver may put there before anything is decided
        self.end = 0  # and where the frame that began first may end, then
        self.active = True  # what is there can still become a frame
        self._burst = 0  # where silence was last: a frame may begin there too. -1: too much came

    def gap(self):
        """There may have been silence behind what is there: the next byte may begin a frame."""
        if self._burst < 0:
            self.reset()
        elif self.have:
            self._burst = self.have
            self.need = min(self.need, _SHORTEST)

    def push(self, n):
        """n <= need bytes more are there. Returns the length of a whole frame at adu[6], or 0.

        What came after a silence is tried as a frame of its own first, then as a continuation.
        """
        if self._burst < 0:
            return 0  # the next ones are put where these are
        self.need -= n
        self.have = n = self.have + n
        if self.need:
            return 0
        if n == self.end and not self._burst and not crc16(self.adu, _START, n):
            self.reset()  # the usual way, and the quick one
            return n
        return self.find()

    def find(self):
        """Does one of the beginnings end here as a frame? Its length, or 0 and what is needed."""
        self.active = False
        adu = self.adu
        need = _LONGEST - self.have
        at = self._burst
        while True:
            n = self.have - at
            size = self.owner.sizes(adu, _START + at, n) if n >= _SHORTEST else _SHORTEST
            if size == n:
                if crc16(adu, _START + at, n) == 0:
                    return self._found(at)
                size = self.owner.sizes(adu, _START + at, n + 1)
            if 0 < size <= _LONGEST - at:
                self.active = True
                self.end = size
                need = min(need, size - n)
            if not at:
                break
            at = 0
        self.need = need
        if not need:  # longer than any frame, unless it is one: nothing counts until silence
            if crc16(adu, _START, _LONGEST) == 0:
                return self._found(0)
            self.clear()
            self._burst = -1
            self.have = 1
            self.need = _LONGEST - 1
        return 0

    def _found(self, at):
        n = self.have - at
        if at:
            self.rejected += 1
            copy(self.adu, _START, self.adu, _START + at, n)
        self.reset()
        return n

    def quiet(self):
        """The line is silent. Returns the length of a frame that this has ended, or 0.

        That is one of unknown length, or one for us with noise right before it.
        """
        if self._burst < 0:
            self.reset()
        if self._burst == self.have:
            return 0  # nothing has come since the last silence
        adu = self.adu
        owner = self.owner
        for at in range(self.have - _SHORTEST + 1):
            n = self.have - at
            first = _START + at
            if (
                at == 0
                or at == self._burst
                or (owner.serves(adu[first]) and owner.sizes(adu, first, n) == n)
            ) and crc16(adu, first, n) == 0:
                return self._found(at)
        if self.active:
            self.gap()
        else:
            self.clear()
        return 0

    def clear(self):
        """Give up what is there."""
        if self.have:
            self.rejected += 1
        self.reset()
