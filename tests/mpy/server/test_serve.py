"""serve(): several drivers side by side, asleep in between; a handler behind all of them."""

import socket

from support.pdu import request
from support.rtu import OURS, Bench, frame
from support.tcp import Keeper, free_port
from support.tcp import frame as tcp_frame
from support.uart import clock

from umb.serve import serve
from umb.server import Driver, Server
from umb.server.tcp import TCPServer
from umb.store import Store

_MOST_ROUNDS = 100_000


class Script(Driver):
    """Plays the rest of the world: each poll() takes a step, the last one ends serve()."""

    def __init__(self, steps):
        super().__init__(None)
        self._steps = steps
        self.rounds = 0

    def nap_ms(self):
        return 1000

    def poll(self, _wait_ms=0):
        self.rounds += 1
        assert self.rounds < _MOST_ROUNDS, "it does not come to an end"
        for _ in self._steps:
            return 0
        self.shutdown()
        return 0


def listen(handler):
    return free_port(lambda port: TCPServer(("127.0.0.1", port), handler))


def connect(port):
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setblocking(False)
    return sock


def reply(sock):
    """Steps until something has come from a socket."""
    while not sock.read(300):
        yield


def replies(bench, n):
    """Steps until so many answers have left."""
    while len(bench.replies()) < n:
        yield


def test_one_server_behind_a_line_and_a_network():
    for order in (0, 1):
        bench = Bench()
        tcp, port = listen(bench.rtu.server)
        sock = connect(port)

        def steps(bench=bench, sock=sock):
            bench.hear(frame(OURS, request(6, 3, 77)))
            yield from replies(bench, 1)
            sock.write(tcp_frame(request(3, 3, 1), OURS))
            while not (data := sock.read(300)):
                yield
            assert data == tcp_frame(b"\x03\x02\x00\x4d", OURS)
            sock.write(tcp_frame(request(6, 3, 78), OURS))
            yield from reply(sock)
            bench.hear(frame(OURS, request(3, 3, 1)))
            yield from replies(bench, 2)

        drivers = (bench.rtu, tcp) if order else (tcp, bench.rtu)
        serve(*drivers, Script(steps()))
        sock.close()
        tcp.server_close()
        assert bench.replies()[1] == frame(OURS, b"\x03\x02\x00\x4e")
        bench.keeps_its_promises()


def test_a_line_is_served_while_clients_ask():
    bench = Bench()
    tcp, port = listen(bench.rtu.server)
    sock = connect(port)

    def steps():
        for i in range(20):
            bench.hear(frame(OURS, request(6, 3, i)))
            while len(bench.replies()) <= i:
                sock.write(tcp_frame(request(3, 0, 10), OURS))
                yield from reply(sock)

    serve(bench.rtu, tcp, Script(steps()))
    sock.close()
    tcp.server_close()
    assert bench.replies() == [frame(OURS, request(6, 3, i)) for i in range(20)]
    assert tcp.counters.server_message_count >= 20
    assert bench.rtu.counters.server_message_count == 20
    bench.keeps_its_promises()


def test_a_handler_may_keep_requests_of_both():
    keeper = Keeper()
    keeper.serves = lambda slave_id: slave_id == OURS
    bench = Bench(handler=keeper)
    tcp, port = listen(keeper)
    sock = connect(port)

    def steps():
        bench.hear(frame(OURS, request(3, 0, 1)))
        sock.write(tcp_frame(request(3, 1, 1), OURS))
        while len(keeper.kept) < 2:
            yield
        serial = [link.serial for _, _, link in keeper.kept]
        assert sorted(serial) == [False, True]
        assert bench.replies() == []
        while keeper.kept:
            keeper.answer(b"\x03\x02\x00\x05")
        yield from replies(bench, 1)
        yield from reply(sock)

    serve(tcp, bench.rtu, Script(steps()))
    sock.close()
    tcp.server_close()
    assert bench.replies() == [frame(OURS, b"\x03\x02\x00\x05")]


def test_shutdown_ends_it_and_it_may_begin_again():
    bench = Bench()
    for n in range(1, 4):

        def steps(n=n):
            bench.hear(frame(OURS, request(3, 0, 1)))
            yield from replies(bench, n)
            bench.rtu.shutdown()
            while True:
                yield

        serve(bench.rtu, Script(steps()))
        assert len(bench.replies()) == n


def test_serve_forever_ends_after_the_request_at_hand():
    store = Store(holding_registers=1)
    bench = Bench(handler=Server(store, (OURS,)))
    store.holding_registers.on_write = lambda _address, _quantity: bench.rtu.shutdown()
    bench.hear(frame(OURS, request(6, 0, 1)))
    bench.rtu.serve_forever()
    bench.run()
    assert bench.replies() == [frame(OURS, request(6, 0, 1))]
    bench.keeps_its_promises()


def test_serve_forever_lets_a_long_answer_leave():
    """One that takes longer than hold_ms: nobody polls any more when it has ended."""
    store = Store(holding_registers=125)
    bench = Bench(9600, handler=Server(store, (OURS,)))
    store.holding_registers.on_read = lambda _address, _quantity: bench.rtu.shutdown()
    bench.hear(frame(OURS, request(3, 0, 125)))
    bench.rtu.serve_forever()
    assert clock.now_ns >= bench.uart.end_ns() and len(bench.replies()) == 1
    bench.keeps_its_promises()


def test_it_sleeps_while_nothing_comes():
    """At 9600 the shortest frame takes 4 ms: a look every millisecond will do."""
    bench = Bench(9600)
    script = Script(second())
    serve(bench.rtu, script)
    assert script.rounds < 1500, script.rounds


def second():
    end_us = clock.now_us() + 1_000_000
    while clock.now_us() < end_us:
        yield
