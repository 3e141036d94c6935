"""Kinds "tcp", "rtu-tcp", "udp": servers on a network, by an exact clock.

Events are tuples that begin with what happens: "open", "close", "reset" or "slow" a connection,
"send" frames over one, cut into segments, send "garbage", or "wait".
"""

from fuzz import net  # comes first: it stands in for the modules socket, select and time

from support.uart import clock

from fuzz import device
from fuzz.frames import mbap, rtu, shown
from fuzz.heap import heap
from fuzz.model import Link, word
from fuzz.readings import REQUEST, length
from fuzz.requests import OPTIONAL, STANDARD, USER
from fuzz.rng import Difference, Rng, journal

_EVENTS = 40
_CLIENTS = 3
_CODES = STANDARD * 2 + OPTIONAL + USER
_ADDRESS = ("0.0.0.0", 502)
_NAP_MS = 250  # as serve() naps
_STALL_US = 3_600_000_000  # a longer pause is one of a program that does nothing
_LIMIT_NS = 10_000_000_000  # no poll() takes that long
_NEVER_NS = 1 << 60
_GARBAGE = (
    b"\0\1\0\1\0\6\1\3\0\0\0\1",  # protocol id 1
    b"\0\1\0\0\0\0\1\3\0\0\0\1",  # length 0
    b"\0\1\0\0\0\1\1\3\0\0\0\1",
    b"\0\1\0\0\0\xff\1\3\0\0\0\1" + bytes(260),
    b"\0\1\0\0\xff\xff\1\3\0\0\0\1" + bytes(300),
    b"GET / HTTP/1.1\r\n\r\n",
)


def draw(seed, framer="MBAP"):
    """A case of a TCP server."""
    rng = Rng(seed)
    setup = _draw_setup(rng, framer)
    twins = device.Twins(setup)
    speaker = _Speaker(rng, setup, twins.writer(rng))
    while len(speaker.events) < _EVENTS:
        speaker.event()
    speaker.events.append(("wait", 1000))
    return setup, speaker.events


def draw_rtu(seed):
    """A case of a server of RTU frames over TCP."""
    return draw(seed, "RTU")


def draw_udp(seed):
    """A case of a UDP server."""
    rng = Rng(seed)
    setup = _draw_setup(rng, "UDP")
    speaker = _Speaker(rng, setup, device.Twins(setup).writer(rng))
    for _ in range(_EVENTS):
        if rng.one_in(6):
            data = rng.choice((b"", b"\0" * 7, rng.data(300), rng.choice(_GARBAGE)))
            if rng.one_in(2):
                data = rng.choice((b"", b"\0")) + speaker.one()[0][: rng.between(0, 11)]
            if len(data) > 7 and data[2:4] == b"\0\0" and word(data, 4) == len(data) - 6:
                continue
            speaker.events.append(("garbage", 0, data))
        else:
            speaker.events.append(("send", 0, [speaker.one()], (), 0))
    return setup, speaker.events


def _draw_setup(rng, framer):
    setup = device.draw(rng)
    setup["framer"] = framer
    setup["idle_timeout_ms"] = rng.choice((0, 1000, 10_000, 600_000))
    setup["max_clients"] = _CLIENTS + rng.below(2)
    setup["wrap_us"] = rng.below(10 ** rng.between(4, 8))
    setup["wrap_ms"] = rng.below(10 ** rng.between(1, 6))
    return setup


