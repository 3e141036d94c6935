"""The settings of /umb.json, checked and completed with defaults. CPython runs this, too.

A setting that cannot be used is reported, and its default is used. boards/README.md lists all.
"""

import json

from .defaults import LISTS, OF_POINTS, VALUES, VALUES_OF_NETWORK, pin_of

# A rule is (lowest, highest) of a whole number, (fewest, most) of the bytes of a text, (choices,),
# or () of true or false.
_RULES = {
    "slave_id": (1, 247),  # SL 2.2
    "name": (0, 64),
    "rtu": (),
    "baudrate": (300, 4000000),
    "parity": (("N", "E", "O"),),
    "stop": (1, 2),
    "failsafe_s": (0, 65535),
    "watchdog_s": (0, 8),
}
_RULES_OF_NETWORK = {
    "tcp_port": (1, 65535),
    "idle_timeout_s": (0, 65535),
    "ssid": (0, 32),
    "password": (8, 63),  # so WPA2 has it; empty: an open network
    "hostname": (0, 32),
    "address": (7, 15),
    "netmask": (7, 15),
    "gateway": (7, 15),
}
_ADDRESSES = ("address", "netmask", "gateway")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_LONGEST = 60  # characters of a value in a message
_MOST_PROBLEMS = 40  # that are reported: all of a long file could exhaust the memory


class Checked:
    """All settings of a board, `settings`, made from the dict `raw`, whatever is in it.

    problems   pairs of sentences: what is wrong in `raw`, and what is used instead

    A pin has one use. The serial line comes first, then the settings in `raw`, then the defaults.
    """

    def __init__(self, raw, board):
        self.settings = settings = {}
        self.problems = []
        self._board = board
        self._raw = raw
        self._used = {}  # pin: the setting that has it
        self._take(VALUES, _RULES)
        if board.NETWORK:
            self._take(VALUES_OF_NETWORK, _RULES_OF_NETWORK)
        self._serial_line()
        for named in (True, False):
            for name, most, keys in LISTS:
                if (name in raw) == named:
                    settings[name] = self._list(name, most, keys)
            if ("led" in raw) == named:
                settings["led"] = self._one("led", board.LED)
        for key in raw:
            if key not in settings:
                text = "unknown setting {}"
                if key in _RULES_OF_NETWORK:
                    text = "{}: this board has no network"
                self._report(text.format(in_words(key)), "it is ignored")

    def _report(self, what, instead):
        """Add a problem: what is wrong, and what is used instead."""
        if len(self.problems) == _MOST_PROBLEMS:
            what = "there are more such settings"
        if len(self.problems) <= _MOST_PROBLEMS:
            self.problems.append((what, instead))

    def _refuse(self, where, wanted, value, default):
        given = "what it is" if where == "password" else in_words(value)
        what = "{} must be {}, not {}".format(where, wanted, given)
        self._report(what, "{} is used".format(in_words(default)))

    def _take(self, defaults, rules):
        """Take the settings that have rules."""
        for key in sorted(rules):
            default = defaults[key]
            value = self._raw.get(key, default)
            wanted = ""
            if value is not default:
                wanted = wanted_by((default,) + rules[key], value) or wanted_as(key, value)
            if wanted and not (isinstance(value, str) and value == default):
                self._refuse(key, wanted, value, default)
                value = default
            self.settings[key] = value

    def _serial_line(self):
        """Take the UART and its pins, which go together, and the direction pin."""
        board = self._board
        settings = self.settings
        own = {"uart": board.UART, "tx": board.TX, "rx": board.RX}
        for key, default in own.items():
            settings[key] = self._raw.get(key, default)
        what = self._uart_problem()
        if what:
            self._report(what, "UART {uart}, tx {tx} and rx {rx} are used".format(**own))
            settings.update(own)
        used = settings["rtu"]
        if used and board.TX is not None:
            self._used[settings["tx"]] = "tx"
            self._used[settings["rx"]] = "rx"
        settings["de"] = self._one("de", board.DE, used)
        if used and settings["de"] is None and "de" not in self._raw and board.DE in self._used:
            self._report(self._twice("de", board.DE), "there is no direction pin")

    def _uart_problem(self):
        """Return what is wrong with the settings uart, tx and rx together; None if nothing is."""
        board = self._board
        settings = self.settings
        uart = settings["uart"]
        if type(uart) is not int or uart not in board.UARTS:
            numbers = " or ".join(str(number) for number in sorted(board.UARTS))
            return "uart must be {}, not {}".format(numbers, in_words(uart))
        if board.TX is None and settings["tx"] is settings["rx"] is None:
            return None  # a serial line without pins of its own
        for i, key in enumerate(("tx", "rx")):
            pin = settings[key]
            what = self._pin_problem(key, pin, "pull" if i else "safe")
            if what:
                return what
            pins = board.UARTS[uart]  # None: all that the board has
            if pins is not None and pin not in pins[i]:
                text = "{}: the pin {} is none of UART {}, which has {}"
                return text.format(key, pin, uart, ", ".join(str(one) for one in pins[i]))
        if settings["rx"] == settings["tx"]:
            return "rx: the pin {} is tx already".format(in_words(settings["rx"]))
        return None

    def _one(self, key, own, used=True):
        """Return the point "de" or "led", None for none."""
        keys = ("invert",)
        if key in self._raw:
            free = own is not None and pin_of(own) not in self._used
            instead = "{} is used".format(in_words(own)) if free else "there is none"
            point = self._point(key, self._raw[key], keys, instead, used)
            if point is not False:
                return point
        return self._point(key, own, keys, None, used)

    def _list(self, name, most, keys):
        """Return a list of points."""
        points = getattr(self._board, name.upper())
        instead = None
        if name in self._raw:
            given = self._raw[name]
            if isinstance(given, list) and len(given) <= most:
                points = given
                instead = "it is left out"
            else:
                what = "{} must be a list of {} at most".format(name, most)
                self._report(what, "the board's own are used")
        return [
            self._point("{}[{}]".format(name, i), points[i], keys, instead) or None
            for i in range(len(points))
        ]

    def _point(self, where, given, keys, instead, used=True):
        """Return a point as a dict, None for none, False for an impossible one.

        instead   what is used if the point is impossible. None: it is one of the board's own, and
                  left out without a message if its pin is in use already
        """
        if given is None:
            return None
        pin = pin_of(given)
        what = self._pin_problem(where, pin, keys[-1])
        if not what and used and pin in self._used:
            what = self._twice(where, pin)
        if what:
            if instead:
                self._report(what, instead)
            return False if instead else None
        if used:
            self._used[pin] = where
        point = {"pin": pin}
        for key in keys:
            point[key] = OF_POINTS[key]
        if isinstance(given, dict):
            self._complete(where, point, given, keys)
        return point

    def _complete(self, where, point, given, keys):
        """Put the given keys into a point, and report those that cannot be used."""
        for key in keys:
            if key in given:
                wanted = self._wanted_of_point(key, given[key], point)
                if wanted:
                    self._refuse("{}.{}".format(where, key), wanted, given[key], point[key])
                else:
                    point[key] = given[key]
        for key in given:
            if key not in point:
                self._report(
                    "{}: unknown setting {}".format(where, in_words(key)), "it is ignored"
                )

    def _wanted_of_point(self, key, value, point):
        """Return what the key of a point has to be, as words; "" if it is that."""
        if key == "invert":
            return wanted_by((False,), value)
        if key == "pull":
            return wanted_by(("", self._board.PULLS), value)
        if key == "freq":
            return wanted_by((1000,) + self._board.PWM_HZ, value)
        if key == "full":
            return "" if value == 65535 else wanted_by((0, 1, 16000), value) and _FULL
        if key == "safe":
            most = point.get("full", 1)
            return "" if value == "hold" else wanted_by((0, 0, most), value) and _SAFE
        if value is None:
            return ""
        fits = isinstance(value, (list, tuple)) and len(value) == 2 and value[0] != value[1]
        return "" if fits and not any(wanted_by(_END, end) for end in value) else _SCALE

    def _pin_problem(self, where, pin, key):
        """Return what is wrong with a pin for a point with this key; None if nothing is."""
        board = self._board
        known = type(pin) is int or isinstance(pin, str)
        what = None
        if known and pin in board.TAKEN:
            what = "is " + board.TAKEN[pin]
        elif not known or pin not in (board.ANALOGUE_PINS if key == "scale" else board.PINS):
            return "{}: the pin cannot be {}".format(where, in_words(pin))
        elif pin in board.INPUT_ONLY and key not in ("pull", "scale"):
            what = "is an input only"
        return what and "{}: the pin {} {}".format(where, in_words(pin), what)

    def _twice(self, where, pin):
        return "{}: the pin {} is {} already".format(where, in_words(pin), self._used[pin])


