"""umb.server.tcp.TCPServer: who may connect, whom it keeps, what it tells; memory that is short.

Who makes room for whom is in test_tcp_places.
"""

import gc
from time import sleep_ms, ticks_diff, ticks_ms

import micropython
from support.heap import fill_heap
from support.pdu import raw, request
from support.tcp import Bench, Failing, counting, frame
from support.umb import Told, raises

from umb.frame.ascii import ASCII
from umb.frame.rtu import RTU
from umb.port import sockets
from umb.server import Server, tcp
from umb.server.tcp import TCPServer
from umb.store import Store

_READ = raw("03 0000 0001")


def test_idle_time_out():
    went = Told()
    with Bench(counting(), idle_timeout_ms=600, on_disconnect=went) as bench:
        silent, half, busy = bench.client(), bench.client(), bench.client()
        half.send(frame(_READ)[:5])
        start_ms = ticks_ms()
        while ticks_diff(ticks_ms(), start_ms) < 1500:
            assert busy.ask(_READ) == raw("03 02 03e8")
            sleep_ms(20)
        assert len(went.calls) == 2
        assert bench.tcp.reason == tcp.IDLE
        assert silent.closed() and half.closed()
        assert busy.ask(_READ) == raw("03 02 03e8")


def test_no_idle_time_out():
    with Bench(counting(), idle_timeout_ms=0) as bench:
        client = bench.client()
        bench.rest(600)
        assert client.ask(_READ) == raw("03 02 03e8")


def test_buffers_are_made_for_as_many_as_there_are_at_once():
    with Bench(counting(), max_clients=3) as bench:
        assert len(bench.tcp._connections) == 0
        for _ in range(5):
            client = bench.client()
            assert client.ask(_READ) == raw("03 02 03e8")
            client.close()
            bench.rest(5)
        assert len(bench.tcp._connections) == 1
        two = [bench.client() for _ in range(2)]
        assert [client.ask(_READ) for client in two] == [raw("03 02 03e8")] * 2
        assert len(bench.tcp._connections) == 2


def test_a_client_for_whom_there_is_no_memory_harms_nobody():
    with Bench(counting(), max_clients=3) as bench:
        client = bench.client()
        client.ask(_READ)
        first = bench.caller()
        sleep_ms(5)
        micropython.heap_lock()
        try:
            bench.tcp.poll()
        finally:
            micropython.heap_unlock()
        assert first.ask(_READ) == raw("03 02 03e8"), "it is accepted later"
        with Failing(sockets, "peer_of"):
            assert bench.client().closed()
        assert client.ask(_READ) == raw("03 02 03e8")
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_without_memory_for_a_buffer_a_client_is_refused():
    with Bench(counting(), max_clients=3) as bench:
        with Failing(tcp, "_Connection"):
            assert bench.client().closed()
        first, second = bench.client(), bench.client()
        with Failing(tcp, "_Connection"):
            assert bench.client().closed()
        for client in (first, second, bench.client()):
            assert client.ask(_READ) == raw("03 02 03e8")


class FullPoller:
    """The poller of a server, but there is no memory for one more socket."""

    def __init__(self, poller):
        self.ipoll = poller.ipoll
        self.modify = poller.modify
        self.unregister = poller.unregister

    def register(self, *_):
        raise MemoryError


def test_a_client_whom_the_poller_has_no_memory_for_is_closed():
    with Bench(counting(), max_clients=1) as bench:
        poller = bench.tcp.poller
        bench.tcp.poller = FullPoller(poller)
        assert bench.client().closed()
        bench.tcp.poller = poller
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_memory_that_runs_out_between_accepting_and_polling():
    """A poller whose register() fails for lack of memory would crash the next time."""
    with Bench(counting(), max_clients=2) as bench:
        client = bench.client()
        bench.client().close()  # its buffer is there for the next one
        bench.rest(5)
        real = tcp.accept

        def accept(listener):
            accepted = real(listener)
            micropython.heap_lock()
            return accepted

        tcp.accept = accept
        try:
            newcomer = bench.caller()
            bench.tcp.poll(100)
        finally:
            tcp.accept = real
            micropython.heap_unlock()
        assert newcomer.closed()
        assert client.ask(_READ) == raw("03 02 03e8")
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_with_any_little_memory():
    """From nothing at all to plenty, a piece at a time: clients are accepted or refused.

    Whatever runs out, nobody is lost who is there, and the poller lives: it would crash after a
    register() that failed.
    """
    with Bench(counting(), max_clients=8, idle_timeout_ms=0) as bench:
        client = bench.client()
        client.ask(_READ)
        accepted = refused = 0
        for pieces in list(range(60)) + [80, 100, 200]:
            newcomer = bench.caller()
            sleep_ms(1)
            chain = fill_heap()
            for _ in range(pieces):
                chain = chain[0]
            bench.tcp._sweep_number = None  # accepting may have failed before
            bench.tcp.poll()
            bench.tcp.poll()
            bench.tcp.poll()
            chain = None
            gc.collect()
            assert client.ask(_READ) == raw("03 02 03e8"), pieces
            if newcomer.is_closed():
                refused += 1
            else:
                accepted += 1
                assert newcomer.ask(_READ) == raw("03 02 03e8"), pieces
            newcomer.close()
            bench.rest(5)
        assert refused and accepted, (refused, accepted)


