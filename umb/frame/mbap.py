"""The Modbus TCP frame: MBAP header and PDU from adu[0] on (TCP Guide 3.1.2, 3.1.3)."""

from micropython import const

_HEADER = const(7)


class MBAP:
    """Modbus TCP frames in an ADU buffer."""

    start = 0  # where in the buffer the frame begins
    header = _HEADER  # how much of it is needed before its length is known
    first_read = 12  # how much a server reads at first: most requests are that long
    wrapping = _HEADER  # how much longer a frame is than its PDU

    def __init__(self, table=None):
        """Create the frame. `table` is for RTUStream: MBAP frames have their length in them."""

    @staticmethod
    def size(adu, have):
        """Return the length of the frame at adu[0:], of which `have` bytes were received.

        A result of more than `have` is how many bytes are needed before the length is known, or
        the frame is whole. 0: garbage, a protocol id other than 0 or a length outside 2..254.
        """
        if have < _HEADER:
            return _HEADER
        if adu[2] | adu[3] | adu[4] or not 2 <= adu[5] <= 254:
            return 0
        return adu[5] + 6

    @staticmethod
    def seal(adu, n):
        """Put the header before the PDU of n bytes at adu[7]. Returns the frame's length.

        The transaction id and the slave id stay as they are.
        """
        adu[2] = adu[3] = adu[4] = 0
        adu[5] = n + 1
        return n + _HEADER
