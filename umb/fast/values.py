"""Values of requests and responses, as machine code where the board can compile it.

get_registers(values, adu, at, quantity, sign)   the registers at adu[at], as the first items of
                `values`, a list or an array. sign: 0x80 if they are -32768..32767, or 0
get_bits(values, adu, at, quantity)   the bits from adu[at] on, the lowest of a byte first
put_registers(adu, at, values, quantity)   as many items of `values` to adu[at:]
put_bits(adu, at, values, quantity)   as bits, the lowest of a byte first; the last byte is filled
                up with zeros

The last two return False for an item that is out of range; for one that is no number they do so,
or raise TypeError.
"""

from . import REASONS

try:
    from .values_viper import get_bits, get_registers, put_bits, put_registers
except REASONS:
    from .values_bytecode import get_bits, get_registers, put_bits, put_registers  # noqa: F401
