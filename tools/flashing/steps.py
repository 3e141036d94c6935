"""The steps of flash.py, one after the other; each failure says what to do."""

import json
import re
import tempfile
import time
from pathlib import Path

from boards.app.check import Checked
from boards.app.drivers import described
from boards.app.network.settings import is_wanted
from tools.env import Trouble
from tools.flashing import firmware, options, profiles, verify
from tools.flashing.board import Board, find_port
from tools.flashing.files import ARCHITECTURE_OF, Files, architecture

_STEPS = 5
_BACK_S = 20  # after a reset a board's USB port needs a while
_RESET_S = 2  # before it has gone
_START_S = 30
_NETWORK_S = 60
_FILE = "/umb.json"
_BANNER = re.compile(r"umb: (umb .+) \S+ on (\w+), slave id (\d+)")
_PRODUCTS = {"io": "umb remote I/O", "gateway": "umb gateway", "poller": "umb poller"}
_NETWORK = re.compile(r"umb: (?:WiFi|Ethernet) is up: Modbus TCP on ([\d.]+):(\d+)")
_SERVES = ("umb: serving", "umb: that is this line")  # esp8266 prints nothing after the second
# What a board prints if it cannot do all that its settings demand.
_PROBLEM = re.compile(
    r"umb: (/umb\.json: (?!there is no).*|Modbus RTU .* instead: .*|Modbus TCP: .*|neither .*"
    r"|problem: .*)"
)
# What sys.implementation._machine is where there is no _build (before MicroPython 1.25).
_MACHINES = {
    "Raspberry Pi Pico with RP2040": "RPI_PICO",
    "Raspberry Pi Pico W with RP2040": "RPI_PICO_W",
    "Raspberry Pi Pico2 with RP2350": "RPI_PICO2",
    "Raspberry Pi Pico 2 W with RP2350": "RPI_PICO2_W",
    "Generic ESP32 module with ESP32": "ESP32_GENERIC",
    "Generic ESP32S3 module with ESP32S3": "ESP32_GENERIC_S3",
    "ESP32C3 module with ESP32C3": "ESP32_GENERIC_C3",
    "ESP module with ESP8266": "ESP8266_GENERIC",
    "W5500-EVB-Pico with RP2040": "W5500_EVB_PICO",
    "Olimex ESP32 ETH with ESP32": "OLIMEX_ESP32_POE",
}


def say(text):
    """Print a line, without delay even into a pipe."""
    print(text, flush=True)


def step(number, text):
    """Print which step begins."""
    say(f"[{number}/{_STEPS}] {text}")


def kilobytes(size):
    """Return a size in words."""
    return f"{size / 1024:.1f} KB"


def name_of(survey):
    """Return the board's name as MicroPython's builds have it, variant and all; "" if unknown."""
    return survey["build"] or _MACHINES.get(survey["machine"], "")


def _is_frozen(survey):
    """Return whether a board's firmware has the application frozen in."""
    return "app" in survey["frozen"]


def known_board(survey, build):
    """Return the board that the application on it was installed for, else that of the build."""
    found = re.search(r'^NAME = "(\w+)"$', survey["board"] or "", re.M)
    if found and found[1] in options.BOARDS and firmware.build_of(found[1]) == build:
        return found[1]
    return build


def shown(settings):
    """Return settings without passwords."""
    found = {}
    for key, value in settings.items():
        found[key] = shown(value) if isinstance(value, dict) else value
        if key.endswith("password"):
            found[key] = "***"
    return found


def rehearse(arguments, wanted):
    """Print what would be done."""
    name = arguments.board
    board = options.board_of(name)
    step(1, f"would look for a {name} at {arguments.port or 'the only serial port there is'}")
    if arguments.firmware:
        for words in firmware.commands(arguments.firmware, name, arguments.port or "PORT"):
            say(f"      would run {' '.join(words)}")
    found = profiles.collect(wanted, lambda path: path.startswith("/"))
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), name, board.NETWORK, ARCHITECTURE_OF[name], wanted)
        files.add(found)
        step(2, f"would install {len(files.made)} files, {kilobytes(files.size)}:")
        for path, target in files.made.items():
            say(f"      {path} {target.stat().st_size}")
    step(3, f"would change in /umb.json: {json.dumps(shown(wanted)) if wanted else 'nothing'}")
    step(4, "would restart the board")
    settings = Checked(wanted, board).settings
    how = "over its network" if is_wanted(settings) else "by what it prints when it starts"
    if arguments.verify_port:
        how = f"by Modbus RTU from {arguments.verify_port}"
    step(5, f"would check that it answers: {how}")
    say("nothing was done")


