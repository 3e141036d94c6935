"""log_to_stream: what servers receive and send, and what fails in them, as lines of text."""

import sys

from . import server

DEBUG = 10
ERROR = 40
BASIC_FORMAT = "%(levelname)s:%(name)s:%(message)s"

_init = server.Driver.__init__


class _Logged:
    """A handler that tells what passes through it, and is the other one in all else."""

    def __init__(self, handler, tell):
        self._handler = handler
        self._tell = tell

    def handle(self, adu, n, link):
        peer = link.peer[0] if link.peer else "serial"
        self._tell("<-- %s - %s" % (peer, bytes(adu[6 : 7 + n]).hex()))
        n = self._handler.handle(adu, n, link)
        if n > 0:
            self._tell("--> %s - %s" % (peer, bytes(adu[6 : 7 + n]).hex()))
        return n

    def __getattr__(self, name):
        return getattr(self._handler, name)


def log_to_stream(stream=None, level=0, fmt=BASIC_FORMAT):
    """Have the servers that are made from now on write to `stream` (standard error if None).

    At level DEBUG or below: slave id and PDU of every request and response, in hex. Below or at
    ERROR: what became exception 4.
    """
    stream = stream or sys.stderr

    def line(levelname, message):
        stream.write(fmt % {"levelname": levelname, "name": "uModbus", "message": message} + "\n")

    def init(driver, handler):
        _init(driver, handler)
        handler = driver.handler
        if level <= ERROR and getattr(handler, "on_error", 0) is None:
            handler.on_error = lambda error: line("ERROR", repr(error))
        if level <= DEBUG:
            driver.handler = _Logged(handler, lambda message: line("DEBUG", message))

    server.Driver.__init__ = init
