"""umb.words beside struct: every kind in every order, on lists and stores; nothing is torn."""

import struct
from array import array

from support import every_nth, spread
from support.client_calls import words as hexed
from support.heap import free_of_heap
from support.pdu import Link, ask, raw, request
from support.umb import Signed, raises, values

from umb.server import Server
from umb.store import Registers, Store
from umb.sunspec import get_scaled, put_scaled
from umb.words import (
    ABCD,
    BADC,
    BCD16,
    BCD32,
    BCD48,
    BCD64,
    CDAB,
    DCBA,
    F32,
    F64,
    I16,
    I32,
    I48,
    I64,
    U16,
    U32,
    U48,
    U64,
    get,
    get_bits,
    get_bytes,
    get_string,
    put,
    put_bits,
    put_bytes,
    put_string,
    size,
)

_ORDERS = (ABCD, CDAB, BADC, DCBA)
_SAMPLES = (
    (U16, (0, 1, 0x0102, 0x7FFF, 0x8000, 0xFFFF)),
    (I16, (0, 1, -1, 0x0102, 0x7FFF, -0x8000)),
    (U32, (0, 1, 0x01020304, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)),
    (I32, (0, 1, -1, 0x01020304, 0x7FFFFFFF, -0x80000000)),
    (U48, (0, 1, 0x010203040506, (1 << 47) - 1, 1 << 47, (1 << 48) - 1)),
    (I48, (0, 1, -1, 0x010203040506, (1 << 47) - 1, -(1 << 47))),
    (U64, (0, 1, 0x0102030405060708, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)),
    (I64, (0, 1, -1, 0x0102030405060708, (1 << 63) - 1, -(1 << 63))),
    (F32, (0.0, 1.0, -1.5, 123456.0, 2.0**-126, -(2.0**127), float("inf"), float("-inf"))),
    (F64, (0.0, 1.0, -1.5, 0.1, 1e300, -1e-300, float("inf"), float("-inf"))),
    (BCD16, (0, 1, 1234, 9999)),
    (BCD32, (0, 1, 12345678, 99999999)),
    (BCD48, (0, 1, 123456789012, 999999999999)),
    (BCD64, (0, 1, 1234567890123456, 9999999999999999)),
)
_KINDS = tuple(kind for kind, _ in _SAMPLES)
_INTEGERS = (U16, I16, U32, I32, U48, I48, U64, I64)
_BCDS = (BCD16, BCD32, BCD48, BCD64)
_IMPOSSIBLE = (
    (U16, (-1, 1 << 16, 1.0, 1.5)),
    (I16, (1 << 15, -(1 << 15) - 1)),
    (U32, (-1, 1 << 32, -(1 << 31), 2.5)),
    (I32, (1 << 31, -(1 << 31) - 1, 1 << 40)),
    (U64, (-1, 1 << 64)),
    (I64, (1 << 63, -(1 << 63) - 1)),
    (U48, (-1, 1 << 48)),
    (I48, (1 << 47, -(1 << 47) - 1)),
    (F32, (1e39, -1e39, 3.5e38)),
    (BCD16, (-1, 10000, 1.0)),
    (BCD32, (-1, 100000000)),
    (BCD48, (-1, 10**12)),
    (BCD64, (-1, 10**16)),
)


