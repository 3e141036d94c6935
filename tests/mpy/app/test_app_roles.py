"""The roles "gateway" and "poller": their settings, whatever is in the file, and their lines."""

from support.app import chip, use

from app import config, start
from app.application import Application
from app.check import Checked
from app.gateway.ids import slave_ids
from app.hardware import Hardware

LINE2 = {"uart": 1, "tx": 4, "rx": 5, "de": 6, "baudrate": 9600}
ROUTE = {"line": 1, "slave_ids": "1-32, 40", "unit_ids": {"50": 7}, "cache_ms": 100}
POINT = {"name": "voltage", "address": 0}
DEVICE = {"name": "meter", "slave_id": 7, "points": [POINT], "interval_ms": 500}
# Values of every type, and such as are nearly right.
VALUES = [None, True, False, 0, 1, -1, 2, 3, 4, 5, 6, 23, 247, 248, 256, 300, 65536, 10**12, 0.5]
VALUES += [
    float("inf"),
    "",
    "x",
    "1-32",
    "32-1",
    "1,",
    "1-",
    "-",
    "0-256",
    "1, 300",
    "192.168.0.1",
]
VALUES += ["1.2.3", "name.example", "/nowhere.json", "\x00", "\u00fc" * 300, [], {}, [[]], [None]]
VALUES += [[1], ["a"], [{}], [{"line": 2}], [{"host": "10.0.0.1"}, {"host": "10.0.0.1"}], {"1": 2}]
VALUES += [{"300": 1}, {"x": 1}, {"1": "x"}, {1: 2}, {None: None}, [POINT], [POINT, POINT], LINE2]
VALUES += [[ROUTE], [ROUTE, ROUTE], [DEVICE], [DEVICE, DEVICE], [{"name": 1, 2: 3}] * 40]
OF_LINES = ("line2", "timeout_ms", "retries", "pause_ms", "slave_id", "rtu", "uart", "tx", "de")


def run(raw):
    """Return what an Application with these settings has for drivers, and what is wrong."""
    board = use("RPI_PICO_W")
    checked = Checked(raw, board)
    problems = ["%s: %s" % problem for problem in checked.problems]
    said = []
    application = Application(board, Hardware(), checked.settings, problems, config, said.append)
    application.open()
    kinds = [type(driver).__name__ for driver in application.drivers]
    application.keeper.update()
    application.close()
    return kinds, problems


def raw_of(role, key, value):
    """Return settings of a role that are fine, but for this value."""
    raw = {"role": role, "line2": LINE2}
    raw["routes" if role == "gateway" else "devices"] = [ROUTE if role == "gateway" else DEVICE]
    name, _, inner = key.partition(".")
    if not inner:
        raw[key] = value
        return raw
    one = dict(raw[name][0] if isinstance(raw[name], list) else raw[name])
    one[inner] = value
    raw[name] = [one] if isinstance(raw[name], list) else one
    return raw


def try_all(role, keys):
    for key in keys:
        for value in VALUES:
            raw = raw_of(role, key, value)
            try:
                _, problems = run(raw)
            except Exception:
                print("with", raw)
                raise
            for what in problems:
                assert len(what) < 400, what


def test_a_gateway_starts_whatever_its_file_holds():
    keys = ["routes", "cache_ms"]
    keys += ["routes." + key for key in ("line", "host", "port", "slave_ids", "unit_ids", "other")]
    keys += ["routes.timeout_ms", "routes.cache_ms"]
    try_all("gateway", keys)


def test_a_poller_starts_whatever_its_file_holds():
    keys = ["devices"]
    keys += ["devices." + key for key in ("line", "host", "port", "slave_id", "points", "name")]
    keys += ["devices.timeout_ms", "devices.interval_ms", "devices.serve_as", "devices.other"]
    try_all("poller", keys)


def test_lines_may_be_anything():
    line2 = ("uart", "tx", "rx", "de", "baudrate", "parity", "stop", "serve", "other")
    try_all("gateway", OF_LINES + tuple("line2." + key for key in line2))


