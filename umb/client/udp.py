"""UDPClient: the calls of umb.client over UDP, one MBAP frame a datagram. It allocates."""

import select
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..port.sockets import datagrams
from . import BAD_REPLY, NO_REPLY, PENDING, Client

_NAP_MS = const(10)


class UDPClient(Client):
    """A client of the Modbus UDP server at `address`, (host, port).

    timeout_ms  how long a call waits for the answer
    retries     how many times it asks again: datagrams get lost
    """

    def __init__(self, address, *, timeout_ms=1000, retries=2):
        super().__init__(bytearray(ADU_SIZE), timeout_ms, retries)
        self._address = address
        self._sock = None
        self._poller = select.poll()
        self._transaction = 0
        self._came = False  # something came that was no answer
        self._deadline_ms = 0

    def close(self):
        """Close the socket; the next call opens a new one."""
        if self._sock is not None:
            self._poller.unregister(self._sock)
            self._sock.close()
            self._sock = None

    def abandon(self):
        """Give up a call. Its answer is dropped when it comes."""

    def _receive(self):
        """A datagram, or b"" where none has come."""
        for _ in self._poller.ipoll(0):
            return self._sock.recv(ADU_SIZE)
        return b""

    def clear(self):
        if self._sock is None:
            self._sock = datagrams(self._address)
            self._poller.register(self._sock, select.POLLIN)
        while self._receive():
            pass
        return False

    def start(self, n):
        self._transaction = self._transaction + 1 & 0xFFFF
        self._adu[0] = self._transaction >> 8
        self._adu[1] = self._transaction & 0xFF
        self._sock.send(self._adu[: MBAP.seal(self._adu, n)])
        self._came = False
        self._deadline_ms = ticks_add(ticks_ms(), self.timeout_ms)
        self._n = 0
        return 0 if self._broadcast else PENDING

    def nap_ms(self):
        """How long one may sleep without missing much."""
        return _NAP_MS

    def wait(self):
        left_ms = ticks_diff(self._deadline_ms, ticks_ms())
        for _ in self._poller.ipoll(max(0, left_ms)):
            pass

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        adu = self._adu
        data = self._receive()
        while data:
            self._came = True
            n = len(data)
            if n <= 260:
                adu[:n] = data
                if (
                    MBAP.missing(adu, n) == 0
                    and adu[0] << 8 | adu[1] == self._transaction
                    and adu[6] == self._slave_id
                ):
                    self._n = n - MBAP.wrapping
                    return 0
            data = self._receive()
        if ticks_diff(self._deadline_ms, ticks_ms()) > 0:
            return PENDING
        return BAD_REPLY if self._came else NO_REPLY
