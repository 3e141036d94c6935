"""Values that take more than one register: 32 and 64 bits, floats, text.

`values` is anything that holds registers by index: the list that a client call returned, the
sequence it was given as `into`, or an area of a store, where the index is the address:

    energy = get(client.read_input_registers(7, 0, 2), 0, F32, CDAB)
    put(store.holding_registers, 100, U32, 123456)

Modbus fixes the order of the two bytes in a register and leaves the order of registers to the
maker of the device. A word order names the bytes A (highest) to D of a 32-bit value as they come
over the wire: ABCD is the highest register first, CDAB the lowest first; BADC and DCBA are the
same with the two bytes of each register exchanged. With 64 bits it is alike: ABCD and BADC have
the highest register first, CDAB and DCBA the lowest.

Functions that write check everything first: they raise and change nothing, or write all of it.
"""

import struct

U16, I16, U32, I32, U64, I64, F32, F64 = ">H", ">h", ">I", ">i", ">Q", ">q", ">f", ">d"
ABCD, CDAB, BADC, DCBA = "ABCD", "CDAB", "BADC", "DCBA"

_NAMES = {
    U16: "U16",
    I16: "I16",
    U32: "U32",
    I32: "I32",
    U64: "U64",
    I64: "I64",
    F32: "F32",
    F64: "F64",
}
_INTEGER = (int, bool)  # MicroPython's bool is not an int
_NUMBER = (int, bool, float)
_INFINITE = (float("inf"), float("-inf"))
_REPLACEMENT = "\ufffd"
# UTF-8 beyond ASCII (RFC 3629, section 4): first and last lead byte, length, least and greatest
# second byte. Further bytes are 80 to BF.
_UTF8 = (
    (0xC2, 0xDF, 2, 0x80, 0xBF),
    (0xE0, 0xE0, 3, 0xA0, 0xBF),
    (0xE1, 0xEC, 3, 0x80, 0xBF),
    (0xED, 0xED, 3, 0x80, 0x9F),
    (0xEE, 0xEF, 3, 0x80, 0xBF),
    (0xF0, 0xF0, 4, 0x90, 0xBF),
    (0xF1, 0xF3, 4, 0x80, 0xBF),
    (0xF4, 0xF4, 4, 0x80, 0x8F),
)
_raw = bytearray(8)


def size(kind: str) -> int:
    """Return how many registers a value of this kind takes: 1, 2 or 4.

    Raises ValueError for a kind that is none of U16 ... F64.
    """
    if kind not in _NAMES:
        raise ValueError("kind must be U16, I16, U32, I32, U64, I64, F32 or F64")
    return struct.calcsize(kind) >> 1


def _place(n, i, order):
    """Return where in a value of n registers its register i has the high byte and the low one."""
    if order not in (ABCD, CDAB, BADC, DCBA):
        raise ValueError("order must be ABCD, CDAB, BADC or DCBA")
    at = 2 * (i if order in (ABCD, BADC) else n - 1 - i)
    return (at, at + 1) if order in (ABCD, CDAB) else (at + 1, at)


def _require(values, at, n):
    """Raise IndexError unless there are n registers from values[at] on."""
    if at < 0:  # a list would count from its end
        raise IndexError("there is no register %d" % at)
    for i in range(at, at + n):
        values[i]


def get(values, at: int, kind: str, order: str = ABCD):
    """Return the value of this kind whose first register is values[at]: an int, or a float.

    F64 loses digits on boards whose floats have 32 bits. Raises IndexError where a register is
    missing, ValueError for an unknown kind or order.
    """
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
    name = _NAMES[kind]
    if name[0] == "F":
        _pack_float(kind, name, value)
        return
    bits = int(name[1:])
    least = 0 if name[0] == "U" else -(1 << bits - 1)
    if not (isinstance(value, _INTEGER) and least <= value < least + (1 << bits)):
        most = least + (1 << bits) - 1
        raise ValueError("%s takes an integer from %d to %d, not %r" % (name, least, most, value))
    struct.pack_into(kind, _raw, 0, value)


def _pack_float(kind, name, value):
    """Put the bytes of a float into _raw. Raises ValueError where it does not fit."""
    if not isinstance(value, _NUMBER):
        raise ValueError("%s takes a number, not %r" % (name, value))
    struct.pack_into(kind, _raw, 0, value)
    packed = struct.unpack_from(kind, _raw, 0)[0]
    if packed in _INFINITE and value not in _INFINITE:
        raise ValueError("%r is too large for %s" % (value, name))


def put(values, at: int, kind: str, value, order: str = ABCD) -> None:
    """Write a value of this kind to the registers from values[at] on.

    Raises ValueError where the value does not fit, or for an unknown kind or order, IndexError
    where a register is missing; then nothing is written.
    """
    n = size(kind)
    _require(values, at, n)
    _pack(kind, value)
    for i in range(n):
        high, low = _place(n, i, order)
        values[at + i] = _raw[high] << 8 | _raw[low]


def get_bytes(values, at: int, n: int, order: str = ABCD) -> bytes:
    """Return the 2 * n bytes of n registers from values[at] on, all of them, as they are.

    BADC and DCBA exchange the two bytes of each register; the registers stay in their order.
    Raises IndexError where a register is missing, ValueError for an unknown order.
    """
    data = bytearray(2 * n)
    high, low = _place(1, 0, order)
    _require(values, at, n)
    for i in range(n):
        value = values[at + i]
        data[2 * i + high] = value >> 8 & 0xFF
        data[2 * i + low] = value & 0xFF
    return bytes(data)


def put_bytes(values, at: int, n: int, data, order: str = ABCD) -> None:
    """Write bytes to n registers from values[at] on, two each, and fill the rest with 0.

    Raises ValueError where there are more than 2 * n bytes, or for an unknown order, IndexError
    where a register is missing; then nothing is written.
    """
    if len(data) > 2 * n:
        raise ValueError("%d bytes do not fit into %d registers" % (len(data), n))
    high, low = _place(1, 0, order)
    _require(values, at, n)
    data = bytes(data) + b"\0" * (2 * n - len(data))
    for i in range(n):
        values[at + i] = data[2 * i + high] << 8 | data[2 * i + low]


def get_string(values, at: int, n: int, order: str = ABCD) -> str:
    """Return the text in n registers from values[at] on, up to the first NUL.

    Two bytes a register, in UTF-8, of which ASCII is a part. Each byte that is no UTF-8 becomes
    U+FFFD, so that no device can make this raise; get_bytes() has the bytes themselves. Otherwise
    as get_bytes().
    """
    return _text(get_bytes(values, at, n, order).split(b"\0")[0])


def put_string(values, at: int, n: int, text: str, order: str = ABCD) -> None:
    """Write text to n registers from values[at] on, in UTF-8, and fill the rest with NUL.

    Otherwise as put_bytes().
    """
    put_bytes(values, at, n, text.encode(), order)


def _text(data):
    """Return the text of bytes in UTF-8, each byte that is none replaced."""
    text = ""
    at = 0
    while at < len(data):
        n = _character(data, at)
        text += data[at : at + n].decode() if n else _REPLACEMENT
        at += n or 1
    return text


def _character(data, at):
    """Return how many bytes the UTF-8 character at data[at:] has, 0 if there is none."""
    lead = data[at]
    if lead < 0x80:
        return 1
    for first, last, n, low, high in _UTF8:
        if first <= lead <= last:
            if at + n > len(data) or not low <= data[at + 1] <= high:
                return 0
            for i in range(at + 2, at + n):
                if data[i] & 0xC0 != 0x80:
                    return 0
            return n
    return 0
