"""tools/flash.py: what it would do, and what it says when it cannot. Without any board."""

import fcntl
import json
import os
import re
import subprocess
import sys
import time
import types

import pytest
from mpremote.transport import TransportError, TransportExecError

from boards.app.parts import OPTIONAL, ROLES
from tools import board_libraries
from tools.env import ROOT, Trouble
from tools.flashing import board, options
from tools.flashing.board import Board, find_port
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
        *(
            "--ssid",
            "home",
            "--password",
            "wpa2 secret",
            "--slave-id",
            "5",
            "--set",
            "outputs=[6, 7]",
        ),
    )
    text = "\n".join(lines)
    assert status == 0, text
    assert "at /dev/none" in text
    assert "mpflash --no-interactive flash --serial /dev/none --board RPI_PICO_W" in text
    for path in ("/lib/umb/server/tcp.mpy", "/lib/app/network/wifi.mpy", "/board.py", "/main.py"):
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


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", options.BOARDS)
def test_what_is_installed_is_whole(name, role, tmp_path):
    """Every import of the application and of umb is there, but for what nobody here uses."""
    board = options.board_of(name)
    network = bool(board.NETWORK)
    settings = {"role": role}
    made = sources(name, board.NETWORK, ARCHITECTURE_OF[name], settings)
    for path in (
        "app/network/wired.mpy",
        "app/network/settings.mpy",
        "umb/server/tcp.mpy",
        "umb/aio/__init__.mpy",
    ):
        assert (f"/lib/{path}" in made) == network, path
    possible = {"io": True, "poller": network, "gateway": network or len(board.UARTS) > 1}
    installed = {path.split("/")[3] for path in made if path.startswith("/lib/app/")}
    assert installed & {*ROLES, *OPTIONAL} == ({role} if possible[role] else set())
    asks = role != "io" and possible[role]
    assert ("masters" in installed) == ("/lib/umb/client/rtu.mpy" in made) == asks
    assert list(made)[-1] == "/main.py"
    if name not in ("RPI_PICO_W", "ESP8266_GENERIC") and (role, name) != ("io", "RPI_PICO"):
        return  # the same sources, compiled in the same way
    files = Files(tmp_path, name, board.NETWORK, ARCHITECTURE_OF[name], settings)
    assert list(files.made) == list(made)
    assert 25_000 < files.size < (90_000 if role == "io" else 150_000)
    for path, target in files.made.items():
        assert target == tmp_path / path.lstrip("/")
        assert (target.read_bytes()[:1] == b"M") == path.endswith(".mpy")


def test_without_a_role_it_is_remote_io():
    for name in options.BOARDS:
        network, arch = options.board_of(name).NETWORK, ARCHITECTURE_OF[name]
        assert sources(name, network, arch) == sources(name, network, arch, {"role": "io"})


def test_without_an_emitter_there_is_no_machine_code(tmp_path):
    files = Files(tmp_path, "RPI_PICO", 0, None)
    assert "/lib/umb/fast/__init__.mpy" in files.made  # chooses
    assert "/lib/umb/fast/viper.mpy" not in files.made
    assert "/lib/umb/fast/thumb.mpy" not in files.made
    assert "/lib/umb/fast/bytecode.mpy" in files.made
    other = Files(tmp_path, "RPI_PICO", 0, "armv6m")
    assert set(files.made) - set(other.made) == {"/lib/umb/fast/bytecode.mpy"}


def settings_of_all(board):
    """The board's own pins, as settings."""
    keys = ("uart", "tx", "rx", "de", "outputs", "inputs", "analogues", "pwms", "led")
    wanted = {key: getattr(board, key.upper()) for key in keys}
    return {key: list(one) if isinstance(one, tuple) else one for key, one in wanted.items()}


