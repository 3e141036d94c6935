"""Points: what the registers and bits of a device mean, from a file that describes it.

    from umb.points import Points, PointStore

    points = Points.load("meter.json")
    points = Points([{"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1}])

docs/how-to/points.md describes the keys of a point. PointStore is in a file of its own, which is
loaded when its name is first used.
"""

from micropython import const

from ..words import U16, U32, U48, U64, get, get_string, put, put_string
from .numbers import ascii_text, highest_first, is_finite, number, rounded
from .rows import AREAS, ON_DEMAND, ORDERS, POOLED, SWAPS, TYPES, make

_UNSIGNED = (None, U16, U32, U48, U64)  # by the number of registers
_INPUT = const(2)
_FLOAT32 = const(12)
_STRING = const(14)

# What is in the bytes of a row of the table, see umb.points.rows.
_ROW = const(20)
_ADDRESS = const(0)
_NAME = const(2)
_FLAGS = const(4)
_WRITABLE = const(16)
_HISTORY = const(32)
_TYPE = const(5)
_SIZE = const(6)
_BIT = const(7)
_PRECISION = const(8)
_DERIVED = const(16)
_NOT_GIVEN = const(255)
_SCALE = const(9)
_OFFSET = const(10)
_NAN = const(11)
_LEAST = const(12)
_MOST = const(13)
_DEADBAND = const(14)
_INTERVAL = const(15)
_EXPONENT = const(16)

_INTEGER = (int, bool)  # MicroPython's bool is not an int
_NUMBER = (int, bool, float)


def __getattr__(name):
    """Return the class PointStore, loaded from its file."""
    if name != "PointStore":
        raise AttributeError(name)
    return __import__("umb.points.store", None, None, (name,)).PointStore


class _Registers:
    """Bytes as umb.words takes registers: by index, from buf[at:] on."""

    def __init__(self, buf, at):
        self._buf = buf
        self._at = at

    def __getitem__(self, i):
        at = self._at + 2 * i
        return self._buf[at] << 8 | self._buf[at + 1]

    def __setitem__(self, i, value):
        at = self._at + 2 * i
        self._buf[at] = value >> 8
        self._buf[at + 1] = value & 0xFF


