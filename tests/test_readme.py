"""README: short, and its commands and programs do what they promise."""

import re
import shlex

import pytest

from tests.support.flashed import compile_once
from tests.support.pages import PAGES, blocks, programs
from tests.support.pc import PC
from tests.support.service import dev
from tools import flash
from tools.dev import COMMANDS
from tools.env import ROOT
from tools.flashing import files

README = (ROOT / "README.md").read_text()
_COMMENT = re.compile(r"print\(.*\)  # (.+)$", re.M)
_FLASH = "python3 tools/flash.py "


def commands(page):
    """Return the lines of the blocks of shell in a page, without comments."""
    lines = "".join(blocks(page, "")).splitlines()
    return [line.partition("  #")[0].strip() for line in lines]


ALL = sorted({line for page in PAGES for line in commands(page)})


def test_it_is_short():
    assert len(README.splitlines()) <= 150
    first = [programs()[f"README-{i}"] for i in range(2)]
    assert all(len(re.findall(r"^\S.*$", text, re.M)) <= 6 for text in first)


def test_its_slave_and_its_master(micropython, tmp_path):
    slave, master = (programs()[f"README-{i}"] for i in range(2))
    with PC(micropython, tmp_path) as pc:
        pc.start(slave).wait_for("UART 0 is")
        asking = pc.start(master, uarts={0: pc.far_end(0)})
        assert asking.wait() == 0, "\n".join(asking.lines)
        shown = _COMMENT.findall(master)
        assert len(shown) == 2
        assert [line for line in asking.lines if "UART" not in line] == shown


def test_its_error(micropython, tmp_path):
    with PC(micropython, tmp_path) as pc:
        asking = pc.start(programs()["README-1"])
        assert asking.wait() == 1
        text = re.search(r"`(slave 7 did not .*?)`", README, re.S)[1]
        assert asking.lines[-1] == "NoReplyError: " + " ".join(text.split())


def test_its_commands_on_a_pc(micropython):
    slave, master = (
        shlex.split(line)[2:]
        for line in commands(ROOT / "README.md")
        if "dev.py micropython" in line and "_rtu.py" in line
    )
    running = dev(*slave, env={"MICROPYTHON": micropython})
    far_end = running.wait_for("UART 0 is").split()[-1]
    place = master.index("--uart") + 1
    assert re.fullmatch(r"0=/dev/pts/\d+", master[place])
    master[place] = f"0={far_end}"
    asking = dev(*master, env={"MICROPYTHON": micropython})
    assert asking.wait() == 0, "\n".join(asking.lines)
    asking.wait_for("[230, 17]")
    assert running.end() == 130
    assert "Traceback" not in "\n".join(running.lines)


def test_the_commands_exist():
    named = {shlex.split(line)[2] for line in ALL if line.startswith("python3 tools/dev.py ")}
    assert {"run", "test", "micropython", "dist"} <= named <= COMMANDS.keys()
    table = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert set(re.findall(r"tools/dev.py (\w+)", table)) == COMMANDS.keys() | {"COMMAND"}


@pytest.mark.parametrize("line", [line for line in ALL if line.startswith(_FLASH)])
def test_the_commands_that_flash(line, monkeypatch):
    """With --dry-run: what it says is checked, and nothing is done."""
    words = shlex.split(line)[2:]
    if "--board" not in words:
        # The one that would be found. A Pico W has room for all of it only if it is frozen, which
        # a run without a board cannot see.
        words += ["--board", "RPI_PICO2_W" if "--ssid" in words else "RPI_PICO"]
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(files, "compile_for_board", compile_once)
    assert flash.main(["--dry-run", *words]) == 0


def test_programs_that_are_named_are_there():
    named = {word for line in ALL for word in line.split() if word.endswith((".py", ".json"))}
    made = {"dist/server-rtu.json", "settings.json"}  # by dev.py dist, and by the reader
    for word in named - made:
        assert (ROOT / word.strip(":")).exists() or word == ":main.py", word


def test_the_printed_text_is_what_run_prints(slave):
    """But for the places, which differ from start to start."""

    def places_out(line):
        return re.sub(r"127.0.0.1:\d+|/dev/\w+(/\d+)?, \d+ 8.1( \(.*\))?", "PLACE", line).rstrip()

    page = (ROOT / "docs" / "start" / "pc.md").read_text()
    shown = re.search(r"```text\n(umb remote I/O.*?)```", page, re.S)[1].splitlines()
    assert [places_out(line) for line in shown] == [places_out(line) for line in slave.lines]
