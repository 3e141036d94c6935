"""The settings of the role "io": its points. CPython runs this, too."""

from ..check import wanted_by
from ..defaults import LISTS, OF_POINTS

SETTINGS = {}
DEFAULTS = {}

_END = (0, -32768, 65535)  # the rule of the ends of a scale
_SCALE = "[low, high], two numbers, -32768 to 65535"
_FULL = "a number, 1 to 16000 or 65535"
_SAFE = 'one of its values or "hold"'


def take_pins(checked, named):
    """Take the lists of points: if `named`, those that the file has, else those of the board."""
    for name, most, kind, keys in LISTS:
        if (name in checked.raw) == named:
            checked.settings[name] = _list(checked, name, most, kind, keys)


def _list(checked, name, most, kind, keys):
    """Return a list of points."""
    points = getattr(checked.board, name.upper())
    instead = None
    if name in checked.raw:
        given = checked.raw[name]
        if isinstance(given, list) and len(given) <= most:
            points = given
            instead = "it is left out"
        else:
            what = "{} must be a list of {} at most".format(name, most)
            checked.report(what, "the board's own are used")

    def rules(point):
        return {key: (OF_POINTS[key], _rule(checked.board, key, point)) for key in keys}

    return [
        checked.point("{}[{}]".format(name, i), points[i], kind, rules, instead) or None
        for i in range(len(points))
    ]


def _rule(board, key, point):
    """Return the rule of a key of this point: a function, see check.py."""
    if key == "invert":
        return lambda value: wanted_by((False,), value)
    if key == "pull":
        return lambda value: wanted_by(("", board.PULLS), value)
    if key == "freq":
        return lambda value: wanted_by((1000,) + board.PWM_HZ, value)
    if key == "full":
        return lambda value: "" if value == 65535 else wanted_by((0, 1, 16000), value) and _FULL
    if key == "safe":
        return lambda value: "" if value == "hold" else _wanted_safe(value, point)
    return _wanted_scale


def _wanted_safe(value, point):
    return wanted_by((0, 0, point.get("full", 1)), value) and _SAFE


def _wanted_scale(value):
    if value is None:
        return ""
    fits = isinstance(value, (list, tuple)) and len(value) == 2 and value[0] != value[1]
    return "" if fits and not any(wanted_by(_END, end) for end in value) else _SCALE
