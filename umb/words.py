"""Values that take more than one register, or less: integers, floats, BCD, text, single bits.

`values` is anything that holds registers by index: the list that a client call returned, the
sequence it was given as `into`, or an area of a store, where the index is the address:

    energy = get(client.read_input_registers(7, 0, 2), 0, F32, CDAB)
    put(store.holding_registers, 100, U32, 123456)

Modbus fixes the order of the two bytes in a register and leaves the order of registers to the
maker of the device. A word order names the bytes A (highest) to D of a 32-bit value as they come
over the wire: ABCD is the highest register first, CDAB the lowest first; BADC and DCBA are the
same with the two bytes of each register exchanged. With 16, 48 and 64 bits it is alike: ABCD and
BADC have the highest register first, CDAB and DCBA the lowest.

Functions that read take whatever a device sends: what is no value is None. Functions that write
check everything first: they raise and change nothing, or write all of it. To get and to put a
small integer, which is one that takes no memory itself, allocates nothing.
"""

import struct

from micropython import const

from .check import wrong

U16, I16, U32, I32, U48, I48 = "uint16", "int16", "uint32", "int32", "uint48", "int48"
U64, I64, F32, F64 = "uint64", "int64", "float32", "float64"
BCD16, BCD32, BCD48, BCD64 = "bcd16", "bcd32", "bcd48", "bcd64"
ABCD, CDAB, BADC, DCBA = "ABCD", "CDAB", "BADC", "DCBA"

# How many registers a kind takes, and one of these.
_SIGNED = const(0x10)
_FLOAT = const(0x20)
_BCD = const(0x30)
_FAMILY = const(0x70)
_REGISTERS = const(0x0F)
_KINDS = {
    U16: 0x01,
    U32: 0x02,
    U48: 0x03,
    U64: 0x04,
    I16: 0x11,
    I32: 0x12,
    I48: 0x13,
    I64: 0x14,
    F32: 0x22,
    F64: 0x24,
    BCD16: 0x31,
    BCD32: 0x32,
    BCD48: 0x33,
    BCD64: 0x34,
}
_WIDEST = const(8)  # bytes of a value
_LAST_REGISTER = const(
    65535
)  # of all registers: more than a store, or any other sequence of them, has
_INTEGER = (int, bool)  # MicroPython's bool is not an int
_NUMBER = (int, bool, float)
_BYTES = (bytes, bytearray, str)
_REPLACEMENT = "\ufffd"
# UTF-8 beyond ASCII (RFC 3629, section 4): first and last lead byte, length, least and greatest
# second byte. Further bytes are 80 to BF.
_UTF8 = (
    b"\xc2\xdf\x02\x80\xbf"
    b"\xe0\xe0\x03\xa0\xbf"
    b"\xe1\xec\x03\x80\xbf"
    b"\xed\xed\x03\x80\x9f"
    b"\xee\xef\x03\x80\xbf"
    b"\xf0\xf0\x04\x90\xbf"
    b"\xf1\xf3\x04\x80\xbf"
    b"\xf4\xf4\x04\x80\x8f"
)
_raw = bytearray(_WIDEST)  # the bytes of a value, highest first, at its end
# Counts who uses _raw. A hook of a slave that is served in the background may use it between two
# steps of the program: then the program begins again.
_uses = bytearray(1)


def _code(kind):
    """Return the code of this kind in _KINDS. Raises ValueError."""
    code = _KINDS.get(kind) if isinstance(kind, str) else None
    if code is None:
        raise wrong("kind", kind, "U16, F32 or another one of umb.words")
    return code


def size(kind: str) -> int:
    """Return how many registers a value of this kind takes: 1 to 4.

    Raises ValueError for a kind that is none of U16 ... BCD64.
    """
    return _code(kind) & _REGISTERS


