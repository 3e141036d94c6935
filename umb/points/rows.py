"""make(): the row of the table of umb.points.Points for one point, with all that can be wrong."""

from micropython import const

from ..words import (
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
    size,
)

# The areas of a device, by number.
AREAS = ("coil", "discrete_input", "input", "holding")
_COIL = const(0)
_INPUT = const(2)
_HOLDING = const(3)

# The kinds of umb.words, and text: signed and unsigned integers, BCD, floats, each together.
TYPES = (
    I16,
    I32,
    I48,
    I64,
    U16,
    U32,
    U48,
    U64,
    BCD16,
    BCD32,
    BCD48,
    BCD64,
    F32,
    F64,
    "string",
)
_INT16 = const(0)
_UINT16 = const(4)
_FLOAT32 = const(12)
_STRING = const(14)
ORDERS = (ABCD, CDAB, BADC, DCBA)
SWAPS = ("none", "word", "byte", "word_byte")  # Home Assistant's names of these orders

# A row of the table: so many bytes a point, and what is in each of them.
_ROW = const(20)
_ADDRESS = const(0)  # 2 bytes
_NAME = const(2)  # 2 bytes: where in the names this one begins
_FLAGS = const(4)  # the area, the order << 2, and these two
_WRITABLE = const(16)
_HISTORY = const(32)
_TYPE = const(5)
_SIZE = const(6)  # registers; 1 for coils and discrete inputs
_BIT = const(7)  # 0..15
_PRECISION = const(8)  # 0..9, or _DERIVED and the decimals of scale and offset
_DERIVED = const(16)
_NOT_GIVEN = const(255)  # in place of a bit or a precision
# From here on where in the pool the key's value is; 0: it is not given.
_SCALE = const(9)
_OFFSET = const(10)
_NAN = const(11)
_LEAST = const(12)
_MOST = const(13)
_DEADBAND = const(14)
_INTERVAL = const(15)
_EXPONENT = const(16)
_UNIT = const(17)
_DEVICE_CLASS = const(18)
_STATE_CLASS = const(19)
POOLED = (
    ("scale", _SCALE),
    ("offset", _OFFSET),
    ("nan_value", _NAN),
    ("min_value", _LEAST),
    ("max_value", _MOST),
    ("deadband", _DEADBAND),
    ("scale_factor", _EXPONENT),
    ("unit_of_measurement", _UNIT),
    ("device_class", _DEVICE_CLASS),
    ("state_class", _STATE_CLASS),
)
_NUMERIC = POOLED[:7]  # what only numbers have
_KEYS = tuple(key for key, _ in POOLED) + (
    "name",
    "address",
    "input_type",
    "data_type",
    "count",
    "bit",
    "swap",
    "precision",
    "writable",
    "history",
    "scan_interval",
)

ON_DEMAND = -1  # in place of an interval: the point is read when the program asks for it
_LONGEST_INTERVAL_S = const(500_000)  # ticks_ms() wraps after a bit more
_MOST_REGISTERS = const(125)  # of one request to read (AP 6.3)
_MOST_WRITTEN = const(123)  # AP 6.12
_MOST_DECIMALS = const(9)
INEXACT = 1e-12 if 1 + 1e-12 > 1 else 1e-6  # relative; floats have 64 or 32 bits


def make(point, pool):
    """Return the row for a point, given as a dict, whose values go into the pool.

    Raises ValueError for a mistake, which names the key.
    """
    for key in point:
        if key not in _KEYS:
            raise ValueError("there is no key %r" % (key,))
    row = bytearray(_ROW)
    area = _choice(point, "input_type", AREAS, _HOLDING)
    writable = point.get("writable", False)
    if writable not in (False, True) or (writable and area not in (_COIL, _HOLDING)):
        raise ValueError("writable must be true or false, and true for coil and holding only")
    history = point.get("history", False)
    if history not in (False, True):
        raise ValueError("history must be true or false, not %r" % (history,))
    row[_FLAGS] = area | (_WRITABLE if writable else 0) | (_HISTORY if history else 0)
    row[_SIZE] = 1
    row[_BIT] = row[_PRECISION] = _NOT_GIVEN
    if area < _INPUT:
        _refuse(point, "a " + AREAS[area], ("data_type", "count", "swap", "bit", "precision"))
        _refuse_numeric(point, "a " + AREAS[area])
    else:
        _set_type(row, point, pool)
    most = _MOST_WRITTEN if writable else _MOST_REGISTERS
    if row[_SIZE] > most:
        raise ValueError("count must be 1 to %d, not %d" % (most, row[_SIZE]))
    if "address" not in point:
        raise ValueError("address is missing")
    address = _integer(point, "address", 0, 65536 - row[_SIZE])
    row[_ADDRESS] = address >> 8
    row[_ADDRESS + 1] = address & 0xFF
    _set_texts(row, point, pool)
    _set_interval(row, point, pool)
    return row


