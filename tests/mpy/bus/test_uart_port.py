"""A Line: character times and the direction pin's edges."""

from support.boards import BOARDS, ESP8266
from support.rtu import spans
from support.uart import UART, Output, Pin, clock

from umb.frame.rtu import REQUEST, RTU
from umb.port.line import Line

_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_FORMATS = ((8, None, 1), (8, 0, 1), (8, 1, 1), (8, None, 2))
_ALL = dict(BOARDS)
_ALL["esp8266"] = ESP8266
_ADU = bytes(range(256)) + b"behind"


def line_on(uart, de, baudrate=19200, form=(8, 0, 1), de_active=1, turnaround_us=0):
    bits, parity, stop = form
    serves = bool  # nothing comes: nobody asks for whom it is
    times = turnaround_us, 20
    form = baudrate, bits, parity, stop
    return Line(REQUEST, serves, uart, *form, None, None, de, de_active, *times, RTU)


def transmit(baudrate, form, n, turnaround_us=0, **line):
    """Send n bytes; return how long the pin was ahead of the first start bit and how long it was
    behind the last stop bit, and a character time, all in ns."""
    char_us = 10_000_000 // baudrate
    clock.reset(until_wrap_us=3 * char_us + 7, step_us=max(1, char_us // 60))
    uart = UART(baudrate, *form, cost_us=max(1, char_us // 60), **line)
    pin = Output()
    one = line_on(uart, pin, baudrate, form, turnaround_us=turnaround_us)
    one.frame.adu[:] = _ADU
    one.send(n)
    one.flush()
    assert bytes(uart.sent.values[:n]) == _ADU[6 : 6 + n] and uart.sent.n == n
    ((up_ns, down_ns),) = spans(pin.trace, 1)
    return uart.sent.times_ns[0] - up_ns, down_ns - uart.end_ns(), uart.char_ns


def check(n, rates, boards, **named):
    for name in boards:
        for baudrate in rates:
            for form in _FORMATS:
                lead_ns, hold_ns, char_ns = transmit(baudrate, form, n, **boards[name], **named)
                what = "{} at {} {}: {} ns, {} ns".format(name, baudrate, form, lead_ns, hold_ns)
                assert lead_ns >= 0, what
                assert 0 <= hold_ns <= char_ns, what


def test_pin_frames_a_short_frame_at_every_rate():
    check(5, _RATES, _ALL)


def test_pin_frames_the_longest_frame():
    check(256, (9600, 115200, 921600), _ALL)


def test_pin_frames_one_character():
    check(1, _RATES, _ALL)


def test_pin_falls_within_a_few_looks_where_txdone_is_exact():
    for baudrate in _RATES:
        for n in (1, 8, 200):
            _, hold_ns, char_ns = transmit(baudrate, (8, 0, 1), n)
            assert hold_ns <= max(char_ns // 10, 5000), (baudrate, n, hold_ns)


def test_turnaround_is_added_on_either_side():
    for name, line in _ALL.items():
        for turnaround_us in (50, 1000):
            lead_ns, hold_ns, char_ns = transmit(19200, (8, 0, 1), 9, turnaround_us, **line)
            extra_ns = turnaround_us * 1000
            assert extra_ns <= lead_ns <= extra_ns + char_ns, (name, lead_ns)
            assert extra_ns <= hold_ns <= extra_ns + char_ns, (name, hold_ns)


def test_times_follow_the_format():
    for baudrate, form, frame_bits, t35_us in (
        (1200, (8, 0, 1), 11, 32083),
        (9600, (8, 0, 1), 11, 4010),
        (9600, (8, None, 2), 11, 4010),
        (9600, (8, None, 1), 10, 3646),
        (9600, (7, 1, 1), 10, 3646),
        (19200, (8, 1, 1), 11, 2005),
        (38400, (8, 0, 1), 11, 1750),
        (921600, (8, None, 1), 10, 1750),
    ):
        one = line_on(UART(baudrate, *form), None, baudrate, form)
        assert t35_us <= one.t35_us <= t35_us + 1, (baudrate, form, one.t35_us)
        for n in (1, 8, 256):
            exact_ns = n * frame_bits * 1_000_000_000 // baudrate
            assert exact_ns <= one.time_us(n) * 1000 <= exact_ns + 2000 + 16 * n, (baudrate, n)


def test_a_format_that_is_none_is_refused():
    for baudrate, bits, parity, stop in (
        (0, 8, 0, 1),
        (-9600, 8, 0, 1),
        (9600, 9, 0, 1),
        (9600, 6, 0, 1),
        (9600, 8, 2, 1),
        (9600, 8, "E", 1),
        (9600, 8, 0, 0),
        (9600, 8, 0, 3),
    ):
        try:
            line_on(UART(9600), None, baudrate, (bits, parity, stop))
        except ValueError:
            continue
        raise AssertionError((baudrate, bits, parity, stop))


def test_pin_is_at_receive_from_the_start_and_when_released():
    for active in (0, 1):
        for make in (Output, Pin):
            pin = make()
            one = line_on(UART(19200), pin, de_active=active)
            assert pin.level() == 1 - active
            assert not isinstance(pin, Pin) or pin.mode == Pin.OUT
            one.send(3)
            assert pin.level() == active
            one.release()
            assert pin.level() == 1 - active


def test_a_failing_uart_does_not_leave_the_pin_on():
    for method in ("write", "txdone"):
        for name in ("rp2", "esp8266", "a part at a time"):
            clock.reset()
            uart, pin = UART(19200, 8, 0, 1, **_ALL[name]), Output()
            one = line_on(uart, pin)
            uart.fail_in = method
            try:
                one.send(60)
                one.flush()
                raise AssertionError("no OSError came through")
            except OSError:
                assert pin.level() == 0, (method, name)
            assert method == "write" or clock.now_ns >= uart.end_ns(), "the frame is cut"


def test_a_line_without_pin_just_sends():
    uart = UART(19200, 8, 0, 1)
    one = line_on(uart, None)
    one.send(9)
    one.flush()
    assert uart.sent.n == 9 and clock.now_ns >= uart.end_ns()
