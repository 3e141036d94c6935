"""UDPClient: its socket, the time-out under a flood, clocks that wrap, datagrams that are none."""

from support.net import (  # comes first: the clock of support.uart
    DAY_MS,
    HOST,
    PORT,
    clock,
    frame,
    good,
    net,
    outcome,
    registers,
)

import errno

from support.umb import raises

from umb.client.udp import UDPClient
from umb.errors import NoConnectionError

_IDLE_MS = (6 * DAY_MS, 62 * DAY_MS // 10, 63 * DAY_MS // 10, 9 * DAY_MS, 12 * DAY_MS)


def client_of(server, kind=UDPClient, **options):
    """A client, on a network that has just been set up."""
    net.reset()
    net.server = server
    options.setdefault("retries", 0)
    return kind((HOST, PORT), **options)


def read(client, address=10):
    return outcome(lambda: client.read_holding_registers(1, address, 2))


def test_addresses():
    for address in (HOST, (HOST,), (HOST, "502"), (HOST, 0), (HOST, 65536), ("", 502), None):
        error = raises(ValueError, UDPClient, address)
        sentence = 'address must be (host, port), as in ("10.0.0.5", 502), not %r' % (address,)
        assert str(error) == sentence


def test_times_and_retries():
    for timeout_ms in (0, -1, 0.5, 1000.0, "1000", None, 1 << 29):
        error = raises(ValueError, UDPClient, (HOST, PORT), timeout_ms=timeout_ms)
        sentence = "timeout_ms must be 1..536870911, not %r" % (timeout_ms,)
        assert str(error) == sentence
    for retries in (-1, 1.0, "3", None):
        error = raises(ValueError, UDPClient, (HOST, PORT), retries=retries)
        assert str(error) == "retries must be 0..536870911, not %r" % (retries,)


def test_the_socket():
    client = client_of(good())
    assert not client.connected and not net.socks
    assert read(client) == ([10, 11], 5)
    assert client.connected and len(net.socks) == 1
    assert read(client) == ([10, 11], 5)
    client.close()
    client.close()
    assert not client.connected and net.open_socks() == 0
    assert read(client) == ([10, 11], 5)
    assert len(net.socks) == 2


def test_connect():
    """Opens the socket; whether anybody listens is not known before the first reply."""
    client = client_of(good())
    with client as same:
        assert same is client and client.connected and net.open_socks() == 1
        client.connect()
        assert read(client) == ([10, 11], 5)
        assert len(net.socks) == 1
    assert not client.connected and net.open_socks() == 0
    net.refuse = -2
    error = raises(NoConnectionError, client.connect)
    assert str(error) == "no connection to 10.0.0.5:502: no such host"


def test_nobody_is_found():
    client = client_of(good())
    net.refuse = -2
    assert read(client) == ("NoConnectionError", 0)
    net.refuse = None
    assert read(client) == ([10, 11], 5)


def test_retries():
    def third(sock, data):
        return good()(sock, data) if len(sock.requests) == 2 else bool(data)

    net.reset()
    net.server = third
    client = UDPClient((HOST, PORT), timeout_ms=100)
    assert read(client) == ([10, 11], 205), "two retries are the default"
    assert len({request[:2] for request in net.socks[0].requests}) == 3


class Flood:
    """A server whose datagrams never end."""

    def __init__(self, data):
        self.data = data

    def __call__(self, sock, _data):
        sock.flood = self.data
        return True


def test_the_time_out_is_kept_whatever_comes():
    reply = registers(b"\3\0\x0a\0\2")
    asked = b"\0\1\0\0\0\6\1"
    for data in (
        frame(asked, reply, transaction=0x7777),
        frame(asked, reply, slave_id=2),
        frame(asked, reply)[:-1],
        b"\0",
        b"\xff" * 262,
    ):
        for timeout_ms in (50, 200, 1000):
            client = client_of(Flood(data), timeout_ms=timeout_ms)
            for _ in range(2):
                got, took_ms = read(client)
                assert got == "BadReplyError" and timeout_ms <= took_ms < timeout_ms + 10


def test_a_reply_among_a_flood():
    def flooded(sock, data):
        for _ in range(100):
            sock.say(1, frame(data, registers(data[7:]), transaction=0x7777))
        return good(2)(sock, data)

    client = client_of(flooded)
    for address in range(5):
        assert read(client, address)[0] == [address, address + 1]


def test_what_is_empty():
    """A datagram without a byte is none."""

    class Empty:
        def __call__(self, sock, data):
            sock._coming.append((clock.now_ns, b""))
            return good()(sock, data)

    client = client_of(Empty())
    assert read(client) == ([10, 11], 5)


def test_any_rest_between_calls():
    for idle_ms in _IDLE_MS:
        client = client_of(good())
        for _ in range(4):
            assert read(client) == ([10, 11], 5)
            clock.now_ns += idle_ms * 1_000_000


class Stalled(UDPClient):
    """A client whose program does something else for long while a call waits."""

    stall_ms = 0

    def wait(self):
        clock.now_ns += self.stall_ms * 1_000_000
        return UDPClient.wait(self)


def test_a_program_that_stalls_during_a_call():
    for idle_ms in _IDLE_MS:
        client = client_of(lambda _, data: bool(data), Stalled)
        client.stall_ms = idle_ms
        assert read(client) == ("NoReplyError", idle_ms)
        client = client_of(good(), Stalled)
        client.stall_ms = idle_ms
        assert read(client) == ([10, 11], idle_ms)


def test_an_error_that_an_earlier_request_left():
    """A network tells late that nobody received it: the next call has nothing to do with that."""
    client = client_of(lambda _, data: bool(data), timeout_ms=100)
    assert read(client) == ("NoReplyError", 100)
    net.socks[0].error_once = errno.ECONNREFUSED
    net.server = good()
    assert read(client) == ([10, 11], 5)
    assert len(net.socks) == 1


def test_an_error_during_the_call():
    """Nobody listens there, and the network says so."""

    def refused(sock, data):
        sock.error_once = errno.ECONNREFUSED
        return bool(data)

    client = client_of(refused, timeout_ms=100)
    error = raises(NoConnectionError, client.read_holding_registers, 1, 10, 2)
    assert str(error).startswith("no connection to 10.0.0.5:502: refused, asking"), error
    net.server = good()
    assert read(client) == ([10, 11], 5)


def test_closed_in_the_middle():
    class Closing(UDPClient):
        def wait(self):
            self.close()
            return UDPClient.wait(self)

    client = client_of(good(), Closing)
    assert read(client) == ("NoConnectionError", 0)
    assert net.open_socks() == 0
