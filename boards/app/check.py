"""The settings of /umb.json, checked and completed with defaults. CPython runs this, too.

A setting that cannot be used is reported, and its default is used. boards/README.md lists all.
"""

import json

from .defaults import LINE, VALUES, pin_of
from .parts import OPTIONAL, ROLES, settings_of


# A rule is (lowest, highest) of a whole number, (fewest, most) of the bytes of a text, (choices,),
# () of true or false, or a function that returns what a value has to be, in words, "" if it is so.
def _wanted_previous(value):
    table = joined(LINE, _RULES_OF_LINE)
    table["slave_id"] = (1,) + _RULES["slave_id"]
    good = isinstance(value, dict)
    for key in value if good else ():
        good = good and key in table and not wanted_by(table[key], value[key])
    return "" if good else "null, or settings of the serial line"


_RULES = {
    "role": (ROLES,),
    "slave_id": (1, 247),  # SL 2.2
    "name": (0, 64),
    "log": (("quiet", "events", "all"),),
    "rtu": (),
    "failsafe_s": (0, 65535),
    "watchdog_s": (0, 8),
    "previous": (_wanted_previous,),
}
_RULES_OF_LINE = {
    "baudrate": (300, 4000000),
    "parity": (("N", "E", "O"),),
    "stop": (1, 2),
}
_LONGEST = 60  # characters of a value in a message
_MOST_PROBLEMS = 40  # that are reported: all of a long file could exhaust the memory
_PIN_KEYS = ("uart", "tx", "rx", "de")


