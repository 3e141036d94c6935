"""A MicroPython that does what it is told. Runs in MicroPython: peer_shell.py

A line of stdin is a mark and the literal of a string: "!" has it executed, "?" evaluated. A line
goes out for each: "=" and the result's literal, or "!" and the exception: class, error_code, text.
"""

import sys


def outcome(line, names):
    """Do what a line says."""
    source = eval(line[1:])
    try:
        if line[0] == "!":
            exec(source, names)
            return "=None"
        return "=" + repr(eval(source, names))
    except Exception as error:  # noqa: BLE001 - every failure is to be told
        code = getattr(error, "error_code", None)
        return "!" + repr((type(error).__name__, code, str(error)))


def main():
    """Serve until stdin ends."""
    names = {}
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        print(outcome(line, names))


main()
