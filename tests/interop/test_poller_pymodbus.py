"""umb.poller and pymodbus's server, over TCP and over a serial line; beside a gateway, too."""

import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.interop.peer_remote import Failed, Remote
from tests.support.service import Service, free_port
from tools.pty_line import PtyLine

_SERVER = Path(__file__).with_name("peer_pymodbus.py")
_POINTS = [
    {"name": "first", "address": 0, "data_type": "uint16"},
    {"name": "second", "address": 1, "input_type": "input", "data_type": "uint32"},
    {"name": "tenths", "address": 11, "input_type": "input", "data_type": "uint16", "scale": 0.1},
    {"name": "far", "address": 190, "data_type": "int16", "swap": "byte"},
    {"name": "last", "address": 196, "data_type": "uint64"},
    {"name": "bit", "address": 3, "input_type": "discrete_input"},
    {"name": "dark", "address": 1000, "input_type": "coil", "writable": True},
    {"name": "setpoint", "address": 100, "writable": True, "scale": 0.5},
    {"name": "long", "address": 102, "data_type": "int32", "swap": "word", "writable": True},
    {"name": "beyond", "address": 300, "input_type": "input"},
]
_WANTED = {
    "first": 0,
    "second": 300 << 16 | 600,
    "tenths": 330.0,
    "far": 0xA8DE - 0x10000,  # 57000 is 0xDEA8
    "last": 58800 << 48 | 59100 << 32 | 59400 << 16 | 59700,
    "bit": 1,
    "dark": 0,
    "setpoint": 15000,
    "long": 30900 << 16 | 30600,
    "beyond": None,
}
_CLIENTS = {
    "tcp": "from umb.client.tcp import TCPClient\n"
    "client = TCPClient(('127.0.0.1', {0}), timeout_ms=5000)",
    "serial": "from umb.client.rtu import RTUClient\nfrom umb.port.tty import TTY\n"
    "client = RTUClient(TTY({0!r}, 115200), baudrate=115200, timeout_ms=5000)",
}
_PROGRAM = """
import asyncio
from time import ticks_diff, ticks_ms
from umb import aio
from umb.client.tcp import TCPClient
from umb.points import Points
from umb.poller import Poller
from umb.serve import serve
told = []
poller = Poller(client, on_change=lambda device, name, value: told.append((name, value)))
meter = poller.device(1, Points({0!r}), interval_ms=100)
def run(ms, *others):
    begin_ms = ticks_ms()
    def look():
        if ticks_diff(ticks_ms(), begin_ms) > ms:
            poller.shutdown()
    serve(poller, *others, every=(20, look))
async def beside(coroutine):
    task = asyncio.create_task(aio.serve(poller))
    try:
        return await coroutine
    finally:
        task.cancel()
"""


@pytest.fixture(params=["tcp", "serial"])
def board(request, micropython):
    """A MicroPython with a Poller of pymodbus's device."""
    with PtyLine() as line:
        where = free_port() if request.param == "tcp" else line.server_path
        service = Service([sys.executable, _SERVER, request.param, where])
        try:
            service.wait_for("ready")
            there = where if request.param == "tcp" else line.client_path
            setup = _CLIENTS[request.param].format(there) + _PROGRAM.format(_POINTS)
            with Remote(micropython, setup) as remote:
                yield remote
        finally:
            service.end(signal.SIGKILL)


def values(board):
    return dict(board.evaluate("[(name, meter[name]) for name in meter.points]"))


def test_every_value(board):
    board.run("run(1500)")
    assert values(board) == _WANTED
    assert board.evaluate("meter.state") == "online"
    assert board.evaluate("meter.timeout_count + meter.wrong_reply_count") == 0
    assert board.evaluate("meter.answer_count") > 20


def test_writing(board):
    board.run("run(300)")
    board.run("meter['setpoint'] = 21.5\nmeter['long'] = -123456\nmeter['dark'] = 1")
    board.run("told.clear()\nrun(500)")
    got = values(board)
    assert (got["setpoint"], got["long"], got["dark"]) == (21.5, -123456, 1)
    assert sorted(board.evaluate("told")) == [("dark", 1), ("long", -123456), ("setpoint", 21.5)]
    registers = board.call("read_holding_registers(1, 100, 4)")
    assert registers == [43, 30300, 0x1DC0, 0xFFFE]