class Flashing:
    """One board being flashed."""

    def __init__(self, arguments, wanted):
        self._arguments = arguments
        self._wanted = wanted
        self._board = None  # while its port is open
        self._raw = {}  # what will be in its file of settings
        self._settings = None  # and all settings that it has then
        self._profiles = {}  # {path on the board: file of points}
        self._port = arguments.port or find_port()

    def run(self):
        """Do it. Raises Trouble."""
        try:
            self._run()
        finally:
            self._close()

    def _run(self):
        if self._arguments.firmware:
            self._put_firmware()
        step(1, f"asking the board at {self._port}")
        self._get_prompt()
        survey = self._board.survey()
        name = self._identify(survey)
        self._check(survey, name)
        self._install(survey, name)
        self._configure()
        step(4, "restarting the board")
        address, problems = self._restart(name)
        step(5, "checking that it answers")
        answers, more = self._verify(name, address)
        problems += more
        if problems:
            listed = "\n  ".join(problems)
            raise Trouble(f"the board runs, but not as its settings want:\n  {listed}")
        say(f"done: {answers}")

    # 1: the board

    def _put_firmware(self):
        name = self._arguments.board
        if not name:
            self._get_prompt()
            survey = self._board.survey()
            name = self._identify(survey)
            self._check(survey, name)
            self._close()
        say(f"putting MicroPython {self._arguments.firmware} on the {name}")
        folder = self._arguments.firmware_folder
        firmware.write(self._arguments.firmware, name, self._port, folder)
        time.sleep(_RESET_S)
        if Path(self._port).is_dir():  # it was a Pico's drive
            self._port = find_port()

    def _get_prompt(self):
        """Get the board's prompt, without a watchdog that would reset the board."""
        self._open()
        self._board.interrupt(say)
        if self._board.disarm():
            say("      its watchdog runs: it is started without")
            self._close()
            time.sleep(_RESET_S)
            self._open(_BACK_S)
            self._board.interrupt(say)

    def _open(self, away_s=0):
        """Open the port, which may be away for so long."""
        end_s = time.monotonic() + away_s
        if "://" not in self._port:
            while not Path(self._port).exists() and time.monotonic() < end_s:
                time.sleep(0.2)
        self._board = Board(self._port, self._arguments.slow)

    def _close(self):
        if self._board is not None:
            self._board.close()
            self._board = None

    def _identify(self, survey):
        """Return the board's name. Trouble if it is another one than was asked for, or unknown."""
        asked = self._arguments.board
        full = name_of(survey)
        build = full.partition("-")[0]
        name = known_board(survey, build)
        version = ".".join(map(str, survey["version"]))
        what = full or survey["machine"] or survey["platform"]
        say(f"      {what} with MicroPython {version}")
        if name not in options.BOARDS:
            if asked and survey["platform"] in ("rp2", "esp32", "esp8266"):
                say(f"      not one of those that are known: taken as {asked}")
                return asked
            raise Trouble(
                f"there is no application for {what}; "
                f"if it is like one of these, name it with --board: {', '.join(options.BOARDS)}"
            )
        if asked and firmware.build_of(asked) == build:
            return asked
        if asked and asked != name:
            raise Trouble(
                f"wrong board: this is {name}, not {asked}. Is it the right --port? If the board "
                f"is a {asked}, put its firmware on it: --firmware stable"
            )
        return name

    def _check(self, survey, name):
        """Work out what settings the board will have. Trouble if it could not use the new ones."""
        old = {}
        if survey["settings"] is not None and not self._arguments.config:
            old = options.settings_in(survey["settings"])
            if old is None:
                say("      /umb.json on the board is broken: it is replaced, if it is written")
                old = {}
        self._profiles = profiles.collect(self._wanted, self._board.has)
        self._raw = {**old, **self._wanted}
        options.check(self._raw, old, name, _is_frozen(survey))
        self._settings = options.settings_of(self._raw, name, say)

    # 2: files

    def _install(self, survey, name):
        there = survey["files"]
        with tempfile.TemporaryDirectory() as folder:
            board = options.board_of(name)
            arch = architecture(survey["mpy"])
            files = Files(Path(folder), name, board.NETWORK, arch, self._settings)
            if _is_frozen(survey):
                files.leave_out(survey["frozen"])
            files.add(self._profiles)
            if survey["platform"] == "esp8266":
                self._install_romfs(survey, files)
                return
            paths = files.missing(there)
            step(2, f"installing: {len(files.made)} files, {len(paths)} of them new")
            room = files.room(paths, there, survey["block"])
            if room > survey["free"]:
                raise Trouble(
                    f"no space: {kilobytes(room)} are needed, {kilobytes(survey['free'])} are "
                    f"free; remove files (mpremote connect {self._port} fs rm NAME) and try again"
                )
            self._remove(files.stale(there, profiles.named(self._raw)))
            self._copy(files, paths)

    def _install_romfs(self, survey, files):
        """Write everything into ROMFS, where code runs from flash: else memory is too small."""
        if survey["romfs"] < files.size:
            raise Trouble(
                "no space: an ESP8266 runs the application from ROMFS only, which this firmware "
                "lacks; put the one with ROMFS on the board: --firmware stable"
            )
        step(2, f"installing: {len(files.made)} files into ROMFS")
        kept = {"/main.py", *profiles.named(self._raw)}
        self._remove(sorted(set(survey["files"]) - kept))
        self._board.deploy_romfs(files.folder, say)
        self._board.write("/main.py", files.made["/main.py"].read_bytes())

    def _remove(self, paths):
        if paths:
            say(f"      removing {len(paths)} that are of no more use")
            self._board.remove(paths)

    def _copy(self, files, paths):
        if paths:
            self._board.make_folders(files.folders())
        for number, path in enumerate(paths, 1):
            say(f"      {number}/{len(paths)} {path}")
            self._board.write(path, files.made[path].read_bytes())

    # 3: settings

    def _configure(self):
        if not self._wanted:
            step(3, "settings stay as they are")
            return
        step(3, f"writing /umb.json: {', '.join(sorted(self._wanted))}")
        data = json.dumps(self._raw).encode()
        self._board.write(_FILE, data)
        if self._board.read(_FILE) != data:
            raise Trouble(f"{_FILE} is not on the board as it was written: try again")

    # 4 and 5: it runs

    def _restart(self, name):
        """Start the application.

        Returns (host, port) of its network, None without one, and a list of what is not as its
        settings say.
        """
        network = is_wanted(self._settings)
        end_s = (_NETWORK_S if network else _START_S) * self._arguments.slow
        printed, problems, address = [], [], None
        self._board.restart()
        for line in self._board.lines(time.monotonic() + end_s):
            printed.append(line)
            if line.startswith("umb: "):
                say(f"      {line}")
            if _PROBLEM.match(line):
                problems.append(line.removeprefix("umb: "))
            found = _NETWORK.match(line)
            if found:
                address = found[1], int(found[2])
            if address or line.startswith("umb: starting again"):
                break
            if line.startswith(_SERVES) and not (network and self._waits_for_network()):
                break
        self._close()
        self._check_start(printed, end_s)
        if network and not address and self._waits_for_network():
            raise Trouble(self._why_no_network(end_s))
        return address, problems + self._differences(printed, name)

    def _waits_for_network(self):
        """Return whether the network has to be there: a cable that nobody spoke of need not."""
        if self._arguments.verify_port:
            return False
        return self._settings["network"] == "wifi" or "network" in self._wanted

    def _why_no_network(self, waited_s):
        if self._settings["network"] == "wifi":
            return (
                f"the board is not in the WiFi {self._settings['ssid']!r} after {waited_s} s: "
                "check name and password (2.4 GHz only); it goes on trying"
            )
        return (
            f"the board has no address after {waited_s} s: is the cable in, and is there a DHCP "
            "server? Else give it a fixed one: --address"
        )

    def _check_start(self, printed, waited_s):
        """Raise Trouble unless the board has printed that the application started."""
        if any(line.startswith("umb: starting again") for line in printed):
            raise Trouble("the application failed:\n  " + "\n  ".join(printed[-8:]))
        if not any(_BANNER.match(line) for line in printed):
            shown = "\n  ".join(printed[-8:]) or "(nothing)"
            raise Trouble(
                f"the application did not start within {waited_s} s; the board printed:\n  {shown}"
            )

    def _differences(self, printed, name):
        """Return sentences about settings of which the board has printed something else."""
        settings = self._settings
        found = next(filter(None, map(_BANNER.match, printed)))
        wanted = (_PRODUCTS[settings["role"]], name, str(settings["slave_id"]))
        differences = [
            f"the board says {there}, not {one}"
            for one, there in zip(wanted, found.groups(), strict=True)
            if one != there
        ]
        lines = [settings] if settings["rtu"] else []
        if settings.get("line2"):
            lines.append(settings["line2"])
        for line in map(described, lines):
            if f"umb: {line}" not in printed:
                differences.append(f"the board does not say that it has {line}")
        return differences

    def _verify(self, name, address):
        """Ask the board who it is and what settings it has.

        Returns the result in words, and a list of what is not as its settings say.
        """
        slave_id = self._settings["slave_id"]
        slow = self._arguments.slow
        if self._arguments.verify_port:
            answers = verify.over_line(self._arguments.verify_port, self._settings, slow)
            how = f"Modbus RTU, slave id {slave_id}"
        elif address:
            answers = verify.over_network(*address, slave_id, slow)
            how = f"Modbus TCP on {address[0]}:{address[1]}, slave id {slave_id}"
        else:
            text = (
                "the application runs. To have it asked over the line as well, connect "
                "a second adapter there and give its port with --verify-port"
            )
            if is_wanted(self._settings):
                text = "the application runs; it has no network yet: put the cable in"
            return text, []
        found = answers.objects
        if found.get(1) != name:
            raise Trouble(f"another device answers: {found.get(0)} {found.get(1)}")
        return f"{found[0]} {found[1]} {found[2]} answers: {how}", answers.problems(self._settings)