def _set_type(row, point, pool):
    """Set what only registers have."""
    kind = _choice(point, "data_type", TYPES, _INT16)
    row[_TYPE] = kind
    swap = point.get("swap", "none")
    if swap not in SWAPS and swap not in ORDERS:
        raise ValueError("swap must be none, word, byte, word_byte or ABCD, ..., not %r" % swap)
    row[_FLAGS] |= (SWAPS if swap in SWAPS else ORDERS).index(swap) << 2
    if kind == _STRING:
        if "count" not in point:
            raise ValueError("count is missing: how many registers the string takes")
        row[_SIZE] = _integer(point, "count", 1, _MOST_REGISTERS)
        _refuse(point, "a string", ("bit", "precision"))
        _refuse_numeric(point, "a string")
        return
    _refuse(point, "a number", ("count",))
    row[_SIZE] = size(TYPES[kind])
    if "bit" in point:
        if kind not in (_INT16, _UINT16):
            raise ValueError("bit can be given for int16 and uint16 only")
        row[_BIT] = _integer(point, "bit", 0, 15)
        _refuse(point, "a bit", ("precision",))
        _refuse_numeric(point, "a bit")
        return
    _set_numbers(row, point, pool)


def _set_numbers(row, point, pool):
    """Set what only numbers have."""
    scale = _number(point, "scale")
    offset = _number(point, "offset")
    least = _number(point, "min_value")
    most = _number(point, "max_value")
    deadband = _number(point, "deadband")
    if scale == 0:
        raise ValueError("scale must not be 0")
    if least is not None and most is not None and least > most:
        raise ValueError("min_value is more than max_value")
    if deadband is not None and deadband < 0:
        raise ValueError("deadband must be 0 or more, not %r" % (deadband,))
    row[_SCALE] = _pooled(pool, None if scale == 1 else scale)
    row[_OFFSET] = _pooled(pool, None if offset == 0 else offset)
    row[_LEAST] = _pooled(pool, least)
    row[_MOST] = _pooled(pool, most)
    row[_DEADBAND] = _pooled(pool, deadband or None)
    row[_NAN] = _pooled(pool, _nan(point, 16 * row[_SIZE]))
    row[_EXPONENT] = _pooled(pool, _text(point, "scale_factor"))
    if "precision" in point:
        row[_PRECISION] = _integer(point, "precision", 0, _MOST_DECIMALS)
    elif row[_TYPE] < _FLOAT32 and (row[_SCALE] or row[_OFFSET] or row[_EXPONENT]):
        digits = max(_decimals(scale or 1), _decimals(offset or 0))
        row[_PRECISION] = _NOT_GIVEN if digits == _NOT_GIVEN else _DERIVED + digits


def _set_texts(row, point, pool):
    row[_UNIT] = _pooled(pool, _text(point, "unit_of_measurement"))
    row[_DEVICE_CLASS] = _pooled(pool, _text(point, "device_class"))
    row[_STATE_CLASS] = _pooled(pool, _text(point, "state_class"))


def _set_interval(row, point, pool):
    if "scan_interval" not in point:
        return
    interval_ms = ON_DEMAND
    if point["scan_interval"] is not None:
        interval_s = _number(point, "scan_interval")
        if not (interval_s == 0 or 0.01 <= interval_s <= _LONGEST_INTERVAL_S):
            raise ValueError(
                "scan_interval must be null, 0 or 0.01 to %d seconds, not %r"
                % (_LONGEST_INTERVAL_S, interval_s)
            )
        interval_ms = round(interval_s * 1000)
    row[_INTERVAL] = _pooled(pool, interval_ms)


def _pooled(pool, value):
    """Return where in the pool this value is. Raises ValueError if there are too many."""
    if value not in pool:
        if len(pool) == 256:
            raise ValueError(
                "all points together have more than 255 values of scale, unit and so on"
            )
        pool.append(value)
    return pool.index(value)


def _decimals(number):
    """Return how many decimals a number has, _NOT_GIVEN if there is no end to them."""
    for digits in range(_MOST_DECIMALS + 1):
        shifted = abs(number) * 10**digits
        if abs(shifted - round(shifted)) <= INEXACT * shifted:
            return digits
    return _NOT_GIVEN


def _is_finite(number):
    return number - number == 0


def _refuse(point, what, keys):
    """Raise ValueError if the point has one of these keys."""
    for key in keys:
        if key in point:
            raise ValueError("%s has no %s" % (what, key))


def _refuse_numeric(point, what):
    _refuse(point, what, [key for key, _ in _NUMERIC])


def _choice(point, key, names, default):
    """Return the number of a name in a tuple of names."""
    if key not in point:
        return default
    value = point[key]
    if value not in names:
        raise ValueError("%s must be %s, not %r" % (key, ", ".join(names), value))
    return names.index(value)


def _integer(point, key, least, most):
    value = point[key]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError("%s must be %d to %d, not %r" % (key, least, most, value))
    return value


def _number(point, key):
    """Return the number of a key, None if it is not given; without a fraction it is an int."""
    if key not in point:
        return None
    value = point[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
        raise ValueError("%s must be a number, not %r" % (key, value))
    if isinstance(value, float) and abs(value) < 1e9 and value == int(value):
        return int(value)
    return value


def _text(point, key):
    value = point.get(key)
    if key in point and not (isinstance(value, str) and value):
        raise ValueError("%s must be text, not %r" % (key, value))
    return value


def _nan(point, bits):
    """Return nan_value as the unsigned number that is in the registers, None if not given."""
    if "nan_value" not in point:
        return None
    value = point["nan_value"]
    try:
        number = int(value, 16) if isinstance(value, str) else value
        if type(number) is int and -(1 << bits - 1) <= number < 1 << bits:
            return number & (1 << bits) - 1
    except ValueError:
        pass
    raise ValueError(
        "nan_value must be a number of %d bits, or its hex digits, not %r" % (bits, value)
    )
