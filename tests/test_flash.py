"""tools/flash.py: what it would do, and what it says when it cannot. Without any board."""

import fcntl
import os
import subprocess
import sys
import types

import pytest

from tools.env import ROOT, Trouble
from tools.flashing import console, options, remote
from tools.flashing.files import ARCHITECTURE_OF, Files, sources
from tools.pty_line import PtyLine


def flash(*arguments):
    """Run it; return (exit status, the lines it printed)."""
    command = [sys.executable, ROOT / "tools" / "flash.py", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


# What it would do


def test_dry_run():
    status, lines = flash(
        *("--dry-run", "--board", "RPI_PICO_W", "--port", "/dev/none", "--firmware", "1.28.0"),
        *("--ssid", "home", "--password", "secret", "--slave-id", "5", "--set", "outputs=[6, 7]"),
    )
    text = "\n".join(lines)
    assert status == 0, text
    assert "at /dev/none" in text
    assert "mpflash --no-interactive flash --serial /dev/none --board RPI_PICO_W" in text
    for path in ("/lib/umb/server/tcp.mpy", "/lib/app/network.mpy", "/board.py", "/main.py"):
        assert any(line.split()[0] == path for line in lines), path
    assert '"slave_id": 5' in text
    assert "secret" not in text
    assert "over its network" in text
    assert lines[-1] == "nothing was done"


def test_dry_run_needs_a_name():
    status, lines = flash("--dry-run")
    assert (status, lines) == (2, ["flash.py: --dry-run asks no board: name one with --board"])


def test_help():
    status, lines = flash("--help")
    assert status == 0
    assert "--verify-port" in "\n".join(lines)


@pytest.mark.parametrize("name", options.BOARDS)
def test_what_is_installed_is_whole(name, tmp_path):
    """Every import of the application and of umb is there, but for what nobody here uses."""
    board = options.board_of(name)
    files = Files(tmp_path, name, board.NETWORK, ARCHITECTURE_OF[name])
    assert set(files.made) == set(sources(name, board.NETWORK, ARCHITECTURE_OF[name]))
    assert ("/lib/app/network.mpy" in files.made) == bool(board.NETWORK)
    assert ("/lib/umb/server/tcp.mpy" in files.made) == bool(board.NETWORK)
    assert 25_000 < files.size < 60_000
    for path, target in files.made.items():
        assert target == tmp_path / path.lstrip("/")
        assert (target.read_bytes()[:1] == b"M") == path.endswith(".mpy")
    assert list(files.made)[-1] == "/main.py"


def test_without_an_emitter_there_is_no_machine_code(tmp_path):
    files = Files(tmp_path, "RPI_PICO", 0, None)
    assert "/lib/umb/fast/__init__.mpy" in files.made  # chooses
    assert "/lib/umb/fast/viper.mpy" not in files.made
    assert "/lib/umb/fast/thumb.mpy" not in files.made
    assert "/lib/umb/fast/bytecode.mpy" in files.made
    other = Files(tmp_path, "RPI_PICO", 0, "armv6m")
    assert set(files.made) - set(other.made) == {"/lib/umb/fast/bytecode.mpy"}


def test_the_defaults_of_every_board_are_possible():
    for name in options.BOARDS:
        options.complete({}, name)
        assert name in ARCHITECTURE_OF
        assert name == options.board_of(name).NAME


@pytest.mark.parametrize("name", [*options.BOARDS, "unix"])
def test_the_pages_of_boards_name_their_pins(name):
    text = (ROOT / "boards" / name / "README.md").read_text()
    board = options.board_of(name)
    assert "## Wiring" in text
    if name == "unix":
        return
    wiring = text.split("## Wiring")[1].split("## Pins")[0]
    for pin, row in ((board.RX, "RO"), (board.TX, "DI"), (board.DE, "DE and RE, joined")):
        (line,) = (line for line in wiring.splitlines() if line.startswith(f"| {row} |"))
        assert f"GP{pin} " in line or f"GPIO {pin}" in line, line
    assert f"--board {name}" in text


# Settings


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], {}),
        (["--slave-id", "7", "--parity", "N"], {"slave_id": 7, "parity": "N"}),
        (["--set", "de=null", "--set", 'name="x"'], {"de": None, "name": "x"}),
        (["--failsafe-s", "30", "--tcp-port", "1502"], {"failsafe_s": 30, "tcp_port": 1502}),
    ],
)
def test_settings(arguments, wanted):
    assert options.changes(options.parser().parse_args(arguments)) == wanted