class Points:
    """The points of a device, packed: 20 bytes each, their names, and what differs among them.

    points   a list of dicts, one a point, with the keys that docs/how-to/points.md describes

    len(points) is how many there are, `for name in points` goes through their names in the order
    in which they were given, `name in points` is whether one has this name, and points[name] is
    a dict of what was given for it. Where points have a number, it counts from 0 in that order.

    about    a dict of what a file says of the whole device

    Raises ValueError for a mistake, which names the point and the key, TypeError for what is no
    list.
    """

    def __init__(self, points=()):
        if not isinstance(points, (list, tuple)):
            raise TypeError("points must be a list of dicts, not %r" % (points,))
        self.about = {}
        self.table = bytearray()
        self._names = bytearray(1)  # each name between two NULs
        self.pool = [None]  # every value that a point was given, once
        for point in points:
            self._add(point)
        self._check_exponents()

    @staticmethod
    def load(path: str, *, address: int = 0, prefix: str = "") -> "Points":
        """Return the points of a JSON file, see add_file()."""
        points = Points()
        points.add_file(path, address=address, prefix=prefix)
        return points

    def add_file(self, path: str, *, address: int = 0, prefix: str = "") -> None:
        """Add the points of a JSON file, read in pieces: one point at a time is in memory.

        address   is added to the address of each, as the place of a SunSpec model
        prefix    is put before each name

        Raises ValueError for a mistake in it, which names the file, the line, the point and the
        key, OSError if it cannot be read.
        """
        from .reader import read

        read(path, self.about, self._add, address, prefix)
        try:
            self._check_exponents()
        except ValueError as error:
            raise ValueError("%s: %s" % (path, error))

    def __len__(self) -> int:
        return len(self.table) // _ROW

    def __iter__(self):
        for i in range(len(self)):
            yield self.name(i)

    def __contains__(self, name) -> bool:
        return self._place(name) >= 0

    def __getitem__(self, name: str) -> dict:
        i = self.index(name)
        row = i * _ROW
        table = self.table
        point = {"name": name, "address": self.address(i), "input_type": AREAS[self.area(i)]}
        if self.area(i) >= _INPUT:
            point["data_type"] = TYPES[table[row + _TYPE]]
            point["swap"] = SWAPS[table[row + _FLAGS] >> 2 & 3]
        if table[row + _TYPE] == _STRING:
            point["count"] = table[row + _SIZE]
        if table[row + _BIT] != _NOT_GIVEN:
            point["bit"] = table[row + _BIT]
        if table[row + _PRECISION] < _DERIVED:
            point["precision"] = table[row + _PRECISION]
        for key, column in POOLED:
            if table[row + column]:
                point[key] = self.pool[table[row + column]]
        interval_ms = self.interval_ms(i)
        if interval_ms is not None:
            point["scan_interval"] = None if interval_ms == ON_DEMAND else interval_ms / 1000
        if self.is_writable(i):
            point["writable"] = True
        if self.has_history(i):
            point["history"] = True
        return point

    # --- what is known of point number i

    def _place(self, name):
        """Return where in _names a name stands, less than 0 if there is none such."""
        if not isinstance(name, str) or not name or "\0" in name:
            return -1
        return self._names.find(b"\0" + name.encode() + b"\0")

    def index(self, name: str) -> int:
        """Return the number of the point of this name. Raises KeyError."""
        at = self._place(name)
        if at < 0:
            raise KeyError("there is no point %r" % (name,))
        low = 0
        high = len(self) - 1
        while low < high:
            middle = low + high >> 1
            if self._word(middle, _NAME) < at:
                low = middle + 1
            else:
                high = middle
        return low

    def _word(self, i, column):
        at = i * _ROW + column
        return self.table[at] << 8 | self.table[at + 1]

    def name(self, i: int) -> str:
        """Return the name of point number i."""
        at = self._word(i, _NAME) + 1
        return bytes(self._names[at : self._names.find(b"\0", at)]).decode()

    def area(self, i: int) -> int:
        """Return the number in AREAS of the area that point number i is in."""
        return self.table[i * _ROW + _FLAGS] & 3

    def address(self, i: int) -> int:
        """Return the first address of point number i."""
        i = i * _ROW + _ADDRESS
        return self.table[i] << 8 | self.table[i + 1]

    def size(self, i: int) -> int:
        """Return how many addresses point number i takes."""
        return self.table[i * _ROW + _SIZE]

    def is_writable(self, i: int) -> bool:
        """Return whether point number i is said to be writable."""
        return self.table[i * _ROW + _FLAGS] & _WRITABLE != 0

    def has_history(self, i: int) -> bool:
        """Return whether a Bridge is to keep the values of point number i until they are sent."""
        return self.table[i * _ROW + _FLAGS] & _HISTORY != 0

    def interval_ms(self, i: int):
        """Return scan_interval in milliseconds; 0: once; ON_DEMAND; None: it is not given."""
        return self.pool[self.table[i * _ROW + _INTERVAL]]

    def deadband(self, i: int):
        """Return by how much the value of point number i has to differ, or None."""
        return self.pool[self.table[i * _ROW + _DEADBAND]]

    def exponent_of(self, i: int) -> int:
        """Return the number of the point whose value is the exponent of this one's, or -1."""
        name = self.pool[self.table[i * _ROW + _EXPONENT]]
        return -1 if name is None else self.index(name)

    def limits(self, i: int):
        """Return (min_value, max_value) of point number i, each of them None if not given."""
        row = i * _ROW
        return self.pool[self.table[row + _LEAST]], self.pool[self.table[row + _MOST]]

    def key(self, i: int) -> int:
        """Return a number that grows with the area and the address of point number i."""
        i *= _ROW
        table = self.table
        return (table[i + _FLAGS] & 3) << 16 | table[i + _ADDRESS] << 8 | table[i + _ADDRESS + 1]

    def in_order(self) -> list:
        """Return the numbers of all points in the order of their areas and addresses."""
        return sorted(range(len(self)), key=self.key)

    def mask(self, i: int) -> int:
        """Return which bits of its registers point number i has, as they are on the wire."""
        row = i * _ROW
        bit = self.table[row + _BIT]
        if bit == _NOT_GIVEN:
            return 0xFFFF
        return 1 << (bit ^ 8 if self.table[row + _FLAGS] >> 3 & 1 else bit)

    # --- values

    def decode(self, i: int, buf, at: int, exponent: int = 0):
        """Return the value of point number i, whose registers are at buf[at:] as on the wire.

        exponent   what the point that `scale_factor` names has for a value

        Returns None for nan_value, for a float that is not a number, for BCD with other digits and
        for an exponent that cannot be (SunSpec's "not implemented").
        """
        table = self.table
        row = i * _ROW
        order = table[row + _FLAGS] >> 2 & 3
        if table[row + _TYPE] == _STRING:
            text = ascii_text(buf, at, table[row + _SIZE] << 1, order)
            if text is None:
                text = get_string(_Registers(buf, at), 0, table[row + _SIZE], ORDERS[order])
            return text
        data = highest_first(buf, at, table[row + _SIZE] << 1, order)
        nan = self.pool[table[row + _NAN]]
        if nan is not None and int.from_bytes(data, "big") == nan:
            return None
        value = number(table[row + _TYPE], data)
        if value is None or value != value or exponent is None or not -10 <= exponent <= 10:  # noqa: PLR0124
            return None
        if table[row + _BIT] != _NOT_GIVEN:
            return value >> table[row + _BIT] & 1
        return self._scaled(row, value, exponent)

    def _scaled(self, row, value, exponent):
        """Return the value that a number in registers stands for."""
        scale = self.pool[self.table[row + _SCALE]]
        offset = self.pool[self.table[row + _OFFSET]]
        digits = self.table[row + _PRECISION]
        if not is_finite(value):
            return value
        if exponent:
            value *= 10**exponent
        if scale is not None:
            value *= scale
        if offset is not None:
            value += offset
        if digits == _NOT_GIVEN:
            return value
        if digits >= _DERIVED:
            digits = digits - _DERIVED + max(0, -exponent)
        return round(value, digits) if digits else round(value)

    def encode(self, i: int, value, buf, at: int, exponent: int = 0) -> None:
        """Put a value of point number i into the registers at buf[at:], as on the wire.

        A number is rounded to the nearest that the registers can hold. Of a point with `bit` only
        that bit changes. None becomes nan_value. Raises ValueError, and changes nothing, for a
        value that the point cannot have.
        """
        table = self.table
        row = i * _ROW
        registers = _Registers(buf, at)
        order = ORDERS[table[row + _FLAGS] >> 2 & 3]
        kind = TYPES[table[row + _TYPE]]
        try:
            if table[row + _TYPE] == _STRING:
                if not isinstance(value, str):
                    raise ValueError("it takes text, not %r" % (value,))
                put_string(registers, 0, table[row + _SIZE], value, order)
            elif table[row + _BIT] != _NOT_GIVEN:
                self._encode_bit(row, value, registers, order)
            elif value is None and self.pool[table[row + _NAN]] is not None:
                kind = _UNSIGNED[table[row + _SIZE]]
                put(registers, 0, kind, self.pool[table[row + _NAN]], order)
            else:
                put(registers, 0, kind, self._unscaled(row, value, exponent), order)
        except ValueError as error:
            raise ValueError("point %r: %s" % (self.name(i), error))

    def _encode_bit(self, row, value, registers, order):
        if not (isinstance(value, _INTEGER) and 0 <= value <= 1):
            raise ValueError("it takes 0 or 1, not %r" % (value,))
        mask = 1 << self.table[row + _BIT]
        word = get(registers, 0, U16, order) & ~mask
        put(registers, 0, U16, word | mask if value else word, order)

    def _unscaled(self, row, value, exponent):
        """Return the number for the registers that stands for this value. Raises ValueError."""
        is_float = self.table[row + _TYPE] >= _FLOAT32
        if is_float and value is None:
            return float("nan")
        if not isinstance(value, _NUMBER):
            raise ValueError("it takes a number, not %r" % (value,))
        if exponent is None or not -10 <= exponent <= 10:
            raise ValueError("its scale_factor was not read yet")
        offset = self.pool[self.table[row + _OFFSET]]
        scale = self.pool[self.table[row + _SCALE]]
        if offset is not None:
            value -= offset
        if exponent:
            value = value / 10**exponent
        if scale is not None:
            whole = isinstance(value, int) and isinstance(scale, int) and value % scale == 0
            value = value // scale if whole else value / scale
        return value if is_float or isinstance(value, _INTEGER) else rounded(value)

    def check(self, i: int, value) -> None:
        """Raise ValueError unless this may be written to point number i.

        The point has to be writable, the value 0 or 1 for a coil, and min_value and max_value
        must not forbid it. Whether its registers can hold the value, encode() finds out.
        """
        if not self.is_writable(i):
            raise ValueError("point %r is not writable" % self.name(i))
        least, most = self.limits(i)
        if self.area(i) < _INPUT:
            if value in (0, 1):
                return
            wanted = "0 or 1"
        elif (least is None and most is None) or (
            isinstance(value, _NUMBER)
            and (least is None or least <= value)
            and (most is None or value <= most)
        ):
            return
        else:
            wanted = "%s to %s" % (
                "any number" if least is None else least,
                "any number" if most is None else most,
            )
        raise ValueError("point %r: it takes %s, not %r" % (self.name(i), wanted, value))

    # --- a point that is added

    def _add(self, point):
        """Add a point, given as a dict. Raises ValueError, which names the point and the key."""
        if not isinstance(point, dict):
            raise ValueError(
                "point %d must be an object with keys, not %r" % (len(self) + 1, point)
            )
        name = point.get("name")
        if not isinstance(name, str) or not name or "\0" in name:
            raise ValueError("point %d: name must be text, not %r" % (len(self) + 1, name))
        if name in self:
            raise ValueError("point %r: there are two of this name" % (name,))
        if len(self._names) > 0xFFFF:
            raise ValueError("point %r: all names have more than 65535 bytes" % (name,))
        try:
            row = make(point, self.pool)
        except ValueError as error:
            raise ValueError("point %r: %s" % (name, error))
        row[_NAME] = len(self._names) - 1 >> 8
        row[_NAME + 1] = len(self._names) - 1 & 0xFF
        self._names.extend(name.encode() + b"\0")
        self.table.extend(row)

    def _check_exponents(self):
        """Raise ValueError unless each `scale_factor` names a point that can be one."""
        for row in range(_EXPONENT, len(self.table), _ROW):
            if self.table[row]:
                from .exponents import check

                check(self)
                return
