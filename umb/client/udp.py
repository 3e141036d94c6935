"""UDPClient: the calls of umb.client over UDP, one MBAP frame a datagram. Calls allocate."""

from time import ticks_diff, ticks_ms

from micropython import const

from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..port.sockets import datagrams
from .network import NetworkClient
from .status import BAD_REPLY, NO_CONNECTION, NO_REPLY, PENDING

_LONGEST_FRAME = const(260)  # an MBAP frame: 7 bytes of header, 253 of PDU
_AT_ONCE = const(16)  # datagrams that are read before other sockets get their turn
_IN = const(1)  # select.POLLIN, the same on every port


class UDPClient(NetworkClient):
    """A client of the Modbus UDP server at `address`, (host, port).

    timeout_ms  how long a call waits for the reply
    retries     how many times it asks again: datagrams get lost
    pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    broadcast   whether slave id 0 is a broadcast behind the server, where writes to it are not
                answered; else it is a device as any other (TCP Guide 4.4.2.1)

    Datagrams from anyone else are not received. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        address: tuple,
        *,
        timeout_ms: int = 1000,
        retries: int = 2,
        pause_ms: int = 0,
        busy_pause_ms: int = 0,
        strict: bool = True,
        broadcast: bool = False,
    ):
        adu = bytearray(ADU_SIZE)
        super().__init__(
            address, adu, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
        )

    @property
    def connected(self):
        """Whether the socket is open. Whether there is a server is not known."""
        return self._sock is not None

    def close(self):
        """Close the socket. A call that is under way ends with NoConnectionError."""
        self._stop_retries()
        self._close_socket()
        self._errno = 0

    def open(self):
        """Open the socket, if it is not. Returns the status. Raises OSError."""
        if self._sock is None:
            self._take_socket(datagrams(self._address), _IN)
        return 0

    def abandon(self):
        """Give up a request. Its reply is discarded when it is received."""
        self._stale = True

    def clear(self):
        """Discard late replies. Those that are left have other transaction ids."""
        if self._expected.any_id and self._stale:
            self._close_socket()
        self.open()
        for _ in range(_AT_ONCE):
            try:
                if not self._receive():
                    break
            except OSError:
                pass  # an earlier request did not reach the server
        return False

    def start(self, n):
        """Send the request PDU of n bytes. Returns the status. Raises OSError."""
        self._begin_transaction(n)
        self.clear()
        self._sock.send(self._adu[: MBAP.seal(self._adu, n)])
        self._begin_pause()
        self._since_ms = ticks_ms()
        return 0 if self._expected.broadcast else PENDING

    def wait(self):
        """Sleep until there may be something to go on with; then as advance()."""
        wait_ms = self._timeout_ms - ticks_diff(ticks_ms(), self._since_ms)
        if self._sock is not None and 0 < wait_ms <= self._timeout_ms:
            for _ in self._poller.ipoll(wait_ms):
                pass
        return self.advance()

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        for _ in range(_AT_ONCE):
            if self._sock is None:
                return NO_CONNECTION  # closed meanwhile
            data = self._receive()
            if not data:
                break
            if self._is_reply(data):
                return self._answered(len(data) - MBAP.wrapping)
            self._rejected = True
        if not self._is_time_up():
            return PENDING
        self._stale = True
        return BAD_REPLY if self._rejected else NO_REPLY

    def _receive(self):
        """Return a datagram, b"" if there is none. Raises OSError."""
        for _ in self._poller.ipoll(0):
            return self._sock.recv(ADU_SIZE)
        return b""

    def _is_reply(self, data):
        """Copy a datagram to the buffer. Returns whether it is the reply to the request."""
        n = len(data)
        if n > _LONGEST_FRAME:
            return False
        adu = self._adu
        adu[:n] = data
        return MBAP.size(adu, n) == n and self._is_answer(n - MBAP.wrapping)
