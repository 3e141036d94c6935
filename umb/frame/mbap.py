"""The Modbus TCP frame: MBAP header and PDU from adu[0] on (TCP Guide 3.1.2, 3.1.3)."""

from micropython import const

_HEADER = const(7)
_GARBAGE = const(-1000)


class MBAP:
    """Modbus TCP frames in an ADU buffer."""

    start = 0  # where in the buffer the frame begins
    header = _HEADER  # how much of it is needed before its length is known
    first_read = 12  # how long most requests are: a server reads that much at first
    wrapping = _HEADER  # how much longer a frame is than its PDU

    def __init__(self, table=None):
        """`table` is what RTUStream needs: MBAP frames tell their length themselves."""

    @staticmethod
    def missing(adu, have):
        """Of a frame that begins at adu[0], `have` bytes are there: how many are missing?

        0: it is whole. Less than 0: so many are too many, the next frame's. -1000: garbage, a
        protocol id that is not 0, or a length not 2..254.
        """
        if have < _HEADER:
            return _HEADER - have
        if adu[2] | adu[3] | adu[4] or not 2 <= adu[5] <= 254:
            return _GARBAGE
        return adu[5] + 6 - have

    @staticmethod
    def seal(adu, n):
        """Frame the PDU of n bytes at adu[7]; the transaction id stays. Returns its length."""
        adu[2] = adu[3] = adu[4] = 0
        adu[5] = n + 1
        return n + _HEADER
