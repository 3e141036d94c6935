"""A master built with `umb` on a line with a scripted slave: how long its calls take, the pin."""

import ast
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.pico.cases import PHASE_NS, REGISTERS, SLAVE_ID, reading
from tools.emulator.line import Line, Station
from tools.emulator.wire import MS, US, Char, Format, frame, read_registers, write_registers

_FAST = Format(115200)
_FORMS = (Format(9600), _FAST)
_RETURNED_PIN = 3  # rises when a call has returned
_REQUEST_SIZE = 8  # all that is asked here are FC 3 and FC 6
_START_LIMIT_MS = 3000
_LIMIT_MS = 10_000
_RETURN_LIMIT_US = 1000
_RELEASE_LIMIT_US = 20
# Times are kept in whole milliseconds, and looked at once in a millisecond.
_EARLY_MS, _LATE_MS = 1, 3


@dataclass
class Asked:
    """A request as it was on the line, and when the answer to it was; None: there was none."""

    chars: list[Char]
    reply_end_ns: float | None = None

    @property
    def request(self):
        return bytes(char.byte for char in self.chars)

    @property
    def start_ns(self):
        return self.chars[0].start_ns

    @property
    def end_ns(self):
        return self.chars[-1].end_ns


class ScriptedSlave:
    """Gives the requests that the master sends these answers in turn, None being silence.

    Each comes t3.5 after its request and as much later as `delays_ns` says, in turn too.
    """

    def __init__(self, line, answers, delays_ns=(0,)):
        self.line = line
        self.asked = []
        self._answers, self._delays_ns = list(answers), delays_ns
        self._chars = []
        line.on_char = self._heard

    def _heard(self, char, station):
        if station is None:  # its own
            return
        self._chars.append(char)
        if len(self._chars) < _REQUEST_SIZE:
            return
        asked, self._chars = Asked(self._chars), []
        turn = len(self.asked)
        self.asked.append(asked)
        answer = self._answers.pop(0) if self._answers else None
        if answer:
            delay_ns = self._delays_ns[turn % len(self._delays_ns)]
            at_ns = asked.end_ns + self.line.form.t35_ns + delay_ns
            _, asked.reply_end_ns = self.line.put(answer, at_ns)


class Run:
    """A program of onboard/masters.py, from its first call to its end."""

    def __init__(self, pico, program, form, echo=False):
        """program: the call as text; the line's format is put before its arguments."""
        returned = pico.trace(_RETURNED_PIN)
        parts = (form.baudrate, form.parity, form.stop)
        name, _, arguments = program.partition("(")
        pico.start(f"import masters; masters.{name}({parts}, {arguments}", _START_LIMIT_MS)
        self.pico, self.form = pico, form
        self.since_ns = pico.now
        self.station = Station(pico, echo=echo)
        self.line = Line(form, self.station)
        self.asked = []
        self._returned = returned

    def answer(self, answers, delays_ns=(0,)):
        """Be the slave until the program ends; returns what it printed, as values."""
        slave = ScriptedSlave(self.line, answers, delays_ns)
        printed = self.pico.finish(_LIMIT_MS)
        self.asked = slave.asked
        return [ast.literal_eval(text) for text in printed.splitlines()]

    @property
    def returned_ns(self):
        """When each call returned."""
        return self._returned.edges(1, self.since_ns)

    def check_line(self):
        """The pin was up for each request and no longer, and nothing was cut or met another."""
        rises, falls = (self.station.edges(level, self.since_ns) for level in (1, 0))
        for rise_ns, fall_ns, asked in zip(rises, falls, self.asked, strict=True):
            assert rise_ns < asked.start_ns
            assert 0 <= fall_ns - asked.end_ns <= _RELEASE_LIMIT_US * US
        for before, asked in pairwise(self.asked):
            last_ns = before.reply_end_ns or before.end_ns
            assert asked.start_ns - last_ns >= self.form.t35_ns
        assert not self.line.damaged

    def check_returns(self):
        """Each call returned at most a millisecond after its reply's last stop bit."""
        ends_ns = [asked.reply_end_ns for asked in self.asked]
        for returned_ns, end_ns in zip(self.returned_ns, ends_ns, strict=True):
            assert 0 < returned_ns - end_ns <= _RETURN_LIMIT_US * US


@pytest.fixture(scope="module")
def client_board(emulator, firmware):
    """A board with a client on it instead of a server."""
    return emulator.Pico(firmware, emulator.program_files(emulator.ONBOARD / "masters.py"))


@pytest.fixture
def board(client_board):
    """That board, running nothing."""
    yield client_board
    client_board.interrupt()


def case(quantity):
    """The request for so many registers and the reply to it."""
    return reading(quantity, 0)


def check_reads(board, form, quantity, delays_ns, echo=False):
    """Read as often as there are delays, back to back."""
    count = len(delays_ns)
    run = Run(board, f"read([{quantity}] * {count})", form, echo)
    values = run.answer([case(quantity).reply] * count, delays_ns)
    assert values == [REGISTERS[:quantity]] * count
    assert [asked.request for asked in run.asked] == [case(quantity).request] * count
    run.check_line()
    run.check_returns()


def check_waited(returned_ns, since_ns, wait_ms):
    waited_ms = (returned_ns - since_ns) / MS
    assert wait_ms - _EARLY_MS <= waited_ms <= wait_ms + _LATE_MS


@pytest.mark.parametrize("quantity", (1, 10, 20))
def test_read(board, quantity):
    check_reads(board, _FAST, quantity, (0, 7 * MS))


