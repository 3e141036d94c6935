"""Keeper: fail-safe, LED, watchdog, uptime and restart, by a clock of our own."""

from support_app import clock

from app.keeper import Keeper


class Device:
    """What a Keeper looks after."""

    def __init__(self):
        self.requests = self.valid = 0
        self.trouble = 0
        self.restarting = False
        self.safe = 0

    def make_safe(self):
        self.safe += 1


class Light:
    """An LED; `spells` are [level, milliseconds], in order."""

    def __init__(self):
        self.level = 0
        self.changes = 0

    def __call__(self, level):
        self.level = level
        self.changes += 1


def make(**named):
    """(Keeper, its Device), on a clock whose ticks wrap within a minute."""
    clock.reset()
    clock.now_ns = ((1 << 30) - 20_000) * 1_000_000
    device = Device()
    return Keeper(device, named.pop("failsafe_s", 0), **named), device


def run(keeper, ms, each=None):
    """Poll every 5 ms."""
    for _ in range(ms // 5):
        clock.sleep_ms(5)
        if each is not None:
            each()
        keeper.poll()


def test_uptime_goes_on_when_ticks_wrap():
    keeper, _ = make()
    run(keeper, 45_100)
    assert keeper.uptime_s == 45
    assert 44_900 <= keeper.silence_ms <= 45_300


def test_uptime_when_the_program_was_elsewhere():
    keeper, _ = make()
    clock.sleep_ms(7_300)
    run(keeper, 500)
    assert keeper.uptime_s == 7


def test_fail_safe_strikes_once_and_ends_with_a_request():
    keeper, device = make(failsafe_s=30)
    run(keeper, 29_900)
    assert (device.safe, keeper.fail_safe) == (0, False)
    run(keeper, 200)
    assert (device.safe, keeper.fail_safe) == (1, True)
    run(keeper, 60_000)
    assert device.safe == 1
    device.valid += 1
    run(keeper, 100)
    assert not keeper.fail_safe
    run(keeper, 29_800)
    assert device.safe == 1
    run(keeper, 400)
    assert device.safe == 2


def test_requests_hold_it_off_and_a_cleared_counter_is_one():
    keeper, device = make(failsafe_s=2)
    device.valid = 5
    run(keeper, 1_900)
    device.valid = 0  # FC 8 sub-function 10 was a request
    run(keeper, 1_900)
    assert device.safe == 0
    run(keeper, 200)
    assert device.safe == 1


def test_the_longest_time_and_never():
    keeper, device = make(failsafe_s=65_535)
    keeper.silence_ms = 65_534_000
    run(keeper, 900)
    assert device.safe == 0
    run(keeper, 200)
    assert device.safe == 1
    keeper, device = make()
    keeper.silence_ms = (1 << 28) - 100
    run(keeper, 1_000)
    assert device.safe == 0
    assert keeper.silence_ms == 1 << 28


def test_the_watchdog_is_fed_often():
    fed = []
    keeper, _ = make(feed=lambda: fed.append(clock.ticks_ms()))
    run(keeper, 2_000)
    assert 35 <= len(fed) <= 41
    assert max(clock.ticks_diff(b, a) for a, b in zip(fed, fed[1:])) <= 60


def shine(keeper, led, ms, each=None):
    """How long the LED was on, in ms, and how often it changed."""
    before, on = led.changes, [0]

    def look():
        on[0] += 5 * led.level
        if each is not None:
            each()

    run(keeper, ms, look)
    return on[0], led.changes - before


def test_the_led_flashes_for_life():
    led = Light()
    keeper, _ = make(led=led)
    on_ms, changes = shine(keeper, led, 20_000)
    assert 400 <= on_ms <= 700
    assert 18 <= changes <= 22


def test_the_led_shows_traffic():
    led = Light()
    keeper, device = make(led=led)
    run(keeper, 2_000)

    def ask():
        device.requests += 1

    on_ms, changes = shine(keeper, led, 4_000, ask)
    assert on_ms >= 3_800
    device.requests += 1
    run(keeper, 60)
    assert led.level == 1
    run(keeper, 60)
    assert led.level == 0 or changes


def test_the_led_blinks_in_trouble_whatever_the_traffic():
    led = Light()
    keeper, device = make(led=led)
    device.trouble = 1

    def ask():
        device.requests += 1

    on_ms, changes = shine(keeper, led, 8_000, ask)
    assert 3_500 <= on_ms <= 4_500
    assert 50 <= changes <= 65


def test_a_restart_waits_for_the_answer_to_leave():
    keeper, device = make()
    device.restarting = True
    run(keeper, 450)
    assert not keeper.stopping
    run(keeper, 150)
    assert keeper.stopping


def test_the_radio_is_looked_at_every_second():
    class WiFi:
        ticks = 0

        def tick(self):
            self.ticks += 1

    wifi = WiFi()
    keeper, _ = make(wifi=wifi)
    run(keeper, 10_100)
    assert wifi.ticks == 10


def test_it_sleeps_when_it_is_alone():
    keeper, _ = make()
    keeper.poll()
    before_ms = clock.ticks_ms()
    keeper.poll(keeper.nap_ms())
    assert clock.ticks_diff(clock.ticks_ms(), before_ms) >= 40


def test_closed_it_leaves_everything_safe_and_dark():
    led = Light()
    keeper, device = make(led=led)
    led(1)
    keeper.server_close()
    assert (device.safe, led.level) == (1, 0)


def test_a_turn_allocates_nothing():
    import gc

    keeper, device = make(failsafe_s=1, led=Light(), feed=lambda: None)
    device.trouble = 1
    run(keeper, 100)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(50):
        clock.sleep_ms(55)
        keeper.poll()
    after = gc.mem_alloc()
    gc.enable()
    assert after == before
