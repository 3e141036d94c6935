"""A gateway at work, between pymodbus's clients and pymodbus's slaves."""

import contextlib
import os
import signal
import sys
from pathlib import Path

from pymodbus.client import ModbusTcpClient

from tests.support.service import Service, free_port
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("gateway_program.py")
_SLAVES = Path(__file__).with_name("gateway_slaves.py")
TIMEOUT_S = 0.7


class GatewayProgram(Service):
    """gateway_program.py at work on a serial device; address is (host, port)."""

    def __init__(self, micropython, how, device, *more):
        self.address = ("127.0.0.1", free_port())
        path = {"MICROPYPATH": f"{ROOT}:.frozen"}
        timeout_ms = int(TIMEOUT_S * 1000)
        super().__init__(
            [micropython, _PROGRAM, how, self.address[1], device, timeout_ms, *more],
            env={**os.environ, **path},
        )
        self.wait_for("ready")

    def client(self):
        """Return a pymodbus client, connected."""
        host, port = self.address
        one = ModbusTcpClient(host, port=port, timeout=10, retries=0)
        assert one.connect()
        return one


@contextlib.contextmanager
def gateway(micropython, how, device, *more):
    """Run a GatewayProgram for as long as the block lasts; it has to live until then."""
    program = GatewayProgram(micropython, how, device, *more)
    try:
        yield program
    finally:
        status = program.end()
    assert status == 0, "\n".join(program.lines)


@contextlib.contextmanager
def pymodbus_slaves(device, *slave_ids):
    """Run pymodbus's slaves on a serial device for as long as the block lasts."""
    service = Service([sys.executable, _SLAVES, device, *slave_ids])
    try:
        service.wait_for("ready")
        yield service
    finally:
        service.end(signal.SIGKILL)
