"""The programs of examples/ for serial lines, as they are, on an emulated board."""

import pytest

from tools.emulator.wire import MS, Format, frame, read_registers, reply_length, write_registers
from tools.env import ROOT

FOLDER = ROOT / "examples"
FORM = Format(19200)
_IMPORTED_NS = 1500 * MS  # until the largest program has been imported, and waits
_LIMIT_MS = 5000
_RUN = "from machine import Pin; Pin(22)(1); import {}"
_COILS = frame(7, [1, 0, 0, 0, 8])


@pytest.fixture
def board(emulator, firmware):
    """board(name): a Pico that has begun to run a program of examples/, and the line at it."""
    from tools.emulator.line import Line, Station  # noqa: PLC0415 - only with the emulator

    def begin(name, form=FORM):
        pico = emulator.Pico(firmware, emulator.program_files(FOLDER / f"{name}.py"))
        pico.start(_RUN.format(name))
        return pico, Line(form, Station(pico))

    return begin


def long(*values):
    return pytest.param(*values, marks=pytest.mark.long_pico)


@pytest.mark.parametrize(
    ("name", "request_frame", "reply"),
    [
        ("slave_rtu", read_registers(7, 2, function_code=4), [7, 4, 4, 0, 230, 0, 17]),
        long("thermostat", write_registers(7, [301]), [7, 0x90, 3]),
        long("thermostat", write_registers(7, [300]), [7, 16, 0, 0, 0, 1]),
        long("routes", read_registers(7, 1, 100), [7, 3, 2, 0, 1]),
        long("points_slave", read_registers(7, 1, 1, 4), [7, 0x84, 2]),
        long("identity", frame(7, [17]), [7, 17, 3, *b"M1", 0xFF]),
        long("own_loop", _COILS, [7, 1, 1, 0]),
        long("background", _COILS, [7, 1, 1, 0]),
    ],
)
def test_slaves(board, name, request_frame, reply):
    from tools.emulator.master import Master  # noqa: PLC0415

    pico, line = board(name)
    line.run_for(_IMPORTED_NS)
    exchange = Master(line).ask(request_frame)
    if not exchange.complete:
        pico.finish(1)  # raises what it printed
    assert list(exchange.reply[:-2]) == reply
    assert not line.damaged
    assert 0 <= exchange.release_us <= 20


def be_slave(line, answers):
    """Answer the requests of a master on the line in turn."""
    heard = []

    def hear(char, station):
        if station is None:
            return
        heard.append(char.byte)
        if len(heard) == 8:  # FC 1, 4 and 5 alike
            heard.clear()
            line.put(answers.pop(0), char.end_ns + FORM.t35_ns)

    line.on_char = hear
    assert reply_length(bytes(answers[0])) == len(answers[0])


def test_master(board):
    pico, line = board("master_rtu")
    coil = frame(7, [5, 0, 3, 0xFF, 0])
    be_slave(line, [frame(7, [4, 4, 0, 230, 0, 17]), coil, frame(7, [1, 1, 8])])
    printed = pico.finish(_LIMIT_MS)
    assert "input registers: [230, 17]" in printed
    assert "coils: [0, 0, 0, 1, 0, 0, 0, 0]" in printed


@pytest.mark.long_pico
def test_master_alone(board):
    pico, _ = board("master_rtu")
    text = "slave 7 did not answer FC 4 at 0 x 2 within 500 ms, 3 times"
    assert text in pico.finish(_LIMIT_MS)
