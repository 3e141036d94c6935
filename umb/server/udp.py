"""UDPServer: Modbus over UDP, one MBAP frame a datagram. It allocates: ports have no other way."""

import select

from micropython import const

from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..port.sockets import datagrams, peer_of
from . import LATER, Driver

_DATAGRAM = const(260)  # the longest frame
_NAP_MS = const(1000)


class UDPServer(Driver):
    """A Modbus UDP server at `address`, (host, port). One request at a time.

    Raises OSError where the address cannot be had.
    """

    def __init__(self, address, server=None):
        super().__init__(server)
        self.peer = None  # (host, port) of the request at hand
        self._adu = bytearray(ADU_SIZE)
        self._from = None  # the same as the port's socket takes it
        self._held = False
        self._sock = datagrams(address, own=True)
        self.poller = select.poll()
        self.poller.register(self._sock, select.POLLIN)

    def poll(self, wait_ms=0):
        """Answer a datagram if there is one; with wait_ms, wait that long at most.

        Returns how many requests were answered.
        """
        if self.gateway is not None:
            self.gateway.poll()
        for sock, _ in self.poller.ipoll(0 if self._held else wait_ms):
            if sock is self._sock and not self._held:
                return self._receive()
        return 0

    def _receive(self):
        try:
            data, self._from = self._sock.recvfrom(ADU_SIZE)
        except OSError:
            return 0
        n = len(data)
        if not 8 <= n <= _DATAGRAM:
            return 0
        self._adu[:n] = data
        if MBAP.missing(self._adu, n):
            return 0
        self.peer = peer_of(self._from)
        counters = self.counters
        counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
        n = self.server.handle(self._adu, n - MBAP.wrapping, self)
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

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        return _NAP_MS if self.gateway is None else min(_NAP_MS, self.gateway.nap_ms())

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        if self.poller is not poller:
            self.poller = poller
            self.poller.register(self._sock, select.POLLIN)
        if self.gateway is not None:
            self.gateway.watch(poller)

    def finish(self):
        """End what must not be left half-done, see umb.serve."""
        if self.gateway is not None:
            self.gateway.finish()

    def server_close(self):
        """Close the socket."""
        self.poller.unregister(self._sock)
        self._sock.close()
