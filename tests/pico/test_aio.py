"""asyncio on a board without a network: a slave and a master as tasks, and what they take."""

import ast

import pytest

from tests.pico.cases import READ_10, REGISTERS, STANDARD, reading
from tools.emulator.line import Line, Station
from tools.emulator.master import Master
from tools.emulator.wire import Format

_FORM = Format(115200)
_LIMIT_MS = 5000
_PARTS = (_FORM.baudrate, _FORM.parity, _FORM.stop)
# What they take, and a little. MicroPython's table of names grows by 2 KB at 300 of them: umb has
# to leave a few to the program.
_RAM_LIMIT = 29_500  # asyncio itself included: the goal is 18 KB
_ASYNCIO_LIMIT = 6_200  # of asyncio and umb.aio together
_BACKGROUND_LIMIT = 6_400


@pytest.fixture(scope="module")
def aio_board(emulator, firmware):
    """A board with the programs of onboard/task_ram.py and onboard/tasks.py on it."""
    programs = (emulator.ONBOARD / name for name in ("task_ram.py", "tasks.py", "slaves.py"))
    return emulator.Pico(firmware, emulator.program_files(*programs))


@pytest.fixture
def board(aio_board):
    """That board, with nothing imported yet."""
    aio_board.soft_reset(_LIMIT_MS)
    yield aio_board
    aio_board.interrupt()


@pytest.fixture(scope="module")
def measured(aio_board, figures):
    """A slave under asyncio, asked for everything: bytes of it and of its parts, and modules."""
    aio_board.soft_reset(_LIMIT_MS)
    aio_board.start(f"import task_ram; task_ram.ram({_PARTS}, {len(STANDARD)})", _LIMIT_MS)
    exchanges = Master(Line(_FORM, Station(aio_board))).ask_all(STANDARD)
    assert [exchange.reply[1] for exchange in exchanges] == [1, 2, 3, 4, 5, 6, 15, 16, 22, 23]
    numbers, modules = aio_board.finish(_LIMIT_MS).splitlines()
    whole, of_asyncio, of_aio, of_background = map(int, numbers.split())
    figures.note("RAM, a slave under asyncio, .mpy, bytes", whole)
    figures.note("RAM, of it asyncio, bytes", of_asyncio)
    figures.note("RAM, of it umb.aio and its task, bytes", of_aio)
    figures.note("RAM, of it the background, bytes", of_background)
    return whole - of_background, of_asyncio, of_aio, of_background, ast.literal_eval(modules)


def test_ram_of_a_slave(measured):
    """Without what serves it in the background, which has a limit of its own."""
    assert measured[0] <= _RAM_LIMIT
    assert measured[3] <= _BACKGROUND_LIMIT


def test_what_umb_aio_adds_to_a_slave(measured):
    _, of_asyncio, of_aio, _, _ = measured
    assert of_asyncio + of_aio <= _ASYNCIO_LIMIT


def test_a_slave_loads_no_client(measured):
    """Nor anything of a network."""
    loaded = measured[4]
    assert "umb.server.rtu" in loaded
    assert [name for name in loaded if name == "socket" or ".client" in name] == []


@pytest.mark.parametrize(("baudrate", "late_us"), ((9600, 500), (19200, 900), (115200, 150)))
def test_a_slave_in_the_background(board, figures, baudrate, late_us):
    """umb.aio.serve() starts it, and no task keeps it from being in time."""
    form = Format(baudrate)
    board.start(f"import tasks; tasks.serve_beside_tasks({baudrate, form.parity, form.stop})")
    line = Line(form, Station(board))
    exchanges = Master(line).ask_all([READ_10.request] * 5)
    assert [exchange.reply for exchange in exchanges] == [READ_10.reply] * 5
    for exchange in exchanges:
        figures.note(
            f"background, asyncio: reply after t3.5, {baudrate} baud, us", exchange.late_us
        )
        assert 0 <= exchange.late_us <= late_us
    assert not line.damaged


def test_a_master_in_a_task(board):
    board.start(f"import tasks; tasks.read({_PARTS}, 10)", _LIMIT_MS)
    line = Line(_FORM, Station(board))
    case = reading(10, 0)
    asked = bytearray()

    def heard(char, station):
        if station is not None:
            asked.append(char.byte)
            if bytes(asked) == case.request:
                line.put(case.reply, char.end_ns + _FORM.t35_ns)

    line.on_char = heard
    assert ast.literal_eval(board.finish(_LIMIT_MS)) == REGISTERS[:10]
    assert bytes(asked) == case.request


def test_a_firmware_without_a_network_says_so(board):
    said = board.exec("import tasks; tasks.no_network()", _LIMIT_MS).splitlines()
    assert said == [
        "ImportError: no module named 'socket'",
        "ImportError: no module named 'socket'",
        "AttributeError: AsyncNothing",
    ]
