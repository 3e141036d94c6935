"""Forwarder: a client of a server in a network, as a gateway uses RTUClient."""

from micropython import const

from ..frame.rtu import RESPONSE, rtu_size
from .request import FORWARD
from .status import ODD_REPLY, PENDING

_FRAME = const(6)  # where in a buffer the slave id is
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
        self._request = client.new_request(FORWARD, 0, 0, 1)
        self.retries = client.retries
        self.is_free = client.is_free
        self.nap_ms = client.nap_ms
        self.pause_left_ms = client.pause_left_ms
        self.response_size = client.response_size
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

    def forward(self, adu, n, timeout_ms, broadcast):
        """As RTUClient.forward()."""
        self._adu = adu
        request = self._request
        request.slave_id = adu[_FRAME]
        request.values = adu
        request.quantity = n
        request.timeout_ms = timeout_ms
        request.broadcast = broadcast
        request.strict = self._client.strict
        return self._take_response(self._client.begin_once(request))

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        return self._take_response(self._client.advance())

    def _take_response(self, status):
        """Copy the response if there is one. Returns the status of the request."""
        client = self._client
        if status == PENDING:
            return status
        client.end(self._request)
        if status >= 0:
            client.copy_response(self._adu)
        if status == 0 and client.strict and not self._has_its_length(client.response_size()):
            status = ODD_REPLY
        return status

    def _has_its_length(self, n):
        """Return whether the response is as long as its own count of bytes says, if it has one."""
        size = rtu_size(RESPONSE, self._adu, _FRAME, n + 1) if n else 0
        return size == 0 or size == n + _AROUND_PDU

    def forwards(self, _adu):
        """Return whether the request is under way."""
        return self._client.is_under_way(self._request)

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
