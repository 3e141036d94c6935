"""A Poller and a slave with every fault: no point ever gets the value of another one."""

import os
import random
import select
import struct
import threading
import time

import pytest

from tests.conformance.peers import crc16
from tests.interop.peer_remote import Remote
from tools.pty_line import PtyLine

_TIMEOUT_MS = 100
_FAULTS = (
    "none",
    "late",
    "very late",
    "silent",
    "wrong CRC",
    "noise before",
    "noise behind",
    "cut off",
    "other slave",
    "twice",
    "busy",
    "too long",
)
_ADDRESSES = [0, 1, 2, 50, 52, 100, 200, 201, 300, 301, 302, 303]
_SETUP = """
from time import ticks_diff, ticks_ms
from umb.client.rtu import RTUClient
from umb.points import Points
from umb.poller import Poller
from umb.port.tty import TTY
from umb.serve import serve
wrong = []
told = set()
def check(device, name, value):
    told.add(name)
    if value is not None and value != int(name) * 13 + 7:
        wrong.append((name, value))
client = RTUClient(TTY({far!r}, 19200), baudrate=19200, timeout_ms={timeout})
poller = Poller(client, on_change=check)
points = Points([
    dict(name=str(a), address=a, input_type="input", data_type="uint16") for a in {addresses}
])
meter = poller.device(7, points, interval_ms=50)
def run(ms, is_over=lambda: False):
    begin_ms = ticks_ms()
    def look():
        if is_over() or ticks_diff(ticks_ms(), begin_ms) > ms:
            poller.shutdown()
    serve(poller, every=(20, look))
def has_all():
    return meter.state == "online" and None not in [meter[name] for name in points]
"""


def sealed(data):
    return data + crc16(data)


class FaultySlave(threading.Thread):
    """Slave 7: register a holds 13 * a + 7. Each answer has one of the faults, as rng has it."""

    def __init__(self, path, rng):
        super().__init__(daemon=True)
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.faults = _FAULTS
        self.seen = dict.fromkeys(_FAULTS, 0)
        self._rng = rng
        self._over = False

    def end(self):
        self._over = True
        self.join()
        os.close(self.fd)

    def run(self):
        data = b""
        while not self._over:
            if select.select([self.fd], [], [], 0.02)[0]:
                data += os.read(self.fd, 256)
            else:
                data = b"" if len(data) < 8 else data
            if len(data) >= 8:
                request, data = data[:8], b""
                if crc16(request[:6]) == request[6:]:
                    self._answer(request)

    def _answer(self, request):
        fault = self._rng.choice(self.faults) if self._rng.randrange(2) else "none"
        self.seen[fault] += 1
        address, quantity = struct.unpack(">HH", request[2:6])
        values = [(13 * a + 7) & 0xFFFF for a in range(address, address + quantity)]
        data = struct.pack(f">{quantity}H", *values)
        reply = sealed(bytes((7, 4, len(data))) + data)
        if fault.endswith("late"):
            time.sleep((2.4 if fault == "very late" else 1.3) * _TIMEOUT_MS / 1000)
        if fault in self._spoilt(reply):
            reply = self._spoilt(reply)[fault]
        os.write(self.fd, reply)

    def _spoilt(self, reply):
        """What is sent in place of a reply, by fault."""
        return {
            "silent": b"",
            "wrong CRC": reply[:-1] + bytes((reply[-1] ^ 0x10,)),
            "noise before": bytes((self._rng.randrange(256),)) + reply,
            "noise behind": reply + b"\0",
            "cut off": reply[: self._rng.randrange(1, len(reply))],
            "other slave": sealed(b"\x08" + reply[1:-2]),
            "twice": 2 * reply,
            "busy": sealed(b"\x07\x84\x06"),
            "too long": sealed(bytes((7, 4, reply[2] + 2)) + reply[3:-2] + b"\x12\x34"),
        }


@pytest.mark.parametrize("seed", range(3))
def test_no_value_is_another_points(micropython, seed):
    with PtyLine() as line:
        slave = FaultySlave(line.server_path, random.Random(seed))
        setup = _SETUP.format(far=line.client_path, timeout=_TIMEOUT_MS, addresses=_ADDRESSES)
        slave.start()
        try:
            with Remote(micropython, setup) as board:
                board.run("run(9000)")
                assert board.evaluate("wrong") == []
                assert board.evaluate("meter.answer_count") > 10
                slave.faults = ("none",)
                # So long it may be left alone as offline.
                board.run("run(12000, has_all)\nrun(500)")
                assert board.evaluate("wrong") == []
                assert board.evaluate("meter.state") == "online"
                assert board.evaluate("len(told)") == len(_ADDRESSES)
                assert board.evaluate("[meter[name] for name in points]") == [
                    13 * a + 7 for a in _ADDRESSES
                ]
            assert sum(slave.seen.values()) > 40
        finally:
            slave.end()
