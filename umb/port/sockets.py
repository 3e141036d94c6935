"""Non-blocking sockets of every port: listening, accepting, and filling an ADU buffer."""

import socket
import sys
from errno import EINPROGRESS

from micropython import const

from ..fast import copy

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

_piece = bytearray(16)  # what Stream.receive() reads on its way to the ADU buffer


def resolve(address):
    """Return (host, port) as bind and connect of this port take it. Raises OSError."""
    return socket.getaddrinfo(address[0], address[1], 0, socket.SOCK_STREAM)[0][-1]


def call_hook(server, hook, argument, link):
    """Call hook(argument) if there is one. Returns what it returns, None if it raises.

    Its exception is passed to the server's report(), or printed, and does not end serve().
    """
    if hook is None:
        return None
    try:
        return hook(argument)
    except Exception as error:  # noqa: BLE001 - whatever a hook does, the server goes on
        try:
            if hasattr(server, "report"):
                server.report(error, link)
            else:
                sys.print_exception(error)
        except Exception as failure:  # noqa: BLE001
            sys.print_exception(failure)
    return None


def check_address(address, first_port=1):
    """Raise ValueError unless this is the (host, port) of a server, such as ("10.0.0.5", 502).

    first_port   0: the server may leave the choice of its port to the network
    """
    if not (
        isinstance(address, (tuple, list))
        and len(address) == 2
        and isinstance(address[0], str)
        and address[0]
        and isinstance(address[1], int)
        and first_port <= address[1] <= 65535
    ):
        raise ValueError(
            'address must be (host, port), as in ("10.0.0.5", 502), not %r' % (address,)
        )


def listen(address, backlog=None):
    """Return a non-blocking socket that is bound to (host, port).

    backlog   how many clients may wait to be accepted; None: the socket is one for datagrams

    Raises OSError with a sentence if the address cannot be had, ValueError if it is none.
    """
    check_address(address, 0)
    sock = None
    try:
        kind = socket.SOCK_DGRAM if backlog is None else socket.SOCK_STREAM
        sock = socket.socket(socket.AF_INET, kind)
        if backlog is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(resolve(address))
        if backlog is not None:
            sock.listen(backlog)
        sock.setblocking(False)
    except OSError as error:
        if sock is not None:
            sock.close()
        from .listen_errors import cannot_listen

        raise cannot_listen(error, address)
    return sock


def accept(listener):
    """Return the next waiting connection as (non-blocking socket, (host, port)).

    Raises OSError.
    """
    sock, address = listener.accept()
    try:
        sock.setblocking(False)  # ports differ in what they inherit
        no_delay(sock)
        return sock, peer_of(address)
    except BaseException:
        sock.close()
        raise


def peer_of(address):
    """Return (host, port) of an address as accept and recvfrom of this port give it."""
    if isinstance(address, tuple):
        return address
    _, host, port = socket.sockaddr(address)[:3]  # the unix port's raw address
    return socket.inet_ntop(socket.AF_INET, host), port


def no_delay(sock):
    """Let every frame leave at once (TCP Guide 4.3.2), where the port has this option."""
    try:
        sock.setsockopt(_IPPROTO_TCP, getattr(socket, "TCP_NODELAY", _TCP_NODELAY), 1)
    except (OSError, NotImplementedError):
        pass  # before MicroPython 1.23 every write left at once anyway


def connect(address):
    """Return a non-blocking socket that sets out to connect to (host, port): writable once it has.

    Raises OSError if that cannot even begin.
    """
    return connect_to(resolve(address))


def connect_to(where):
    """Return what connect() does, for an address as resolve() returns it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.connect(where)
    except OSError as error:
        if error.errno != EINPROGRESS:
            sock.close()
            raise
    no_delay(sock)
    return sock


def datagrams(address):
    """Return a non-blocking socket for datagrams from and to the one peer at (host, port).

    Raises OSError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.connect(resolve(address))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


class Stream:
    """A non-blocking socket, and the ADU buffer that it fills and empties.

    frame   an object of umb.frame.mbap.MBAP or its like
    first_size  how many bytes of a frame are read at first, as a rule; then comes the rest
    """

    def __init__(self, adu, frame, first_size):
        self.sock = None
        self.adu = adu
        self.frame = frame
        self.first_size = first_size
        # readinto() takes no offset: a frame's beginning and its rest are read through views that
        # begin there, anything else by way of _piece.
        self.whole = memoryview(adu)[frame.start :]
        self.rest = memoryview(adu)[frame.start + first_size :]
        self.clear()

    def clear(self):
        """Discard the part of a frame that was received, and what has still to be sent."""
        self.have = 0  # bytes of a frame that were received
        self.at = 0  # where in the buffer the bytes to be sent begin
        self.size = 0  # how many bytes are to be sent

    # A function with an `except` takes no memory if it has two variables at most.

    def receive(self, n):
        """Read up to n more bytes of a frame.

        Returns how many were read, 0 if there are none, or -1 if the connection has ended.
        """
        try:
            if self.have == 0:
                n = self.sock.readinto(self.whole, n)
            elif self.have == self.first_size:
                n = self.sock.readinto(self.rest, n)
            else:
                n = self.sock.readinto(_piece, n)
                if n:
                    copy(self.adu, self.frame.start + self.have, _piece, 0, n)
        except OSError:
            return -1
        if n is None:
            return 0
        self.have += n
        return n or -1

    def send(self):
        """Send as much as the network takes.

        Returns how many bytes that were, or -1 if the connection has ended.
        """
        try:
            n = self.sock.write(self.adu, self.at, self.size) or 0
        except OSError:
            return -1
        self.at += n
        self.size -= n
        return n
