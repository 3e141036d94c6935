"""The function codes that work on a Store: 1 to 6, 15, 16, 22 and 23, checked and done in place.

"AP" is the MODBUS Application Protocol Specification V1.1b3. check() comes first; the functions
that do something return the length of the response PDU, or minus an exception code.
"""

from micropython import const

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)


def check(adu, n):
    """Check the form of the request PDU of n bytes at adu[7]: length, quantity, byte count, value.

    Returns 0 if it is a request of one of these function codes; else the exception code: 1 for
    another function code, 3 for a wrong form. Addresses are checked by what does the work.
    """
    code = adu[7]
    quantity = adu[10] << 8 | adu[11]
    good = n == 5
    if 0 < code < 5:
        good = good and 0 < quantity <= (2000 if code < 3 else 125)
    elif code == 5:
        good = good and quantity % 0xFF00 == 0  # 0xFF00 is on, 0 is off
    elif 15 <= code <= 16:
        most = 1968
        size = quantity + 7 >> 3
        if code > 15:
            most = 123
            size = quantity << 1
        good = n == size + 6 and adu[12] == size and 0 < quantity <= most
    elif code == 22:
        good = n == 7
    elif code == 23:
        size = (adu[14] << 8 | adu[15]) << 1
        good = 0 < quantity <= 125 and 0 < size <= 242 and adu[16] == size and n == size + 10
    elif code != 6:
        return _ILLEGAL_FUNCTION
    return 0 if good else _ILLEGAL_VALUE


def read(adu, areas):
    """Answer function codes 1 to 4, and the reading part of 23, with the areas of a Store."""
    area = areas[3 if adu[7] == 23 else adu[7]]
    address = adu[8] << 8 | adu[9]
    quantity = adu[10] << 8 | adu[11]
    if area.has_blocks:
        area = area.block_of(address, quantity)
    if not area.has(address, quantity):
        return -_ILLEGAL_ADDRESS
    if area.on_read is not None:
        area.on_read(address, quantity)
    area.get(address, quantity, adu, 9)
    adu[8] = quantity * area.bits + 7 >> 3
    return adu[8] + 2


def write(adu, areas):
    """Answer function codes 5, 6, 15, 16, 22 and 23 with the areas of a Store."""
    code = adu[7]
    if code == 22:
        return _mask_write(adu, areas[6])
    if code == 23:  # writes first, then reads; both ranges are checked before (AP 6.17)
        if not areas[3].has(adu[8] << 8 | adu[9], adu[10] << 8 | adu[11]):
            return -_ILLEGAL_ADDRESS
        n = _write(adu, areas[6], adu[12] << 8 | adu[13], adu[16] >> 1)
        return n if n < 0 else read(adu, areas)
    quantity = 1 if code < 7 else adu[10] << 8 | adu[11]
    return _write(adu, areas[code % 10], adu[8] << 8 | adu[9], quantity)


def _write(adu, area, address, quantity):
    """Validate every value of the request, then store them all (AP 6.5, 6.6, 6.11, 6.12).

    The response is the beginning of the request, which is left in place.
    """
    if area.has_blocks:
        area = area.block_of(address, quantity)
    if not area.has(address, quantity):
        return -_ILLEGAL_ADDRESS
    # Where the values begin, by function code; _mask_write() has put its own there.
    at = b"\0\0\0\0\0\x0a\x0a\0\0\0\0\0\0\0\0\x0d\x0d\0\0\0\0\0\x0e\x11"[adu[7]]
    if not area.accepts(address, quantity, adu, at):
        return -_ILLEGAL_VALUE
    area.put(address, quantity, adu, at)
    if area.on_write is not None:
        area.on_write(address, quantity)
    return 5


def _mask_write(adu, area):
    """FC 22: (current AND and_mask) OR (or_mask AND NOT and_mask), AP 6.16. Echoes the request."""
    address = adu[8] << 8 | adu[9]
    if area.has_blocks:
        area = area.block_of(address, 1)
    if not area.has(address, 1):
        return -_ILLEGAL_ADDRESS
    and_mask = adu[10] << 8 | adu[11]
    value = area[address] & and_mask | (adu[12] << 8 | adu[13]) & ~and_mask
    adu[14] = value >> 8 & 0xFF  # behind the request, where _write() takes it from
    adu[15] = value & 0xFF
    n = _write(adu, area, address, 1)
    return 7 if n > 0 else n
