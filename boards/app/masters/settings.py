"""The settings of roles that ask slaves, on one or two serial lines and at hosts.

CPython runs this, too.
"""

from ..check import is_address

# Of the role itself.
SETTINGS = {
    "timeout_ms": (300, 1, 60_000),
    "retries": (0, 0, 10),
    "pause_ms": (0, 0, 10_000),
}


def _wanted_host(value):
    # A name would have to be looked up, for which MicroPython stands still.
    return "" if value == "" or is_address(value) else "an address like 192.168.0.10"


# Of an object that names a line or a host.
TARGET = {"line": (1, 1, 2), "host": ("", _wanted_host), "port": (502, 1, 65535)}


def take_second_line(checked, named):
    """Take the setting line2, which no board has a default of.

    Its key "serve" says that masters are on it, and no slaves.
    """
    if not named:
        return
    line2 = None
    if checked.raw.get("line2") is not None:
        line2 = checked.take_line("line2", {"serve": (False,)})
    checked.settings["line2"] = line2


def take_objects(checked, name, most, table):
    """Return the list of objects of this name, as dicts complete with the table's defaults.

    What is no object is left out, and so is one whose line does not exist. Returns None if the
    file has no such list.
    """
    given = checked.raw.get(name)
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > most:
        checked.report("{} must be a list of {} at most".format(name, most), "there are none")
        return []
    found = []
    for i, one in enumerate(given):
        where = "{}[{}]".format(name, i)
        if not isinstance(one, dict):
            checked.report("{} must be an object".format(where), "it is left out")
            continue
        settings = checked.take_object(where, table, one)
        what = _target_problem(checked, settings)
        if what:
            checked.report("{}: {}".format(where, what), "it is left out")
        else:
            found.append(settings)
    return found


def _target_problem(checked, target):
    """Return what is wrong with a line or a host; None if nothing is."""
    if target["host"]:
        return None if checked.board.NETWORK else "this board has no network"
    if not checked.settings["rtu"]:
        return "the serial line is not served"
    if target["line"] == 2:
        line2 = checked.settings["line2"]
        if line2 is None:
            return "there is no line2"
        if line2["serve"]:
            return "masters are on line2"
    return None
