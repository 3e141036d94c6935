"""umb.server.tcp.TCPServer: whom it keeps, and who makes room for whom."""

from time import sleep_ms, ticks_diff, ticks_ms

import micropython
from support_pdu import raw
from support_tcp import Bench, counting, frame
from support_umb import Told

from umb.port import sockets as sock
from umb.server import tcp

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
        assert silent.closed() and half.closed()
        assert busy.ask(_READ) == raw("03 02 03e8")


def test_no_idle_time_out():
    with Bench(counting(), idle_timeout_ms=0) as bench:
        client = bench.client()
        bench.rest(600)
        assert client.ask(_READ) == raw("03 02 03e8")


def test_full_server_drops_the_oldest_that_never_asked():
    with Bench(counting(), max_clients=3) as bench:
        asked = bench.client()
        asked.ask(_READ)
        first, second = bench.client(), bench.client()
        second.send(frame(_READ)[:11])  # never completed
        third = bench.client()
        assert first.closed() and second.quiet() and asked.quiet() and third.quiet()
        fourth = bench.client()
        assert second.closed() and asked.quiet() and third.quiet() and fourth.quiet()
        fifth = bench.client()
        assert third.closed() and fourth.quiet() and fifth.quiet()
        assert asked.ask(_READ) == raw("03 02 03e8")


def test_full_server_drops_the_longest_idle():
    with Bench(counting(), max_clients=3) as bench:
        clients = [bench.client() for _ in range(3)]
        for number in (0, 1, 2, 0):
            clients[number].ask(_READ)
            sleep_ms(3)
        newest = bench.client()
        assert clients[1].closed()
        for client in (clients[0], clients[2], newest):
            assert client.ask(_READ) == raw("03 02 03e8")
            sleep_ms(3)
        assert bench.client().quiet()
        assert clients[0].closed() and clients[2].quiet() and newest.quiet()


def test_new_client_inherits_no_merits():
    with Bench(counting(), max_clients=2) as bench:
        before, idle = bench.client(), bench.client()
        idle.ask(_READ)
        before.ask(_READ)
        before.close()
        bench.rest(5)
        silent = bench.client()  # in the place of a client that did ask
        bench.client()
        assert silent.closed() and idle.quiet()


def test_flood_of_silent_clients_never_harms_a_working_one():
    with Bench(counting(), max_clients=2) as bench:
        worker = bench.client()
        worker.ask(_READ)
        for _ in range(20):
            bench.client()
            assert worker.ask(_READ) == raw("03 02 03e8")


def test_single_connection_goes_to_the_newest():
    with Bench(counting(), max_clients=1) as bench:
        old = bench.client()
        old.ask(_READ)
        new = bench.client()
        assert old.closed()
        assert new.ask(_READ) == raw("03 02 03e8")


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


class Full:
    """`with Full(module, name)`: there is no memory for what is called so there."""

    def __init__(self, module, name):
        self._module, self._name = module, name

    def __enter__(self):
        self._real = getattr(self._module, self._name)
        setattr(self._module, self._name, self._fail)

    def __exit__(self, *_):
        setattr(self._module, self._name, self._real)

    @staticmethod
    def _fail(*_):
        raise MemoryError


def test_a_client_for_whom_there_is_no_memory_harms_nobody():
    with Bench(counting(), max_clients=3) as bench:
        client = bench.client()
        client.ask(_READ)
        bench.caller()
        sleep_ms(5)
        micropython.heap_lock()
        try:
            bench.tcp.poll()
        finally:
            micropython.heap_unlock()
        with Full(sock, "peer_of"):
            refused = bench.client()
        assert refused.closed()
        assert client.ask(_READ) == raw("03 02 03e8")
        assert bench.client().ask(_READ) == raw("03 02 03e8")


def test_without_memory_for_more_clients_the_idle_make_room():
    with Bench(counting(), max_clients=3) as bench:
        with Full(tcp, "_Connection"):
            assert bench.client().closed()
        idle, client = bench.client(), bench.client()
        idle.ask(_READ)
        client.ask(_READ)
        with Full(tcp, "_Connection"):
            newest = bench.client()
        assert idle.closed()
        assert [one.ask(_READ) for one in (client, newest)] == [raw("03 02 03e8")] * 2


class FullPoller:
    """The poller of a server, but there is no memory for one more socket."""

    def __init__(self, poller):
        self.ipoll = poller.ipoll
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