def test_a_whole_file_of_settings(tmp_path):
    path = tmp_path / "umb.json"
    path.write_text('{"slave_id": 3, "name": "a"}')
    arguments = options.parser().parse_args(["--config", str(path), "--name", "b"])
    assert options.changes(arguments) == {"slave_id": 3, "name": "b"}


def test_impossible_settings_are_named_one_by_one():
    status, lines = flash(
        *("--dry-run", "--board", "RPI_PICO", "--slave-id", "300", "--ssid", "home"),
        *("--set", "outputs=[23]", "--set", "colour=1"),
    )
    assert status == 2
    assert {line.strip() for line in lines} == {
        "flash.py: these settings will not do for a RPI_PICO:",
        "slave_id must be a number, 1 to 247, not 300: 1 is used",
        'this board has no network: "ssid" is not used',
        "outputs[0]: the pin cannot be 23: it is left out",
        'unknown setting "colour"',
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--set", "outputs"], "--set takes KEY=JSON, not outputs"),
        (["--set", "name=x"], "a text needs its quotes"),
        (["--config", "/none"], "--config /none: "),
        (["--config", "LIST"], "an object is wanted"),
        (["--config", "TORN"], "--config"),
    ],
)
def test_settings_that_are_none(arguments, text, tmp_path):
    (tmp_path / "LIST").write_text("[]")
    (tmp_path / "TORN").write_text("{")
    arguments = [str(tmp_path / one) if one in ("LIST", "TORN") else one for one in arguments]
    with pytest.raises(Trouble, match=text):
        options.changes(options.parser().parse_args(arguments))


# The port


def test_no_such_port():
    status, lines = flash("--port", "/dev/none")
    assert status == 2
    assert lines[-1].startswith("flash.py: there is no /dev/none")


def test_nobody_at_the_socket():
    with pytest.raises(Trouble, match="nobody listens"):
        console.Console("socket://127.0.0.1:9")


def test_a_port_in_use():
    with PtyLine() as line, open(line.client_path, "r+b", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Trouble, match="is in use: close the program that has it"):
            console.Console(line.client_path)


def test_a_port_that_is_not_ours(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "could not open port: [Errno 13] Permission denied")

    monkeypatch.setattr(console.serial, "serial_for_url", refuse)
    with pytest.raises(Trouble, match="sudo adduser"):
        console.Console("/dev/ttyACM0")


def test_a_board_that_does_not_answer():
    told = []
    trouble = pytest.raises(Trouble, match=r"no MicroPython answers .* --firmware stable")
    with PtyLine() as line, console.Console(line.client_path) as one, trouble:
        one.interrupt(told.append, 0.2, 0.2)
    assert told == ["the board does not answer: press its reset button now"]


def test_a_board_that_answers_after_its_reset():
    """Whatever it prints before, and what our own Ctrl-C makes of it."""
    told = []
    with PtyLine() as line, console.Console(line.client_path) as one:
        far = os.open(line.server_path, os.O_RDWR | os.O_NOCTTY)
        os.write(far, b"\x00\xffrubbish\r\n>>> pri")

        def reset(text):
            told.append(text)
            os.write(far, b"MicroPython v1.28.0\r\nKeyboardInterrupt: \r\n>>> ")

        one.interrupt(reset, 0.3, 5)
        os.close(far)
    assert len(told) == 1


LISTED = """\
/dev/ttyS0 None 0000:0000 None None
/dev/ttyACM0 e6614 2e8a:0005 MicroPython Board in FS mode
"""


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (LISTED, "/dev/ttyACM0"),
        ("", "no board found"),
        (LISTED.splitlines()[0], "no board found"),
        (LISTED + LISTED.replace("ACM0", "ACM1"), "several ports: .*/dev/ttyACM0, /dev/ttyACM1"),
    ],
)
def test_looking_for_the_port(monkeypatch, listed, found):
    done = types.SimpleNamespace(stdout=listed, returncode=0)
    monkeypatch.setattr(remote.subprocess, "run", lambda *_, **__: done)
    if found.startswith("/"):
        assert remote.find_port() == found
    else:
        with pytest.raises(Trouble, match=found):
            remote.find_port()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("mpremote: failed to access /dev/x (it may be in use by another program)", "in use"),
        ("OSError: [Errno 28] ENOSPC", "no space left on the board"),
        ("MemoryError: memory allocation failed", "ran out of memory"),
        ("mpremote: something else", "mpremote: mpremote: something else"),
    ],
)
def test_what_mpremote_says(monkeypatch, said, text):
    program = [sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"]
    popen = subprocess.Popen
    monkeypatch.setattr(remote.subprocess, "Popen", lambda _, **named: popen(program, **named))
    with pytest.raises(Trouble, match=text):
        remote.Remote("/dev/x").run("fs", "ls")