def test_two_lines_and_a_host():
    routes = [ROUTE, {"line": 2, "slave_ids": "101-110"}, {"host": "192.168.1.5"}]
    kinds, problems = run({"role": "gateway", "line2": LINE2, "routes": routes})
    assert (kinds, problems) == (["Gateway"], [])
    lines = [uart.what for uart in chip.uarts]
    assert lines == [(0, 19200, 0, 1, 0, 1), (1, 9600, 0, 1, 4, 5)]


def test_what_a_role_says_first():
    """A gateway tells whom it hides, as a matter of course; nothing is wrong."""
    there = start.load
    hidden = "slave id 247 is its own: a slave behind it needs another one"
    for role, told in (("io", []), ("gateway", [hidden]), ("poller", [])):
        settings = Checked({"role": role}, use("RPI_PICO")).settings
        start.load = lambda _, settings=settings: (settings, [], None)
        said = []
        try:
            start.prepare(use("RPI_PICO"), said.append)
        finally:
            start.load = there
        assert " on RPI_PICO, slave id " in said[0]
        assert said[1:] == told, role


def test_a_second_line_without_a_route():
    _, problems = run({"role": "gateway", "line2": LINE2, "routes": [ROUTE]})
    assert len(problems) == 1 and "no route leads to the second line" in problems[0]
    _, problems = run({"role": "gateway", "line2": LINE2})
    assert len(problems) == 1 and "no route leads to the second line" in problems[0]


def test_a_poller_for_each_line():
    devices = [DEVICE, dict(DEVICE), dict(DEVICE)]
    devices[1].update({"slave_id": 8, "name": "pump"})
    devices[2].update({"slave_id": 9, "name": "fan", "line": 2})
    kinds, problems = run({"role": "poller", "line2": LINE2, "devices": devices})
    assert (kinds, problems) == (["Poller", "Poller"], [])


def test_masters_on_the_second_line():
    line2 = dict(LINE2)
    line2["serve"] = True
    kinds, problems = run({"role": "gateway", "line2": line2})
    assert (kinds, problems) == (["Gateway", "RTUServer"], [])


def test_what_cannot_be_polled_is_named():
    overlapping = [POINT, dict(POINT)]
    overlapping[1].update({"name": "other", "data_type": "uint32"})
    for device, what in (
        ({"slave_id": 7, "serve_as": 8}, "devices: two have the name meter"),
        ({"name": "x"}, "devices: x cannot be served as slave 7"),
        ({"name": "x", "slave_id": 1}, "devices: x cannot be served as slave 1"),  # its own
        ({"name": "x", "slave_id": 0}, "devices: x cannot be served as slave 0"),
        ({"name": "x", "serve_as": 9}, "devices: x: slave 7 is polled already"),
        ({"name": "x", "slave_id": 9, "points": "/none.json"}, "devices: x: "),
        ({"name": "x", "slave_id": 9, "points": overlapping}, "slave 9 is not served on: "),
    ):
        second = dict(DEVICE)
        second.update(device)
        kinds, problems = run({"role": "poller", "devices": [DEVICE, second]})
        assert kinds == ["Poller"]
        assert [text for text in problems if what in text], (what, problems)


def test_what_cannot_be_is_named():
    for raw, what in (
        ({"routes": [{"line": 2}]}, "routes[0]: there is no line2"),
        ({"routes": [{}, {}]}, "routes: two lead to 1"),
        ({"routes": [{"line": 3}]}, "routes[0].line must be a number, 1 to 2, not 3"),
        ({"routes": 5}, "routes must be a list of 16 at most"),
        ({"rtu": False, "routes": [{}]}, "routes[0]: the serial line is not served"),
        ({"line2": {"uart": 0}}, "line2.uart: UART 0 is in use already"),
        ({"line2": {"uart": 1}}, "line2.tx: the pin cannot be null"),
        ({"outputs": [1]}, 'unknown setting "outputs"'),
    ):
        raw["role"] = "gateway"
        problems = run(raw)[1]
        assert [text for text in problems if what in text], (what, problems)


def test_slave_ids_are_written_as_people_do():
    assert slave_ids("1-3, 5") == b"\x01\x02\x03\x05"
    assert slave_ids("7") == b"\x07"
    assert slave_ids(" 5 , 1 - 2") == b"\x01\x02\x05"
    assert slave_ids("0-255") == bytes(range(256))
