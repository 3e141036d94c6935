"""RTUClient's times: silence before a request, time-outs, replies taken at once, the pin."""

from support import spread
from support.boards import BOARDS
from support.bus import value_of
from support.client import STEP_US, Bench, always, clock, frame, raw, silent
from support.machine import PORTS, Pin, machine, made
from support.rtu import spans
from support.uart import Output
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.errors import NoConnectionError

_READ = "read_holding_registers(1, 10, 2)"
_RIGHT = always("030400460047")
_VALUES = [0x46, 0x47]
_RATES = (1200, 9600, 19200, 38400, 115200)


def begin_us(bench):
    """When the last request began."""
    n = len(bench.bus.asked[-1][1]) + 3
    return bench.bus.times_us[-1] - bench.bus.chars_ns(n) // 1000


def keeps_silence(bench, end_us):
    """Check that the last request began after t3.5 of silence, and not much later."""
    quiet_us = begin_us(bench) - end_us
    assert -2 <= quiet_us - bench.t35_us <= 1000, (quiet_us, bench.t35_us)


# --- silence before a request


def test_silence_after_a_reply():
    for baudrate in _RATES:
        bench = Bench(baudrate=baudrate)
        ends_us = []

        def script(slave_id, pdu, bench=bench, ends_us=ends_us):
            ends_us.append(bench.bus.end_ns() // 1000 + bench.say(5000, _RIGHT(slave_id, pdu)))

        bench.replies = script
        for i in range(4):
            bench.expect(_VALUES, _READ)
            if i:
                keeps_silence(bench, ends_us[i - 1])


def test_silence_after_what_others_said():
    """It had ended shortly before the call."""
    for baudrate in _RATES:
        for data in (b"\0", bytes(20), frame(2, raw("030411112222"))):
            bench = Bench(_RIGHT, baudrate)
            clock.sleep_us(20_000)
            end_us = bench.bus.hear(clock.now_us(), data)
            clock.sleep_us(end_us - clock.now_us() + bench.t35_us // 4)
            before_us = clock.now_us()
            bench.expect(_VALUES, _READ)
            assert begin_us(bench) - before_us >= bench.t35_us * 3 // 4 - 2


def test_silence_while_others_speak():
    for baudrate in _RATES:
        bench = Bench(_RIGHT, baudrate)
        clock.sleep_us(20_000)
        end_us = bench.bus.hear(clock.now_us(), bytes(40))
        clock.sleep_us(bench.char_us * 5 // 2)
        bench.expect(_VALUES, _READ)
        keeps_silence(bench, end_us)


def test_a_line_that_is_never_silent():
    bench = Bench(_RIGHT, 115200, timeout_ms=50)
    clock.sleep_us(20_000)
    bench.bus.hear(clock.now_us(), bytes(1000))
    clock.sleep_us(300)
    assert bench.outcome(_READ) in ("NoReplyError", "BadReplyError")
    assert bench.bus.asked == []
    assert 49_000 <= bench.took_us <= 60_000
    clock.sleep_us(60_000)
    bench.works()


def test_nothing_is_waited_for_on_a_line_that_was_silent():
    bench = Bench(_RIGHT)
    for _ in range(3):
        clock.sleep_ms(100)
        before_us = clock.now_us()
        bench.expect(_VALUES, _READ)
        assert begin_us(bench) - before_us < 500


# --- time-outs


def test_timeout_counts_from_the_end_of_the_request():
    for baudrate in (1200, 19200, 115200):
        for timeout_ms in (100, 1000):
            for call in (_READ, "write_multiple_registers(1, 0, [1] * 123)"):
                bench = Bench(silent, baudrate, timeout_ms=timeout_ms)
                bench.expect("NoReplyError", call)
                waited_us = clock.now_us() - bench.bus.times_us[0] - 1000 * timeout_ms
                assert -1500 <= waited_us <= 12_000, (baudrate, timeout_ms, waited_us)


def test_timeout_of_an_adapter():
    """Its write() returns at once; the line is as slow as it is nevertheless."""
    for echo in (False, True):
        bench = Bench(
            baudrate=1200, timeout_ms=300, line={"txdone": "true", "echo": echo}, echo=echo
        )
        bench.be_adapter()
        bench.replies = lambda *_: (80_000, frame(1, raw("100000007b")))
        bench.expect(123, "write_multiple_registers(1, 0, [1] * 123)")
        bench.replies = silent
        bench.expect("NoReplyError", _READ)
        waited_us = clock.now_us() - bench.bus.times_us[-1]
        assert 298_000 <= waited_us <= 312_000, waited_us


def test_a_reply_just_before_the_time_is_up():
    bench = Bench(timeout_ms=100)
    bench.replies = lambda slave_id, pdu: (97_000 - 9 * bench.char_us, _RIGHT(slave_id, pdu))
    bench.expect(_VALUES, _READ)


def test_characters_do_not_prolong_the_wait():
    bench = Bench(timeout_ms=100)

    def script(_slave_id, _pdu):
        at_us = 0
        for _ in range(30):
            at_us = bench.say(at_us + 10_000, b"\x01")

    bench.replies = script
    bench.expect("BadReplyError", _READ)
    waited_us = clock.now_us() - bench.bus.times_us[0]
    assert 98_000 <= waited_us <= 112_000, waited_us


# --- replies


_WHOLE = (
    (_READ, "030400460047"),
    ("read_coils(1, 0, 3)", "010105"),
    ("read_coils(1, 0, 2000)", "01fa" + "55" * 250),
    ("read_input_registers(1, 0, 20)", "0428" + "0001" * 20),
    ("read_input_registers(1, 0, 125)", "04fa" + "0001" * 125),
    ("write_single_coil(1, 0, 1)", "050000ff00"),
    ("write_single_register(1, 0, 1)", "0600000001"),
    ("write_multiple_coils(1, 0, [1])", "0f00000001"),
    ("write_multiple_registers(1, 0, [1])", "1000000001"),
    ("mask_write_register(1, 0, 1, 2)", "16000000010002"),
    ("read_write_multiple_registers(1, 0, 1, 0, [1])", "17020001"),
    (_READ, "8302"),
    ("request(1, b'\\x08\\0\\0\\1\\2')", "0800000102"),
)


def test_a_reply_is_taken_as_soon_as_it_is_whole():
    """Within a millisecond, and the silence after it is not waited for."""
    for baudrate in (9600, 19200, 115200):
        for call, response in _WHOLE:
            bench = Bench(baudrate=baudrate)
            ends_us = []

            def script(slave_id, pdu, bench=bench, response=response, ends_us=ends_us):
                reply = always(response)(slave_id, pdu)
                ends_us.append(bench.bus.end_ns() // 1000 + bench.say(5000, reply))

            bench.replies = script
            bench.outcome(call)
            late_us = clock.now_us() - ends_us[0]
            assert 0 <= late_us <= 1000, (baudrate, call, late_us)


def test_ticks_wrap_at_any_moment():
    for at_us in range(0, 40_000, 1511):
        bench = Bench(baudrate=9600)
        clock.reset(at_us, STEP_US)
        bench.works()


def test_long_silence():
    """The ticks wrap, maybe more than once, between two calls."""
    for minutes in (4, 8, 9, 10, 17, 18, 60):
        bench = Bench(_RIGHT)
        bench.expect(_VALUES, _READ)
        clock.sleep_ms(minutes * 60_000)
        bench.expect(_VALUES, _READ)
        assert bench.took_us < 100_000


# --- the direction pin


def test_the_pin_around_a_request():
    """Bench checks each edge; here also the extra time on either side, and the other level."""
    for name in BOARDS:
        for active in (0, 1):
            for extra_us in (0, 300):
                pin = Output()
                options = {"de": pin, "de_active": active, "turnaround_us": extra_us}
                bench = Bench(line=BOARDS[name], **options)
                bench.works()
                edges = spans(pin.trace, active)
                assert len(edges) == 3, name
                up_ns, down_ns = edges[-1]
                lead_ns = begin_us(bench) * 1000 - up_ns
                hold_ns = down_ns - bench.bus.times_us[-1] * 1000
                assert lead_ns >= 1000 * extra_us - 1000, (name, lead_ns)
                assert -1000 <= hold_ns - 1000 * extra_us <= bench.bus.char_ns, (name, hold_ns)


def test_the_pin_may_be_missing():
    bench = Bench(de=None)
    bench.works()


def test_the_pin_when_the_uart_fails():
    for method in ("write", "any", "readinto", "txdone"):
        for in_the_middle in (False, True)[: 1 if method == "write" else 2]:
            bench = Bench(timeout_ms=100, line={"echo": True})
            fail = setter(bench, method)
            if in_the_middle:
                bench.replies = fail
            else:
                fail()
            raises(NoConnectionError, bench.call, "write_multiple_registers(1, 0, [1] * 50)")
            assert bench.bus.pin.level == 0, (method, in_the_middle)
            assert clock.now_ns + bench.bus.char_ns >= bench.bus.end_ns(), "too early"
            bench.bus._frame = b""
            bench.bus.pin.faults.clear()  # they are about requests that left
            bench.bus.fail_in = None
            clock.sleep_ms(100)
            bench.works()


def setter(bench, method):
    """A function, or a script, that has a method of the UART raise the next time."""

    def fail(*_):
        bench.bus.fail_in = method

    return fail


def test_close_leaves_the_pin_at_receive():
    for active in (0, 1):
        pin = Output()
        bench = Bench(de=pin, de_active=active)
        bench.works()
        bench.client.close()
        assert pin.level() == 1 - active


def test_an_interrupt():
    """Ctrl-C while a call waits: the pin is at receive, and the next call is right."""
    bench = Bench()
    bench.replies = lambda slave_id, _: (30_000, frame(slave_id, raw("030411112222")))
    line = bench.client.line
    hear = line.receive

    def interrupt(_n, _now_us):
        line.receive = hear
        raise KeyboardInterrupt

    line.receive = interrupt
    raises(KeyboardInterrupt, bench.call, _READ)
    assert bench.bus.pin.level == 0
    bench.replies = _RIGHT
    bench.expect(_VALUES, _READ)
    bench.works()


# --- UARTs by number


def test_a_uart_by_its_number():
    for port, has_pins in (("rp2", True), ("esp32", True), ("stm32", False)):
        machine.port = PORTS[port]
        RTUClient(1, baudrate=9600, parity=0, stop=1, tx=8, rx=9, de=4)
        (uart,) = made()
        assert uart.number == 1 and uart.format == (9600, 8, 0, 1)
        assert uart.options["rxbuf"] >= 300 and uart.options["timeout"] == 0
        assert uart.options.get("tx") == (8 if has_pins else None)
        assert Pin.last.number == 4 and Pin.last.level() == 0


def test_bad_formats():
    for options in (
        {"baudrate": 0},
        {"baudrate": 9600, "parity": 2},
        {"baudrate": 9600, "bits": 9},
        {"baudrate": 9600, "stop": 3},
        {"baudrate": 9600, "timeout_ms": 0},
        {"baudrate": 9600, "timeout_ms": "1"},
        {"baudrate": 9600, "retries": -1},
        {"baudrate": 9600, "turnaround_ms": -1},
        {"baudrate": 9600, "turnaround_ms": None},
        {"baudrate": 9600, "framer": "mbap"},
    ):
        raises((ValueError, TypeError), RTUClient, Bench().bus, **options)


def test_time_outs_that_are_shorter_than_the_silence():
    """timeout_ms is the slave's: the silence before each request is not counted."""
    for baudrate in (1200, 2400, 9600, 19200, 115200):
        for line in ({}, {"exact_times": False, "txdone": "true"}):
            for echo in (False, True):
                for timeout_ms in spread(range(1, 60), 4):
                    check_short(baudrate, timeout_ms, dict(line, echo=echo), echo)


def check_short(baudrate, timeout_ms, line, echo):
    bench = Bench(baudrate=baudrate, line=line, timeout_ms=timeout_ms, echo=echo, de=None)
    bench.bus.delay_us = 300
    if bench.char_us + 1500 > 1000 * timeout_ms:
        return  # the reply's first character cannot come in time
    for i in range(4):
        bench.expect([value_of(5, i)], "read_holding_registers(5, {}, 1)".format(i))
        bench.expect(7, "write_single_register(6, 1, 7)")
    bench.expect(None, "write_single_register(0, 1, 7)")
    bench.expect([value_of(5, 9)], "read_holding_registers(5, 9, 1)")
