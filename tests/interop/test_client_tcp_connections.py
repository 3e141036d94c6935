"""TCPClient and AsyncTCPClient beside real servers that are hard to connect to, and to keep."""

import contextlib
import socket
import struct
import threading
import time

import pytest

from tests.interop.peer_remote import Failed, Remote
from tests.interop.peer_scripted import ScriptedServer, good
from tests.support.service import free_port

_READ = "read_holding_registers(1, 10, 2)"
_VALUES = [70, 77]
_SLACK_S = 0.6  # what a loaded machine may take besides

_PLAIN = """
from umb.client.tcp import TCPClient
client = TCPClient({})
def connected():
    return client.connected
"""
# The calls of an AsyncTCPClient as if they blocked.
_BLOCKING = """
import asyncio
from umb.aio import AsyncTCPClient
class Blocking:
    def __init__(self, client):
        self.client = client
        self.close = client.close
    def connect(self):
        return asyncio.run(self.client.connect())
    def read_holding_registers(self, *arguments):
        return asyncio.run(self.client.read_holding_registers(*arguments))
client = Blocking(AsyncTCPClient({}))
def connected():
    return client.client.connected
"""


@pytest.fixture(params=["blocking", "asyncio"])
def connect(request, micropython):
    """Return a function that makes a Remote with a client of this kind, closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(address, **options):
            named = "".join(f", {name}={value!r}" for name, value in options.items())
            setup = _BLOCKING if request.param == "asyncio" else _PLAIN
            return stack.enter_context(Remote(micropython, setup.format(f"{address!r}{named}")))

        yield make


class Door:
    """A listener that does with each connection what `treat(connection)` says, in threads."""

    def __init__(self, treat):
        self._treat = treat
        self.times = []  # when each connection was accepted

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.times.append(time.monotonic())
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection, contextlib.suppress(OSError):
            self._treat(connection)


def reset(connection):
    """End a connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def accept_and_close(_):
    """Treat a connection so."""


def accept_and_stay_silent(connection):
    """Read whatever comes, and say nothing."""
    while connection.recv(1000):
        pass


def answer(connection):
    """Answer FC 3 for two registers at 10, one request after another."""
    while True:
        request = connection.recv(12)
        if not request:
            return
        connection.sendall(request[:4] + b"\0\7" + request[6:8] + b"\4\0\x46\0\x4d")


def hasty(pause_s, end=lambda _: None):
    """Return a treatment: whoever asks before pause_s have passed is dropped."""

    def treat(connection):
        connection.settimeout(pause_s)
        with contextlib.suppress(TimeoutError):
            connection.recv(12)
            end(connection)
            return
        connection.settimeout(None)
        answer(connection)

    return treat


def spaced(begin, times):
    """Check that attempts were 0.1 s apart, then twice as long each time.

    begin   when the call began that made them
    times   when each was accepted; a loaded machine is late with that, and never early
    """
    earliest = begin
    for before, now, gap in zip(times, times[1:], (0.1, 0.2, 0.4, 0.8, 1.6), strict=False):
        earliest += gap
        assert earliest - 0.01 <= now <= before + gap + _SLACK_S, (begin, times)


def test_refused(connect):
    address = ("127.0.0.1", free_port())
    client = connect(address, timeout_ms=2000)
    for least_s in (0, 0.1, 0.2):
        with pytest.raises(Failed) as caught:
            start = time.monotonic()
            client.call("connect()")
        assert least_s - 0.05 <= time.monotonic() - start <= least_s + _SLACK_S
        assert caught.value.name == "NoConnectionError"
        assert "127.0.0.1:%d: refused" % address[1] in caught.value.text
        assert not client.evaluate("connected()")
    assert client.outcome(_READ) == "NoConnectionError"


def test_refused_until_a_server_is_there(connect):
    with ScriptedServer() as server:
        server.stop()
        client = connect(server.address, timeout_ms=2000, retries=5)
        client.start(_READ)
        time.sleep(0.5)
        server.start()
        assert client.finish() == _VALUES


