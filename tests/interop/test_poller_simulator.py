"""pymodbus's simulator is polled, and served on with its counters to pymodbus's client."""

import os
import struct
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.support.service import Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

_SIMULATOR = Path(__file__).with_name("peer_simulator.py")
_POINTS = [
    {"name": "status", "address": 2, "data_type": "uint16"},
    {"name": "voltage", "address": 3, "data_type": "uint16", "scale": 0.1},
    {"name": "moving", "address": 4, "data_type": "uint16"},
    {"name": "energy", "address": 6, "data_type": "uint32"},
    {"name": "power", "address": 8, "data_type": "float32", "precision": 0},
    {"name": "setpoint", "address": 10, "data_type": "uint16", "writable": True, "max_value": 99},
    {"name": "limit", "address": 12, "data_type": "uint32", "writable": True},
    {"name": "missing", "address": 16},
    {"name": "balance", "address": 26, "data_type": "float64"},
    {"name": "serial number", "address": 30, "data_type": "string", "count": 4},
]
_CLIENTS = {
    "tcp": "from umb.client.tcp import TCPClient\nclient = TCPClient(('127.0.0.1', {0}))",
    "serial": "from umb.client.rtu import RTUClient\nfrom umb.port.tty import TTY\n"
    "client = RTUClient(TTY({0!r}, 19200), baudrate=19200, timeout_ms=500)",
}
_PROGRAM = """
from umb.points import Points
from umb.poller import Poller
from umb.poller.mirror import Mirror
from umb.serve import serve
from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store
poller = Poller(client)
server = Server(Mirror(poller.device(1, Points({points!r}), interval_ms=100)))
server.add(2, Store(input_registers=poller.registers(1000)))
tcp = TCPServer(("127.0.0.1", {port}), server)
serve(poller, tcp, every=(60_000, lambda: print("ready")))
"""


class Board(Service):
    """A MicroPython that polls the simulator; `master` asks it."""

    def __init__(self, micropython, kind, where):
        port = free_port()
        program = _CLIENTS[kind].format(where) + _PROGRAM.format(points=_POINTS, port=port)
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        super().__init__([micropython, "-c", program], env=env)
        self.wait_for("ready")
        self.master = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
        assert self.master.connect()

    def close(self):
        self.master.close()
        self.end()

    def read(self, address, count):
        """The holding registers of the Mirror, or the exception code."""
        found = self.master.read_holding_registers(address, count=count, device_id=1)
        return found.exception_code if found.isError() else found.registers

    def counters(self):
        found = self.master.read_input_registers(1000, count=16, device_id=2).registers
        return found[:2] + [found[i] << 16 | found[i + 1] for i in range(2, 14, 2)] + found[14:]

    def until(self, wanted, *arguments):
        """Read until this is the answer."""
        deadline = time.monotonic() + 30
        while (found := self.read(*arguments)) != wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


@pytest.fixture(params=_CLIENTS)
def both(request, micropython):
    """A Board, and the simulator that it polls."""
    with PtyLine() as line:
        is_tcp = request.param == "tcp"
        near, far = (free_port(),) * 2 if is_tcp else (line.server_path, line.client_path)
        simulator = Service([sys.executable, _SIMULATOR, request.param, near])
        try:
            simulator.wait_for("ready")
            board = Board(micropython, request.param, far)
            try:
                yield board, simulator
            finally:
                board.close()
        finally:
            simulator.end()


def test_simulator(both):
    board, simulator = both
    power = struct.unpack(">2H", struct.pack(">f", 404.25))
    board.until([37, 2312], 2, 2)
    board.until([*divmod(617_001, 65536), *power], 6, 4)
    board.until(list(struct.unpack(">4H", struct.pack(">d", -505.5))), 26, 4)
    board.until(list(struct.unpack(">4H", b"SN-12345")), 30, 4)
    board.until([0], 10, 1)
    # It refuses all that touches its holes: what is between and behind them is read nevertheless.
    board.until(2, 16, 1)
    assert board.read(7, 2) == 2  # halves of values
    first = board.read(4, 1)[0]
    time.sleep(0.5)
    assert board.read(4, 1)[0] > first
    # What is written arrives there, and is read back from there. The simulator refuses to write
    # numbers of 32 bits, with exception 2: then the old one is there again.
    assert not board.master.write_registers(12, [1, 2], device_id=1).isError()
    assert not board.master.write_register(10, 42, device_id=1).isError()
    assert board.read(10, 1) == [42]
    time.sleep(0.5)
    assert board.read(10, 1) == [42]
    board.until(list(divmod(70_000, 65536)), 12, 2)
    assert board.master.write_register(10, 100, device_id=1).exception_code == 3
    assert board.master.write_register(3, 1, device_id=1).exception_code == 2
    state, _, requests, answers, exceptions, timeouts, wrong, _, last_ms, worst_ms = (
        board.counters()
    )
    assert (state, timeouts, wrong) == (1, 0, 0)
    assert requests == answers > 20 and exceptions >= 1 and last_ms <= worst_ms
    simulator.end()
    board.until(11, 3, 1)
    assert board.master.write_register(10, 7, device_id=1).exception_code == 11
    counters = board.counters()
    assert counters[0] == 2 and counters[2] > counters[3]
