"""What the steps of a Poller take: a program for the emulated Pico, and the slaves it polls."""

import struct
from typing import NamedTuple

from .line import Line, Station
from .wire import MS, Format, frame

FORM = Format(115200)
POINTS = 50
_START_LIMIT_MS = 10_000
_ANSWER_NS = 2 * MS
_LONG = 8  # registers of the text that is written
_WRITTEN = 9000  # their first address
_READ, _WRITE_MANY = (3, 4), 16

# Prints the longest poll() in microseconds, without the time that a request takes on the line;
# the bytes that all of them have taken from the heap; and how many answers each device gave.
PROGRAM = f"""
import gc
from time import ticks_diff, ticks_ms, ticks_us

from machine import Pin

from umb.client.rtu import RTUClient
from umb.points import Points
from umb.poller import Poller

LINE = dict(baudrate=115200, parity=0, tx=0, rx=1, de=2, timeout_ms=20)
made = {{}}  # Points, which take long to be made


def told(device, name, value):
    pass


def points(distance, options):
    if (distance, len(options)) in made:
        return made[distance, len(options)]
    given = []
    for i in range({POINTS}):
        point = {{"name": "point %d" % i, "address": distance * i, "input_type": "input"}}
        given.append(dict(point, data_type="float32", **options))
    text = {{"name": "text", "address": {_WRITTEN}, "data_type": "string", "count": {_LONG}}}
    given[-1] = dict(text, writable=True)
    made[distance, len(options)] = Points(given)
    return made[distance, len(options)]


def poll(poller, ms, write_ms=0):
    line = poller.client.line
    longest_us = write = 0
    begin_ms = ticks_ms()
    passed_ms = 0
    while passed_ms < ms:
        if write_ms and passed_ms >= write * write_ms:
            device = poller.devices[write % len(poller.devices)]
            if device.state == "online":
                device["text"] = "%d" % write
            write += 1
        poller.client.sleep(poller.nap_ms())
        end_us = line.end_us
        start_us = ticks_us()
        poller.poll()
        took_us = ticks_diff(ticks_us(), start_us)
        if line.end_us != end_us:
            took_us -= line.frame_us
        longest_us = max(longest_us, took_us)
        passed_ms = ticks_diff(ticks_ms(), begin_ms)
    return longest_us


def ram():
    poller = Poller(RTUClient(0, **LINE))
    points(2, {{}})  # what is loaded once is there
    made.clear()
    gc.collect()
    start = gc.mem_alloc()
    poller.device(1, points(2, {{}}))
    gc.collect()
    print(gc.mem_alloc() - start)


def run(devices, distance, hook, begin_ms, ms, write_ms, options, settings):
    poller = Poller(RTUClient(0, **LINE), on_change=told if hook else None)
    given = points(distance, options)
    for i in range(devices):
        poller.device(i + 1, given, **settings)
    gc.collect()
    gc.disable()
    Pin(22)(1)
    poll(poller, begin_ms)
    start = gc.mem_alloc()
    longest_us = poll(poller, ms, write_ms)
    taken = gc.mem_alloc() - start
    gc.enable()
    print(longest_us, taken, [device.answer_count for device in poller.devices])
"""


class Situation(NamedTuple):
    """What a poller has to do, and for how long that is looked at.

    changing   each answer has other values than the one before
    distance   from one point to the next
    begin_ms   how long it polls before
    refused    a request of more registers is refused with exception 2
    silent_ms  (from, until) when no slave answers, after the program has begun
    """

    name: str
    changing: bool = True
    distance: int = 2
    devices: int = 1
    hook: bool = True
    begin_ms: int = 0
    ms: int = 200
    write_ms: int = 0
    refused: int = 125
    silent_ms: tuple = (0, 0)
    options: dict = {}  # noqa: RUF012 - of all points; nobody changes it
    settings: dict = {"interval_ms": 60}  # noqa: RUF012 - of all devices


_SINGLE = {"max_gap": 0, "interval_ms": 300}
SITUATIONS = (
    Situation("a request a device, nothing changes", False, begin_ms=200, devices=2, hook=False),
    Situation("a request a device, all values change", devices=4, ms=300),
    Situation("the same with a `deadband`", options={"deadband": 0.5}),
    Situation("a request a point", distance=3, devices=2, settings=_SINGLE),
    Situation("writes of 8 registers, read back", begin_ms=150, devices=2, write_ms=20),
    Situation("blocks are split, and points refused", refused=30, ms=250),
    Situation("the plan is made anew", distance=60, ms=250),
    Situation(
        "a slave is silent, and returns",
        distance=3,
        begin_ms=150,
        ms=4500,
        silent_ms=(100, 3900),
        settings=_SINGLE,
    ),
)


class Steps(NamedTuple):
    """What the polls of a situation took: the longest one, and all of them."""

    longest_us: int
    heap: int
    answers: list  # how many of each device


class Slaves:
    """Answers every slave id, as a Situation has it: floats, of which the first registers are."""

    def __init__(self, line, situation):
        self._line = line
        self._situation = situation
        self._began_ms = line.now / MS
        self._chars = []
        self._count = 0
        line.on_char = self._heard

    def _heard(self, char, station):
        if station is None:  # its own
            return
        self._chars.append(char)
        request = bytes(one.byte for one in self._chars)
        size = 8
        if len(request) > 1 and request[1] == _WRITE_MANY:
            size = 9 + 2 * _LONG
        if len(request) < size:
            return
        self._chars = []
        since, until = self._situation.silent_ms
        if since <= char.end_ns / MS - self._began_ms < until:
            return
        at_ns = char.end_ns + self._line.form.t35_ns + _ANSWER_NS
        self._line.put(frame(request[0], self._response(request[1:])), at_ns)

    def _response(self, pdu):
        """Return the response PDU."""
        if pdu[0] not in _READ:
            return pdu[:5]
        quantity = pdu[3] << 8 | pdu[4]
        if quantity > self._situation.refused or (
            self._situation.refused < 125 and pdu[2] % 16 == 0
        ):
            return bytes((pdu[0] | 0x80, 2))
        self._count += self._situation.changing
        value = struct.pack(">f", 230 + self._count)
        return bytes((pdu[0], 2 * quantity)) + (value * quantity)[: 2 * quantity]


def measure(pico, situation):
    """Return the Steps of a poller in this situation. PROGRAM is `program` there."""
    pico.interrupt()
    one = situation
    arguments = (one.devices, one.distance, one.hook, one.begin_ms, one.ms, one.write_ms)
    text = ", ".join(map(repr, (*arguments, one.options, one.settings)))
    pico.start(f"import program; program.run({text})", _START_LIMIT_MS)
    Slaves(Line(FORM, Station(pico)), situation)
    longest_us, heap, answers = pico.finish(10 * (one.begin_ms + one.ms)).split(None, 2)
    answers = [int(n) for n in answers.strip(" []\r\n").split(",")]
    return Steps(int(longest_us), int(heap), answers)


def ram(pico):
    """Return how many bytes of RAM the points of a device take with it."""
    pico.interrupt()
    return int(pico.exec("import program; program.ram()", _START_LIMIT_MS))
