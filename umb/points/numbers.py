"""Numbers and text in the bytes of registers, quicker than umb.words, which takes registers."""

from struct import unpack

from micropython import const

# Places in umb.points.rows.TYPES, where the types of a kind begin, and in ORDERS there.
_UINT16 = const(4)
_BCD16 = const(8)
_FLOAT32 = const(12)
_BADC = const(2)
_DCBA = const(3)


def highest_first(buf, at, n, order):
    """Return n bytes from buf[at] on, those of a number, in the order ABCD.

    order   the place in ORDERS of the one in which they are
    """
    if not order:
        return buf[at : at + n]
    data = bytearray(n)
    last = n - 1 if order & 1 else 0  # CDAB, DCBA: the last byte comes first
    exchange = 0 if order == _DCBA else 1
    for i in range(n):
        data[(last - i if last else i) ^ exchange] = buf[at + i]
    return data


def number(kind, data):
    """Return the number that these bytes are, the highest one first. None: BCD that is none.

    kind   the place in TYPES of its type
    """
    if kind >= _FLOAT32:
        return unpack(">f" if kind == _FLOAT32 else ">d", data)[0]
    if kind >= _BCD16:
        return _bcd(data)
    value = int.from_bytes(data, "big")
    if kind < _UINT16 and data[0] & 0x80:
        value -= 1 << 8 * len(data)
    return value


def _bcd(data):
    """Return the number whose decimal digits these bytes have, None if one is no digit."""
    value = 0
    for byte in data:
        if byte & 0x0F > 9 or byte > 0x99:
            return None
        value = value * 100 + (byte >> 4) * 10 + (byte & 0x0F)
    return value


def ascii_text(buf, at, n, order):
    """Return the text in n bytes from buf[at] on, up to the first NUL; None: it is not ASCII.

    order   the place in ORDERS of the one in which they are
    """
    data = bytes(buf[at : at + n])
    if order >= _BADC:  # two bytes of each register are exchanged
        data = bytes([data[i ^ 1] for i in range(n)])
    data = data.split(b"\0")[0]
    return data.decode() if not data or max(data) < 0x80 else None


def is_finite(number):
    """Return whether this is neither infinite nor NaN."""
    return number - number == 0


def rounded(value):
    """Return the nearest integer. Raises ValueError if there is none."""
    if not is_finite(value):
        raise ValueError("it cannot be %r" % (value,))
    return round(value)
