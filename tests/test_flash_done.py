"""tools/flash.py says that it is done if what was asked for is so; and files of points."""

import json

import pytest

from boards.app.check import Checked
from tests.support.device import Device
from tests.support.flashed import STARTS, Board, run, survey_of
from tools.env import ROOT, Trouble
from tools.flashing import options, verify
from tools.packages import version

W5500 = survey_of("W5500_EVB_PICO")
LINE2 = json.dumps({"uart": 1, "tx": 4, "rx": 5, "serve": True})


@pytest.mark.parametrize(
    ("name", "arguments", "product"),
    [
        ("RPI_PICO", ["--role", "io"], "remote I/O"),
        ("RPI_PICO", ["--role", "gateway", "--set", f"line2={LINE2}"], "gateway"),
        ("WT32_ETH01", ["--role", "gateway", "--baudrate", "9600"], "gateway"),
        ("W5500_EVB_PICO", ["--role", "poller"], "poller"),
    ],
)
def test_roles(monkeypatch, capsys, name, arguments, product):
    board = Board(monkeypatch, survey_of(name))
    run("--board", name, *arguments)
    said = capsys.readouterr().out
    slave_id = 247 if product == "gateway" else 1
    assert f"umb: umb {product} {version()} on {name}, slave id {slave_id}\n" in said
    assert said.splitlines()[-1].startswith("done: the application runs")
    assert f"/lib/app/{arguments[1]}/part.mpy" in board.written
    assert ("put the cable in" in said) == (name != "RPI_PICO")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("slave id 1", "slave id 2", "the board says 2, not 1"),
        ("on RPI_PICO,", "on RPI_PICO_W,", "the board says RPI_PICO_W, not RPI_PICO"),
        ("remote I/O", "gateway", "the board says umb gateway, not umb remote I/O"),
        ("19200 8E1", "9600 8E1", "not say that it has Modbus RTU on UART 0, 19200 8E1"),
        ("UART 0", "UART 1", "not say that it has Modbus RTU on UART 0, 19200 8E1"),
        ("umb: Modbus RTU", "umb: nothing", "not say that it has Modbus RTU on UART 0, 19200 8E1"),
    ],
)
def test_what_a_board_prints_is_compared(monkeypatch, capsys, old, new, text):
    """It has other settings in force than those that it was given, for whatever reason."""
    prints = [line.replace(old, new) for line in (*STARTS, "umb: serving; Ctrl-C ends it")]
    Board(monkeypatch, prints=prints)
    with pytest.raises(Trouble, match="not as its settings want") as told:
        run()
    assert text in str(told.value)
    assert "done:" not in capsys.readouterr().out


def test_a_file_of_settings_that_is_not_as_it_was_written(monkeypatch):
    board = Board(monkeypatch)
    board.read = lambda _: b"{}"
    with pytest.raises(Trouble, match=r"/umb.json is not on the board as it was written"):
        run("--slave-id", "7")
    assert "restart" not in board.done


def test_registers_that_are_not_as_the_settings_say():
    wanted = Checked({"slave_id": 7, "baudrate": 9600}, options.board_of("RPI_PICO")).settings
    right = [7, 96, 2, 1, 0]
    assert verify.Answers({}, [0], right).problems(wanted) == []
    assert verify.Answers({}, [1 | 2 | 8], right).problems(wanted) == []
    assert "it has problems" in verify.Answers({}, [4], right).problems(wanted)[0]
    for i in range(len(right)):
        wrong = list(right)
        wrong[i] += 1
        (problem,) = verify.Answers({}, [0], wrong).problems(wanted)
        assert f"holding register {100 + i} is {wrong[i]}, not {right[i]}" in problem
    for state, settings in (([], right), ([0], []), ([0], right[1:])):
        assert "cannot be read" in verify.Answers({}, state, settings).problems(wanted)[0]


def test_a_device_with_other_settings_is_not_done(micropython, tmp_path):
    """A real application, whose registers are read."""
    one = Device(micropython, tmp_path, {"slave_id": 6, "failsafe_s": 5})
    try:
        host, port = one.client.comm_params.host, one.client.comm_params.port
        answers = verify.over_network(host, port, 6)
        wanted = Checked({"slave_id": 6, "failsafe_s": 5}, options.board_of("unix")).settings
        assert answers.problems(wanted) == []
        wanted["failsafe_s"] = 30
        assert answers.problems(wanted) == ["failsafe_s: holding register 104 is 5, not 30"]
    finally:
        one.end()


