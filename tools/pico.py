"""dev.py pico: the remote-I/O slave on an emulated Pico, with every frame and pin edge printed."""

import os

from tools.emulator.firmware import HOW_TO, find_firmware
from tools.env import ROOT, Trouble, Venv, requirements

_WATCH = "tools.emulator.watch"
_UF2 = b"UF2\n"  # the first bytes of such a file


def main(args):
    """Replace this process by the program that runs the emulated board, in .venv."""
    venv = Venv(ROOT / ".venv")
    venv.provide(requirements("pico"), "the emulated Pico")
    if not {"-h", "--help"} & set(args):
        args = with_image(args)
    os.chdir(ROOT)
    venv.execute("-m", _WATCH, *args)


def with_image(args):
    """Return the arguments with the firmware's absolute path. Trouble if there is no firmware."""
    args = list(args)
    for at, arg in enumerate(args):
        name, given, value = arg.partition("=")
        if name == "--image":
            if not given and at + 1 == len(args):
                raise Trouble("--image needs a file")
            end = at + 1 if given else at + 2
            path = value if given else args[at + 1]
            if not os.path.isfile(path):
                raise Trouble(f"no such firmware: {path}")
            if not is_uf2(path):
                raise Trouble(f"{path} is no firmware: a .uf2 file is needed")
            return [*args[:at], "--image", os.path.abspath(path), *args[end:]]
    try:
        found = find_firmware()
    except FileNotFoundError as error:
        raise Trouble(str(error)) from None
    if found is None:
        raise Trouble(f"no firmware for the emulated Pico: {HOW_TO}; or give it with --image FILE")
    return [*args, "--image", str(found.resolve())]


def is_uf2(path):
    """Return whether a file begins as firmware for a Pico does."""
    with open(path, "rb") as file:
        return file.read(len(_UF2)) == _UF2
