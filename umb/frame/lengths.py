"""announce(): how long requests and responses of other function codes are, for RTU frames.

A frame of a function code whose length is not known ends with the silence after it, and zeros
there are taken for noise. One in 256 such frames has a CRC that ends with 00: it loses its last
byte of data, unless its length is announced.
"""

from micropython import const

from ..check import integer, wrong
from .rtu import REQUEST, RESPONSE

_COUNTED = const(0x80)  # as in umb.frame.rtu
_LARGEST_SIZE = const(126)


def announce(
    function_code: int,
    *,
    request: "int | None" = None,
    response: "int | None" = None,
    request_count: "int | None" = None,
    response_count: "int | None" = None,
):
    """Tell all frames of RTU and ASCII, from now on, how long PDUs of this function code are.

    function_code     1..127, one whose lengths are not known: user-defined ones are 65..72 and
                      100..110 (AP 5)
    request           how many bytes all requests of it have, function code and data, 1..126
    response          the same of responses. Exception responses have two bytes in any case
    request_count     where lengths vary: the index in the PDU, 1..126, of the byte that says how
                      many bytes follow it; the function code has index 0
    response_count    the same of responses

    What is not given stays unknown. Raises ValueError for a number out of range, a function code
    whose lengths are known, or both a length and an index.
    """
    integer("function_code", function_code, 1, 127)
    request = _size("request", request, request_count)
    response = _size("response", response, response_count)
    for table in (REQUEST, RESPONSE):
        if function_code >= len(table):
            table.extend(bytes(function_code + 1 - len(table)))
        if table[function_code]:
            raise wrong("function_code", function_code, "one whose lengths are not known yet")
    REQUEST[function_code] = request
    RESPONSE[function_code] = response


def _size(name, size, index):
    """Return what the tables of umb.frame.rtu have for a length or an index. Raises ValueError."""
    if index is None:
        if size is None:
            return 0
        integer(name, size, 1, _LARGEST_SIZE)
        return size
    if size is not None:
        raise wrong(name + "_count", index, "left out where the length is given")
    integer(name + "_count", index, 1, _LARGEST_SIZE)
    return _COUNTED + index
