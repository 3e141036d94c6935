"""The settings of the role "gateway". CPython runs this, too."""

from ..check import wanted_by
from ..masters.settings import SETTINGS as OF_MASTERS
from ..masters.settings import TARGET, take_objects, take_second_line
from .ids import slave_ids

_MOST_ROUTES = 16
_LONGEST_MS = 3_600_000

SETTINGS = dict(OF_MASTERS)
SETTINGS["cache_ms"] = (0, 0, _LONGEST_MS)
DEFAULTS = {"slave_id": 247}  # behind it there is a slave 1 more often than a 247


def take_pins(checked, named):
    """Take line2 and the routes."""
    take_second_line(checked, named)
    if named:
        routes = take_objects(checked, "routes", _MOST_ROUTES, _route(checked.settings))
        checked.settings["routes"] = _without_twins(checked, routes)


def _route(settings):
    """Return the table of a route: what it does not say itself, the role's settings say."""
    table = {
        "slave_ids": ("1-247", _wanted_ids),
        "unit_ids": ({}, _wanted_unit_ids),
        "timeout_ms": (settings["timeout_ms"], 1, 60_000),
        "cache_ms": (settings["cache_ms"], 0, _LONGEST_MS),
    }
    table.update(TARGET)
    return table


def _without_twins(checked, routes):
    """Return the routes without those that lead where an earlier one does."""
    if routes is None:
        return [{key: rule[0] for key, rule in _route(checked.settings).items()}]
    found = {}
    for i, route in enumerate(routes):
        target = (route["host"], route["port"]) if route["host"] else route["line"]
        if target in found:
            checked.report("routes: two lead to {}".format(target), "the first one is used")
        else:
            found[target] = i
    return [routes[i] for i in sorted(found.values())]


def _wanted_ids(value):
    try:
        slave_ids(value)
    except ValueError:
        return 'slave ids from 0 to 255, such as "1-32, 40"'
    return ""


def _wanted_unit_ids(value):
    good = isinstance(value, dict)
    for key in value if good else ():
        digits = isinstance(key, str) and key.isdigit() and len(key) <= 3
        good = good and digits and int(key) <= 255 and not wanted_by((0, 0, 255), value[key])
    return "" if good else "an object with pairs of slave ids from 0 to 255"
