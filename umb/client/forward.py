"""Forwarder: a client of a server in a network, as a gateway uses RTUClient."""

from micropython import const

from ..fast import copy
from ..frame.rtu import RESPONSE, rtu_size
from . import ODD_REPLY, PENDING, RAW

_FRAME = const(6)  # where in a buffer the slave id is
_PDU = const(7)  # where in a buffer the PDU begins
_AROUND_PDU = const(3)  # slave id and CRC of an RTU frame


class Forwarder:
    """The methods of an RTUClient that a Gateway calls, for a TCPClient or a UDPClient.

    Requests and replies are copied: a connection has a buffer and transaction ids of its own.
    Programs and a Poller may share the client.
    """

    serial = False

    def __init__(self, client):
        self._client = client
        self._adu = None  # the buffer of the request under way
        self._request = client._request(
            RAW, 0, 0, 1
        )  # what the client has as the request under way
        self.retries = client.retries
        self.is_free = client.is_free
        self.nap_ms = client.nap_ms
        self.sleep = client.sleep
        self.watch = client.watch
        self.close = client.close

    @property
    def timeout_ms(self):
        """How long a device has for its reply."""
        return self._client.timeout_ms

    @property
    def broadcast(self):
        """Whether slave id 0 is everybody behind the server."""
        return self._client.broadcast

    def forward(self, adu, n, timeout_ms, everybody):
        """As RTUClient.forward()."""
        self._client.clear()
        self._adu = adu
        self._copy_request(n + 1)
        self._expect(n, timeout_ms, everybody)
        return self._judged(self._client.start(n))

    def _copy_request(self, n):
        copy(self._client._adu, _FRAME, self._adu, _FRAME, n)

    def _expect(self, n, timeout_ms, everybody):
        """Set what the client compares the reply with."""
        client = self._client
        client._ask(self._adu[_FRAME], client.strict, client.broadcast)
        client._broadcast = everybody
        client._timeout_ms = timeout_ms
        client._current = self._request

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        return self._judged(self._client.advance())

    def _judged(self, status):
        """Copy the response if there is one. Returns the status of the request."""
        client = self._client
        if status == PENDING:
            return status
        client._current = None
        if status == 0 and client._n:
            status = client.reply_status()
            if status == 0 and client._strict and not self._has_its_length():
                status = ODD_REPLY
        if status >= 0:
            copy(self._adu, _PDU, client._adu, _PDU, client._n)
        return status

    def _has_its_length(self):
        """Return whether the response is as long as its own count of bytes says, if it has one."""
        n = self._client._n
        size = rtu_size(RESPONSE, self._client._adu, _FRAME, n + 1)
        return size == 0 or size == n + _AROUND_PDU

    def response_size(self):
        """Return the length of the response PDU; 0: it was a broadcast."""
        return self._client._n

    def pause_left_ms(self, slave_id, _now_ms):
        """Return for how many milliseconds no request may be sent to this slave."""
        pauses = self._client._pauses
        return 0 if pauses is None else pauses.left_ms(slave_id)

    def forwards(self, _adu):
        """Return whether the request is under way."""
        return self._client._current is self._request

    def is_sending(self):
        """Return False: what is being sent can be given up at any time."""
        return False

    def abandon(self):
        """Give up the request under way, if there is one."""
        self._client.give_up(self._request)

    def clear(self):
        """Discard late replies."""
        try:
            self._client.clear()
        except OSError:
            pass  # the next request fails, too, and reports it