def test_read_at_9600_baud(board):
    check_reads(board, Format(9600), 1, (0,))


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (*_FORMS, Format(19200, None, 2)))
@pytest.mark.parametrize("quantity", (1, 10, 20))
def test_read_in_every_phase(board, form, quantity):
    """Replies that come at once, and those that come while the client sleeps."""
    delays_ns = [wait_ns + phase * PHASE_NS for wait_ns in (0, 13 * MS) for phase in range(3)]
    check_reads(board, form, quantity, delays_ns)


def test_own_echo(board):
    """A UART hears itself where the transceiver does not prevent it: nobody has to say so."""
    check_reads(board, _FAST, 10, (0, 7 * MS), echo=True)


@pytest.mark.long_pico
def test_own_echo_at_9600_baud(board):
    check_reads(board, Format(9600), 20, (0, 7 * MS), echo=True)


def check_no_reply(board, form, timeout_ms, echo):
    run = Run(board, f"read([1, 1], timeout_ms={timeout_ms})", form, echo)
    assert run.answer([None, case(1).reply]) == ["NoReplyError", REGISTERS[:1]]
    check_waited(run.returned_ns[0], run.asked[0].end_ns, timeout_ms)
    run.check_line()


@pytest.mark.parametrize("echo", (False, True), ids=("no echo", "echo"))
def test_no_reply(board, echo):
    """The time-out counts from the end of the request, and the next call works."""
    check_no_reply(board, _FAST, 20, echo)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("timeout_ms", (50, 300))
def test_no_reply_in_longer_times(board, form, timeout_ms):
    check_no_reply(board, form, timeout_ms, False)


def check_retry(board, form, timeout_ms, damaged, limit_ms):
    """A damaged reply is thrown away: once it is asked again, then the caller is told.

    Its end is the end of the wait: what is damaged is known limit_ms later.
    """
    good = case(10).reply
    run = Run(board, f"read([10, 10], retries=1, timeout_ms={timeout_ms})", form)
    assert run.answer([damaged, good, damaged, damaged]) == [REGISTERS[:10], "BadReplyError"]
    assert [asked.request for asked in run.asked] == [case(10).request] * 4
    first, second, third, fourth = run.asked
    assert 0 < second.start_ns - first.reply_end_ns <= limit_ms * MS
    assert 0 < run.returned_ns[0] - second.reply_end_ns <= _RETURN_LIMIT_US * US
    assert 0 < fourth.start_ns - third.reply_end_ns <= limit_ms * MS
    assert 0 < run.returned_ns[1] - fourth.reply_end_ns <= limit_ms * MS
    run.check_line()


def test_retry_after_a_wrong_crc(board):
    good = case(10).reply
    check_retry(board, _FAST, 100, good[:-1] + bytes([good[-1] ^ 1]), 8)


@pytest.mark.long_pico
@pytest.mark.parametrize(("form", "missing"), ((_FAST, 1), (_FAST, 20), (Format(9600), 1)))
def test_retry_after_a_truncated_reply(board, form, missing):
    check_retry(board, form, 100, case(10).reply[:-missing], 35)


@pytest.mark.long_pico
def test_a_reply_of_another_slave_is_none(board):
    """It is thrown away, and the one that was asked may still answer."""
    other = frame(SLAVE_ID + 1, case(1).reply[1:-2])
    run = Run(board, "read([1])", _FAST)
    gap_ns = 2 * _FAST.t35_ns
    slave = ScriptedSlave(run.line, [other])
    run.line.run_for(3 * MS)
    run.line.put(case(1).reply, slave.asked[0].reply_end_ns + gap_ns)
    assert ast.literal_eval(board.finish()) == REGISTERS[:1]
    assert len(slave.asked) == 1


def check_broadcast(board, form, turnaround_ms):
    run = Run(board, f"broadcast([7, 8], turnaround_ms={turnaround_ms})", form)
    assert run.answer([]) == [None, None]
    requests = [frame(0, [6, 0, 5, 0, value]) for value in (7, 8)]
    assert [asked.request for asked in run.asked] == requests
    for returned_ns, asked in zip(run.returned_ns, run.asked, strict=True):
        check_waited(returned_ns, asked.end_ns, turnaround_ms)
    run.check_line()


def test_broadcast(board):
    check_broadcast(board, _FAST, 20)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
def test_broadcast_of_the_usual_time(board, form):
    check_broadcast(board, form, 100)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", _FORMS)
def test_nothing_is_sent_before_t35_of_silence(board, form):
    """Others talk when the second call begins: it waits, and takes nothing of that for a reply."""
    others = read_registers(SLAVE_ID + 1, 1) + write_registers(SLAVE_ID + 1, [1])
    reply = case(10).reply
    run = Run(board, "read([10, 10])", form)
    assert run.answer([reply + others, reply]) == [REGISTERS[:10]] * 2
    first, second = run.asked
    assert second.start_ns - first.reply_end_ns >= form.t35_ns
    assert 0 < run.returned_ns[1] - second.reply_end_ns <= _RETURN_LIMIT_US * US
    run.check_line()


def check_heap(board, form, quantity):
    run = Run(board, f"count_heap(20, {quantity})", form)
    assert run.answer([case(quantity).reply] * 21, (3 * MS, 0)) == [0, REGISTERS[:quantity]]
    assert len(run.asked) == 21
    run.check_line()


def test_heap(board):
    """With into= a call takes no memory, whether the client sleeps in it or not."""
    check_heap(board, _FAST, 1)


@pytest.mark.long_pico
def test_heap_of_longer_replies(board):
    check_heap(board, _FAST, 20)
