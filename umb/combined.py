"""Function codes 22 and 23: change registers, or write and read. Optional: loaded when asked."""

from .pdu import read, write


def answer(adu, n, store):
    """The response's length, or minus an exception code (AP 6.16, 6.17). store may be None."""
    if store is None:
        return -1
    return (_mask if adu[7] == 22 else _read_write)(adu, n, store.holding_registers)


def _mask(adu, n, area):
    """FC 22: (current AND and_mask) OR (or_mask AND NOT and_mask). The request is echoed."""
    if n != 7:
        return -3
    address = adu[8] << 8 | adu[9]
    if not area.has(address, 1):
        return -2
    mask = adu[10] << 8 | adu[11]
    value = area[address] & mask | (adu[12] << 8 | adu[13]) & ~mask
    adu[14] = value >> 8 & 0xFF
    adu[15] = value & 0xFF
    n = write(adu, 14, area, address, 1)
    return 7 if n > 0 else n


def _read_write(adu, n, area):
    """FC 23: the write comes before the read."""
    quantity = adu[10] << 8 | adu[11]
    written = adu[14] << 8 | adu[15]
    size = written << 1
    if not (0 < quantity <= 125 and 0 < written <= 121 and adu[16] == size and n == size + 10):
        return -3
    address = adu[8] << 8 | adu[9]
    at = adu[12] << 8 | adu[13]
    if not (area.has(address, quantity) and area.has(at, written)):
        return -2
    n = write(adu, 17, area, at, written)
    return n if n < 0 else read(adu, area, address, quantity)
