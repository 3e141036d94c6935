"""Fixtures of the tests on the emulated Pico; options.py skips those that cannot have one."""

import pytest

from tools.emulator.firmware import PICO_W, find_firmware
from tools.emulator.wire import Format


@pytest.fixture(scope="session")
def firmware():
    """Path of the firmware."""
    return find_firmware()


@pytest.fixture(scope="session")
def emulator():
    """The module bench.slave, which needs the emulator."""
    from tests.pico import slave  # noqa: PLC0415 - only where the emulator is installed

    return slave


@pytest.fixture(scope="session")
def wireless():
    """The module wireless.py, which needs the emulator and a firmware for a Pico W."""
    from tests.pico import wireless  # noqa: PLC0415 - only where the emulator is installed

    return wireless


@pytest.fixture(scope="session")
def pico_w(wireless):
    """The Board with WiFi that all tests share: its radio takes long to come up."""
    board = wireless.Board(wireless.switch_on(find_firmware(PICO_W)))
    yield board
    board.close()


@pytest.fixture(scope="session")
def flash(emulator):
    """{path: bytes} of the board's files: the library, compiled."""
    return emulator.flash_files()


@pytest.fixture(scope="session")
def fresh_pico(emulator, firmware, flash, figures):
    """The board that all tests share, with what a slave takes of its memory: (pico, Ram)."""
    pico = emulator.boot(firmware, flash)
    version = pico.exec("import sys; print(sys.version)")
    figures.note("firmware", version.partition(";")[2].strip())
    return pico, emulator.ram(pico)  # importing takes long: once for all tests


@pytest.fixture
def pico(fresh_pico):
    """A board with the library on it, running nothing."""
    pico, _ = fresh_pico
    yield pico
    pico.interrupt()


@pytest.fixture(scope="session")
def pio_board(emulator, firmware, flash):
    """A board whose state machines run and see both lines, with the library on it."""
    from tools.emulator.pio import Levels  # noqa: PLC0415 - only where the emulator is installed

    pico = emulator.Pico(firmware, flash, pio=True)
    for number in (0, 1):
        Levels(pico, number, 4 * number, 4 * number + 1)
    return pico


@pytest.fixture
def start(emulator, pico):
    """start(form, slave_id=1, program="serve"): the Master of a slave that is alone on a line."""

    def start_alone(form, slave_id=1, program="serve"):
        return emulator.start_alone(pico, form, slave_id, program)

    return start_alone


def pytest_make_parametrize_id(val):
    """Name the tests after the line's format: test_x[9600 8E1]."""
    return str(val) if isinstance(val, Format) else None
