"""A Bridge on a board, with a broker in memory: its memory, and how long a poll() takes."""

import pytest

from tools import board_libraries
from tools.build import compile_file

_START_LIMIT_MS = 5000
_POINTS = 50
_RAM_GOAL = 1536  # beside the points and their store
# What importing takes, of a Bridge with discovery and of the MQTT client.
_IMPORT_GOAL = 22 * 1024
_CLIENT_GOAL = 31 * 1024
_LONGEST_IDLE_US = 3000
_LONGEST_STEP_US = 12_000  # such as the description of one point
_CLIENT = "chumicro_mqtt"
pytestmark = pytest.mark.long_pico


@pytest.fixture(scope="module")
def board(emulator, firmware, tmp_path_factory):
    """A board with a Bridge on it, and with the MQTT client if there is one here."""
    files = emulator.program_files(emulator.ONBOARD / "bridges.py")
    if board_libraries.runs_here(_CLIENT):
        out = tmp_path_factory.mktemp("client") / "out.mpy"
        for source in (board_libraries.folder(_CLIENT) / _CLIENT).glob("*.py"):
            compile_file(source, out, source.stem)
            files[f"/lib/{_CLIENT}/{source.stem}.mpy"] = out.read_bytes()
    return emulator.Pico(firmware, files)


def taken(board, before, program):
    """Return the bytes of heap that a program takes, after another one."""
    text = (
        f"import gc; {before}; gc.collect(); a = gc.mem_alloc(); {program}; gc.collect(); "
        "print(gc.mem_alloc() - a)"
    )
    return int(board.exec(text, _START_LIMIT_MS))


def test_importing(board):
    points = "from umb.points import Points, PointStore"
    bridge = "from umb.bridge import Bridge; from umb.bridge.discovery import Discovery"
    assert taken(board, points, bridge) <= _IMPORT_GOAL
    if board_libraries.runs_here(_CLIENT):
        client = f"from {_CLIENT}.client import MQTTClient"
        assert taken(board, "import struct, errno", client) <= _CLIENT_GOAL


def test_fifty_points(board):
    """No poll() keeps a bus waiting, also while everything is described to Home Assistant."""
    size, idle_us, value_us, longest_us, heap = map(
        int, board.exec(f"import bridges; bridges.run({_POINTS})", 20_000).split()
    )
    assert size <= _RAM_GOAL
    assert heap == 0
    assert idle_us <= _LONGEST_IDLE_US
    assert value_us <= longest_us <= _LONGEST_STEP_US
