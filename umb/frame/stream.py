"""RTU frames in a TCP stream, as serial device servers send them: adu[6:], no silence, no MBAP."""

from micropython import const

from ..crc import crc16
from ..pdu import rtu_size
from .rtu import seal

_START = const(6)
_SHORTEST = const(4)
_LONGEST = const(256)


class RTUStream:
    """RTU frames in an ADU buffer, told from one another by their length and CRC alone.

    table  pdu.REQUEST or pdu.RESPONSE: what comes
    """

    start = _START
    header = _SHORTEST
    seal = staticmethod(seal)

    def __init__(self, table):
        self._table = table

    def missing(self, adu, have):
        """Of a frame that begins at adu[6], `have` bytes are there: how many are missing?

        0: it is whole. Less than 0: garbage. Of an unknown function code, one more until the CRC
        is right.
        """
        if have < _SHORTEST:
            return _SHORTEST - have
        size = rtu_size(self._table, adu, _START, have)
        if size > have:
            return size - have if size <= _LONGEST else -1
        if crc16(adu, _START, have) == 0:
            return 0
        return -1 if size or have == _LONGEST else 1

    @staticmethod
    def pdu_size(have):
        """The length of the PDU in a whole frame of `have` bytes."""
        return have - 3

    @staticmethod
    def answers(adu, transaction):
        """RTU frames carry no transaction id: every response is taken for the answer."""
        return True
