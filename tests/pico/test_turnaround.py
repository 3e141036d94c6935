"""When the reply begins: not before t3.5 after the request, and hardly later."""

import pytest

from tests.pico.cases import CASES, PHASE_NS, READ_10, READ_100
from tools.emulator.master import efficiency
from tools.emulator.wire import MS, Format

_FORMS = (Format(9600), Format(19200), Format(115200))
_FAST = Format(115200)
_EFFICIENCY = ((9600, 0.995), (19200, 0.99), (115200, 0.97))
_SHORT_ROW = "reply after t3.5, 1 and 10 registers, us"
_LONG_ROW = "reply after t3.5, 100 registers, FC16 x 10, us"


def check_reply(master, case, phases, figures):
    """Ask `phases` times, meeting the poll loop elsewhere each time."""
    for phase in range(phases):
        exchange = master.ask(case.request, master.line.free_ns + phase * PHASE_NS)
        assert exchange.reply == case.reply
        figures.note(_SHORT_ROW if case.late_limit_us == 150 else _LONG_ROW, exchange.late_us)
        assert 0 <= exchange.late_us <= case.late_limit_us


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reply(start, case, figures):
    check_reply(start(_FAST), case, 1 if case is READ_100 else 2, figures)


def test_reply_at_9600_baud(start, figures):
    check_reply(start(Format(9600)), READ_10, 1, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reply_in_every_phase(start, form, case, figures):
    check_reply(start(form), case, 5, figures)


def test_nothing_before_t35_when_the_poll_loop_sleeps(start):
    """serve_forever() sleeps while nothing comes; it still keeps t3.5, and is not much later.

    Its first request finds it loading what that takes: it is answered within 0.1 s, and the
    second one counts.
    """
    master = start(_FAST, program="sleep")
    assert master.ask(READ_10.request, timeout_ns=100 * MS).reply == READ_10.reply
    exchange = master.ask(READ_10.request)
    assert exchange.reply == READ_10.reply
    assert 0 <= exchange.late_us <= 1500


def test_back_to_back(start):
    exchanges = start(_FAST).ask_all([READ_10.request] * 10)
    assert [exchange.reply for exchange in exchanges] == [READ_10.reply] * 10
    assert 0.97 <= efficiency(exchanges, _FAST) <= 1


@pytest.mark.long_pico
@pytest.mark.parametrize(("baudrate", "goal"), _EFFICIENCY)
def test_line_efficiency(start, baudrate, goal, figures):
    form = Format(baudrate)
    exchanges = start(form).ask_all([READ_10.request] * 50)
    assert [exchange.reply for exchange in exchanges] == [READ_10.reply] * 50
    reached = efficiency(exchanges, form)
    figures.note(f"line efficiency at {baudrate} baud", reached)
    assert goal <= reached <= 1
