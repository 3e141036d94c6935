"""umb.words beside struct: every kind in every order, on lists and stores; nothing is torn."""

import struct
from array import array

from support.client_calls import words as hexed
from support.pdu import Link, ask, raw, request
from support.umb import Signed, raises, values

from umb.server import Server
from umb.store import Registers, Store
from umb.words import (
    ABCD,
    BADC,
    CDAB,
    DCBA,
    F32,
    F64,
    I16,
    I32,
    I64,
    U16,
    U32,
    U64,
    get,
    get_bytes,
    get_string,
    put,
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
    (U64, (0, 1, 0x0102030405060708, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)),
    (I64, (0, 1, -1, 0x0102030405060708, (1 << 63) - 1, -(1 << 63))),
    (F32, (0.0, 1.0, -1.5, 123456.0, 2.0**-126, -(2.0**127), float("inf"), float("-inf"))),
    (F64, (0.0, 1.0, -1.5, 0.1, 1e300, -1e-300, float("inf"), float("-inf"))),
)
_IMPOSSIBLE = (
    (U16, (-1, 1 << 16, 1.0, 1.5)),
    (I16, (1 << 15, -(1 << 15) - 1)),
    (U32, (-1, 1 << 32, -(1 << 31), 2.5)),
    (I32, (1 << 31, -(1 << 31) - 1, 1 << 40)),
    (U64, (-1, 1 << 64)),
    (I64, (1 << 63, -(1 << 63) - 1)),
    (F32, (1e39, -1e39, 3.5e38)),
)


def ordered(kind, value, order):
    """The registers that hold a value, as devices of that order have it."""
    data = struct.pack(kind, value)
    found = [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
    if order in (CDAB, DCBA):
        found = list(reversed(found))
    if order in (BADC, DCBA):
        found = [value >> 8 | (value & 255) << 8 for value in found]
    return found


def test_size():
    assert [size(kind) for kind in (U32, I32, F32, U64, I64, F64)] == [2, 2, 2, 4, 4, 4]
    assert [size(kind) for kind in (U16, I16)] == [1, 1]


def test_unknown_kinds():
    registers = [7] * 4
    for kind in ("", "I", "<I", ">i>i", ">b", "U32", None, 1):
        for error in (
            raises(ValueError, size, kind),
            raises(ValueError, get, registers, 0, kind),
            raises(ValueError, put, registers, 0, kind, 1),
        ):
            assert str(error) == "kind must be U16, I16, U32, I32, U64, I64, F32 or F64"
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
    for kind in (U16, U32, I64, F32, F64):
        for value in (None, "1", [1]):
            registers = [7] * 4
            raises(ValueError, put, registers, 0, kind, value)
            assert registers == [7] * 4


def test_sentences():
    """An error says what is wanted."""
    for kind, value, sentence in (
        (U32, -1, "U32 takes an integer from 0 to 4294967295, not -1"),
        (I16, 40000, "I16 takes an integer from -32768 to 32767, not 40000"),
        (I16, "7", "I16 takes an integer from -32768 to 32767, not '7'"),
        (F32, None, "F32 takes a number, not None"),
        (F32, 1e39, "1e+39 is too large for F32"),
    ):
        assert str(raises(ValueError, put, [0] * 2, 0, kind, value)) == sentence
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
    for value in range(65536):
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
