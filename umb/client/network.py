"""NetworkClient: what the clients of TCP and UDP have in common."""

import select
from time import sleep_ms, ticks_diff, ticks_ms

from micropython import const

from ..port.errnos import failure
from ..port.sockets import check_address
from . import Client, boolean

_FIRST_TRANSACTION = const(0x1233)  # devices that return another id return small ones
_LAST = const(32)  # a second reply to one of so many earlier requests is recognized
_POLL_MS = const(10)


class NetworkClient(Client):
    """A client with transaction ids, of the server at `address`, and a socket that is polled.

    _sock      the socket, None: there is none
    _since_ms  when the time-out began
    """

    def __init__(
        self, address, adu, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
    ):
        check_address(address)
        super().__init__(adu, timeout_ms, retries, pause_ms, busy_pause_ms, strict)
        boolean("broadcast", broadcast)
        self.broadcast = broadcast
        self._address = address
        self._sock = None
        self._poller = None  # the select.poll that reports the socket
        self._shared = None  # another one that does, see watch()
        self._events = 0  # what both report
        self._transaction = _FIRST_TRANSACTION
        self._exact = False  # whether a reply has had the transaction id of its request
        self._stale = False  # whether a late reply may still come
        self._rejected = False  # something was received that is no reply to this request
        self._since_ms = 0

    def failure(self):
        """Return why there is no connection, for an error's text."""
        text = "no connection to %s:%d: " % (self._address[0], self._address[1])
        return text + failure(self._errno)

    def took_ms(self):
        """Return how long ago the request had left."""
        return max(0, ticks_diff(ticks_ms(), self._since_ms))

    def nap_ms(self):
        """Return for how many milliseconds one may sleep without missing much."""
        return _POLL_MS

    def watch(self, poller):
        """Use this select.poll from now on, too: others may use it."""
        if poller is not self._shared:
            self._shared = poller
            if self._sock is not None:
                poller.register(self._sock, self._events)

    def sleep(self, wait_ms):
        """Sleep so long, or until a select.poll reports something."""
        poller = self._shared or self._poller
        if poller is None:
            sleep_ms(wait_ms)
            return
        for _ in poller.ipoll(wait_ms):
            pass

    def _is_time_up(self):
        """Return whether timeout_ms have passed."""
        # Less than 0: so much time has passed that the clock has wrapped.
        return not 0 <= ticks_diff(ticks_ms(), self._since_ms) < self._timeout_ms

    def _take_socket(self, sock, events):
        """Use this socket from now on, and have each select.poll report these events of it."""
        poller = select.poll()  # a new one: where registering fails, it is of no more use
        try:
            poller.register(sock, events)
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._poller = poller
        self._events = events
        if self._shared is not None:
            self._shared.register(sock, events)

    def _close_socket(self):
        """Close the socket, if there is one: nothing that is sent to it is received any more."""
        if self._sock is not None:
            if self._shared is not None:
                self._shared.unregister(self._sock)
            self._sock.close()
            self._sock = self._poller = None
        self._exact = self._stale = False

    def _begin_transaction(self, n):
        """Get ready for sending the request PDU of n bytes: it gets a new transaction id."""
        self._transaction = self._transaction + 1 & 0xFFFF
        self._adu[0] = self._transaction >> 8
        self._adu[1] = self._transaction & 0xFF
        self._prepare_reply(n)
        self._n = 0
        self._rejected = False

    def _is_answer(self, n):
        """Return whether the frame with a PDU of n bytes is the reply, right or wrong."""
        expected = self._expected
        # How many transactions ago the request with its transaction id was sent.
        ago = self._transaction - (self._adu[0] << 8 | self._adu[1]) & 0xFFFF
        if ago == 0 and self._adu[6] == expected.slave_id:
            self._exact = True
            return True
        if not expected.any_id or (self._exact and 0 < ago <= _LAST):  # a second reply
            return False
        return expected.status(self._adu, n) >= 0

    def _answered(self, n):
        """The reply was received, with a PDU of n bytes. Returns the status."""
        self._begin_pause()
        self._n = n
        return self._expected.status(self._adu, n)
