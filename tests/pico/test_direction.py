"""The direction pin of an RS-485 transceiver: up before the first start bit, down at once after
the last stop bit, whatever the baud rate and the format."""

import pytest

from tests.pico.cases import READ_1, READ_100, reading
from tools.emulator.wire import Format

_FORMS = ((0, 1), (None, 1), (None, 2))  # 8E1, 8N1, 8N2
_BAUDRATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
_QUICK = (Format(9600), Format(115200, None), Format(230400, None, 2))
_ALL = [Format(baudrate, *form) for baudrate in _BAUDRATES for form in _FORMS]
_RELEASE_LIMIT_US = 20


def check_pin(master, exchange, figures):
    """The pin kept its promise in this exchange, and nothing on the line was cut."""
    figures.note("pin before the first start bit, us, at least", exchange.lead_us)
    figures.note("pin after the last stop bit, us, at least", exchange.release_us)
    figures.note("pin after the last stop bit, us, at most", exchange.release_us)
    assert exchange.late_us >= 0
    assert exchange.lead_us > 0
    assert 0 <= exchange.release_us <= _RELEASE_LIMIT_US
    assert not master.line.damaged


def check_once(start, form, figures):
    master = start(form)
    exchange = master.ask(READ_1.request)
    assert exchange.reply == READ_1.reply
    check_pin(master, exchange, figures)


@pytest.mark.parametrize("form", _QUICK)
def test_pin(start, form, figures):
    check_once(start, form, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", [form for form in _ALL if form not in _QUICK])
def test_pin_at_every_speed(start, form, figures):
    check_once(start, form, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), Format(115200)))
def test_pin_after_a_long_reply(start, form, figures):
    """At 9600 baud the reply takes 235 ms: poll() has returned meanwhile, more than once."""
    master = start(form)
    exchange = master.ask(READ_100.request)
    assert exchange.reply == READ_100.reply
    check_pin(master, exchange, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(1200), Format(9600)))
def test_pin_of_a_program_that_polls_every_2_ms(start, form, figures):
    """Its own work between polls may make the reply late, but not the pin."""
    master = start(form, program="poll_every_2_ms")
    case = reading(20, 0)
    exchange = master.ask(case.request)
    assert exchange.reply == case.reply
    check_pin(master, exchange, figures)


def test_pin_is_at_receive_before_the_first_request(start, pico):
    start(Format(115200))
    assert pico.trace(2).level == 0