def test_server_close_with_a_full_heap():
    went = Told()
    bench = Bench(counting(), on_disconnect=went)
    clients = [bench.client() for _ in range(3)]
    clients[0].ask(_READ)
    chain = fill_heap()
    micropython.heap_lock()
    try:
        bench.tcp.on_disconnect = None
        bench.tcp.server_close()
    finally:
        micropython.heap_unlock()
    chain = None
    assert chain is None
    for client in clients:
        assert client.closed()
        client.sock.close()
    raises(OSError, bench.caller)


# --- who may connect


class Hosts:
    """A container of the program's own."""

    def __contains__(self, host):
        return host == "127.0.0.3"


def test_allow():
    for allow in (
        ("127.0.0.3", "127.0.0.9"),
        ["127.0.0.3"],
        {"127.0.0.3"},
        {"127.0.0.3": "a description"},
        Hosts(),
        lambda host: host.endswith(".3"),
        ("10.0.0.0/8", "127.0.0.3/32"),
    ):
        came = Told()
        with Bench(counting(), allow=allow, on_connect=came) as bench:
            for host in ("127.0.0.2", "127.0.0.30", "127.0.0.33"):
                assert bench.client(host=host).closed(), host
            assert bench.client(host="127.0.0.3").ask(_READ) == raw("03 02 03e8")
            assert [peer[0] for (peer,) in came.calls] == ["127.0.0.3"]
            assert (bench.tcp.refused, bench.tcp.turned_away) == (3, 0)


def test_those_who_may_not_connect_take_no_place():
    with Bench(counting(), max_clients=1, allow=("127.0.0.3",)) as bench:
        client = bench.client(host="127.0.0.3")
        client.ask(_READ)
        bench.tcp._connections[0].idle_ms = 60_000
        assert bench.client(host="127.0.0.2").closed()
        assert client.ask(_READ) == raw("03 02 03e8")
        assert len(bench.tcp._connections) == 1


def test_nobody_may_connect():
    with Bench(counting(), allow=()) as bench:
        assert bench.client().closed()
        assert bench.tcp._connections == []


# --- hooks with bugs


def test_hooks_that_raise():
    """They are reported, and everybody is served on."""
    for name in ("on_connect", "on_disconnect", "allow"):
        told = Told()
        server = counting()
        server.on_error = told
        hook = Told(ValueError(name))
        with Bench(server, **{name: hook}) as bench:
            client = bench.client()
            if name == "allow":
                assert client.closed(), "who could not be asked about may not connect"
                assert told.calls[0][1] is bench.tcp
            else:
                assert client.ask(_READ) == raw("03 02 03e8")
                client.close()
                bench.rest(5)
                assert told.calls[0][1] is bench.tcp._connections[0]
                assert bench.client().ask(_READ) == raw("03 02 03e8")
            assert str(told.calls[0][0]) == name
            assert len(hook.calls) >= 1
        assert len(told.calls) == len(hook.calls)


def test_hooks_that_raise_and_nobody_is_told():
    server = counting()
    server.on_error = None
    hook = Told(ValueError())
    with Bench(server, on_connect=hook, on_disconnect=hook) as bench:
        for _ in range(3):
            assert bench.client().ask(_READ) == raw("03 02 03e8")
    assert len(hook.calls) == 6


def test_hooks_that_raise_while_a_handler_of_the_programs_own_answers():
    """It has no on_error: the exception is printed. What it calls report() may be anything."""

    class Handler:
        server = counting()

        def handle(self, adu, n, link):
            return self.server.handle(adu, n, link)

    class Reporter(Handler):
        def report(self):
            raise KeyError

    hook = Told(ValueError("this is printed"))
    for handler in (Handler(), Reporter()):
        with Bench(handler, on_connect=hook) as bench:
            assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_a_hook_that_closes_the_server():
    store = Store(holding_registers=1)
    with Bench(Server(store)) as bench:
        store.holding_registers.on_write = lambda *_: bench.tcp.server_close()
        client, other = bench.client(), bench.client()
        client.send(frame(request(6, 0, 7)))
        assert client.closed() and other.closed()
        assert store.holding_registers[0] == 7