def ordered(kind, value, order):
    """The registers that hold a value, as devices of that order have it."""
    n = size(kind)
    if kind in (F32, F64):
        data = struct.pack(">f" if kind == F32 else ">d", value)
    elif kind in _BCDS:
        data = bytes(int(pair, 16) for pair in pairs("{:0{}d}".format(value, 4 * n)))
    else:
        data = struct.pack(">q" if value < 0 else ">Q", value)[8 - 2 * n :]
    found = [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
    if order in (CDAB, DCBA):
        found = list(reversed(found))
    if order in (BADC, DCBA):
        found = [value >> 8 | (value & 255) << 8 for value in found]
    return found


def pairs(text):
    """Two characters of a text at a time."""
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def test_size():
    for n, kinds in (
        (1, (U16, I16, BCD16)),
        (2, (U32, I32, F32, BCD32)),
        (3, (U48, I48, BCD48)),
        (4, (U64, I64, F64, BCD64)),
    ):
        assert [size(kind) for kind in kinds] == [n] * len(kinds)


def test_kinds_are_the_names_that_others_use():
    """Those of Home Assistant's integration `modbus`, as far as it has them."""
    for kind, name in ((U16, "uint16"), (I32, "int32"), (U64, "uint64"), (F32, "float32")):
        assert kind == name and size(name) == size(kind)


def test_unknown_kinds():
    registers = [7] * 4
    for kind in (
        "",
        "I",
        ">I",
        "uint",
        "uint8",
        "uint128",
        "U32",
        "UINT32",
        None,
        1,
        [],
        b"uint16",
    ):
        for error in (
            raises(ValueError, size, kind),
            raises(ValueError, get, registers, 0, kind),
            raises(ValueError, put, registers, 0, kind, 1),
        ):
            text = "kind must be U16, F32 or another one of umb.words, not {!r}"
            assert str(error) == text.format(kind)
    assert registers == [7] * 4


def test_the_names_of_the_orders():
    """The bytes of 0x41424344 spell what the order is called, as they come from the line."""
    for order in _ORDERS:
        registers = [0, 0]
        put(registers, 0, U32, 0x41424344, order)
        assert raw(hexed(registers)).decode() == order


def test_every_kind_in_every_order():
    for kind, samples in _SAMPLES:
        for order in _ORDERS:
            for value in samples:
                registers = [7] * 9
                put(registers, 3, kind, value, order)
                wanted = ordered(kind, value, order)
                assert registers[3 : 3 + size(kind)] == wanted, (kind, order, value)
                assert registers[:3] == [7] * 3 and registers[3 + size(kind) :] == [7] * (
                    6 - size(kind)
                )
                assert get(registers, 3, kind, order) == value, (kind, order, value)


def test_not_a_number():
    for kind in (F32, F64):
        registers = [0] * 4
        put(registers, 0, kind, float("nan"))
        got = get(registers, 0, kind)
        assert got != got  # noqa: PLR0124 - that is what it is


def test_abcd_unless_told():
    registers = [0, 0]
    put(registers, 0, U32, 0x01020304)
    assert registers == [0x0102, 0x0304] and get(registers, 0, U32) == 0x01020304


def test_what_does_not_fit():
    for kind, samples in _IMPOSSIBLE:
        for value in samples:
            registers = [7] * 4
            raises(ValueError, put, registers, 0, kind, value)
            assert registers == [7] * 4, (kind, value)


def test_what_is_no_number():
    for kind in _KINDS:
        for value in (None, "1", [1]):
            registers = [7] * 4
            raises(ValueError, put, registers, 0, kind, value)
            assert registers == [7] * 4


def test_sentences():
    """An error says what is wanted."""
    for kind, value, sentence in (
        (U32, -1, "uint32 must be 0..4294967295, not -1"),
        (I16, 40000, "int16 must be -32768..32767, not 40000"),
        (I16, "7", "int16 must be -32768..32767, not '7'"),
        (I48, 1 << 47, "int48 must be -140737488355328..140737488355327, not 140737488355328"),
        (BCD32, 1 << 30, "bcd32 must be 0..99999999, not 1073741824"),
        (F32, None, "float32 must be a number, not None"),
        (F32, 1e39, "1e+39 is too large for float32"),
    ):
        assert str(raises(ValueError, put, [0] * 4, 0, kind, value)) == sentence
    assert str(raises(ValueError, put_string, [0], 0, 1, "abc")) == (
        "3 bytes do not fit into 1 registers"
    )
    assert str(raises(IndexError, get, [0, 0], -1, U32)) == "there is no register -1"


def test_truth_is_a_number():
    registers = [7, 7]
    for kind in (U32, I32, F32):
        for value in (True, False):
            put(registers, 0, kind, value)
            assert get(registers, 0, kind) == value


def test_unknown_orders():
    registers = [7] * 4
    for order in ("", "ABDC", "abcd", None, 1):
        raises(ValueError, put, registers, 0, U32, 1, order)
        raises(ValueError, get, registers, 0, U32, order)
        raises(ValueError, put_string, registers, 0, 2, "a", order)
        raises(ValueError, get_string, registers, 0, 2, order)
        assert registers == [7] * 4


def test_bytes_are_no_registers():
    for there in (b"abcdefgh", bytearray(8), "abcdefgh"):
        for error in (
            raises(TypeError, get, there, 0, U32),
            raises(TypeError, put, there, 0, U32, 1),
            raises(TypeError, get_string, there, 0, 2),
            raises(TypeError, get_bits, there, 0, 0, 1),
        ):
            assert str(error).startswith(
                "values must hold registers, as a list does, not bytes: "
            ), error


# --- the whole width


def test_every_register_as_a_value_of_16_bits():
    """All 65,536, in every order of bytes, there and back; that of the words changes nothing."""
    there, back = [0], [0]
    for value in range(65536):
        low_first = value >> 8 | (value & 0xFF) << 8
        there[0] = value
        orders = (ABCD, BADC) if value % 11 else _ORDERS
        for order in orders:
            bits = low_first if order in (BADC, DCBA) else value
            signed = bits - 0x10000 if bits & 0x8000 else bits
            assert get(there, 0, U16, order) == bits
            assert get(there, 0, I16, order) == signed
            put(back, 0, U16, bits, order)
            assert back == there
            back[0] = 7
            put(back, 0, I16, signed, order)
            assert back == there


def test_every_register_as_bcd():
    """All 65,536, in each order of bytes: 10,000 of them are numbers, the others None."""
    there, back = [0], [0]
    for order in every_nth(_ORDERS, 2, 0):
        numbers = 0
        for value in range(65536):
            there[0] = value
            digits = value >> 8 | (value & 0xFF) << 8 if order in (BADC, DCBA) else value
            text = "{:04x}".format(digits)
            got = get(there, 0, BCD16, order)
            if not text.isdigit():
                assert got is None, text
                continue
            numbers += 1
            assert got == int(text)
            put(back, 0, BCD16, got, order)
            assert back == there
        assert numbers == 10_000


def test_every_byte_at_every_place():
    """Of wider values: each byte from 0 to 255 among bytes that tell one place from another."""
    for kind in _INTEGERS:
        n = size(kind)
        for order in _ORDERS:
            for place in range(2 * n):
                data = bytearray(range(0xA1, 0xA1 + 2 * n))
                for byte in range(256):
                    data[place] = byte
                    value = 0
                    for one in data:
                        value = value << 8 | one
                    if kind in (I16, I32, I48, I64) and data[0] & 0x80:
                        value -= 1 << 16 * n
                    registers = [7] * (n + 2)
                    put(registers, 1, kind, value, order)
                    assert registers[1:-1] == ordered(kind, value, order), (kind, order, value)
                    assert get(registers, 1, kind, order) == value
                    assert registers[0] == registers[-1] == 7


def test_every_pair_of_digits_at_every_place():
    """Of wider BCD: each byte from 0 to 255; where one is no two digits, the value is None."""
    for kind in _BCDS:
        n = size(kind)
        for order in _ORDERS:
            for place in range(2 * n):
                digits = ["12", "34", "56", "78", "90", "13", "57", "92"][: 2 * n]
                for byte in range(256):
                    digits[place] = "{:02x}".format(byte)
                    text = "".join(digits)
                    registers = [int(text[i : i + 4], 16) for i in range(0, 4 * n, 4)]
                    if order in (CDAB, DCBA):
                        registers = list(reversed(registers))
                    if order in (BADC, DCBA):
                        registers = [value >> 8 | (value & 255) << 8 for value in registers]
                    wanted = int(text) if text.isdigit() else None
                    assert get(registers, 0, kind, order) == wanted, (kind, order, text)
                    if wanted is not None:
                        back = [7] * n
                        put(back, 0, kind, wanted, order)
                        assert back == registers


def test_every_exponent_of_floats():
    """All 65,536 high registers of a float, and of a double, as struct has them."""
    for kind, code, rest in ((F32, ">f", b"\x01\x02"), (F64, ">d", b"\1\2\3\4\5\6")):
        low = [rest[i] << 8 | rest[i + 1] for i in range(0, len(rest), 2)]
        for high in range(65536):
            wanted = struct.unpack(code, bytes((high >> 8, high & 0xFF)) + rest)[0]
            order, registers = (ABCD, [high] + low) if high & 1 else (CDAB, low[::-1] + [high])
            got = get(registers, 0, kind, order)
            if wanted != wanted:  # noqa: PLR0124 - not a number
                assert got != got  # noqa: PLR0124
                continue
            assert got == wanted
            back = [7] * len(registers)
            put(back, 0, kind, wanted, order)
            assert back == registers


# --- bits


def test_every_group_of_bits_of_every_kind_of_register():
    """All groups, read and written, in both orders of the bytes; the other bits stay."""
    patterns = [0, 0xFFFF, 0xA5C3, 0x0102, 0x8001] + [1 << i for i in range(16)]
    for value in patterns:
        for order in _ORDERS:
            swapped = order in (BADC, DCBA)
            wire = value >> 8 | (value & 0xFF) << 8 if swapped else value
            for first in range(16):
                for n in range(1, 17 - first):
                    mask = (1 << n) - 1
                    registers = [7, wire, 7]
                    assert get_bits(registers, 1, first, n, order) == value >> first & mask
                    for new in (0, mask, mask >> 1, 0x5A5A & mask):
                        put_bits(registers, 1, first, n, new, order)
                        bits = value & ~(mask << first) | new << first
                        kept = bits >> 8 | (bits & 0xFF) << 8 if swapped else bits
                        assert registers == [7, kept, 7], (value, order, first, n, new)


def test_every_register_has_its_bits():
    registers = [0]
    for value in range(65536):
        registers[0] = value
        first = value % 16
        assert get_bits(registers, 0, 0, 16) == value
        assert get_bits(registers, 0, first, 1) == value >> first & 1
    assert get_bits([-2], 0, 0, 16) == 0xFFFE, "a signed register"


def test_bits_that_are_none():
    for first, n in (
        (-1, 1),
        (0, 0),
        (0, 17),
        (16, 1),
        (15, 2),
        (3, -1),
        (None, 1),
        (0, "1"),
        (1.0, 1),
    ):
        registers = [7]
        error = raises(ValueError, get_bits, registers, 0, first, n)
        assert str(error).startswith("first and n must be of bits 0..15, not "), error
        raises(ValueError, put_bits, registers, 0, first, n, 0)
        assert registers == [7]
    for value in (-1, 8, None, "1", 1.0):
        registers = [7]
        error = raises(ValueError, put_bits, registers, 0, 4, 3, value)
        assert str(error) == "value must be 0..7, not {!r}".format(value)
        assert registers == [7]
    for at in (-1, 1):
        raises(IndexError, get_bits, [7], at, 0, 1)
        raises(IndexError, put_bits, [7], at, 0, 1, 1)
    for order in ("", None, "abcd"):
        raises(ValueError, get_bits, [7], 0, 0, 1, order)
        raises(ValueError, put_bits, [7], 0, 0, 1, 1, order)


# --- scale factors


def test_every_scale_factor():
    """All 65,536 registers as one: those that are none make the value None."""
    registers = [2301, 0]
    for factor in range(-32768, 32768):
        registers[1] = factor & 0xFFFF
        got = get_scaled(registers, 0, U16, 1)
        if not -10 <= factor <= 10:
            assert got is None
            back = [7, factor]
            raises(ValueError, put_scaled, back, 0, U16, 1, 1)
            assert back[0] == 7
            continue
        wanted = 2301 * 10**factor if factor >= 0 else 2301 / 10**-factor
        assert got == wanted, factor
        assert isinstance(got, int if factor >= 0 else float)
        back = [0, factor]
        put_scaled(back, 0, U16, got, 1)
        assert back[0] == 2301, factor


def test_every_register_scaled():
    """All 65,536, signed and not: there and back, and the one that is not implemented."""
    for kind, missing, factor in ((U16, 0xFFFF, -2), (I16, 0x8000, 1)):
        there, back = [0, factor], [0, factor]
        for value in spread(range(65536), 5000):
            there[0] = value
            got = get_scaled(there, 0, kind, 1)
            assert (got is None) == (value == missing)
            put_scaled(back, 0, kind, got, 1)
            assert back == there, (kind, factor, value)


def test_what_is_not_implemented():
    """As SunSpec has it, in every kind and order, with and without a scale factor."""
    for kind, registers in (
        (U16, [0xFFFF]),
        (I16, [0x8000]),
        (U32, [0xFFFF] * 2),
        (I32, [0x8000, 0]),
        (U48, [0xFFFF] * 3),
        (I48, [0x8000, 0, 0]),
        (U64, [0xFFFF] * 4),
        (I64, [0x8000, 0, 0, 0]),
        (F32, [0x7FC0, 0]),
        (F64, [0x7FF8, 0, 0, 0]),
    ):
        n = size(kind)
        for order in _ORDERS:
            there = registers
            if order in (CDAB, DCBA):
                there = there[::-1]
            if order in (BADC, DCBA):
                there = [value >> 8 | (value & 0xFF) << 8 for value in there]
            assert get_scaled(there, 0, kind, None, order) is None, (kind, order)
            back = [7] * (n + 1)
            put_scaled(back, 0, kind, None, None, order)
            assert back == there + [7], (kind, order)
            put(back, n, I16, -1, order)
            put_scaled(back, 0, kind, 12.0, n, order)
            assert get(back, 0, kind, order) == 120
            assert get_scaled(back, 0, kind, n, order) == 12
            put(back, n, I16, -32768, order)
            assert get_scaled(back, 0, kind, n, order) is None, "the factor is not implemented"


def test_any_nan_is_not_implemented():
    """Inverters have sent 7FBFFF80 for it."""
    for registers in ([0x7FC0, 0], [0xFFC0, 0], [0x7F80, 1], [0x7FBF, 0xFF80], [0xFFFF, 0xFFFF]):
        assert get_scaled(registers, 0, F32) is None


def test_numbers_that_stand_for_nothing_are_refused():
    for kind, value in ((U16, 65535), (I16, -32768), (U32, 0xFFFFFFFF), (I64, -(1 << 63))):
        registers = [7] * 5
        error = raises(ValueError, put_scaled, registers, 0, kind, value)
        assert str(error) == "{} in {} means that there is no value".format(value, kind)
        assert registers == [7] * 5
    for kind in _BCDS:
        raises(ValueError, put_scaled, [7] * 4, 0, kind, None)
        assert get_scaled([0xFFFF] * 4, 0, kind) is None
        registers = [7] * 4 + [0xFFFF]
        put_scaled(registers, 0, kind, 12.3, 4)
        assert get_scaled(registers, 0, kind, 4) == 12.3
    for value in ("1", [], float("nan"), float("inf"), 1e6, -1):
        registers = [7, 0xFFFF]
        raises(ValueError, put_scaled, registers, 0, U16, value, 1)
        assert registers == [7, 0xFFFF]


def test_scaled_values_are_rounded():
    for value, factor, wanted in (
        (230.14, -1, 2301),
        (230.16, -1, 2302),
        (1234, 2, 12),
        (1251, 2, 13),
        (0.1 + 0.2, -1, 3),
        (-1.26, -1, -13),
        ((1 << 62) + 1, 0, (1 << 62) + 1),
        (123456789012345678, 2, 1234567890123457),
        (True, 0, 1),
    ):
        registers = [0] * 4 + [factor]
        put_scaled(registers, 0, I64, value, 4)
        assert get(registers, 0, I64) == wanted, value


# --- the heap


_SMALL = (U16, I16, U32, I32, U48, I48, BCD16, BCD32, BCD48)


class Work:
    """Reads and writes values that are small integers, and bits."""

    def __init__(self):
        self.faults = 0
        self.registers = [0] * 6

    def all(self):
        for kind in _SMALL:
            for order in _ORDERS:
                put(self.registers, 1, kind, 1234, order)
                if get(self.registers, 1, kind, order) != 1234:
                    self.faults += 1
        put_bits(self.registers, 5, 3, 2, 3)
        if get_bits(self.registers, 5, 3, 2) != 3:
            self.faults += 1


def test_small_integers_take_no_memory():
    free_of_heap("words", Work.all, Work())


def test_signed_registers():
    """What a client call returns where values are signed."""
    registers = [-1, -2, -32768, 32767]
    assert get(registers, 0, U32) == 0xFFFFFFFE
    assert get(registers, 0, I32) == -2
    assert get(registers, 2, I32, CDAB) == 0x7FFF8000


def test_arrays():
    """Such as a client call fills: into=."""
    for code in ("H", "i", "I"):
        registers = array(code, [0] * 6)
        for kind, samples in _SAMPLES:
            for order in _ORDERS:
                put(registers, 1, kind, samples[1], order)
                assert get(registers, 1, kind, order) == samples[1]


def test_stores():
    store = Store(holding_registers=Registers(100, 10))
    area = store.holding_registers
    for signed in (False, True):
        for kind, samples in _SAMPLES:
            for order in _ORDERS:
                for value in samples:
                    put(area, 103, kind, value, order)
                    assert get(area, 103, kind, order) == value
                    if signed:
                        with Signed():
                            assert get(area, 103, kind, order) == value


def test_what_a_client_then_reads():
    store = Store(holding_registers=Registers(100, 10))
    put(store.holding_registers, 102, F32, 123.456, CDAB)
    response = ask(Server(store), request(3, 102, 2), link=Link())
    assert response[:2] == b"\3\4"
    registers = [response[i] << 8 | response[i + 1] for i in (2, 4)]
    assert abs(get(registers, 0, F32, CDAB) - 123.456) < 1e-4


def test_missing_addresses_of_a_store():
    store = Store(holding_registers=Registers(100, 10))
    area = store.holding_registers
    for at, kind in ((99, U32), (109, U32), (107, U64), (97, F64), (110, F32), (0, I32)):
        raises(IndexError, put, area, at, kind, 1)
        raises(IndexError, get, area, at, kind)
        raises(IndexError, put_string, area, at, size(kind), "ab")
    assert values(area) == [0] * 10
    put(area, 106, U64, (1 << 64) - 1)


def test_missing_addresses_of_a_list():
    registers = [7] * 5
    for at, kind in ((4, U32), (5, U32), (2, U64)):
        raises(IndexError, put, registers, at, kind, 1)
        raises(IndexError, get, registers, at, kind)
    raises(IndexError, put_string, registers, 3, 3, "abcdef")
    assert registers == [7] * 5


def test_nothing_is_written_before_a_list():
    """A negative index would count from its end."""
    for at in (-1, -2, -3):
        registers = [7] * 5
        raises(IndexError, put, registers, at, U64, 1)
        raises(IndexError, get, registers, at, U64)
        raises(IndexError, put_string, registers, at, 4, "ab")
        assert registers == [7] * 5


def test_gaps_in_a_store():
    """Nothing is written where an address in the middle does not exist."""
    blocks = (Registers(0, 1), Registers(3, 10))
    area = Store(holding_registers=blocks).holding_registers
    raises(IndexError, put, area, 0, U64, (1 << 64) - 1)
    raises(IndexError, put_string, area, 0, 4, "abcdefgh")
    assert area[0] == 0 and area[3] == 0


def test_strings():
    for order, registers in (
        (ABCD, [0x6162, 0x6364, 0x6500]),
        (CDAB, [0x6162, 0x6364, 0x6500]),
        (BADC, [0x6261, 0x6463, 0x0065]),
        (DCBA, [0x6261, 0x6463, 0x0065]),
    ):
        there = [7] * 6
        put_string(there, 1, 4, "abcde", order)
        assert there == [7] + registers + [0, 7], order
        assert get_string(there, 1, 4, order) == "abcde"
        assert get_string(there, 1, 2, order) == "abcd"


def test_strings_of_all_lengths():
    for n in (1, 2, 5):
        for length in range(2 * n + 1):
            text = "xyzäö12345"[:length]
            registers = [7] * 12
            if len(text.encode()) <= 2 * n:
                put_string(registers, 0, n, text)
                assert get_string(registers, 0, n) == text
                assert registers[n:] == [7] * (12 - n)
            else:
                raises(ValueError, put_string, registers, 0, n, text)
                assert registers == [7] * 12


def test_strings_that_are_too_long():
    store = Store(holding_registers=4)
    put_string(store.holding_registers, 0, 4, "12345678")
    raises(ValueError, put_string, store.holding_registers, 0, 4, "123456789")
    raises(ValueError, put_string, store.holding_registers, 0, 3, "1234567")
    assert get_string(store.holding_registers, 0, 4) == "12345678"


def test_what_a_device_may_have_in_place_of_a_text():
    """Any bytes: those that are no UTF-8 are replaced, each by itself."""
    for registers, text in (
        ([0xFFFE, 0x8000], "\ufffd\ufffd\ufffd"),
        ([0x65FF, 0xFFFF], "e\ufffd\ufffd\ufffd"),
        ([0x4772, 0xFC6E], "Gr\ufffdn"),  # Latin-1
        ([0xC3BC, 0xC380], "\xfc\xc0"),
        ([0x41C3, 0x0000], "A\ufffd"),  # cut by its end,
        ([0x41C3], "A\ufffd"),  # or by that of the registers
        ([0xC080, 0xED80], "\ufffd\ufffd\ufffd\ufffd"),
        ([0xEDA0, 0x80F4, 0x9080, 0x8041], "\ufffd" * 7 + "A"),
        ([0xF09F, 0x9880], "\U0001f600"),
        ([0, 0x6162], ""),
        ([-1, -2], "\ufffd" * 4),
    ):
        assert get_string(registers, 0, len(registers)) == text, registers


def test_any_register_is_some_text():
    """tests/test_words.py compares them with what the PC's Python makes of them."""
    registers = [0, 0x4100]
    for value in every_nth(range(65536), 5, 0):
        registers[0] = value
        for order in (ABCD, BADC):
            get_string(registers, 0, 2, order).encode().decode()


def test_bytes():
    registers = [7, 0x0102, 0x00FF, -2, 0x8000, 7]
    data = b"\x01\x02\x00\xff\xff\xfe\x80\x00"
    swapped = b"\x02\x01\xff\x00\xfe\xff\x00\x80"
    for order, wanted in ((ABCD, data), (CDAB, data), (BADC, swapped), (DCBA, swapped)):
        got = get_bytes(registers, 1, 4, order)
        assert got == wanted and isinstance(got, bytes)
        there = [7] * 6
        put_bytes(there, 1, 4, got, order)
        assert [value & 0xFFFF for value in there] == [value & 0xFFFF for value in registers]
    assert get_bytes(registers, 0, 0) == b""


def test_bytes_are_filled_up():
    for data in (b"", b"a", b"abc", bytearray(b"abcd"), memoryview(b"abcd")):
        registers = [7] * 4
        put_bytes(registers, 1, 2, data)
        assert get_bytes(registers, 1, 2) == bytes(data) + bytes(4 - len(data))
        assert registers[0] == registers[3] == 7


def test_bytes_that_have_no_place():
    for at, n, data, kind in (
        (0, 2, b"abcde", ValueError),
        (3, 2, b"abcd", IndexError),
        (-1, 2, b"abcd", IndexError),
        (4, 1, b"", IndexError),
    ):
        registers = [7] * 4
        raises(kind, put_bytes, registers, at, n, data)
        assert registers == [7] * 4
    for at in (-1, 3):
        raises(IndexError, get_bytes, [7] * 4, at, 2)
    for order in ("", "abcd", None):
        raises(ValueError, get_bytes, [7], 0, 1, order)
        raises(ValueError, put_bytes, [7], 0, 1, b"a", order)


def test_no_registers_hold_an_empty_string():
    registers = [7]
    put_string(registers, 0, 0, "")
    assert registers == [7] and get_string(registers, 0, 0) == ""


class Interrupted:
    """Registers: the first accesses are interrupted, each by a hook that uses umb.words."""

    def __init__(self, values, times):
        self.values = values
        self.times = times

    def _interrupt(self):
        if self.times:
            self.times -= 1
            other = [0x1122] * 4
            assert get(other, 0, U64) == 0x1122112211221122
            put(other, 0, F64, -2.5)
            assert get(other, 0, F64) == -2.5

    def __getitem__(self, i):
        self._interrupt()
        return self.values[i]

    def __setitem__(self, i, value):
        self.values[i] = value
        self._interrupt()


def test_hooks_that_come_between_spoil_nothing():
    """A slave in the background calls hooks between two steps of the program."""
    for kind, samples in _SAMPLES:
        for order in _ORDERS:
            for value in spread(samples, 3):
                for times in (1, 2, 5, 300) if order == ABCD else (1, 2, 5):
                    wanted = ordered(kind, value, order)
                    registers = Interrupted([0] * 4, times)
                    put(registers, 0, kind, value, order)
                    assert registers.values[: size(kind)] == wanted, (kind, order, value, times)
                    assert get(Interrupted(wanted, times), 0, kind, order) == value
