"""RTU frames in a TCP stream, as serial device servers send them: adu[6:], no silence, no MBAP."""

from micropython import const

from ..fast import crc16
from .rtu import RTU, rtu_size

_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)
_LONGEST = const(256)


class RTUStream:
    """RTU frames in an ADU buffer, separated by their length and CRC alone.

    table   umb.frame.rtu.REQUEST or RESPONSE: which of them are received
    """

    start = _FRAME  # where in the buffer the frame begins
    header = _SHORTEST  # how much of it is needed before anything about its length is known
    # How much a server reads at first: nearly all of most requests, but less than two of the
    # shortest, because a second one would go unnoticed.
    first_read = 7
    wrapping = 3  # how much longer a frame is than its PDU
    seal = staticmethod(RTU.seal)

    def __init__(self, table):
        self._table = table

    def size(self, adu, have):
        """Return the length of the frame at adu[6:], of which `have` bytes were received.

        A result of more than `have` is how many bytes are needed before the length is known, or
        the frame is whole. 0: garbage, a wrong CRC or more than a frame can have.
        """
        if have < _SHORTEST:
            return _SHORTEST
        size = rtu_size(self._table, adu, _FRAME, have)
        if size > have:
            return size if size <= _LONGEST else 0
        if not size:
            return self._unannounced(adu, have)
        return 0 if crc16(adu, _FRAME, size) else size

    def _unannounced(self, adu, have):
        """As size(), of a frame whose length is not announced: it ends where the CRC is right.

        Until more than first_read bytes are there, those of the next frame may be among them. All
        that is there is the likeliest: of 256 frames one is right without its last byte, too.
        """
        size = have
        least = have if have > self.first_read else _SHORTEST
        while crc16(adu, _FRAME, size):
            size -= 1
            if size < least:
                return have + 1 if have < _LONGEST else 0
        return size
