"""A serial line with slaves and a client on it: pseudo-terminals, and a thread for the wire."""

import contextlib
import os
import select
import threading
import time
import tty
from pathlib import Path

from tests.conformance.peers import crc16
from tests.support.service import Service
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("rtu_slave.py")
_PATIENCE_S = 5


class Bus:
    """What one says, all others hear: `paths` are the devices to open, one for each."""

    def __init__(self, n):
        self._masters, self._slaves = zip(*(os.openpty() for _ in range(n)), strict=True)
        for master, slave in zip(self._masters, self._slaves, strict=True):
            tty.setraw(slave)
            os.set_blocking(master, False)
        self.paths = [os.ttyname(slave) for slave in self._slaves]
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="bus", daemon=True)

    def __enter__(self):
        """Connect all ends."""
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Hang up."""
        os.write(self._stop, b"x")
        self._thread.join()
        for descriptor in (*self._masters, *self._slaves, self._wake, self._stop):
            os.close(descriptor)

    def _carry(self):
        poll = select.poll()
        for descriptor in (*self._masters, self._wake):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    return
                data = os.read(descriptor, 4096)
                for other in self._masters:
                    if other != descriptor:
                        with contextlib.suppress(BlockingIOError):  # nobody reads there
                            os.write(other, data)


@contextlib.contextmanager
def rtu_slave(micropython, device, baudrate=19200, parity="E", slave_id=1):
    """Run a slave on a device for as long as the block lasts; it has to live until then."""
    command = [micropython, _PROGRAM, device, baudrate, parity, slave_id]
    service = Service(command, env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"})
    try:
        service.wait_for("ready")
        yield service
    finally:
        status = service.end()
    assert status == 0, "\n".join(service.lines)


def frame(slave_id, pdu):
    """Return an RTU frame; the PDU is in hexadecimal."""
    data = bytes((slave_id,)) + bytes.fromhex(pdu)
    return data + crc16(data)


class RawMaster:
    """Whatever it is told to, it says on a line; and it hears what comes."""

    def __init__(self, device):
        self._line = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._line)

    def say(self, data):
        """Send bytes as they are."""
        os.write(self._line, data)

    def heard(self, for_s):
        """Return everything that comes within that time."""
        return self._hear(for_s, 1 << 16)

    def ask(self, request, size):
        """Send a request; return what comes, until that is an answer's size, and a bit longer."""
        self.say(request)
        return self._hear(_PATIENCE_S, size) + self.heard(0.02)

    def _hear(self, for_s, size):
        end, data = time.monotonic() + for_s, b""
        while len(data) < size and (left_s := end - time.monotonic()) > 0:
            if select.select([self._line], [], [], left_s)[0]:
                data += os.read(self._line, 4096)
        return data
