"""umb.server.tcp.TCPServer: who has a place and who gets one, by a clock that wraps.

Nobody is disconnected who asks now and then, whoever else wants a place.
"""

from support.uart import clock  # comes first: it stands in for the module time

import random

from support.pdu import raw
from support.tcp import Bench, Failing, Keeper, counting, frame
from support.umb import Told

from umb.server import tcp

_READ = raw("03 0000 0001")
_VALUE = raw("03 02 03e8")
_WRAP_MS = 1 << 30
_DAY_MS = 86_400_000


def begin(until_wrap_ms=1000):
    """Start the clock; its milliseconds wrap that much later."""
    clock.reset(until_wrap_ms=until_wrap_ms)


def wait(bench, duration_ms, step_ms=200):
    """Let time pass while the server is polled."""
    while duration_ms > 0:
        clock.now_ns += min(step_ms, duration_ms) * 1_000_000
        duration_ms -= step_ms
        bench.poll()


def asked(bench, host=None):
    """A client that has had a request answered."""
    client = bench.client(host=host)
    assert client.ask(_READ) == _VALUE
    return client


def refused(bench, host=None):
    """Whether a new client is turned away."""
    client = bench.client(host=host)
    bench.poll(5)
    if client.is_closed():
        client.close()
        return True
    return False


# --- active clients keep their places


class Master:
    """Asks twice a second while it is connected, and tries to connect once a second."""

    def __init__(self, bench, number, offset_ms):
        self._bench = bench
        self._host = "127.0.0.%d" % (2 + number)
        self._client = None
        self._due_ms = offset_ms
        self.answered = 0
        self.turned_away = 0
        self.lost = 0

    def step(self, now_ms):
        if now_ms < self._due_ms:
            return
        if self._client is None:
            self._due_ms += 1000
            client = self._bench.client(host=self._host)
            self._bench.poll(2)
            if client.is_closed():
                client.close()
                self.turned_away += 1
                return
            self._client = client
        self._due_ms = now_ms + 500
        try:
            self._client.send(frame(_READ))
            assert self._client.frame()[2] == _VALUE
            self.answered += 1
        except (AssertionError, OSError):
            self.lost += 1
            self._client.close()
            self._client = None


def orders(n):
    """Every order of 0 .. n - 1."""
    if n == 0:
        return [[]]
    return [order[:at] + [n - 1] + order[at:] for order in orders(n - 1) for at in range(n)]


def test_five_masters_on_four_places_in_every_order_of_arrival():
    for order in orders(5):
        begin()
        with Bench(counting()) as bench:
            masters = [Master(bench, i, 70 * order.index(i)) for i in range(5)]
            for now_ms in range(0, 2500, 35):
                for master in masters:
                    master.step(now_ms)
                wait(bench, 35)
            assert [master.lost for master in masters] == [0] * 5, order
            for master in masters:
                first = order.index(masters.index(master)) < 4
                assert (master.answered > 3) if first else (master.turned_away > 1), order


def test_five_masters_for_two_minutes():
    begin(60_000)
    with Bench(counting()) as bench:
        masters = [Master(bench, i, 110 * i) for i in range(5)]
        for now_ms in range(0, 120_000, 100):
            for master in masters:
                master.step(now_ms)
            wait(bench, 100)
        assert [master.lost for master in masters] == [0] * 5
        assert [master.answered > 230 for master in masters] == [True] * 4 + [False]
        assert masters[4].turned_away > 100


def test_a_master_that_polls_every_61_seconds():
    """Within the time-out of ten minutes that is the default."""
    begin(300_000)
    with Bench(counting()) as bench:
        master, silent = asked(bench), bench.client()
        for _ in range(15):
            wait(bench, 61_000)
            assert master.ask(_READ) == _VALUE
        assert silent.closed()
        wait(bench, 590_000)
        assert master.ask(_READ) == _VALUE
        wait(bench, 610_000)
        assert master.closed()


# --- who makes room


def test_what_idle_means():
    """10 s without an answer; 5 s after it connected where none was ever asked for."""
    for ask, limit_ms in ((True, 10_000), (False, 5000)):
        begin()
        with Bench(counting(), max_clients=1) as bench:
            first = asked(bench) if ask else bench.client()
            first.send(frame(_READ)[:7])  # half a request is none
            wait(bench, limit_ms - 600)
            assert refused(bench), limit_ms
            first.send(frame(_READ)[7:8])
            wait(bench, 1200)
            assert not refused(bench), limit_ms
            assert first.closed()