class Checked:
    """All settings of a board, `settings`, made from the dict `raw`, whatever is in it.

    problems   pairs of sentences: what is wrong in `raw`, and what is used instead

    A pin has one use. The serial line comes first, then the settings in `raw`, then the defaults.
    """

    def __init__(self, raw, board):
        self.settings = settings = {}
        self.problems = []
        self.board = board
        self.raw = raw
        self.used = {}  # pin: the setting that has it
        role = self._take_role()
        table = _of_all_roles(role)
        del table["role"]
        self.take(table, raw, settings)
        self.take(joined(LINE, _RULES_OF_LINE), raw, settings)
        if board.NETWORK:
            from .network.settings import take

            take(self)
        own = {key: getattr(board, key.upper()) for key in _PIN_KEYS}
        self._take_pins(raw, settings, own)
        self._take_parts(role)
        for key in raw:
            if key not in settings:
                text = "unknown setting {}"
                if not board.NETWORK and key in _of_networks():
                    text = "{}: this board has no network"
                self.report(text.format(in_words(key)), "it is ignored")

    def _take_role(self):
        """Take the role alone, and return the module with the rules of its settings."""
        settings = self.settings
        self.take({"role": (VALUES["role"],) + _RULES["role"]}, self.raw, settings)
        try:
            return settings_of(settings["role"])
        except ImportError:
            self.report("role: this board has no {}".format(settings["role"]), "it is io")
            settings["role"] = "io"
            return settings_of("io")

    def _take_parts(self, role):
        """Take the settings of the role and of optional parts, and the LED."""
        settings = self.settings
        self.take(role.SETTINGS, self.raw, settings)
        for name in OPTIONAL:
            if name in self.raw:
                settings[name] = self._optional(name)
        for named in (True, False):
            role.take_pins(self, named)
            if ("led" in self.raw) == named:
                settings["led"] = self._one("led", self.raw, self.board.LED)

    def _optional(self, name):
        """Return the settings of an optional part as a dict; None if it is not to be there."""
        raw = self.raw[name]
        if raw is None:
            return None
        what = "{}: this board has no network".format(name)
        if self.board.NETWORK:
            try:
                part = settings_of(name)
                what = self._what_lacks(name, part)
            except ImportError:
                what = "{}: this board has none".format(name)
        if what:
            self.report(what, "it is left out")
            return None
        return self.take_object(name, part.SETTINGS)

    def _what_lacks(self, name, part):
        """Return what is wrong with settings that a part cannot do without; None if nothing is.

        part   the module with the rules of its settings
        """
        raw = self.raw[name]
        for key in part.NEEDED:
            if not isinstance(raw, dict):
                return "{} must be an object, not {}".format(name, in_words(raw))
            wanted = wanted_by(part.SETTINGS[key], raw.get(key))
            if wanted:
                given = "not " + in_words(raw[key]) if key in raw else "and is missing"
                return "{}.{} must be {}, {}".format(name, key, wanted, given)
        return None

    # --- what parts call, too

    def report(self, what, instead):
        """Add a problem: what is wrong, and what is used instead."""
        if len(self.problems) == _MOST_PROBLEMS:
            what = "there are more such settings"
        if len(self.problems) <= _MOST_PROBLEMS:
            self.problems.append((what, instead))

    def refuse(self, where, wanted, value, default):
        """Report a value that has to be something else."""
        given = "what it is" if where.endswith("password") else in_words(value)
        what = "{} must be {}, not {}".format(where, wanted, given)
        self.report(what, "{} is used".format(in_words(default)))

    def take(self, table, raw, settings, where=""):
        """Put the settings of a table, {key: (default, *rule)}, from `raw` into `settings`.

        where   what stands before their names in messages
        """
        for key in sorted(table):
            default = table[key][0]
            value = raw.get(key, default)
            wanted = ""
            if value is not default:
                wanted = wanted_by(table[key], value)
            if wanted and not (isinstance(value, str) and value == default):
                self.refuse(where + key, wanted, value, default)
                value = default
            settings[key] = value

    def take_object(self, where, table, raw=None):
        """Return an object with settings of its own as a dict, with its defaults if it is none.

        raw   what it is made from; None: what the file has at `where`
        """
        raw = self.raw[where] if raw is None else raw
        settings = {}
        if not isinstance(raw, dict):
            self.refuse(where, "an object", raw, {})
            raw = {}
        self.take(table, raw, settings, where + ".")
        self._name_unknown(raw, settings, where)
        return settings

    def take_line(self, where, table):
        """Return the settings of a second serial line, an object; None if it cannot be used.

        table   what it has besides, see take()
        """
        raw = self.raw[where]
        if not isinstance(raw, dict):
            self.report("{} must be an object".format(where), "there is none")
            return None
        settings = {}
        self.take(joined(LINE, _RULES_OF_LINE), raw, settings, where + ".")
        self.take(table, raw, settings, where + ".")
        if not self._take_pins(raw, settings, None, where + "."):
            return None
        self._name_unknown(raw, settings, where)
        return settings

    # --- pins

    def _take_pins(self, raw, settings, own, where=""):
        """Take the UART and its pins, which go together, and the direction pin.

        own   those of the board; None: there are none. Returns whether there is a UART
        """
        for key in ("uart", "tx", "rx"):
            settings[key] = raw.get(key, own and own[key])
        used = self.settings["rtu"]
        what = self._uart_problem(settings, where)
        if what and own is None:
            self.report(what, "there is no such line")
            return False
        if what:
            self.report(what, "UART {uart}, tx {tx} and rx {rx} are used".format(**own))
            settings.update((key, own[key]) for key in ("uart", "tx", "rx"))
        if used and settings["tx"] is not None:
            self.used[settings["tx"]] = where + "tx"
            self.used[settings["rx"]] = where + "rx"
        de = own and own["de"]
        settings["de"] = self._one(where + "de", raw, de, used)
        if used and settings["de"] is None and "de" not in raw and de in self.used:
            self.report(self._twice("de", de), "there is no direction pin")
        return True

    def _uart_problem(self, settings, where):
        """Return what is wrong with the settings uart, tx and rx together; None if nothing is."""
        board = self.board
        uart = settings["uart"]
        if type(uart) is not int or uart not in board.UARTS:
            numbers = " or ".join(str(number) for number in sorted(board.UARTS))
            return "{}uart must be {}, not {}".format(where, numbers, in_words(uart))
        if where and uart == self.settings["uart"]:
            return "{}uart: UART {} is in use already".format(where, uart)
        if board.TX is None and settings["tx"] is settings["rx"] is None:
            return None  # a serial line without pins of its own
        for i, key in enumerate(("tx", "rx")):
            pin = settings[key]
            what = self._pin_problem(where + key, pin, "input" if i else "output")
            if what:
                return what
            pins = board.UARTS[uart]  # None: all that the board has
            if pins is not None and pin not in pins[i]:
                text = "{}: the pin {} is none of UART {}, which has {}"
                return text.format(where + key, pin, uart, ", ".join(str(one) for one in pins[i]))
            if where and pin in self.used:
                return self._twice(where + key, pin)
        if settings["rx"] == settings["tx"]:
            return "{}rx: the pin {} is tx already".format(where, in_words(settings["rx"]))
        return None

    def _one(self, where, raw, own, used=True):
        """Return the point "de" or "led", None for none."""
        key = where.rpartition(".")[2]
        if key in raw:
            free = own is not None and pin_of(own) not in self.used
            instead = "{} is used".format(in_words(own)) if free else "there is none"
            point = self.point(where, raw[key], "output", _rules_of_output, instead, used)
            if point is not False:
                return point
        return self.point(where, own, "output", _rules_of_output, None, used)

    def point(self, where, given, kind, rules, instead, used=True):
        """Return a point as a dict, None for none, False for an impossible one.

        kind      "output", "input" or "analogue"
        rules     rules(point) returns the table of what a point has besides its pin, see take()
        instead   what is used if the point is impossible. None: it is one of the board's own, and
                  left out without a message if its pin is in use already
        """
        if given is None:
            return None
        pin = pin_of(given)
        what = self._pin_problem(where, pin, kind)
        if not what and used and pin in self.used:
            what = self._twice(where, pin)
        if what:
            if instead:
                self.report(what, instead)
            return False if instead else None
        if used:
            self.used[pin] = where
        point = {"pin": pin}
        if isinstance(given, dict):
            self.take(rules(point), given, point, where + ".")
            self._name_unknown(given, point, where)
        else:
            self.take(rules(point), {}, point)
        return point

    def _pin_problem(self, where, pin, kind):
        """Return what is wrong with a pin of this kind; None if nothing is."""
        board = self.board
        known = type(pin) is int or isinstance(pin, str)
        what = None
        if known and pin in board.TAKEN:
            what = "is " + board.TAKEN[pin]
        elif not known or pin not in (board.ANALOGUE_PINS if kind == "analogue" else board.PINS):
            return "{}: the pin cannot be {}".format(where, in_words(pin))
        elif pin in board.INPUT_ONLY and kind == "output":
            what = "is an input only"
        return what and "{}: the pin {} {}".format(where, in_words(pin), what)

    def _twice(self, where, pin):
        return "{}: the pin {} is {} already".format(where, in_words(pin), self.used[pin])

    def _name_unknown(self, raw, settings, where):
        """Report the keys of an object that are no settings."""
        for key in raw:
            if key not in settings:
                what = "{}: unknown setting {}".format(where, in_words(key))
                self.report(what, "it is ignored")


