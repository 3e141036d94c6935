"""A network by the clock of support.uart, for clients: every state is reached, to the millisecond.

Import this before anything of umb. `net` stands for the module select and for the functions
connect() and datagrams() of umb.port.sockets where umb.client.tcp and umb.client.udp use them.
"""

from support.uart import clock  # comes first: it stands in for the module time

import errno

from support.pdu import words

import umb.client.network
import umb.client.tcp
import umb.client.udp

IN, OUT, ERR, HUP = 1, 4, 8, 16
DAY_MS = 24 * 3600 * 1000
HOST, PORT = "10.0.0.5", 502
_NEVER_NS = 1 << 62


def now_ms():
    """Milliseconds since the clock's reset, which do not wrap."""
    return clock.now_ns // 1_000_000


class Net:
    """What connections do, and what was done with them.

    server(sock, data)   is called with all bytes of a request that have come so far; returns
                         whether that was one, after telling sock what is to happen
    accept_ms            how long a connection takes; None: for ever
    refuse               OSError(refuse) when a connection is tried; "late": some time after
    room                 how many bytes the network takes at once
    """

    def __init__(self):
        self.reset()

    def reset(self):
        clock.reset(step_us=1)
        self.server = None
        self.accept_ms = 0
        self.refuse = None
        self.room = 1000
        self.attempts_ms = []  # when it was tried to connect
        self.socks = []  # all that have been made

    def poll(self):
        return Poll()

    def connect(self, address):
        assert tuple(address) == (HOST, PORT)
        self.attempts_ms.append(now_ms())
        if self.refuse not in (None, "late"):
            raise OSError(self.refuse)
        sock = Sock(self.accept_ms, self.refuse == "late")
        self.socks.append(sock)
        return sock

    def datagrams(self, address):
        return self.connect(address)

    def open_socks(self):
        """How many connections have not been closed by the client."""
        return sum(not sock.closed for sock in self.socks)


class Sock:
    """The client's end of a connection."""

    def __init__(self, accept_ms, refused):
        self.opens_ns = _NEVER_NS if accept_ms is None else clock.now_ns + accept_ms * 1_000_000
        self.refused = refused
        self.closed = False
        self.requests = []
        self.ends_ns = _NEVER_NS  # when the server closes, or resets
        self.flood = None  # bytes that never end
        self.error_once = 0  # what the next read raises
        self._error = 0
        self._asked = b""
        self._coming = []  # (when, bytes)

    # --- the server's side

    def say(self, delay_ms, data):
        """Let data come so long from now."""
        if data:
            self._coming.append((clock.now_ns + delay_ms * 1_000_000, bytes(data)))

    def end(self, delay_ms, error=0):
        """Close so long from now; error: reset."""
        self.ends_ns = clock.now_ns + delay_ms * 1_000_000
        self._error = error

    def asked(self):
        """Bytes of a request that is not whole yet."""
        return self._asked

    # --- the client's side

    def events(self):
        """What a poller reports."""
        assert not self.closed, "a closed socket is polled"
        if clock.now_ns < self.opens_ns:
            return 0
        if self.refused:
            return ERR | HUP
        over = clock.now_ns >= self.ends_ns
        ready = (
            self.flood or self.error_once or (self._coming and self._coming[0][0] <= clock.now_ns)
        )
        found = (IN if ready or over else 0) | (OUT if net.room else 0)
        return found | HUP if over and self._error else found

    def next_ns(self):
        """When events() may change."""
        times = [self.opens_ns, self.ends_ns] + [coming[0] for coming in self._coming]
        return min([_NEVER_NS] + [time_ns for time_ns in times if time_ns > clock.now_ns])

    def readinto(self, buf, n):
        data = self._take(min(n, len(buf)))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def recv(self, n):
        data = self._take(n)
        if data is None:
            raise OSError(errno.EAGAIN)
        return data

    def _take(self, n):
        assert not self.closed
        if self.refused:
            raise OSError(errno.ECONNREFUSED)
        if self.error_once:
            error, self.error_once = self.error_once, 0
            raise OSError(error)
        if self.flood:
            clock.now_ns += 100_000
            return self.flood[:n]
        if self._coming and self._coming[0][0] <= clock.now_ns:
            time_ns, data = self._coming[0]
            if data[n:]:
                self._coming[0] = (time_ns, data[n:])
            else:
                self._coming.pop(0)
            return data[:n]
        if clock.now_ns >= self.ends_ns:
            if self._error:
                raise OSError(self._error)
            return b""
        return None

    def write(self, buf, at, n):
        assert not self.closed and clock.now_ns >= self.opens_ns
        if clock.now_ns >= self.ends_ns and self._error:
            raise OSError(self._error)
        n = min(n, net.room)
        if not n:
            return None
        self._asked += bytes(buf[at : at + n])
        if clock.now_ns < self.ends_ns and net.server and net.server(self, self._asked):
            self.requests.append(self._asked)
            self._asked = b""
        return n

    def send(self, data):
        return self.write(data, 0, len(data))

    def close(self):
        self.closed = True


