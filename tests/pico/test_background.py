"""A slave that serves in the background, while the main program computes without a pause."""

import pytest

from tests.pico.cases import CASES, PHASE_NS, READ_1, READ_10, READ_100, WRITE_10
from tools.emulator.master import efficiency
from tools.emulator.wire import MS, US, Format, frame, read_registers

_FORMS = (Format(9600), Format(19200), Format(115200))
_FAST = _FORMS[-1]
_SHORT_US, _LONG_US = {9600: 500, 19200: 800, 115200: 150}, {9600: 700, 19200: 1000, 115200: 300}
_EFFICIENCY = {9600: 0.985, 19200: 0.965, 115200: 0.975}
_RELEASE_LIMIT_US = 20
_PHASES, _PHASE_NS = 12, 100 * US  # from the end of a request to the end of its handling
_CTRL_C_LIMIT_MS = 60
_SPEED = 0.75  # of the main program, beside what it has alone


@pytest.fixture
def serve(start):
    """serve(form): the Master of a slave in the background, whose program computes."""
    return lambda form: start(form, program="compute")


def check(master, case, figures, phases=1):
    """Ask, meeting the main program elsewhere each time: reply and pin are in time."""
    baudrate = master.line.form.baudrate
    short = case in (READ_1, READ_10)
    row = "1 and 10" if short else "100"
    limit_us = (_SHORT_US if short else _LONG_US)[baudrate]
    for phase in range(phases):
        exchange = master.ask(case.request, master.line.free_ns + phase * PHASE_NS)
        assert exchange.reply == case.reply
        if case is not WRITE_10:
            name = f"background: reply after t3.5, {baudrate} baud, {row} registers, us"
            figures.note(name, exchange.late_us)
        figures.note("background: pin after the last stop bit, us, at most", exchange.release_us)
        assert 0 <= exchange.late_us <= limit_us
        assert exchange.lead_us > 0
        assert 0 <= exchange.release_us <= _RELEASE_LIMIT_US
        assert not master.line.damaged


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reply(serve, case, figures):
    check(serve(_FAST), case, figures)


@pytest.mark.parametrize("form", _FORMS[:2])
def test_reply_at_slower_rates(serve, form, figures):
    check(serve(form), READ_10, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reply_in_every_phase(serve, form, case, figures):
    check(serve(form), case, figures, 5)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(1200), Format(4800, None, 2), Format(57600, None)))
def test_other_formats(serve, form):
    master = serve(form)
    for case in (READ_10, READ_100):
        exchange = master.ask(case.request)
        assert exchange.reply == case.reply
        assert 0 <= exchange.late_us <= 300
        assert 0 <= exchange.release_us <= _RELEASE_LIMIT_US


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
def test_line_efficiency(serve, form, figures):
    exchanges = serve(form).ask_all([READ_10.request] * 50)
    assert [exchange.reply for exchange in exchanges] == [READ_10.reply] * 50
    reached = efficiency(exchanges, form)
    figures.note(f"background: line efficiency at {form.baudrate} baud", reached)
    assert _EFFICIENCY[form.baudrate] <= reached <= 1


@pytest.mark.long_pico
def test_a_thousand_requests(serve, figures):
    exchanges = serve(_FAST).ask_all([READ_10.request] * 1000)
    answered = sum(exchange.reply == READ_10.reply for exchange in exchanges)
    figures.note("background: answers of 1000 requests", answered)
    assert answered == 1000


def test_the_main_program_goes_on(emulator, pico, figures):
    """While the line is never at rest, it has three quarters of its speed, and more."""
    speed = emulator.main_speed(pico, "compute")
    figures.note("background: speed of the main program, polled at 19200", speed)
    assert _SPEED <= speed <= 1


def test_nothing_is_allocated(emulator, pico, figures):
    cases = [READ_10, WRITE_10, READ_100] * 4
    requests = [case.request for case in cases]
    exchanges, served, idle = emulator.heap_bytes(
        pico, _FAST, requests, "count_heap_in_background"
    )
    assert [exchange.reply for exchange in exchanges] == [case.reply for case in cases]
    figures.note("background: heap bytes, 12 requests and idle", served + idle)
    assert (served, idle) == (0, 0)


def test_what_a_hook_raises_is_printed(start, pico):
    master = start(_FAST, program="fail")
    failed = frame(1, [0x83, 4])
    assert master.ask(read_registers(1, 2, 7)).reply == failed
    assert master.ask(READ_10.request).reply == READ_10.reply
    assert master.ask(read_registers(1, 3, 7)).reply == failed
    printed = pico.interrupt()
    assert "RuntimeError: register 7, 2" in printed
    assert "RuntimeError: register 7, 3" in printed


def send_a_part(master):
    """Have the slave begin a reply of 235 ms, and look on for 50 ms."""
    master.line.put(READ_100.request)
    master.line.run_for(80 * MS)
    assert master.line.stations[0].driving


def falls_in_time(master):
    """Let the reply end: it is whole, and the pin falls after its last stop bit."""
    line = master.line
    line.on_switch = None
    line.run_for(400 * MS)
    sent = bytes(char.byte for char, source in line.chars if source)
    assert sent == READ_100.reply
    (fell_ns,) = line.stations[0].edges(0, line.chars[-1][0].start_ns)
    assert 0 <= fell_ns - line.chars[-1][0].end_ns <= _RELEASE_LIMIT_US * 1000
    assert not line.damaged


def test_ctrl_c_while_it_replies(start, pico):
    """The program has ended, and the slave goes on: this reply, and the next ones."""
    master = start(Format(9600), program="abandon")
    send_a_part(master)
    pico.interrupt()
    falls_in_time(master)
    assert master.ask(READ_10.request).reply == READ_10.reply
    pico.soft_reset()


def test_ctrl_c_at_any_moment(serve, pico):
    """The first one ends the program, also where it meets the handler of a request."""
    for phase in range(_PHASES):
        line = serve(_FAST).line
        _, end_ns = line.put(READ_10.request)
        pico.run_until(end_ns + _PHASE_NS * phase)
        pico.interrupt(_CTRL_C_LIMIT_MS)  # fails if the program goes on
        assert pico.trace(2).level == 0


def test_stop_while_it_replies(serve, pico):
    """stop(), which Ctrl-C leads to here, stays until the reply has left."""
    master = serve(Format(9600))
    send_a_part(master)
    pico.interrupt()
    assert pico.trace(2).level == 0
    falls_in_time(master)


def test_a_soft_reset_while_it_replies(start, pico):
    """What is left of the reply is lost; the next slave has the pin at receive, and answers."""
    master = start(Format(9600), program="abandon")
    send_a_part(master)
    pico.soft_reset()
    master = start(Format(9600), program="compute")
    assert pico.trace(2).level == 0
    assert master.ask(READ_10.request).reply == READ_10.reply
