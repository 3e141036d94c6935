"""Installs MicroPython itself on a board: with mpflash, or esptool for a .bin file."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.env import ROOT, Trouble, Venv, requirements

# Boards that have no build of MicroPython of their own: the one that they run.
_BUILD_OF = {
    "WT32_ETH01": "ESP32_GENERIC",
    "WAVESHARE_ESP32_S3_RELAY_6CH": "ESP32_GENERIC_S3",
}
# The arguments of esptool by build: the chip, and the address of its firmware; and the number of
# the chip in the header of its images, which an ESP8266 has not.
_ESP = {
    "ESP32_GENERIC": ("esp32", "0x1000", 0),
    "OLIMEX_ESP32_POE": ("esp32", "0x1000", 0),
    "ESP32_GENERIC_S3": ("esp32s3", "0x0", 9),
    "ESP32_GENERIC_C3": ("esp32c3", "0x0", 5),
    "ESP8266_GENERIC": ("esp8266", "0x0", None),
}
_IMAGE = 0xE9  # the first byte of images for ESPs
_CHIP_AT = 12  # where the number of the chip is, low byte first
_VERSION = re.compile(r"stable|preview|v?1\.(\d+)(\.\d+)?(-preview)?")
_OLDEST = 24  # the minor version of the oldest MicroPython that is meant to work
_DOWNLOADS = ROOT / ".venv" / "firmware"
_FOLDER = "MPFLASH_FIRMWARE"  # the variable that tells mpflash where its downloads go
# The only variant with which the application fits into the memory.
_VARIANT = {"ESP8266_GENERIC": "FLASH_2M_ROMFS"}


def build_of(name):
    """Return the name of the build of MicroPython that a board runs."""
    return _BUILD_OF.get(name, name)


def check(firmware, name=None):
    """Raise Trouble if --firmware names neither a version nor a file for this board."""
    version = _VERSION.fullmatch(firmware)
    if version:
        if version[1] and int(version[1]) < _OLDEST:
            raise Trouble(f"--firmware {firmware}: umb needs MicroPython 1.{_OLDEST} or later")
        return
    if Path(firmware).suffix != ".bin":
        raise Trouble(
            '--firmware takes "stable", a version like 1.28.0, or an ESP\'s .bin file, not '
            f"{firmware}; copy a .uf2 file onto the drive that the board is if BOOTSEL is held "
            "when it is plugged in"
        )
    if name and build_of(name) not in _ESP:
        raise Trouble(f"a .bin file is for an ESP; for {name} give a version: --firmware stable")
    if not Path(firmware).is_file():
        raise Trouble(f"no such firmware: {firmware}")
    _check_image(firmware, name)


def _check_image(firmware, name):
    """Raise Trouble if a .bin file is no image for the chip of a board."""
    with open(firmware, "rb") as file:
        head = file.read(_CHIP_AT + 2)
    if len(head) < _CHIP_AT + 2 or head[0] != _IMAGE:
        raise Trouble(f"{firmware} is no firmware for an ESP")
    chip, _, number = _ESP[build_of(name)] if name else (None, None, None)
    found = int.from_bytes(head[_CHIP_AT:], "little")
    if number is not None and found != number:
        other = {one[2]: one[0] for one in _ESP.values()}.get(found, "another chip")
        raise Trouble(f"{firmware} is for {other}, and a {name} has an {chip}")


def commands(firmware, name, port):
    """Return the commands, lists of words, that put it on the board. Raises Trouble.

    port may be the folder where a Pico's drive is mounted.
    """
    check(firmware, name)
    build = build_of(name)
    if Path(firmware).suffix == ".bin":
        return _esptool(firmware, build, port)
    at = ["--volume" if os.path.isdir(port) else "--serial", port]
    words = ["flash", *at, "--board", build, "--version", firmware]
    if build in _VARIANT:
        words += ["--variant", _VARIANT[build]]
    return [["mpflash", "--no-interactive", *words]]


def _esptool(firmware, build, port):
    chip, offset, _ = _ESP[build]
    at = ["esptool", "--chip", chip, "--port", port]
    return [
        [*at, "erase-flash"],
        [*at, "--baud", "460800", "write-flash", offset, firmware],
    ]


def downloads(folder=None):
    """Return the folder for downloads: `folder`, that of mpflash's own variable, or ours."""
    return Path(folder or os.environ.get(_FOLDER) or _DOWNLOADS).expanduser()


def write(firmware, name, port, folder=None):
    """Put the firmware onto the board; the user sees what the programs print. Raises Trouble.

    folder   where a download goes, see downloads()
    """
    todo = commands(firmware, name, port)
    programs = Path(sys.executable).parent
    if not all((programs / words[0]).exists() for words in todo):
        Venv(ROOT / ".venv").provide(requirements("flash"), "what writes firmware")
    place = downloads(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"no folder for downloads: {place}: {error.strerror}") from None
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", _FOLDER: str(place)}
    for program, *words in todo:
        command = [str(programs / program), *words]
        if subprocess.run(command, env=environment, check=False).returncode:
            raise Trouble(
                f"{program} could not put the firmware on the board (it says why above). "
                "An ESP: hold its BOOT button and try again; a Pico: hold BOOTSEL, plug it in, "
                "and name its drive: --port /media/$USER/RPI-RP2"
            )
