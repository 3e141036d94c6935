"""UDPServer: Modbus over UDP, one MBAP frame a datagram. It allocates: ports have no other way."""

import select

from micropython import const

from ..frame.mbap import MBAP
from ..port.dial import datagrams
from ..port.sock import peer_of
from . import LATER, Driver

_ADU = const(262)
_BUS_MESSAGES = const(0)  # where in Driver.counts, see umb.counters
_DATAGRAM = const(260)  # the longest frame
_SLEEP_MS = const(1000)


class UDPServer(Driver):
    """A Modbus UDP server at `address`, (host, port). One request at a time.

    Raises OSError where the address cannot be had.
    """

    serial = False
    gone = False

    def __init__(self, address, handler=None):
        super().__init__(handler)
        self.peer = None  # (host, port) of the request at hand
        self._adu = bytearray(_ADU)
        self._from = None  # the same as the port's socket takes it
        self._held = False
        self._sock = datagrams(address, own=True)
        self.poller = select.poll()
        self.poller.register(self._sock, select.POLLIN)

    def poll(self, wait_ms=0):
        """Answer a datagram if there is one; with wait_ms, wait that long at most.

        Returns how many requests were answered.
        """
        for sock, _ in self.poller.ipoll(0 if self._held else wait_ms):
            if sock is self._sock and not self._held:
                return self._receive()
        return 0

    def _receive(self):
        try:
            data, self._from = self._sock.recvfrom(_ADU)
        except OSError:
            return 0
        n = len(data)
        if not 8 <= n <= _DATAGRAM:
            return 0
        self._adu[:n] = data
        if MBAP.missing(self._adu, n):
            return 0
        self.peer = peer_of(self._from)
        counts = self.counts
        counts[_BUS_MESSAGES] = counts[_BUS_MESSAGES] + 1 & 0xFFFF
        n = self.handler.handle(self._adu, n - MBAP.wrapping, self)
        if n == LATER:
            self._held = True
            return 0
        self.answer(n)
        return 1

    def answer(self, n):
        """Send a response of n bytes, 0: none. For handlers that said LATER."""
        self._held = False
        if n:
            try:
                self._sock.sendto(self._adu[: MBAP.seal(self._adu, n)], self._from)
            except OSError:
                pass  # as lost as any datagram may be

    def join(self, first):
        """Use the first driver's poller from now on, see umb.server.serve()."""
        if self.poller is not first.poller:
            self.poller = first.poller
            self.poller.register(self._sock, select.POLLIN)

    def nap_ms(self):
        """How long serve() may sleep: the poller wakes it."""
        return _SLEEP_MS

    def server_close(self):
        """Close the socket."""
        self.poller.unregister(self._sock)
        self._sock.close()
