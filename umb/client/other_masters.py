"""Requests of other masters on the same bus: how they are told from replies."""

from micropython import const

from ..frame.rtu import REQUEST, RESPONSE, rtu_size

_FRAME = const(6)  # where in the buffer an RTU frame begins
_ENDS = const(3)  # by how much a frame is longer than its PDU
_READ_FILE = const(20)
_REFERENCE_TYPE = const(6)  # of every record that is to be read (AP 6.14)
_READ_FIFO = const(24)
_SHORT_BITS = const(3)  # bytes of bits in a response that is as long as its request
# Codes whose requests and responses have the same form.
_SAME_BOTH_WAYS = const(b"\x05\x06\x08\x15\x16")


def is_request(adu, n):
    """Return whether the PDU of n bytes at adu[7] has the form of a request, not of a response."""
    n += _ENDS
    code = adu[7]
    if rtu_size(REQUEST, adu, _FRAME, n) != n:
        return False
    if code < 5:
        return _is_quantity(adu) and (code > 2 or adu[8] != _SHORT_BITS)
    if code == _READ_FILE:  # an odd length in a response
        return adu[9] == _REFERENCE_TYPE
    return code == _READ_FIFO or rtu_size(RESPONSE, adu, _FRAME, n) != n


def _is_quantity(adu):
    """Return whether the last word of the request at adu[7] is a quantity that can be read."""
    return 0 < adu[10] << 8 | adu[11] <= 2000


def goes_both_ways(adu, n):
    """Return whether the PDU of n bytes at adu[7] has the form of a request and of a response."""
    if adu[7] in (1, 2):
        return n == 2 + _SHORT_BITS == 2 + adu[8] and _is_quantity(adu)
    return adu[7] in _SAME_BOTH_WAYS
