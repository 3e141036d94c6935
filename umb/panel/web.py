"""WebServer: serves a Microdot with limits, so that nobody who connects can exhaust a board.

    await WebServer(app, ("0.0.0.0", 80)).serve()

The start_server() of microdot waits for ever for clients that say nothing, and takes lines of any
length and any number of clients.
"""

import asyncio
import sys
from errno import ECONNRESET
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from ..check import integer
from ..port.hosts import host_filter
from ..port.listen_errors import cannot_listen
from ..port.sockets import check_address, peer_of

_LONGEST_HEAD = const(4096)  # bytes of a request before its body
_LONGEST_NUMBER = const(7)  # digits of the length of a body
_READ_AT_ONCE = const(512)  # bytes that are read at once
_MOST_PLACES = const(255)


class WebServer:
    """Serves a Microdot on a port.

    app          the Microdot. It says how long the body of a request may be
    address      (host, port)
    max_clients  how many connections may be open, 1..255. Four browsers that show points need
                 four, and as many again for what else they ask. A further one is closed at once
    timeout_ms   how long a client may take to send its request, and to take a piece of the answer
    allow        who may connect, as of umb.server.tcp.TCPServer; None: everybody

    refused       how many connections were refused because of allow, modulo 65536
    turned_away   how many connections there was no room for, modulo 65536

    Raises ValueError for a wrong argument.
    """

    def __init__(
        self, app, address, *, max_clients: int = 8, timeout_ms: int = 10_000, allow=None
    ):
        check_address(address)
        integer("max_clients", max_clients, 1, _MOST_PLACES)
        integer("timeout_ms", timeout_ms, 1, 600_000)
        self.refused = 0
        self.turned_away = 0
        self._app = app
        self._address = address
        self._max_clients = max_clients
        self._timeout_ms = timeout_ms
        self._is_allowed = None if allow is None else host_filter(allow)
        self._streams = []  # one a client

    async def serve(self):
        """Serve until the task is cancelled.

        Raises OSError, with a sentence that says what to do, if the port cannot be had.
        """
        try:
            server = await asyncio.start_server(
                self._serve_client, *self._address, backlog=self._max_clients
            )
        except OSError as error:
            raise cannot_listen(error, self._address)
        try:
            await server.wait_closed()
        finally:
            for stream in self._streams:
                await stream.wait_closed()  # which closes it

    async def _serve_client(self, stream, _):
        peer = peer_of(stream.get_extra_info("peername"))
        if self._is_allowed is not None and not self._is_allowed(peer[0]):
            self.refused = self.refused + 1 & 0xFFFF
        elif len(self._streams) == self._max_clients:
            self.turned_away = self.turned_away + 1 & 0xFFFF
        else:
            self._streams.append(stream)
            timeout_ms = self._timeout_ms
            try:
                await self._app.handle_request(
                    _Reader(stream, timeout_ms), _Writer(stream, peer, timeout_ms)
                )
            except Exception as error:  # noqa: BLE001 - it ends this connection, and no more
                sys.print_exception(error)
            finally:
                self._streams.remove(stream)
        await stream.wait_closed()


def _lost():
    """Return the error that stands for a client that is gone, and is not printed."""
    return OSError(ECONNRESET)


class _Reader:
    """What microdot reads a request from. Raises OSError for what is none, or comes too slowly."""

    def __init__(self, stream, timeout_ms):
        self._stream = stream
        self._until_ms = ticks_add(ticks_ms(), timeout_ms)
        self._left = _LONGEST_HEAD
        self._received = b""
        self._is_first = True

    async def _receive(self, n):
        """Receive n more bytes at most."""
        left_ms = ticks_diff(self._until_ms, ticks_ms())
        if left_ms <= 0 or n <= 0:
            raise _lost()
        try:
            piece = await asyncio.wait_for_ms(self._stream.read(n), left_ms)
        except asyncio.TimeoutError:
            raise _lost()
        if not piece:
            raise _lost()
        self._received += piece

    async def readline(self):
        """Return the next line of the head."""
        while b"\n" not in self._received:
            await self._receive(min(_READ_AT_ONCE, self._left - len(self._received)))
        end = self._received.find(b"\n") + 1
        line = self._received[:end]
        self._received = self._received[end:]
        self._left -= end
        if not (_is_request(line) if self._is_first else _is_header(line)):
            raise _lost()
        self._is_first = False
        return line

    async def readexactly(self, n):
        """Return the n bytes of the body."""
        while len(self._received) < n:
            await self._receive(n - len(self._received))
        return self._received[:n]


def _is_request(line):
    """Return whether microdot understands the first line of a request."""
    words = line.split()
    return len(words) == 3 and b"/" in words[2] and _is_text(line) and _is_decodable(words[1])


def _is_decodable(url):
    """Return whether what stands for other bytes in it, such as %20, are hexadecimal digits."""
    decoded, *parts = url.split(b"%")
    try:
        for part in parts:
            decoded += bytes((int(part[:2], 16),)) + part[2:]
    except ValueError:
        return False
    return _is_text(decoded)


def _is_header(line):
    """Return whether microdot understands a line of the head."""
    name, colon, value = line.strip().partition(b":")
    if name.lower() == b"content-length":
        digits = value.strip()
        return digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    return (not name or bool(colon)) and _is_text(line)


def _is_text(line):
    try:
        line.decode()
    except ValueError:  # UnicodeError
        return False
    return True


class _Writer:
    """What microdot writes a response to. Raises OSError if the client does not take it."""

    def __init__(self, stream, peer, timeout_ms):
        self._stream = stream
        self._peer = peer
        self._timeout_ms = timeout_ms

    def get_extra_info(self, _):
        """Return (host, port) of the client: nothing else is asked for."""
        return self._peer

    async def awrite(self, data):
        """Send these bytes."""
        try:
            self._stream.write(data)
            await asyncio.wait_for_ms(self._stream.drain(), self._timeout_ms)
        except (OSError, asyncio.TimeoutError):
            raise _lost()

    async def aclose(self):
        """Close the connection."""
        await self._stream.wait_closed()
