"""umb.fast.values as machine code. Left out where a port cannot compile it.

Nothing here checks the bounds of the buffer: callers pass what lies inside. Those of `values` are
checked, as everywhere.
"""

import micropython


@micropython.viper
def get_registers(values, adu: ptr8, at: int, quantity: int, sign: int):  # noqa: F821
    less = sign << 8
    i = 0
    while i < quantity:
        values[i] = ((adu[at] ^ sign) << 8 | adu[at + 1]) - less
        at += 2
        i += 1


@micropython.viper
def get_bits(values, adu: ptr8, at: int, quantity: int):  # noqa: F821
    i = 0
    while i < quantity:
        values[i] = adu[at + (i >> 3)] >> (i & 7) & 1
        i += 1