def test_a_board_that_was_flashed_before_is_known_again(monkeypatch, capsys):
    """Boards that run the same build of MicroPython are told apart by what is installed."""
    survey = survey_of("WT32_ETH01")
    text = (ROOT / "boards" / "WT32_ETH01" / "board.py").read_text()
    for there, asked, name in (
        (text, None, "WT32_ETH01"),
        (None, None, "ESP32_GENERIC"),
        (text, "ESP32_GENERIC", "ESP32_GENERIC"),
        ('NAME = "RPI_PICO"\n', None, "ESP32_GENERIC"),
        ("NAME = rubbish", None, "ESP32_GENERIC"),
    ):
        board = Board(monkeypatch, {**survey, "board": there})
        run(*(("--board", asked) if asked else ()))
        assert f'NAME = "{name}"' in board.written["/board.py"].decode()
    capsys.readouterr()


# Files of points.


def poller(*paths):
    devices = [
        {"name": f"m{i}", "slave_id": i + 2, "points": path} for i, path in enumerate(paths)
    ]
    return ["--role", "poller", "--set", f"devices={json.dumps(devices)}"]


def test_files_of_points_go_onto_the_board(monkeypatch, tmp_path):
    """Two of the same name, too; the settings have their paths there."""
    sdm = "docs/profiles/eastron_sdm230.json"
    other = tmp_path / "eastron_sdm230.json"
    other.write_text('{"points": [{"name": "a", "address": 1, "input_type": "holding"}]}')
    board = Board(monkeypatch, W5500)
    run(*poller(sdm, str(other), str(ROOT / sdm)))
    devices = json.loads(board.written["/umb.json"])["devices"]
    paths = [device["points"] for device in devices]
    first, second = "/profiles/eastron_sdm230.json", "/profiles/eastron_sdm230_2.json"
    assert paths == [first, second, first]
    assert board.written[first] == (ROOT / sdm).read_bytes()
    assert board.written[second] == other.read_bytes()
    assert list(board.written)[-2:] == ["/main.py", "/umb.json"]


def test_files_of_points_that_settings_name_stay(monkeypatch):
    """Those that no setting names any more go."""
    old = {"role": "poller", "devices": [{"name": "m", "points": "/profiles/a.json"}]}
    there = {"/profiles/a.json": [9, "x"], "/profiles/b.json": [9, "x"]}
    board = Board(monkeypatch, {**W5500, "files": there, "settings": json.dumps(old)})
    run("--slave-id", "9")
    assert board.removed == ["/profiles/b.json"]
    assert json.loads(board.written["/umb.json"]) == {**old, "slave_id": 9}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, r"devices\[1\].points: there is no file "),
        ("{", "points.json"),
        ('{"points": [{"name": "a"}]}', "points.json"),
    ],
)
def test_files_of_points_that_will_not_do(monkeypatch, tmp_path, content, text):
    path = tmp_path / "points.json"
    if content is not None:
        path.write_text(content)
    board = Board(monkeypatch, W5500)
    with pytest.raises(Trouble, match=text):
        run(*poller("docs/profiles/eastron_sdm230.json", str(path)))
    assert board.untouched()


def test_a_file_of_points_that_the_board_has_already(monkeypatch):
    board = Board(monkeypatch, {**W5500, "files": {"/profiles/own.json": [9, "x"]}})
    run(*poller("/profiles/own.json"))
    assert json.loads(board.written["/umb.json"])["devices"][0]["points"] == "/profiles/own.json"
    assert board.removed == []


def test_the_page_of_a_poller(monkeypatch):
    board = Board(monkeypatch, W5500)
    text = (ROOT / "docs" / "how-to" / "board-poller.json").read_text()
    settings = {**json.loads(text), "network": "w5500", "ssid": ""}
    run(
        "--set",
        f"devices={json.dumps(settings['devices'])}",
        "--role",
        "poller",
        "--slave-id",
        "247",
    )
    assert "/profiles/eastron_sdm230.json" in board.written