def test_asyncio(board):
    # All in one run: to end one gives up a request. Of two requests that come together, as that
    # one and the first of the next run may, pymodbus's server answers one only.
    board.run("""
async def all():
    global tenths, setpoint
    tenths = await meter.read('tenths')
    await meter.write('setpoint', 7)
    setpoint = await meter.read('setpoint')
    await meter.read('beyond')
""")
    with pytest.raises(Failed) as failed:
        board.run("asyncio.run(beside(all()))")
    assert failed.value.name == "IllegalDataAddressError" and failed.value.error_code == 2
    assert board.evaluate("(tenths, setpoint)") == (330.0, 7.0)


def test_tasks_share_the_client(micropython):
    """Calls of an asynchronous client and a Poller take turns."""
    port = free_port()
    service = Service([sys.executable, _SERVER, "tcp", port])
    try:
        service.wait_for("ready")
        setup = _CLIENTS["tcp"].format(port).replace("umb.client.tcp", "umb.aio")
        setup = setup.replace("TCPClient", "AsyncTCPClient") + _PROGRAM.format(_POINTS)
        setup += """
async def read(n):
    for i in range(n):
        wanted = [300 * (10 + i + k) for k in range(3)]
        assert await client.read_holding_registers(1, 10 + i, 3) == wanted
async def both(n):
    task = asyncio.create_task(aio.serve(poller))
    await asyncio.gather(read(n), read(n), read(n))
    task.cancel()
"""
        with Remote(micropython, setup) as board:
            board.run("asyncio.run(both(60))")
            assert board.evaluate("meter.answer_count") > 5
            assert board.evaluate("meter.timeout_count + meter.wrong_reply_count") == 0
            assert board.evaluate("meter['second']") == _WANTED["second"]
    finally:
        service.end(signal.SIGKILL)


def test_a_call_in_between_is_refused(board):
    """A call that blocks cannot come while a request of the Poller is under way."""
    board.run("while client.is_free():\n    poller.poll()")
    with pytest.raises(Failed) as failed:
        board.call("read_coils(1, 0, 1)")
    assert failed.value.name == "RuntimeError"
    board.run("run(300)")
    assert board.evaluate("meter['second']") == _WANTED["second"]
    board.run("poller.finish()")
    assert board.call("read_holding_registers(1, 1, 1)") == [300]


def test_beside_a_gateway(micropython, slave):
    """Clients of the network and the Poller share a serial line, whose slave answers all."""
    port = free_port()
    points = [
        {"name": "uptime", "address": 100, "input_type": "input", "data_type": "uint32"},
        {"name": "register", "address": 3, "data_type": "uint16", "writable": True},
    ]
    setup = _CLIENTS["serial"].format(slave.device).replace("115200", "19200")
    setup += _PROGRAM.format(points)
    setup += f"""
from umb.gateway import Gateway
from umb.server.tcp import TCPServer
tcp = TCPServer(('127.0.0.1', {port}), Gateway(client))
"""
    with Remote(micropython, setup) as board:
        thread = threading.Thread(target=board.run, args=("run(4000, tcp)",))
        thread.start()
        answers = ask_for(port, 3.0)
        thread.join()
        assert answers > 50
        assert board.evaluate("meter.answer_count") > 30
        assert board.evaluate("meter.wrong_reply_count + meter.timeout_count") == 0
        assert board.evaluate("meter['register']") == 4711


def ask_for(port, seconds):
    """Write and read register 3 as a client of the gateway for so long. Returns how often."""
    end = time.monotonic() + seconds
    count = 0
    with ModbusTcpClient("127.0.0.1", port=port, timeout=5) as client:
        while time.monotonic() < end:
            assert not client.write_register(3, 4711, device_id=1).isError()
            assert client.read_holding_registers(3, count=1, device_id=1).registers == [4711]
            count += 1
    return count