def _require(values, at, n, order):
    """Raise an exception unless there are n registers from values[at] on, and such an order."""
    if order not in ("ABCD", "CDAB", "BADC", "DCBA"):
        raise wrong("order", order, "ABCD, CDAB, BADC or DCBA")
    if isinstance(values, _BYTES):
        raise TypeError("values must hold registers, as a list does, not bytes: %r" % (values,))
    if not isinstance(at, int):
        raise TypeError("at must be the index of a register, not %r" % (at,))
    if not 0 <= at <= _LAST_REGISTER:  # a list would count from its end
        raise IndexError("there is no register %d" % at)
    try:
        for i in range(at, at + n):
            values[i]
    except TypeError:
        raise TypeError("values must be a list or an area of a store, not %r" % (values,))


def _require_number(n):
    """Raise an exception unless this can be a number of registers."""
    if not (isinstance(n, int) and 0 <= n <= _LAST_REGISTER):
        raise wrong("n", n, "a number of registers, 0..%d" % _LAST_REGISTER)


def _bytes(data):
    """Return bytes, or a sequence of their numbers, as bytes. Raises TypeError."""
    try:
        if not isinstance(data, _NUMBER):
            return bytes(data)
    except TypeError:
        pass
    raise TypeError("data must be bytes, not %r" % (data,))


def _place(n, i, order):
    """Return where in _raw the byte belongs that n registers of this order have as byte i."""
    if order in ("CDAB", "DCBA"):
        i = 2 * n - 1 - i
    if order in ("CDAB", "BADC"):
        i ^= 1
    return _WIDEST - 2 * n + i


def _load(values, at, n, order):
    """Put the bytes of n registers from values[at] on into _raw."""
    _require(values, at, n, order)
    i = 0
    while i < n:
        value = values[at + i]
        _raw[_place(n, 2 * i, order)] = value >> 8 & 0xFF
        _raw[_place(n, 2 * i + 1, order)] = value & 0xFF
        i += 1


def _save(values, at, n, order):
    """Write the bytes in _raw to n registers from values[at] on, which are there."""
    i = 0
    while i < n:
        value = _raw[_place(n, 2 * i, order)] << 8
        values[at + i] = value | _raw[_place(n, 2 * i + 1, order)]
        i += 1


def get(values, at: int, kind: str, order: str = ABCD):
    """Return the value of this kind whose first register is values[at].

    An int, or a float; None for a BCD with a digit that is none. F64 loses digits on boards whose
    floats have 32 bits. Raises IndexError where a register is missing, ValueError for an unknown
    kind or order.
    """
    kind = _code(kind)
    while True:
        use = _uses[0] = _uses[0] + 1 & 0xFF
        _load(values, at, kind & _REGISTERS, order)
        value = _decode(kind)
        if _uses[0] == use:
            return value


def _decode(code):
    """Return the value whose bytes are in _raw, None if they are no BCD."""
    at = _WIDEST - 2 * (code & _REGISTERS)
    code &= _FAMILY
    if code == _FLOAT:
        return struct.unpack_from(">f" if at else ">d", _raw, at)[0]
    value = -1 if code == _SIGNED and _raw[at] & 0x80 else 0
    while at < _WIDEST:
        byte = _raw[at]
        if code != _BCD:
            value = value << 8 | byte
        elif byte & 0x0F > 9 or byte > 0x99:
            return None
        else:
            value = value * 100 + (byte >> 4) * 10 + (byte & 0x0F)
        at += 1
    return value


def put(values, at: int, kind: str, value, order: str = ABCD) -> None:
    """Write a value of this kind to the registers from values[at] on.

    Raises ValueError where the value does not fit, or for an unknown kind or order, IndexError
    where a register is missing; then nothing is written.
    """
    code = _code(kind)
    n = code & _REGISTERS
    _require(values, at, n, order)
    use = -1
    while _uses[0] != use:
        use = _uses[0] = _uses[0] + 1 & 0xFF
        if code & _FAMILY == _FLOAT:
            _encode_float(kind, value, ">f" if n == 2 else ">d")
        elif not (isinstance(value, _INTEGER) and _encode(code, value)):
            raise wrong(kind, value, _limits(code & _FAMILY, 16 * n))
        _save(values, at, n, order)


