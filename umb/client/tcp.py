"""TCPClient: the calls of umb.client over Modbus TCP."""

import select
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from ..frame import ADU_SIZE
from ..frame.mbap import MBAP
from ..frame.rtu import RESPONSE
from ..port.sockets import Stream, connect
from . import BAD_REPLY, NO_CONNECTION, NO_REPLY, PENDING, Client

_LATE = const(16)  # how many late answers are thrown away before the connection is
_NAP_MS = const(10)
_IN = const(1)  # select.POLLIN and the others, the same on every port
_OUT = const(4)
_BROKEN = const(8 | 16)


class TCPClient(Client):
    """A client of the Modbus TCP server at `address`, (host, port).

    timeout_ms  how long a call waits, for the connection and then for the answer
    retries     how many times it asks again when no answer comes, or none that is right
    framer      MBAP, or umb.frame.rtu_stream.RTUStream: RTU frames in the stream, as serial device
                servers have them

    Connects when first used, and again after the connection was lost.
    """

    def __init__(self, address, *, timeout_ms=1000, retries=0, framer=MBAP):
        super().__init__(bytearray(ADU_SIZE), timeout_ms, retries)
        self._address = address
        self._frame = framer(RESPONSE)
        self._stream = Stream(self._adu, self._frame.start, self._frame.header)
        self._poller = select.poll()
        self._transaction = 0
        self._connecting = False
        self._have = 0  # bytes of a response
        self._size = 0  # of the request
        self._done = 0  # bytes of it that have left
        self._came = False  # something came that was no answer
        self._deadline_ms = 0

    def close(self):
        """Close the connection; the next call opens a new one."""
        stream = self._stream
        if stream.sock is not None:
            self._poller.unregister(stream.sock)
            stream.sock.close()
            stream.sock = None
        self._have = 0
        self._connecting = False

    def abandon(self):
        """Give up a call. Its answer is going to be dropped when it comes."""

    def _ready(self, wait_ms):
        """What the poller reports of the connection."""
        events = 0
        for _, event in self._poller.ipoll(wait_ms):
            events |= event
        return events

    def clear(self):
        """Throw away late answers to earlier questions. Returns whether the buffer was used."""
        if self._have or self._connecting or self._done < self._size:
            self.close()  # a call was given up in the middle
        if self._stream.sock is None or not self._ready(0):
            return False
        for _ in range(_LATE):
            missing = self._receive()
            if missing:
                if missing < 0 or self._have:
                    self.close()
                return True
            self._have = 0
        self.close()  # this server talks to itself
        return True

    def start(self, n):
        self._transaction = self._transaction + 1 & 0xFFFF
        self._adu[0] = self._transaction >> 8
        self._adu[1] = self._transaction & 0xFF
        self._size = self._frame.seal(self._adu, n)
        self._done = 0
        self._n = n
        self._came = False
        self._deadline_ms = ticks_add(ticks_ms(), self.timeout_ms)
        if self._stream.sock is None:
            self._stream.sock = sock = connect(self._address)
            self._poller.register(sock, _OUT)
            self._connecting = True
            return PENDING
        return self._send()

    def _send(self):
        done = self._stream.push(self._done, self._size)
        if done < 0:
            return self._broken(NO_CONNECTION)
        self._done += done
        if self._done < self._size:
            self._poller.modify(self._stream.sock, _OUT)
            return PENDING
        self._deadline_ms = ticks_add(ticks_ms(), self.timeout_ms)
        if self._broadcast:
            self._n = 0
            return 0
        return PENDING

    def nap_ms(self):
        """How long one may sleep without missing much."""
        return _NAP_MS

    def wait(self):
        left_ms = ticks_diff(self._deadline_ms, ticks_ms())
        if left_ms > 0:
            self._ready(left_ms)

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        if self._done < self._size:
            events = self._ready(0)
            if events & _BROKEN:
                return self._broken(NO_CONNECTION)
            if events & _OUT:
                self._connecting = False
                self._poller.modify(self._stream.sock, _IN)
                return self._send()
            return self._expired(NO_CONNECTION)
        while True:
            missing = self._receive()
            if missing > 0:
                return self._expired(BAD_REPLY if self._came or self._have else NO_REPLY)
            if missing < 0:
                return self._broken(missing)
            n = self._have - self._frame.wrapping
            self._have = 0
            self._came = True
            adu = self._adu
            # An RTU frame leaves the transaction id as start() wrote it.
            if adu[6] == self._slave_id and adu[0] << 8 | adu[1] == self._transaction:
                self._n = n
                return 0
            if ticks_diff(self._deadline_ms, ticks_ms()) <= 0:
                return BAD_REPLY  # more of it may be there, without end

    def _receive(self):
        """Read a frame as far as it has come.

        Returns how many bytes it is short of, 0 if it is whole, or a negative status.
        """
        missing = self._frame.missing(self._adu, self._have)
        while missing > 0:
            got = self._stream.fill(self._have, missing)
            if got == 0:
                return missing
            if got < 0:
                return NO_CONNECTION
            self._have += got
            missing = self._frame.missing(self._adu, self._have)
        return BAD_REPLY if missing else 0

    def _expired(self, status):
        """Is the time up? Then the status, else that it is pending."""
        if ticks_diff(self._deadline_ms, ticks_ms()) > 0:
            return PENDING
        if status == NO_CONNECTION or self._have or not isinstance(self._frame, MBAP):
            self.close()  # what still comes would be taken for the next answer
        return status

    def _broken(self, status):
        self.close()
        return status

