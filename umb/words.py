"""Values that take more than one register: 32 and 64 bits, floats, strings.

`values` is anything that holds registers by index: the list a client call returned, what it was
given as `into`, or a store's area, where the index is the address:

    get(client.read_input_registers(7, 0, 2), 0, F32, CDAB)
    put(store.holding_registers, 100, U32, 123456)

The word orders name where the bytes A (highest) to D of a 32-bit value are; with 64 bits it is
alike: AB.. the highest register first, ..AB the lowest first, BA the bytes of each one swapped.
"""

import struct

U32, I32, U64, I64, F32, F64 = ">I", ">i", ">Q", ">q", ">f", ">d"
ABCD, CDAB, BADC, DCBA = "ABCD", "CDAB", "BADC", "DCBA"

_raw = bytearray(8)
_INFINITE = (float("inf"), float("-inf"))


def size(kind):
    """How many registers a value of this kind takes."""
    return struct.calcsize(kind) >> 1


def _place(n, i, order):
    """Where in a value of n registers its register i has the high byte, and where the low one."""
    if order not in (ABCD, CDAB, BADC, DCBA):
        raise ValueError("order must be ABCD, CDAB, BADC or DCBA")
    at = 2 * (i if order in (ABCD, BADC) else n - 1 - i)
    return (at, at + 1) if order in (ABCD, CDAB) else (at + 1, at)


def _require(values, at, n):
    """Raise IndexError unless there are n registers from values[at] on."""
    if at < 0:  # a list would count from its end
        raise IndexError(at)
    for i in range(at, at + n):
        values[i]


def get(values, at, kind, order=ABCD):
    """The value of this kind whose first register is values[at]."""
    n = size(kind)
    _require(values, at, n)
    for i in range(n):
        high, low = _place(n, i, order)
        value = values[at + i]
        _raw[high] = value >> 8 & 0xFF
        _raw[low] = value & 0xFF
    return struct.unpack_from(kind, _raw, 0)[0]


def _pack(kind, value):
    """Put the bytes of a value into _raw. Raises ValueError where it does not fit."""
    if kind not in (F32, F64):
        bits = 16 * size(kind)
        least = -(1 << (bits - 1)) if kind in (I32, I64) else 0
        if not least <= value < least + (1 << bits):
            raise ValueError("a value of %d bits is needed" % bits)
    struct.pack_into(kind, _raw, 0, value)
    packed = struct.unpack_from(kind, _raw, 0)[0]
    if kind == F32 and packed in _INFINITE and value not in _INFINITE:
        raise ValueError("a value of 32 bits is needed")


def put(values, at, kind, value, order=ABCD):
    """Write a value of this kind to the registers from values[at] on.

    Raises ValueError where it does not fit, IndexError where a register is missing; then nothing
    is written.
    """
    n = size(kind)
    _require(values, at, n)
    _pack(kind, value)
    for i in range(n):
        high, low = _place(n, i, order)
        values[at + i] = _raw[high] << 8 | _raw[low]


def get_string(values, at, n, order=ABCD):
    """The text in n registers, two characters each, up to the first NUL. BADC, DCBA: swapped."""
    text = bytearray(2 * n)
    high, low = _place(1, 0, order)
    _require(values, at, n)
    for i in range(n):
        value = values[at + i]
        text[2 * i + high] = value >> 8 & 0xFF
        text[2 * i + low] = value & 0xFF
    return bytes(text).split(b"\0")[0].decode()


def put_string(values, at, n, text, order=ABCD):
    """Write text to n registers, filled up with NUL. Raises ValueError where it is too long."""
    data = text.encode()
    if len(data) > 2 * n:
        raise ValueError("the text takes more than %d registers" % n)
    high, low = _place(1, 0, order)
    _require(values, at, n)
    data += b"\0" * (2 * n - len(data))
    for i in range(n):
        values[at + i] = data[2 * i + high] << 8 | data[2 * i + low]
