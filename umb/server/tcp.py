"""TCPServer: Modbus TCP for several clients at once, nothing allocated once they are connected."""

import select
from time import ticks_diff, ticks_ms

from micropython import const

from ..crc import copy
from ..frame.mbap import MBAP
from ..port.sock import Stream, accept, listen
from . import LATER, Driver, Server

_ADU = const(262)
_BUS_MESSAGES = const(0)  # where in Driver.values, see umb.counters
_AHEAD = const(4)  # the usual request is so much longer than the shortest
_SWEEP_MS = const(250)
_IN = select.POLLIN
_OUT = select.POLLOUT
_BROKEN = select.POLLERR | select.POLLHUP


class _Connection:
    """One client: its buffer, where it stands, and the link that handlers see."""

    def __init__(self, driver, frame):
        self.serial = False
        self.listen_only = False
        self.values = driver.values
        self.adu = bytearray(_ADU)
        self.sock = None
        self.peer = None  # (host, port) while connected
        self.gone = True  # nobody is connected
        self.held = False  # a handler keeps the buffer, see LATER
        self.requests = 0  # how many were answered
        self.since_ms = 0  # when it connected
        self.active_ms = 0  # when it last sent or took something
        self.events = 0  # what the poller reports of it
        self._driver = driver
        self._frame = frame
        self._stream = Stream(self.adu, frame.start, frame.usual)
        self._have = 0  # bytes of the next request
        self._size = 0  # of a response that the network has not taken yet
        self._done = 0  # and how much of it has left
        self._ahead = bytearray(_AHEAD)  # what came behind a request that is shorter than usual
        self._surplus = 0  # and how much of that there is

    def __getattr__(self, name):
        if name != "counters":
            raise AttributeError(name)
        return self._driver.counters

    def open(self, sock, peer):
        self.sock = self._stream.sock = sock
        self.peer = peer
        self.gone = self.listen_only = False
        self.events = _IN
        self.requests = self._have = self._size = self._surplus = 0
        self.since_ms = self.active_ms = ticks_ms()

    def close(self):
        self.sock.close()
        self.sock = self._stream.sock = None
        self.gone = True

    def turn(self, now_ms):
        """Go on after the poller saw something. Returns the requests answered; -1: close me."""
        if self.held:
            return 0
        self.active_ms = now_ms
        if self._size:
            return self._push()
        adu = self.adu
        frame = self._frame
        have = self._have
        missing = frame.usual - have if have < frame.header else frame.missing(adu, have)
        while missing > 0:
            got = self._stream.fill(have, missing)
            if got <= 0:
                self._have = have
                return got
            have += got
            missing = frame.missing(adu, have)
        if missing < -_AHEAD:  # garbage
            return -1
        self._surplus = -missing
        while missing:
            self._ahead[_AHEAD + missing] = adu[frame.start + have + missing]
            missing += 1
        values = self.values
        values[_BUS_MESSAGES] = values[_BUS_MESSAGES] + 1 & 0xFFFF
        n = have - self._surplus - frame.wrapping
        return self._reply(self._driver.handler.handle(adu, n, self))

    def _reply(self, n):
        if n == LATER:
            self.held = True
            self._watch(0)  # what it sends meanwhile waits its turn
            return 0
        self.requests += 1
        self._size = self._frame.seal(self.adu, n) if n else 0
        self._done = 0
        return 1 if self._push() == 0 else -1

    def _push(self):
        """Write what the network takes. Returns 0, or -1: close me."""
        if self._size:
            done = self._stream.push(self._done, self._size)
            if done < 0:
                return -1
            self._done += done
            if self._done < self._size:
                self._watch(_OUT)
                return 0
            self._size = 0
        if self.events != _IN:
            self._watch(_IN)
        self._have = self._surplus
        if self._surplus:
            copy(self.adu, self._frame.start, self._ahead, _AHEAD - self._surplus, self._surplus)
            self._surplus = 0
        return 0

    def _watch(self, events):
        self.events = events
        self._driver.poller.modify(self.sock, events)

    def answer(self, n):
        """A handler that said LATER has its response of n bytes (0: none) ready."""
        self.held = False
        if not self.gone:
            self._driver.answered(self, self._reply(n))


class TCPServer(Driver):
    """A Modbus TCP server that listens at `address`, (host, port).

    handler          answers the requests; None: a Server of its own, for routes
    max_clients      how many may be connected; when a further one comes, the oldest that never
                     completed a request makes room, then the longest idle
    idle_timeout_ms  after this long without a byte a client is disconnected; 0: never
    framer           "mbap"; or "rtu": RTU frames in the stream, as serial device servers have them
    on_connect(peer), on_disconnect(peer)  are told of each client's (host, port)

    Raises OSError where the address cannot be had.
    """

    def __init__(
        self,
        address,
        handler=None,
        *,
        max_clients=4,
        idle_timeout_ms=60_000,
        framer="mbap",
        on_connect=None,
        on_disconnect=None,
    ):
        super().__init__(handler)
        frame = self._frame(framer)
        self._idle_timeout_ms = idle_timeout_ms
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._connections = tuple(_Connection(self, frame) for _ in range(max_clients))
        self._listener = listen(address, max_clients)
        self.poller = select.poll()
        self.poller.register(self._listener, _IN)
        self._swept_ms = ticks_ms()
        self._done = 0  # requests answered since poll() last told

    @staticmethod
    def _frame(framer):
        if framer == "mbap":
            return MBAP()
        if framer != "rtu":
            raise ValueError("framer must be 'mbap' or 'rtu'")
        from ..frame.stream import RTUStream
        from ..pdu import REQUEST

        return RTUStream(REQUEST)

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
            self._sweep(now_ms)
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
        connection = self._room()
        if connection is None:  # every buffer is in a handler's hands
            sock.close()
            return
        connection.open(sock, peer)
        self.poller.register(sock, _IN)
        if self._on_connect is not None:
            self._on_connect(peer)

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
        if best is not None:
            self._drop(best)
        return best

    def _sweep(self, now_ms):
        for connection in self._connections:
            if connection.gone or connection.held or not self._idle_timeout_ms:
                continue
            if ticks_diff(now_ms, connection.active_ms) >= self._idle_timeout_ms:
                self._drop(connection)

    def _drop(self, connection):
        self.poller.unregister(connection.sock)
        connection.close()
        if self._on_disconnect is not None:
            self._on_disconnect(connection.peer)

    def join(self, first):
        """Use the first driver's poller from now on, see serve()."""
        if self.poller is not first.poller:
            self.poller = first.poller
            self.poller.register(self._listener, _IN)
            for connection in self._connections:
                if not connection.gone:
                    self.poller.register(connection.sock, connection.events)

    def nap_ms(self):
        """How long serve() may sleep: the poller wakes it."""
        return _SWEEP_MS

    def server_close(self):
        """Close the listening socket and every connection."""
        for connection in self._connections:
            if not connection.gone:
                self._drop(connection)
        if self._listener is not None:
            self.poller.unregister(self._listener)
            self._listener.close()
            self._listener = None


RequestHandler = Server  # uModbus's name for what a request is given to


def get_server(server_class, server_address, request_handler_class=RequestHandler):
    """A server at (host, port) to hang routes on, as uModbus makes it."""
    return server_class(server_address, request_handler_class())
