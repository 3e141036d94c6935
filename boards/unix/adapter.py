"""Adapter: a serial device that may be unplugged and come back while it is served."""

from time import ticks_diff, ticks_ms

from micropython import RingIO, const
from serial_errors import reason

from umb.port.tty import TTY

_RETRY_MS = const(1000)
_MOST = const(512)  # bytes that a TTY keeps


class Adapter:
    """A umb.port.tty.TTY whose methods do not raise when the device is gone.

    While it is away nothing arrives, and what is sent is lost, as if the cable were cut. It is
    opened again as soon as it is back at the same path. say(text) reports both.

    wait   whether it may be away at first. Else the constructor raises OSError then, or for a
           device that is no serial line; ValueError for a baudrate that does not exist
    """

    exact_times = False

    def __init__(self, path, form, say, wait=False):
        self._path = path
        self._form = form
        self._say = say
        self._pollers = []
        self._rest = RingIO(_MOST + 1)  # what was received before the device went away
        self._tried_ms = ticks_ms()
        self._tty = None
        try:
            self._tty = TTY(path, **form)
        except OSError as error:
            if not wait:
                raise
            self._report_loss(error)

    def _report_loss(self, error):
        self._say("{} is gone ({}): waiting for it".format(self._path, reason(error)))

    def _lose(self, error):
        """Close the device: until then, its name is not free for the one that is plugged in."""
        tty = self._tty
        self._tty = None
        self._tried_ms = ticks_ms()
        rest = bytearray(_MOST)
        self._rest.write(rest, tty.readinto(rest, _MOST) or 0)
        for poller in self._pollers:
            tty.unregister(poller)
        tty.close()
        self._report_loss(error)

    def _is_back(self):
        """Try to open a device that is away. Returns whether that worked."""
        if ticks_diff(ticks_ms(), self._tried_ms) < _RETRY_MS:
            return False
        self._tried_ms = ticks_ms()
        try:
            self._tty = TTY(self._path, **self._form)
        except OSError:
            return False
        for poller in self._pollers:
            self._tty.register(poller)
        self._say("{} is back".format(self._path))
        return True

    def register(self, poller):
        """Have this select.poll report when bytes are received."""
        self._pollers.append(poller)
        if self._tty is not None:
            self._tty.register(poller)

    def any(self):
        """Return how many bytes readinto() can take."""
        if self._rest.any() or (self._tty is None and not self._is_back()):
            return self._rest.any()
        try:
            return self._tty.any()
        except OSError as error:
            self._lose(error)
            return self._rest.any()

    def readinto(self, buf, n):
        """Read up to n bytes that were received; None if there are none."""
        if self._rest.any() or self._tty is None:
            return self._rest.readinto(buf, n) or None
        return self._tty.readinto(buf, n)

    def write(self, buf, at, n):
        """Send n bytes of buf[at:]. Returns how many."""
        if self._tty is None:
            return n
        try:
            return self._tty.write(buf, at, n)
        except OSError as error:
            self._lose(error)
            return n

    def txdone(self):
        """Return True: nothing reports when the last bit has left."""
        return True

    def close(self):
        """Close the device for good."""
        if self._tty is not None:
            self._tty.close()
            self._tty = None
