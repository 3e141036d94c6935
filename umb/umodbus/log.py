"""The logger of uModbus: silent until umodbus.utils.log_to_stream() gives it a stream.

Levels are the numbers of the module logging, which need not be installed.
"""

import io
import sys

DEBUG = 10
ERROR = 40

_NAME = "uModbus"
_LEVEL_NAMES = {DEBUG: "DEBUG", ERROR: "ERROR"}

handlers = []  # of (stream, level, format): who is told of what


def enabled(level: int) -> bool:
    """Return whether anybody is told of messages of this level."""
    for handler in handlers:
        if level >= handler[1]:
            return True
    return False


def debug(message: str):
    """Tell that a frame came or left."""
    _write(DEBUG, message)


def error(message: str):
    """Tell that something went wrong."""
    _write(ERROR, message)


def exception(message: str, error):
    """Tell that an exception was raised, with its traceback."""
    text = io.StringIO()
    sys.print_exception(error, text)
    _write(ERROR, message + "\n" + text.getvalue().rstrip())


def _write(level, message):
    record = {"levelname": _LEVEL_NAMES[level], "name": _NAME, "message": message}
    for stream, lowest, fmt in handlers:
        if level >= lowest:
            try:
                stream.write(fmt % record + "\n")
            except OSError:
                pass  # a stream that is broken must not stop a server
