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