def test_a_request_that_comes_with_the_newcomer():
    """The idle client that asks in the same moment keeps its place."""
    begin()
    with Bench(counting(), max_clients=1) as bench:
        first = asked(bench)
        wait(bench, 20_000)
        first.sock.write(frame(_READ))
        assert refused(bench)
        assert first.frame()[2] == _VALUE


def test_a_server_that_was_not_polled():
    """Time in which no request could be answered makes nobody idle who has just asked."""
    begin()
    with Bench(counting(), max_clients=1) as bench:
        first = asked(bench)
        clock.now_ns += 60_000 * 1_000_000
        first.sock.write(frame(_READ))
        second = bench.client()
        bench.poll(5)
        assert second.is_closed() and first.frame()[2] == _VALUE


def test_a_request_in_a_handlers_hands_is_not_idle():
    begin()
    keeper = Keeper()
    with Bench(keeper, max_clients=1, idle_timeout_ms=30_000) as bench:
        client = bench.client()
        client.send(frame(_READ))
        bench.until(lambda: keeper.kept, "no request")
        wait(bench, 100_000)
        assert refused(bench)
        keeper.answer(b"\x83\x04")
        assert client.frame()[2] == b"\x83\x04"
        wait(bench, 9000)
        assert refused(bench)
        wait(bench, 2000)
        assert not refused(bench)


def test_a_place_comes_from_the_host_that_has_most():
    begin()
    with Bench(counting(), max_clients=4) as bench:
        alone = asked(bench, "127.0.0.2")
        wait(bench, 1000)
        three = [asked(bench, "127.0.0.3") for _ in range(3)]
        wait(bench, 60_000)
        newcomer = asked(bench, "127.0.0.4")
        assert three[0].closed() and alone.ask(_READ) == _VALUE
        wait(bench, 60_000)
        another = asked(bench, "127.0.0.4")  # that would make two of its own, too
        assert three[1].closed()
        for client in (alone, three[2], newcomer, another):
            assert client.ask(_READ) == _VALUE


def test_a_host_does_not_crowd_out_the_others():
    begin()
    with Bench(counting(), max_clients=3, idle_timeout_ms=0) as bench:
        others = [asked(bench, "127.0.0.2"), asked(bench, "127.0.0.3")]
        for _ in range(10):
            wait(bench, 60_000)
            asked(bench, "127.0.0.4")
        for client in others:
            assert client.ask(_READ) == _VALUE


def test_those_that_never_asked_go_first():
    begin()
    with Bench(counting(), max_clients=3) as bench:
        worker = asked(bench)
        wait(bench, 20_000)
        silent = [bench.client(), bench.client()]
        wait(bench, 6000)
        assert not refused(bench)
        assert silent[0].closed() and worker.quiet() and silent[1].quiet()
        assert not refused(bench)
        assert silent[1].closed() and worker.quiet()
        assert not refused(bench), "those two have not been there for long"
        assert worker.closed()


def test_a_flood_of_silent_clients_never_harms_a_working_one():
    begin()
    with Bench(counting(), max_clients=2) as bench:
        worker = asked(bench)
        for _ in range(40):
            bench.client()
            wait(bench, 500)
            assert worker.ask(_READ) == _VALUE
        wait(bench, 6000)
        assert worker.ask(_READ) == _VALUE
        assert asked(bench).ask(_READ) == _VALUE, "the last silent one makes room"


class Model:
    """The rules again, a place a dictionary. Idle times are in steps of 2.7 s."""

    def __init__(self, places):
        self._free = places
        self.taken = []

    def connect(self, host, client):
        """The client that has to go, None, or the newcomer itself."""
        place = {"host": host, "client": client, "idle": 0, "asked": False}
        if len(self.taken) < self._free:
            self.taken.append(place)
            return None
        hosts = [one["host"] for one in self.taken] + [host]
        best, best_rank = None, ()
        for i, one in enumerate(self.taken):
            if one["idle"] * 2.7 > (10 if one["asked"] else 5):
                rank = (hosts.count(one["host"]), not one["asked"], one["idle"])
                if rank > best_rank:
                    best, best_rank = i, rank
        if best is None:
            return client
        gone = self.taken[best]["client"]
        self.taken[best] = place
        return gone


