"""dev.py test: every test, in the private environment, in four processes."""

import json
import os
import signal
import subprocess
import time

from tools import board_libraries
from tools.env import ROOT, Venv, micropython, requirements, say

# Half of the time tests wait, so four processes keep two cores at work. Tests that share a server
# are in one file, which one process runs. tests/support/order.py says which files go first.
_IN_PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
_ALONE = ("-p", "no:xdist", "--last-failed")
_FAILED = 1  # pytest's exit status
_FEW = 5  # failures that may come from a machine that is too busy


def in_parallel(args):
    """Return the options that spread the tests over processes, unless args exclude that.

    The table of the emulated Pico is gathered in one process, and a debugger needs the terminal.
    """
    alone = {"--pico", "--pdb", "--trace", "-s"}.intersection(args)
    chosen = any(arg.startswith(("-n", "--numprocesses", "--dist")) for arg in args)
    without = "no:xdist" in args or "-pno:xdist" in args
    return () if alone or chosen or without else _IN_PARALLEL


def failed_since(start_s):
    """Return the names of the tests that have failed since this time, as pytest keeps them."""
    kept = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    try:
        return list(json.loads(kept.read_text())) if kept.stat().st_mtime >= start_s else []
    except (OSError, ValueError):
        return []


def main(args):
    """Run pytest and return its exit status.

    Real times of real peers are tested, and four processes share the cores. So a few tests that
    failed beside others are run again, one after another: what fails then has failed.
    """
    port = micropython()
    venv = Venv(ROOT / ".venv")
    running = requirements("run")
    wanted = requirements("dev") + board_libraries.pins()
    venv.provide([pin for pin in wanted if pin not in running], "what the tests need")
    os.environ["MICROPYTHON"] = port
    # What one process has compiled, the other three and all that they start need not compile.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(ROOT)
    spread = in_parallel(args)
    if spread:
        start_s = time.time()
        status = _run([venv.python, "-m", "pytest", *spread, *args])
        failed = failed_since(start_s) if status == _FAILED else []
        if not 0 < len(failed) <= _FEW:
            return status
        say(f"again, alone, what failed beside others: {', '.join(failed)}")
        args = [*_ALONE, *args]
    venv.execute("-m", "pytest", *args)
    return None


def _run(command):
    """Run a command, which gets the signals that are meant for this process. Return its status."""
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both
        status = process.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return status if status >= 0 else 128 - status
