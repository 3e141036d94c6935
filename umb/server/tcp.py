"""TCPServer: Modbus TCP for several clients at once, nothing allocated once they are connected."""

import select
from time import ticks_diff, ticks_ms

from micropython import const

from ..fast import copy
from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..frame.rtu import REQUEST
from ..port.sockets import Stream, accept, listen
from . import Driver

_LATER = const(-1)  # LATER of umb.server
_AHEAD = const(4)  # the usual request is so much longer than the shortest
_SWEEP_MS = const(250)
_IN = const(1)  # select.POLLIN and the others, the same on every port
_OUT = const(4)
_BROKEN = const(8 | 16)


class _Connection(Stream):
    """One client: its buffer, where it stands, and the link that handlers see."""

    serial = False

    def __init__(self, driver):
        self.driver = driver
        self.frame = frame = driver.frame
        super().__init__(bytearray(ADU_SIZE), frame.start, frame.usual)
        self.listen_only = False
        self.counters = driver.counters
        self.peer = None  # (host, port) while connected
        self.gone = True  # nobody is connected
        self.held = False  # a handler keeps the buffer, see LATER
        self.requests = 0  # how many were answered
        self.since_ms = 0  # when it connected
        self.active_ms = 0  # when it last sent or took something
        self.events = 0  # what the poller reports of it
        self.have = 0  # bytes of the next request
        self.size = 0  # of a response that the network has not taken yet
        self._done = 0  # and how much of it has left
        self.ahead = bytearray(_AHEAD)  # what came behind a request that is shorter than usual
        self.surplus = 0  # and how much of that there is

    def open(self, sock, peer):
        self.sock = sock
        self.peer = peer
        self.gone = self.listen_only = False
        self.events = _IN
        self.requests = self.have = self.size = self.surplus = 0
        self.since_ms = self.active_ms = ticks_ms()

    def turn(self, now_ms):
        """Go on after the poller saw something. Returns the requests answered; -1: close me."""
        if self.held:
            return 0
        self.active_ms = now_ms
        if self.size:
            return self._push()
        adu = self.adu
        frame = self.frame
        have = self.have
        missing = frame.usual - have if have < frame.header else frame.missing(adu, have)
        while missing > 0:
            got = self.receive(have, missing)
            if got <= 0:
                self.have = have
                return got
            have += got
            missing = frame.missing(adu, have)
        if missing < -_AHEAD:  # garbage
            return -1
        self.surplus = -missing
        while missing:
            self.ahead[_AHEAD + missing] = adu[frame.start + have + missing]
            missing += 1
        counters = self.counters
        counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
        n = have - self.surplus - frame.wrapping
        return self._reply(self.driver.server.handle(adu, n, self))

    def _reply(self, n):
        if n == _LATER:
            self.held = True
            self._watch(0)  # what it sends meanwhile waits its turn
            return 0
        self.requests += 1
        self.size = self.frame.seal(self.adu, n) if n else 0
        self._done = 0
        return 1 if self._push() == 0 else -1

    def _push(self):
        """Write what the network takes. Returns 0, or -1: close me."""
        if self.size:
            done = self.send(self.start + self._done, self.size - self._done)
            if done < 0:
                return -1
            self._done += done
            if self._done < self.size:
                self._watch(_OUT)
                return 0
            self.size = 0
        if self.events != _IN:
            self._watch(_IN)
        self.have = self.surplus
        if self.surplus:
            copy(self.adu, self.frame.start, self.ahead, _AHEAD - self.surplus, self.surplus)
            self.surplus = 0
        return 0

    def _watch(self, events):
        self.events = events
        self.driver.poller.modify(self.sock, events)

    def answer(self, n):
        """A handler that said LATER has its response of n bytes (0: none) ready."""
        self.held = False
        if not self.gone:
            self.driver.answered(self, self._reply(n))


