"""Values with a scale factor, and values that are not implemented, as SunSpec has them.

Many meters and inverters have a register with the power of ten by which others are multiplied,
and certain numbers that stand for no value: the greatest one of unsigned kinds, the least one of
signed kinds, "not a number" of floats. `values`, `kind` and `order` are those of umb.words.
"""

from micropython import const

from .errors import ModbusError
from .words import ABCD, I16, get, put, size

_NUMBER = (int, bool, float)
_SUNS = const(0x53756E53)  # "SunS"
_END_MODEL = const(0xFFFF)
_LAST_HEAD = const(0xFFFE)  # there is no room for a model from here on


def _missing(kind):
    """Return what stands for a value of this kind that is not implemented; BCD has None."""
    bits = 16 * size(kind)
    if kind[0] == "f":
        return float("nan")
    if kind[0] == "i":
        return -(1 << bits - 1)
    return (1 << bits) - 1 if kind[0] == "u" else None


def _factor(values, factor_at, order):
    """Return the scale factor in this register, None if it is none of -10 to 10."""
    factor = 0 if factor_at is None else get(values, factor_at, I16, order)
    return factor if -10 <= factor <= 10 else None


def get_scaled(values, at: int, kind: str, factor_at=None, order: str = ABCD):
    """Return the value at values[at] times ten to the power of its scale factor.

    factor_at   where the register with the scale factor is; None: there is none

    Returns an int, or a float where the scale factor is negative; None where the value or the
    scale factor is not implemented. Raises as umb.words.get() does.
    """
    value = get(values, at, kind, order)
    factor = _factor(values, factor_at, order)
    if value is None or value != value or value == _missing(kind) or factor is None:  # noqa: PLR0124
        return None
    return value * 10**factor if factor >= 0 else value / 10**-factor


def put_scaled(values, at: int, kind: str, value, factor_at=None, order: str = ABCD) -> None:
    """Write a number divided by ten to the power of its scale factor, rounded.

    value   a number; None: the value is not implemented, which BCD cannot express

    The scale factor is read, and not written. Raises as umb.words.put() does, and ValueError for a
    scale factor that is not implemented, and for a number that would stand for no value.
    """
    missing = number = _missing(kind)
    if value is not None:
        factor = _factor(values, factor_at, order)
        if factor is None:
            raise ValueError("register %d has no scale factor -10..10" % factor_at)
        number = _unscaled(value, factor, kind[0] == "f")
    if number is None or (value is not None and number == missing):
        raise ValueError("%r in %s means that there is no value" % (value, kind))
    put(values, at, kind, number, order)


def _unscaled(value, factor, is_float):
    """Return a number divided by 10 ** factor, and rounded if the registers hold no floats."""
    if not isinstance(value, _NUMBER) or value - value != 0:  # infinite, or not a number
        raise ValueError("a number or None is needed, not %r" % (value,))
    if factor < 0:
        value *= 10**-factor
    elif isinstance(value, float) or is_float:
        value /= 10**factor
    else:
        value = (2 * value + 10**factor) // (2 * 10**factor)  # a float may have too few digits
    return value if is_float else round(value)


def find_models(client, slave_id: int, bases=(40000, 0, 50000)) -> dict:
    """Return {model id: address of its first register} of a SunSpec device, {} if it is none.

    client   one whose calls block
    bases    where "SunS" may stand, before the first model

    Of models that a device has several times the first one counts. Raises what the client raises,
    but for exceptions where there may be nothing.
    """
    for base in bases:
        try:
            mark = client.read_holding_registers(slave_id, base, 2, signed=False)
        except ModbusError as error:
            if error.error_code is None:
                raise
            continue
        if mark == [_SUNS >> 16, _SUNS & 0xFFFF]:
            return _models_from(client, slave_id, base + 2)
    return {}


def _models_from(client, slave_id, address):
    """Return the models that follow each other from this address on, see find_models()."""
    models = {}
    while address < _LAST_HEAD:
        model, length = client.read_holding_registers(slave_id, address, 2, signed=False)
        if model in (0, _END_MODEL):
            break
        models.setdefault(model, address)
        address += 2 + length
    return models
