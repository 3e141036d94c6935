"""The values of a response, as machine code where the board can compile it.

get_registers(values, adu, at, quantity, sign)   the registers at adu[at], as the first items of
                `values`, a list or an array. sign: 0x80 if they are -32768..32767, or 0
get_bits(values, adu, at, quantity)   the bits from adu[at] on, the lowest of a byte first
"""

from . import REASONS

try:
    from .values_viper import get_bits, get_registers
except REASONS:
    from .values_bytecode import get_bits, get_registers  # noqa: F401
