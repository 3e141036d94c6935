"""The two programs of uModbus's front page, each against somebody else's peer."""

import difflib
import importlib.metadata
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from umodbus.client import tcp as their_tcp

from tests.interop.probe import RawClient
from tests.support.service import Service, free_port
from tools.env import ROOT

_HERE = Path(__file__).parent
_PROGRAMS = ("simple_tcp_server.py", "simple_tcp_client.py")
_PORT = "5020"
_CHANGES = re.compile(r"(from|import) |.*['(]localhost', 502")
_UMODBUS_SERVER = ROOT / "tests" / "interop" / "peer_umodbus.py"


def front_page():
    """Return the programs in uModbus's README, each as a list of lines."""
    programs, inside = [], None
    for line in importlib.metadata.metadata("uModbus").get_payload().splitlines():
        if line.startswith(".. code:: python"):
            inside = []
            programs.append(inside)
        elif line and not line.startswith("    "):
            inside = None
        elif inside is not None:
            inside.append(line[4:])
    return ["\n".join(lines).strip("\n").splitlines() for lines in programs]


def start(micropython, tmp_path, name, port, ending=""):
    """Run a program with another port number."""
    text = (_HERE / name).read_text()
    assert text.count(_PORT) == 1
    program = tmp_path / name
    program.write_text(text.replace(_PORT, str(port)) + ending)
    path = {"MICROPYPATH": f"{ROOT}:{_HERE / 'standins'}:.frozen"}
    return Service([micropython, program], env={**os.environ, **path})


@pytest.mark.parametrize("number", [0, 1], ids=_PROGRAMS)
def test_nothing_else_was_changed(number):
    ours = (_HERE / _PROGRAMS[number]).read_text().splitlines()
    ours = ours[ours.index("#!/usr/bin/env python") :]
    theirs = front_page()[number]
    changed = [line[2:] for line in difflib.ndiff(theirs, ours) if line[0] in "+-"]
    assert [line for line in changed if not _CHANGES.match(line)] == []
    assert any("umodbus" in line for line in changed) and "umodbus" not in "\n".join(ours)


@pytest.fixture
def server(micropython, tmp_path):
    """The server, once it listens."""
    port = free_port()
    service = start(micropython, tmp_path, _PROGRAMS[0], port)
    service.port = port
    try:
        wait_until_it_listens(service)
        yield service
    finally:
        service.end(signal.SIGKILL)


def wait_until_it_listens(service):
    """It does not say so: try."""
    deadline = time.monotonic() + 30
    while True:
        assert service.process.poll() is None, "\n".join(service.lines)
        try:
            RawClient(("localhost", service.port)).socket.close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.02)
        else:
            return


def test_server(server):
    with ModbusTcpClient("localhost", port=server.port, timeout=20, retries=0) as client:
        assert client.read_holding_registers(0, count=10).registers == [0] * 10
        assert not client.write_registers(2, [1, 65535, 3]).isError()
        assert not client.write_register(9, 40000).isError()
        wanted = [0, 0, 1, 65535, 3, 0, 0, 0, 0, 40000]
        assert client.read_holding_registers(0, count=10).registers == wanted
        assert client.read_input_registers(2, count=3).registers == wanted[2:5]
        assert client.read_holding_registers(9, count=2).exception_code == 2
        assert client.read_coils(0, count=1).exception_code == 2


def test_server_and_their_client(server):
    with RawClient(("localhost", server.port)) as raw:
        line = raw.socket
        message = their_tcp.write_multiple_registers(1, 0, [10, 20, 30])
        assert their_tcp.send_message(message, line) == 3
        message = their_tcp.read_holding_registers(1, 0, 4)
        assert their_tcp.send_message(message, line) == [10, 20, 30, 0]


def test_server_logs_and_ends(server):
    with RawClient(("localhost", server.port)) as raw:
        assert raw.ask("0600051234") == "0600051234"
    server.wait_for("DEBUG:uModbus:--> 127.0.0.1 - 010600051234")
    server.end(signal.SIGINT)
    assert "DEBUG:uModbus:<-- 127.0.0.1 - 010600051234" in server.lines
    with pytest.raises(ConnectionRefusedError):
        RawClient(("localhost", server.port))


def test_client(micropython, tmp_path):
    port = free_port()
    peer = Service([sys.executable, _UMODBUS_SERVER, port])
    try:
        peer.wait_for("ready")
        client = start(micropython, tmp_path, _PROGRAMS[1], port, "print('response', response)\n")
        client.wait_for("response 4")
        assert client.process.wait(20) == 0
        with RawClient(("127.0.0.1", port)) as raw:
            message = their_tcp.read_coils(1, 0, 6)
            assert their_tcp.send_message(message, raw.socket) == [0, 1, 0, 1, 1, 0]
    finally:
        peer.end(signal.SIGKILL)
