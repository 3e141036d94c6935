"""umb.fast.values as machine code. Left out where a port cannot compile it.

Nothing here checks the bounds of the buffer: callers pass what lies inside. Those of `values` are
checked, as everywhere.
"""

import micropython

# Variables, no constants of the compiler: an int of any length is compared with them as an object,
# before its lowest bits are taken.
_LOWEST = -32768
_HIGHEST = 65535
_OFF = 0
_ON = 1


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


@micropython.viper
def put_registers(adu: ptr8, at: int, values, quantity: int) -> bool:  # noqa: F821
    i = 0
    while i < quantity:
        value = values[i]
        if not _LOWEST <= value <= _HIGHEST:
            return False
        register = int(value)
        adu[at] = register >> 8
        adu[at + 1] = register
        at += 2
        i += 1
    return True


@micropython.viper
def put_bits(adu: ptr8, at: int, values, quantity: int) -> bool:  # noqa: F821
    byte = 0
    i = 0
    while i < quantity:
        value = values[i]
        if not _OFF <= value <= _ON:
            return False
        byte |= int(value) << (i & 7)
        i += 1
        if not i & 7 or i == quantity:
            adu[at] = byte
            at += 1
            byte = 0
    return True
