"""tools/flash.py and a board: what is done to it, and what it says when that goes wrong."""

import json
import subprocess
import types
from pathlib import Path

import pytest

from boards.app.check import Checked
from tests.support.device import Device
from tests.support.flashed import PICO_MPY, STARTS, Board, run, survey_of
from tools.env import Trouble
from tools.flashing import firmware, options, verify
from tools.flashing.files import Files, architecture, sources
from tools.packages import version
from tools.pty_line import PtyLine


def test_a_bare_board(monkeypatch, capsys):
    board = Board(monkeypatch)
    run("--slave-id", "1")
    said = capsys.readouterr().out
    written = list(board.written)
    assert written[-2:] == ["/main.py", "/umb.json"]
    assert set(sources("RPI_PICO", 0, "armv6m")) <= set(written)
    assert f"{len(written) - 1}/{len(written) - 1} /main.py" in said
    assert said.splitlines()[-1].startswith("done: the application runs")
    assert board.done[:4] == ["interrupt", "survey", "make folders", "write"]
    assert board.done[-2:] == ["restart", "close"]
    numbers = [line[:5] for line in said.splitlines() if line.startswith("[")]
    assert numbers == [f"[{number}/5]" for number in range(1, 6)]


def test_what_is_there_already_is_not_written_and_what_is_stale_goes(monkeypatch, tmp_path):
    files = Files(tmp_path, "RPI_PICO", 0, "armv6m")
    there = {path: [1, "x"] for path in files.missing({})}
    for path, target in files.made.items():
        there[path] = [target.stat().st_size, subprocess_sha(target)]
    there["/lib/app/main.mpy"] = [17, "another"]
    there["/lib/umb/store.py"] = [1000, "would be found first"]
    board = Board(monkeypatch, {"files": there, "settings": '{"slave_id": 4}'})
    run()
    assert list(board.written) == ["/lib/app/main.mpy"]
    assert board.removed == ["/lib/umb/store.py"]


def subprocess_sha(path):
    """Its SHA-256, as others compute it."""
    done = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def test_old_settings_stay_unless_a_whole_file_comes(monkeypatch, tmp_path, capsys):
    def settings(old, *arguments):
        board = Board(monkeypatch, {"settings": old})
        run(*arguments)
        return json.loads(board.written["/umb.json"])

    old = '{"slave_id": 4, "name": "old", "colour": 1}'
    assert settings(old, "--name", "new") == {"slave_id": 4, "name": "new", "colour": 1}
    assert "broken" not in capsys.readouterr().out
    (tmp_path / "whole.json").write_text('{"slave_id": 9}')
    assert settings(old, "--config", str(tmp_path / "whole.json")) == {"slave_id": 9}
    for broken in ("{broken", "[]", '{"x": 1e999}', "[" * 3000):
        assert settings(broken, "--name", "new") == {"name": "new"}
        assert "/umb.json on the board is broken: it is replaced" in capsys.readouterr().out


def test_new_settings_go_with_the_old_ones(monkeypatch):
    old = {"settings": '{"uart": 1, "tx": 4, "rx": 5}'}
    board = Board(monkeypatch, old)
    run("--set", "rx=9")
    assert json.loads(board.written["/umb.json"]) == {"uart": 1, "tx": 4, "rx": 9}
    board = Board(monkeypatch, old)
    with pytest.raises(Trouble, match="rx: the pin 1 is none of UART 1"):
        run("--set", "rx=1")
    assert board.untouched()


@pytest.mark.parametrize(
    "line",
    [
        "umb: Modbus RTU on UART 0, 19200 8E1 instead: bad TX pin",
        "umb: /umb.json: pwms[0]: the pin 4: no PWM there",
        "umb: neither the serial line nor a network is served",
    ],
)
def test_a_board_that_does_not_take_its_settings_is_not_done(monkeypatch, line, capsys):
    Board(monkeypatch, prints=(*STARTS[:2], line, *STARTS[2:], "umb: serving; Ctrl-C ends it"))
    with pytest.raises(Trouble, match="the board runs, but not as its settings want:\n  ") as told:
        run()
    assert str(told.value).endswith(line.removeprefix("umb: "))
    assert "done:" not in capsys.readouterr().out


