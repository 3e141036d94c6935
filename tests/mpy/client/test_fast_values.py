"""umb.fast.values: the twins take all that responses can have, and agree."""

import random
from array import array

from support.umb import raises

from umb.fast import values, values_bytecode

_TWINS = [values_bytecode]
try:
    from umb.fast import values_viper

    _TWINS.append(values_viper)
except (ImportError, SyntaxError, ValueError):
    pass  # this MicroPython cannot compile it


def random_bytes(n):
    return bytearray(random.getrandbits(8) for _ in range(n))


def test_every_register():
    for twin in _TWINS:
        for sign in (0, 0x80):
            got = array("i", [0])
            adu = bytearray(2)
            for value in range(0, 0x10000, 251 if sign else 241):
                for word in (value, value ^ 0xFFFF):
                    adu[0], adu[1] = word >> 8, word & 0xFF
                    twin.get_registers(got, adu, 0, 1, sign)
                    assert got[0] == (word - 0x10000 if sign and word > 0x7FFF else word)


def test_every_quantity_of_registers():
    random.seed(1)
    for n in range(126):
        adu = random_bytes(262)
        words = [adu[9 + 2 * i] << 8 | adu[10 + 2 * i] for i in range(n)]
        for twin in _TWINS:
            for into in ([7] * 130, array("H", [7] * 130), array("i", [7] * 130)):
                twin.get_registers(into, adu, 9, n, 0)
                assert list(into) == words + [7] * (130 - n), n


def test_every_quantity_of_bits():
    random.seed(2)
    for n in list(range(40)) + list(range(100, 2001, 211)) + [2000]:
        adu = random_bytes(262)
        bits = [adu[9 + i // 8] >> i % 8 & 1 for i in range(n)]
        for twin in _TWINS:
            for into in ([7] * (n + 1), bytearray([7] * (n + 1))):
                twin.get_bits(into, adu, 9, n)
                assert list(into) == bits + [7], n


def test_values_that_are_too_few():
    """What lies behind them is not touched."""
    for twin in _TWINS:
        for into in ([0] * 3, array("H", [0] * 3)):
            raises(IndexError, twin.get_registers, into, bytes(262), 9, 4, 0)
            raises(IndexError, twin.get_bits, into, bytes(262), 9, 4)


def test_the_fast_twin_is_taken():
    assert values.get_registers is _TWINS[-1].get_registers
    assert values.get_bits is _TWINS[-1].get_bits
