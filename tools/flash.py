"""python3 tools/flash.py: installs the remote-I/O application on a board and checks it.

Needs Python 3.10 or later and nothing else: further packages are installed into .venv here.
"""

import importlib
import os
import sys

OLDEST = (3, 10)


def main(argv):
    """Return the exit status: 0, or 2 for Trouble, whose line is printed."""
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
