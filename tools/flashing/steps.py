"""The steps of flash.py, one after the other; each failure says what to do."""

import contextlib
import json
import re
import tempfile
import time
from pathlib import Path

from tools.env import Trouble
from tools.flashing import firmware, options, verify
from tools.flashing.console import Console
from tools.flashing.files import ARCHITECTURE_OF, Files, architecture
from tools.flashing.remote import Remote, find_port, name_of

_STEPS = 5
_BACK_S = 20  # after a reset a board's USB port needs a while
_RESET_S = 2  # before it has gone
_START_S = 30
_WIFI_S = 60
_BANNER = "umb: umb remote I/O"
_SERVES = ("umb: serving", "umb: that is this line")  # esp8266 says no more than that


def say(text):
    """Tell what goes on, at once even into a pipe."""
    print(text, flush=True)


def step(number, text):
    """Tell which step begins."""
    say(f"[{number}/{_STEPS}] {text}")


def kilobytes(size):
    """A size in words."""
    return f"{size / 1024:.1f} KB"


def rehearse(arguments, wanted):
    """Tell what would be done."""
    name = arguments.board
    board = options.board_of(name)
    step(1, f"would look for a {name} at {arguments.port or 'the only serial port there is'}")
    if arguments.firmware:
        for words in firmware.commands(arguments.firmware, name, arguments.port or "PORT"):
            say(f"      would run {' '.join(words)}")
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), name, board.NETWORK, ARCHITECTURE_OF[name])
        step(2, f"would install {len(files.made)} files, {kilobytes(files.size)}:")
        for path, target in files.made.items():
            say(f"      {path} {target.stat().st_size}")
    shown = {key: "***" if key == "password" else value for key, value in wanted.items()}
    step(3, f"would change in /umb.json: {json.dumps(shown) if wanted else 'nothing'}")
    step(4, "would restart the board")
    how = "over its network" if wanted.get("ssid") else "by what it prints when it starts"
    if arguments.verify_port:
        how = f"by Modbus RTU from {arguments.verify_port}"
    step(5, f"would check that it answers: {how}")
    say("nothing was done")


