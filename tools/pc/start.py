"""Runs a program with umb and the PC's stand-ins at hand, wherever the program is.

The unix port looks for modules in the program's folder first. If the checkout is there, it would
take the checkout itself for the package: it looks there last instead. Ctrl-C, by which most
programs are ended, is no fault: there is no traceback, and the exit status is that of a shell.
"""

import sys

sys.argv.pop(0)
sys.path.append(sys.argv[0].rpartition("/")[0] or ".")
del sys.path[0]
del sys
try:
    execfile(__import__("sys").argv[0])  # noqa: F821 - MicroPython has it
except KeyboardInterrupt:
    __import__("sys").exit(130)
