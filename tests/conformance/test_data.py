"""Coils, inputs and registers (Application Protocol V1.1b3, 6.1-6.6, 6.11, 6.12, 6.16, 6.17)."""

import struct
import threading

import pytest

from tests.conformance.test_general import words

BITS = [i % 3 == 0 for i in range(2000)]


def packed(bits):
    """Return bits as they stand in a PDU."""
    size = (len(bits) + 7) // 8
    return sum(bit << i for i, bit in enumerate(bits)).to_bytes(size, "little")


def registers(*values):
    """Return registers as they stand in a PDU."""
    return struct.pack(f">{len(values)}H", *values)


@pytest.fixture(autouse=True)
def as_it_was(request):
    """Coils as they were at the beginning, whatever a test has done to the first 40."""
    master = request.getfixturevalue("master")
    yield
    master.ask(words(15, 0, 40) + b"\x05" + packed(BITS[:40]))


@pytest.mark.parametrize("code", [1, 2])
def test_014_quantities_of_bits(master, code):
    for quantity in (0, 2001, 0x8001, 65535):
        assert master.ask(words(code, 0, quantity)) == bytes([code | 0x80, 3])
    assert len(master.ask(words(code, 0, 2000))) == 252


@pytest.mark.parametrize("code", [1, 2])
@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 1999, 2000])
def test_015_016_017_019_bits(master, code, quantity):
    head = bytes([code, (quantity + 7) // 8])
    assert master.ask(words(code, 0, quantity)) == head + packed(BITS[:quantity])
    if quantity < 1999:
        assert master.ask(words(code, 3, quantity)) == head + packed(BITS[3 : 3 + quantity])


@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 1967, 1968])
def test_019_what_is_written_is_read(master, quantity):
    other = [not bit for bit in BITS[5 : 5 + quantity]]
    for bits in (other, BITS[5 : 5 + quantity]):
        data = packed(bits)
        asked = words(15, 5, quantity)
        assert master.ask(asked + bytes([len(data)]) + data) == asked
        assert master.ask(words(1, 5, quantity))[2:] == data
        assert master.ask(words(1, 4, 1)) == b"\x01\x01" + packed(BITS[4:5])
        after = 5 + quantity
        assert master.ask(words(1, after, 1)) == b"\x01\x01" + packed(BITS[after : after + 1])


@pytest.mark.parametrize("code", [3, 4])
def test_020_021_022_registers(master, code):
    for quantity in (0, 126, 0xFFFF):
        assert master.ask(words(code, 0, quantity)) == bytes([code | 0x80, 3])
    for quantity in (1, 2, 124, 125):
        response = master.ask(words(code, 0, quantity))
        assert len(response) == 2 + 2 * quantity
        assert response[:2] == bytes([code, 2 * quantity])


def test_023_coil_values(master):
    assert master.ask(words(5, 1, 0xFF00)) == words(5, 1, 0xFF00)
    for value in (1, 0xFF01, 0x00FF, 0xFFFF, 0x0100):
        assert master.ask(words(5, 1, value)) == b"\x85\x03"
    assert master.ask(words(1, 1, 1)) == b"\x01\x01\x01"
    assert master.ask(words(5, 1, 0)) == words(5, 1, 0)
    assert master.ask(words(1, 1, 1)) == b"\x01\x01\x00"


def test_024_025_coil_echo_and_address(master):
    for value, bit in ((0xFF00, 1), (0, 0)):
        assert master.ask(words(5, 1999, value)) == words(5, 1999, value)
        assert master.ask(words(1, 1999, 1)) == bytes([1, 1, bit])
    for address in (2000, 65535):
        assert master.ask(words(5, address, 0)) == b"\x85\x02"


def test_026_any_register_value(master):
    for value in (0, 1, 0x7FFF, 0x8000, 0xFFFF):
        assert master.ask(words(6, 5, value)) == words(6, 5, value)
        assert master.ask(words(3, 5, 1)) == b"\x03\x02" + registers(value)


