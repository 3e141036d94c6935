"""A line with others on it, with noise and holes: our slave answers what is meant for it."""

import functools

import pytest

from tests.pico.cases import READ_1, READ_10, REGISTERS
from tools.emulator.line import Line
from tools.emulator.master import Master
from tools.emulator.wire import (
    MS,
    Format,
    frame,
    read_registers,
    registers_reply,
    write_registers,
)

_FAST = Format(115200)
_OTHER = 18
_MARGIN = 1.02  # silences of t3.5 and 2 %
_OTHERS = {
    "10 registers": (read_registers(_OTHER, 10), registers_reply(_OTHER, range(10))),
    "60 registers": (read_registers(_OTHER, 60), registers_reply(_OTHER, range(60))),
    "a write": (write_registers(_OTHER, range(10)), frame(_OTHER, [16, 0, 0, 0, 10])),
    "an exception": (read_registers(_OTHER, 10, 999), frame(_OTHER, [0x83, 2])),
    "an unknown function": (frame(_OTHER, [0x41, 1, 2, 3]), frame(_OTHER, [0xC1, 1])),
    "an absent slave": (read_registers(_OTHER, 10), b""),
}

_holes = pytest.mark.parametrize(
    ("chars", "ns"), ((1, 0), (3, 0), (0, 5 * MS)), ids=("1 char", "3 chars", "5 ms")
)


@pytest.fixture(params=("serve", "compute"), ids=("polling", "background"))
def start(request, start):
    """start(form) of tests/pico/conftest.py: the slave polls, or serves beside a busy program."""
    return functools.partial(start, program=request.param)


def after(line):
    """The time t3.5 and 2 % after what was sent last, or now if that is past."""
    return max(line.now, line.chars[-1][0].end_ns + _MARGIN * line.form.t35_ns)


def answers_of_5(master, others):
    """How many of five requests of ours are answered, each right after an exchange of others."""
    line, answered = master.line, 0
    at_ns = line.now
    for _ in range(5):
        line.put(others[0], at_ns)
        if others[1]:
            line.put(others[1], after(line))
        exchange = master.ask(READ_1.request, after(line))
        answered += exchange.reply == READ_1.reply
        at_ns = after(line)
    assert not line.damaged
    return answered


def refuses(master, data, pauses=None, errors=None):
    """Send `data`, which must not be answered; then nothing comes for twice t3.5."""
    line = master.line
    _, end_ns = line.put(data, None, pauses, errors)
    line.run_until(end_ns + 3 * line.form.t35_ns)
    assert not [char for char, source in line.chars if source and char.start_ns >= end_ns]


def answers(master, at_ns=None):
    exchange = master.ask(READ_10.request, at_ns)
    assert exchange.reply == READ_10.reply
    assert exchange.late_us >= 0
    assert not master.line.damaged


def test_after_an_exchange_of_another_slave(start, figures):
    answered = answers_of_5(start(_FAST), _OTHERS["10 registers"])
    figures.note("shared line, answers of 5", answered)
    assert answered == 5


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), Format(19200), _FAST))
@pytest.mark.parametrize("others", _OTHERS.values(), ids=_OTHERS)
def test_after_any_exchange_of_others(start, form, others, figures):
    answered = answers_of_5(start(form), others)
    figures.note("shared line, answers of 5", answered)
    assert answered == 5


@pytest.mark.parametrize("noise", (b"\xff", b"\x00\xff\x00", b"\x01\x03"), ids=bytes.hex)
def test_noise_before_a_request(start, noise):
    master = start(_FAST)
    line = master.line
    line.put(noise)
    answers(master, after(line))


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), _FAST))
def test_noise_after_a_request(start, form):
    """A transceiver spits a byte when its master lets go of the line."""
    master = start(form)
    line = master.line
    _, end_ns = line.put(READ_10.request)
    line.put(b"\xff", end_ns + form.char_ns)
    line.run_until(end_ns + 2 * form.t35_ns + 40 * form.char_ns)
    ours = bytes(char.byte for char, source in line.chars if source)
    assert ours == READ_10.reply
    first = next(char for char, source in line.chars if source)
    assert first.start_ns >= end_ns + form.t35_ns
    assert not line.damaged


def test_a_character_received_wrong(start):
    """The UART flags a parity error; the firmware hands the byte on, so the CRC has to tell."""
    master = start(_FAST)
    broken = bytearray(READ_10.request)
    broken[3] ^= 0x10
    refuses(master, broken, errors={3: 0x200})
    answers(master)


def test_wrong_crc_is_silence(start):
    master = start(_FAST)
    refuses(master, READ_10.request[:-1] + b"\x00")
    answers(master)


def test_a_truncated_request_is_silence(start):
    master = start(_FAST)
    refuses(master, READ_10.request[:5])
    answers(master)


def check_torn(master, hole_ns, at):
    """A USB adapter's hole is no end of the frame; afterwards all is as before."""
    exchange = master.ask(READ_10.request, pauses={at: hole_ns})
    assert exchange.reply == READ_10.reply
    assert exchange.late_us >= 0
    answers(master)


@_holes
def test_a_torn_request(start, chars, ns):
    check_torn(start(_FAST), chars * _FAST.char_ns + ns, 2)


@pytest.mark.long_pico
@_holes
@pytest.mark.parametrize("form", (Format(9600), Format(19200), _FAST))
def test_a_request_torn_anywhere(start, form, chars, ns):
    master = start(form)
    for at in (1, 4, 7):
        check_torn(master, chars * form.char_ns + ns, at)


def test_broadcast_is_done_and_not_answered(start):
    master = start(_FAST)
    refuses(master, write_registers(0, [4711], 3))
    exchange = master.ask(read_registers(1, 1, 3))
    assert exchange.reply == registers_reply(1, [4711])


def test_broadcast_read_is_ignored(start):
    master = start(_FAST)
    refuses(master, read_registers(0, 10))
    answers(master)


def test_own_echo(emulator, pico):
    """Where the receiver is always on, the slave hears itself, and is not confused by it."""
    station = emulator.start(pico, _FAST)
    station.echo = True
    master = Master(Line(_FAST, station))
    for exchange in master.ask_all([READ_10.request] * 3):
        assert exchange.reply == READ_10.reply
    assert len(station.uart.received) >= 3 * (len(READ_10.request) + len(READ_10.reply))


def test_registers_are_what_was_written(start):
    master = start(_FAST)
    values = [value ^ 0xFFFF for value in REGISTERS[20:30]]
    master.ask(write_registers(1, values, 20))
    exchange = master.ask(read_registers(1, 12, 19))
    assert exchange.reply == registers_reply(1, [REGISTERS[19], *values, REGISTERS[30]])
