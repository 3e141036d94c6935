"""umb.port.tty: serial devices of a Unix machine, here pseudo-terminals."""

import os
import subprocess
import termios

import pytest

from tests.interop.bus import Bus, RawMaster, frame, rtu_slave
from tools.env import ROOT

_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1_000_000)


@pytest.fixture
def cooked():
    """A pseudo-terminal as it comes, with echo and line editing: (our end, the device)."""
    ours, theirs = os.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def run(micropython):
    """Run a few lines of MicroPython after `from umb.port.tty import TTY`."""

    def lines(text):
        done = subprocess.run(
            [micropython, "-c", "from umb.port.tty import TTY\n" + text],
            env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr

    return lines


def test_rates_and_stop_bits(cooked, run):
    ours, device = cooked
    for baudrate in _RATES:
        for stop in (1, 2):
            assert run(f"TTY({device!r}, {baudrate}, stop={stop})") == ""
            _, _, flags, _, into, out, _ = termios.tcgetattr(ours)
            assert into == out == getattr(termios, f"B{baudrate}")
            assert bool(flags & termios.CSTOPB) == (stop == 2)


def test_a_rate_that_there_is_not(cooked, run):
    _, device = cooked
    assert "ValueError" in run(f"TTY({device!r}, 12345)")


def test_a_device_that_there_is_not(run):
    assert "OSError: [Errno 2]" in run("TTY('/dev/no-such-device', 9600)")


def test_a_ring_that_is_read_in_pieces(pty_pair, run):
    data = bytes(range(256)) * 2
    with open(pty_pair.client_path, "r+b", 0) as client:
        client.write(data)
        program = f"""
tty = TTY({pty_pair.server_path!r}, 9600)
got, chunk = b"", bytearray(100)
while len(got) < 512:
    n = min(tty.any(), 100)
    if n:
        assert tty.readinto(chunk, n) == n
        got += chunk[:n]
assert got == bytes(range(256)) * 2, got
assert tty.any() == 0 and tty.readinto(chunk, 1) is None
assert tty.write(b"--" + got, 2, 500) == 500 and tty.txdone()
tty.close()
"""
        assert run(program) == ""
        assert _read(client.fileno(), 500) == data[:500]


def test_a_slave_makes_its_device_raw(cooked, micropython):
    ours, device = cooked
    every_byte = bytes(range(256))
    with rtu_slave(micropython, device, parity="N", slave_id=17):
        for at in range(0, 256, 64):
            data = every_byte[at : at + 64]
            ask = frame(17, "10 0000 0020 40" + data.hex())
            os.write(ours, ask)
            assert _read(ours, 8) == frame(17, "10 0000 0020")
            os.write(ours, frame(17, "03 0000 0020"))
            assert _read(ours, 69) == frame(17, "03 40" + data.hex())


def _read(descriptor, size):
    data = b""
    while len(data) < size:
        data += os.read(descriptor, 4096)
    return data


@pytest.mark.parametrize("parity", ["N", "E", "O"])
def test_a_slave_may_come_back_on_the_same_line(micropython, parity):
    answer = frame(17, "04 02 0011")
    with Bus(2) as line, RawMaster(line.paths[1]) as master:
        for _ in range(2):
            with rtu_slave(micropython, line.paths[0], parity=parity, slave_id=17):
                assert master.ask(frame(17, "04 0000 0001"), len(answer)) == answer


def test_what_a_tty_cannot_be(cooked, run):
    """One sentence says what is wanted; the device is not opened."""
    _, device = cooked
    for arguments, wanted in (
        (
            "{!r}, 9600, parity='E'",
            "ValueError: parity must be 0 for even, 1 for odd, or None, not 'E'",
        ),
        ("{!r}, 9600, parity=2", "ValueError: parity must be"),
        ("{!r}, 9600, parity='even'", "ValueError: parity must be"),
        ("{!r}, 9600, 9", "ValueError: bits must be 7..8"),
        ("{!r}, 9600, stop=1.5", "ValueError: stop must be 1..2"),
        ("{!r}, 9600, stop=None", "ValueError: stop must be 1..2"),
        ("{!r}, '9600'", "ValueError: baudrate must be one of"),
        ("{!r}, [9600]", "ValueError: baudrate must be one of"),
        ("{!r}, None", "ValueError: baudrate must be one of"),
        ("5, 9600", 'ValueError: path must be a device, such as "/dev/ttyUSB0", not'),
        ("None, 9600", 'ValueError: path must be a device, such as "/dev/ttyUSB0", not'),
        ("b'/dev/x', 9600", 'ValueError: path must be a device, such as "/dev/ttyUSB0", not'),
    ):
        told = run(f"TTY({arguments.format(device)})")
        assert wanted in told, (arguments, told)


def test_errors_name_the_device(run, tmp_path):
    """One that is not there, one that may not be opened, and files that are none."""
    file = tmp_path / "file"
    file.write_text("x")
    for path, words in (
        ("/dev/no-such-device", "[Errno 2] ENOENT: /dev/no-such-device cannot be opened"),
        (str(file), f"{file} is no serial device"),
        (str(tmp_path), f"{tmp_path} cannot be opened"),
        ("/dev/null", "/dev/null is no serial device"),
    ):
        told = run(f"TTY({path!r}, 9600)")
        assert "OSError: " in told and words in told, (path, told)


def test_a_path_is_no_uart(run):
    """What it needs instead is said; so it is for a server and for a client."""
    for driver in ("client.rtu import RTUClient", "server.rtu import RTUServer"):
        name = driver.split()[-1]
        for uart in ("'/dev/ttyUSB0'", "None", "1.0", "TTY", "b'/dev/ttyS0'", "[1]", "object()"):
            told = run(f"from umb.{driver}\n{name}({uart}, baudrate=9600)")
            wanted = "ValueError: uart must be a UART's number, a machine.UART or its like"
            assert wanted in told, (driver, uart, told)
