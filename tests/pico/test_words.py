"""umb.words and umb.sunspec on a board: 31-bit small integers, and floats of 32 bits."""

import struct

import pytest

_LIMIT_MS = 20_000
_LONG = [pytest.param(order, marks=pytest.mark.long_pico) for order in ("ABCD", "BADC", "DCBA")]
_BITS = {"16": 1, "32": 2, "48": 3, "64": 4}


def edges(least, most):
    """Return the values at which a number of bits begins to matter, on the way to both ends."""
    found = {least, most, 0, 1, 0x0102030405060708 % (most + 1)}
    for bit in (7, 8, 15, 16, 23, 24, 29, 30, 31, 32, 47, 62, 63):
        found |= {(1 << bit) - 1, 1 << bit, -(1 << bit), -(1 << bit) - 1}
    return sorted(value for value in found if least <= value <= most)


def samples():
    """Yield (kind, value, its bytes, highest first)."""
    for width, n in _BITS.items():
        bits = 16 * n
        for value in edges(0, (1 << bits) - 1):
            yield f"uint{width}", value, value.to_bytes(2 * n, "big")
        for value in edges(-(1 << bits - 1), (1 << bits - 1) - 1):
            yield f"int{width}", value, value.to_bytes(2 * n, "big", signed=True)
        for value in edges(0, 10 ** (4 * n) - 1):
            yield f"bcd{width}", value, bytes.fromhex(f"{value:0{4 * n}d}")
    for value in (0.0, 1.0, -1.5, 123456.0, 2.0**-126, -(2.0**100)):
        yield "float32", value, struct.pack(">f", value)
    for value in (0.0, 1.0, -1.5, 123456.0, 2.0**-126, -(2.0**100)):
        yield "float64", value, struct.pack(">d", value)


def ordered(data, order):
    """Return the registers that hold these bytes in this order."""
    registers = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        registers.reverse()
    if order in ("BADC", "DCBA"):
        registers = [value >> 8 | (value & 0xFF) << 8 for value in registers]
    return registers


@pytest.fixture(scope="module")
def board(emulator, firmware):
    """A board with onboard/values.py on it."""
    pico = emulator.Pico(firmware, emulator.program_files(emulator.ONBOARD / "values.py"))
    pico.exec("import values", _LIMIT_MS)
    return pico


@pytest.mark.parametrize("order", ["CDAB", *_LONG])
def test_every_kind(board, order):
    rows = [(kind, order, value, ordered(data, order)) for kind, value, data in samples()]
    for at in range(0, len(rows), 40):
        assert board.exec(f"values.check({rows[at : at + 40]})", _LIMIT_MS) == ""


def test_scale_factors(board):
    rows = [
        ("uint16", 230.1, -1, [2301]),
        ("uint16", 2301000, 3, [2301]),
        ("int16", -4.5, -1, [0xFFD3]),
        ("uint32", 123456.7, -1, [0x12, 0xD687]),
        ("int64", 5 * 10**12, 10, [0, 0, 0, 500]),
        ("uint16", None, 0, [0xFFFF]),
        ("int16", None, 0, [0x8000]),
        ("uint32", None, 0, [0xFFFF, 0xFFFF]),
        ("int32", None, 0, [0x8000, 0]),
        ("uint64", None, 0, [0xFFFF] * 4),
        ("int64", None, 0, [0x8000, 0, 0, 0]),
        ("float32", None, 0, [0x7FC0, 0]),
    ]
    assert board.exec(f"values.check_scaled({rows})", _LIMIT_MS) == ""


def test_small_integers_take_no_memory(board):
    board.exec("values.heap_bytes(1)", _LIMIT_MS)
    once = int(board.exec("values.heap_bytes(1)", _LIMIT_MS))
    assert int(board.exec("values.heap_bytes(51)", _LIMIT_MS)) == once == 0


def test_what_the_board_has_otherwise_is_told(board):
    row = ("uint16", "ABCD", 1, [2])
    assert board.exec(f"values.check([{row}])", _LIMIT_MS).split()[:3] == ["uint16", "ABCD", "1"]
