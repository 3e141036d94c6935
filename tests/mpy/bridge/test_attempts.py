"""umb.bridge.attempts: when boards try to connect again."""

from time import ticks_add

from support import spread

from umb.bridge import attempts
from umb.bridge.attempts import Attempts


class Clock:
    """Stands in for the clock of umb.bridge.attempts."""

    def __init__(self, now_ms):
        self.now_ms = ticks_add(now_ms, 0)
        attempts.ticks_ms = lambda: self.now_ms

    def wait(self, ms):
        self.now_ms = ticks_add(self.now_ms, ms)


def test_times_double():
    """Up to a minute; each is changed by one half at most, and they are not all alike."""
    for start in (0, (1 << 29) - 20_000, (1 << 30) - 20_000, (1 << 62) - 20_000):
        clock = Clock(start)
        found = {}
        for _ in spread(range(200), 20):
            one = Attempts()
            assert 500 <= one.wait_ms() <= 1500
            clock.wait(one.wait_ms())
            assert one.wait_ms() == 0
            for nominal_ms in (1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000):
                one.failed()
                wait_ms = one.wait_ms()
                assert nominal_ms // 2 <= wait_ms <= 3 * nominal_ms // 2
                found.setdefault(nominal_ms, set()).add(wait_ms)
                clock.wait(wait_ms - 1)
                assert one.wait_ms() == 1
                clock.wait(1)
                assert one.wait_ms() == 0
        assert min(len(times) for times in found.values()) > 5


def test_a_connection_that_lasted():
    """After half a minute the next attempt is soon; whoever is thrown out at once has to wait."""
    for lasted_ms, is_soon in ((0, False), (29_999, False), (30_000, True), (1 << 28, True)):
        clock = Clock(0)
        one = Attempts()
        for _ in range(5):
            one.failed()
            clock.wait(one.wait_ms())
        one.accepted()
        clock.wait(lasted_ms)
        one.failed()
        assert (one.wait_ms() <= 1500) == is_soon, lasted_ms


def test_a_connection_that_lasts_longer_than_the_clock():
    clock = Clock(0)
    one = Attempts()
    for _ in range(5):
        one.failed()
    one.accepted()
    for _ in range(1000):
        clock.wait(1 << 26)
        one.keep_time()
    one.failed()
    assert one.wait_ms() <= 1500
