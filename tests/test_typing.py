"""What editors and type checkers see of the public names. mypy checks programs of users."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import jedi
import pytest

from tests.support import pages
from tools.env import ROOT

SITE = Path(sysconfig.get_paths()["purelib"])  # where the stubs of MicroPython's modules are
EXAMPLES = sorted(ROOT.glob("examples/**/*.py"))

SLAVE = """
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Registers, Store

store = Store(coils=8, holding_registers=Registers(100, 50))
slave = RTUServer(1, Server(store), baudrate=19200, parity=0, tx=8, rx=9, de=4)
"""
CLIENT = """
from umb.client.tcp import TCPClient

client = TCPClient(("192.168.0.9", 502))
"""
ASYNC_CLIENT = """
from umb.aio import AsyncTCPClient

client = AsyncTCPClient(("192.168.0.9", 502))


async def ask() -> int:
    return (await client.read_coils(1, 0, 8))[0]
"""
MISTAKES = {
    "a misspelt method": SLAVE + "slave.serve_for_ever()\n",
    "a forgotten baud rate": SLAVE.replace("baudrate=19200, ", ""),
    "a misspelt parameter": SLAVE.replace("parity=", "partiy="),
    "a misspelt area": SLAVE + "store.holding_register[100] = 1\n",
    "a text for a number": CLIENT + "client.read_coils(1, 0, '8')\n",
    "a misspelt call of a slave": CLIENT + "client.slave(7).read_coil(0, 8)\n",
    "a forgotten argument": CLIENT + "client.write_single_register(1, 7)\n",
    "a forgotten await": ASYNC_CLIENT.replace(
        "(await client.read_coils(1, 0, 8))[0]", "client.read_coils(1, 0, 8)[0]"
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which mypy keeps what it has found out of the modules of umb."""
    folder = tmp_path_factory.mktemp("typing")
    stubs = folder / "stubs"  # mypy does not look for those of single modules where they are
    stubs.mkdir()
    for name in ("machine", "network", "time", "rp2", "_mpy_shed"):
        (found,) = (path for path in (SITE / name, SITE / f"{name}.pyi") if path.exists())
        (stubs / found.name).symlink_to(found)
    folder.joinpath("mypy.ini").write_text(
        f"[mypy]\nmypy_path={ROOT}:{stubs}\ncustom_typeshed_dir={SITE}\nfollow_imports=silent\n"
        "check_untyped_defs=True\nwarn_unreachable=True\n"
    )
    return folder


def complaints(folder, programs):
    """Return what mypy says about {name: text} of programs, each a line."""
    paths = []
    for name, text in programs.items():
        paths.append(folder / (re.sub(r"\W", "_", name) + ".py"))
        paths[-1].write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", *map(str, paths)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    ours = tuple(path.name for path in paths)
    return [line for line in done.stdout.splitlines() if line.startswith(ours) and "error" in line]


def test_the_programs_of_the_pages_and_examples_are_right(folder):
    programs = pages.programs()
    programs.update((path.stem, path.read_text()) for path in EXAMPLES)
    programs.update(slave=SLAVE, client=CLIENT, async_client=ASYNC_CLIENT)
    assert complaints(folder, programs) == []


def test_mistakes_are_found(folder):
    found = "\n".join(complaints(folder, MISTAKES))
    for mistake in MISTAKES:
        assert re.sub(r"\W", "_", mistake) + ".py:" in found, f"{mistake} in:\n{found}"


def names_after(program, text):
    """Return the names that an editor offers after `text` at the end of a program."""
    script = jedi.Script(program + text, project=jedi.Project(ROOT))
    return {name.name for name in script.complete()}


def signature(program, text):
    """Return the parameters that an editor shows behind an opening parenthesis."""
    script = jedi.Script(program + text, project=jedi.Project(ROOT))
    (found,) = script.get_signatures()
    return [parameter.name for parameter in found.params]


def test_an_editor_offers_what_a_driver_can_do():
    wanted = {"poll", "serve_forever", "shutdown", "server_close", "route", "counters"}
    assert wanted <= names_after(SLAVE, "slave.")
    assert {"holding_registers", "coils"} <= names_after(SLAVE, "store.")
    assert {"route", "add", "remove", "function"} <= names_after(SLAVE, "slave.server.") | (
        names_after(SLAVE, "Server(store).")
    )
    assert {"read_coils", "close", "connect"} <= names_after(CLIENT, "client.")
    assert {"read_coils", "close", "connect"} <= names_after(ASYNC_CLIENT, "client.")
    slave = names_after(CLIENT, "client.slave(7).")
    assert {"read_coils", "answers"} <= slave and "connect" not in slave


@pytest.mark.parametrize(
    ("program", "call", "parameters"),
    [
        (SLAVE, "RTUServer(", {"uart", "server", "baudrate", "parity", "de", "framer", "gap_ms"}),
        (SLAVE, "Server(", {"store", "slave_ids", "functions", "on_error"}),
        (SLAVE, "Registers(", {"start", "quantity", "on_read", "on_write", "validate"}),
        (CLIENT, "TCPClient(", {"address", "timeout_ms", "retries", "framer"}),
        (CLIENT, "client.read_coils(", {"slave_id", "starting_address", "quantity"}),
        (ASYNC_CLIENT, "AsyncTCPClient(", {"address", "timeout_ms", "retries", "framer"}),
    ],
)
def test_an_editor_shows_parameters(program, call, parameters):
    assert parameters <= set(signature(program, call))


def test_docstrings_are_found():
    script = jedi.Script(SLAVE + "RTUServer", project=jedi.Project(ROOT))
    assert "baudrate" in script.help()[0].docstring()