class Poll:
    """A poller that lets time pass instead of sleeping."""

    def __init__(self):
        self._socks = {}

    def register(self, sock, events):
        self._socks[sock] = events

    def modify(self, sock, events):
        assert sock in self._socks
        self._socks[sock] = events

    def unregister(self, sock):
        self._socks.pop(sock)

    def ipoll(self, wait_ms=-1):
        assert wait_ms >= 0, "it would sleep for ever"
        assert self._socks, "it polls nothing"
        end_ns = clock.now_ns + wait_ms * 1_000_000
        while True:
            found = []
            for sock, wanted in self._socks.items():
                events = sock.events() & (wanted | ERR | HUP)
                if events:
                    found.append((sock, events))
            if found or clock.now_ns >= end_ns:
                return found
            clock.now_ns = min([end_ns] + [sock.next_ns() for sock in self._socks])


net = Net()
umb.client.network.select = net
umb.client.tcp.connect = net.connect
umb.client.udp.datagrams = net.datagrams


def frame(request, pdu, slave_id=None, transaction=None):
    """The MBAP frame that answers a request frame."""
    head = request[:2] if transaction is None else words(transaction)
    slave_id = request[6] if slave_id is None else slave_id
    return head + words(0, len(pdu) + 1) + bytes((slave_id,)) + pdu


def is_whole(data):
    """Whether this is an MBAP frame."""
    return len(data) > 6 and len(data) == 6 + (data[4] << 8 | data[5])


def registers(pdu):
    """The response to FC 3: register n holds n."""
    start, quantity = pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
    return bytes((3, 2 * quantity)) + words(*range(start, start + quantity))


def reply_to(data):
    """The MBAP frame that answers FC 3, 5 and 6."""
    return frame(data, registers(data[7:]) if data[7] == 3 else data[7:])


def good(delay_ms=5):
    """A server that answers so many milliseconds later."""

    def serve(sock, data):
        if not is_whole(data):
            return False
        sock.say(delay_ms, reply_to(data))
        return True

    return serve


def silent(_sock, data):
    """A server that never answers."""
    return is_whole(data)


def in_turn(*servers):
    """One of these servers for each connection, the last one for all that follow."""

    def serve(sock, data):
        number = net.socks.index(sock)
        return servers[min(number, len(servers) - 1)](sock, data)

    return serve


def closing(delay_ms=0, before=b"", error=0):
    """A server that closes, so many ms after a request, before which it sends some bytes."""

    def serve(sock, data):
        if not is_whole(data):
            return False
        if before:
            sock.say(0, before)
        sock.end(delay_ms, error)
        return True

    return serve


def outcome(call):
    """What call() returns, or the name of what it raises; how many ms it took."""
    before_ms = now_ms()
    try:
        got = call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is asked for
        got = type(error).__name__
    return got, now_ms() - before_ms


__all__ = ("clock",)