def test_connect_and_connected(connect):
    with ScriptedServer() as server:
        client = connect(server.address)
        assert not client.evaluate("connected()") and server.connections == 0
        for _ in range(3):
            assert client.call("connect()") is None
            assert client.evaluate("connected()")
        server.wait_until(lambda: server.connections == 1, "it does not connect")
        assert client.call(_READ) == _VALUES
        client.run("client.close()")
        assert not client.evaluate("connected()")
        assert client.call(_READ) == _VALUES
        assert server.connections == 2
        first, second = (request.transaction for request in server.requests)
        assert second == first + 1


@pytest.mark.parametrize("end", [lambda _: None, reset], ids=["closes", "resets"])
def test_a_server_that_accepts_and_closes(connect, end):
    with Door(end) as door:
        client = connect(door.address, timeout_ms=5000, retries=4)
        begin = time.monotonic()
        assert client.outcome(_READ) == "NoConnectionError"
        assert len(door.times) == 5
        spaced(begin, door.times)


def test_a_server_that_accepts_and_closes_when_asked(connect):
    with Door(lambda connection: connection.recv(12)) as door:
        client = connect(door.address, timeout_ms=5000, retries=3)
        begin = time.monotonic()
        assert client.outcome(_READ) == "NoConnectionError"
        assert len(door.times) == 4
        spaced(begin, door.times)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_server_that_accepts_and_stays_silent(connect, n):
    with Door(accept_and_stay_silent) as door:
        client = connect(door.address, timeout_ms=150, reconnect_after_timeouts=n)
        for i in range(2 * n + 1):
            got, took_s = client.timed(_READ)
            assert got == "NoReplyError" and 0.14 <= took_s <= 0.25 + _SLACK_S
            assert len(door.times) == 1 + i // n
            assert client.evaluate("connected()") == ((i + 1) % n > 0)


def test_a_server_that_was_silent_for_a_while(connect):
    """The same connection serves on if there were not too many time-outs; else a new one."""
    for silent, connections in ((2, 1), (3, 2)):
        left = [silent]

        def script(request, left=left):
            left[0] -= 1
            if left[0] >= 0:
                yield b""
            else:
                yield from good(request)

        with ScriptedServer(script) as server:
            client = connect(server.address, timeout_ms=150, reconnect_after_timeouts=3)
            assert [client.outcome(_READ) for _ in range(silent)] == ["NoReplyError"] * silent
            assert client.outcome(_READ) == _VALUES
            assert server.connections == connections


@pytest.mark.parametrize("end", [lambda _: None, reset], ids=["closes", "resets"])
def test_a_server_that_drops_whoever_asks_in_the_first_second(connect, end):
    with Door(hasty(1, end)) as door:
        client = connect(door.address, timeout_ms=500)
        assert client.outcome(_READ) == "NoConnectionError"
        client = connect(door.address, timeout_ms=500, connect_pause_ms=1200)
        got, took_s = client.timed(_READ)
        assert got == _VALUES and 1.19 <= took_s <= 1.2 + _SLACK_S
        got, took_s = client.timed(_READ)
        assert got == _VALUES and took_s <= _SLACK_S
        client.run("client.close()")
        client.call("connect()")
        assert client.evaluate("connected()")
        time.sleep(0.6)
        got, took_s = client.timed(_READ)
        assert got == _VALUES and took_s <= 0.6 + _SLACK_S, "what has passed counts"
        assert len(door.times) == 3


def test_a_server_that_closes_in_the_pause(connect):
    """It is noticed after the pause; the next attempt is a new connection."""

    def treat(connection):
        if len(door.times) == 1:
            time.sleep(0.1)
        else:
            answer(connection)

    with Door(treat) as door:
        client = connect(door.address, timeout_ms=500, connect_pause_ms=300, retries=1)
        assert client.outcome(_READ) == _VALUES
        assert len(door.times) == 2
