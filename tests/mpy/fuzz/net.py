"""A network by the clock of support.uart: it stands in for the modules socket and select.

Import this before anything of umb. Every byte has the time at which it arrives. What a far end
does is told by a test, or by a script that is called back; nothing here waits in real time.
"""

import errno
import sys

from support.uart import clock  # comes first: it stands in for the module time

from fuzz.heap import heap

_IN, _OUT, _ERR, _HUP = 1, 4, 8, 16
_NEVER_NS = 1 << 60
_STEP_NS = 20_000  # what a call takes
_PACKET = 1460


class Way:
    """One direction of a connection: (time, bytes) in order, an end of it perhaps."""

    def __init__(self):
        self._chunks = []
        self._at = 0  # bytes of the first chunk that were taken
        self.end_ns = _NEVER_NS  # when the sender's FIN arrives
        self.reset_ns = _NEVER_NS

    def put(self, time_ns, data):
        """Let bytes arrive then, in the order of their times."""
        at = len(self._chunks)
        while at > 1 and self._chunks[at - 1][0] > time_ns:
            at -= 1
        if data:
            self._chunks.insert(at, (time_ns, bytes(data)))

    def end(self, time_ns):
        """Let the sender's FIN arrive then, after what was put before."""
        if self._chunks:
            time_ns = max(time_ns, self._chunks[-1][0])
        self.end_ns = min(self.end_ns, time_ns)

    def readable(self):
        """Return whether a read would return now."""
        now_ns = clock.now_ns
        return (
            (len(self._chunks) > 0 and self._chunks[0][0] <= now_ns)
            or self.end_ns <= now_ns
            or self.reset_ns <= now_ns
        )

    def next_ns(self):
        """When something will happen that has not yet."""
        now_ns = clock.now_ns
        when_ns = _NEVER_NS
        for time_ns in (self.end_ns, self.reset_ns):
            if time_ns > now_ns:
                when_ns = min(when_ns, time_ns)
        for time_ns, _ in self._chunks:
            if time_ns > now_ns:
                when_ns = min(when_ns, time_ns)
        return when_ns

    def take(self, buf, n):
        """Read up to n bytes into buf: how many, None where none is there. Raises OSError."""
        if self.reset_ns <= clock.now_ns:
            raise OSError(errno.ECONNRESET)
        done = 0
        while done < n and self._chunks and self._chunks[0][0] <= clock.now_ns:
            chunk = self._chunks[0][1]
            while done < n and self._at < len(chunk):
                buf[done] = chunk[self._at]
                done += 1
                self._at += 1
            if self._at == len(chunk):
                self._chunks.pop(0)
                self._at = 0
        if done or n == 0:
            return done
        return 0 if self.end_ns <= clock.now_ns and not self._chunks else None

    def rest(self):
        """Take all that has arrived, as bytes."""
        data = b""
        while self._chunks and self._chunks[0][0] <= clock.now_ns:
            data += self._chunks.pop(0)[1][self._at :]
            self._at = 0
        return data


class Network:
    """Who listens where. `on_connect(socket)` is asked about connections to nobody's port."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Begin anew."""
        self.listeners = {}
        self.datagrams = {}  # (host, port): socket
        self.sockets = []
        self.on_connect = None
        self.on_data = None  # (socket, data): what a connected client has sent
        self.on_datagram = None  # (socket, data, address)
        self.ports = 40000
        self.room = _NEVER_NS  # how many bytes a peer takes before it reads


network = Network()


