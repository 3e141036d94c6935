"""Limits: whether what a client writes is within min_value and max_value. It allocates nothing."""

from micropython import const

from ..words import put
from . import Points
from .rows import INEXACT, ORDERS, TYPES

_UINT16 = const(4)  # the types before are signed
_BCD16 = const(8)
_FLOAT32 = const(12)

# What is in the bytes of a row of the table, see umb.points.rows.
_ROW = const(20)
_FLAGS = const(4)
_TYPE = const(5)
_SIZE = const(6)
_SCALE = const(9)
_OFFSET = const(10)


class Limits:
    """The limits of points that can be written, as bytes that sort as the numbers do.

    points   the Points
    """

    def __init__(self, points: Points):
        self._points = points
        self._keys = {}  # point number: the keys of the least value and of the greatest
        self._key = bytearray(8)

    def set(self, i: int, exponent) -> None:
        """Prepare the limits of point number i. Raises ValueError if no value is within them.

        exponent   what decode() takes; None or beyond 10: not known, and then there are no limits
        """
        points = self._points
        self._keys.pop(i, None)
        if points.limits(i) == (None, None) or exponent is None or not -10 <= exponent <= 10:
            return
        least, most = self._numbers(i, exponent)
        if least > most:
            raise ValueError("point %r: no value is within its limits" % points.name(i))
        self._keys[i] = self._sort_key(i, least) + self._sort_key(i, most)

    def allow(self, i: int, buf, at: int) -> bool:
        """Return whether point number i may have the value in the registers at buf[at:]."""
        keys = self._keys.get(i)
        if keys is None:
            return True
        self._put_sort_key(i, buf, at, self._key)
        if _BCD16 <= self._points.table[i * _ROW + _TYPE] < _FLOAT32 and not _is_bcd(
            self._key, len(keys) >> 1
        ):
            return False
        return _compare(self._key, keys, 0) >= 0 >= _compare(self._key, keys, len(keys) >> 1)

    def _numbers(self, i, exponent):
        """Return the least and the greatest number that its registers may have."""
        table = self._points.table
        row = i * _ROW
        least, most = self._points.limits(i)
        if (self._points.pool[table[row + _SCALE]] or 1) < 0:
            least, most = most, least
        if table[row + _TYPE] >= _FLOAT32:
            low, high = float("-inf"), float("inf")
        elif table[row + _TYPE] >= _BCD16:
            low, high = 0, 10 ** (4 * table[row + _SIZE]) - 1
        else:
            low = -(1 << 16 * table[row + _SIZE] - 1) if table[row + _TYPE] < _UINT16 else 0
            high = low + (1 << 16 * table[row + _SIZE]) - 1
        if least is not None:
            low = max(low, self._nearest(row, least, exponent, 1))
        if most is not None:
            high = min(high, self._nearest(row, most, exponent, -1))
        return low, high

    def _nearest(self, row, limit, exponent, step):
        """Return the number for the registers that is nearest to a limit, and not beyond it.

        step   1 if the limit is the least value, -1 if it is the greatest
        """
        table = self._points.table
        pool = self._points.pool
        scale = pool[table[row + _SCALE]] or 1
        number = limit - (pool[table[row + _OFFSET]] or 0)
        if exponent or scale != 1:
            number = number / (scale * 10**exponent)
        if table[row + _TYPE] >= _FLOAT32 or isinstance(number, int):
            return number
        nearest = round(number)
        beyond = (number - nearest) * step > INEXACT * max(1, abs(number))
        return nearest + step if beyond else nearest

    def _sort_key(self, i, number):
        """Return the sort key of a number in the registers of point number i."""
        table = self._points.table
        size = table[i * _ROW + _SIZE]
        registers = [0] * size
        order = ORDERS[table[i * _ROW + _FLAGS] >> 2 & 3]
        put(registers, 0, TYPES[table[i * _ROW + _TYPE]], number, order)
        data = bytes(word >> shift & 0xFF for word in registers for shift in (8, 0))
        self._put_sort_key(i, data, 0, self._key)
        return bytes(self._key[: 2 * size])

    def _put_sort_key(self, i, buf, at, key):
        """Put into `key` bytes that sort as the number in the registers at buf[at:] does."""
        i *= _ROW
        # The length comes first: so the frame has no more than 11 words.
        _copy_ordered(
            self._points.table[i + _SIZE] << 1, self._points.table[i + _FLAGS] >> 2, buf, at, key
        )
        i = self._points.table[i + _TYPE]
        if i >= _FLOAT32 and key[0] & 0x80:  # of negative floats all bits count downwards
            i = len(key)
            while i:
                i -= 1
                key[i] ^= 0xFF
        elif i >= _FLOAT32 or i < _UINT16:
            key[0] ^= 0x80


def _copy_ordered(n, order, buf, at, key):
    """Put the n bytes at buf[at:], which are on the wire in this order, into `key` as ABCD."""
    i = 0
    while i < n:
        k = at + (n - 2 - i if order & 1 else i)
        key[i] = buf[k + 1] if order & 2 else buf[k]
        key[i + 1] = buf[k] if order & 2 else buf[k + 1]
        i += 2


def _is_bcd(key, n):
    """Return whether these n bytes have decimal digits only."""
    while n:
        n -= 1
        if key[n] > 0x99 or key[n] & 0x0F > 9:
            return False
    return True


def _compare(key, keys, at):
    """Return by how much a sort key comes behind the one at keys[at:]; 0: they are equal."""
    n = len(keys) >> 1
    i = 0
    while i < n and key[i] == keys[at + i]:
        i += 1
    return 0 if i == n else key[i] - keys[at + i]
