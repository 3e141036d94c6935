"""TCPServer: Modbus TCP for several clients at once (TCP Guide 4). A request takes no memory."""

import select
from time import ticks_diff, ticks_ms

from micropython import const

from ..check import function, integer, wrong
from ..fast import copy
from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..frame.rtu import REQUEST
from ..port.sockets import Stream, accept, call_hook, listen
from . import Driver

_LATER = const(-1)  # LATER of umb.server
_EARLY = const(4)  # the first read takes up to 12 bytes, and the shortest request has 8
_SWEEP_BITS = const(8)  # idle times are kept every 256 ms; so long accepting pauses, too
_IDLE_MS = const(10_000)  # idle times after which a client may have to make room: it has asked,
_SILENT_MS = const(5_000)  # or it never has
_MOST_CLIENTS = const(65535)
_LONGEST_MS = const((1 << 30) - 1)  # the largest integer that takes no memory on any board
_RESERVE = const(256)  # more memory than a port takes to accept a connection or to poll it
_IN = const(1)  # select.POLLIN and POLLOUT, the same on every port
_OUT = const(4)


# Why a client has gone, see TCPServer.
CLOSED_BY_CLIENT = 0
IDLE = 1
MADE_ROOM = 2
NO_FRAME = 3
CLOSED_HERE = 4


class _Connection(Stream):
    """One client: its ADU buffer, the state of its request, and the link for handlers."""

    serial = False

    def __init__(self, driver):
        super().__init__(bytearray(ADU_SIZE), driver.frame, driver.frame.first_read)
        self.driver = driver
        self.counters = driver.counters
        self.early = bytearray(_EARLY)  # bytes of the next request, read with this one
        self.held = False  # whether a handler that returned LATER keeps the buffer
        self.open(None, None)

    def open(self, sock, peer):
        """Begin with a client; None: the place is free."""
        self.clear()
        self.sock = sock
        self.peer = peer  # (host, port)
        self.gone = sock is None
        self.listen_only = False
        self.early_count = 0
        self.active = False  # a request was answered since the last keep_time()
        self.asked = False  # the client has sent a request before
        self.idle_ms = 0  # the time since the last request, or since the client connected

    def service(self):
        """Read a request and answer it: the poller has reported this client."""
        if self.held or self.size:
            self._go_on()
            return
        size = self.frame.size(self.adu, self.have) if self.have else self.first_size
        while size > self.have:
            n = self.receive(size - self.have)
            if n <= 0:
                if n < 0:
                    self._end(CLOSED_BY_CLIENT)
                return
            size = self.frame.size(self.adu, self.have)
        if size < self.have:
            if not size:
                self._end(NO_FRAME)
                return
            self._put_aside(self.have - size)
        counters = self.counters
        counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
        n = self.driver.server.handle(self.adu, self.have - self.frame.wrapping, self)
        if n == _LATER:
            self.held = True
            self._watch()  # further requests stay in the socket
        elif not self.gone:  # a hook may have closed the server
            self._reply(n)

    def _put_aside(self, n):
        """Take the last n bytes for the next request's."""
        self.have -= n
        self.early_count = n
        copy(self.early, 0, self.adu, self.frame.start + self.have, n)

    def _reply(self, n):
        """Send the response PDU of n bytes, 0: none; or the rest of one that is partly sent.

        After its last byte, get ready for the next request.
        """
        if n:
            self.at = self.frame.start
            self.size = self.frame.seal(self.adu, n)
        if self.size:
            try:  # as send() does: a call less for every request
                n = self.sock.write(self.adu, self.at, self.size) or 0
            except OSError:
                self._end(CLOSED_BY_CLIENT)
                return
            self.size -= n
            if self.size:
                self.at += n
                self._watch()
                return
            self.driver.answered += 1
        self.have = n = self.early_count
        if n:
            copy(self.adu, self.frame.start, self.early, 0, n)
            self.early_count = 0
        self.active = True  # even if nothing is answered, as to a broadcast

    def _go_on(self):
        """Send more of a response."""
        if self.held:  # then the poller reports only that the client is gone
            self._end(CLOSED_BY_CLIENT)
            return
        self._reply(0)
        if not self.size:
            self._watch()

    def answer(self, n):
        """Send the response of n bytes, 0: none, of a handler that has returned LATER."""
        self.held = False
        if not self.gone:
            self._watch()
            self._reply(n)

    def events(self):
        """Return what the poller is to report."""
        if self.held:
            return 0
        return _OUT if self.size else _IN

    def _watch(self):
        if not self.gone:  # a hook may have closed the server
            self.driver.poller.modify(self.sock, self.events())

    def keep_time(self, elapsed_ms):
        """Add the time since this was called last. Drop the client if it is idle for too long."""
        if self.active:
            self.active = False
            self.asked = True
            self.idle_ms = 0
        elif not self.held:
            self.idle_ms = min(self.idle_ms + elapsed_ms, _LONGEST_MS)
            if 0 < self.driver.idle_timeout_ms <= self.idle_ms:
                self._end(IDLE)

    def _end(self, reason):
        """Close the connection; functions that call this need a word less for their frame."""
        self.driver.drop(self, reason)

    def is_idle(self):
        """Return whether this client may have to make room for another."""
        return not self.held and self.idle_ms >= (_IDLE_MS if self.asked else _SILENT_MS)


