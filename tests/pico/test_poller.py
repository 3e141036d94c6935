"""A poller built with `umb` on a board: its memory, its steps, and slaves that are dead."""

import ast
import struct

import pytest

from tools.emulator.line import Line, Station
from tools.emulator.polling import FORM, PROGRAM, SITUATIONS, measure
from tools.emulator.wire import MS, US, Format, frame

_FAST = Format(115200)
_REQUEST_SIZE = 8  # all that is asked here is FC 4
_ANSWER_NS = 5 * MS
_START_LIMIT_MS = 5000
_RAM_GOAL = 6 * 1024
_LONGEST_STEP_US = FORM.t35_ns / US  # what a poll() may take, besides a request's time on the line
_LONGEST_PAUSE_US = 4500  # from a reply to the next request, of which t3.5 is 1750


class Slaves:
    """Answers FC 4 for these slave ids, with floats from 230 on; the others are dead."""

    def __init__(self, line, alive):
        self._line, self._alive = line, alive
        self._chars = []
        self._reply_end_ns = None
        self.pauses_us = []  # from the end of each reply to the next request
        line.on_char = self._heard

    def _heard(self, char, station):
        if station is None:  # its own
            self._reply_end_ns = char.end_ns
            return
        if not self._chars and self._reply_end_ns is not None:
            self.pauses_us.append((char.start_ns - self._reply_end_ns) / 1000)
        self._chars.append(char)
        if len(self._chars) < _REQUEST_SIZE:
            return
        chars, self._chars = self._chars, []
        request = bytes(one.byte for one in chars)
        slave_id, quantity = request[0], request[4] << 8 | request[5]
        if slave_id in self._alive:
            data = b"".join(struct.pack(">f", 230 + i / 10) for i in range(quantity // 2))
            at_ns = chars[-1].end_ns + self._line.form.t35_ns + _ANSWER_NS
            self._line.put(frame(slave_id, bytes((4, 2 * quantity)) + data), at_ns)


@pytest.fixture(scope="module")
def board(emulator, firmware):
    """A board with pollers on it."""
    return emulator.Pico(firmware, emulator.program_files(emulator.ONBOARD / "pollers.py"))


def run(board, form, arguments, alive, limit_ms):
    """Run pollers.run() with slaves at the line; what it printed, as values, and the slaves."""
    parts = (form.baudrate, form.parity, form.stop)
    board.start(f"import pollers; pollers.run({parts}, {arguments})", _START_LIMIT_MS)
    slaves = Slaves(Line(form, Station(board)), alive)
    heap, answers, states, rest = board.finish(limit_ms).strip().splitlines()
    value, _, missed = rest.partition(" ")
    return heap.split(), *map(ast.literal_eval, (answers, states, value, missed)), slaves


def test_fifty_points_take_little_memory(board):
    of_points, with_device = board.exec(
        "import pollers; pollers.ram((115200, 0, 1), 50)", _START_LIMIT_MS
    ).split()
    assert int(of_points) < int(with_device) <= _RAM_GOAL


def test_a_round_takes_no_memory_and_little_time(board):
    heap, answers, states, value, *_ = run(board, _FAST, "1, 50, 150, 900", {1}, 10_000)
    assert int(heap[0]) == 0
    assert int(heap[1]) <= _LONGEST_STEP_US
    assert answers[0] >= 3 and states == ["online"] and value == 230.0


def test_requests_follow_each_other(board):
    """Who is asked next is chosen, and values are taken, while requests are under way."""
    *_, answers, states, _, _, slaves = run(board, _FAST, "4, 25, 60, 600", {1, 2, 3, 4}, 10_000)
    assert states == ["online"] * 4 and min(answers) >= 3
    pauses_us = sorted(slaves.pauses_us)
    assert min(pauses_us) >= 1750
    assert pauses_us[len(pauses_us) // 2] <= _LONGEST_PAUSE_US, pauses_us


@pytest.fixture(scope="module")
def steps_board(emulator, firmware):
    """A board with the program that takes the times of a poller's steps."""
    from tools.emulator.figures import files_of  # noqa: PLC0415 - only where it is installed

    return emulator.Pico(firmware, files_of(PROGRAM))


@pytest.mark.long_pico
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
def test_a_step_is_shorter_than_a_silence(steps_board, situation):
    """Whatever it is that a poll() does: then servers beside it keep their times."""
    steps = measure(steps_board, situation)
    assert sum(steps.answers) >= 3
    assert steps.longest_us <= _LONGEST_STEP_US
    if not situation.changing:
        assert steps.heap == 0


@pytest.mark.long_pico
def test_dead_slaves_leave_the_others_their_rate(board):
    """Eight slaves at 9600 baud, two dead: the living are read in nine of ten intervals."""
    alive = {1, 2, 3, 5, 6, 8}
    arguments = "8, 2, 1000, 24000, timeout_ms=300"
    _, answers, states, _, missed, _ = run(board, Format(9600), arguments, alive, 40_000)
    seconds = 16  # counting begins after a third of the time
    for i in range(8):
        if i + 1 in alive:
            assert states[i] == "online"
            assert answers[i] >= 0.9 * seconds, (answers, missed)
        else:
            assert states[i] == "offline" and answers[i] == 0