def test_the_defaults_of_every_board_are_possible():
    for name in options.BOARDS:
        options.check({}, {}, name)
        options.check(settings_of_all(options.board_of(name)), {}, name)
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
    assert f"--board {name}" in text
    if board.DE is None:  # it has a transceiver of its own
        assert f"TX is GPIO {board.TX}, RX GPIO {board.RX}, of UART {board.UART}" in wiring
        assert f"GPIO {', '.join(map(str, board.OUTPUTS))} |" in wiring
        return
    for pin, row in ((board.RX, "RO"), (board.TX, "DI"), (board.DE, "DE and RE, joined")):
        (line,) = (line for line in wiring.splitlines() if line.startswith(f"| {row} |"))
        assert re.search(rf"GP{pin} |GPIO {pin}\b", line), line


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
    """And nothing is said of what would hold instead: nothing is done."""
    status, lines = flash(
        *("--dry-run", "--board", "RPI_PICO", "--slave-id", "300", "--ssid", "home"),
        *("--set", "outputs=[23]", "--set", "colour=1", "--set", "panel={}"),
    )
    assert status == 2
    assert {line.strip() for line in lines} == {
        "flash.py: a RPI_PICO cannot use these settings:",
        "slave_id must be a number, 1 to 247, not 300",
        '"ssid": this board has no network',
        "panel: this board has no network",
        "outputs[0]: the pin 23 is wired to the power supply",
        'unknown setting "colour"',
    }


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "RPI_PICO",
            ["--set", "tx=3"],
            "tx: the pin 3 is none of UART 0, which has 0, 12, 16, 28",
        ),
        ("RPI_PICO", ["--set", "uart=1"], "tx: the pin 0 is none of UART 1"),
        ("RPI_PICO", ["--set", "de=0"], "de: the pin 0 is tx already"),
        ("RPI_PICO_W", ["--set", "led=25"], "led: the pin 25 is wired to the radio"),
        ("RPI_PICO_W", ["--password", "123"], "password must be a text of 8 to 63 bytes"),
        (
            "RPI_PICO_W",
            ["--hostname", "a b"],
            "hostname must be 32 letters, digits and hyphens at most",
        ),
        ("ESP32_GENERIC", ["--set", "tx=34"], "tx: the pin 34 is an input only"),
        ("ESP32_GENERIC", ["--set", "uart=0"], "uart must be 1 or 2, not 0"),
        ("ESP8266_GENERIC", ["--set", 'inputs=[{"pin":0,"pull":"down"}]'], '"up" or "none", not'),
        ("ESP8266_GENERIC", ["--set", 'pwms=[{"pin":4,"freq":2000}]'], "a number, 1 to 1000, not"),
        ("RPI_PICO", ["--firmware", "nonsense"], '--firmware takes "stable", a version like'),
        ("RPI_PICO", ["--firmware", "1.x"], '--firmware takes "stable", a version like'),
        ("ESP32_GENERIC", ["--firmware", "none.bin"], "no such firmware: none.bin"),
        ("RPI_PICO", ["--set", "x=1e999"], "--set takes KEY=JSON, not x=1e999"),
        ("RPI_PICO", ["--slow", "0"], "--slow: must be 1 to 1000, not 0"),
    ],
)
def test_what_a_board_would_reject_is_refused_at_once(name, arguments, text):
    status, lines = flash("--dry-run", "--board", name, *arguments)
    assert status == 2
    assert text in "\n".join(lines)
    assert "Traceback" not in "\n".join(lines)


def test_a_broker():
    status, lines = flash(
        *("--dry-run", "--board", "RPI_PICO_W", "--ssid", "home"),
        *("--mqtt", "192.168.1.2:1884"),
        *("--mqtt-user", "plant", "--mqtt-password", "topsec"),
    )
    told = "\n".join(lines)
    assert status == 0
    for path in ("app/mqtt/part", "umb/bridge/mqtt", "umb/bridge/discovery", "umb/bridge/topics"):
        assert f"/lib/{path}.mpy" in told, path
    assert ("/lib/chumicro_mqtt/client.mpy" in told) == board_libraries.runs_here("chumicro_mqtt")
    assert "chumicro_mqtt/testing" not in told
    broker = {"host": "192.168.1.2", "port": 1884, "user": "plant", "password": "***"}
    assert json.dumps({"ssid": "home", "mqtt": broker}) in told
    assert "topsec" not in told
    told = "\n".join(flash("--dry-run", "--board", "RPI_PICO_W")[1])
    assert "mqtt" not in told  # the settings do not ask for it


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--mqtt", "host"], "mqtt: it needs a network: --ssid"),
        (["--mqtt", "host:x"], "--mqtt takes HOST or HOST:PORT, not host:x"),
        (["--mqtt-user", "x"], "--mqtt-user and --mqtt-password need --mqtt"),
        (["--mqtt", "host:99999"], "mqtt.port must be a number, 0 to 65535"),
    ],
)
def test_a_broker_that_cannot_be(arguments, text):
    status, lines = flash("--dry-run", "--board", "RPI_PICO_W", *arguments)
    assert status == 2
    assert text in "\n".join(lines)


