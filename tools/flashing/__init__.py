"""What flash.py does: check the command line, then take the steps of steps.py."""

import importlib

from tools.build import need_compiler
from tools.env import Trouble
from tools.flashing import firmware, options


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
    need_compiler("flash.py", *args)
    steps = importlib.import_module("tools.flashing.steps")
    if arguments.dry_run:
        steps.rehearse(arguments, wanted)
    else:
        steps.Flashing(arguments, wanted).run()
    return 0
