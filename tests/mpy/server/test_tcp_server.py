"""umb.server.tcp.TCPServer: frames, clients that come, stall and vanish, and the way out."""

import errno
import random
import select
import socket
from time import ticks_diff, ticks_ms

from support.pdu import raw, request, words, write_registers
from support.tcp import Bench, counting, frame, free_port
from support.umb import Told, raises
from support.vectors import VECTORS

from umb.serve import serve
from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store

_READ = raw("03 0000 0001")


def test_examples_whole():
    for vector in VECTORS:
        store = vector.store()
        with Bench(Server(store)) as bench:
            assert bench.client().ask(vector.request) == vector.response, vector.clause
            vector.check(store)
            assert bench.answered == 1


def test_examples_byte_by_byte():
    for vector in VECTORS:
        store = vector.store()
        with Bench(Server(store)) as bench:
            client = bench.client()
            data = frame(vector.request, 1, 0xABCD)
            for i in range(len(data)):
                assert bench.answered == 0, "AP {}: answered {}".format(vector.clause, i)
                client.send(data[i : i + 1])
                bench.poll(100)
            assert client.frame() == (0xABCD, 1, vector.response), vector.clause
            vector.check(store)


def test_examples_with_junk_behind():
    for vector in VECTORS:
        for junk, survives in ((b"\xff", True), (b"\xff" * 6, True), (b"\xff" * 300, False)):
            store = vector.store()
            with Bench(Server(store)) as bench:
                client = bench.client()
                client.send(frame(vector.request) + junk)
                assert client.frame() == (1, 1, vector.response), vector.clause
                assert client.quiet() if survives else client.closed(), vector.clause
                vector.check(store)


def test_every_split_in_three():
    data = frame(write_registers(0, [5, 6, 7]))
    with Bench(counting()) as bench:
        client = bench.client()
        for i in range(1, len(data) - 1):
            for j in range(i + 1, len(data)):
                for part in (data[:i], data[i:j]):
                    client.send(part)
                    bench.poll(100)
                client.send(data[j:])
                assert client.frame() == (1, 1, request(16, 0, 3)), (i, j)


def test_random_splits_of_many_frames():
    random.seed(7)
    with Bench(counting()) as bench:
        client = bench.client()
        data = b"".join(frame(request(3, i, 1 + i % 9), 1, i) for i in range(150))
        at = received = 0
        while at < len(data):
            n = random.randint(1, 60)
            client.send(data[at : at + n])
            at += n
            bench.poll()
            while received < min(at, len(data)) // 12:
                values = words(*range(1000 + received, 1001 + received + received % 9))
                wanted = (received, 1, bytes((3, len(values))) + values)
                assert client.frame() == wanted, received
                received += 1
        assert received == 150 and client.quiet()


def test_frames_in_one_segment_keep_their_order():
    with Bench(counting()) as bench:
        client = bench.client()
        client.send(b"".join(frame(request(3, i, 1), 1, 0xFF00 + i) for i in range(12)))
        for i in range(12):
            assert client.frame() == (0xFF00 + i, 1, b"\3\2" + words(1000 + i))
        assert bench.answered == 12 and client.quiet()


def test_bad_headers_close_the_connection():
    for protocol, length in (
        (1, 6),
        (0x100, 6),
        (0xFFFF, 6),
        (0, 0),
        (0, 1),
        (0, 255),
        (0, 300),
        (0, 65535),
    ):
        with Bench(counting()) as bench:
            good, client = bench.client(), bench.client()
            client.send(words(1, protocol, length) + b"\1\3\0\0\0\1")
            assert client.closed(), (protocol, length)
            assert good.ask(_READ) == raw("03 02 03e8")


def test_longest_and_shortest_frame():
    with Bench(counting()) as bench:
        client = bench.client()
        assert client.ask(b"\3" * 253) == b"\x83\3"
        assert client.ask(b"\3") == b"\x83\3"
        assert client.ask(request(3, 0, 125))[:2] == b"\3\xfa"


