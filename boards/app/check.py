"""What may be in /umb.json, and what holds where it is silent. Python runs this too.

What is wrong is named and its default taken. boards/README.md lists all settings.
"""

import json

# Numbers: (default, lowest, highest); SL 2.2 has the slave ids.
_NUMBERS = {
    "slave_id": (1, 1, 247),
    "baudrate": (19200, 300, 4000000),
    "stop": (1, 1, 2),
    "uart": (0, 0, 9),
    "tcp_port": (502, 1, 65535),
    "failsafe_s": (0, 0, 65535),
    "watchdog_s": (0, 0, 8),
}
_TEXTS = {"name": 64, "ssid": 32, "password": 63, "hostname": 32}  # the most bytes
_ADDRESSES = {"address": "", "netmask": "255.255.255.0", "gateway": ""}
_OF_NETWORK = ("tcp_port", "ssid", "password", "hostname", "address", "netmask", "gateway")
# Lists of points: (the most, what a point has besides its pin).
_LISTS = {
    "outputs": (32, {"invert": False, "safe": 0}),
    "inputs": (32, {"invert": False, "pull": "up"}),
    "analogues": (16, {"scale": None}),
    "pwms": (16, {"freq": 1000, "full": 65535, "safe": 0}),
}
_ONE = {"invert": False}  # what the points "de" and "led" have
_WANTED = {
    "invert": "true or false",
    "safe": 'one of its values or "hold"',
    "pull": '"up", "down" or "none"',
    "scale": "[low, high], two numbers, -32768 to 65535",
    "freq": "a number, 1 to 1000000",
    "full": "a number, 1 to 16000 or 65535",
}


