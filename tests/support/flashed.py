"""A board at a port, played for tools/flash.py."""

import json
import re

from boards.app.check import Checked
from boards.app.drivers import described
from tools.build import ARCHITECTURES
from tools.flashing import files, firmware, options, steps
from tools.flashing.files import ARCHITECTURE_OF
from tools.packages import version

PICO_MPY = 6 | 3 << 8 | 4 << 10  # .mpy version 6.3 for armv6m
SURVEY = {
    "platform": "rp2",
    "version": [1, 28, 0],
    "machine": "Raspberry Pi Pico with RP2040",
    "build": "RPI_PICO",
    "mpy": PICO_MPY,
    "block": 4096,
    "free": 900_000,
    "romfs": 0,
    "files": {},
    "frozen": [],
    "settings": None,
    "board": None,
}


_compiled = {}  # (source, architecture): what it is compiled to, for all tests of a process
_compile = files.compile_for_board


def compile_once(source, target, arch):
    """Compile a source to target, as Files does, unless another test has done so."""
    if (source, arch) not in _compiled:
        _compile(source, target, arch)
        _compiled[source, arch] = target.read_bytes()
    target.write_bytes(_compiled[source, arch])


class Board:
    """Stands for tools.flashing.board.Board; `done` is what was done to it, in order."""

    def __init__(self, monkeypatch, survey=None, prints=None, armed=False):
        self.done = []
        self.written = {}  # path: content
        self.removed = []
        self.survey_ = {**SURVEY, **(survey or {})}
        self.prints, self.armed = prints, armed
        monkeypatch.setattr(steps, "Board", lambda _port, _slow: self)
        monkeypatch.setattr(files, "compile_for_board", compile_once)
        monkeypatch.setattr(steps, "_RESET_S", 0)
        monkeypatch.setattr(steps, "_NETWORK_S", 0.2)
        monkeypatch.setattr(steps, "_START_S", 0.2)

    def survey(self):
        self.done.append("survey")
        return self.survey_

    def remove(self, paths):
        self.done.append("remove")
        self.removed += paths

    def make_folders(self, paths):
        assert list(paths) == sorted(paths)
        self.done.append("make folders")

    def write(self, path, data):
        self.done.append("write")
        self.written[path] = data

    def has(self, path):
        return path in self.survey_["files"]

    def read(self, path):
        return self.written[path]

    def deploy_romfs(self, folder, _say):
        self.done.append("deploy")
        self.romfs = sorted(path.name for path in folder.iterdir())

    def close(self):
        self.done.append("close")

    def interrupt(self, _say):
        self.done.append("interrupt")

    def disarm(self):
        armed, self.armed = self.armed, False
        return armed

    def restart(self):
        self.done.append("restart")

    def lines(self, _until_s):
        yield from self.starts() if self.prints is None else self.prints

    def starts(self):
        """What its application prints: the settings in its file are in force."""
        there = self.written.get("/board.py", b"").decode() or self.survey_["board"] or ""
        name = re.search(r'^NAME = "(\w+)"', there, re.M)
        board = options.board_of(name[1] if name else self.survey_["build"].partition("-")[0])
        text = self.written.get("/umb.json", self.survey_["settings"] or "{}")
        settings = Checked(json.loads(text), board).settings
        product = {"io": "remote I/O"}.get(settings["role"], settings["role"])
        yield f"umb: umb {product} {version()} on {board.NAME}, slave id {settings['slave_id']}"
        if settings["rtu"]:
            for line in filter(None, (settings, settings.get("line2"))):
                yield f"umb: {described(line)}"
        yield "umb: serving; Ctrl-C ends it"

    def untouched(self):
        return not {"remove", "make folders", "write", "deploy", "restart"} & set(self.done)


STARTS = (
    "MPY: soft reboot",
    f"umb: umb remote I/O {version()} on RPI_PICO, slave id 1",
    "umb: Modbus RTU on UART 0, 19200 8E1",
)


def run(*arguments):
    """Run flash.py at this board. Raises Trouble."""
    parsed = options.parser().parse_args(["--port", "socket://board", *arguments])
    steps.Flashing(parsed, options.changes(parsed)).run()


def survey_of(name):
    """What differs in the survey of a board of this name."""
    number = ARCHITECTURES.index(ARCHITECTURE_OF[name]) + 1
    platform = "rp2" if "PICO" in name else "esp8266" if "8266" in name else "esp32"
    mpy = 6 | 3 << 8 | number << 10
    return {"build": firmware.build_of(name), "platform": platform, "mpy": mpy, "machine": ""}
