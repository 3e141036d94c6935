"""The command line of tools/flash.py, and the settings that it asks for."""

import argparse
import json
import runpy
import types
from pathlib import Path

from boards.app.check import Checked
from boards.app.network.settings import is_wanted
from boards.app.parts import OPTIONAL
from tools.env import ROOT, Trouble

BOARDS = sorted(
    path.parent.name for path in (ROOT / "boards").glob("*/board.py") if path.parent.name != "unix"
)
# Boards whose memory the page and one of these roles do not fit into, as compiled files.
_TOO_SMALL_FOR_PAGE = {"RPI_PICO_W": ("gateway",)}
# Options that are settings of the same name, and how to read them.
_SETTINGS = {
    "role": (str, "what the board is: io (remote I/O), gateway or poller"),
    "slave_id": (int, "slave id, 1 to 247"),
    "baudrate": (int, "of the serial line"),
    "parity": (str, "N, E or O"),
    "stop": (int, "stop bits, 1 or 2"),
    "network": (str, "wifi, lan, w5500 or none; else the first one that the board has"),
    "ssid": (str, "the WiFi to join"),
    "password": (str, "of that WiFi"),
    "ap_password": (str, "of a WiFi of its own, for when the other one is away"),
    "hostname": (str, "in the network"),
    "address": (str, "fixed IP address, instead of DHCP"),
    "netmask": (str, "that goes with it"),
    "gateway": (str, "that goes with it"),
    "tcp_port": (int, "where Modbus TCP listens"),
    "failsafe_s": (int, "outputs become safe after so long without a request"),
    "watchdog_s": (int, "the chip's watchdog"),
    "name": (str, "application name in the device identification"),
}
_EPILOG = """\
Settings go into /umb.json on the board; those that are not given stay as they are there.
boards/README.md has them all. Examples:

  python3 tools/flash.py --slave-id 5 --baudrate 9600 --parity N
  python3 tools/flash.py --ssid home --password "a secret"
  python3 tools/flash.py --board ESP32_GENERIC --firmware stable --set 'outputs=[18, 19]'
  python3 tools/flash.py --board WT32_ETH01 --role gateway --baudrate 9600
  python3 tools/flash.py --role poller --set \
    'devices=[{"name": "meter", "slave_id": 7, "points": "docs/profiles/eastron_sdm230.json"}]'

A file of points that is on this PC is copied to the board.
"""


def parser():
    """Return the parser of the command line."""
    one = argparse.ArgumentParser(
        prog="python3 tools/flash.py",
        description="Puts the application onto a board and sees that it is what was asked for.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--port", help="the board's serial port, or what mpremote takes for one")
    one.add_argument("--board", choices=BOARDS, metavar="NAME", help=", ".join(BOARDS))
    one.add_argument(
        "--firmware",
        metavar="VERSION|FILE",
        help='put MicroPython on it first: "stable", "1.28.0", or a .bin file for an ESP',
    )
    one.add_argument(
        "--firmware-folder",
        metavar="FOLDER",
        help="where downloads of MicroPython go: .venv/firmware unless MPFLASH_FIRMWARE names one",
    )
    one.add_argument(
        "--verify-port",
        metavar="PORT",
        help="a second serial adapter, at the other end of the RS-485 line",
    )
    one.add_argument(
        "--slow",
        type=_factor,
        default=1,
        metavar="N",
        help="wait N times as long: an emulated board is 25 times slower than a real one",
    )
    one.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    settings = one.add_argument_group("settings")
    for key, (kind, text) in _SETTINGS.items():
        settings.add_argument("--" + key.replace("_", "-"), type=kind, metavar="X", help=text)
    settings.add_argument(
        "--mqtt", metavar="HOST[:PORT]", help="publish values to this MQTT broker"
    )
    settings.add_argument("--mqtt-user", metavar="X", help="user name there")
    settings.add_argument("--mqtt-password", metavar="X", help="password there")
    settings.add_argument(
        "--panel",
        nargs="?",
        const=80,
        type=int,
        metavar="PORT",
        help="show a page to browsers, at port 80 or another one",
    )
    settings.add_argument(
        "--panel-password", metavar="X", help="who knows it may change things there"
    )
    settings.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=JSON",
        help="any other setting, e.g. 'outputs=[6, 7]'",
    )
    settings.add_argument("--config", metavar="FILE", help="a whole umb.json, in place of the old")
    return one


def _factor(text):
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"must be 1 to 1000, not {text}")
    return int(text)


def changes(arguments):
    """Return the settings that the command line asks for. Raises Trouble."""
    wanted = _from_file(arguments.config) if arguments.config else {}
    wanted.update(map(_setting, arguments.set))
    for key in _SETTINGS:
        value = getattr(arguments, key)
        if value is not None:
            wanted[key] = value
    if arguments.mqtt:
        wanted["mqtt"] = _broker(arguments)
    elif arguments.mqtt_user or arguments.mqtt_password:
        raise Trouble("--mqtt-user and --mqtt-password need --mqtt")
    if arguments.panel is not None:
        wanted["panel"] = _page(arguments)
    elif arguments.panel_password is not None:
        raise Trouble("--panel-password needs --panel")
    return wanted


