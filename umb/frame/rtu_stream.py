"""RTU frames in a TCP stream, as serial device servers send them: adu[6:], no silence, no MBAP."""

from micropython import const

from ..fast import crc16
from .rtu import RTU, rtu_size

_START = const(6)
_SHORTEST = const(4)
_LONGEST = const(256)
_GARBAGE = const(-1000)


class RTUStream:
    """RTU frames in an ADU buffer, told from one another by their length and CRC alone.

    table   umb.frame.rtu.REQUEST or RESPONSE: what comes
    """

    start = _START
    header = _SHORTEST
    first_read = 7  # nearly all of most requests, but no two: a second one would go unnoticed
    wrapping = 3  # how much longer a frame is than its PDU
    seal = staticmethod(RTU.seal)

    def __init__(self, table):
        self._table = table

    def missing(self, adu, have):
        """Of a frame that begins at adu[6], `have` bytes are there: how many are missing?

        0: it is whole. Less than 0: so many are too many, the next frame's. -1000: a wrong CRC.
        """
        if have < _SHORTEST:
            return _SHORTEST - have
        size = _SHORTEST
        more = rtu_size(self._table, adu, _START, size)
        while size < more <= have:  # the byte that counts the rest is there
            size = more
            more = rtu_size(self._table, adu, _START, size)
        if more > have:
            return more - have if more <= _LONGEST else _GARBAGE
        if more == 0:
            return self._unknown(adu, have)
        return _GARBAGE if crc16(adu, _START, size) else size - have

    def _unknown(self, adu, have):
        """As missing(), of an unknown function code: the frame ends where the CRC is right."""
        # More than the first read may have been read at once.
        size = have if have > self.first_read else _SHORTEST
        while crc16(adu, _START, size):
            size += 1
            if size > have:
                return 1 if have < _LONGEST else _GARBAGE
        return size - have
