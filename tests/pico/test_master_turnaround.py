"""How quick a master is: from its call to the request, from the reply's end to its return."""

import pytest

from tests.pico.test_client import Run, board, case, client_board  # noqa: F401 - fixtures
from tools.emulator.wire import MS, US, Format

_CALLED_PIN = 3  # falls when a call begins, and rises when it returns
_COUNT = 4  # calls, of which the first is not measured
_REST_MS = 20
# Not the goals, which the table has: what must not become worse. All of it in us.
_BEGIN_LIMIT = 530
# A reply of one register may be over before a client that sleeps a millisecond notices it.
_NEW_LIST_LIMITS = {1: 900, 10: 350, 100: 650}
_RETURN_LIMITS = {1: 1200, 10: 350, 100: 650}  # into a list that exists
_SILENCE_LIMITS = {1: 220, 10: 220, 100: 220}  # of what is more than t3.5
_PAUSE_LIMIT = 900  # of what is more than the pause


def exchanged(board, form, quantity, program):  # noqa: F811
    """Run a program that reads _COUNT times: what happened, and when each call began."""
    called = board.trace(_CALLED_PIN)
    run = Run(board, program, form)
    run.answer([case(quantity).reply] * _COUNT)
    run.check_line()
    assert len(run.asked) == len(run.returned_ns) == _COUNT
    return run, called.edges(0, run.since_ns)[1 - _COUNT :]


def differences_us(later, earlier):
    return [(one - other) / US for one, other in zip(later, earlier, strict=True)]


def check(board, figures, baudrate, quantity):  # noqa: F811
    """Read on a silent bus, then again and again."""
    form = Format(baudrate)
    program = f"read_after_rest([{quantity}] * {_COUNT}, {_REST_MS})"
    run, called_ns = exchanged(board, form, quantity, program)
    starts = [asked.start_ns for asked in run.asked]
    begin_us = max(differences_us(starts[1:], called_ns))
    assert begin_us <= _BEGIN_LIMIT
    figures.note("master: call to start bit on a silent line, us", begin_us)
    ends = [asked.reply_end_ns for asked in run.asked]
    return_us = max(differences_us(run.returned_ns, ends))
    assert return_us <= _RETURN_LIMITS[quantity]
    run, _ = exchanged(board, form, quantity, f"read([{quantity}] * {_COUNT})")
    starts = [asked.start_ns - form.t35_ns for asked in run.asked]
    ends = [asked.reply_end_ns for asked in run.asked]
    return_us = max(differences_us(run.returned_ns, ends))
    assert return_us <= _NEW_LIST_LIMITS[quantity]
    if quantity == 10:
        figures.note(f"master: end of 10 registers to return at {baudrate}, us", return_us)
    silence_us = max(differences_us(starts[1:], ends[:-1]))
    assert silence_us <= _SILENCE_LIMITS[quantity]
    if quantity == 10:
        figures.note("master: t3.5 to the next request, us", silence_us)


def test_quick_enough(board, figures):  # noqa: F811
    check(board, figures, 115200, 10)


@pytest.mark.long_pico
@pytest.mark.parametrize("baudrate", (9600, 19200, 115200))
@pytest.mark.parametrize("quantity", (1, 10, 100))
def test_quick_enough_at_every_rate(board, figures, baudrate, quantity):  # noqa: F811
    check(board, figures, baudrate, quantity)


@pytest.mark.parametrize("pause_ms", (5, 40))
def test_pauses(board, pause_ms):  # noqa: F811
    """From the last stop bit of a reply to the start bit of the next request."""
    program = f"read([1] * {_COUNT}, pause_ms={pause_ms})"
    run, _ = exchanged(board, Format(115200), 1, program)
    starts = [asked.start_ns for asked in run.asked]
    ends = [asked.reply_end_ns for asked in run.asked]
    for pause_us in differences_us(starts[1:], ends[:-1]):
        more_us = pause_us - pause_ms * MS / US
        assert 0 <= more_us <= _PAUSE_LIMIT
