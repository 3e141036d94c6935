"""tools/flash.py refuses what a board would refuse before it writes anything: every board."""

import json

import pytest

from tests.support.flashed import Board, run, survey_of
from tools.env import Trouble
from tools.flashing import firmware, options

# The GPIOs that a chip has, what of these its flash takes, and which are inputs only: as its data
# sheet has it. A board brings out some of them.
CHIPS = {
    "rp2": (range(30), (), ()),
    "ESP32_GENERIC": ((*range(24), 25, 26, 27, *range(32, 37), 39), range(6, 12), range(34, 40)),
    "ESP32_GENERIC_S3": ((*range(22), *range(26, 49)), range(26, 33), ()),
    "ESP32_GENERIC_C3": (range(22), range(12, 18), ()),
    "ESP8266_GENERIC": (range(17), range(6, 12), ()),
}
# Settings that no board can use.
HOSTILE = [
    *({"slave_id": value} for value in (0, 248, -1, 1.5, "7", True, None, [])),
    *({"baudrate": value} for value in (0, 299, 4_000_001, -9600, 9600.5, "9600", True, None)),
    *({"parity": value} for value in ("e", "EVEN", 0, None, "")),
    *({"stop": value} for value in (0, 3, 1.5, "1")),
    *({"role": value} for value in ("", "Gateway", "master", 0, None)),
    *({"name": value} for value in ("x" * 65, "\u6c34" * 22, 7)),
    *({"watchdog_s": value} for value in (9, -1)),
    {"failsafe_s": 65536},
    {"colour": 1},
    {"outputs": "all"},
    {"outputs": list(range(33))},
    {"inputs": [{"pin": 0, "pull": "sideways"}]},
    {"pwms": [{"pin": 0, "full": 70000}]},
]
OF_NETWORKS = [
    *({"password": value} for value in ("1234567", "x" * 64, 12345678)),
    *({"ap_password": value} for value in ("1234567", "x" * 64)),
    *({"hostname": value} for value in ("a b", "-a", "a-", "a_b", "a.b", "S\u00fcd", "x" * 33)),
    *({"address": value} for value in ("1.2.3", "1.2.3.256", "here", 1)),
    *({"netmask": value} for value in ("255.0.255.0", "0.0.0.0", "24")),
    *({"network": value} for value in ("LAN", "ethernet", "", 1)),
    *({"tcp_port": value} for value in (0, 65536, "502")),
    {"ssid": "x" * 33},
    {"allow": ["10.0.0.1/24"]},
    {"bind": "localhost"},
]


def is_uart_pin(name, uart, pin, sends):
    """Whether a pin can be TX or RX, as ports/rp2/machine_uart.c has it; ESPs take any pin."""
    if chip_of(name) != "rp2":
        return True
    mask = 1 if "PICO2" in name else 3  # an RP2350 has two ways to each
    return (pin + 4 >> 3 & 1) == uart and pin & mask == (0 if sends else 1)


def chip_of(name):
    """Return the key of CHIPS for a board."""
    if "PICO" in name:
        return "rp2"
    return "ESP32_GENERIC" if name == "OLIMEX_ESP32_POE" else firmware.build_of(name)


def refused(name, raw):
    try:
        options.check(raw, {}, name)
    except Trouble:
        return True
    return False


@pytest.mark.parametrize("name", options.BOARDS)
def test_no_pin_is_accepted_that_the_chip_has_not(name):
    """Every number as every pin of every kind; what a board does not bring out is refused, too."""
    board = options.board_of(name)
    chip = chip_of(name)
    there, flash, inputs = CHIPS[chip]
    accepted = 0
    for pin in (*range(-2, 60), "LED", "A0", "temperature", "", None, 1.0, True, [0]):
        usable = type(pin) is int and pin in there and pin not in flash
        for key in ("tx", "rx", "de", "led", "outputs", "inputs", "analogues", "pwms"):
            raw = {key: [pin] if key.endswith("s") and key != "rx" else pin}
            if refused(name, raw):
                continue
            accepted += 1
            named = pin in ("LED", "A0", "temperature") and pin in (
                *board.PINS,
                *board.ANALOGUE_PINS,
            )
            assert usable or named or pin is None, raw
            if key in ("tx", "rx"):
                assert is_uart_pin(name, board.UART, pin, key == "tx"), raw
            if key not in ("rx", "inputs", "analogues"):
                assert pin not in inputs, raw
    assert accepted > 40


@pytest.mark.parametrize("name", options.BOARDS)
def test_settings_that_no_board_can_use(name):
    for raw in HOSTILE:
        assert refused(name, raw), raw
    for raw in OF_NETWORKS:
        assert refused(name, raw), raw


@pytest.mark.parametrize("name", options.BOARDS)
def test_a_network_that_the_board_has_not(name):
    board = options.board_of(name)
    has = board.NETWORKS if board.NETWORK else ()
    for kind in ("wifi", "lan", "w5500"):
        assert refused(name, {"network": kind}) == (kind not in has)
        if has and kind in has:
            ssid = {"network": kind, "ssid": "home"}
            assert refused(name, ssid) == (kind != "wifi"), "it would never be joined"


@pytest.mark.parametrize("name", options.BOARDS)
def test_a_role_that_nobody_could_ask(name):
    """Without a network, and without masters at a second line."""
    board = options.board_of(name)
    wired = bool(board.NETWORK) and board.NETWORKS[0] != "wifi"
    wireless = bool(board.NETWORK) and "wifi" in board.NETWORKS
    for role in ("gateway", "poller"):
        assert refused(name, {"role": role}) == (not wired)
        wifi = {"role": role, "network": "wifi", "ssid": "home"}
        assert refused(name, wifi) == (not wireless)
        if wired:
            assert refused(name, {"role": role, "network": "none"})
    others = [uart for uart in board.UARTS if uart != board.UART]
    if others and "PICO" in name:
        line2 = {"uart": 1, "tx": 4, "rx": 5}
        for serve in (True, False):
            masters = {"role": "gateway", "network": "none", "line2": {**line2, "serve": serve}}
            if not board.NETWORK:
                del masters["network"]
            assert refused(name, masters) != serve


@pytest.mark.parametrize("name", options.BOARDS)
def test_nothing_is_written_then(name, monkeypatch, tmp_path):
    """On its command line, with --set, in a file, and beside what the board has already."""
    for raw in ({"baudrate": 12}, {"tx": 99}, {"name": "x" * 65}, {"hostname": "a b"}):
        (key, value), *_ = raw.items()
        (tmp_path / "whole.json").write_text(json.dumps(raw))
        ways = [
            ["--set", f"{key}={json.dumps(value)}"],
            ["--config", str(tmp_path / "whole.json")],
        ]
        if key != "tx":
            ways.append(["--" + key, str(value)])
        for arguments in ways:
            board = Board(monkeypatch, {**survey_of(name), "settings": '{"slave_id": 4}'})
            with pytest.raises(Trouble, match=f"a {name} cannot use these settings:\n  .*{key}"):
                run("--board", name, *arguments)
            assert board.untouched()
