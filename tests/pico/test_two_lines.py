"""One board with a slave on each of its two UARTs, whose masters do not wait for each other."""

import random

import pytest

from tests.pico.cases import READ_10, READ_100
from tools.emulator.line import Line, Station
from tools.emulator.wire import MS, US, Format, reply_length

_PATIENCE_NS = 100 * MS
_FAST = Format(115200)
# One slave's work, 1 ms for 100 registers, delays what the other one sees.
_LATE_LIMIT_US = 3500
_RELEASE_LIMIT_US = 1500
# In the background requests of one line wait for the work on those of the other, and a pin that
# a program switches for another interrupt.
_BACKGROUND_LATE_LIMIT_US = 750
# By baud rate. At 9600 there is time for both requests, but both replies may be due at once.
_PIO_LATE_LIMITS_US = {9600: 550, 115200: 350}
_BACKGROUND_RELEASE_LIMIT_US = 600
_SPREAD_NS = 1 * MS


class BusyMaster:
    """Asks the same again and again on a line, t3.5 after each reply, from alarms of the board.

    Up to spread_ns more pass before each request, so that two of them meet in every phase.
    """

    def __init__(self, line, case, spread_ns=0):
        self.line, self.case = line, case
        self.pico = line.stations[0].pico
        self._spread_ns = spread_ns
        self._random = random.Random(line.stations[0].uart is self.pico.uarts[0])
        self.late_us, self.release_us = [], []
        self.lost = 0
        self.stopped = False
        self._reply = []
        self._end_ns = None  # of the last reply
        self._patience = self.pico.clock.create_alarm(self._give_up)
        line.on_char = self._heard
        line.on_switch = self._switched
        self._ask()

    def stop(self):
        """Ask no more; what has been asked is still answered."""
        self.stopped = True
        self._patience.cancel()

    def _ask(self):
        if self.stopped:
            return
        self._reply = []
        at_ns = self.line.free_ns + self._random.random() * self._spread_ns
        _, self._asked_ns = self.line.put(self.case.request, at_ns)
        reply_ns = len(self.case.reply) * self.line.form.char_ns
        self._patience.schedule(self._asked_ns - self.pico.now + reply_ns + _PATIENCE_NS)

    def _give_up(self):
        self.lost += 1
        self._ask()

    def _heard(self, char, station):
        if station is None:
            return
        self._reply.append(char)
        if len(self._reply) == reply_length(bytes(one.byte for one in self._reply)):
            self._patience.cancel()
            if bytes(one.byte for one in self._reply) != self.case.reply:
                self.lost += 1
            late_ns = self._reply[0].start_ns - self._asked_ns - self.line.form.t35_ns
            self.late_us.append(late_ns / US)
            # The next request comes t3.5 after the last stop bit, whatever the pin does.
            self._end_ns = char.end_ns
            self.pico.at(char.end_ns, self._ask)

    def _switched(self, ns, level, _station):
        if level == 0 and self._end_ns is not None:
            self.release_us.append((ns - self._end_ns) / US)


def masters_on(pico, form, cases, program="serve_two", spread_ns=0):
    pico.interrupt()
    pico.start(f"import slaves; slaves.{program}({form.baudrate}, {form.parity}, {form.stop})")
    lines = [Line(form, Station(pico, uart, de)) for uart, de in ((0, 2), (1, 6))]
    return [BusyMaster(line, case, spread_ns) for line, case in zip(lines, cases, strict=True)]


def run(masters, requests):
    """Let both ask until each has had so many replies."""
    pico = masters[0].pico
    while min(len(master.late_us) for master in masters) < requests:
        pico.run_for(20 * MS)
        assert sum(master.lost for master in masters) < 10, "requests are lost"
    for master in masters:
        master.stop()
    pico.run_for(2 * _PATIENCE_NS)


def check(
    masters,
    requests,
    figures,
    row="two lines",
    *,
    late_limit_us=_LATE_LIMIT_US,
    release_limit_us=_RELEASE_LIMIT_US,
):
    """Neither line loses a request, or lets its pin fall late, for what the other one does."""
    run(masters, requests)
    for master in masters:
        figures.note(f"{row}: requests lost", master.lost)
        figures.note(f"{row}: reply after t3.5, us", max(master.late_us))
        figures.note(f"{row}: pin after the last stop bit, us", max(master.release_us))
        assert not master.lost
        assert not master.line.damaged
        assert min(master.late_us) >= 0
        assert max(master.late_us) <= late_limit_us
        assert min(master.release_us) >= 0
        # It has to fall before the next request begins.
        assert max(master.release_us) <= release_limit_us


def test_two_lines(pico, figures):
    check(masters_on(pico, _FAST, (READ_10, READ_10)), 10, figures)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), _FAST))
def test_two_lines_in_the_background(pico, form, figures):
    masters = masters_on(pico, form, (READ_10, READ_10), "compute_two", _SPREAD_NS)
    check(
        masters,
        40,
        figures,
        "background, two lines",
        late_limit_us=_BACKGROUND_LATE_LIMIT_US,
        release_limit_us=_BACKGROUND_RELEASE_LIMIT_US,
    )


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), _FAST))
def test_two_lines_with_state_machines(pio_board, form, figures):
    masters = masters_on(pio_board, form, (READ_10, READ_10), "compute_two_with_pio", _SPREAD_NS)
    check(
        masters,
        40,
        figures,
        "background, PIO, two lines",
        late_limit_us=_PIO_LATE_LIMITS_US[form.baudrate],
        release_limit_us=form.bit_ns / US,
    )
    pio_board.interrupt()


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), _FAST))
@pytest.mark.parametrize(
    "cases",
    ((READ_10, READ_10), (READ_10, READ_100), (READ_100, READ_100)),
    ids=lambda cases: " beside ".join(case.name for case in cases),
)
def test_two_lines_and_long_replies(pico, form, cases, figures):
    check(masters_on(pico, form, cases), 10, figures)
