"""umb.fast.values as bytecode, which every board can run."""


def get_registers(values, adu, at, quantity, sign):
    """Put the registers at adu[at] into the first items of `values`."""
    less = sign << 8
    for i in range(quantity):
        values[i] = ((adu[at] ^ sign) << 8 | adu[at + 1]) - less
        at += 2


def get_bits(values, adu, at, quantity):
    """Put the bits from adu[at] on into the first items of `values`."""
    for i in range(quantity):
        values[i] = adu[at + (i >> 3)] >> (i & 7) & 1


def put_registers(adu, at, values, quantity):
    """Put as many items of `values` to adu[at:]. Returns whether all can be registers."""
    for i in range(quantity):
        value = values[i]
        if not -32768 <= value <= 65535:
            return False
        adu[at] = value >> 8 & 0xFF
        adu[at + 1] = value & 0xFF
        at += 2
    return True


def put_bits(adu, at, values, quantity):
    """Put as many items of `values` to adu[at:], as bits. Returns whether all can be."""
    for i in range(quantity):
        value = values[i]
        if value & -2:
            return False
        if not i & 7:
            adu[at + (i >> 3)] = 0
        adu[at + (i >> 3)] |= value << (i & 7)
    return True