def test_a_hook_that_closes_the_server_while_a_client_waits_to_be_accepted():
    """The program serves on, with whatever else it has."""
    ways = (
        lambda client: client.send(frame(request(6, 0, 7))),
        lambda client: client.send(b"\xff" * 12),  # no frame
        lambda client: client.sock.close(),
        lambda _: sleep_ms(700),  # until it is idle for too long
    )
    for leave in ways:
        store = Store(holding_registers=1)
        with Bench(Server(store), idle_timeout_ms=400) as bench:
            client = bench.client()

            def close(*_):
                bench.tcp.server_close()

            bench.tcp.on_disconnect = store.holding_registers.on_write = close
            leave(client)
            other = bench.caller()
            assert other.closed()
            assert bench.tcp.poller.poll(0) == []


def test_a_hook_that_closes_the_server_while_a_client_is_accepted():
    """Nothing of it is left in the poller, which others go on using."""
    for hook in ("allow", "on_connect", "on_disconnect"):

        def close(*_):
            bench.tcp.server_close()
            return True

        options = {"max_clients": 1, hook: lambda *_: True}
        with Bench(counting(), **options) as bench:
            if hook == "on_disconnect":  # somebody has to make room
                bench.client()
                bench.tcp._connections[0].idle_ms = 20_000
            setattr(bench.tcp, "_allow" if hook == "allow" else hook, close)
            assert bench.caller().closed()
            assert bench.tcp.poller.poll(0) == []


# --- arguments


def test_wrong_arguments():
    good = ("127.0.0.1", 20_000)
    for address, server, options, text in (
        (good, Store(), {}, "server must be a Server or a Gateway, such as Server(store)"),
        (good, 5, {}, "server must be"),
        ("127.0.0.1", None, {}, "address must be (host, port), as in"),
        (502, None, {}, "address must be"),
        (None, None, {}, "address must be"),
        (("127.0.0.1",), None, {}, "address must be"),
        (("127.0.0.1", 502, 0), None, {}, "address must be"),
        ((502, "127.0.0.1"), None, {}, "address must be"),
        (("127.0.0.1", "502"), None, {}, "address must be"),
        (("127.0.0.1", -1), None, {}, "address must be"),
        (("127.0.0.1", 65536), None, {}, "address must be"),
        (good, None, {"max_clients": 0}, "max_clients must be"),
        (good, None, {"max_clients": -1}, "max_clients must be"),
        (good, None, {"max_clients": None}, "max_clients must be"),
        (good, None, {"max_clients": "4"}, "max_clients must be"),
        (good, None, {"idle_timeout_ms": -1}, "idle_timeout_ms must be"),
        (good, None, {"idle_timeout_ms": 1 << 30}, "idle_timeout_ms must be"),
        (good, None, {"idle_timeout_ms": 1.5}, "idle_timeout_ms must be"),
        (good, None, {"idle_timeout_ms": None}, "idle_timeout_ms must be"),
        (good, None, {"framer": "rtu"}, "framer must be MBAP or RTUStream"),
        (good, None, {"framer": None}, "framer must be"),
        (good, None, {"framer": RTU}, "framer must be"),
        (good, None, {"framer": ASCII}, "framer must be"),
        (good, None, {"allow": "127.0.0.1"}, "allow must be"),
        (good, None, {"allow": b"127.0.0.1"}, "allow must be"),
        (good, None, {"allow": 5}, "allow must be"),
        (good, None, {"on_connect": 5}, "on_connect must be a function"),
        (good, None, {"on_disconnect": "print"}, "on_disconnect must be a function"),
    ):
        error = raises(ValueError, TCPServer, address, server, **options)
        assert str(error).startswith(text), error
        assert "\n" not in str(error)


def test_ctrl_c_while_a_client_is_dropped_lets_the_server_close():
    """It ends the call of a port's function, and is left to the program's `finally`."""

    class Interrupted:
        def close(self):
            raise KeyboardInterrupt

    with Bench(counting()) as bench:
        client = bench.client()
        assert client.ask(_READ) == raw("03 02 03e8")
        connection = bench.tcp._connections[0]
        sock = connection.sock
        connection.sock = Interrupted()
        bench.tcp._by_socket[connection.sock] = connection
        raises(KeyboardInterrupt, bench.tcp.drop, connection, tcp.CLOSED_HERE)
        bench.tcp.server_close()
        sock.close()


def test_why_clients_have_gone():
    reasons = []
    with Bench(counting(), on_disconnect=lambda _: reasons.append(bench.tcp.reason)) as bench:
        client = bench.client()
        client.ask(_READ)
        client.close()
        bench.rest(20)
        bench.client().send(b"GET / HTTP/1.1\r\n\r\n")
        bench.rest(20)
        bench.client().ask(_READ)
        bench.rest(300)  # from here on it counts as idle
        bench.tcp.max_clients = 1
        bench.tcp._connections[0].idle_ms = 60_000
        bench.client().ask(_READ)
        assert bench.client().closed()
        assert bench.tcp.turned_away == 1
    bench.tcp.server_close()
    assert reasons == [tcp.CLOSED_BY_CLIENT, tcp.NO_FRAME, tcp.MADE_ROOM, tcp.CLOSED_HERE]
