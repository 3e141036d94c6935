"""Which request writes a point."""

from micropython import const

_INPUT = const(2)  # areas below have bits
_WHOLE = const(0xFFFF)  # the mask of a point that has all of its registers


def prepare(request, points, i, data, multiple):
    """Make the request that writes these bytes, as on the wire, to point number i.

    multiple   whether the device takes function codes 15 and 16 only
    """
    request.address = points.address(i)
    request.quantity = points.size(i)
    if points.area(i) < _INPUT:
        request.function_code = 15 if multiple else 5
        request.values = data if multiple else data[0]
        return
    words = [data[k] << 8 | data[k + 1] for k in range(0, len(data), 2)]
    request.values = words[0]
    if points.mask(i) != _WHOLE:
        request.function_code = 22
        request.and_mask = points.mask(i) ^ _WHOLE
        request.values = words[0] & points.mask(i)
    elif multiple or len(words) > 1:
        request.function_code = 16
        request.values = words
    else:
        request.function_code = 6
