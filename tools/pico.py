"""dev.py pico: the remote-I/O slave on an emulated Pico, with every frame and pin edge told."""

import os
import sys

from tests.pico.bench.firmware import HOW_TO, find_firmware
from tools.env import ROOT, Trouble, Venv, requirements

_WATCH = "tests.pico.bench.watch"


def main(args):
    """Become the program that runs the board, in the private environment."""
    venv = Venv(ROOT / ".venv")
    venv.provide(requirements("pico"), "the emulated Pico")
    if not {"-h", "--help"} & set(args):
        args = with_image(args)
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(venv.python, [venv.python, "-m", _WATCH, *args])


def with_image(args):
    """The arguments with the firmware's absolute path in them; Trouble if there is no firmware."""
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
            return [*args[:at], "--image", os.path.abspath(path), *args[end:]]
    try:
        found = find_firmware()
    except FileNotFoundError as error:
        raise Trouble(str(error)) from None
    if found is None:
        raise Trouble(f"no firmware for the emulated Pico: {HOW_TO}; or give it with --image FILE")
    return [*args, "--image", str(found.resolve())]
