"""State machines that tell when the line is silent, and that switch the pin to receive."""

import pytest

from tests.pico.cases import CASES, PHASE_NS, READ_1, READ_10, READ_100
from tools.emulator.master import efficiency
from tools.emulator.wire import US, Format

_FORMS = (Format(9600), Format(19200), Format(115200))
_EFFICIENCY = {9600: 0.998, 19200: 0.99, 115200: 0.985}
_SPEED = 0.9  # of the main program, beside what it has alone


@pytest.fixture
def start(emulator, pio_board):
    """start(form, program): the Master of a slave with such a pin."""

    def start_alone(form, program):
        return emulator.start_alone(pio_board, form, program=program)

    yield start_alone
    pio_board.interrupt()


def check(master, case, figures, at_ns=None):
    """Ask: reply and pin are in time."""
    exchange = master.ask(case.request, at_ns)
    assert exchange.reply == case.reply
    row = "1 and 10 registers" if case in (READ_1, READ_10) else "100 registers, FC16 x 10"
    figures.note(f"background, PIO: reply after t3.5, {row}, us", exchange.late_us)
    assert 0 <= exchange.late_us <= case.late_limit_us
    falls_in_time(master, exchange)


def falls_in_time(master, exchange):
    """The pin falls within a bit of the last stop bit."""
    assert exchange.lead_us > 0
    assert 0 <= exchange.release_us <= master.line.form.bit_ns / US
    assert not master.line.damaged


@pytest.mark.parametrize("form", (Format(19200), Format(115200, None, 2)))
def test_in_the_background(start, form, figures):
    master = start(form, "compute_with_pio")
    for case in (READ_1, READ_100):
        check(master, case, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
def test_reply_in_every_phase(start, form, figures):
    master = start(form, "compute_with_pio")
    for case in CASES:
        for phase in range(3):
            check(master, case, figures, master.line.free_ns + phase * PHASE_NS)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(1200, 1), Format(9600, None), Format(230400)))
def test_every_format(start, form):
    """A state machine measures time in 32nd parts of a bit, which are long at slow rates."""
    master = start(form, "compute_with_pio")
    for case in (READ_1, READ_10):
        exchange = master.ask(case.request)
        assert exchange.reply == case.reply
        assert 0 <= exchange.late_us <= case.late_limit_us + form.bit_ns / 8 / US
        falls_in_time(master, exchange)


@pytest.mark.parametrize("form", (Format(9600), Format(115200)))
def test_holes_and_noise(start, form):
    """A hole looks like the end of a frame, a glitch like a start bit: they are none."""
    master = start(form, "compute_with_pio")
    for pauses in ({4: 1.6 * form.char_ns}, {1: 2 * form.char_ns, 7: 3 * form.char_ns}):
        exchange = master.ask(READ_10.request, pauses=pauses)
        assert exchange.reply == READ_10.reply
        assert exchange.late_us >= 0
        falls_in_time(master, exchange)
    master.line.put(b"\xff")
    exchange = master.ask(READ_10.request)
    assert exchange.reply == READ_10.reply
    falls_in_time(master, exchange)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
def test_line_efficiency(start, form, figures):
    exchanges = start(form, "compute_with_pio").ask_all([READ_10.request] * 20)
    assert [exchange.reply for exchange in exchanges] == [READ_10.reply] * 20
    reached = efficiency(exchanges, form)
    figures.note(f"background, PIO: line efficiency at {form.baudrate} baud", reached)
    assert _EFFICIENCY[form.baudrate] <= reached <= 1


@pytest.mark.long_pico
def test_the_main_program_goes_on(emulator, pio_board, figures):
    """While the line is never at rest, it has nine tenths of its speed, and more."""
    speed = emulator.main_speed(pio_board, "compute_with_pio")
    figures.note("background, PIO: speed of the main program, polled at 19200", speed)
    assert _SPEED <= speed <= 1


def test_stop_releases_the_state_machine(start, pio_board):
    """Afterwards it is still, and another slave takes it."""
    start(Format(19200), "compute_with_pio").ask(READ_1.request)
    pio_board.interrupt()
    print_active = "import rp2; print([rp2.StateMachine(n).active() for n in (0, 1)])"
    assert pio_board.exec(print_active).split() == ["[True,", "False]"]
    master = start(Format(19200), "compute_with_pio")
    assert master.ask(READ_1.request).reply == READ_1.reply


def test_pin_of_a_program_that_polls_seldom(start):
    """A reply of 235 ms ends between two polls, 10 ms apart."""
    master = start(Format(9600), "poll_seldom_with_pio")
    for _ in range(2):
        exchange = master.ask(READ_100.request)
        assert exchange.reply == READ_100.reply
        falls_in_time(master, exchange)
