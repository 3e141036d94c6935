"""A simulated device for a file of points: dev.py run --profile FILE. Its values move."""

import math
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from app.drivers import line_format, line_in_words

from umb.points import AREAS, Points, PointStore
from umb.serve import serve
from umb.server import Server

_MOVE_MS = 500
_MODELS = 40000  # where a SunSpec device begins
_MODEL = _MODELS + 2 + 68  # where the model of the file is: behind "SunS" and the common model
# By unit: the least value, the greatest one, and the exponent where there is a scale factor.
_RANGES = {
    "V": (225, 235, -1),
    "A": (1, 16, -2),
    "W": (200, 3600, 0),
    "VA": (200, 3700, 0),
    "var": (-300, 300, 0),
    "Hz": (49.95, 50.05, -2),
    "kWh": (1000, 100_000, 0),
    "Wh": (1000, 100_000, 0),
    "°C": (18, 26, -1),
    "%": (40, 60, -1),
    "°": (-30, 30, -1),
}
_OTHERS = (0, 9, 0)


def load(path):
    """Return the Points of a file; those of a SunSpec model with what stands around it.

    Raises OSError and ValueError.
    """
    points = Points.load(path)
    model = points.about.get("sunspec_model")
    if model is None:
        return points
    around = [
        {"name": "SunS", "address": _MODELS, "data_type": "uint32"},
        {"name": "common model", "address": _MODELS + 2, "data_type": "uint16"},
        {"name": "common length", "address": _MODELS + 3, "data_type": "uint16"},
        {"name": "maker", "address": _MODELS + 4, "data_type": "string", "count": 16},
        {"name": "model", "address": _MODEL, "data_type": "uint16"},
        {"name": "length", "address": _MODEL + 1, "data_type": "uint16"},
    ]
    last = max(points.address(i) + points.size(i) for i in range(len(points)))
    for key, place in (("end model", 0), ("end length", 1)):
        around.append({"name": key, "address": _MODEL + last + place, "data_type": "uint16"})
    points = Points(around)
    points.add_file(path, address=_MODEL)
    return points


class Device:
    """A PointStore whose values move between what is usual for their units.

    Switches and what clients can write stay as they are written. say(text) reports such writes.
    """

    def __init__(self, points, say):
        self.points = points
        self.store = PointStore(points, on_change=self._written)
        self._say = say
        self._begin_ms = ticks_ms()
        self._moving = []  # points that do, with their limits
        self._set_sunspec()
        for i in range(len(points)):
            if points.exponent_of(i) >= 0:
                exponent = points.name(points.exponent_of(i))
                self.store[exponent] = self._range_of(points.name(i))[2]
        for i in range(len(points)):
            self._start(i)
        self.move()

    def _set_sunspec(self):
        """Set what stands around the model of a SunSpec device."""
        model = self.points.about.get("sunspec_model")
        if model is not None:
            length = self.points["end model"]["address"] - _MODEL - 2
            for name, value in (
                ("SunS", 0x53756E53),
                ("common model", 1),
                ("common length", 66),
                ("maker", "umb"),
                ("model", model),
                ("length", length),
                ("end model", 0xFFFF),
            ):
                self.store[name] = value

    def _range_of(self, name):
        point = self.points[name]
        least, most, exponent = _RANGES.get(point.get("unit_of_measurement"), _OTHERS)
        if point.get("device_class") == "power_factor":
            least, most = (90, 99) if "unit_of_measurement" in point else (0.9, 0.99)
        return point.get("min_value", least), point.get("max_value", most), exponent

    def _start(self, i):
        """Give a point its first value, and note if it moves."""
        points = self.points
        name = points.name(i)
        point = points[name]
        around = "sunspec_model" in points.about and i < 8
        if around or i in [points.exponent_of(k) for k in range(len(points))]:
            return
        if point.get("data_type") == "string":
            self.store[name] = name[: 2 * point["count"]]
        elif points.is_writable(i):
            if points.area(i) > 1 and "bit" not in point:
                self.store[name] = point.get("min_value", 0)
        else:
            self._moving.append(name)

    def move(self):
        """Give every point that moves the value of this moment."""
        passed_s = ticks_diff(ticks_ms(), self._begin_ms) / 1000
        for k, name in enumerate(self._moving):
            point = self.points[name]
            if point["input_type"] in AREAS[:2] or "bit" in point:
                self.store[name] = int(passed_s / (k + 1)) & 1
                continue
            least, most, _ = self._range_of(name)
            if str(point.get("state_class")).startswith("total"):
                value = least + passed_s
            else:
                value = (least + most) / 2
                value += (most - least) / 2 * math.sin(passed_s / (3 + k % 7) + k)
            self._store(name, value)

    def _store(self, name, value):
        try:
            self.store[name] = value
        except ValueError:  # too much for its registers
            self.store[name] = 1

    def _written(self, name, value):
        self._say("written: {} = {}".format(name, value))


def serve_profile(points, wanted, settings, say, devices):
    """Serve the simulated device of these points. Raises OSError if it cannot listen.

    devices   Adapters: the first one is the serial line
    """
    from umb.server.rtu import RTUServer
    from umb.server.tcp import TCPServer

    device = Device(points, say)
    server = Server(device.store, slave_ids=(wanted["slave_id"],))
    drivers = [TCPServer((wanted["host"], wanted["port"]), server)]
    if wanted["serial"]:
        line = RTUServer(devices[0], server, gap_ms=wanted["gap_ms"], **line_format(settings))
        drivers.append(line)
    about = points.about
    name = "{} {}".format(about.get("manufacturer", ""), about.get("model", "")).strip()
    say("{}, simulated, slave id {}".format(name or wanted["profile"], wanted["slave_id"]))
    say("  Modbus TCP on {}:{}".format(wanted["host"], wanted["port"]))
    if wanted["serial"]:
        where = wanted["far_end"] or wanted["serial"]
        say("  Modbus RTU on {}, {}".format(where, line_in_words(settings)))
    for name in points:
        point = points[name]
        kind = point.get("data_type", "bit") if "bit" not in point else "bit"
        unit = point.get("unit_of_measurement", "")
        writable = "writable" if "writable" in point else ""
        line = "  {:17} {:<6} {:24} {:8} {:6} {}"
        line = line.format(point["input_type"], point["address"], name, kind, unit, writable)
        say(line.rstrip())
    say("Ctrl-C ends it.")
    try:
        serve(*drivers, every=(_MOVE_MS, device.move))
    finally:
        for driver in drivers:
            driver.server_close()


class Moving:
    """A driver that has the values of a Device move, beside the server that has its store."""

    gone = alone = stopping = False
    lines = 0

    def __init__(self, device):
        self._device = device
        self._due_ms = ticks_ms()

    def poll(self, wait_ms=0):
        """Move the values if it is time."""
        if wait_ms:
            sleep_ms(min(wait_ms, self.nap_ms()))
        if self.nap_ms() == 0:
            self._due_ms = ticks_add(ticks_ms(), _MOVE_MS)
            self._device.move()
        return 0

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called."""
        return max(0, ticks_diff(self._due_ms, ticks_ms()))

    def watch(self, poller):
        """Do nothing: it waits for its time alone."""

    def finish(self):
        """Do nothing, as nothing is under way."""

    def server_close(self):
        """Do nothing."""


def simulate(points, address, say):
    """Return the drivers of a simulated device, slave 1, at (host, port). Raises OSError."""
    from umb.server.tcp import TCPServer

    device = Device(points, say)
    return [TCPServer(address, Server(device.store, slave_ids=(1,))), Moving(device)]
