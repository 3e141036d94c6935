"""The options of umb's clients for devices with habits, against a server of pymodbus with them."""

import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.interop.peer_remote import rtu_client, tcp_client
from tests.support.service import Service, free_port
from tools.pty_line import PtyLine

_SERVER = Path(__file__).with_name("peer_habits.py")


@pytest.fixture(params=["tcp", "serial"])
def peers(request, micropython):
    """(connect, service): connect(**options) returns a client of the server `service`."""
    clients = []
    with PtyLine() as line:
        where = free_port() if request.param == "tcp" else line.server_path

        def connect(**options):
            options.setdefault("timeout_ms", 10_000)
            if request.param == "tcp":
                clients.append(tcp_client(micropython, ("127.0.0.1", where), **options))
            else:
                clients.append(rtu_client(micropython, line.client_path, **options))
            return clients[-1].__enter__()

        service = Service([sys.executable, _SERVER, request.param, where])
        try:
            service.wait_for("ready")
            yield connect, service
        finally:
            for client in clients:
                client.__exit__()
            service.end(signal.SIGKILL)


def asked_ms(service, count):
    """When so many requests came to the server, in ms."""
    lines = [service.wait_for(f"request {number} at ") for number in range(1, count + 1)]
    return [int(line.split()[-1]) for line in lines]


def test_slave_ids(peers):
    """248 to 255, and 0 as a device that answers."""
    connect, _ = peers
    client = connect()
    for slave_id in (1, 247, 248, 255):
        assert client.call(f"read_holding_registers({slave_id}, 3, 2)") == [900, 1200]
    client.run("own = client.slave(0, broadcast=False)")
    assert client.evaluate("own.read_holding_registers(3, 2)") == [900, 1200]
    assert client.evaluate("own.write_single_register(3, 7)") == 7
    assert client.evaluate("own.read_holding_registers(3, 1)") == [7]


def test_pauses(peers):
    """Between any two requests, and longer ones before those to one slave."""
    connect, service = peers
    client = connect(pause_ms=60)
    client.run("own = client.slave(248, pause_ms=150)")
    for _ in range(2):
        client.call("read_holding_registers(1, 3, 1)")
    for _ in range(2):
        client.evaluate("own.read_holding_registers(3, 1)")
    first, second, third = (later - one for one, later in pairwise(asked_ms(service, 4)))
    assert first >= 60 and second >= 60 and third >= 150


def test_a_device_that_is_busy(peers):
    connect, service = peers
    client = connect(retries=3)
    assert client.outcome("read_holding_registers(1, 100, 1)") == "ServerDeviceBusyError"
    client.run("client.busy_pause_ms = 40")
    assert client.call("read_holding_registers(1, 100, 1)") == [30_000]
    asked = asked_ms(service, 3)
    assert asked[2] - asked[1] >= 40
    assert client.outcome("read_holding_registers(1, 101, 1)") == "AcknowledgeError"
    gaps = [later - one for one, later in pairwise(asked_ms(service, 7)[3:])]
    assert all(gap >= pause for gap, pause in zip(gaps, (40, 80, 160), strict=True))


def test_answers_that_differ(peers):
    """A strict client takes none of them, another one all that can only be the answer."""
    connect, _ = peers
    read, write = "read_holding_registers(1, 110, 1)", "write_single_register(1, 111, 8)"
    strict = connect(timeout_ms=300)
    assert strict.outcome(read) in ("NoReplyError", "BadReplyError")
    assert strict.outcome(write) == "BadReplyError"
    strict.run("client.close()")
    client = connect(strict=False)
    assert client.call(read) == [33_000]
    assert client.call(write) == 8
    assert client.call("read_holding_registers(1, 112, 1)") == [33_600]
