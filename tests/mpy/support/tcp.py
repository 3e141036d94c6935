"""A TCPServer and raw clients of it in one process, over real sockets of the loopback device."""

import errno
import os
import socket
import struct
from time import sleep_ms

from support.pdu import shown, words

from umb.port.sockets import no_delay
from umb.server import LATER, Server
from umb.server.tcp import TCPServer
from umb.store import Store

_PATIENCE_MS = 10_000
_SO_RCVBUF = 8
_SO_LINGER = 13


def free_port(listen):
    """Call listen(port) with ports of 127.0.0.1 until one is free: what it returned, the port."""
    port = 20000 + (os.urandom(1)[0] << 8 | os.urandom(1)[0]) % 12000
    while True:
        try:
            return listen(port), port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            port += 1


def counting():
    """A device whose holding registers are 1000, 1001, ..."""
    store = Store(2000, 0, 0, 200)
    for i in range(200):
        store.holding_registers[i] = 1000 + i
    return Server(store)


def frame(pdu, slave_id=1, transaction=1):
    """A Modbus TCP frame."""
    return words(transaction, 0, len(pdu) + 1) + bytes((slave_id,)) + pdu


class Bench:
    """`with Bench(handler) as bench`: a server on a free port, and clients that go with it.

    Times in its methods are the poller's, so that the module time may be a test's own clock.
    """

    def __init__(self, handler=None, **options):
        def listen(port):
            return TCPServer(("127.0.0.1", port), handler, **options)

        self.tcp, self.port = free_port(listen)
        self.answered = 0
        self.peers = []  # the clients that have not closed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.peers:
            self.peers[0].close()
        self.tcp.server_close()

    def poll(self, wait_ms=0):
        """Let the server work."""
        done = self.tcp.poll(wait_ms)
        self.answered += done
        return done

    def rest(self, duration_ms=30):
        """Let the server work until nothing has come for a while. Returns requests answered."""
        before = self.answered
        idle_ms = 0
        while idle_ms < duration_ms:
            idle_ms = 0 if self.poll(1) else idle_ms + 1
        return self.answered - before

    def until(self, condition, what):
        """Let the server work until condition() holds."""
        idle_ms = 0  # by the poller: the clock may be one that stands still
        while not condition():
            assert idle_ms < _PATIENCE_MS, what
            idle_ms = 0 if self.poll(1) else idle_ms + 1

    def client(self, rcvbuf=None, host=None):
        """A new client, at one of 127.0.0.x if given, which the server has noticed."""
        peer = self.caller(rcvbuf, host)
        self.poll(100)
        sleep_ms(2)  # so that no two clients are equally old
        return peer

    def caller(self, rcvbuf=None, host=None):
        """A new client, of which the server has still to hear."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if host:
            sock.bind(socket.getaddrinfo(host, 0)[0][-1])
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUF, rcvbuf)
        sock.connect(socket.getaddrinfo("127.0.0.1", self.port)[0][-1])
        no_delay(sock)
        sock.setblocking(False)
        peer = Peer(self, sock)
        self.peers.append(peer)
        return peer


class Peer:
    """A client's socket. Whatever waits lets the server work meanwhile."""

    def __init__(self, bench, sock):
        self.sock = sock
        self._bench = bench
        self._over = False

    def send(self, data):
        """Send everything."""
        at = 0

        def write():
            nonlocal at
            at += self.sock.write(data, at, len(data) - at) or 0
            return at == len(data)

        self._bench.until(write, "the client could not send")

    def _read(self, n):
        """Up to n bytes; None if nothing is there, b"" if the server has closed."""
        try:
            data = self.sock.read(n)
        except OSError:
            data = b""
        if data == b"":
            self._over = True
        return data

    def receive(self, n):
        """The next n bytes."""
        data = b""

        def read():
            nonlocal data
            data += self._read(n - len(data)) or b""
            return len(data) == n or self._over

        self._bench.until(read, "{} of {} bytes came".format(len(data), n))
        assert len(data) == n, "closed after {}".format(shown(data))
        return data

    def frame(self):
        """The next frame: (transaction id, slave id, PDU)."""
        head = self.receive(7)
        assert head[2] == head[3] == 0, "protocol id of " + shown(head)
        pdu = self.receive((head[4] << 8 | head[5]) - 1)
        return head[0] << 8 | head[1], head[6], pdu

    def ask(self, pdu, slave_id=1, transaction=0x1234):
        """Send a request and receive its response PDU."""
        self.send(frame(pdu, slave_id, transaction))
        got = self.frame()
        assert got[:2] == (transaction, slave_id), got
        return got[2]

    def quiet(self):
        """Return whether nothing can be read although the server had time."""
        self._bench.rest(10)
        return self._read(1) is None

    def is_closed(self):
        """Return whether the server has closed this connection."""
        if not self._over:
            self._read(1)
        return self._over

    def closed(self):
        """Return whether the server closes this connection and sends nothing before."""
        self._bench.until(lambda: self._read(1) is not None, "the server does not close")
        return self._over

    def reset(self):
        """Vanish with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        """Close in order."""
        self.sock.close()
        self._bench.peers.remove(self)


class Keeper:
    """A handler that keeps every request, to be answered when the test says so."""

    def __init__(self):
        self.kept = []  # (adu, n, link)

    def handle(self, adu, n, link):
        self.kept.append((adu, n, link))
        return LATER

    def pdus(self):
        """The requests that are kept, as they stand in their buffers now."""
        return [bytes(adu[7 : 7 + n]) for adu, n, _ in self.kept]

    def answer(self, pdu, number=0):
        """Answer one of the kept requests."""
        adu, _, link = self.kept.pop(number)
        adu[7 : 7 + len(pdu)] = pdu
        link.answer(len(pdu))


class Failing:
    """`with Failing(module, name, error)`: calling what has this name there raises the error."""

    def __init__(self, module, name, error=None):
        self._module, self._name = module, name
        self._error = MemoryError() if error is None else error
        self.calls = 0

    def __enter__(self):
        self._real = getattr(self._module, self._name)
        setattr(self._module, self._name, self._fail)
        return self

    def __exit__(self, *_):
        setattr(self._module, self._name, self._real)

    def _fail(self, *_):
        self.calls += 1
        raise self._error
