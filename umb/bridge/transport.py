"""Transport: the bytes of one connection to a broker, for the client of chumicro-mqtt.

It is what that client calls a connector and a socket, and makes up for two things that the client
does not have: it notes which of the messages that come are retained, and it can send a message in
pieces, so that a long one need not be in memory as a whole.
"""

import select
from errno import EACCES, EAGAIN, ECONNREFUSED

from micropython import const

from ..port.sockets import connect_to
from .pieces import next_of

_OUT = const(4)  # select.POLLOUT and the others, the same on every port
_BROKEN = const(8 | 16)
_PUBLISH = const(3)  # the type of a packet that is a message (MQTT 3.1.1, 2.2.1)
_RETAINED = const(1)  # the flag of one that is retained (3.3.1.3)
_FIRST = const(-1)  # the next byte is the first one of a packet


class Transport:
    """A connection that is being made, and then its bytes. Nothing here waits.

    address   as umb.port.sockets.resolve() returns it
    wrap      wrap(socket) returns the socket of TLS over this one; None: there is no TLS
    on_connected   on_connected() is called when the connection is made, before it is used
    """

    def __init__(self, address, wrap, on_connected):
        self.state = "awaiting_tcp"
        self.last_error = None
        self.socket = None  # what the client is to use: this object, as soon as it is connected
        self.io_socket = None
        self.has_sent = False  # something, since that was last set to False
        self.retained = []  # for each message received and not yet taken: 1 if it was retained
        self._wrap = wrap
        self._on_connected = on_connected
        self._shift = _FIRST  # of the bits in the next byte of a packet's length
        self._length = 0
        self._skip = 0  # bytes to come of the packet whose length is known
        self._pieces = None  # the rest of a message that is sent in pieces
        self._piece = b""
        self._at = 0  # how much of that piece was sent
        self._poller = select.poll()
        self.sock = connect_to(address)
        self._poller.register(self.sock, _OUT)

    # --- what a connector has

    def tick(self, _now_ms):
        """Look whether the connection is made."""
        for _, event in self._poller.ipoll(0):
            self._poller = None
            if event & _BROKEN:
                self.last_error = OSError(ECONNREFUSED)
                self.cancel()
                return
            try:
                if self._wrap is not None:
                    self.sock = self._wrap(self.sock)
            except (OSError, ValueError) as error:
                self.last_error = error
                self.cancel()
                return
            self._on_connected()
            self.state = "ready"
            self.socket = self
            return

    def cancel(self):
        """Give up."""
        self.state = "failed"
        self.close()

    # --- what a socket has

    def setblocking(self, _flag):
        """Do nothing: it never blocks."""

    def close(self):
        """Close the connection."""
        self._pieces = None
        self.sock.close()

    def recv_into(self, view, n):
        """Read up to n bytes. Returns how many; 0: the connection has ended. Raises OSError."""
        try:
            n = self.sock.readinto(view, n)
        except ValueError as error:
            raise self._refused(error)
        if n is None:
            raise OSError(EAGAIN)
        self._follow(view, n)
        return n

    def send(self, data):
        """Send some of these bytes. Returns how many: none while a message is sent in pieces."""
        if self._pieces is not None:
            return 0
        return self._write(data)

    def _write(self, data):
        try:
            n = self.sock.write(data) or 0
        except ValueError as error:
            raise self._refused(error)
        self.has_sent = self.has_sent or n > 0
        return n

    def _refused(self, error):
        """Return the OSError for the ValueError with which TLS refuses a certificate."""
        self.last_error = error
        return OSError(EACCES)

    def _follow(self, view, n):
        """Go through bytes received, and note of each message whether it is retained."""
        i = 0
        while i < n:
            if self._skip:
                step = min(self._skip, n - i)
                self._skip -= step
                i += step
                continue
            byte = view[i]
            i += 1
            if self._shift == _FIRST:
                self._shift = self._length = 0
                if byte >> 4 == _PUBLISH:
                    self.retained.append(byte & _RETAINED)
                continue
            self._length |= (byte & 0x7F) << self._shift
            self._shift += 7
            if byte < 0x80:
                self._skip = self._length
                self._shift = _FIRST

    # --- a message in pieces

    def begin(self, topic, size, pieces, retain):
        """Set out to send a message of `size` bytes, which the iterator `pieces` yields."""
        topic = topic.encode()
        rest = 2 + len(topic) + size
        head = bytearray((_PUBLISH << 4 | (_RETAINED if retain else 0),))
        while rest > 0x7F:
            head.append(rest & 0x7F | 0x80)
            rest >>= 7
        head.append(rest)
        head.append(len(topic) >> 8)
        head.append(len(topic) & 0xFF)
        self._piece = bytes(head) + topic
        self._at = 0
        self._pieces = pieces

    def is_sending(self):
        """Return whether a message is being sent in pieces."""
        return self._pieces is not None

    def go_on(self):
        """Send more of a message in pieces. Raises OSError."""
        if self._at == len(self._piece):
            self._piece = next_of(self._pieces)
            self._at = 0
            if self._piece is None:
                self._pieces = None
                self._piece = b""
                return
        self._at += self._write(memoryview(self._piece)[self._at :])
