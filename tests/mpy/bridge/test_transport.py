"""umb.bridge.transport: which messages are retained, and messages in pieces."""

import random

from support import spread
from support.umb import raises

from umb.bridge import transport
from umb.bridge.transport import Transport


class Socket:
    """Gives the bytes of `received` in pieces, and takes as many bytes as `room` says."""

    def __init__(self):
        self.received = b""
        self.sent = b""
        self.room = 1 << 20
        self.error = None
        self.closed = False

    def readinto(self, view, n):
        if self.error is not None:
            raise self.error
        if not self.received:
            return None
        n = min(n, len(self.received))
        view[:n] = self.received[:n]
        self.received = self.received[n:]
        return n

    def write(self, data):
        if self.error is not None:
            raise self.error
        n = min(self.room, len(data))
        self.sent += bytes(data[:n])
        return n or None

    def close(self):
        self.closed = True


class Poll:
    """A select.poll that says that the connection is made, or refused."""

    event = 4

    def register(self, sock, events):
        self.sock = sock

    def ipoll(self, wait_ms):
        return iter(((self.sock, self.event),))


class Select:
    poll = Poll


def connected(wrap=None):
    """A Transport over a Socket, and that."""
    sock = Socket()
    transport.connect_to = lambda _: sock
    transport.select = Select
    told = []
    one = Transport(("10.0.0.1", 1883), wrap, lambda: told.append(1))
    assert one.state == "awaiting_tcp" and told == []
    one.tick(0)
    assert one.state == "ready" and one.socket is one and told == [1]
    return one, sock


def varlen(n):
    """A length, as MQTT has it."""
    data = bytearray()
    while n > 0x7F:
        data.append(n & 0x7F | 0x80)
        n >>= 7
    data.append(n)
    return bytes(data)


def packet(first, n):
    """A packet with n bytes behind its head, which look like heads themselves."""
    return bytes((first,)) + varlen(n) + b"\x31" * n


def test_what_is_retained():
    """Of all kinds of packets, in all lengths of their lengths, however the bytes come."""
    random.seed(31)
    kinds = (0x20, 0x30, 0x31, 0x32, 0x33, 0x3B, 0x40, 0x90, 0xD0)
    for _ in spread(range(300), 40):
        one, sock = connected()
        expected = []
        for _ in range(random.randrange(1, 8)):
            first = random.choice(kinds)
            sock.received += packet(first, random.choice((0, 1, 2, 127, 128, 300, 16_384)))
            if first >> 4 == 3:
                expected.append(first & 1)
        buf = memoryview(bytearray(512))
        while sock.received:
            n = random.choice((1, 2, 3, 50, 512))
            one.recv_into(buf[:n], n)
        assert one.retained == expected


def test_a_message_in_pieces():
    """Whatever the network takes at a time, and however long everything is."""
    for size in (0, 1, 117, 118, 119, 127, 128, 16_370, 16_384, 70_000):
        for room in (1, 7, 100, 1 << 20) if size < 1000 else (1000, 1 << 20):
            one, sock = connected()
            sock.room = room
            pieces = []
            while sum([len(piece) for piece in pieces]) < size:
                left = size - sum([len(piece) for piece in pieces])
                pieces.append(bytes((len(pieces) & 0xFF,)) * min(left, 1 + 97 * len(pieces)))
            one.begin("a/topic", size, iter(pieces), len(pieces) & 1)
            assert one.is_sending()
            while one.is_sending():
                assert one.send(b"PING") == 0  # others have to wait
                one.go_on()
            body = b"\x00\x07a/topic" + b"".join(pieces)
            assert sock.sent == bytes((0x30 | len(pieces) & 1,)) + varlen(len(body)) + body
            assert one.send(b"PI") == min(2, room)


def test_nothing_moves():
    one, sock = connected()
    sock.room = 0
    assert one.send(b"x") == 0 and not one.has_sent
    one.begin("t", 1, iter((b"x",)), True)
    one.go_on()
    assert one.is_sending() and not one.has_sent
    assert raises(OSError, one.recv_into, memoryview(bytearray(5)), 5).errno == 11
    sock.room = 100
    one.go_on()
    assert one.has_sent


def test_a_connection_that_is_refused():
    for event in (8, 16, 4 | 16):
        Poll.event = event
        try:
            sock = Socket()
            transport.connect_to = lambda _, sock=sock: sock
            transport.select = Select
            one = Transport(("10.0.0.1", 1883), None, None)
            one.tick(0)
            assert one.state == "failed" and sock.closed and one.socket is None
        finally:
            Poll.event = 4


def test_a_certificate_that_is_refused():
    """MicroPython raises ValueError for it, with the reason: it ends the connection."""
    one, sock = connected()
    sock.error = ValueError("not signed by the trusted CA")
    raises(OSError, one.recv_into, memoryview(bytearray(5)), 5)
    raises(OSError, one.send, b"x")
    assert "trusted" in str(one.last_error)


def test_tls_that_cannot_begin():
    def wrap(_):
        raise ValueError("no host name")

    sock = Socket()
    transport.connect_to = lambda _: sock
    transport.select = Select
    one = Transport(("10.0.0.1", 8883), wrap, None)
    one.tick(0)
    assert one.state == "failed" and sock.closed and "host" in str(one.last_error)