class Flashing:
    """One board being flashed."""

    def __init__(self, arguments, wanted):
        self._arguments = arguments
        self._wanted = wanted
        self._settings = None  # all of them, once they are known
        self._use(arguments.port or find_port())

    def _use(self, port):
        self._port = port
        self._remote = Remote(port)

    def run(self):
        """Do it. Raises Trouble."""
        if self._arguments.firmware:
            self._put_firmware()
        step(1, f"asking the board at {self._port}")
        self._attend()
        survey = self._remote.survey()
        name = self._identify(survey)
        options.complete(self._wanted, name)
        self._install(survey, name)
        self._configure(survey, name)
        step(4, "restarting the board")
        address = self._restart()
        step(5, "checking that it answers")
        self._verify(name, address)

    # 1: the board

    def _put_firmware(self):
        name = self._arguments.board
        if not name:
            self._attend()
            name = self._identify(self._remote.survey())
        say(f"putting MicroPython {self._arguments.firmware} on the {name}")
        firmware.write(self._arguments.firmware, name, self._port)
        time.sleep(_RESET_S)
        if Path(self._port).is_dir():  # it was a Pico's drive
            self._use(find_port())

    def _attend(self):
        """Have the board's prompt, and nothing that would reset the board meanwhile."""
        with self._open() as console:
            console.interrupt(say)
            armed = console.disarm()
        if armed:
            say("      its watchdog runs: it is started without")
            time.sleep(_RESET_S)
            with self._open(_BACK_S) as console:
                console.interrupt(say)

    def _open(self, patience_s=0):
        """The console, waited for while the port is away."""
        end_s = time.monotonic() + patience_s
        if "://" not in self._port:
            while not Path(self._port).exists() and time.monotonic() < end_s:
                time.sleep(0.2)
        return Console(self._port)

    def _identify(self, survey):
        """The board's name. Trouble if it is another one than was asked for, or one of no use."""
        asked = self._arguments.board
        full = name_of(survey)
        name = full.partition("-")[0]
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
        if asked and asked != name:
            raise Trouble(
                f"wrong board: this is {name}, not {asked}. Is it the right --port? If the board "
                f"is a {asked}, put its firmware on it: --firmware stable"
            )
        return name

    # 2: files

    def _install(self, survey, name):
        there = survey["files"]
        with tempfile.TemporaryDirectory() as folder:
            board = options.board_of(name)
            arch = architecture(survey["mpy"])
            files = Files(Path(folder), name, board.NETWORK, arch)
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
            self._remove(files.stale(there))
            self._copy(files, paths)

    def _install_romfs(self, survey, files):
        """Put everything where it runs from flash: as files it would not fit into the memory."""
        if survey["romfs"] < files.size:
            raise Trouble(
                "no space: an ESP8266 runs the application from ROMFS only, which this firmware "
                "lacks; put the one with ROMFS on the board: --firmware stable"
            )
        step(2, f"installing: {len(files.made)} files into ROMFS")
        self._remove(sorted(set(survey["files"]) - {"/main.py"}))
        self._remote.run("romfs", "--no-mpy", "deploy", str(files.folder), each_line=_told)
        self._remote.run("fs", "cp", str(files.made["/main.py"]), ":/main.py")

    def _remove(self, paths):
        if paths:
            say(f"      removing {len(paths)} that are of no more use")
            self._remote.run("exec", f"import os\nfor path in {paths!r}:\n os.remove(path)")

    def _copy(self, files, paths):
        if not paths:
            return
        code = (
            f"import os\nfor path in {files.folders()!r}:\n"
            " try:\n  os.mkdir(path)\n except OSError:\n  pass"
        )
        words = ["exec", code]
        for path in paths:
            words += ["+", "fs", "cp", str(files.made[path]), f":{path}"]
        done = iter(range(1, len(paths) + 1))

        def each_line(text):
            if text.startswith("cp "):
                say(f"      {next(done)}/{len(paths)} {text.rpartition(':')[2]}")

        self._remote.run(*words, each_line=each_line)

    # 3: settings

    def _configure(self, survey, name):
        old = {}
        with contextlib.suppress(TypeError, ValueError):
            old = json.loads(survey["settings"])
        if self._arguments.config or not isinstance(old, dict):
            old = {}
        raw = {**old, **self._wanted}
        self._settings = options.settings_of(raw, name, say)
        if not self._wanted:
            step(3, "settings stay as they are")
            return
        step(3, f"writing /umb.json: {', '.join(sorted(self._wanted))}")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "umb.json"
            file.write_text(json.dumps(raw), encoding="utf-8")
            rename = "import os; os.rename('/umb.json.new', '/umb.json')"
            self._remote.run("fs", "cp", str(file), ":/umb.json.new", "+", "exec", rename)

    # 4 and 5: it runs

    def _restart(self):
        """Start the application; return (host, port) of its network, None without one."""
        network = bool(self._settings.get("ssid"))
        end_s = time.monotonic() + (_WIFI_S if network else _START_S)
        heard = []
        with self._open() as console:
            console.interrupt(say)
            console.restart()
            for line in console.lines(end_s):
                heard.append(line)
                if line.startswith("umb: "):
                    say(f"      {line}")
                found = re.match(r"umb: WiFi is up: Modbus TCP on ([\d.]+):(\d+)", line)
                if found:
                    return found[1], int(found[2])
                if not network and line.startswith(_SERVES):
                    break
                if line.startswith("umb: starting again"):
                    break
        self._judge(heard)
        if network and not self._arguments.verify_port:
            raise Trouble(
                f"the board is not in the WiFi {self._settings['ssid']!r} after {_WIFI_S} s: "
                "check name and password (2.4 GHz only); it goes on trying"
            )
        return None

    def _judge(self, heard):
        """Raise Trouble if what the board has printed is no sign of life."""
        if any(line.startswith("umb: starting again") for line in heard):
            raise Trouble("the application failed:\n  " + "\n  ".join(heard[-8:]))
        if not any(line.startswith(_BANNER) for line in heard):
            shown = "\n  ".join(heard[-8:]) or "(nothing)"
            raise Trouble(f"the application did not start; the board printed:\n  {shown}")

    def _verify(self, name, address):
        settings = self._settings
        if self._arguments.verify_port:
            port = self._arguments.verify_port
            found = verify.over_line(port, settings)
            how = f"Modbus RTU, slave id {settings['slave_id']}"
        elif address:
            found = verify.over_network(*address, settings["slave_id"])
            how = f"Modbus TCP on {address[0]}:{address[1]}, slave id {settings['slave_id']}"
        else:
            say(
                "done: the application runs. To have it asked over the line as well, connect "
                "a second adapter there and give its port with --verify-port"
            )
            return
        if found.get(1) != name:
            raise Trouble(f"somebody else answers: {found.get(0)} {found.get(1)}")
        say(f"done: {found[0]} {found[1]} {found[2]} answers: {how}")


def _told(text):
    """Show what mpremote says of a long step."""
    for part in text.split("\r"):
        if part.startswith(("Image", "ROMFS")):
            say(f"      {part}")