class Socket:
    """socket.socket, non-blocking."""

    def __init__(self, family=2, kind=1, protocol=0):
        self.kind = kind
        self.address = None
        self.peer = None
        self.incoming = Way()
        self.outgoing = Way()
        self.waiting = []  # of a listener: the connections to be accepted
        self.connected_ns = None  # when the connection is there; None: there is none
        self.refused_ns = _NEVER_NS
        self.room = _NEVER_NS  # what the network still takes
        self.packets = []  # of a datagram socket: (time, data, address)
        self.open = True
        network.sockets.append(self)

    def setblocking(self, flag):
        pass

    def settimeout(self, seconds):
        pass

    def setsockopt(self, level, option, value):
        pass

    def bind(self, address):
        self.address = address
        if self.kind == 2:
            network.datagrams[address] = self

    def listen(self, backlog=5):
        network.listeners[self.address] = self

    def accept(self):
        if not self.waiting:
            raise OSError(errno.EAGAIN)
        one = self.waiting.pop(0)
        return one, one.peer

    def connect(self, address):
        with heap.opened:
            self.peer = address
            if self.kind == 2:
                return
            self._check_open()
            self.connected_ns = clock.now_ns + _STEP_NS
            if network.on_connect is not None:
                network.on_connect(self)
            raise OSError(errno.EINPROGRESS)

    def _check_open(self):
        if not self.open:
            raise OSError(errno.EBADF if hasattr(errno, "EBADF") else 9)

    def is_connected(self):
        """Return whether the connection is there."""
        return self.connected_ns is not None and self.connected_ns <= clock.now_ns

    def readinto(self, buf, n=-1):
        self._check_open()
        clock.now_ns += _STEP_NS
        if self.refused_ns <= clock.now_ns:
            raise OSError(errno.ECONNREFUSED)
        n = len(buf) if n < 0 else min(n, len(buf))
        with heap.opened:
            return self.incoming.take(buf, n)

    def recv(self, n):
        with heap.opened:
            if self.kind == 2:
                return self.recvfrom(n)[0]
            data = bytearray(n)
            got = self.readinto(data, n)
            if got is None:
                raise OSError(errno.EAGAIN)
            return bytes(data[:got])

    def read(self, n):
        with heap.opened:
            data = bytearray(n)
            got = self.readinto(data, n)
            return None if got is None else bytes(data[:got])

    def write(self, buf, at=0, n=None):
        self._check_open()
        clock.now_ns += _STEP_NS
        with heap.opened:
            if n is None:
                at, n = 0, at or len(buf)
            if self.refused_ns <= clock.now_ns:
                raise OSError(errno.ECONNREFUSED)
            if self.incoming.reset_ns <= clock.now_ns:
                raise OSError(errno.EPIPE if hasattr(errno, "EPIPE") else 32)
            if not self.is_connected():
                return None
            n = min(n, self.room)
            if not n:
                return None
            self.room -= n
            data = bytes(buf[at : at + n])
            self.outgoing.put(clock.now_ns, data)
            if network.on_data is not None:
                network.on_data(self, data)
            return n

    def send(self, data):
        with heap.opened:
            if self.kind == 2:
                return self.sendto(data, self.peer)
            return self.write(data, 0, len(data)) or 0

    def sendto(self, data, address):
        self._check_open()
        clock.now_ns += _STEP_NS
        with heap.opened:
            if network.on_datagram is not None:
                network.on_datagram(self, bytes(data), address)
            return len(data)

    def recvfrom(self, n):
        self._check_open()
        clock.now_ns += _STEP_NS
        with heap.opened:
            if not self.packets or self.packets[0][0] > clock.now_ns:
                raise OSError(errno.EAGAIN)
            _, data, address = self.packets.pop(0)
            return data[:n], address

    def deliver(self, time_ns, data, address):
        """Let a datagram arrive then."""
        packets = self.packets
        at = len(packets)
        while at and packets[at - 1][0] > time_ns:
            at -= 1
        packets.insert(at, (time_ns, bytes(data), address))

    def close(self):
        if self.open:
            self.open = False
            with heap.opened:
                self.outgoing.end(clock.now_ns)
                if self in network.sockets:
                    network.sockets.remove(self)
                if network.listeners.get(self.address) is self:
                    del network.listeners[self.address]
                if network.datagrams.get(self.address) is self:
                    del network.datagrams[self.address]

    # what select.poll sees

    def events(self, wanted):
        """The events that there are now."""
        now_ns = clock.now_ns
        if self.kind == 2:
            return (wanted & _OUT) | (_IN if self.packets and self.packets[0][0] <= now_ns else 0)
        if self.waiting:
            return _IN
        if self.connected_ns is None:
            return 0
        if self.refused_ns <= now_ns or self.incoming.reset_ns <= now_ns:
            return _IN | _ERR | _HUP
        found = 0
        if self.is_connected():
            if wanted & _IN and self.incoming.readable():
                found |= _IN
            if wanted & _OUT and self.room:
                found |= _OUT
            if self.incoming.end_ns <= now_ns and self.outgoing.end_ns <= now_ns:
                found |= _HUP
        return found & (wanted | _ERR | _HUP)

    def next_ns(self):
        """When something will happen that has not yet."""
        now_ns = clock.now_ns
        when_ns = _NEVER_NS
        if self.kind == 2:
            if self.packets and self.packets[0][0] > now_ns:
                return self.packets[0][0]
            return when_ns
        if self.connected_ns is not None and self.connected_ns > now_ns:
            when_ns = self.connected_ns
        if self.refused_ns > now_ns:
            when_ns = min(when_ns, self.refused_ns)
        return min(when_ns, self.incoming.next_ns())


