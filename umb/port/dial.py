"""Non-blocking sockets of every port: streams to another machine, and datagrams."""

import socket
from errno import EINPROGRESS

from .sock import no_delay, resolve


def connect(address):
    """A non-blocking socket that sets out to connect to (host, port): writable once it has.

    Raises OSError where that cannot even begin.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.connect(resolve(address))
    except OSError as error:
        if error.errno != EINPROGRESS:
            sock.close()
            raise
    no_delay(sock)
    return sock


def datagrams(address, own=False):
    """A non-blocking socket for datagrams with (host, port) alone; own: at this address of ours.

    Raises OSError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if own:
            sock.bind(resolve(address))
        else:
            sock.connect(resolve(address))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
