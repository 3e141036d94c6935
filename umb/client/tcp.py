"""TCPClient: the calls of umb.client over Modbus TCP, and over RTU frames in a TCP stream."""

from errno import ECONNRESET, ETIMEDOUT
from time import sleep_ms, ticks_diff, ticks_ms

from micropython import const

from ..check import integer, wrong
from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..frame.rtu import RESPONSE
from ..port.sockets import Stream, connect
from . import LONGEST_MS, boolean
from .network import NetworkClient
from .status import BAD_REPLY, NO_CONNECTION, NO_REPLY, PENDING, REWRITE

_FRAMES_AT_ONCE = const(16)  # that are read before other connections get their turn
_FIRST_BACKOFF_MS = const(100)  # between the first two attempts to connect in a row; it doubles,
_LONGEST_BACKOFF_MS = const(10_000)  # up to this
_IN = const(1)  # select.POLLIN and the others, the same on every port
_OUT = const(4)
_BROKEN = const(8 | 16)

# What the client is doing.
_NO_CALL = const(0)
_BACKOFF = const(1)  # waiting until it may try to connect again
_CONNECTING = const(2)
_PAUSING = const(3)  # waiting until the first request may be sent
_WRITING = const(4)  # sending the request
_READING = const(5)  # receiving the reply


