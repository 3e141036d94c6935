"""check(): whether points can be the exponents of others. Loaded where a point has one."""

from micropython import const

_INPUT = const(2)  # areas below have bits
_INT16 = const(0)

# What is in the bytes of a row of the table, see umb.points.rows.
_ROW = const(20)
_FLAGS = const(4)
_TYPE = const(5)
_BIT = const(7)
_NOT_GIVEN = const(255)
_SCALE = const(9)
_OFFSET = const(10)
_EXPONENT = const(16)


def check(points):
    """Raise ValueError unless each `scale_factor` of Points names a point that can be one."""
    for i in range(len(points)):
        name = points.pool[points.table[i * _ROW + _EXPONENT]]
        if name is None or (name in points and _can_be(points.table, points.index(name) * _ROW)):
            continue
        raise ValueError(
            "point %r: scale_factor must be the name of an int16 without a scale, not %r"
            % (points.name(i), name)
        )


def _can_be(table, row):
    """Return whether the point of a row of the table can be an exponent."""
    return (
        table[row + _FLAGS] & 3 >= _INPUT
        and table[row + _TYPE] == _INT16
        and table[row + _BIT] == _NOT_GIVEN
        and not (table[row + _SCALE] or table[row + _OFFSET] or table[row + _EXPONENT])
    )
