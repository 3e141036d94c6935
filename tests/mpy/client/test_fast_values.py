"""umb.fast.values: the twins take all that requests and responses can have, and agree."""

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


def test_every_register_that_is_put():
    adu = bytearray(6)
    for twin in _TWINS:
        for value in range(-33000, 66000):
            adu[1] = adu[2] = 0x55
            fits = -32768 <= value <= 65535
            assert twin.put_registers(adu, 1, (value,), 1) is fits, value
            if fits:
                assert adu[1] << 8 | adu[2] == value & 0xFFFF, value
    assert (adu[0], adu[3:]) == (0, bytes(3))


def test_every_quantity_that_is_put():
    random.seed(3)
    for n in range(124):
        words = random_bytes(2 * n)
        values_ = [words[2 * i] << 8 | words[2 * i + 1] for i in range(n)]
        for twin in _TWINS:
            for one in (values_, tuple(values_), array("H", values_), array("i", values_)):
                adu = bytearray(b"\x55" * 262)
                assert twin.put_registers(adu, 13, one, n)
                assert adu == b"\x55" * 13 + words + b"\x55" * (249 - 2 * n), n


def test_every_quantity_of_bits_that_is_put():
    random.seed(4)
    for n in list(range(40)) + list(range(100, 1969, 211)) + [1968]:
        bits = [random.getrandbits(1) for _ in range(n)]
        packed = bytearray(n + 7 >> 3)
        for i in range(n):
            packed[i >> 3] |= bits[i] << (i & 7)
        for twin in _TWINS:
            for one in (bits, bytes(bits), array("h", bits), [bit == 1 for bit in bits]):
                adu = bytearray(b"\x55" * 262)
                assert twin.put_bits(adu, 13, one, n)
                assert adu == b"\x55" * 13 + packed + b"\x55" * (249 - len(packed)), n


def refuses(function, *args):
    try:
        return not function(*args)
    except TypeError:
        return True


_TOO_LONG = tuple(1 << shift for shift in (16, 17, 30, 31, 32, 33, 62, 63, 64, 65, 200))


def test_what_cannot_be_put():
    adu = bytearray(262)
    for twin in _TWINS:
        for power in _TOO_LONG:  # machine code takes the lowest bits of what is too long
            for value in (power, power + 1, -power, 1 - power, power + 0x8000, -power - 0x8000):
                if not -32768 <= value <= 65535:
                    assert not twin.put_registers(adu, 13, [1, value], 2), value
                if value not in (0, 1):
                    assert not twin.put_bits(adu, 13, [1, value], 2), value
        for value in (1.0, 1.5, "1", None, b"1", [1]):
            assert refuses(twin.put_registers, adu, 13, [1, value], 2), value
            assert refuses(twin.put_bits, adu, 13, [1, value], 2), value
        for value in (2, 3, -1, 255, 256):
            assert not twin.put_bits(adu, 13, [0, value], 2)
        assert twin.put_registers(adu, 13, [True, False], 2)
        assert adu[13:17] == b"\0\1\0\0"


def test_the_fast_twin_is_taken():
    for name in ("get_registers", "get_bits", "put_registers", "put_bits"):
        assert getattr(values, name) is getattr(_TWINS[-1], name)