class TCPClient(NetworkClient):
    """A client of the Modbus TCP server at `address`, (host, port).

    timeout_ms  how long a call waits for the connection, and then for the reply
    retries, pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    framer      MBAP, or umb.frame.rtu_stream.RTUStream: RTU frames in the stream, as serial device
                servers have them
    echo        with RTUStream: whether the server sends back what it is sent, as lines do whose
                receiver is always on. True; False; None: the client finds out. Until it has, a
                write whose reply only repeats it takes timeout_ms
    broadcast   whether slave id 0 is everybody behind the server, who do not answer a write; else
                it is a device as any other (TCP Guide 4.4.2.1)
    connect_pause_ms          how long after a connection is made the first request is sent over
                it: some inverters close it if they are asked in their first second
    reconnect_after_timeouts  after how many time-outs in a row without any byte received the
                connection is closed; 1 with RTUStream

    It connects when it is first used, and again after the connection was lost. If the server has
    closed a connection that was used before, and no byte of the reply has come, the request is
    sent once more over a new one. Attempts to connect in a row are 0.1 s apart, then twice as long
    each time, up to 10 s, if they fail or the server closes without a reply; a call waits
    timeout_ms at most for its turn. A pause after connecting is no part of timeout_ms.

    Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        address: tuple,
        *,
        timeout_ms: int = 1000,
        retries: int = 0,
        pause_ms: int = 0,
        busy_pause_ms: int = 0,
        strict: bool = True,
        framer=MBAP,
        echo=None,
        broadcast: bool = False,
        connect_pause_ms: int = 0,
        reconnect_after_timeouts: int = 1,
    ):
        if not (callable(framer) and hasattr(framer, "wrapping")):
            raise wrong("framer", framer, "umb.frame.mbap.MBAP or umb.frame.rtu_stream.RTUStream")
        frame = framer(RESPONSE)
        self._search = None
        if frame.start:  # an RTU frame, which has no transaction id
            if echo is not None:
                boolean("echo", echo)
            from .reply_search import ROOM, ReplySearch

            self._stream = Stream(bytearray(ROOM), frame, frame.header)
            self._search = ReplySearch(self._stream, echo)
        elif echo is None:
            self._stream = Stream(bytearray(ADU_SIZE), frame, frame.header)
        else:
            raise wrong("echo", echo, "None, but for framer=RTUStream")
        integer("connect_pause_ms", connect_pause_ms, 0, LONGEST_MS)
        integer("reconnect_after_timeouts", reconnect_after_timeouts, 1, LONGEST_MS)
        if self._search is not None and reconnect_after_timeouts != 1:
            # Without transaction ids a late reply would be taken for the one to the next request.
            raise wrong(
                "reconnect_after_timeouts", reconnect_after_timeouts, "1 with framer=RTUStream"
            )
        adu = self._stream.adu
        super().__init__(
            address, adu, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
        )
        self.connect_pause_ms = connect_pause_ms
        self.reconnect_after_timeouts = reconnect_after_timeouts
        self._state = _NO_CALL
        self._size = 0  # of the request frame; 0: only the connection is wanted
        self._used = False  # a reply has come over this connection
        self._is_new = False  # no request has been sent over this connection
        self._rewrites = 0  # how many times late replies have overwritten the next request
        self._connected_ms = 0  # when it was made
        self._silent = 0  # time-outs in a row without any byte received
        self._attempt_ms = 0  # when it last tried to connect
        self._backoff_ms = 0  # how long after that it may try again

    # --- the connection

    @property
    def connected(self):
        """Whether there is a connection, as far as is known."""
        return self._sock is not None and self._state != _CONNECTING

    def close(self):
        """Close the connection. A call that is under way ends with NoConnectionError."""
        self._stop_retries()
        self._give_up()
        self._errno = 0

    def _hang_up(self):
        """Close the connection; the call that is under way may make a new one."""
        self._close_socket()
        self._stream.sock = None
        self._stream.clear()
        self._state = _NO_CALL
        self._used = False
        self._silent = 0

    def _give_up(self):
        """Close the connection, although the server may be all right.

        If it was made, a new one need not wait longer than after the first attempt: a slave that
        is absent must not keep the next one, behind the same server, waiting.
        """
        if self.connected:
            self._backoff_ms = min(self._backoff_ms, _FIRST_BACKOFF_MS)
        self._hang_up()

    def open(self):
        """Set out to connect, unless there is a connection. Returns the status."""
        self.clear()
        self._size = 0
        return 0 if self.connected else self._begin_to_connect()

    def failure(self):
        """Return why there is no connection, for an error's text."""
        backoff_ms = self._backoff_left_ms()
        text = super().failure()
        if backoff_ms and self._sock is None:
            text += ", the next attempt is due in %d ms" % backoff_ms
        return text

    def _begin_to_connect(self):
        """Connect as soon as that may be tried. Returns the status."""
        self._since_ms = ticks_ms()
        self._state = _BACKOFF
        return PENDING if self._backoff_left_ms() else self._connect()

    def _connect(self):
        """Try to connect. Returns the status."""
        self._attempt_ms = ticks_ms()
        self._backoff_ms = min(2 * self._backoff_ms or _FIRST_BACKOFF_MS, _LONGEST_BACKOFF_MS)
        self._state = _NO_CALL
        self._take_socket(connect(self._address), _OUT)  # raises OSError
        self._stream.sock = self._sock
        self._state = _CONNECTING
        return PENDING

    def _backoff_left_ms(self):
        """Return for how long no attempt to connect may be made."""
        passed_ms = ticks_diff(ticks_ms(), self._attempt_ms)
        # Less than 0: so much time has passed that the clock has wrapped.
        return self._backoff_ms - passed_ms if 0 <= passed_ms < self._backoff_ms else 0

    def _pause_left_ms(self):
        """Return for how long no request may be sent over this connection."""
        if not self._is_new:
            return 0
        passed_ms = ticks_diff(ticks_ms(), self._connected_ms)
        # Less than 0: so much time has passed that the clock has wrapped.
        return self.connect_pause_ms - passed_ms if 0 <= passed_ms < self.connect_pause_ms else 0

    def _lost(self, status, number=ECONNRESET):
        """Close a connection of no more use, for the reason of this errno. Returns the status."""
        self._errno = number
        again = (
            status == NO_CONNECTION
            and self._used
            and self._state >= _WRITING
            and not (self._stream.have or self._rejected)
        )
        self._hang_up()
        return self._begin_to_connect() if again else status

    # --- a call

    def abandon(self):
        """Give up a request. Its reply is discarded when it is received."""
        if self._state == _PAUSING:
            pass  # nothing has been sent
        elif self._state != _READING or self._stream.have or self._search is not None:
            self._give_up()  # the rest of a frame, or a reply, would be taken for the next one's
        else:
            self._stale = True
        self._state = _NO_CALL

    def clear(self):
        """Throw away late replies to earlier requests. Returns whether the buffer was used."""
        if self._state != _NO_CALL or (self._expected.any_id and self._stale):
            self._hang_up()
        if self._sock is None or not self._ready(0):
            return False
        for _ in range(_FRAMES_AT_ONCE):
            status = self._read_frame() if self._search is None else self._read_anything()
            if status:
                if status != PENDING or self._stream.have:
                    self._hang_up()
                return True
            self._stream.have = 0
        self._hang_up()  # this server sends without end
        return True

    def start(self, n):
        """Set out to send the request PDU of n bytes. Returns the status."""
        self._begin_transaction(n)
        if self.clear():
            self._rewrites += 1
            if self._rewrites == _FRAMES_AT_ONCE:
                self._hang_up()  # this server sends without end, too
            return REWRITE
        self._rewrites = 0
        stream = self._stream
        stream.have = 0
        self._size = stream.frame.seal(self._adu, n)
        if self._search is not None:
            self._search.begin(self._size)
        if self._sock is None:
            return self._begin_to_connect()
        return self._begin_to_write()

    def _wait_for(self, events):
        """Have each select.poll report these events of the connection."""
        self._events = events
        self._poller.modify(self._sock, events)
        if self._shared is not None:
            self._shared.modify(self._sock, events)

    def wait(self):
        """Sleep until there may be something to go on with; then as advance()."""
        if self._state == _PAUSING:
            sleep_ms(self._pause_left_ms())
        else:
            self._wait_in_time(self._timeout_ms - ticks_diff(ticks_ms(), self._since_ms))
        return self.advance()

    def _wait_in_time(self, wait_ms):
        """Sleep so long at most until there may be something to go on with."""
        if not 0 < wait_ms <= self._timeout_ms:
            return
        if self._sock is not None:
            self._ready(wait_ms)
        elif self._state == _BACKOFF:
            sleep_ms(min(wait_ms, self._backoff_left_ms()))

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        state = self._state
        if state == _READING:
            return self._read() if self._search is None else self._read_stream()
        if state == _NO_CALL:
            return NO_CONNECTION  # closed meanwhile
        if state == _PAUSING:
            return PENDING if self._pause_left_ms() else self._begin_to_write()
        if state == _BACKOFF:
            if not self._backoff_left_ms():
                return self._connect()
        else:
            events = self._ready(0)
            if events & _BROKEN:
                if state == _CONNECTING:
                    self._sock.readinto(self._stream.whole, 1)  # raises OSError: why
                return self._lost(NO_CONNECTION)
            if events & _OUT:
                return self._finish_connecting() if state == _CONNECTING else self._write()
        if not self._is_time_up():
            return PENDING
        return self._lost(NO_CONNECTION, self._errno if state == _BACKOFF else ETIMEDOUT)

    def _ready(self, wait_ms):
        """Return what the poller reports of the connection."""
        events = 0
        for _, event in self._poller.ipoll(wait_ms):
            events |= event
        return events

    def _finish_connecting(self):
        """The connection was made. Returns the status."""
        self._wait_for(_IN)
        self._connected_ms = ticks_ms()
        self._is_new = True
        if self._size:
            return self._begin_to_write()
        self._state = _NO_CALL  # only the connection was wanted
        return 0

    def _begin_to_write(self):
        """Send the request, or as much of it as the network takes. Returns the status."""
        if self._pause_left_ms():
            self._state = _PAUSING
            return PENDING
        self._is_new = False
        self._since_ms = ticks_ms()
        stream = self._stream
        stream.at = stream.frame.start
        stream.size = self._size
        self._state = _WRITING
        return self._write()

    def _write(self):
        """Send what is left of the request. Returns the status."""
        stream = self._stream
        if stream.send() < 0:
            return self._lost(NO_CONNECTION)
        if stream.size:
            self._wait_for(_OUT)
            return PENDING
        self._wait_for(_IN)
        self._since_ms = ticks_ms()
        self._begin_pause()
        self._state = _NO_CALL if self._expected.broadcast else _READING
        return 0 if self._expected.broadcast else PENDING

    def _read(self):
        """Go on with receiving the reply. Returns the status."""
        for _ in range(_FRAMES_AT_ONCE):
            status = self._read_frame()
            if status == PENDING:
                return self._time_out(self._rejected or self._stream.have)
            if status:
                return self._lost(status)
            n = self._stream.have - self._stream.frame.wrapping
            self._stream.have = 0
            if self._is_answer(n):
                return self._answered(n)
            self._rejected = True
        return self._time_out(True)

    def _read_frame(self):
        """Read a frame as far as it has come. Returns the status, 0 if the frame is whole."""
        stream = self._stream
        size = stream.frame.size(self._adu, stream.have)
        while size > stream.have:
            n = stream.receive(size - stream.have)
            if n <= 0:
                return NO_CONNECTION if n else PENDING
            size = stream.frame.size(self._adu, stream.have)
        return 0 if size == stream.have else BAD_REPLY

    def _read_stream(self):
        """Go on with receiving the reply from a serial device server. Returns the status."""
        search = self._search
        stream = self._stream
        last = self._is_time_up()
        n = 1
        while n > 0 and search.room():
            n = stream.receive(search.room())
            if n > 0:
                self._rejected = True  # unless it is the reply
        size = search.find(last or n < 0)
        if size:
            return self._answered(size - stream.frame.wrapping)
        if n < 0:
            return self._lost(NO_CONNECTION)
        return self._time_out(search.noise) if last else PENDING

    def _read_anything(self):
        """Read what a serial device server has sent, and discard it.

        Returns the status, PENDING if there is nothing.
        """
        n = self._stream.receive(ADU_SIZE)
        self._stream.have = 0
        if n < 0:
            return NO_CONNECTION
        return 0 if n else PENDING

    def _answered(self, n):
        """As NetworkClient._answered()."""
        self._stream.have = 0
        self._state = _NO_CALL
        self._used = True
        self._backoff_ms = 0
        self._silent = 0
        return super()._answered(n)

    def _time_out(self, anything_received):
        """Return PENDING, or when the time is up why there is no reply."""
        if not self._is_time_up():
            return PENDING
        self._silent = 0 if anything_received else self._silent + 1
        if (
            self._stream.have
            or self._search is not None
            or self._silent >= self.reconnect_after_timeouts
        ):
            self._give_up()  # what still comes would be taken for the next reply, or nothing comes
        else:
            self._stale = True
        self._state = _NO_CALL
        return BAD_REPLY if anything_received else NO_REPLY
