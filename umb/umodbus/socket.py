"""MicroPython's socket, and create_connection() as CPython has it.

mip/umodbus.json installs it as `socket`, which MicroPython then takes instead of its own module.
"""

from usocket import *  # noqa: F403 - all that the port's own module has
from usocket import AF_INET, SOCK_STREAM, getaddrinfo, socket


class _Connection(socket):
    """A socket that a with statement closes."""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()


def create_connection(address: tuple, timeout=None):
    """Return a TCP socket that is connected to (host, port).

    timeout   seconds that reading and writing may take; None: as long as it lasts

    Raises OSError.
    """
    sock = _Connection(AF_INET, SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(getaddrinfo(address[0], address[1], 0, SOCK_STREAM)[0][-1])
    except OSError:
        sock.close()
        raise
    return sock
