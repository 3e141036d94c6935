"""UDPClient: the calls of umb.client over UDP, one MBAP frame a datagram. Calls allocate."""

import select
from time import sleep_ms, ticks_diff, ticks_ms

from micropython import const

from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..port.errnos import failure
from ..port.sockets import check_address, datagrams
from . import BAD_REPLY, FIRST_TRANSACTION, NO_CONNECTION, NO_REPLY, PENDING, Client, boolean

_LONGEST_FRAME = const(260)  # an MBAP frame: 7 bytes of header, 253 of PDU
_AT_ONCE = const(16)  # datagrams that are read before other sockets get their turn
_POLL_MS = const(10)
_IN = const(1)  # select.POLLIN, the same on every port


class UDPClient(Client):
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
        check_address(address)
        super().__init__(bytearray(ADU_SIZE), timeout_ms, retries, pause_ms, busy_pause_ms, strict)
        boolean("broadcast", broadcast)
        self.broadcast = broadcast
        self._address = address
        self._sock = None
        self._poller = None
        self._shared = None  # another select.poll that reports the socket, see watch()
        self._transaction = FIRST_TRANSACTION
        self._rejected = False  # something was received that is no reply to this request
        self._since_ms = 0  # when the time-out began

    @property
    def connected(self):
        """Whether the socket is open. Whether there is a server is not known."""
        return self._sock is not None

    def close(self):
        """Close the socket. A call that is under way ends with NoConnectionError."""
        self._stop_retries()
        self._hang_up()
        self._errno = 0

    def _hang_up(self):
        """Close the socket. Datagrams that are still sent to it are lost."""
        if self._sock is not None:
            if self._shared is not None:
                self._shared.unregister(self._sock)
            self._sock.close()
            self._sock = self._poller = None
        self._exact = self._stale = False

    def open(self):
        """Open the socket, if it is not. Returns the status. Raises OSError."""
        if self._sock is None:
            sock = datagrams(self._address)
            poller = select.poll()  # a new one: where registering fails, it is of no more use
            try:
                poller.register(sock, _IN)
            except BaseException:
                sock.close()
                raise
            self._sock = sock
            self._poller = poller
            if self._shared is not None:
                self._shared.register(sock, _IN)
        return 0

    def failure(self):
        """Return why there is no connection, for an error's text."""
        text = "no connection to %s:%d: " % (self._address[0], self._address[1])
        return text + failure(self._errno)

    def abandon(self):
        """Give up a request. Its reply is discarded when it is received."""
        self._stale = True

    def clear(self):
        """Discard late replies. Those that are left have other transaction ids."""
        if self._any_id and self._stale:
            self._hang_up()
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
        self._transaction = self._transaction + 1 & 0xFFFF
        self._adu[0] = self._transaction >> 8
        self._adu[1] = self._transaction & 0xFF
        self._expect_reply(n)
        self._sock.send(self._adu[: MBAP.seal(self._adu, n)])
        self._note()
        self._rejected = False
        self._since_ms = ticks_ms()
        self._n = 0
        return 0 if self._broadcast else PENDING

    def took_ms(self):
        """Return how long ago the request was sent."""
        return max(0, ticks_diff(ticks_ms(), self._since_ms))

    def nap_ms(self):
        """Return for how many milliseconds one may sleep without missing much."""
        return _POLL_MS

    def watch(self, poller):
        """Use this select.poll from now on, too: others may use it."""
        if poller is not self._shared:
            self._shared = poller
            if self._sock is not None:
                poller.register(self._sock, _IN)

    def sleep(self, wait_ms):
        """Sleep so long, or until a select.poll reports something."""
        poller = self._shared or self._poller
        if poller is None:
            sleep_ms(wait_ms)
            return
        for _ in poller.ipoll(wait_ms):
            pass

    def wait(self):
        """Sleep until there may be something to go on with."""
        wait_ms = self._timeout_ms - ticks_diff(ticks_ms(), self._since_ms)
        if self._sock is not None and 0 < wait_ms <= self._timeout_ms:
            for _ in self._poller.ipoll(wait_ms):
                pass

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        for _ in range(_AT_ONCE):
            if self._sock is None:
                return NO_CONNECTION  # closed meanwhile
            data = self._receive()
            if not data:
                break
            if self._is_reply(data):
                self._n = len(data) - MBAP.wrapping
                self._note()
                return 0
            self._rejected = True
        # Less than 0: so much time has passed that the clock has wrapped.
        if 0 <= ticks_diff(ticks_ms(), self._since_ms) < self._timeout_ms:
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
        return MBAP.missing(adu, n) == 0 and self._is_answer(
            self._transaction - (adu[0] << 8 | adu[1]), n - MBAP.wrapping
        )