def connect(address, peer):
    """Let a client connect to a listener: (its side to write to, its side to read from)."""
    listener = network.listeners[address]
    one = Socket()
    one.peer = peer
    one.connected_ns = clock.now_ns
    listener.waiting.append(one)
    return one


class Poll:
    """select.poll"""

    def __init__(self):
        self._rows = []  # [object, events]
        self._found = [[] for _ in range(12)]  # rows that can be filled without a heap
        for n in range(12):
            self._found[n] = [[None, 0] for _ in range(n)]

    def register(self, what, events=_IN | _OUT):
        if not hasattr(what, "events"):
            raise TypeError("stream operation not supported")
        for row in self._rows:
            if row[0] is what:
                row[1] = events
                return
        with heap.opened:
            self._rows.append([what, events])

    def modify(self, what, events):
        for row in self._rows:
            if row[0] is what:
                row[1] = events
                return
        raise OSError(errno.ENOENT)

    def unregister(self, what):
        with heap.opened:
            self._remove(what)

    def _remove(self, what):
        self._rows = [row for row in self._rows if row[0] is not what]

    def poll(self, timeout_ms=-1):
        return [(row[0], row[1]) for row in self.ipoll(timeout_ms)]

    def ipoll(self, timeout_ms=-1, flags=0):
        """Let time pass until something happens. What it returns is used again the next time."""
        with heap.opened:
            return self._wait(timeout_ms)

    def _wait(self, timeout_ms):
        clock.now_ns += _STEP_NS
        until_ns = clock.now_ns + (timeout_ms * 1_000_000 if timeout_ms >= 0 else _NEVER_NS)
        while True:
            if clock.now_ns >= clock.limit_ns:
                clock.ticks_ms()  # which fails
            found = self._look()
            if found is not None:
                return found
            when_ns = min(until_ns, clock.limit_ns)
            for row in self._rows:
                when_ns = min(when_ns, row[0].next_ns())
            if when_ns >= until_ns:
                clock.now_ns = max(clock.now_ns, min(until_ns, clock.limit_ns))
                return self._found[0]
            clock.now_ns = max(clock.now_ns + 1000, when_ns)

    def _look(self):
        n = 0
        for row in self._rows:
            if row[0].events(row[1]):
                n += 1
        if not n:
            return None
        found = self._found[n]
        i = 0
        for row in self._rows:
            events = row[0].events(row[1])
            if events:
                found[i][0] = row[0]
                found[i][1] = events
                i += 1
        return found


class _SocketModule:
    """Stands for the module socket."""

    AF_INET, SOCK_STREAM, SOCK_DGRAM = 2, 1, 2
    SOL_SOCKET, SO_REUSEADDR, SO_ERROR, SO_KEEPALIVE = 1, 2, 4, 9
    IPPROTO_TCP, TCP_NODELAY = 6, 1
    socket = Socket

    @staticmethod
    def getaddrinfo(host, port, family=0, kind=0, protocol=0, flags=0):
        return [(2, kind, protocol, "", (host, port))]


class _SelectModule:
    """Stands for the module select."""

    POLLIN, POLLOUT, POLLERR, POLLHUP = _IN, _OUT, _ERR, _HUP
    poll = Poll


sys.modules["socket"] = _SocketModule()
sys.modules["select"] = _SelectModule()