def test_several_clients_at_once():
    with Bench(counting()) as bench:
        clients = [bench.client() for _ in range(4)]
        for turn in range(5):
            for i, client in enumerate(clients):
                client.send(frame(request(3, i, 1), 1, turn))
            for i, client in enumerate(clients):
                assert client.frame() == (turn, 1, b"\3\2" + words(1000 + i)), (turn, i)
        assert bench.answered == 20
        assert clients[0].ask(request(6, 0, 77)) == request(6, 0, 77)
        assert clients[3].ask(_READ) == b"\3\2" + words(77)


def test_half_a_request_holds_nobody_up():
    with Bench(counting()) as bench:
        slow, quick = bench.client(), bench.client()
        data = frame(_READ, 1, 5)
        slow.send(data[:9])
        for _ in range(3):
            assert quick.ask(_READ) == raw("03 02 03e8")
        slow.send(data[9:])
        assert slow.frame() == (5, 1, raw("03 02 03e8"))


def test_clients_that_leave():
    told = Told()
    with Bench(counting(), max_clients=2, on_disconnect=told) as bench:
        for number in range(1, 13):
            client = bench.client()
            assert client.ask(_READ) == raw("03 02 03e8")
            client.send(frame(_READ)[: number % 12])
            client.reset() if number % 2 else client.close()
            bench.until(lambda: len(told.calls) == number, "not noticed")  # noqa: B023
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_client_that_resets_before_it_is_accepted():
    with Bench(counting()) as bench:
        for _ in range(3):
            sock = socket.socket()
            sock.connect(socket.getaddrinfo("127.0.0.1", bench.port)[0][-1])
            sock.close()
        bench.rest()
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_client_that_closes_right_after_a_request():
    store = Store(holding_registers=2)
    with Bench(Server(store)) as bench:
        for value in range(1, 20):
            client = bench.client()
            client.send(frame(request(6, 0, value)) * 3)
            client.close()
            bench.until(lambda: store.holding_registers[0] == value, "not written")  # noqa: B023
        bench.rest()
        assert bench.client().ask(_READ) == b"\3\2" + words(19)


def test_hooks_tell_who_comes_and_goes():
    came, went = Told(), Told()
    with Bench(counting(), on_connect=came, on_disconnect=went) as bench:
        first, second = bench.client(), bench.client()
        assert len(came.calls) == 2 and went.calls == []
        for ((host, port),) in came.calls:
            assert host == "127.0.0.1" and 0 < port < 65536
        assert came.calls[0] != came.calls[1]
        second.close()
        bench.until(lambda: went.calls, "second did not go")
        assert went.calls == came.calls[1:]
        first.reset()
        bench.until(lambda: len(went.calls) == 2, "first did not go")
        third = bench.client()
    assert went.calls == [came.calls[1], came.calls[0], came.calls[2]], "server_close() tells, too"
    assert third is not None


def test_events_have_the_same_numbers_on_every_port():
    assert (select.POLLIN, select.POLLOUT, select.POLLERR, select.POLLHUP) == (1, 4, 8, 16)


def get_stuck(bench):
    """A client that asks until its unread replies fill every buffer: itself, and how often."""
    client = bench.client(rcvbuf=1)
    asked = 0
    while asked < 60_000:
        for i in range(asked, asked + 500):
            client.send(frame(request(3, i % 75, 125), 1, i))
        asked += 500
        if bench.rest(10) == 0:
            return client, asked
    raise AssertionError("{} replies, and still room for more".format(bench.answered))


def test_pipeline_of_a_client_that_does_not_read():
    wanted = [b"\3\xfa" + words(*range(1000 + i, 1125 + i)) for i in range(75)]
    with Bench(counting()) as bench:
        stuck, asked = get_stuck(bench)
        answered = bench.answered
        assert answered < asked
        other = bench.client()
        assert other.ask(_READ) == raw("03 02 03e8")
        for i in range(asked):
            assert stuck.frame() == (i, 1, wanted[i % 75]), (i, answered)
        assert stuck.quiet() and bench.answered == asked + 1


def test_client_that_does_not_read_times_out():
    went = Told()
    with Bench(counting(), idle_timeout_ms=400, on_disconnect=went) as bench:
        get_stuck(bench)
        bench.until(lambda: went.calls, "it was to be dropped")