class _Speaker:
    """Writes down what happens."""

    def __init__(self, rng, setup, writer):
        self.rng = rng
        self.setup = setup
        self.writer = writer
        self.events = []
        self.is_open = [False] * _CLIENTS
        self.transaction = rng.below(65536)

    def event(self):
        """One more event."""
        rng = self.rng
        i = rng.below(_CLIENTS)
        if not self.is_open[i]:
            self.is_open[i] = True
            self.events.append(("open", i))
            return
        kind = rng.below(20)
        if kind == 0:
            self.is_open[i] = False
            self.events.append((rng.choice(("close", "reset")), i))
        elif kind == 1 and self.setup["framer"] == "MBAP":
            self.is_open[i] = False
            self.events.append(("garbage", i, rng.choice(_GARBAGE)))
        elif kind == 2:
            self.events.append(("slow", i, rng.choice((1, 3, 10, 100))))
        elif kind < 5:
            self._wait()
        else:
            self._send(i)

    def _wait(self):
        rng = self.rng
        idle_us = self.setup["idle_timeout_ms"] * 1000
        wait_us = rng.choice((1000, 100_000, 500_000))
        if rng.one_in(3) and idle_us:
            wait_us = rng.choice((idle_us * 3 // 4, idle_us + 2_000_000))
        elif rng.one_in(20) and not idle_us:
            wait_us = rng.choice(((1 << 29) * 1000 + 500_000, (1 << 30) * 1000 + 500_000))
        if idle_us and wait_us > idle_us:
            self.is_open = [False] * _CLIENTS
        self.events.append(("wait", wait_us))

    def one(self):
        """A request: (frame, slave id, PDU)."""
        rng = self.rng
        ids = tuple(self.setup["ids"])
        slave_id = rng.choice(ids * 4 + (0, 255, 99))
        self.writer.unit = slave_id
        while True:
            pdu = self.writer.pdu(_CODES)
            frame = rtu(slave_id, pdu)
            if self.setup["framer"] != "RTU" or length(REQUEST, frame, 0) == len(frame):
                break
        if self.setup["framer"] != "RTU":
            self.transaction = self.transaction + 1 & 0xFFFF
            frame = mbap(self.transaction, slave_id, pdu)
        return frame, slave_id, pdu

    def _send(self, i):
        rng = self.rng
        some = [self.one() for _ in range(rng.choice((1, 1, 1, 2, 3, 8)))]
        if self.setup["framer"] == "RTU":
            some = some[:1]  # nothing but time tells a second request from a first one's rest
        n = sum([len(frame) for frame, _, _ in some])
        kind = rng.below(5)
        cuts = []
        if kind == 0:
            cuts = list(range(1, min(n, 40)))
        elif kind < 4:
            cuts = sorted([rng.below(n) for _ in range(rng.between(1, 5))])
        gap_us = rng.choice((0, 100, 3000, 30_000))
        last = rng.one_in(12)
        if last:
            self.is_open[i] = False
        self.events.append(("half" if last else "send", i, some, cuts, gap_us))


class Game:
    """A server and its clients."""

    def __init__(self, setup):
        self.setup = setup
        clock.reset(setup["wrap_us"], 20, setup["wrap_ms"])
        net.network.clear()
        heap.wanted = False
        self.twins = device.Twins(setup)
        self.server = self._server()
        self.clients = [None] * _CLIENTS
        self.link = Link(False)
        self.listen_only = [False] * _CLIENTS
        self.slow = [0] * _CLIENTS
        self.received = [b""] * _CLIENTS
        self.active_us = [0] * _CLIENTS  # when each of them last sent something,
        self.answered_us = [0] * _CLIENTS  # and when it last got an answer

    def _server(self):
        from umb.server.tcp import TCPServer

        setup = self.setup
        options = {}
        if setup["framer"] == "RTU":
            from umb.frame.rtu_stream import RTUStream

            options["framer"] = RTUStream
        return TCPServer(
            _ADDRESS,
            self.twins.server,
            max_clients=setup["max_clients"],
            idle_timeout_ms=setup["idle_timeout_ms"],
            **options,
        )

    def poll(self, wait_ms=0):
        """Let the server work once; clients read what has come."""
        clock.limit_ns = clock.now_ns + _LIMIT_NS
        heap.wanted = self.setup["locked"] and not net.network.listeners[_ADDRESS].waiting
        try:
            with heap:
                self.server.poll(wait_ms)
        finally:
            heap.wanted = False
            clock.limit_ns = _NEVER_NS
        clock.now_ns += 200_000
        for i in range(_CLIENTS):
            sock = self.clients[i]
            if sock is not None:
                self.received[i] += sock.outgoing.rest()
                if self.slow[i]:
                    sock.room = self.slow[i]

    def run(self, for_us):
        """Let the server work for so long."""
        until_us = clock.now_us() + for_us
        while clock.now_us() < until_us:
            self.poll(min((until_us - clock.now_us()) // 1000, _NAP_MS))

    def settle(self, requests=1):
        """Let the server work until nothing happens any more; some requests have no answer."""
        quiet = 0
        while quiet < 3 + requests:
            before = self.received[:]
            self.poll(5)
            quiet = quiet + 1 if before == self.received else 0

    def play(self, event):
        """One event. Returns how many requests there were."""
        what = event[0]
        if what == "wait":
            return self._wait(event[1])
        i = event[1]
        if what == "open":
            self._open(i)
        elif what == "close" or what == "reset":
            self._leave(i, what)
        elif what == "slow":
            self.slow[i] = event[2]
            if self.clients[i] is not None:
                self.clients[i].room = event[2]
        elif what == "garbage":
            self._garbage(i, event[2])
        else:
            return self._send(i, *event[2:], half=what == "half")
        return 0

    def _open(self, i):
        self._wait(0)
        if self.clients[i] is None:
            self.clients[i] = net.connect(_ADDRESS, ("10.0.0.%d" % i, 1000 + i))
            self.listen_only[i] = False
            self.slow[i] = 0
            self.received[i] = b""
            self.active_us[i] = self.answered_us[i] = clock.now_us()
            self.settle()
            self._is_open(i)

    def _is_open(self, i):
        if not self.clients[i].open:
            raise Difference("connection %d is open" % i, "the server has closed it")

    def _leave(self, i, how):
        self._wait(0)
        sock = self.clients[i]
        if sock is None:
            return
        if how == "reset":
            sock.incoming.reset_ns = clock.now_ns
        else:
            sock.incoming.end(clock.now_ns)
        self.run(100_000)
        if sock.open:
            raise Difference("connection %d closed after a %s" % (i, how), "it is open")
        self.clients[i] = None

    def _wait(self, for_us):
        stalled = for_us > _STALL_US
        if stalled:
            clock.now_ns += for_us * 1000
            for_us = 1_000_000
        self.run(for_us)
        limit_us = self.setup["idle_timeout_ms"] * 1000 or _NEVER_NS
        for i in range(_CLIENTS):
            if self.clients[i] is not None:
                idle_us = clock.now_us() - self.active_us[i]
                if clock.now_us() - self.answered_us[i] < limit_us - 100_000:
                    self._is_open(i)
                elif idle_us > limit_us + 1_500_000 and not stalled and self.clients[i].open:
                    raise Difference("connection %d closed when idle" % i, "it is open")
                if not self.clients[i].open:
                    self.clients[i] = None
        return 1

    def _garbage(self, i, data):
        self._wait(0)
        sock = self.clients[i]
        if sock is None:
            return
        sock.incoming.put(clock.now_ns, data)
        self.run(100_000)
        if sock.open:
            raise Difference("closed after " + shown(data), "it is open")
        if self.received[i]:
            raise Difference("no answer to " + shown(data), shown(self.received[i]))
        self.clients[i] = None
        self.link.exact = False

    def _send(self, i, some, cuts, gap_us, half):
        self._wait(0)
        sock = self.clients[i]
        limit_us = self.setup["idle_timeout_ms"] * 1000 or _NEVER_NS
        left_us = self.answered_us[i] + limit_us - 300_000 - clock.now_us()
        if sock is None or left_us < 0:
            return 0
        if gap_us * len(cuts) > left_us:
            cuts = ()
        data = b"".join([frame for frame, _, _ in some])
        answers = [self._answer(i, slave_id, pdu) for _, slave_id, pdu in some]
        begin = 0
        time_ns = clock.now_ns
        for cut in tuple(cuts) + (len(data),):
            sock.incoming.put(time_ns, data[begin:cut])
            begin = cut
            time_ns += gap_us * 1000
        self.active_us[i] = (time_ns - gap_us * 1000) // 1000
        if half:
            sock.incoming.end(time_ns)
        self.run((len(cuts) + 1) * gap_us)
        self.settle(len(some))
        self._compare(i, some, answers)
        if any(answers):
            self.answered_us[i] = self.active_us[i]
        if half:
            self.run(50_000)
            if sock.open:
                raise Difference("closed after the client's end", "it is open")
            self.clients[i] = None
        return len(some)

    def _answer(self, i, slave_id, pdu):
        link = self.link
        link.listen_only = self.listen_only[i]
        answer = self.twins.model.request(slave_id, pdu, link)
        self.listen_only[i] = link.listen_only
        return answer

    def _compare(self, i, some, answers):
        got = self.received[i]
        journal.append((clock.now_us(), got))
        self.received[i] = b""
        for (frame, slave_id, _), answer in zip(some, answers):
            if answer is None:
                continue
            size = self._size(got)
            reply, got = got[:size], got[size:]
            if not self._fits(reply, frame, slave_id, answer):
                raise Difference(
                    "{!r} to {}".format(answer, shown(frame)), shown(reply) or "nothing"
                )
        if got:
            raise Difference("no more than the answers to {}".format(some), shown(got))
        self.twins.compare()

    def _size(self, got):
        if self.setup["framer"] != "RTU":
            return 6 + (got[4] << 8 | got[5]) if len(got) > 6 else 0
        return len(got)  # there is one only

    def _fits(self, reply, frame, slave_id, answer):
        if self.setup["framer"] == "RTU":
            pdu = reply[1:-2]
            return len(reply) > 3 and reply == rtu(slave_id, pdu) and answer.fits(pdu)
        pdu = reply[7:]
        transaction = frame[0] << 8 | frame[1]
        return pdu and reply == mbap(transaction, slave_id, pdu) and answer.fits(pdu)


class DatagramGame(Game):
    """A UDP server and one client."""

    def _server(self):
        from umb.server.udp import UDPServer

        self.setup["locked"] = False  # ports have no way to receive a datagram without a heap
        net.network.on_datagram = self._reply
        return UDPServer(_ADDRESS, self.twins.server)

    def _reply(self, sock, data, address):
        if address != ("10.0.0.9", 9):
            raise Difference("an answer to the client", "to {}".format(address))
        self.received[0] += data

    def poll(self, wait_ms=0):
        """Let the server work once."""
        self.server.poll(wait_ms)
        clock.now_ns += 200_000

    def _deliver(self, data):
        net.network.datagrams[_ADDRESS].deliver(clock.now_ns, data, ("10.0.0.9", 9))
        self.settle()

    def _garbage(self, i, data):
        self._deliver(data)
        if self.received[0]:
            raise Difference("no answer to " + shown(data), shown(self.received[0]))

    def _send(self, i, some, cuts, gap_us, half):
        answers = [self._answer(0, slave_id, pdu) for _, slave_id, pdu in some]
        for frame, _, _ in some:
            self._deliver(frame)
        self._compare(0, some, answers)
        return len(some)


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    game = (DatagramGame if setup["framer"] == "UDP" else Game)(setup)
    n = 0
    for event in events:
        n += game.play(event)
    return n