def test_a_page_for_browsers():
    status, lines = flash(
        *("--dry-run", "--board", "RPI_PICO_W", "--ssid", "home"),
        *("--panel", "--panel-password", "topsecret"),
    )
    told = "\n".join(lines)
    assert status == 0
    for path in ("app/panel/part.mpy", "umb/panel/__init__.mpy", "umb/panel/page.html.gz"):
        assert f"/lib/{path}" in told, path
    assert [line.split("/")[-1].split()[0] for line in lines if "/lib/microdot/" in line] == [
        "__init__.mpy",
        "microdot.mpy",
    ]
    page = {"port": 80, "password": "***"}
    assert json.dumps({"ssid": "home", "panel": page}) in told
    told = "\n".join(flash("--dry-run", "--board", "RPI_PICO_W")[1])
    assert "panel" not in told and "microdot" not in told


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--panel"], "panel: it needs a network: --ssid"),
        (
            ["--panel", "--ssid", "home", "--role", "gateway"],
            "panel: there is too little memory for it beside a gateway, unless both are frozen",
        ),
        (["--panel", "0"], "panel.port must be a number, 1 to 65535"),
        (["--panel-password", "correct horse"], "--panel-password needs --panel"),
        (["--panel", "--panel-password", "short"], "a text of 8 to 64 bytes"),
        (["--set", 'panel={"password": "correct horse"}'], "panel.password must be what flash.py"),
    ],
)
def test_a_page_that_cannot_be(arguments, text):
    status, lines = flash("--dry-run", "--board", "RPI_PICO_W", *arguments)
    assert status == 2
    assert text in "\n".join(lines)


def test_no_password_is_printed():
    told = "\n".join(flash("--dry-run", "--board", "RPI_PICO_W", "--password", "topsec")[1])
    assert "password must be" in told
    assert "topsec" not in told