def test_027_028_coil_quantities(master):
    assert master.ask(words(15, 32, 1968) + b"\xf6" + bytes(246)) == words(15, 32, 1968)
    master.ask(words(15, 32, 1968) + b"\xf6" + packed(BITS[32:]))
    assert master.ask(words(15, 0, 1969) + b"\xf7" + bytes(247)) == b"\x8f\x03"
    assert master.ask(words(15, 0, 0) + b"\x00") == b"\x8f\x03"
    assert master.ask(words(15, 0, 9) + b"\x01\xff") == b"\x8f\x03"
    assert master.ask(words(15, 0, 8) + b"\x02\xff\xff") == b"\x8f\x03"
    assert master.ask(words(1, 0, 40))[2:] == packed(BITS[:40])


def test_029_030_padding_is_ignored(master):
    assert master.ask(words(15, 0, 3) + b"\x01\xff") == words(15, 0, 3)
    assert master.ask(words(1, 0, 8)) == b"\x01\x01" + packed([1, 1, 1, *BITS[3:8]])


def test_031_032_033_register_quantities(master):
    values = registers(*range(20, 143))
    assert master.ask(words(16, 0, 123) + b"\xf6" + values) == words(16, 0, 123)
    assert master.ask(words(16, 0, 124) + b"\xf8" + bytes(246)) == b"\x90\x03"
    assert master.ask(words(16, 0, 0) + b"\x00") == b"\x90\x03"
    assert master.ask(words(16, 0, 2) + b"\x02\0\1") == b"\x90\x03"
    assert master.ask(words(16, 0, 1) + b"\x04\0\1\0\2") == b"\x90\x03"
    assert master.ask(words(3, 0, 123))[2:] == values


def test_068_069_070_mask(master):
    for now, and_mask, or_mask, then in (
        (0x12, 0xF2, 0x25, 0x17),
        (0x1234, 0, 0x4321, 0x4321),
        (0x1234, 0x0F0F, 0, 0x0204),
        (0x1234, 0xFFFF, 0xFFFF, 0x1234),
        (0xFFFF, 0xFFFF, 0, 0xFFFF),
    ):
        master.ask(words(6, 4, now))
        assert master.ask(words(22, 4, and_mask, or_mask)) == words(22, 4, and_mask, or_mask)
        assert master.ask(words(3, 4, 1)) == b"\x03\x02" + registers(then)
    assert master.ask(words(22, 200, 0, 0)) == b"\x96\x02"


def test_071_two_masters_set_bits_of_one_register(bench, master):
    """Each sets eight of them, one by one, at the same time."""
    master.ask(words(6, 6, 0))

    def set_bits(one, bits):
        for i in bits:
            one.ask(words(22, 6, 0xFFFF & ~(1 << i), 1 << i))

    other = bench.peer("TCP")
    thread = threading.Thread(target=set_bits, args=(other, range(0, 16, 2)))
    thread.start()
    set_bits(master, range(1, 16, 2))
    thread.join()
    other.close()
    assert master.ask(words(3, 6, 1)) == b"\x03\x02\xff\xff"


def test_072_read_write_quantities(master):
    values = registers(*range(20, 141))
    full = words(23, 0, 125, 4, 121) + b"\xf2" + values
    assert len(master.ask(full)) == 252
    for wrong in (
        words(23, 0, 126, 0, 1) + b"\x02\0\1",
        words(23, 0, 0, 0, 1) + b"\x02\0\1",
        words(23, 0, 1, 0, 0) + b"\x00",
        words(23, 0, 1, 0, 122) + b"\xf4" + values,
        words(23, 0, 1, 0, 1) + b"\x04" + bytes(4),
        words(23, 0, 1, 0, 2) + b"\x02" + bytes(2),
        words(23, 0, 1, 0, 2) + b"\x04" + bytes(2),
    ):
        assert master.ask(wrong) == b"\x97\x03"


def test_073_075_write_before_read(master):
    master.ask(words(16, 0, 4) + b"\x08" + registers(1, 2, 3, 4))
    response = master.ask(words(23, 0, 4, 1, 2) + b"\x04" + registers(8, 9))
    assert response == b"\x17\x08" + registers(1, 8, 9, 4)


def test_074_both_ranges_first(master):
    master.ask(words(6, 0, 1))
    assert master.ask(words(23, 199, 2, 0, 1) + b"\x02\0\7") == b"\x97\x02"
    assert master.ask(words(23, 0, 1, 199, 2) + b"\x04\0\7\0\7") == b"\x97\x02"
    assert master.ask(words(3, 0, 1)) == b"\x03\x02\x00\x01"
