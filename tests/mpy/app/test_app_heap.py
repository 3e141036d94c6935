"""The application takes no memory while it serves: every point, the status, the settings."""

import gc

import support.app
from support.app import use

from app import config
from app.application import Application
from app.check import Checked
from app.hardware import Hardware
from umb.server import Counters

_ROUNDS = 1000
SETTINGS = {
    "outputs": [6, {"pin": 7, "invert": True}],
    "inputs": [14, {"pin": 15, "invert": True}],
    "analogues": [26, {"pin": 27, "scale": [-32768, 65535]}, "temperature"],
    "pwms": [16, {"pin": 17, "full": 1000}, {"pin": 18, "full": 16000}],
}
# A PDU each, on addresses of the map.
REQUESTS = {
    "read coils": b"\x01\x00\x00\x00\x02",
    "read inputs": b"\x02\x00\x00\x00\x02",
    "read analogues": b"\x04\x00\x00\x00\x03",
    "read uptime": b"\x04\x00\x64\x00\x03",
    "read state": b"\x04\x00\x6e\x00\x0b",
    "read counters": b"\x04\x00\x82\x00\x08",
    "read user data": b"\x03\x00\x00\x00\x10",
    "read settings": b"\x03\x00\x64\x00\x05",
    "switch": b"\x05\x00\x01\xff\x00",
    "switch all": b"\x0f\x00\x00\x00\x02\x01\x01",
    "pulse": b"\x10\x00\x20\x00\x03\x06\xff\xff\x03\xe8\x3e\x80",
    "set": b"\x06\x00\x68\x00\x05",
    "mask": b"\x16\x00\x68\x00\x01\x00\x02",
    "write and read": b"\x17\x00\x00\x00\x02\x00\x20\x00\x02\x04\x00\x01\x00\x02",
    "identify": b"\x2b\x0e\x02\x00",
    "server id": b"\x11",
    "diagnose": b"\x08\x00\x0b\x00\x00",
    "refuse": b"\x06\x00\x64\x00\x00",
    "unknown": b"\x41",
}
BROADCASTS = ("switch", "switch all", "pulse", "set", "mask", "refuse", "unknown", "read coils")


class Link:
    """A serial line as handlers see it."""

    serial = True
    listen_only = False
    peer = None

    def __init__(self):
        self.counters = Counters()


class Pin:
    """What keeps no trace, which would be memory."""

    def __init__(self):
        self.value = 0

    def __call__(self, value=None):
        if value is None:
            return self.value
        self.value = value
        return None


class Pins(Hardware):
    def output(self, pin, invert, level):
        return Pin()

    def pwm(self, pin, freq, duty):
        return Pin()


def make():
    board = use("RPI_PICO")
    checked = Checked(SETTINGS, board)
    assert checked.problems == []
    application = Application(board, Pins(), checked.settings, [], config, None)
    link = Link()
    application.serve_with(link, 0)
    return application.server, link


def taken(name, slave_id=1):
    """Return the heap bytes of 1000 requests of this kind, from the very first on."""
    server, link = make()
    adu = bytearray(262)
    request = REQUESTS[name]
    n = len(request)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(_ROUNDS):
        adu[6] = slave_id
        for i in range(n):
            adu[7 + i] = request[i]
        answer = server.handle(adu, n, link)
    after = gc.mem_alloc()
    gc.enable()
    assert adu[7] == request[0] or name in ("refuse", "unknown"), (name, adu[7], adu[8])
    assert (answer > 1) == (slave_id > 0)
    return after - before


def test_every_kind_of_request():
    assert support.app.chip is not None
    found = {name: taken(name) for name in REQUESTS}
    assert {name: size for name, size in found.items() if size} == {}, found


def test_every_kind_of_broadcast():
    found = {name: taken(name, 0) for name in BROADCASTS}
    assert {name: size for name, size in found.items() if size} == {}, found
