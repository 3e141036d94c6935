"""Runs the test functions of one file, one at a time, as pytest on the PC asks for them.

`micropython runner.py FILE`, FILE somewhere on sys.path. A test's name comes in on stdin, a line
each. What the test prints goes out on stdout; then come the reason or the traceback, and a line:
the character RS, "passed", "skipped" or "failed", and how many bytes of reason or traceback.
"""

import gc
import io
import sys

import micropython
from support import SkipTest

_RS = "\x1e"


def run(module, wanted):
    """Run one test of the module; return its outcome and a text."""
    try:
        getattr(__import__(module), wanted)()
    except SkipTest as reason:
        tidy()
        return "skipped", str(reason)
    except Exception as error:  # noqa: BLE001 - every failure is to be told
        tidy()
        text = io.StringIO()
        sys.print_exception(error, text)
        return "failed", text.getvalue()
    tidy()
    return "passed", ""


def tidy():
    """Undo what a test that fails halfway may leave behind: a locked heap, a collector at rest."""
    micropython.heap_lock()
    while micropython.heap_unlock() > 0:
        pass
    gc.enable()
    gc.collect()


def main(module):
    """Serve until stdin ends."""
    while True:
        wanted = sys.stdin.readline().strip()
        if not wanted:
            return
        outcome, text = run(module, wanted)
        print("{}{}{} {}".format(text, _RS, outcome, len(text.encode())))


if __name__ == "__main__":
    main(sys.argv[1].rsplit("/", 1)[-1][:-3])