def test_output_that_nobody_reads():
    """As with | head."""
    command = [sys.executable, ROOT / "tools" / "flash.py", "--dry-run", "--board", "RPI_PICO"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert "Traceback" not in done.stderr


def test_old_settings_and_new_ones_are_checked_together():
    old = {"uart": 1, "tx": 4, "rx": 5, "colour": "red", "outputs": [99]}
    options.check({**old, "rx": 9}, old, "RPI_PICO")
    with pytest.raises(Trouble, match=r"^a RPI_PICO cannot use these settings:\n  rx: [^\n]+$"):
        options.check({**old, "rx": 1}, old, "RPI_PICO")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--set", "outputs"], "--set takes KEY=JSON, not outputs"),
        (["--set", "name=x"], "a text needs its quotes"),
        (["--config", "/none"], "--config /none: No such file or directory"),
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
        Board("socket://127.0.0.1:9")


def test_a_port_in_use():
    with PtyLine() as line, open(line.client_path, "r+b", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Trouble, match="is in use: close the program that has it"):
            Board(line.client_path)


def test_a_port_that_is_not_ours(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "could not open port: [Errno 13] Permission denied")

    monkeypatch.setattr(board.serial, "serial_for_url", refuse)
    with pytest.raises(Trouble, match="sudo adduser"):
        Board("/dev/ttyACM0")


def test_a_board_that_does_not_answer():
    told = []
    trouble = pytest.raises(Trouble, match=r"no MicroPython answers .* --firmware stable")
    with PtyLine() as line, Board(line.client_path) as one, trouble:
        one.interrupt(told.append, 0.2, 0.2)
    assert told == ["the board does not answer: press its reset button now"]


def test_a_board_that_answers_after_its_reset():
    """Whatever it prints before, and what our own Ctrl-C makes of it."""
    told = []
    with PtyLine() as line, Board(line.client_path) as one:
        far = os.open(line.server_path, os.O_RDWR | os.O_NOCTTY)
        os.write(far, b"\x00\xffrubbish\r\n>>> pri")

        def reset(text):
            told.append(text)
            os.write(far, b"MicroPython v1.28.0\r\nKeyboardInterrupt: \r\n>>> ")

        one.interrupt(reset, 0.3, 5)
        os.close(far)
    assert len(told) == 1


def test_a_slow_board_is_waited_for():
    """So many times longer; the message says how long that was."""
    with PtyLine() as line, Board(line.client_path, 20) as one:
        began_s = time.monotonic()
        with pytest.raises(Trouble, match="within 1 s"):
            one.interrupt(lambda _: None, 0.05, 0)
        assert time.monotonic() - began_s >= 1
        one._transport.is_pty = False  # for those mpremote waits in another way
        began_s = time.monotonic()
        one._transport.read_until(1, b"x", timeout=0.05)
        assert time.monotonic() - began_s >= 1


def test_a_board_that_is_unplugged():
    with PtyLine() as line:
        one = Board(line.client_path)
    with one, pytest.raises(Trouble, match=" was lost: "):
        one.interrupt(lambda _: None, 1, 1)


def port(device, vid):
    return types.SimpleNamespace(device=device, vid=vid)


PLAIN, ACM0, ACM1 = port("/dev/ttyS0", None), port("/dev/ttyACM0", 0x2E8A), port("/dev/ACM1", 1)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([PLAIN, ACM0], "/dev/ttyACM0"),
        ([], "no board found"),
        ([PLAIN], "no board found"),
        ([ACM0, PLAIN, ACM1], "several ports: .*/dev/ACM1, /dev/ttyACM0"),
    ],
)
def test_looking_for_the_port(monkeypatch, listed, found):
    monkeypatch.setattr(board.list_ports, "comports", lambda: listed)
    if found.startswith("/"):
        assert find_port() == found
    else:
        with pytest.raises(Trouble, match=found):
            find_port()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TransportExecError(b"", "Traceback\nOSError: [Errno 28] ENOSPC"), "no space left on the"),
        (TransportExecError(b"", "Traceback\nOSError: 28"), "no space left on the board"),
        (OSError(28, "/main.py"), "no space left on the board"),
        (TransportExecError(b"", "MemoryError: memory allocation failed"), "ran out of memory"),
        (TransportExecError(b"", "Traceback\nNameError: x"), "the board refuses: NameError: x"),
        (TransportError("timeout"), r"not finished (removing files|writing /x) \(timeout\)"),
        (board.serial.SerialException("gone"), "was lost: gone"),
    ],
)
def test_what_the_connection_raises(monkeypatch, error, text):
    def fail(*_, **__):
        raise error

    with PtyLine() as line, Board(line.client_path) as one:
        monkeypatch.setattr(one._transport, "exec", fail)
        for call in (lambda: one.remove(["/x"]), lambda: one.write("/x", b"")):
            with pytest.raises(Trouble, match=text):
                call()


FILE_LINE = '["/main.py", 3, "ab"]'


@pytest.mark.parametrize(
    ("lines", "files"),
    [
        ((), {}),
        ((FILE_LINE,), {"/main.py": [3, "ab"]}),
        (
            ("E (4711) wifi: 12", FILE_LINE, "", "[12]", "\x1b[0;31mE (4712)"),
            {"/main.py": [3, "ab"]},
        ),
        ((FILE_LINE[:9] + "E (4711)", FILE_LINE[9:]), {}),
    ],
)
def test_what_a_firmware_prints_meanwhile(monkeypatch, lines, files):
    """It does not end the survey: a file of which nothing is known is written again."""
    with PtyLine() as line, Board(line.client_path) as one:
        monkeypatch.setattr(one._transport, "enter_raw_repl", lambda **_: None)
        monkeypatch.setattr(
            one, "_exec", lambda *_: "\r\n".join((*lines, '{"free": 9}', "E (9)\r\n"))
        )
        assert one.survey() == {"free": 9, "files": files}
        for wrong in ("", "[1, 2]", "12", '{"free": 9', "null"):
            monkeypatch.setattr(one, "_exec", lambda *_, wrong=wrong: "\n".join((*lines, wrong)))
            with pytest.raises(Trouble, match="answers strangely"):
                one.survey()
