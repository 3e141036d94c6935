"""dev.py pico: the remote-I/O slave on an emulated Pico, with every frame and pin edge printed."""

import os

from tools.emulator.firmware import HOW_TO, URL, download, find_firmware, is_uf2
from tools.env import ROOT, Trouble, Venv, requirements, say

_WATCH = "tools.emulator.watch"
_DOWNLOAD = "--download"


def main(args):
    """Replace this process by the program that runs the emulated board, in .venv."""
    if not {"-h", "--help"} & set(args):
        args = with_image(args)
    venv = Venv(ROOT / ".venv")
    venv.provide(requirements("pico"), "the emulated Pico")
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
    if found is None and _DOWNLOAD in args:
        found = get_firmware()
    if found is None:
        raise Trouble(f"no firmware for the emulated Pico: {HOW_TO}; or give it with --image FILE")
    return [*args, "--image", str(found.resolve())]


def get_firmware():
    """Return a firmware that is downloaded now. Raises Trouble."""
    say(f"downloading {URL}")
    try:
        return download()
    except OSError as error:
        raise Trouble(
            f"no firmware: {error}; get it in another way, and give it with --image FILE"
        ) from None
