"""Non-blocking sockets of every port: listening, accepting, and filling an ADU buffer."""

import socket
from errno import EINPROGRESS

from micropython import const

_CHUNK = const(16)
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


class Stream:
    """A non-blocking socket and the ADU buffer that it fills and drains.

    start   where in the buffer frames begin
    second  how far from there the second read of a frame usually begins
    """

    def __init__(self, adu, start, second):
        self.sock = None
        self.adu = adu
        self.start = start
        self.second = second
        self.whole = memoryview(adu)[start:]
        self.rest = memoryview(adu)[start + second :]
        self.chunk = bytearray(_CHUNK)  # on the way to anywhere else: readinto() takes no offset

    def fill(self, have, n):
        """Read up to n bytes to where `have` are already. Returns how many; -1: it is over."""
        into = chunk = self.chunk
        if have == 0:
            into = self.whole
        elif have == self.second:
            into = self.rest
        try:
            got = self.sock.readinto(into, n)
        except OSError:
            return -1
        if got is None:
            return 0
        if into is chunk:
            at = self.start + have
            for i in range(got):
                self.adu[at + i] = chunk[i]
        return got or -1

    def push(self, done, n):
        """Write what is left of n bytes after `done`. Returns how many left; -1: it is over."""
        try:
            return self.sock.write(self.adu, self.start + done, n - done) or 0
        except OSError:
            return -1
