"""umb's clients in a MicroPython of their own, each with a slave that does as it is told."""

import contextlib

from tests.conformance.slaves import good, slave
from tests.interop.peer_remote import Remote
from tools.pty_line import PtyLine

TIMEOUT_MS = 5000
CALL = "read_holding_registers(17, 10, 2)"
VALUES = [70, 77]  # what slaves.right() has there
_NETWORK = """
from umb.client.{module} import {name}Client
client = {name}Client({address!r}, retries=0)
"""
_SERIAL = """
from umb.client.rtu import RTUClient
from umb.frame.ascii import ASCII
from umb.frame.rtu import RTU
from umb.port.tty import TTY
tty = TTY({path!r}, 115200)
def make(**options):
    return RTUClient(tty, baudrate=115200, framer={framer}, **options)
client = make()
"""


class Client:
    """A client, and the slave that it asks.

    name   "TCP", "UDP", "RTU" or "ASCII"
    slave  its script says what is answered, its requests are what was asked
    call, outcome, timed, run   see tests/interop/peer_remote.py
    """

    def __init__(self, name, remote, running):
        self.name = name
        self.serial = name in ("RTU", "ASCII")
        self.slave = running
        self.run, self.call, self.outcome = remote.run, remote.call, remote.outcome
        self.timed, self.evaluate = remote.timed, remote.evaluate
        self.reset()

    def reset(self):
        """Make it forget what the test before did."""
        self.slave.script = good
        self.slave.requests.clear()
        if self.serial:
            self.run("client = make()")
        self.run(f"client.timeout_ms = {TIMEOUT_MS}; client.retries = 0")

    def is_right(self):
        """Does the next call get what it asks for?"""
        self.slave.script = good
        self.run(f"client.timeout_ms = {TIMEOUT_MS}")
        return self.outcome(CALL) == VALUES


@contextlib.contextmanager
def client(micropython, name):
    """Run a Client of this kind."""
    with PtyLine() as line, slave(name, line) as running:
        if name in ("RTU", "ASCII"):
            setup = _SERIAL.format(path=line.client_path, framer=name)
        else:
            address = tuple(running.address)
            setup = _NETWORK.format(module=name.lower(), name=name, address=address)
        with Remote(micropython, setup) as remote:
            yield Client(name, remote, running)
