"""Programs of boards on this PC, as dev.py micropython runs them, and real peers for them."""

import contextlib
import json
import signal
import sys
import time

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from tests.support.service import Service
from tools import program
from tools.board_libraries import folders
from tools.env import ROOT

_PEER = ROOT / "tests" / "support" / "peer.py"
_READY_S = 30


class PC:
    """A PC with three UARTs, whose other ends are for the tests. A context manager."""

    def __init__(self, micropython, folder):
        self._micropython = micropython
        self.folder = folder
        self._stack = contextlib.ExitStack()
        self._count = 0

    def __enter__(self):
        self._env = program.environment((), self._stack)
        return self

    def __exit__(self, *exc):
        self._stack.close()

    def far_end(self, uart):
        """Return the device at the other end of a UART."""
        return self._env[f"UMB_FAR_END_{uart}"]

    def start(self, text, uarts=None):
        """Return a program at work, as a Service. uarts: {number: device} of another PC."""
        self._count += 1
        path = self.folder / f"program{self._count}.py"
        path.write_text(text)
        env = dict(self._env)
        env["MICROPYPATH"] = ":".join([*folders(text), env["MICROPYPATH"]])
        for uart, device in (uarts or {}).items():
            env[f"UMB_UART_{uart}"] = device
        return self._service([self._micropython, program.PC / "start.py", path], env=env)

    def at_the_end(self, call):
        """Have this called when the PC is gone."""
        self._stack.callback(call)

    def _service(self, command, **named):
        service = Service(command, **named)
        self._stack.callback(service.end, signal.SIGKILL)  # one may not listen to Ctrl-C
        return service

    def peer(self, kind, where, devices):
        """Have pymodbus serve devices at a serial device or port: see tests/support/peer.py."""
        self._service([sys.executable, _PEER, kind, where, json.dumps(devices)]).wait_for("ready")

    @contextlib.contextmanager
    def serial_master(self, uart, framer=FramerType.RTU):
        """Yield pymodbus's client at the other end of a UART."""
        with ModbusSerialClient(
            self.far_end(uart), framer=framer, baudrate=19200, timeout=1, retries=0
        ) as client:
            yield client

    @contextlib.contextmanager
    def tcp_master(self, port):
        """Yield pymodbus's client of a port of this PC."""
        with ModbusTcpClient("127.0.0.1", port=port, timeout=5, retries=0) as client:
            yield client


def answer(service, ask):
    """Return the response that ask() brings, called again and again until the program is up."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and service.process.poll() is None:
        with contextlib.suppress(OSError, ModbusException):
            return ask()
        time.sleep(0.05)
    raise AssertionError("no answer; it printed:\n" + "\n".join(service.lines))