def test_a_board_without_settings_is_done(monkeypatch, capsys):
    line = "umb: /umb.json: there is no /umb.json: defaults hold"
    Board(monkeypatch, prints=(STARTS[1], line, STARTS[2], "umb: serving; Ctrl-C ends it"))
    run()
    assert "done:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("survey", "arguments", "text"),
    [
        ({}, ["--board", "ESP32_GENERIC"], "wrong board: this is RPI_PICO, not ESP32_GENERIC"),
        (
            {"build": "", "machine": "Raspberry Pi Pico W with RP2040"},
            ["--board", "RPI_PICO"],
            "wrong board: this is RPI_PICO_W",
        ),
        ({"build": "PYBV11", "platform": "pyboard"}, [], "no application for PYBV11"),
        (
            {"build": "standard", "platform": "linux"},
            ["--board", "RPI_PICO"],
            "no application for standard",
        ),
        ({"free": 20_000}, [], r"no space: [\d.]+ KB are needed, 19.5 KB are free; remove"),
        ({"mpy": 5}, [], "too old for umb"),
        ({"build": "ESP8266_GENERIC", "platform": "esp8266"}, [], "from ROMFS only"),
        ({}, ["--ssid", "home"], "this board has no network"),
        ({}, ["--set", "tx=3"], "tx: the pin 3 is none of UART 0"),
    ],
)
def test_boards_that_will_not_do(monkeypatch, survey, arguments, text):
    board = Board(monkeypatch, survey)
    with pytest.raises(Trouble, match=text):
        run(*arguments)
    assert board.untouched()


PAGE_OF_GATEWAY = ("--ssid", "home", "--role", "gateway", "--panel", "--verify-port", "/dev/none")
VERIFIED = types.SimpleNamespace(
    objects={0: "umb", 1: "RPI_PICO_W", 2: version()}, problems=lambda _: []
)
FROZEN = ["umb", "app", "microdot"]


@pytest.mark.parametrize("settings", [None, '{"role": "gateway"}', '{"panel": {}, "ssid": "x"}'])
def test_the_page_of_a_gateway_does_not_fit_into_a_pico_w(monkeypatch, settings):
    board = Board(monkeypatch, {**survey_of("RPI_PICO_W"), "settings": settings})
    with pytest.raises(Trouble, match=r"memory .* a gateway.*how-to/freeze\.md"):
        run(*PAGE_OF_GATEWAY)
    assert board.untouched()


def test_frozen_it_does(monkeypatch):
    """Then the code that the firmware has is not copied, and what is there of it goes."""
    there = {"/lib/umb/store.mpy": [1000, "x"], "/lib/app/main.mpy": [1000, "x"]}
    survey = {**survey_of("RPI_PICO_W"), "frozen": FROZEN, "files": there}
    board = Board(monkeypatch, survey)
    monkeypatch.setattr(verify, "over_line", lambda *_: VERIFIED)
    run(*PAGE_OF_GATEWAY)
    assert list(board.written) == [
        "/lib/umb/panel/page.html.gz",
        "/board.py",
        "/main.py",
        "/umb.json",
    ]
    assert board.removed == sorted(there)


def test_firmware_with_a_part_of_umb_gets_the_files(monkeypatch):
    board = Board(monkeypatch, {"frozen": ["umb"]})
    run()
    assert set(sources("RPI_PICO", 0, "armv6m")) <= set(board.written)


def test_a_page_that_is_there_already_is_no_trouble(monkeypatch):
    """Another setting can be changed: the board says itself what does not fit."""
    settings = '{"role": "gateway", "panel": {}, "ssid": "home"}'
    board = Board(monkeypatch, {**survey_of("RPI_PICO_W"), "settings": settings})
    monkeypatch.setattr(verify, "over_line", lambda *_: VERIFIED)
    run("--name", "cellar", "--verify-port", "/dev/none")
    assert json.loads(board.written["/umb.json"])["name"] == "cellar"


def test_a_board_like_another(monkeypatch, capsys):
    board = Board(monkeypatch, {"build": "WAVESHARE_RP2040_ZERO"})
    run("--board", "RPI_PICO")
    assert "taken as RPI_PICO" in capsys.readouterr().out
    assert "/main.py" in board.written


