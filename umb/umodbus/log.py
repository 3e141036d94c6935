"""The logger of uModbus: silent until umodbus.utils.log_to_stream() gives it a stream.

Levels are the numbers of the module logging, which need not be installed.
"""

import io
import sys

DEBUG = 10
ERROR = 40

_NAME = "uModbus"
_LEVEL_NAMES = {DEBUG: "DEBUG", ERROR: "ERROR"}

handlers = []  # of (stream, level, format)


def enabled(level: int) -> bool:
    """Return whether any handler writes messages of this level."""
    for handler in handlers:
        if level >= handler[1]:
            return True
    return False


def debug(message: str):
    """Log that a frame was received or sent."""
    _write(DEBUG, message)


def error(message: str):
    """Log an error."""
    _write(ERROR, message)


def exception(message: str, error):
    """Log an exception with its traceback."""
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