class TCPServer(Driver):
    """A Modbus TCP server that listens at `address`, (host, port).

    server           answers the requests; None: a Server of its own, for routes
    max_clients      how many may be connected; when a further one comes, the oldest that never
                     completed a request makes room, then the longest idle. Their buffers (0.6 KB
                     each on a 32-bit board) are made when so many come first, and kept
    idle_timeout_ms  after this long without a byte a client is disconnected; 0: never
    framer           MBAP, or umb.frame.rtu_stream.RTUStream: RTU frames in the stream, as serial
                     device servers have them
    on_connect(peer), on_disconnect(peer)  are told of each client's (host, port)

    Raises OSError where the address cannot be had.
    """

    def __init__(
        self,
        address,
        server=None,
        *,
        max_clients=4,
        idle_timeout_ms=60_000,
        framer=MBAP,
        on_connect=None,
        on_disconnect=None,
    ):
        super().__init__(server)
        self.frame = framer(REQUEST)
        self.idle_timeout_ms = idle_timeout_ms or 0
        self.on_connect = on_connect
        self.on_disconnect = on_disconnect
        self.max_clients = max_clients
        self._connections = []  # made when so many clients are there at once for the first time
        self._listener = listen(address, max_clients)
        self.poller = select.poll()
        self.poller.register(self._listener, _IN)
        self._swept_ms = ticks_ms()
        self._done = 0  # requests answered since poll() last told

    def poll(self, wait_ms=0):
        """Answer what is there; with wait_ms, sleep that long at most until something comes.

        Returns how many requests were answered.
        """
        for sock, event in self.poller.ipoll(wait_ms):
            if sock is self._listener:
                self._accept()
                continue
            now_ms = ticks_ms()
            for connection in self._connections:
                if connection.sock is sock:
                    done = -1 if connection.held and event & _BROKEN else connection.turn(now_ms)
                    self.answered(connection, done)
                    break
        now_ms = ticks_ms()
        if ticks_diff(now_ms, self._swept_ms) >= _SWEEP_MS:
            self._swept_ms = now_ms
            for connection in self._connections:
                idle_ms = ticks_diff(now_ms, connection.active_ms)
                if 0 < self.idle_timeout_ms <= idle_ms and not (
                    connection.gone or connection.held
                ):
                    self._drop(connection)
        if self.gateway is not None:
            self.gateway.poll()
        done = self._done
        self._done = 0
        return done

    def answered(self, connection, requests):
        """Count what a connection has answered, or close it (-1)."""
        if requests < 0:
            self._drop(connection)
        else:
            self._done += requests

    def _accept(self):
        try:
            sock, peer = accept(self._listener)
        except OSError:
            return  # it went away again, or the port is out of memory
        except MemoryError:  # apart: a tuple of both would have to be made now
            return
        connection = self._room()
        try:
            if connection is not None:
                self.poller.register(sock, _IN)
        except MemoryError:
            connection = None
        if connection is None:  # or every buffer is in a handler's hands
            sock.close()
            return
        connection.open(sock, peer)
        if self.on_connect is not None:
            self.on_connect(peer)

    def _room(self):
        """A connection for a new client, if need be an old one's (TCP Guide 4.3.1)."""
        now_ms = ticks_ms()
        best, worst_ms = None, -1
        for connection in self._connections:
            if connection.held:
                continue
            if connection.gone:
                return connection
            if connection.requests:
                waste_ms = ticks_diff(now_ms, connection.active_ms)
            else:
                waste_ms = ticks_diff(now_ms, connection.since_ms) + (1 << 29)
            if waste_ms > worst_ms:
                best, worst_ms = connection, waste_ms
        if len(self._connections) < self.max_clients:
            try:
                self._connections.append(_Connection(self))
                return self._connections[-1]
            except MemoryError:
                pass  # then as if these were all
        if best is not None:
            self._drop(best)
        return best

    def _drop(self, connection):
        self.poller.unregister(connection.sock)
        connection.sock.close()
        connection.sock = None
        connection.gone = True
        if self.on_disconnect is not None:
            self.on_disconnect(connection.peer)

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        return _SWEEP_MS if self.gateway is None else min(_SWEEP_MS, self.gateway.nap_ms())

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        if self.poller is not poller:
            self.poller = poller
            self.poller.register(self._listener, _IN)
            for connection in self._connections:
                if not connection.gone:
                    self.poller.register(connection.sock, connection.events)
        if self.gateway is not None:
            self.gateway.watch(poller)

    def finish(self):
        """End what must not be left half-done, see umb.serve."""
        if self.gateway is not None:
            self.gateway.finish()

    def server_close(self):
        """Close the listening socket and every connection."""
        for connection in self._connections:
            if not connection.gone:
                self._drop(connection)
        if self._listener is not None:
            self.poller.unregister(self._listener)
            self._listener.close()
            self._listener = None
