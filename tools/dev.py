"""python3 tools/dev.py COMMAND [ARGUMENTS]: commands for working on umb on a PC.

Needs Python 3.10 or later and nothing else: further packages are installed into .venv here.
Only this file keeps to the syntax of old versions of Python, which then print what is wrong.
"""

import importlib
import os
import sys

OLDEST = (3, 10)

# command: (module with main(args) -> exit status, what it does)
COMMANDS = {
    "bench": ("tools.bench.main", "what a request costs: umb beside libmodbus and pymodbus"),
    "conformance": ("tools.conformance", "run the conformance suite, write CONFORMANCE.md"),
    "dist": ("tools.dist", "compile umb to .mpy files and a ROMFS image, in dist/"),
    "docs": ("tools.docs", "build the documentation as a site; --serve shows it"),
    "figures": ("tools.figures", "measure on an emulated Pico, and write docs/why/figures.md"),
    "fuzz": ("tools.fuzz.main", "random traffic beside independent models, as long as one likes"),
    "micropython": ("tools.program", "run a program of a board on this PC, with umb at hand"),
    "packages": ("tools.packages", "write the package files of mip anew"),
    "panel": ("tools.panel.build", "put the page of umb.panel together"),
    "pico": ("tools.pico", "watch the remote-I/O slave on an emulated Raspberry Pi Pico"),
    "points": ("tools.points.main", "make files of points of other formats, or a table of one"),
    "release": ("tools.release", "check that versions agree, and build what is released"),
    "run": ("tools.run", "serve the remote-I/O application over Modbus TCP and RTU"),
    "sizes": ("tools.sizes", "measure what each part takes of flash and memory"),
    "stubs": ("tools.stubs", "write anew what tells type checkers of umb.aio"),
    "test": ("tools.run_tests", "run every test; further arguments go to pytest"),
}


def usage():
    """Return the help text."""
    lines = ["usage: python3 tools/dev.py COMMAND [ARGUMENTS]", ""]
    lines.extend("  %-11s %s" % (name, COMMANDS[name][1]) for name in sorted(COMMANDS))
    lines.extend(["", "python3 tools/dev.py COMMAND --help lists what a command takes."])
    return "\n".join(lines) + "\n"


def dispatch(argv):
    """Carry out a command and return its exit status; Trouble is printed, with status 2."""
    trouble_class = importlib.import_module("tools.env").Trouble
    try:
        if argv[0] not in COMMANDS:
            names = ", ".join(sorted(COMMANDS))
            raise trouble_class("no command %s; there are: %s" % (argv[0], names))
        return importlib.import_module(COMMANDS[argv[0]][0]).main(argv[1:])
    except trouble_class as trouble:
        sys.stderr.write("dev.py: %s\n" % trouble)
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("dev.py: interrupted\n")
        return 130


def main(argv):
    """Return the exit status of the command line."""
    if sys.version_info < OLDEST:
        have = ".".join(str(number) for number in sys.version_info[:3])
        sys.stderr.write("dev.py: needs Python 3.10 or later, this is %s\n" % have)
        return 2
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(usage())
        return 0 if argv else 2
    return dispatch(argv)


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main(sys.argv[1:]))
