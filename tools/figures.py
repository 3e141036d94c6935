"""dev.py figures: what umb takes on a Raspberry Pi Pico, measured on an emulated one."""

import os
import sys

from tools.emulator.firmware import HOW_TO, find_firmware
from tools.env import ROOT, Trouble, Venv, requirements

_MEASURE = "tools.emulator.figures"


def main(args):
    """Become the program that measures, in the private environment."""
    try:
        found = find_firmware()
    except FileNotFoundError as error:
        raise Trouble(str(error)) from None
    if found is None and not {"-h", "--help"} & set(args):
        raise Trouble(f"no firmware for the emulated Pico: {HOW_TO}")
    python = sys.executable
    if sys.prefix == sys.base_prefix:
        venv = Venv(ROOT / ".venv")
        venv.provide(requirements("pico"), "the emulated Pico")
        python = venv.python
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(python, [python, "-m", _MEASURE, *args])