def test_esp8266_gets_romfs(monkeypatch):
    mpy = 6 | 3 << 8 | 9 << 10
    survey = {"build": "ESP8266_GENERIC-FLASH_2M_ROMFS", "platform": "esp8266", "mpy": mpy}
    board = Board(monkeypatch, {**survey, "romfs": 320 * 1024})
    run()
    assert board.romfs == ["board.py", "lib", "main.py"]
    assert list(board.written) == ["/main.py"]


def test_a_watchdog_is_got_rid_of_first(monkeypatch, capsys):
    board = Board(monkeypatch, armed=True)
    run()
    assert "its watchdog runs" in capsys.readouterr().out
    assert board.done[:3] == ["interrupt", "close", "interrupt"]


@pytest.mark.parametrize(
    ("prints", "arguments", "text"),
    [
        (["MPY: soft reboot", ">>> "], [], "did not start within .* s; the board printed:"),
        ([], [], r"\(nothing\)"),
        (["Traceback", "MemoryError:", "umb: starting again in 5 s"], [], "failed:(.|\n)*MemoryE"),
        (STARTS, ["--board", "RPI_PICO_W", "--ssid", "home"], "not in the WiFi 'home' after"),
    ],
)
def test_an_application_that_does_not_start(monkeypatch, prints, arguments, text):
    build = "RPI_PICO_W" if arguments else "RPI_PICO"
    Board(monkeypatch, {"build": build}, prints)
    with pytest.raises(Trouble, match=text):
        run(*arguments)


# Is it the one?


def test_asking_over_a_network(micropython, tmp_path, monkeypatch):
    one = Device(micropython, tmp_path, {"slave_id": 6, "name": "here"})
    try:
        host, port = one.client.comm_params.host, one.client.comm_params.port
        assert verify.over_network(host, port, 6).objects[1] == "unix"
        up = f"umb: WiFi is up: Modbus TCP on {host}:{port}"
        starts = [line.replace("PICO, slave id 1", "PICO_W, slave id 6") for line in STARTS]
        Board(monkeypatch, {"build": "RPI_PICO_W"}, [*starts, up])
        with pytest.raises(Trouble, match="another device answers: umb unix"):
            run("--board", "RPI_PICO_W", "--ssid", "home", "--slave-id", "6")
    finally:
        one.end()


def test_nobody_in_the_network():
    with pytest.raises(Trouble, match=r"no answer from 127.0.0.1:9 .*in that network"):
        verify.over_network("127.0.0.1", 9, 1, timeout_s=0)


def test_asking_over_a_line(micropython, tmp_path):
    settings = {"slave_id": 6, "parity": "N"}
    with PtyLine() as line:
        one = Device(micropython, tmp_path, settings, "--serial", line.server_path)
        try:
            wanted = Checked(settings, options.board_of("unix")).settings
            assert verify.over_line(line.client_path, wanted).objects[0] == "umb"
            wanted["slave_id"] = 7
            with pytest.raises(Trouble, match=r"no answer on .* check the wiring"):
                verify.over_line(line.client_path, wanted, timeout_s=0.1)
        finally:
            one.end()


@pytest.mark.parametrize(
    "pdu", [b"", b"\xab\x01", bytes((43, 14, 1, 1, 0, 0, 2, 0, 1)), bytes((43, 13, 1, 1, 0, 0, 0))]
)
def test_answers_that_are_none(pdu):
    assert verify.objects(pdu) is None


# Firmware


def image(folder, chip):
    """A file that begins as firmware for an ESP does: the number of its chip is at 12."""
    path = folder / "firmware.bin"
    path.write_bytes(bytes((0xE9, 4, 2, 0x20, *bytes(8), chip, 0, *bytes(50))))
    return str(path)


