"""A TCPServer allocates nothing once its clients are connected, whatever they ask."""

import micropython
from support import skip, times
from support.heap import allocated, free_of_heap, kept, locked
from support.model import store_like_model
from support.pdu import Link, ask, raw, read_write, request, write_bits, write_registers
from support.tcp import Bench, frame

from umb.server import LATER, Server
from umb.store import Bits, Registers, Store

_TIMES = times(1000, 200)

# Every function code, at its largest; at odd offsets and across blocks in a store of several.
_REQUESTS = (
    ("1", request(1, 43, 2000)),
    ("1, crossing", request(1, 5, 29)),
    ("2", request(2, 43, 2000)),
    ("3", request(3, 21, 125)),
    ("3, crossing", request(3, 3, 12)),
    ("4", request(4, 21, 125)),
    ("5", request(5, 44, 0xFF00)),
    ("6", request(6, 21, 0xFFFF)),
    ("15", write_bits(43, [1, 0, 1] * 656)),
    ("15, crossing", write_bits(5, [1, 0, 1] * 9)),
    ("16", write_registers(21, [0xFFFF] * 123)),
    ("16, crossing", write_registers(3, [0xFFFF] * 12)),
    ("22", request(22, 21, 0xF0F0, 0x1234)),
    ("23", read_write(21, 125, 22, [0xFFFF] * 121)),
    ("exception 1", raw("41")),
    ("exception 2", request(3, 400, 2)),
    ("exception 3", request(3, 21, 126)),
)


class Traffic:
    """What the loops below need at hand: sockets, a request, and where its reply goes.

    A reply that is not as long as it should be is a fault: where the heap is locked, a server
    that needs it answers with an exception.
    """

    def __init__(self, bench, pdu, reply_size, times=_TIMES, clients=1, slave_id=1):
        self.tcp = bench.tcp
        self.socks = [bench.client().sock for _ in range(clients)]
        for sock in self.socks:
            sock.settimeout(2)
        self.ask_for(pdu, reply_size, slave_id)
        self.times = times
        self.faults = 0

    def ask_for(self, pdu, reply_size, slave_id=1):
        self.data = frame(pdu, slave_id)
        self.reply = bytearray(7 + reply_size)

    def read(self, sock):
        """Take a reply."""
        try:
            if sock.readinto(self.reply) != len(self.reply):
                self.faults += 1
        except OSError:
            self.faults += 1


def in_turns(traffic):
    """A request of every client, all replies; again."""
    tcp, data = traffic.tcp, traffic.data
    for _ in range(traffic.times):
        if traffic.faults:
            return
        missing = 0
        for sock in traffic.socks:
            sock.write(data)
            missing += 1
        while missing:
            missing -= tcp.poll(1000)
        for sock in traffic.socks:
            traffic.read(sock)


def hot(server, requests, times=_TIMES, slave_id=1):
    """Prove of each request to this server that it costs no heap."""
    with Bench(server) as bench:
        traffic = Traffic(bench, b"", 0, times)
        for what, pdu in requests:
            traffic.ask_for(pdu, len(ask(server, pdu, slave_id)), slave_id)
            free_of_heap(what, in_turns, traffic)


def plain():
    return Server(Store(2200, 2200, 330, 330))


def test_plain_store():
    hot(plain(), _REQUESTS)


def test_from_the_first_request_on():
    """The first one that a server gets, of every kind: nothing is made, loaded or grown for it."""
    for what, pdu in _REQUESTS:
        for prove in (locked, allocated):
            server = plain()
            reply_size = len(ask(plain(), pdu))
            with Bench(server) as bench:
                traffic = Traffic(bench, pdu, reply_size, 1)
                n = prove(in_turns, traffic)
                assert not traffic.faults, what
                assert not n, "{}: {} bytes".format(what, n)


def test_store_of_several_blocks():
    hot(Server(store_like_model()), _REQUESTS, 250)


def test_slave_ids():
    server = plain()
    server.add(9, Store(holding_registers=1))
    hot(server, (("0", request(3, 0, 1)),), slave_id=0)
    hot(server, (("255", request(3, 0, 1)),), slave_id=255)
    hot(server, (("another device", request(3, 0, 1)),), slave_id=9)
    hot(server, (("nobody", request(3, 0, 1)),), slave_id=77)


