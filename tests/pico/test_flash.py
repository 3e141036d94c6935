"""tools/flash.py brings an emulated Pico from bare MicroPython to a slave whose pins follow."""

import io
import sys

import pytest

from tools.emulator.wire import MS, Format, crc16, frame, read_registers, write_registers
from tests.support.service import Service
from tools.env import ROOT

pytestmark = pytest.mark.long_pico

FORM = Format(38400, None, 1)
DIRECTION, OUTPUTS, INPUTS, PWM = 2, (6, 7, 8), (14, 15), 20
ORDER, SAVE_AND_RESTART = 110, 0x5AFE
_PATIENCE_NS = 100 * MS
ARGUMENTS = (
    *("--slave-id", "7", "--baudrate", "38400", "--parity", "N", "--watchdog-s", "8"),
    *("--name", "pump house", "--set", 'outputs=[6, {"pin": 7, "invert": true}, 8]'),
    *("--set", "inputs=[14, 15]", "--set", "pwms=[20]"),
)


@pytest.fixture(scope="module")
def bench(emulator, firmware):
    """(session, usb, line): a board with MicroPython alone on it, and a line to its UART 0."""
    assert emulator
    from tools.emulator import watch  # noqa: PLC0415 - only where the emulator is installed

    usb, line = watch.start(firmware, FORM, 1, bare=True)
    session = watch.Session(usb, line, io.StringIO())
    yield session, usb, line
    session.close()


def flash(bench, *arguments):
    """Run flash.py, the board running meanwhile; return (its exit status, what it printed).

    How slow the board is hangs on this machine and what else it does: flash.py waits for it.
    """
    session, usb, _ = bench
    command = [sys.executable, ROOT / "tools" / "flash.py", "--port", usb.url, "--slow", "60"]
    command += arguments
    service = Service(command)
    session.run(lambda: service.process.poll() is not None)
    service.end()
    return service.process.returncode, service.lines


@pytest.fixture(scope="module")
def flashed(bench):
    """What flash.py printed when it put everything onto the bare board."""
    status, lines = flash(bench, *ARGUMENTS, "--verify-port", bench[0].path)
    assert status == 0, "\n".join(lines)
    return lines


@pytest.fixture
def ask(bench, flashed):
    """ask(frame): the PDU that answers, empty for none."""
    assert flashed
    line = bench[2]

    def exchange(request):
        _, end_ns = line.put(request)
        line.run_for(_PATIENCE_NS)
        heard = [(char, source) for char, source in line.chars if char.start_ns >= end_ns]
        reply = bytes(char.byte for char, source in heard if source)
        if reply:
            assert reply[0] == request[0]
            assert crc16(reply) == 0
        return reply[1:-2]

    return exchange


def levels(bench, pins):
    return [bench[1].pico.trace(pin).level for pin in pins]


def drive(bench, pins, wanted):
    for pin, level in zip(pins, wanted, strict=True):
        bench[1].pico.drive(pin, level)


def test_it_answers(flashed):
    assert "RPI_PICO with MicroPython 1." in flashed[1]
    assert "umb: umb remote I/O" in "\n".join(flashed)
    assert flashed[-1].startswith("done: umb RPI_PICO ")
    assert flashed[-1].endswith("answers: Modbus RTU, slave id 7")


def test_pins_follow(bench, ask):
    for wanted in ([1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]):
        byte = wanted[0] | wanted[1] << 1 | wanted[2] << 2
        assert ask(frame(7, [15, 0, 0, 0, 3, 1, byte])) == bytes([15, 0, 0, 0, 3])
        assert levels(bench, OUTPUTS) == [wanted[0], 1 - wanted[1], wanted[2]]
    for wanted in ([1, 0], [0, 1], [0, 0], [1, 1]):
        drive(bench, INPUTS, wanted)
        assert ask(read_registers(7, 2, 0, 2)) == bytes([2, 1, wanted[0] | wanted[1] << 1])


def test_the_direction_pin_is_at_receive(bench, ask):
    ask(read_registers(7, 1))
    assert levels(bench, [DIRECTION]) == [0]


def test_registers(ask):
    assert ask(write_registers(7, [1234], 32)) == bytes([16, 0, 32, 0, 1])
    assert ask(read_registers(7, 1, 32)) == bytes([3, 2, 4, 210])
    channels = ask(read_registers(7, 4, 0, 4))
    assert channels[:2] == bytes([4, 8])
    state = ask(read_registers(7, 1, 110, 4))
    assert state == bytes([4, 2, 0, 0])
    assert ask(read_registers(7, 8, 130, 4))[1] == 16


def test_identification(ask):
    objects = ask(frame(7, [43, 14, 2, 0]))
    assert objects[:4] == bytes([43, 14, 2, 0x82])
    for text in (b"umb", b"RPI_PICO", b"umb remote I/O", b"RP2040", b"pump house"):
        assert text in objects
    assert ask(frame(7, [17]))[2:].startswith(b"umb remote I/O RPI_PICO ")


def test_settings_change_and_the_board_restarts(bench, ask):
    _, usb, line = bench
    resets, began = usb.pico.resets, len(usb.text)
    assert ask(write_registers(7, [9], 100)) == bytes([16, 0, 100, 0, 1])
    assert ask(write_registers(7, [SAVE_AND_RESTART], ORDER)) == bytes([16, 0, ORDER, 0, 1])
    limit_ns = line.now + 20_000 * MS
    while b"umb: serving" not in usb.text[began:]:
        assert line.now < limit_ns, usb.text[began:]
        line.run_for(20 * MS)
        usb.carry()
    line.run_for(500 * MS)
    assert usb.pico.resets == resets + 1
    assert ask(read_registers(7, 1, 100)) == b""
    assert ask(read_registers(9, 1, 100)) == bytes([3, 2, 0, 9])


def test_again_and_only_what_is_new_is_written(bench, flashed):
    """The watchdog, which cannot be stopped, does not cut it short."""
    assert flashed
    status, lines = flash(bench)
    text = "\n".join(lines)
    assert status == 0, text
    assert "its watchdog runs" in text
    assert " files, 1 of them new" in text  # main.py, which was taken away for that
    assert "settings stay as they are" in text
    assert "slave id 9" in text


def test_another_board_is_not_touched(bench, flashed):
    assert flashed
    status, lines = flash(bench, "--board", "ESP32_GENERIC")
    assert status == 2
    assert lines[-1].startswith("flash.py: wrong board: this is RPI_PICO, not ESP32_GENERIC")
