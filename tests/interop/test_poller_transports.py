"""A Poller over every transport, with umb's own slave of a PointStore at the other end."""

import os

import pytest

from tests.interop.peer_remote import Remote
from tests.support.service import Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

_POINTS = [
    {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
    {"name": "energy", "address": 1, "input_type": "input", "data_type": "float64"},
    {"name": "setpoint", "address": 10, "data_type": "int32", "swap": "word", "writable": True},
    {"name": "relay", "address": 7, "input_type": "coil", "writable": True},
    {"name": "alarm", "address": 9, "input_type": "discrete_input"},
]
_STORE = """
from umb.points import Points, PointStore
points = Points({points!r})
store = PointStore(points)
store["voltage"] = 231.2
store["energy"] = 1234.5
store["alarm"] = 1
from umb.server import Server
server = Server(store, slave_ids=(7,))
"""
# By transport: the driver of the slave, and the client.
_TRANSPORTS = {
    "tcp": (
        "from umb.server.tcp import TCPServer\ndriver = TCPServer(('127.0.0.1', {port}), server)",
        "from umb.client.tcp import TCPClient\nclient = TCPClient(('127.0.0.1', {port}))",
    ),
    "udp": (
        "from umb.server.udp import UDPServer\ndriver = UDPServer(('127.0.0.1', {port}), server)",
        "from umb.client.udp import UDPClient\nclient = UDPClient(('127.0.0.1', {port}))",
    ),
    "rtu": (
        "from umb.server.rtu import RTUServer\nfrom umb.port.tty import TTY\n"
        "driver = RTUServer(TTY({near!r}, 19200), server, baudrate=19200)",
        "from umb.client.rtu import RTUClient\nfrom umb.port.tty import TTY\n"
        "client = RTUClient(TTY({far!r}, 19200), baudrate=19200)",
    ),
    "ascii": (
        "from umb.frame.ascii import ASCII\nfrom umb.server.rtu import RTUServer\n"
        "from umb.port.tty import TTY\n"
        "driver = RTUServer(TTY({near!r}, 19200), server, baudrate=19200, framer=ASCII)",
        "from umb.frame.ascii import ASCII\nfrom umb.client.rtu import RTUClient\n"
        "from umb.port.tty import TTY\n"
        "client = RTUClient(TTY({far!r}, 19200), baudrate=19200, framer=ASCII)",
    ),
    "rtu over tcp": (
        "from umb.frame.rtu_stream import RTUStream\nfrom umb.server.tcp import TCPServer\n"
        "driver = TCPServer(('127.0.0.1', {port}), server, framer=RTUStream)",
        "from umb.frame.rtu_stream import RTUStream\nfrom umb.client.tcp import TCPClient\n"
        "client = TCPClient(('127.0.0.1', {port}), framer=RTUStream)",
    ),
}
_POLL = """
from time import ticks_diff, ticks_ms
from umb.points import Points
from umb.poller import Poller
from umb.serve import serve
poller = Poller(client)
meter = poller.device(7, Points({points!r}), interval_ms=100)
def run(ms, is_over=lambda: False):
    begin_ms = ticks_ms()
    def look():
        if is_over() or ticks_diff(ticks_ms(), begin_ms) > ms:
            poller.shutdown()
    serve(poller, every=(10, look))
def has_all():
    return None not in [meter[name] for name in meter.points]
"""
_LONG_MS = 20_000  # which only a loaded machine needs


@pytest.fixture(params=_TRANSPORTS)
def board(request, micropython):
    """A MicroPython with a Poller, and a slave at its client's other end; its Service, too."""
    slave, client = _TRANSPORTS[request.param]
    with PtyLine() as line:
        place = {"port": free_port(), "near": line.server_path, "far": line.client_path}
        program = _STORE.format(points=_POINTS) + slave.format(**place)
        program += "\nprint('ready')\ndriver.serve_forever()\n"
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        service = Service([micropython, "-c", program], env=env)
        try:
            service.wait_for("ready")
            setup = client.format(**place) + _POLL.format(points=_POINTS)
            with Remote(micropython, setup) as remote:
                remote.slave = service
                yield remote
        finally:
            service.end()


def test_reading_and_writing(board):
    board.run(f"run({_LONG_MS}, has_all)")
    names = [point["name"] for point in _POINTS]
    assert board.evaluate(f"[meter[name] for name in {names}]") == [231.2, 1234.5, 0, 0, 1]
    board.run("meter['setpoint'] = -70000\nmeter['relay'] = 1")
    board.run(f"run({_LONG_MS}, lambda: not meter.writes)\nrun(300)")
    assert board.evaluate(f"[meter[name] for name in {names}]") == [231.2, 1234.5, -70000, 1, 1]
    assert board.evaluate("meter.timeout_count + meter.wrong_reply_count") == 0
    assert board.evaluate("meter.state") == "online"


def test_a_slave_that_goes(board):
    board.run(f"client.timeout_ms = meter.timeout_ms = 200\nrun({_LONG_MS}, has_all)")
    assert board.evaluate("meter.state") == "online"
    board.slave.end()
    board.run(f"run({_LONG_MS}, lambda: meter.state == 'offline')")
    assert board.evaluate("meter.state") == "offline"
    assert board.evaluate("meter['voltage']") == 231.2
