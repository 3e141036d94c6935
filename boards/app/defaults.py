"""The defaults of settings, and the settings of a board without /umb.json.

CPython runs this, too, for tests and for boards/unix.
"""

VALUES = {
    "role": "io",
    "slave_id": 1,
    "name": "",
    "log": "quiet",
    "rtu": True,
    "failsafe_s": 0,
    "watchdog_s": 0,
    "previous": None,
}
LINE = {"baudrate": 19200, "parity": "E", "stop": 1}
# Lists of points: the most, the kind of their pins, and what points have besides.
LISTS = (
    ("analogues", 16, "analogue", ("scale",)),
    ("inputs", 32, "input", ("invert", "pull")),
    ("outputs", 32, "output", ("invert", "safe")),
    ("pwms", 16, "output", ("freq", "full", "safe")),
)
OF_POINTS = {"invert": False, "safe": 0, "pull": "up", "scale": None, "freq": 1000, "full": 65535}


def defaults(board):
    """Return the settings of this board where there is no file."""
    settings = dict(VALUES)
    settings.update(LINE)
    if board.NETWORK:
        from .network.settings import table_of

        settings.update((key, rule[0]) for key, rule in table_of(board).items())
    for key in ("uart", "tx", "rx"):
        settings[key] = getattr(board, key.upper())
    used = [None, board.TX, board.RX]  # pins: each has one use, and the serial line comes first
    settings["de"] = _point(board.DE, ("invert",), used)
    for name, _, _, keys in LISTS:
        points = getattr(board, name.upper())
        settings[name] = [_point(point, keys, used) for point in points]
    settings["led"] = _point(board.LED, ("invert",), used)
    return settings


def _point(given, keys, used):
    """Return one of the board's own points as a dict, None if its pin is in use already."""
    pin = pin_of(given)
    if pin in used:
        return None
    used.append(pin)
    point = {"pin": pin}
    for key in keys:
        point[key] = OF_POINTS[key]
    if isinstance(given, dict):
        point.update(given)
    return point


def pin_of(point):
    """Return the pin of a point, which is an object with it, or the pin itself."""
    return point.get("pin") if isinstance(point, dict) else point