def test_random_histories_against_a_model():
    random.seed(4)
    evictions = 0
    for _ in range(15):
        begin(100_000)
        with Bench(counting(), max_clients=4, idle_timeout_ms=0) as bench:
            model = Model(4)
            for _ in range(60):
                for one in model.taken:
                    one["idle"] += 1
                wait(bench, 2700, 100)
                for one in model.taken:
                    if random.random() < 0.25:
                        assert one["client"].ask(_READ) == _VALUE
                        one["asked"], one["idle"] = True, 0
                newcomer_host = "127.0.0.%d" % random.randint(2, 5)
                newcomer = bench.client(host=newcomer_host)
                bench.poll(2)
                gone = model.connect(newcomer_host, newcomer)
                if gone is not None:
                    assert gone.closed()
                    gone.close()
                    evictions += gone is not newcomer
                for one in model.taken:
                    assert not one["client"].is_closed(), one["host"]
    assert evictions > 50, evictions


# --- a clock that wraps


def test_days_without_a_request():
    """With idle_timeout_ms=0 clients stay for weeks, and still make room."""
    for days in (6, 7, 12, 13, 14, 19, 40):
        begin()
        with Bench(counting(), max_clients=2, idle_timeout_ms=0) as bench:
            first, second = asked(bench), asked(bench)
            wait(bench, days * _DAY_MS, _DAY_MS // 4)
            assert first.quiet() and second.ask(_READ) == _VALUE, days
            assert not refused(bench), days
            assert first.closed() and second.ask(_READ) == _VALUE, days


def test_a_program_that_does_not_poll_for_days():
    for days in (1, 6, 7, 12, 13, 19):
        begin()
        with Bench(counting(), max_clients=2) as bench:
            first, second = asked(bench), asked(bench)
            clock.now_ns += days * _DAY_MS * 1_000_000
            first.sock.write(frame(_READ))
            bench.poll()
            assert first.frame()[2] == _VALUE, days
            wait(bench, 700_000)
            assert second.closed() and not refused(bench), days


def test_the_wrap_in_every_state():
    """Each client is served on, or goes when its time is up, wherever the clock wraps."""
    for until_wrap_ms in (1, 100, 260, 5000, 20_000):
        begin(until_wrap_ms)
        keeper = Keeper()
        server = counting()

        def handle(adu, n, link, keeper=keeper, server=server):
            return keeper.handle(adu, n, link) if adu[6] == 9 else server.handle(adu, n, link)

        both = Told()
        both.handle = handle
        went = Told()
        options = {"max_clients": 4, "idle_timeout_ms": 30_000, "on_disconnect": went}
        with Bench(both, **options) as bench:
            silent, half, kept, busy = [bench.client() for _ in range(4)]
            half.send(frame(_READ)[:9])
            kept.send(frame(_READ, 9))
            for _ in range(50):
                wait(bench, 500)
                assert busy.ask(_READ) == _VALUE
            assert went.calls == []
            half.send(frame(_READ)[9:])
            assert half.frame()[2] == _VALUE
            for _ in range(20):
                wait(bench, 500)
                assert busy.ask(_READ) == _VALUE
            assert silent.closed() and len(went.calls) == 1
            keeper.answer(b"\x83\x06")
            assert kept.frame()[2] == b"\x83\x06" and half.quiet()


def test_an_idle_time_out_at_every_moment_of_the_wrap():
    for until_wrap_ms in range(0, 1500, 130):
        begin(until_wrap_ms)
        with Bench(counting(), idle_timeout_ms=1000) as bench:
            client = asked(bench)
            wait(bench, 900, 50)
            assert client.ask(_READ) == _VALUE
            wait(bench, 900, 50)
            assert client.ask(_READ) == _VALUE
            wait(bench, 1600, 50)
            assert client.closed()


def test_the_longest_idle_time_out():
    begin()
    with Bench(counting(), idle_timeout_ms=_WRAP_MS - 1) as bench:
        client = asked(bench)
        wait(bench, 12 * _DAY_MS, _DAY_MS // 2)
        assert client.quiet()
        wait(bench, _DAY_MS, _DAY_MS // 2)
        assert client.closed()


# --- clients that cannot be accepted


def test_accepting_is_tried_again_after_a_while():
    """While no socket can be had the poller is not woken by those who wait, whatever the clock."""
    for until_wrap_ms in (1, 100, 1000):
        begin(until_wrap_ms)
        with Bench(counting()) as bench:
            with Failing(tcp, "accept", OSError(24)) as failing:
                waiting = bench.caller()
                for _ in range(100):
                    bench.poll()
                assert failing.calls == 1
                wait(bench, 1000, 50)
                assert 4 <= failing.calls <= 6
            wait(bench, 300)
            assert waiting.ask(_READ) == _VALUE
