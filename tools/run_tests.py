"""dev.py test: every test, in the private environment, in four processes."""

import os

from tools import board_libraries
from tools.env import ROOT, Venv, micropython, requirements


# Half of the time tests wait, so four processes keep two cores at work. Tests that share a server
# are in one file, which one process runs. tests/support/order.py says which files go first.
_IN_PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")


def in_parallel(args):
    """Return the options that spread the tests over processes, unless args exclude that.

    The table of the emulated Pico is gathered in one process, and a debugger needs the terminal.
    """
    alone = {"--pico", "--pdb", "--trace", "-s"}.intersection(args)
    chosen = any(arg.startswith(("-n", "--numprocesses", "--dist")) for arg in args)
    without = "no:xdist" in args or "-pno:xdist" in args
    return () if alone or chosen or without else _IN_PARALLEL


def main(args):
    """Replace this process by pytest, which then receives signals and sets the exit status."""
    port = micropython()
    venv = Venv(ROOT / ".venv")
    running = requirements("run")
    wanted = requirements("dev") + board_libraries.pins()
    venv.provide([pin for pin in wanted if pin not in running], "what the tests need")
    os.environ["MICROPYTHON"] = port
    os.chdir(ROOT)
    venv.execute("-m", "pytest", *in_parallel(args), *args)
