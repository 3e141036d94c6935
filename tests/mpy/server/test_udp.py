"""UDPServer over real sockets of the loopback device."""

import gc
import select
import socket
from time import sleep_ms

from support.heap import fill_heap
from support.pdu import request, words, write_registers
from support.rtu import frame as rtu_frame
from support.tcp import Keeper, frame, free_port
from support.umb import Told, raises

from umb.frame.rtu import RTU
from umb.frame.rtu_stream import RTUStream
from umb.functions.diagnostics import Diagnostics
from umb.serve import serve
from umb.server import Server
from umb.server.udp import UDPServer
from umb.store import Registers, Store

_READ = request(3, 0, 2)
_ANSWER = b"\x03\x04\x00\x00\x00\x00"


class Bench:
    """`with Bench() as bench`: a server on a free port, and clients that go with it."""

    def __init__(self, handler=None, **options):
        def listen(port):
            server = handler or Server(Store(0, 0, 0, 200))
            return UDPServer(("127.0.0.1", port), server, **options)

        self.udp, self.port = free_port(listen)
        self.clients = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.sock.close()
        self.udp.server_close()

    def client(self, host=None):
        client = Client(self, host)
        self.clients.append(client)
        return client


class Client:
    def __init__(self, bench, host=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if host:
            self.sock.bind(socket.getaddrinfo(host, 0)[0][-1])
        self.sock.connect(socket.getaddrinfo("127.0.0.1", bench.port)[0][-1])
        self.sock.setblocking(False)
        self._udp = bench.udp

    def send(self, data):
        """Send a datagram and let the server have it. Returns how many requests it answered."""
        self.sock.send(data)
        return self._udp.poll(1000)

    def received(self):
        """The next datagram, or None."""
        try:
            return self.sock.recv(512)
        except OSError:
            return None

    def ask(self, pdu, slave_id=1, transaction=0x1234):
        assert self.send(frame(pdu, slave_id, transaction)) == 1
        data = self.received()
        assert data[:7] == frame(data[7:], slave_id, transaction)[:7], data
        return data[7:]


def test_what_is_not_answered_is_not_counted():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        for i in range(3):
            client.send(frame(request(6, 1, 2), 0, i))
            while not keeper.kept:
                assert bench.udp.poll(100) == 0
            keeper.kept.pop()[2].answer(0)
            assert bench.udp.poll() == 0
        client.send(frame(request(6, 1, 2), 1, 9))
        while not keeper.kept:
            assert bench.udp.poll(100) == 0
        keeper.answer(request(6, 1, 2))
        assert bench.udp.poll() == 1


def test_requests():
    with Bench() as bench:
        client = bench.client()
        assert client.ask(_READ) == _ANSWER
        assert client.ask(write_registers(0, range(123))) == request(16, 0, 123)
        assert client.ask(request(3, 0, 125))[:2] == b"\x03\xfa"
        assert client.ask(request(3, 199, 2)) == b"\x83\x02"
        for slave_id in (0, 255):
            assert client.ask(_READ, slave_id) == b"\x03\x04" + words(0, 1)
        assert client.ask(_READ, 77) == b"\x83\x0b"
        assert bench.udp.counters.bus_message_count == 7


def test_everyone_gets_the_own_answer():
    with Bench() as bench:
        clients = [bench.client() for _ in range(3)]
        for i in range(3):
            clients[i].sock.send(frame(request(3, i, 1 + i), 1, 100 + i))
        for _ in range(3):
            assert bench.udp.poll(1000) == 1
        for i in range(3):
            assert clients[i].received() == frame(
                bytes((3, 2 + 2 * i)) + bytes(2 + 2 * i), 1, 100 + i
            )
            assert clients[i].received() is None


def test_peer():
    seen = []

    class Handler:
        def handle(self, adu, n, link):
            seen.append((link.peer, link.serial, link.gone, link.listen_only))
            return n

    with Bench(Handler()) as bench:
        client = bench.client()
        assert client.ask(b"\x42\x01") == b"\x42\x01"
        (host, port), serial, gone, listen_only = seen[0]
        assert host == "127.0.0.1" and 0 < port < 65536
        assert not (serial or gone or listen_only)


def test_what_is_no_request():
    good = frame(_READ)
    with Bench() as bench:
        client = bench.client()
        for wrong in (
            b"\0",
            good[:7],
            good[:-1],
            good + b"\0",
            good[:2] + b"\0\1" + good[4:],
            good[:4] + b"\0\1" + good[6:],
            good[:4] + b"\x01\x06" + good[6:],
            good[:4] + b"\0\xff" + good[6:] + bytes(249),
            bytes(300),
            bytes(1400),
            b"\xff" * 260,
            b"GET / HTTP/1.1\r\n",
        ):
            assert client.send(wrong) == 0, wrong
            assert client.received() is None, wrong
        assert bench.udp.counters.bus_message_count == 0
        assert client.ask(_READ) == _ANSWER


def test_longest_and_shortest():
    class Echo:
        def handle(self, adu, n, link):
            return n

    with Bench(Echo()) as bench:
        client = bench.client()
        for n in (1, 2, 252, 253):
            pdu = bytes((0x41,)) + bytes(n - 1)
            assert client.ask(pdu) == pdu
        assert client.send(frame(bytes(254))) == 0


def test_a_client_that_has_gone():
    with Bench() as bench:
        client = bench.client()
        for _ in range(3):
            gone = Client(bench)
            gone.sock.send(frame(_READ))
            gone.sock.close()
            bench.udp.poll(1000)
            bench.udp.poll(20)
        assert client.ask(_READ) == _ANSWER


def test_nothing_to_say():
    class Silent:
        def handle(self, adu, n, link):
            return 0

    with Bench(Silent()) as bench:
        client = bench.client()
        client.send(frame(_READ))
        assert client.received() is None


def test_an_answer_may_come_later():
    keeper = Keeper()
    with Bench(keeper) as bench:
        first, second = bench.client(), bench.client()
        assert first.send(frame(b"\x41\x01", 1, 7)) == 0
        assert second.send(frame(b"\x41\x02", 1, 8)) == 0
        assert keeper.pdus() == [b"\x41\x01"], "the buffer is not the server's now"
        keeper.answer(b"\x41\x11")
        assert first.received() == frame(b"\x41\x11", 1, 7)
        assert bench.udp.poll(1000) == 1, "the answer counts"
        assert keeper.pdus() == [b"\x41\x02"]
        keeper.answer(b"\x41\x12")
        assert second.received() == frame(b"\x41\x12", 1, 8)
        assert first.received() is None


def test_listen_only():
    with Bench(Server(Store(0, 0, 0, 9), functions=(Diagnostics(networks=True),))) as bench:
        client = bench.client()
        client.send(frame(request(8, 4, 0)))
        client.send(frame(_READ))
        client.send(frame(request(8, 1, 0)))
        assert client.received() is None
        assert client.ask(_READ) == _ANSWER


def test_poll_waits_for_something_to_come():
    with Bench() as bench:
        assert bench.udp.poll() == 0
        assert bench.udp.poll(10) == 0
        client = bench.client()
        client.sock.send(frame(_READ))
        assert bench.udp.poll(1000) == 1


def test_serve_with_another_driver():
    stop = []
    store = Store(holding_registers=Registers(0, 2, on_write=lambda *_: stop[0].shutdown()))
    with Bench(Server(store)) as one, Bench() as two:
        stop.append(one.udp)
        first, second = one.client(), two.client()
        second.sock.send(frame(_READ))
        first.sock.send(frame(request(6, 0, 1)))
        serve(two.udp, one.udp)
        sleep_ms(10)
        two.udp.poll(10)
        assert second.received() == frame(_ANSWER)
        assert first.received() == frame(request(6, 0, 1))


def test_an_answer_after_server_close():
    keeper = Keeper()
    with Bench(keeper) as bench:
        bench.client().send(frame(b"\x41\x01"))
        bench.udp.server_close()
        assert keeper.kept[0][2].gone
        keeper.answer(b"\x41\x11")
        bench.udp.server_close()


def test_rtu_frames():
    """Known lengths and unknown ones; what is no frame, or more than one, is ignored."""

    class Echo:
        def handle(self, adu, n, link):
            return n

    with Bench(Echo(), framer=RTUStream) as bench:
        client = bench.client()
        for n in (1, 2, 3, 5, 100, 252, 253):
            data = rtu_frame(9, b"\x41" + bytes(n - 1))
            assert client.send(data) == 1, n
            assert client.received() == data
        data = rtu_frame(9, _READ)
        assert client.send(data) == 1
        assert client.received() == data
        assert client.send(rtu_frame(9, b"\x41" + bytes(253))) == 0
        for wrong in (
            b"",
            data[:3],
            data[:-1],
            data[:-1] + bytes((data[-1] ^ 1,)),
            data + b"\0",
            data + data,
            bytes(300),
            frame(_READ),
        ):
            assert client.send(wrong) == 0, wrong
            assert client.received() is None, wrong
        assert client.send(data) == 1


def test_allow():
    for allow in (("127.0.0.3",), ("127.0.0.3/32",), lambda host: host == "127.0.0.3"):
        with Bench(allow=allow) as bench:
            other, client = bench.client("127.0.0.2"), bench.client("127.0.0.3")
            assert other.send(frame(_READ)) == 0
            assert other.received() is None
            assert client.ask(_READ) == _ANSWER
            assert (bench.udp.counters.bus_message_count, bench.udp.refused) == (1, 1)


def test_allow_that_raises():
    told = Told()
    server = Server(Store(0, 0, 0, 200), on_error=told)
    allow = Told(ValueError("a bug"))
    with Bench(server, allow=allow) as bench:
        client = bench.client()
        assert client.send(frame(_READ)) == 0
        assert str(told.calls[0][0]) == "a bug" and told.calls[0][1] is bench.udp
        allow.result = True
        assert client.ask(_READ) == _ANSWER


def test_wrong_arguments():
    good = ("127.0.0.1", 20_000)
    for address, server, options, text in (
        (good, Store(), {}, "server must be a Server or a Gateway, such as Server(store)"),
        ("127.0.0.1", None, {}, "address must be (host, port)"),
        (("127.0.0.1", "502"), None, {}, "address must be"),
        (good, None, {"framer": "rtu"}, "framer must be MBAP or RTUStream"),
        (good, None, {"framer": RTU}, "framer must be"),
        (good, None, {"allow": "127.0.0.1"}, "allow must be"),
    ):
        error = raises(ValueError, UDPServer, address, server, **options)
        assert str(error).startswith(text), error


def test_memory_that_runs_out():
    """A request or its response is lost then, as any datagram may be; the server lives on."""
    with Bench() as bench:
        client = bench.client()
        assert client.ask(_READ) == _ANSWER
        chain = None
        for pieces in range(0, 120, 3):
            client.sock.send(frame(_READ))
            chain = fill_heap()
            for _ in range(pieces):
                chain = chain[0]
            bench.udp.poll(100)
            bench.udp.poll(10)
            chain = None
            gc.collect()
            bench.udp.poll(100)
            assert client.received() in (None, frame(_ANSWER)), pieces
            assert client.ask(_READ) == _ANSWER, pieces
        assert chain is None


def test_address_taken():
    with Bench() as bench:
        raises(OSError, UDPServer, ("127.0.0.1", bench.port))


def test_server_close():
    with Bench() as bench:
        poller = bench.udp.poller
        port = bench.port
        assert isinstance(poller, type(select.poll()))
    again = UDPServer(("127.0.0.1", port))
    again.server_close()
