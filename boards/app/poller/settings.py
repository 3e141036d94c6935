"""The settings of the role "poller". CPython runs this, too."""

from ..check import wanted_by
from ..masters.settings import SETTINGS as OF_MASTERS
from ..masters.settings import TARGET, take_objects, take_second_line

_MOST_DEVICES = 32
_LONGEST_MS = 86_400_000

SETTINGS = dict(OF_MASTERS)
DEFAULTS = {}


def take_pins(checked, named):
    """Take line2 and the devices."""
    take_second_line(checked, named)
    if named:
        checked.settings["devices"] = _devices(checked)


def _devices(checked):
    """Return the devices: dicts that have an id of their own to be served at."""
    table = {
        "name": ("", 0, 64),
        "slave_id": (1, 0, 255),
        "points": ("", _wanted_points),
        "interval_ms": (1000, 10, _LONGEST_MS),
        "timeout_ms": (checked.settings["timeout_ms"], 1, 60_000),
        "serve_as": (0, 0, 247),
    }
    table.update(TARGET)
    found = []
    served = [checked.settings["slave_id"]]
    names = []
    for device in take_objects(checked, "devices", _MOST_DEVICES, table) or ():
        slave_id = device["serve_as"] = device["serve_as"] or device["slave_id"]
        name = device["name"] = device["name"] or "slave {}".format(slave_id)
        what = None
        if slave_id in served or not 1 <= slave_id <= 247:
            what = "devices: {} cannot be served as slave {}".format(name, slave_id)
        elif name in names:
            what = "devices: two have the name {}".format(name)
        if what:
            checked.report(what, "it is left out")
            continue
        served.append(slave_id)
        names.append(name)
        found.append(device)
    return found


def _wanted_points(value):
    if isinstance(value, list):
        return ""  # umb.points says what is wrong with them
    return wanted_by(("", 1, 255), value) and "the path of a file of points, or a list of points"
