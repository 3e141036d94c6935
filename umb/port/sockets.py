"""Non-blocking sockets of every port: listening, accepting, and filling an ADU buffer."""

import socket
from errno import EINPROGRESS

from micropython import const

from ..fast import copy

_PIECE = const(16)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


def resolve(address):
    """What bind and connect of this port take for (host, port)."""
    return socket.getaddrinfo(address[0], address[1], 0, socket.SOCK_STREAM)[0][-1]


def listen(address, backlog):
    """A non-blocking socket that listens at (host, port). Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(resolve(address))
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def accept(listener):
    """The next waiting connection as (socket, (host, port)), non-blocking. Raises OSError."""
    sock, address = listener.accept()
    try:
        sock.setblocking(False)  # ports differ in what they inherit
        no_delay(sock)
        return sock, peer_of(address)
    except BaseException:
        sock.close()
        raise


def peer_of(address):
    """(host, port) of an address as accept and recvfrom of this port give it."""
    if isinstance(address, tuple):
        return address
    _, host, port = socket.sockaddr(address)[:3]  # the unix port's raw address
    return socket.inet_ntop(socket.AF_INET, host), port


def no_delay(sock):
    """Let every frame leave at once (TCP Guide 4.3.2), where the port can be told."""
    try:
        sock.setsockopt(_IPPROTO_TCP, getattr(socket, "TCP_NODELAY", _TCP_NODELAY), 1)
    except (OSError, NotImplementedError):
        pass  # before MicroPython 1.23 every write left at once anyway


def check_address(address):
    """Raise ValueError unless this is the (host, port) of a server, such as ("10.0.0.5", 502)."""
    if not (
        isinstance(address, (tuple, list))
        and len(address) == 2
        and isinstance(address[0], str)
        and address[0]
        and isinstance(address[1], int)
        and 1 <= address[1] <= 65535
    ):
        raise ValueError(
            'address must be (host, port), as in ("10.0.0.5", 502), not %r' % (address,)
        )


def connect(address):
    """Return a non-blocking socket that sets out to connect to (host, port): writable once it has.

    Raises OSError if that cannot even begin.
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
    """Return a non-blocking socket for datagrams from and to the one peer at (host, port).

    own  instead, for those from anyone to this address of ours

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


class Stream:
    """A non-blocking socket, and the ADU buffer that it fills and empties.

    start   where in the buffer frames begin
    second  how many bytes of a frame have usually come when the rest of it is read
    """

    def __init__(self, adu, start, second):
        self.sock = None
        self.adu = adu
        self.start = start
        self.second = second
        # readinto() takes no offset: a frame's beginning and its rest are read through views that
        # begin there, anything else by way of a piece.
        self.whole = memoryview(adu)[start:]
        self.rest = memoryview(adu)[start + second :]
        self.piece = bytearray(_PIECE)

    def receive(self, have, n):
        """Read up to n bytes of a frame of which `have` bytes have come.

        Returns how many came, 0 if none wait, or -1 if the connection is over.
        """
        try:
            if have == 0:
                n = self.sock.readinto(self.whole, n)
            elif have == self.second:
                n = self.sock.readinto(self.rest, n)
            else:
                n = self.sock.readinto(self.piece, n)
                if n:
                    copy(self.adu, self.start + have, self.piece, 0, n)
        except OSError:
            return -1
        return 0 if n is None else n or -1

    def send(self, at, n):
        """Write up to n bytes of the buffer from `at` on.

        Returns how many the network took, or -1 if the connection is over.
        """
        try:
            return self.sock.write(self.adu, at, n) or 0
        except OSError:
            return -1
