"""Installs MicroPython itself on a board: with mpflash, or esptool for a .bin file."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.env import ROOT, Trouble, Venv, requirements

# The arguments of esptool by board: the chip, and the address of its firmware.
_ESP = {
    "ESP32_GENERIC": ("esp32", "0x1000"),
    "ESP32_GENERIC_S3": ("esp32s3", "0x0"),
    "ESP32_GENERIC_C3": ("esp32c3", "0x0"),
    "ESP8266_GENERIC": ("esp8266", "0x0"),
}
_VERSION = re.compile(r"stable|preview|v?1\.\d+(\.\d+)?(-preview)?")
# The only variant with which the application fits into the memory.
_VARIANT = {"ESP8266_GENERIC": "FLASH_2M_ROMFS"}


def check(firmware, name=None):
    """Raise Trouble if --firmware names neither a version nor a file for this board."""
    if _VERSION.fullmatch(firmware):
        return
    if Path(firmware).suffix != ".bin":
        raise Trouble(
            '--firmware takes "stable", a version like 1.28.0, or an ESP\'s .bin file, not '
            f"{firmware}; copy a .uf2 file onto the drive that the board is if BOOTSEL is held "
            "when it is plugged in"
        )
    if name and name not in _ESP:
        raise Trouble(f"a .bin file is for an ESP; for {name} give a version: --firmware stable")
    if not Path(firmware).is_file():
        raise Trouble(f"no such firmware: {firmware}")


def commands(firmware, name, port):
    """Return the commands, lists of words, that put it on the board. Raises Trouble.

    port may be the folder where a Pico's drive is mounted.
    """
    check(firmware, name)
    if Path(firmware).suffix == ".bin":
        return _esptool(firmware, name, port)
    at = ["--volume" if os.path.isdir(port) else "--serial", port]
    words = ["flash", *at, "--board", name, "--version", firmware]
    if name in _VARIANT:
        words += ["--variant", _VARIANT[name]]
    return [["mpflash", "--no-interactive", *words]]


def _esptool(firmware, name, port):
    chip, offset = _ESP[name]
    at = ["esptool", "--chip", chip, "--port", port]
    return [
        [*at, "erase-flash"],
        [*at, "--baud", "460800", "write-flash", offset, firmware],
    ]


def write(firmware, name, port):
    """Put the firmware onto the board; the user sees what the programs print. Raises Trouble."""
    todo = commands(firmware, name, port)
    programs = Path(sys.executable).parent
    if not all((programs / words[0]).exists() for words in todo):
        Venv(ROOT / ".venv").provide(requirements("flash"), "what writes firmware")
    for program, *words in todo:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        command = [str(programs / program), *words]
        if subprocess.run(command, env=environment, check=False).returncode:
            raise Trouble(
                f"{program} could not put the firmware on the board (it says why above). "
                "An ESP: hold its BOOT button and try again; a Pico: hold BOOTSEL, plug it in, "
                "and name its drive: --port /media/$USER/RPI-RP2"
            )