@pytest.mark.parametrize(
    ("name", "given", "commands"),
    [
        ("RPI_PICO", "stable", ["mpflash --no-interactive flash --serial P --board RPI_PICO"]),
        ("ESP8266_GENERIC", "1.28.0", ["--variant FLASH_2M_ROMFS"]),
        ("ESP32_GENERIC", "FILE", ["erase-flash", "write-flash 0x1000"]),
        ("ESP32_GENERIC_C3", "FILE", ["--chip esp32c3", "write-flash 0x0"]),
        ("WT32_ETH01", "FILE", ["--chip esp32 ", "write-flash 0x1000"]),
        ("WT32_ETH01", "stable", ["--board ESP32_GENERIC --version"]),
        ("OLIMEX_ESP32_POE", "FILE", ["--chip esp32 ", "write-flash 0x1000"]),
        ("OLIMEX_ESP32_POE", "1.24.1", ["--board OLIMEX_ESP32_POE "]),
        ("W5500_EVB_PICO", "stable", ["--board W5500_EVB_PICO "]),
        ("WAVESHARE_ESP32_S3_RELAY_6CH", "stable", ["--board ESP32_GENERIC_S3 "]),
    ],
)
def test_the_commands_that_write_firmware(tmp_path, name, given, commands):
    if given == "FILE":
        given = image(tmp_path, 5 if name.endswith("C3") else 0)
    found = [" ".join(words) for words in firmware.commands(given, name, "P")]
    assert len(found) == len(commands)
    assert all(part in command for part, command in zip(commands, found, strict=True))


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("RPI_PICO", "x.bin", "a .bin file is for an ESP"),
        ("ESP32_GENERIC", "none.bin", "no such firmware"),
        ("RPI_PICO", "x.uf2", "copy a .uf2 file onto the drive"),
        ("RPI_PICO", "latest", '--firmware takes "stable", a version like 1.28.0'),
        ("RPI_PICO", "1.23.0", "umb needs MicroPython 1.24 or later"),
        ("RPI_PICO", "v1.5", "umb needs MicroPython 1.24 or later"),
        ("ESP32_GENERIC", "S3", "is for esp32s3, and a ESP32_GENERIC has an esp32"),
        ("WAVESHARE_ESP32_S3_RELAY_6CH", "ESP32", "is for esp32, and a .* has an esp32s3"),
        ("ESP32_GENERIC_C3", "NONE", "is no firmware for an ESP"),
        ("ESP8266_GENERIC", "NONE", "is no firmware for an ESP"),
    ],
)
def test_firmware_that_will_not_do(name, given, text, tmp_path):
    if given in ("S3", "ESP32"):
        given = image(tmp_path, 9 if given == "S3" else 0)
    elif given == "NONE":
        given = str(tmp_path / "none.bin")
        Path(given).write_bytes(b"<html>404 not found</html>")
    with pytest.raises(Trouble, match=text):
        firmware.commands(given, name, "P")


def test_firmware_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "mpflash").touch()
    monkeypatch.setattr(firmware.sys, "executable", str(tmp_path / "python"))
    failed = types.SimpleNamespace(returncode=1)
    monkeypatch.setattr(firmware.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(Trouble, match="mpflash could not put the firmware on the board"):
        firmware.write("stable", "RPI_PICO", "P")


def test_a_download_goes_where_it_is_asked_to(monkeypatch, tmp_path):
    """Not into the home of the user, who has not asked for a folder there."""
    (tmp_path / "mpflash").touch()
    monkeypatch.setattr(firmware.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(firmware, "_DOWNLOADS", tmp_path / "own")
    places = []

    def ran(_, env, check):
        assert not check
        places.append(env["MPFLASH_FIRMWARE"])
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(firmware.subprocess, "run", ran)
    monkeypatch.delenv("MPFLASH_FIRMWARE", raising=False)
    firmware.write("stable", "RPI_PICO", "P")
    monkeypatch.setenv("MPFLASH_FIRMWARE", str(tmp_path / "theirs"))
    firmware.write("stable", "RPI_PICO", "P")
    firmware.write("stable", "RPI_PICO", "P", str(tmp_path / "asked"))
    assert places == [str(tmp_path / one) for one in ("own", "theirs", "asked")]
    assert all(Path(place).is_dir() for place in places)
    with pytest.raises(Trouble, match="no folder for downloads"):
        firmware.write("stable", "RPI_PICO", "P", str(tmp_path / "mpflash"))


def test_architectures():
    assert architecture(PICO_MPY) == "armv6m"
    assert architecture(6 | 3 << 8 | 11 << 10) == "rv32imc"
    assert architecture(6 | 3 << 8) is None  # no emitter
    assert architecture(6 | 2 << 8 | 4 << 10) is None  # MicroPython 1.22
