"""The board through mpremote: found, asked what it is, given files."""

import json
import re
import subprocess
import sys

from tools.env import Trouble
from tools.flashing.console import busy_or_gone

# What a board tells of itself; files is {path: [size, SHA-256]}.
_SURVEY = """
import gc, json, os, sys
def look(path):
    try:
        mode, size = os.stat(path)[0], os.stat(path)[6]
    except OSError:
        return
    if mode & 0x4000:
        for name in os.listdir(path):
            look(path + "/" + name)
        return
    try:
        from binascii import hexlify
        from hashlib import sha256
        digest = sha256()
        with open(path, "rb") as file:
            piece = file.read(512)
            while piece:
                digest.update(piece)
                piece = file.read(512)
        found[path] = [size, hexlify(digest.digest()).decode()]
    except ImportError:
        found[path] = [size, ""]
def text(path):
    try:
        with open(path) as file:
            return file.read()
    except (OSError, ValueError):
        return None
found = {}
for path in ("/lib/umb", "/lib/app", "/board.py", "/main.py"):
    look(path)
disk = os.statvfs("/")
romfs = 0
try:
    import vfs
    part = vfs.rom_ioctl(2, 0)
    romfs = part.ioctl(4, 0) * part.ioctl(5, 0) if hasattr(part, "ioctl") else len(part)
except Exception:
    pass
about = sys.implementation
gc.collect()
print(json.dumps({
    "platform": sys.platform,
    "version": list(about[1])[:3],
    "machine": getattr(about, "_machine", ""),
    "build": getattr(about, "_build", ""),
    "mpy": getattr(about, "_mpy", 0),
    "block": disk[0],
    "free": disk[0] * disk[3],
    "romfs": romfs,
    "files": found,
    "settings": text("/umb.json"),
}))
"""
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
}


def name_of(survey):
    """The board's name as MicroPython's builds have it, of the variant too; "" if unknown."""
    return survey["build"] or _MACHINES.get(survey["machine"], "")


class Remote:
    """mpremote at this port; each call is a process. Raises Trouble."""

    def __init__(self, port):
        self.port = port

    def run(self, *words, each_line=None, fresh=False):
        """Run mpremote with these commands; return what it printed.

        each_line(text) is told of each line at once; fresh: after a soft reset.
        """
        command = [sys.executable, "-u", "-m", "mpremote", "connect", self.port]
        command += words if fresh else ("resume", *words)
        said = []
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout:
                said.append(line)
                if each_line is not None:
                    each_line(line.strip())
        text = "".join(said)
        if process.returncode:
            raise self._trouble(text)
        return text

    def _trouble(self, text):
        last = (text.strip().splitlines() or ["mpremote failed"])[-1]
        if "failed to access" in text or "could not open" in text or "in use" in text:
            return busy_or_gone(self.port, last.replace("failed to access", "busy"))
        if "ENOSPC" in text or "OSError: 28" in text or "Errno 28" in text:
            return Trouble("no space left on the board: remove files (mpremote fs rm), try again")
        if "MemoryError" in text:
            return Trouble("the board ran out of memory: reset it and try again")
        return Trouble(f"mpremote: {last}")

    def survey(self):
        """What the board tells of itself, see _SURVEY."""
        text = self.run("exec", _SURVEY, fresh=True)
        try:
            return json.loads(text.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise Trouble(f"{self.port} answers strangely: {text.strip()[-80:]!r}") from None


def find_port():
    """The port of the only board there is, by its USB ids. Raises Trouble."""
    command = [sys.executable, "-m", "mpremote", "connect", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ports = [
        line.split()[0]
        for line in done.stdout.splitlines()
        if re.search(r"\b[0-9a-f]{4}:[0-9a-f]{4}\b", line) and " 0000:0000 " not in line
    ]
    if not ports:
        raise Trouble(
            "no board found: plug it in with a cable that carries data, or name its port with "
            "--port; a Pico without MicroPython shows up as a drive: --port /media/$USER/RPI-RP2 "
            "--board RPI_PICO --firmware stable"
        )
    if len(ports) > 1:
        raise Trouble(f"several ports: name the board's with --port: {', '.join(ports)}")
    return ports[0]