class Checked:
    """`settings` out of the dict `raw`: whole and possible. `faults` names what was not taken.

    A pin has one use. The serial line comes first, then what `raw` names, then the defaults.
    """

    def __init__(self, raw, board):
        self.settings = {"rtu": True, "parity": "E"}
        self.faults = []
        self._board = board
        self._raw = raw
        self._used = {}  # pin: where
        self._scalars()
        self._serial_pins()
        for explicit in (True, False):
            for name in sorted(_LISTS):
                if (name in raw) == explicit:
                    self._list(name)
            if ("led" in raw) == explicit:
                self.settings["led"] = self._one("led", board.LED)
        for key in sorted(raw):
            if key in self.settings:
                continue
            text = "this board has no network: {} is not used"
            if key not in _OF_NETWORK:
                text = "unknown setting {}"
            self.faults.append(text.format(json.dumps(key)))

    def _scalars(self):
        """Take what is no pin."""
        settings = self.settings
        for key, (default, low, high) in _NUMBERS.items():
            settings[key] = default
            if key == "uart":
                settings[key] = self._board.UART
            self._take(key, is_number(low, high), "a number, {} to {}".format(low, high))
        for key, most in _TEXTS.items():
            settings[key] = ""
            self._take(key, is_text(most), "a text of {} at most".format(most))
        for key, default in _ADDRESSES.items():
            settings[key] = default
            self._take(key, is_address, "an address like 192.168.0.10")
        self._take("rtu", is_flag, "true or false")
        self._take("parity", is_one_of(("N", "E", "O")), '"N", "E" or "O"')
        if not self._board.NETWORK:
            for key in _OF_NETWORK:
                settings.pop(key)

    def _take(self, key, fits, wanted):
        if key not in self._raw or (key in _OF_NETWORK and not self._board.NETWORK):
            return
        value = self._raw[key]
        if fits(value):
            self.settings[key] = value
        else:
            self._refuse(key, wanted, value, self.settings[key])

    def _refuse(self, where, wanted, value, default):
        text = "{} must be {}, not {}: {} is used"
        self.faults.append(text.format(where, wanted, json.dumps(value), json.dumps(default)))

    def _serial_pins(self):
        board = self._board
        used = self.settings["rtu"]
        for key in ("tx", "rx"):
            default = getattr(board, key.upper())
            pin = self._raw.get(key, default)
            if pin is not None and not is_pin(pin, board.PINS):
                self._refuse(key, "a pin of this board", pin, default)
                pin = default
            self.settings[key] = pin
            if used and pin is not None:
                self._used[pin] = key
        self.settings["de"] = self._one("de", board.DE, used)

    def _one(self, key, default, used=True):
        """The point "de" or "led", None for none."""
        explicit = key in self._raw
        point = self._point(key, self._raw.get(key, default), _ONE, explicit, used)
        if point is False:
            self.faults[-1] += ": {} is used".format(json.dumps(default))
            point = self._point(key, default, _ONE, False, used)
        return point

    def _list(self, name):
        most, has = _LISTS[name]
        explicit = name in self._raw
        points = default = getattr(self._board, name.upper())
        if explicit:
            points = self._raw[name]
            if not isinstance(points, list) or len(points) > most:
                self.faults.append("{} must be a list of {} at most".format(name, most))
                points = default
                explicit = False
        self.settings[name] = taken = []
        for i in range(len(points)):
            point = self._point("{}[{}]".format(name, i), points[i], has, explicit)
            if point is False:
                self.faults[-1] += ": it is left out"
                point = None
            taken.append(point)

    def _point(self, where, given, has, explicit, used=True):
        """A point as a dict, None for none, False for an impossible one, which faults tells of.

        A default one whose pin is in use already is none.
        """
        if given is None:
            return None
        point = dict(has)
        point["pin"] = None
        point.update(given if isinstance(given, dict) else {"pin": given})
        pin = point["pin"]
        board = self._board
        pins = board.ANALOGUE_PINS if "scale" in has else board.PINS
        drives = "pull" not in has and "scale" not in has
        if not is_pin(pin, pins) or (drives and pin in board.INPUT_ONLY):
            self.faults.append("{}: the pin cannot be {}".format(where, json.dumps(pin)))
            return False
        if used and pin in self._used:
            if explicit:
                text = "{}: the pin {} is {} already"
                self.faults.append(text.format(where, json.dumps(pin), self._used[pin]))
            return False if explicit else None
        if used:
            self._used[pin] = where
        self._complete(where, point, has)
        return point

    def _complete(self, where, point, has):
        for key in sorted(point):  # "full" comes before "safe"
            if key == "pin":
                continue
            name = "{}.{}".format(where, key)
            if key not in has:
                self.faults.append("unknown setting {}".format(name))
                point.pop(key)
            elif not possible(key, point[key], point.get("full", 1)):
                self._refuse(name, _WANTED[key], point[key], has[key])
                point[key] = has[key]


def possible(key, value, full):
    """May a point have this value of `key`? full: the highest value of the point itself."""
    if key == "safe":
        return value == "hold" or is_number(0, full)(value)
    if key == "scale":
        return value is None or is_scale(value)
    if key == "full":
        return value == 65535 or is_number(1, 16000)(value)
    if key == "freq":
        return is_number(1, 1000000)(value)
    return is_flag(value) if key == "invert" else value in ("up", "down", "none")


def is_pin(pin, pins):
    """Is it one of these pins, by its number or name?"""
    return (type(pin) is int or isinstance(pin, str)) and pin in pins


def is_scale(value):
    """Are these the two ends of a scale?"""
    fits = is_number(-32768, 65535)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return fits(value[0]) and fits(value[1]) and value[0] != value[1]


def is_number(low, high):
    """A check for whole numbers in a range."""
    return lambda value: type(value) is int and low <= value <= high


def is_text(most):
    """A check for texts of so many bytes at most."""
    return lambda value: isinstance(value, str) and len(value.encode()) <= most


def is_one_of(words):
    """A check for words."""
    return lambda value: isinstance(value, str) and value in words


def is_flag(value):
    """Is it true or false?"""
    return value is True or value is False


def is_address(value):
    """Is it the text of an IPv4 address, or empty?"""
    if not isinstance(value, str):
        return False
    parts = value.split(".") if value else "0000"
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)
