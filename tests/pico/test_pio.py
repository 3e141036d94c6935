"""A direction pin that a state machine switches to receive, whatever the program does then."""

import pytest

from tests.pico.cases import READ_1, READ_10, READ_100
from tools.emulator.pio import TxLevels
from tools.emulator.wire import MS, US, Format

_TX = 0


@pytest.fixture(scope="module")
def pio_board(emulator, firmware, flash):
    """A board whose state machines run, with the library on it."""
    pico = emulator.Pico(firmware, flash, pio=True)
    TxLevels(pico, pico.uarts[0], _TX, pico.pacer)
    return pico


@pytest.fixture
def start(emulator, pio_board):
    """start(form, program): the Master of a slave with such a pin."""
    masters = []

    def start_alone(form, program):
        masters.append(emulator.start_alone(pio_board, form, program=program))
        return masters[-1]

    yield start_alone
    # MicroPython drops a Ctrl-C that comes while a handler runs.
    masters[-1].line.run_for(5 * MS)
    pio_board.interrupt()


def check(master, case):
    """The pin rises before the first start bit, and falls within a bit of the last stop bit."""
    exchange = master.ask(case.request)
    assert exchange.reply == case.reply
    assert exchange.lead_us > 0
    assert 0 <= exchange.release_us <= master.line.form.bit_ns / US
    assert not master.line.damaged
    return exchange


@pytest.mark.parametrize("form", (Format(19200), Format(115200, None, 2)))
def test_pin_in_the_background(start, form):
    master = start(form, "compute_with_pio")
    for case in (READ_1, READ_100):
        check(master, case)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(1200, 1), Format(9600, None), Format(230400)))
def test_pin_of_every_format(start, form):
    master = start(form, "compute_with_pio")
    for case in (READ_1, READ_10):
        check(master, case)


def test_pin_of_a_program_that_polls_seldom(start):
    """A reply of 235 ms ends between two polls, 10 ms apart."""
    master = start(Format(9600), "poll_seldom_with_pio")
    for _ in range(2):
        check(master, READ_100)