def nothing(_address, _quantity):
    pass


def fine(_address, value):
    return value >= 0


def test_hooks():
    hooks = {"on_read": nothing, "on_write": nothing, "validate": fine}

    def halves(kind):
        return (kind(0, 100, **hooks), kind(100, 2100, **hooks))

    whole = Store(Bits(0, 2200, **hooks), 2200, 330, Registers(0, 330, **hooks))
    hot(Server(whole), _REQUESTS, 12)
    several = Store(halves(Bits), halves(Bits), halves(Registers), halves(Registers))
    hot(Server(several), _REQUESTS, 12)


def endpoint(slave_id, function_code, address, value=0):
    return slave_id + function_code + address + value & 1


def test_routes():
    everything = Server()
    everything.route()(endpoint)
    hot(everything, [one for one in _REQUESTS if one[1][0] < 22], 8)
    several = plain()
    several.route([1], [3, 4, 16], range(20, 25))(endpoint)
    several.route([1], [1, 3, 5, 6, 15, 16], range(3, 400))(endpoint)
    hot(several, _REQUESTS, 8)


def test_signed_values():
    from support.umb import Signed

    with Signed():
        hot(Server(store_like_model()), _REQUESTS, 50)


def idle(traffic):
    for _ in range(10_000):
        traffic.tcp.poll()


def test_idle_server():
    with Bench(plain()) as bench:
        free_of_heap("nobody there", idle, Traffic(bench, b"", 0, clients=0))
        traffic = Traffic(bench, b"", 0)
        free_of_heap("a silent client", idle, traffic)
        traffic.socks[0].write(frame(request(3, 0, 1))[:9])
        free_of_heap("half a request", idle, traffic)


def byte_by_byte(traffic):
    tcp, data, sock = traffic.tcp, traffic.data, traffic.socks[0]
    for _ in range(traffic.times):
        for i in range(len(data)):
            sock.write(data, i, 1)
            tcp.poll(1000)
        traffic.read(sock)


def test_requests_in_pieces():
    with Bench(plain()) as bench:
        traffic = Traffic(bench, write_registers(0, [7] * 20), 5, times=20)
        free_of_heap("byte by byte", byte_by_byte, traffic)


def in_bursts(traffic):
    tcp, data, sock = traffic.tcp, traffic.data, traffic.socks[0]
    for _ in range(traffic.times):
        for _ in range(50):
            sock.write(data)
        missing = 50
        while missing:
            missing -= tcp.poll(1000)
        for _ in range(50):
            traffic.read(sock)


def test_pipelined_requests():
    with Bench(plain()) as bench:
        free_of_heap("50 at once", in_bursts, Traffic(bench, request(3, 0, 125), 252, times=20))
        free_of_heap("50 short ones", in_bursts, Traffic(bench, raw("41"), 2, times=20))


def test_several_clients():
    with Bench(plain()) as bench:
        traffic = Traffic(bench, request(3, 0, 125), 252, clients=4, times=250)
        free_of_heap("4 clients", in_turns, traffic)


def overflow(traffic):
    """Ask and never read, until the replies fill every buffer on the way."""
    while True:
        for _ in range(100):
            traffic.socks[0].write(traffic.data)
        done = 0
        for _ in range(200):
            done += traffic.tcp.poll()
        if done == 0:
            return


def drain(traffic):
    """Read everything while the server goes on."""
    while traffic.tcp.poll() or traffic.socks[0].readinto(traffic.reply) is not None:
        pass


def test_client_that_does_not_read():
    with Bench(plain()) as bench:
        traffic = Traffic(bench, request(3, 0, 125), 252)
        traffic.socks[0] = bench.client(rcvbuf=1).sock
        for prove in (locked, allocated):
            assert not prove(overflow, traffic)
            assert not prove(drain, traffic)


class Echo:
    """A handler that answers later: what it was asked."""

    def __init__(self):
        self.link = self.n = None

    def handle(self, _adu, n, link):
        self.link = link
        self.n = n
        return LATER


def later(traffic):
    tcp, sock, echo = traffic.tcp, traffic.socks[0], traffic.tcp.server
    for _ in range(traffic.times):
        sock.write(traffic.data)
        while echo.link is None:
            tcp.poll(1000)
        link = echo.link
        echo.link = None
        tcp.poll()
        link.answer(echo.n)
        traffic.read(sock)