_END = (0, -32768, 65535)  # the rule of the ends of a scale
_SCALE = "[low, high], two numbers, -32768 to 65535"
_FULL = "a number, 1 to 16000 or 65535"
_SAFE = 'one of its values or "hold"'


def wanted_by(rule, value):
    """Return what a value has to be, as words; "" if it is that.

    rule   the default, and what _RULES has
    """
    default = rule[0]
    if default is True or default is False:
        return "" if value is True or value is False else "true or false"
    if len(rule) == 2:
        words = [in_words(word) for word in rule[1]]
        known = isinstance(value, str) and value in rule[1]
        return "" if known else ", ".join(words[:-1]) + " or " + words[-1]
    size = value
    text = "a number, {} to {}"
    if isinstance(default, str):
        text = "a text of {} to {} bytes"
        size = size_of(value)
    fits = type(size) is int and rule[1] <= size <= rule[2]
    return "" if fits else text.format(rule[1], rule[2])


def wanted_as(key, value):
    """Return what the text of a setting has to be besides, as words; "" if it is that."""
    if key == "hostname" and value.strip("-") + value.strip(_LETTERS + _LETTERS.upper()) != value:
        return "letters, digits and hyphens"
    if key in _ADDRESSES:
        parts = value.split(".")
        if len(parts) != 4 or not all(is_byte(part) for part in parts):
            return "an address like 192.168.0.10"
    return ""


def is_byte(text):
    """Return whether a text is a number from 0 to 255."""
    return 0 < len(text) <= 3 and not text.strip("0123456789") and int(text) < 256


def size_of(value):
    """Return how many bytes a text has; None if it is none, or cannot be encoded."""
    try:
        return len(value.encode()) if isinstance(value, str) else None
    except ValueError:  # half a surrogate pair, which Python does not encode
        return None


def in_words(value):
    """Return a value as JSON for a message, cut if it is long."""
    try:
        text = json.dumps(value)
    except Exception:  # noqa: BLE001 - nested too deep, or too long for the memory
        return "what is too long to print"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
