"""RTU frames in a TCP stream, as serial device servers send them: adu[6:], no silence, no MBAP."""

from micropython import const

from ..crc import crc16
from ..pdu import rtu_size
from .rtu import seal

_START = const(6)
_SHORTEST = const(4)
_LONGEST = const(256)
_GARBAGE = const(-1000)


class RTUStream:
    """RTU frames in an ADU buffer, told from one another by their length and CRC alone.

    table  pdu.REQUEST or pdu.RESPONSE: what comes
    """

    start = _START
    header = _SHORTEST
    usual = 8  # how long most requests are
    wrapping = 3  # how much longer a frame is than its PDU
    seal = staticmethod(seal)

    def __init__(self, table):
        self._table = table

    def missing(self, adu, have):
        """Of a frame that begins at adu[6], `have` bytes are there: how many are missing?

        0: it is whole. Less than 0: so many are too many, the next frame's. -1000: a wrong CRC.
        Of an unknown function code, one more until the CRC is right.
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
            size = have
        if crc16(adu, _START, size) == 0:
            return size - have
        return _GARBAGE if more or have == _LONGEST else 1

    @staticmethod
    def answers(adu, transaction):
        """RTU frames carry no transaction id: every response is taken for the answer."""
        return True