def test_handler_that_answers_later():
    with Bench(Echo()) as bench:
        free_of_heap("later", later, Traffic(bench, request(3, 0, 125), 5))


def polled(tcp, times=1):
    """How much is allocated while this server is polled, even if it is freed at once."""
    taken = 0
    for _ in range(times):
        before = micropython.mem_total()
        tcp.poll(20)
        taken += micropython.mem_total() - before
    return taken


def test_frames_stay_off_the_heap():
    """Of a function with more than 11 words MicroPython makes the frame there, and frees it again.

    Requests whole and in pieces, several at once, idle clients, replies that have to wait.
    """
    if not hasattr(micropython, "mem_total"):
        skip("this MicroPython does not count what it allocates")
    echo = Echo()
    with Bench(plain()) as bench, Bench(echo) as other:
        sock, silent, stuck = bench.client().sock, bench.client().sock, bench.client(rcvbuf=1).sock
        for what, pdu in _REQUESTS:
            data = frame(pdu)
            for cut in [cut for cut in (3, 7, 9, 12, 13) if cut < len(data)] + [len(data)]:
                sock.write(data, 0, cut)
                assert polled(bench.tcp) == 0, (what, cut)
                sock.write(data, cut, len(data) - cut)
                assert polled(bench.tcp) == 0, (what, cut)
            sock.read(2000)
        for pdu in (raw("41"), request(3, 0, 125)):
            sock.write(frame(pdu) * 20)
            assert polled(bench.tcp, 21) == 0
            sock.read(10_000)
        silent.write(b"\0\1")
        assert polled(bench.tcp, 30) == 0, "idle"
        data = frame(request(3, 0, 125)) * 50
        for _ in range(1000):
            stuck.write(data)
            if bench.tcp.poll() == 0:
                break
        assert polled(bench.tcp, 100) == 0, "a network that takes no more"
        sock = other.client().sock
        sock.write(frame(request(3, 0, 125)))
        assert polled(other.tcp) == 0, "held"
        before = micropython.mem_total()
        echo.link.answer(echo.n)
        assert micropython.mem_total() == before, "answered later"


class Broadcast:
    """A request to slave id 0 of a serial line, and its handler."""

    def __init__(self, server, pdu):
        self.server = server
        self.pdu = pdu
        self.adu = bytearray(262)
        self.link = Link(serial=True)
        self.faults = 0


def repeat(broadcast):
    adu, pdu = broadcast.adu, broadcast.pdu
    for _ in range(_TIMES):
        adu[6] = 0
        for i in range(len(pdu)):
            adu[7 + i] = pdu[i]
        if broadcast.server.handle(adu, len(pdu), broadcast.link):
            broadcast.faults += 1


def test_broadcasts():
    server = plain()
    server.add(2, Store(2200, 0, 0, 330))
    server.route([7], [6], [0])(endpoint)
    for pdu in (request(6, 0, 1), request(5, 9, 0xFF00), request(22, 5, 1, 2), request(3, 0, 1)):
        free_of_heap("broadcast", repeat, Broadcast(server, pdu))


def mixture(traffic):
    """All requests in turn, from all clients in turn."""
    for i in range(traffic.times):
        sock = traffic.socks[i % len(traffic.socks)]
        sock.write(frame(_REQUESTS[i % len(_REQUESTS)][1]))
        while traffic.tcp.poll(1000) == 0:
            pass
        sock.read(260)


def test_ten_thousand_requests_leave_the_heap_as_it_was():
    with Bench(Server(store_like_model())) as bench:
        traffic = Traffic(bench, b"", 0, clients=3, times=100)
        for sock in traffic.socks:
            sock.setblocking(False)
        mixture(traffic)
        traffic.times = 10_000
        n = kept(mixture, traffic)
        assert n == 0, "{} bytes".format(n)


def come_and_go(bench):
    for i in range(100):
        client = bench.client()
        client.ask(request(3, 0, 1))
        client.close() if i % 2 else client.reset()
        bench.rest(1)


def test_clients_that_come_and_go_leave_the_heap_as_it_was():
    with Bench(plain()) as bench:
        come_and_go(bench)
        n = kept(come_and_go, bench)
        assert n <= 64, "{} bytes".format(n)