def _page(arguments):
    """Return the setting "panel" that the command line asks for. Raises Trouble."""
    page = {"port": arguments.panel}
    if arguments.panel_password is not None:
        page["password"] = _hashed(arguments.panel_password)
    return page


def _hashed(password):
    """Return what a board keeps of a password. Raises Trouble."""
    passwords = runpy.run_path(str(ROOT / "umb" / "panel" / "passwords.py"))
    try:
        return passwords["hash_password"](password)
    except ValueError as error:
        raise Trouble(f"--panel-password: {error}") from None


def _setting(text):
    """Return (key, value) of KEY=JSON. Raises Trouble."""
    key, given, value = text.partition("=")
    try:
        decoded = loads(value)
    except ValueError:
        given = ""
    if not given:
        raise Trouble(f"--set takes KEY=JSON, not {text}; a text needs its quotes: 'name=\"x\"'")
    return key, decoded


def _broker(arguments):
    """Return the setting "mqtt" that the command line asks for. Raises Trouble."""
    host, given, port = arguments.mqtt.partition(":")
    broker = {"host": host}
    if given:
        if not port.isdigit():
            raise Trouble(f"--mqtt takes HOST or HOST:PORT, not {arguments.mqtt}")
        broker["port"] = int(port)
    for key in ("user", "password"):
        value = getattr(arguments, f"mqtt_{key}")
        if value is not None:
            broker[key] = value
    return broker


def loads(text):
    """Return the value of JSON text. Raises ValueError, also for numbers beyond a float."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def _from_file(path):
    try:
        found = loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Trouble(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise Trouble(f"--config {path}: {error}") from None
    if not isinstance(found, dict):
        raise Trouble(f"--config {path}: an object is wanted, {{...}}")
    return found


def settings_in(text):
    """Return the object in a board's file of settings, None if it is broken."""
    try:
        found = loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def board_of(name):
    """Return what boards/NAME/board.py says."""
    return types.SimpleNamespace(**runpy.run_path(str(ROOT / "boards" / name / "board.py")))


def check(raw, old, name, frozen=False):
    """Raise Trouble that names each setting in `raw` that a board cannot use.

    What was wrong already with the `old` settings is no Trouble.

    frozen   whether the application is frozen into its firmware
    """
    board = board_of(name)

    def found(settings):
        """Return sentences about what is wrong with settings that are possible one by one."""
        room = [] if frozen else _without_memory(settings, name)
        return _without_network(settings, board) + room

    had = Checked(old, board)
    before = {what for what, _ in had.problems}.union(found(had.settings))
    checked = Checked(raw, board)
    problems = [what for what, _ in checked.problems if what not in before]
    problems += _unreachable(checked.settings, board)
    problems += [what for what in found(checked.settings) if what not in before]
    if problems:
        listed = "\n  ".join(problems)
        raise Trouble(f"a {name} cannot use these settings:\n  {listed}")


def _unreachable(settings, board):
    """Return a sentence in a list if nobody could ask the gateway or poller of these settings."""
    role = settings["role"]
    line2 = settings.get("line2")
    if role == "io" or is_wanted(settings) or (line2 and line2["serve"]):
        return []
    ways = ["masters at a second line: line2 with serve"] if role == "gateway" else []
    if board.NETWORK:
        ways.insert(0, _way_into_network(board))
    return [f"role: a {role} needs {', or '.join(ways) or 'a network, which this board has not'}"]


def _without_network(settings, board):
    """Return a sentence for each optional part, such as the page, that nobody could reach."""
    if is_wanted(settings):
        return []
    parts = (name for name in OPTIONAL if settings.get(name))
    return [f"{name}: it needs {_way_into_network(board)}" for name in parts]


def _without_memory(settings, name):
    """Return a sentence in a list if the page would not fit beside the role, as files."""
    role = settings["role"]
    if not settings.get("panel") or role not in _TOO_SMALL_FOR_PAGE.get(name, ()):
        return []
    return [
        f"panel: there is too little memory for it beside a {role}, unless both are frozen into "
        "the firmware: docs/how-to/freeze.md"
    ]


def _way_into_network(board):
    return "a network: --ssid" if board.NETWORKS == ("wifi",) else "a network: --network"


def settings_of(raw, name, say):
    """Return all settings of a board with this in its file; say(text) gets what is wrong."""
    checked = Checked(raw, board_of(name))
    for what, instead in checked.problems:
        say(f"      /umb.json: {what}: {instead}")
    return checked.settings
