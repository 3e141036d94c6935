"""UDPServer: Modbus over UDP, one frame a datagram. Calls allocate: ports have no other way."""

import select

from micropython import const

from ..check import wrong
from ..fast import copy
from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..frame.rtu import REQUEST
from ..port.sockets import call_hook, listen, peer_of
from . import Driver

_LATER = const(-1)  # LATER of umb.server
_IN = const(1)  # select.POLLIN, the same on every port


class UDPServer(Driver):
    """A Modbus UDP server at `address`, (host, port). One request at a time.

    server   the Server or Gateway that answers; None: a Server of its own, for routes
    framer   MBAP, or umb.frame.rtu_stream.RTUStream: a datagram is an RTU frame
    allow    who is answered: a container of IPv4 addresses and networks, such as ("192.168.1.5",
             "10.0.0.0/8"), or a function that is called with an address and returns whether; None:
             everybody

    refused      how many requests were ignored because of allow, modulo 65536
    turned_away  0: everybody else is answered, in turn

    A datagram that is not a frame is ignored. While memory is short, requests and responses are
    lost as any datagram may be. An exception of allow is passed to the Server's on_error.

    Raises OSError with a sentence if the address cannot be had, and ValueError for an argument of
    the wrong kind.
    """

    turned_away = 0

    def __init__(self, address: tuple, server=None, *, framer=MBAP, allow=None):
        super().__init__(server)
        if not hasattr(framer, "wrapping"):
            raise wrong("framer", framer, "MBAP or RTUStream")
        self.frame = framer(REQUEST)
        self.peer = None  # (host, port) of the request at hand
        self.answered = 0  # requests, since poll() returned last
        self.refused = 0
        self._allow = None
        if allow is not None:
            from ..port.hosts import host_filter

            self._allow = host_filter(allow)
        self._adu = bytearray(ADU_SIZE)
        self._from = None  # the peer as the port's socket takes it
        self._held = False  # whether a handler that returned LATER keeps the buffer
        self._short = False  # there was no memory for the last datagram
        self._sock = listen(address)
        self.poller = select.poll()
        self.poller.register(self._sock, _IN)

    def poll(self, wait_ms: int = 0) -> int:
        """Answer a datagram if there is one; with wait_ms, sleep until one comes, so long at most.

        Returns how many requests were answered.
        """
        short = self._short
        for event in self.poller.ipoll(wait_ms):
            if event[0] is self._sock and not self._held:
                self._receive()
        if short:  # the sleep is over in which the poller did not report the socket
            self._short = False
            self._watch()
        if self.gateway is not None:
            self.gateway.poll()
        answered = self.answered
        self.answered = 0
        return answered

    def _receive(self):
        """Take a datagram and answer it if it is a request."""
        try:
            data, self._from = self._sock.recvfrom(ADU_SIZE)
            self.peer = peer_of(self._from)
        except OSError:
            return
        except MemoryError:
            self._short = True
            self._watch()  # the poller would report it again at once
            return
        frame = self.frame
        n = len(data)
        if n > ADU_SIZE - frame.start:
            return
        copy(self._adu, frame.start, data, 0, n)
        if frame.size(self._adu, n) != n:
            return
        if self._allow is not None and not call_hook(self.server, self._allow, self.peer[0], self):
            self.refused = self.refused + 1 & 0xFFFF
            return
        counters = self.counters
        counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
        n = self.server.handle(self._adu, n - frame.wrapping, self)
        if n == _LATER:
            self._held = True
            self._watch()  # further requests stay in the socket
        else:
            self._reply(n)

    def _reply(self, n):
        """Send the response PDU of n bytes, 0: none."""
        if n:
            self.answered += 1
            start = self.frame.start
            n = self.frame.seal(self._adu, n)
            try:
                self._sock.sendto(self._adu[start : start + n], self._from)
            except OSError:
                pass  # lost, as any datagram may be
            except MemoryError:
                pass

    def answer(self, n):
        """Send the response of n bytes, 0: none, of a handler that has returned LATER."""
        self._held = False
        if not self.gone:
            self._watch()
            self._reply(n)

    def _watch(self):
        """Set whether the poller reports datagrams."""
        if not self.gone:  # a hook may have closed the server
            self.poller.modify(self._sock, 0 if self._held or self._short else _IN)

    def watch(self, poller) -> None:
        """Use this select.poll from now on, see umb.serve."""
        if self.poller is not poller:
            self.poller = poller
            self.poller.register(self._sock, _IN)
            self._watch()
        super().watch(poller)

    def server_close(self) -> None:
        """Close the socket."""
        if not self.gone:
            self.gone = True
            self.poller.unregister(self._sock)
            self._sock.close()