def _of_networks():
    """Return the settings that boards with a network have, none where their rules are missing."""
    try:
        return settings_of("network").SETTINGS
    except ImportError:
        return ()


def rules_of(board, settings):
    """Return a dict for each setting that the file of a board may have, for a form.

    key, help, and for a single value kind ("number" or "text") or choices, and its default

    settings   those that hold: their role says what there is
    """
    role = settings_of(settings["role"])
    tables = [_of_all_roles(role), joined(LINE, _RULES_OF_LINE)]
    if board.NETWORK:
        from .network.settings import table_of

        tables.append(table_of(board))
    tables.append(role.SETTINGS)
    found = []
    for table in tables:
        for key in sorted(table):
            if key != "previous":  # which the board writes for itself
                found.append(_rule_in_words(key, table[key]))
    known = [rule["key"] for rule in found] + ["previous"]
    for key in sorted(settings):
        if key not in known and key not in OPTIONAL:
            found.append({"key": key, "kind": "json"})
    for name in OPTIONAL:
        try:
            keys = ", ".join(sorted(settings_of(name).SETTINGS))
        except ImportError:
            continue  # this board has none
        found.append({"key": name, "kind": "json", "help": "an object with " + keys})
    return found


def _rule_in_words(key, rule):
    default = rule[0]
    found = {"key": key, "default": default, "help": wanted_by(rule, None)}
    if isinstance(default, bool):
        found["choices"] = [True, False]
    elif len(rule) == 2 and not callable(rule[1]):
        found["choices"] = list(rule[1])
    elif isinstance(default, int) and len(rule) == 3:
        found["kind"] = "number"
        found["least"], found["most"] = rule[1:]
    else:
        found["kind"] = "text" if isinstance(default, str) else "json"
    if key.endswith("password"):
        found["secret"] = True
    return found


def _of_all_roles(role):
    """Return the table of what every role has, with the defaults of this one."""
    defaults = dict(VALUES)
    defaults.update(role.DEFAULTS)
    return joined(defaults, _RULES)


def joined(defaults, rules):
    """Return a table for take() of the defaults and the rules of the same keys."""
    return {key: (defaults[key],) + rules[key] for key in rules}


def _rules_of_output(_):
    return {"invert": (False,)}


def wanted_by(rule, value):
    """Return what a value has to be, as words; "" if it is that.

    rule   the default, and what _RULES has
    """
    default = rule[0]
    if len(rule) == 2 and callable(rule[1]):
        return rule[1](value)
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


def is_address(value):
    """Return whether this is the text of an IPv4 address."""
    parts = value.split(".") if isinstance(value, str) else ()
    return len(parts) == 4 and all(is_byte(part) for part in parts)


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