class TCPServer(Driver):
    """A Modbus TCP server that listens at `address`, (host, port).

    server           the Server or Gateway that answers; None: a Server of its own, for routes
    max_clients      how many may be connected, see below. Their buffers (0.6 KB each on a 32-bit
                     board) are made when so many are connected for the first time, and kept
    idle_timeout_ms  a client is disconnected that has sent no request for so long; 0: never
    framer           MBAP, or umb.frame.rtu_stream.RTUStream: RTU frames in the stream, as serial
                     device servers have them
    allow            who may connect: a container of IPv4 addresses and networks, such as
                     ("192.168.1.5", "10.0.0.0/8"), or a function that is called with an address
                     and returns whether; None: everybody
    on_connect       called with (host, port) of a client that has connected
    on_disconnect    called with (host, port) of a client that has gone; `reason` says why

    refused      how many were refused because of allow, modulo 65536
    turned_away  how many were refused because nobody made room, modulo 65536
    reason       why the last client has gone: CLOSED_BY_CLIENT, IDLE, MADE_ROOM, NO_FRAME if it
                 sent what is no frame, or CLOSED_HERE by server_close()

    If all places are taken, a client that is idle makes room for a new one: one that has had no
    request answered for 10 seconds, or none at all for 5 seconds after it connected. The
    host with the most connections loses one: a client that never asked if there is one, else the
    one that has been idle longest. If nobody is idle, the new client is refused:
    its connection is closed at once (TCP Guide 4.3.1).

    An exception of allow, on_connect or on_disconnect is passed to the Server's on_error.

    Raises OSError with a sentence if the address cannot be had, and ValueError for an argument of
    the wrong kind.
    """

    def __init__(
        self,
        address: tuple,
        server=None,
        *,
        max_clients: int = 4,
        idle_timeout_ms: int = 600_000,
        framer=MBAP,
        allow=None,
        on_connect=None,
        on_disconnect=None,
    ):
        super().__init__(server)
        integer("max_clients", max_clients, 1, _MOST_CLIENTS)
        integer("idle_timeout_ms", idle_timeout_ms, 0, _LONGEST_MS)
        if not hasattr(framer, "wrapping"):
            raise wrong("framer", framer, "MBAP or RTUStream")
        function("on_connect", on_connect)
        function("on_disconnect", on_disconnect)
        self.max_clients = max_clients
        self.idle_timeout_ms = idle_timeout_ms
        self.frame = framer(REQUEST)
        self.on_connect = on_connect
        self.on_disconnect = on_disconnect
        self.answered = 0  # requests, since poll() last returned
        self.refused = 0
        self.turned_away = 0
        self.reason = CLOSED_BY_CLIENT
        self._allow = None
        if allow is not None:
            from ..port.hosts import host_filter

            self._allow = host_filter(allow)
        self._connections = []  # all that were created, one for each place
        self._by_socket = {}  # those that are open
        self._listener = listen(address, max_clients)
        self._accepting = True  # the poller is to report new clients
        self._newcomer = False  # the poller has reported one
        self.poller = select.poll()
        self.poller.register(self._listener, _IN)
        self._swept_ms = ticks_ms()
        self._sweep_number = 0  # ticks_ms() >> _SWEEP_BITS of then

    def poll(self, wait_ms: int = 0) -> int:
        """Answer requests; with wait_ms, sleep that long at most until there is one.

        Returns how many requests were answered.
        """
        for event in self.poller.ipoll(wait_ms):
            if event[0] in self._by_socket:
                self._by_socket[event[0]].service()
            elif event[0] is self._listener:
                self._newcomer = True
        if self._newcomer:  # after the others: one that has just asked is not idle
            self._newcomer = False
            self._accept()
        if self.gateway is not None:
            self.gateway.poll()
        if ticks_ms() >> _SWEEP_BITS != self._sweep_number:
            self._sweep()
        answered = self.answered
        self.answered = 0
        return answered

    def _sweep(self):
        """Keep the times of all clients, and try again to accept one."""
        now_ms = ticks_ms()
        elapsed_ms = max(0, ticks_diff(now_ms, self._swept_ms))
        self._swept_ms = now_ms
        self._sweep_number = now_ms >> _SWEEP_BITS
        for connection in self._connections:
            if not connection.gone:
                connection.keep_time(elapsed_ms)
        self._accept_more(True)

    def _accept_more(self, more):
        """Have the poller report new clients, or not."""
        if self._accepting != more and self._listener is not None:
            self._accepting = more
            self.poller.modify(self._listener, _IN if more else 0)

    def _accept(self):
        """Let the next client in that waits, or refuse it."""
        self._sweep()
        if self._listener is None:  # a hook has closed the server
            return
        sock = None
        try:
            bytearray(_RESERVE)  # ports lose a connection for which they have no memory
            sock, peer = accept(self._listener)
        except OSError:  # the port has no more sockets, or the client has gone
            pass
        except MemoryError:
            pass
        if sock is None:
            self._accept_more(False)  # it would be reported again at once
            return
        connection = None
        try:
            if self._allow is None or call_hook(self.server, self._allow, peer[0], self):
                connection = self._place(peer[0])
                self.turned_away = self.turned_away + (connection is None) & 0xFFFF
            else:
                self.refused = self.refused + 1 & 0xFFFF
            if connection is not None:
                self._by_socket[sock] = connection
                bytearray(_RESERVE)  # a poller that has no memory in register() crashes later
                self.poller.register(sock, _IN)
        except MemoryError:
            connection = None
        if connection is None or self._listener is None:  # as above
            self._by_socket.pop(sock, None)
            self.poller.unregister(sock)
            sock.close()
            return
        connection.open(sock, peer)
        call_hook(self.server, self.on_connect, peer, connection)

    def _place(self, host):
        """Return a connection for a new client at this host, or None. See above."""
        for connection in self._connections:
            if connection.gone and not connection.held:
                return connection
        if len(self._connections) < self.max_clients:
            try:
                self._connections.append(_Connection(self))
                return self._connections[-1]
            except MemoryError:
                pass  # without memory for another place, an idle client has to make room
        connection = self._idlest(host)
        if connection is not None:
            self.drop(connection, MADE_ROOM)
        return connection

    def _idlest(self, host):
        """Return the idle connection that is needed least, or None."""
        found = None
        rank = ()
        for connection in self._connections:
            if connection.is_idle():
                places = self._places(connection.peer[0], host)
                mine = (places, not connection.asked, connection.idle_ms)
                if mine > rank:
                    found = connection
                    rank = mine
        return found

    def _places(self, host, newcomer):
        """Return how many places a host has or asks for."""
        places = 1 if host == newcomer else 0
        for connection in self._connections:
            if not connection.gone and connection.peer[0] == host:
                places += 1
        return places

    def drop(self, connection, reason):
        """Close the connection of a client for this reason, see above."""
        self.reason = reason
        sock = connection.sock
        connection.sock = None
        connection.gone = True  # first: Ctrl-C may end any call from here on
        self.poller.unregister(sock)
        del self._by_socket[sock]
        sock.close()
        call_hook(self.server, self.on_disconnect, connection.peer, connection)

    def peers(self) -> list:
        """Return (host, port) of each client that is connected."""
        return [connection.peer for connection in self._connections if not connection.gone]

    def nap_ms(self) -> int:
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        return min(1 << _SWEEP_BITS, super().nap_ms())

    def watch(self, poller) -> None:
        """Use this select.poll from now on, see umb.serve."""
        if self.poller is not poller:
            self.poller = poller
            self.poller.register(self._listener, _IN)
            self._accepting = True
            for sock in self._by_socket:
                poller.register(sock, self._by_socket[sock].events())
        super().watch(poller)

    def server_close(self) -> None:
        """Close the listening socket and every connection."""
        for connection in self._connections:
            if not connection.gone:
                self.drop(connection, CLOSED_HERE)
        if self._listener is not None:
            self.poller.unregister(self._listener)
            self._listener.close()
            self._listener = None
