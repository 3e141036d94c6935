"""The bench itself, on bare firmware: what it says about times and bytes is right."""

from itertools import pairwise

import pytest

from tools.emulator.line import Line, Station
from tools.emulator.master import Master
from tools.emulator.wire import MS, US, Format, frame, read_registers, registers_reply

FORMS = (Format(1200, None, 2), Format(9600), Format(115200, 1), Format(230400, None))


@pytest.fixture(scope="module")
def plain(emulator):
    """{path: bytes} of the programs that these tests run."""
    return emulator.program_files(emulator.ONBOARD / "plain.py")


@pytest.fixture(scope="module")
def bare_board(emulator, firmware, plain):
    """A board with nothing on it but the programs of onboard/plain.py."""
    return emulator.Pico(firmware, plain)


@pytest.fixture
def bare(bare_board):
    """That board, running nothing."""
    yield bare_board
    bare_board.interrupt()


def start(pico, program, form, *args):
    """Start one of the programs and wait until it is ready."""
    values = ", ".join(map(repr, (*args, form.baudrate, form.parity, form.stop)))
    pico.start(f"import plain; plain.{program}({values})")


@pytest.mark.parametrize("form", FORMS)
def test_characters_take_their_time(bare, form):
    start(bare, "send_zeros", form)
    line = Line(form, Station(bare, de=None))
    line.run_for(10 * form.char_ns)
    chars = [char for char, _ in line.chars]
    assert [char.byte for char in chars] == [0] * 8
    assert all(later.start_ns == char.end_ns for char, later in pairwise(chars))
    # The divider's fraction has 6 bits: no baud rate is quite right.
    assert chars[-1].end_ns - chars[0].start_ns == pytest.approx(8 * form.char_ns, rel=5e-4)


@pytest.mark.parametrize(("stop", "early_bits"), ((1, 0.5), (2, 1.5)))
def test_a_byte_is_there_from_the_middle_of_its_first_stop_bit(bare, stop, early_bits):
    form = Format(9600, None, stop)
    start(bare, "see", form)
    line = Line(form, Station(bare, echo=True))
    _, end_ns = line.put(b"\xa5", line.now + MS)
    assert bare.finish().strip() == r"b'\xa5'"
    seen_ns = bare.trace(2).edges(1, end_ns - MS)[0]
    assert 0 <= seen_ns - (end_ns - early_bits * form.bit_ns) <= 60 * US


def test_receive_time_out_is_32_bits_after_the_last_character(bare):
    form = Format(19200)
    start(bare, "see_silence", form)
    line = Line(form, Station(bare, echo=True))
    _, end_ns = line.put(b"123", line.now + MS)
    bare.finish()
    rise_ns = bare.trace(2).edges(1, end_ns)[0]
    assert rise_ns - end_ns == pytest.approx(31.5 * form.bit_ns, abs=30 * US)


def test_overrun_when_nobody_fetches(bare):
    form = Format(230400)
    start(bare, "sleep_on_duty", form)
    line = Line(form, Station(bare))
    before = bare.uarts[0].overruns
    line.put(bytes(40), line.now + 0.1 * MS)
    assert int(bare.finish()) == 32
    assert bare.uarts[0].overruns - before == 8


@pytest.mark.parametrize("form", (Format(9600), Format(115200, None)))
def test_flush_then_lower_the_pin(bare, form):
    request = read_registers(1, 2)
    start(bare, "echo", form, len(request), True)
    line = Line(form, Station(bare))
    exchange = Master(line).ask(request)
    assert exchange.reply == request
    assert 0 < exchange.lead_us < 50
    assert 0 <= exchange.release_us < 20
    assert not line.damaged


def test_a_pin_lowered_too_early_is_noticed(bare):
    form = Format(9600)
    request = read_registers(1, 2)
    start(bare, "echo", form, len(request), False)
    line = Line(form, Station(bare))
    Master(line).ask(request)
    # The first character was being sent when the pin fell, the others came without a driver.
    assert bytes(char.byte for char in line.damaged) == request


def test_two_who_send_at_once_are_noticed(bare):
    form = Format(9600)
    request = read_registers(1, 2)
    start(bare, "echo", form, len(request), True)
    line = Line(form, Station(bare))
    _, end_ns = line.put(request)
    line.put(b"?", end_ns + 2.5 * MS)
    line.run_for(30 * MS)
    assert ord("?") in [char.byte for char in line.damaged]


@pytest.mark.parametrize("echo", (False, True))
def test_the_receiver_is_off_while_the_driver_is_on(bare, echo):
    form = Format(115200)
    request = read_registers(1, 2)
    start(bare, "echo", form, len(request), True)
    line = Line(form, Station(bare, echo=echo))
    received = len(bare.uarts[0].received)
    Master(line).ask(request)
    assert len(bare.uarts[0].received) - received == (2 if echo else 1) * len(request)


def test_two_boards_share_the_line_and_its_time(emulator, bare, firmware, plain):
    """What one sends the other hears at that very time, though they take turns in running."""
    form = Format(115200)
    other = emulator.Pico(firmware, plain)
    request = read_registers(1, 2)
    start(bare, "echo", form, len(request), True)
    start(other, "echo", form, 2 * len(request), True)  # hears the first's echo too
    first, second = Station(bare), Station(other)
    line = Line(form, first, second)
    line.put(request)
    line.run_for(10 * MS)
    assert [source for _, source in line.chars] == [None] * 8 + [first] * 8 + [second] * 16
    assert not line.damaged
    times = [(char.start_ns, char.end_ns) for char, _ in line.chars[:16]]
    received = [
        (char.start_ns - second.skew_ns, char.end_ns - second.skew_ns)
        for char in second.uart.received
    ]
    assert received == [pytest.approx(time, abs=0.1) for time in times]


def test_two_runs_are_the_same(emulator, firmware, plain):
    """Not a nanosecond differs between two boards that do the same."""
    form = Format(19200)
    request = read_registers(1, 2)
    stamps = []
    for _ in range(2):
        pico = emulator.Pico(firmware, plain)
        start(pico, "echo", form, len(request), True)
        line = Line(form, Station(pico))
        Master(line).ask(request)
        stamps.append([char for char, _ in line.chars] + pico.trace(2))
    assert stamps[0] == stamps[1]


def test_idle_usb_takes_no_time(bare):
    """A host that does not NAK makes this loop take three times as long."""
    loop = "t = ticks_us()\nfor _ in range(5000): pass\nprint(ticks_us() - t)"
    assert int(bare.exec(f"from time import ticks_us\n{loop}")) < 25_000


def test_code_longer_than_the_usb_fifo(bare):
    text = "x" * 3000
    assert bare.exec(f"print(len('{text}'))").strip() == "3000"


def test_what_the_board_raises_comes_out(emulator, bare):
    with pytest.raises(emulator.BoardError, match="ZeroDivisionError"):
        bare.exec("1 / 0")


def test_soft_reset_forgets_everything(bare):
    bare.exec("forgotten = 1")
    bare.soft_reset()
    assert bare.exec("print('forgotten' in globals())").strip() == "False"


def test_frames():
    assert read_registers(1, 2) == bytes.fromhex("010300000002c40b")
    assert registers_reply(17, [0x022B, 0]) == frame(17, [3, 4, 2, 0x2B, 0, 0])