def test_stuck_client_that_vanishes():
    went = Told()
    with Bench(counting(), on_disconnect=went) as bench:
        get_stuck(bench)[0].reset()
        bench.until(lambda: went.calls, "it was to be dropped")
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_counters():
    with Bench(counting()) as bench:
        client = bench.client()
        for pdu in (_READ, request(3, 200, 1), b"\x41"):
            client.ask(pdu)
        client.ask(_READ, slave_id=9)
        counters = bench.tcp.counters
        assert counters.bus_message_count == 4
        assert counters.server_message_count == 3
        assert counters.bus_exception_error_count >= 2


def test_poll_waits_for_something_to_come():
    with Bench(counting()) as bench:
        start_ms = ticks_ms()
        assert bench.tcp.poll(60) == 0
        assert ticks_diff(ticks_ms(), start_ms) >= 50
        client = bench.client()
        client.sock.write(frame(_READ))
        assert bench.tcp.poll(10_000) == 1
        assert client.frame() == (1, 1, raw("03 02 03e8"))


def test_routes_of_the_driver():
    with Bench() as bench:

        @bench.tcp.route(slave_ids=[1], function_codes=[3, 4], addresses=range(10))
        def read(slave_id, function_code, address):
            return 100 * slave_id + 10 * function_code + address

        client = bench.client()
        assert client.ask(request(4, 5, 1)) == b"\4\2" + words(145)
        assert client.ask(request(3, 10, 1)) == b"\x83\2"
        assert read(1, 3, 0) == 130


def test_address_taken():
    with Bench(counting()) as bench:
        before = socket.socket()
        for _ in range(30):
            error = raises(OSError, TCPServer, ("127.0.0.1", bench.port), None)
            assert error.errno == errno.EADDRINUSE
        after = socket.socket()
        assert after.fileno() == before.fileno() + 1, "sockets were left open"
        before.close()
        after.close()
        assert bench.client().ask(_READ) == raw("03 02 03e8")
    again = TCPServer(("127.0.0.1", bench.port))
    again.server_close()


def test_server_close():
    with Bench(counting()) as bench:
        clients = [bench.client() for _ in range(3)]
        clients[0].ask(_READ)
        bench.tcp.server_close()
        for client in clients:
            assert client.closed()
        bench.tcp.server_close()
        address = socket.getaddrinfo("127.0.0.1", bench.port)[0][-1]
        raises(OSError, socket.socket().connect, address)


class Stopper:
    """A handler that shuts a driver down when it gets a request."""

    driver = None

    def __init__(self):
        self._server = counting()

    def handle(self, adu, n, link):
        if adu[9] == 99:
            self.driver.shutdown()
        return self._server.handle(adu, n, link)


def test_shutdown_ends_serve_forever():
    stopper = Stopper()
    with Bench(stopper) as bench:
        stopper.driver = bench.tcp
        client = bench.client()
        for _ in range(2):
            client.sock.write(frame(_READ) + frame(request(3, 99, 1)))
            bench.tcp.serve_forever()
            assert client.frame() == (1, 1, raw("03 02 03e8"))
            assert client.frame() == (1, 1, b"\3\2" + words(1099))


def test_serve_runs_several_drivers():
    stopper = Stopper()
    with Bench(counting()) as first, Bench(stopper) as second:
        stopper.driver = second.tcp
        one, two = first.client(), second.client()
        one.sock.write(frame(_READ))
        two.sock.write(frame(_READ) + frame(request(3, 99, 1)))
        serve(first.tcp, second.tcp)
        assert one.frame() == (1, 1, raw("03 02 03e8"))
        assert two.frame() == (1, 1, raw("03 02 03e8"))
        assert two.frame() == (1, 1, b"\3\2" + words(1099))
        assert two.ask(_READ) == raw("03 02 03e8"), "poll() works after serve()"
        assert one.ask(_READ) == raw("03 02 03e8")
        assert first.client().ask(_READ) == second.client().ask(_READ) == raw("03 02 03e8")


def test_free_port_is_free():
    listener, port = free_port(lambda port: TCPServer(("127.0.0.1", port)))
    listener.server_close()
    assert 20000 <= port < 65536
