"""serve(every=...), blocking and under asyncio, by a clock that wraps: when the call is made.

A call that comes late does not move those after it; one that was missed is not made up for.
"""

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart

import random

from support.umb import raises

from umb import aio
from umb.serve import serve
from umb.server import Driver


def asynchronous(*drivers, **named):
    run(aio.serve(*drivers, **named))


class World(Driver):
    """Sleeps for all as the first driver does, and ends serve() after so long.

    busy_ms   what a round takes besides: busy_ms()
    """

    def __init__(self, for_ms, nap_ms=1000, busy_ms=None):
        super().__init__(None)
        self._end_ns = None
        self._for_ms = for_ms
        self._nap_ms = nap_ms
        self._busy_ms = busy_ms
        self.rounds = 0
        self.waits_ms = []
        self.finished = 0

    def nap_ms(self):
        return self._nap_ms

    def watch(self, poller):
        pass

    def poll(self, wait_ms=0):
        self.rounds += 1
        self.waits_ms.append(wait_ms)
        assert wait_ms >= 0
        if self._end_ns is None:
            self._end_ns = clock.now_ns + self._for_ms * 1_000_000
        clock.now_ns += wait_ms * 1_000_000 + 20_000
        if self._busy_ms is not None:
            clock.now_ns += self._busy_ms() * 1_000_000
        if clock.now_ns >= self._end_ns:
            self.shutdown()
        return 0

    def finish(self):
        self.finished += 1


class Calls:
    """Notes when it was called, in ms from the first call on; takes `lasts_ms`."""

    def __init__(self, lasts_ms=0):
        self.times_ms = []
        self._first_ns = None
        self._lasts_ms = lasts_ms

    def __call__(self):
        if self._first_ns is None:
            self._first_ns = clock.now_ns
        self.times_ms.append((clock.now_ns - self._first_ns) / 1_000_000)
        clock.now_ns += self._lasts_ms * 1_000_000


def begin(until_wrap_ms=500):
    clock.reset(until_wrap_ms=until_wrap_ms)


def test_no_drift():
    """Each call is made in the round after it was due, so 10 s hold 201 of every 50 ms."""
    random.seed(3)
    for kind in (serve, asynchronous):
        begin()
        calls = Calls()
        kind(World(10_000, busy_ms=lambda: random.randint(0, 30)), every=(50, calls))
        assert 200 <= len(calls.times_ms) <= 201, kind
        for i, time_ms in enumerate(calls.times_ms):
            assert -1 <= time_ms - 50 * i <= 40, (kind, i, time_ms)


def test_wherever_the_clock_wraps():
    for kind in (serve, asynchronous):
        for until_wrap_ms in (1, 10, 49, 50, 51, 75, 777, 1000):
            begin(until_wrap_ms)
            calls = Calls()
            kind(World(1000), every=(50, calls))
            assert 20 <= len(calls.times_ms) <= 21
            for i, time_ms in enumerate(calls.times_ms):
                assert -1 <= time_ms - 50 * i <= 8, (kind, until_wrap_ms, i, time_ms)


def test_calls_that_were_missed_are_left_out():
    """A round of 170 ms now and then: afterwards the calls are where they were to be."""
    for kind in (serve, asynchronous):
        begin(2000)
        calls = Calls()
        world = World(10_000, busy_ms=lambda: 170 if world.rounds % 40 == 39 else 0)  # noqa: B023
        kind(world, every=(50, calls))
        assert len(calls.times_ms) < 190, "some were missed"
        on_time = [time_ms for time_ms in calls.times_ms if (time_ms + 1) % 50 <= 9]
        assert len(on_time) > 0.8 * len(calls.times_ms), kind


def test_a_function_that_takes_longer_than_its_period():
    """The drivers are polled between two calls all the same."""
    for kind in (serve, asynchronous):
        begin()
        calls = Calls(lasts_ms=70)
        world = World(3000)
        kind(world, every=(50, calls))
        assert 25 < len(calls.times_ms) <= world.rounds + 1, kind


def test_the_first_call_is_made_at_once():
    for kind in (serve, asynchronous):
        begin()
        start_ns = clock.now_ns
        first_ns = []
        kind(World(100), every=(60_000, lambda: first_ns.append(clock.now_ns)))  # noqa: B023
        assert len(first_ns) == 1 and first_ns[0] - start_ns < 5_000_000, kind


def test_naps_end_when_a_call_is_due():
    begin()
    world = World(5000)
    calls = Calls()
    serve(world, every=(70, calls))
    assert max(world.waits_ms) == 70 and world.rounds < 90
    assert 71 <= len(calls.times_ms) <= 73


def test_naps_are_as_long_as_ever_without_a_call_due():
    begin()
    world = World(20_000)
    serve(world, every=(3_600_000, Calls()))
    assert max(world.waits_ms) == 500, "shutdown() has to be seen"
    world = World(20_000, nap_ms=30)
    serve(world, every=(3_600_000, Calls()))
    assert max(world.waits_ms) == 30


def test_periods_of_days():
    """The longest is half of what the clock can tell apart; with a look every hour."""
    for period_ms in (86_400_000, (1 << 29) - 1):
        begin()
        calls = Calls()
        world = World(3 * period_ms, nap_ms=500, busy_ms=lambda: 3_600_000)
        serve(world, every=(period_ms, calls))
        assert 3 <= len(calls.times_ms) <= 4
        for i, time_ms in enumerate(calls.times_ms):
            assert 0 <= time_ms - period_ms * i <= 3_700_000 * (i + 1)


def test_an_exception_of_the_function_ends_it():
    """As any bug of the program does; every driver is finished before."""

    def fail():
        raise RuntimeError("a bug")

    for kind in (serve, asynchronous):
        begin()
        worlds = [World(10_000) for _ in range(3)]
        assert str(raises(RuntimeError, kind, *worlds, every=(50, fail))) == "a bug"
        assert [world.finished for world in worlds] == [1, 1, 1], kind


def test_a_function_may_end_it():
    for kind in (serve, asynchronous):
        begin()
        world = World(1 << 29)
        calls = []

        def end(world=world, calls=calls):
            calls.append(1)
            if len(calls) == 5:
                world.shutdown()

        kind(world, every=(50, end))
        assert len(calls) == 5 and world.finished == 1


def test_wrong_arguments():
    for kind in (serve, asynchronous):
        begin()
        assert "driver" in str(raises(ValueError, kind))
        assert "driver" in str(raises(ValueError, kind, every=(50, print)))
        for every in (
            50,
            print,
            (50,),
            (print, 50),
            (0, print),
            (-1, print),
            (1 << 29, print),
            (0.05, print),
            ("50", print),
            (50, None),
            (50, print, 3),
            "ab",
            {},
        ):
            world = World(100)
            error = raises(ValueError, kind, world, every=every)
            assert "(milliseconds, function)" in str(error), every
            assert world.rounds == 0, every
