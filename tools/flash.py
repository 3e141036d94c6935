"""python3 tools/flash.py: puts the remote-I/O application onto a board and sees that it answers.

Needs Python 3.10 or later and nothing else; what more it takes goes into .venv in the checkout.
"""

import importlib
import os
import sys

OLDEST = (3, 10)


def main(argv):
    """Return the exit status: 0 when it is done, 2 for trouble, which is told in one line."""
    if sys.version_info < OLDEST:
        sys.stderr.write("flash.py: needs Python 3.10 or later\n")
        return 2
    trouble_class = importlib.import_module("tools.env").Trouble
    try:
        return importlib.import_module("tools.flashing").main(argv)
    except trouble_class as trouble:
        sys.stderr.write("flash.py: %s\n" % trouble)
        return 2
    except BrokenPipeError:  # nobody reads what is printed, as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("flash.py: interrupted; run it again to finish\n")
        return 130


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main(sys.argv[1:]))
