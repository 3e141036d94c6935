"""Keeper: fail-safe, LED, watchdog, uptime, saving and restart, by a clock of our own."""

import gc

from support.app import clock

from app.keeper import PERIOD_MS, Keeper
from app.state import DeviceState


class Light:
    """An LED."""

    def __init__(self):
        self.level = 0
        self.changes = 0

    def __call__(self, level):
        self.level = level
        self.changes += 1


class Driver:
    """What a Keeper asks of a driver; `busy` is what it is doing."""

    def __init__(self):
        self.busy = self.stopping = False

    def nap_ms(self):
        return 0 if self.busy else 1

    def shutdown(self):
        self.stopping = True


class Bench:
    """A Keeper and what it looks after, on a clock whose ticks wrap within a minute."""

    def __init__(self, save=None, **named):
        clock.reset()
        clock.now_ns = ((1 << 30) - 20_000) * 1_000_000
        self.state = DeviceState()
        self.safe = 0
        self.saved = []
        self.said = []
        self.driver = Driver()
        self.keeper = Keeper(
            self.state, self.make_safe, save or self.saved.append, self.said.append, **named
        )
        self.keeper.drivers = [self.driver]
        self.counters = Counters()
        self.state.counters.append(self.counters)

    def make_safe(self):
        self.safe += 1

    def run(self, ms, each=None):
        """Update as serve() does."""
        for _ in range(ms // PERIOD_MS):
            clock.sleep_ms(PERIOD_MS)
            if each is not None:
                each()
            self.keeper.update()

    def ask(self):
        """A request comes and is carried out."""
        self.counters.server_message_count += 1
        self.state.carried_out += 1

    def show(self, led, ms, each=None):
        """How long the LED was on, in ms, and how often it changed."""
        before = led.changes
        self.on_ms = 0

        def look():
            self.on_ms += PERIOD_MS * led.level
            if each is not None:
                each()

        self.run(ms, look)
        return self.on_ms, led.changes - before


class Counters:
    server_message_count = 0


def test_uptime_goes_on_when_ticks_wrap():
    bench = Bench()
    bench.run(45_100)
    assert bench.state.uptime_s == 45
    assert 44_900 <= bench.state.silence_ms <= 45_300


def test_uptime_when_the_program_was_elsewhere():
    bench = Bench()
    clock.sleep_ms(7_300)
    bench.run(500)
    assert bench.state.uptime_s == 7


def test_fail_safe_strikes_once_and_ends_with_a_request():
    bench = Bench(failsafe_s=30)
    bench.run(29_900)
    assert (bench.safe, bench.state.fail_safe) == (0, False)
    bench.run(200)
    assert (bench.safe, bench.state.fail_safe) == (1, True)
    bench.run(60_000)
    assert bench.safe == 1
    bench.ask()
    bench.run(100)
    assert not bench.state.fail_safe
    bench.run(29_800)
    assert bench.safe == 1
    bench.run(400)
    assert bench.safe == 2


def test_only_requests_that_were_carried_out_hold_it_off():
    bench = Bench(failsafe_s=2)

    def mistake():
        bench.counters.server_message_count += 1

    bench.ask()
    bench.run(1_900)
    assert bench.safe == 0
    bench.ask()
    bench.run(1_900, mistake)
    assert bench.safe == 0
    bench.run(200, mistake)
    assert bench.safe == 1


def test_the_count_of_requests_wraps():
    bench = Bench(failsafe_s=1)
    bench.state.carried_out = 65_535
    bench.run(900)
    bench.state.carried_out = 0
    bench.run(900)
    assert bench.safe == 0


def test_the_longest_time_and_never():
    bench = Bench(failsafe_s=65_535)
    bench.state.silence_ms = 65_534_000
    bench.run(900)
    assert bench.safe == 0
    bench.run(200)
    assert bench.safe == 1
    bench = Bench()
    bench.state.silence_ms = (1 << 28) - 100
    bench.run(1_000)
    assert bench.safe == 0
    assert bench.state.silence_ms == 1 << 28


def test_the_watchdog_is_fed_often():
    fed = []
    Bench(feed_watchdog=lambda: fed.append(clock.ticks_ms())).run(2_000)
    assert 35 <= len(fed) <= 41
    assert max(clock.ticks_diff(b, a) for a, b in zip(fed, fed[1:])) <= 60


def test_the_led_flashes_for_life():
    led = Light()
    on_ms, changes = Bench(led=led).show(led, 20_000)
    assert 400 <= on_ms <= 700
    assert 18 <= changes <= 22


def test_the_led_shows_traffic():
    led = Light()
    bench = Bench(led=led)
    bench.run(2_000)
    on_ms, changes = bench.show(led, 4_000, bench.ask)
    assert on_ms >= 3_800
    bench.ask()
    bench.run(60)
    assert led.level == 1
    bench.run(60)
    assert led.level == 0 or changes


def test_the_led_blinks_in_trouble_whatever_the_traffic():
    for name, value in (("fail_safe", True), ("network_down", True), ("problems", ["one"])):
        led = Light()
        bench = Bench(led=led)
        setattr(bench.state, name, value)
        on_ms, changes = bench.show(led, 8_000, None if name == "fail_safe" else bench.ask)
        assert 3_500 <= on_ms <= 4_500
        assert 50 <= changes <= 65


def test_settings_that_are_not_saved_are_no_trouble():
    led = Light()
    bench = Bench(led=led)
    bench.state.unsaved = True
    assert bench.show(led, 20_000)[1] <= 22


def test_a_restart_waits_for_the_answer_to_leave():
    bench = Bench()
    bench.state.restarting = True
    bench.run(500)
    assert not bench.driver.stopping
    bench.run(100)
    assert bench.driver.stopping
    assert bench.saved == []


def test_settings_are_written_after_the_answer_and_before_the_restart():
    bench = Bench()
    bench.state.restarting = True
    bench.state.new_settings = b"new"
    bench.driver.busy = True  # the answer is on its way
    bench.run(500)
    assert bench.saved == [] and not bench.driver.stopping
    bench.driver.busy = False
    bench.run(50)
    assert bench.saved == [b"new"]
    bench.run(100)
    assert bench.saved == [b"new"]
    assert bench.driver.stopping


def test_no_settings_are_written_in_the_update_right_after_the_order():
    bench = Bench()
    bench.state.restarting = True
    bench.state.new_settings = b"new"
    bench.run(50)
    assert bench.saved == []
    bench.run(50)
    assert bench.saved == [b"new"]


def test_a_line_that_is_never_silent_does_not_keep_them_from_being_written():
    bench = Bench()
    bench.state.restarting = True
    bench.state.new_settings = b"new"
    bench.driver.busy = True
    bench.run(1_900)
    assert bench.saved == []
    bench.run(200)
    assert bench.saved == [b"new"]
    bench.run(100)
    assert bench.driver.stopping


def test_settings_that_cannot_be_written_are_told_and_it_serves_on():
    for error in (OSError(28), MemoryError("no room")):

        def save(_, error=error):
            raise error

        bench = Bench(save)
        for _ in range(3):  # the order comes again and again
            bench.state.restarting = True
            bench.state.new_settings = b"new"
            bench.run(1_000)
            assert not bench.state.restarting
            assert not bench.driver.stopping
        problem = "the settings are not saved: {}".format(error)
        assert bench.state.problems == [problem]
        assert bench.said == [problem] * 3
        bench.state.restarting = True
        bench.run(600)
        assert bench.driver.stopping


def test_the_network_is_looked_at_every_second():
    class Network:
        ticks = 0
        address = ""
        is_up = False

        def tick(self):
            self.ticks += 1
            return self.is_up

    network = Network()
    bench = Bench(network=network)
    assert bench.state.network_down
    bench.run(10_100)
    assert network.ticks == 10
    # At an access point of its own it has an address, and is not in the network that is wanted.
    for address, is_up in (("192.168.7.20", True), ("", False), ("192.168.4.1", False)):
        network.address, network.is_up = address, is_up
        bench.run(1_000)
        assert bench.state.network_down != is_up
        high, low = bench.state.address
        parts = (high >> 8, high & 255, low >> 8, low & 255)
        assert parts == tuple(int(part) for part in (address or "0.0.0.0").split("."))


def test_memory_is_counted_in_a_pause_for_a_client_that_has_read_it():
    bench = Bench()
    state = bench.state
    assert state.free_bytes > 0
    state.free_bytes = 0
    bench.run(5_000)
    assert state.free_bytes == 0
    bench.ask()
    state.free_wanted = True
    bench.run(1_000)
    assert state.free_bytes == 0
    bench.driver.busy = True
    bench.run(500)
    assert state.free_bytes == 0
    bench.driver.busy = False
    bench.run(50)
    assert state.free_bytes > 0 and not state.free_wanted


def test_memory_is_counted_once_a_minute_for_clients_that_do_not_pause():
    bench = Bench()
    state = bench.state
    counted = []

    def ask():
        bench.ask()
        state.free_wanted = True
        if state.free_bytes:
            counted.append(1)
            state.free_bytes = 0

    state.free_bytes = 0
    bench.run(59_900, ask)
    assert counted == []
    bench.run(150, ask)
    assert counted == [1]
    bench.run(59_000, ask)
    assert counted == [1]
    bench.run(1_100, ask)
    assert counted == [1, 1]


def test_closed_it_leaves_everything_safe_and_dark():
    led = Light()
    bench = Bench(led=led)
    led(1)
    bench.keeper.close()
    assert (bench.safe, led.level) == (1, 0)


def test_an_update_allocates_nothing():
    bench = Bench(failsafe_s=1, led=Light(), feed_watchdog=gc.isenabled)
    bench.state.problems.append("one")
    bench.run(100)
    bench.state.free_wanted = True
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(500):
        clock.sleep_ms(55)
        bench.keeper.update()
    after = gc.mem_alloc()
    gc.enable()
    assert after == before, after - before