def _encode(code, value):
    """Put the bytes of an integer into _raw. Returns whether it fits."""
    at = _WIDEST - 2 * (code & _REGISTERS)
    code &= _FAMILY
    i = _WIDEST
    while i > at:
        i -= 1
        if code == _BCD:
            _raw[i] = value // 10 % 10 << 4 | value % 10
            value //= 100
        else:
            _raw[i] = value & 0xFF
            value >>= 8
    return value == (-(_raw[at] >> 7) if code == _SIGNED else 0)


def _limits(family, bits):
    """Return what the integers of a kind are, for an error's text."""
    if family == _BCD:
        return "0..%d" % (10 ** (bits >> 2) - 1)
    least = -(1 << bits - 1) if family == _SIGNED else 0
    return "%d..%d" % (least, least + (1 << bits) - 1)


def _encode_float(kind, value, code):
    """Put the bytes of a float into _raw, in this code of struct. Raises as _encode() does."""
    if not isinstance(value, _NUMBER):
        raise wrong(kind, value, "a number")
    at = 4 if code == ">f" else 0
    struct.pack_into(code, _raw, at, value)
    packed = struct.unpack_from(code, _raw, at)[0]
    if packed - packed != 0 and value - value == 0:  # it has become infinite
        raise ValueError("%r is too large for %s" % (value, kind))


def get_bits(values, at: int, first: int, n: int, order: str = ABCD) -> int:
    """Return n bits of the register values[at] as a number, from bit `first` on; bit 0 is lowest.

    BADC and DCBA exchange the two bytes of the register. Raises ValueError for bits that are not
    all in 0..15, or an unknown order, IndexError where the register is missing.
    """
    if not (isinstance(first, int) and isinstance(n, int) and 0 <= first < first + n <= 16):
        raise ValueError("first and n must be of bits 0..15, not %r and %r" % (first, n))
    return get(values, at, U16, order) >> first & (1 << n) - 1


def put_bits(values, at: int, first: int, n: int, value: int, order: str = ABCD) -> None:
    """Write a number to n bits of the register values[at]; the others stay as they are.

    Otherwise as get_bits(). Raises ValueError, too, for a number that does not fit.
    """
    before = get_bits(values, at, first, n, order)
    if not (isinstance(value, _INTEGER) and 0 <= value < 1 << n):
        raise wrong("value", value, "0..%d" % ((1 << n) - 1))
    put(values, at, U16, get(values, at, U16, order) ^ (before ^ value) << first, order)


def get_bytes(values, at: int, n: int, order: str = ABCD) -> bytes:
    """Return the 2 * n bytes of n registers from values[at] on, all of them, as they are.

    BADC and DCBA exchange the two bytes of each register; the registers stay in their order.
    Raises IndexError where a register is missing, ValueError for an unknown order.
    """
    _require_number(n)
    _require(values, at, n, order)
    data = bytearray(2 * n)
    low = 1 if order in ("ABCD", "CDAB") else 0
    for i in range(n):
        value = values[at + i]
        data[2 * i + 1 - low] = value >> 8 & 0xFF
        data[2 * i + low] = value & 0xFF
    return bytes(data)


def put_bytes(values, at: int, n: int, data, order: str = ABCD) -> None:
    """Write bytes to n registers from values[at] on, two each, and fill the rest with 0.

    Raises ValueError where there are more than 2 * n bytes, or for an unknown order, IndexError
    where a register is missing; then nothing is written.
    """
    _require_number(n)
    data = _bytes(data)
    if len(data) > 2 * n:
        raise ValueError("%d bytes do not fit into %d registers" % (len(data), n))
    _require(values, at, n, order)
    data += b"\0" * (2 * n - len(data))
    low = 1 if order in ("ABCD", "CDAB") else 0
    for i in range(n):
        values[at + i] = data[2 * i + 1 - low] << 8 | data[2 * i + low]


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
    if not isinstance(text, str):
        raise TypeError("text must be a str, not %r" % (text,))
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
    for row in range(0, len(_UTF8), 5):
        if _UTF8[row] <= lead <= _UTF8[row + 1]:
            n = _UTF8[row + 2]
            if at + n > len(data) or not _UTF8[row + 3] <= data[at + 1] <= _UTF8[row + 4]:
                return 0
            for i in range(at + 2, at + n):
                if data[i] & 0xC0 != 0x80:
                    return 0
            return n
    return 0
