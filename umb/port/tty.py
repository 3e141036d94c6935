"""TTY: a serial device of a Unix machine with the methods of machine.UART.

For a PC with a USB adapter, for tests, and for programs that are to run on a board later. The
kernel does the sending: a direction pin is the adapter's business, and so is an echo, which has
to be switched off there. The numbers are those of Linux.
"""

import select
import termios
from errno import EIO

from micropython import RingIO, const

from ..check import integer, wrong

_SCRATCH = const(256)
_CS7, _CS8, _CSTOPB, _CREAD, _PARENB, _PARODD, _CLOCAL = (
    0o40,
    0o60,
    0o100,
    0o200,
    0o400,
    0o1000,
    0o4000,
)
_VTIME, _VMIN = const(5), const(6)
_SPEEDS = {
    1200: 9,
    2400: 11,
    4800: 12,
    9600: 13,
    19200: 14,
    38400: 15,
    57600: 0o10001,
    115200: 0o10002,
    230400: 0o10003,
    460800: 0o10004,
    500000: 0o10005,
    576000: 0o10006,
    921600: 0o10007,
    1000000: 0o10010,
}


class TTY:
    """The serial device at `path`, opened with this format; parity None, 0 (even) or 1 (odd).

    Raises OSError that names the path where it cannot be opened, ValueError for a wrong argument.
    """

    exact_times = False  # write() returns at once and nothing reports when the last bit has left

    def __init__(self, path, baudrate, bits=8, parity=None, stop=1):
        if not isinstance(path, str):
            raise wrong("path", path, 'a device, such as "/dev/ttyUSB0"')
        speed = _SPEEDS.get(baudrate) if isinstance(baudrate, int) else None
        if speed is None:
            raise wrong("baudrate", baudrate, "one of %s" % sorted(_SPEEDS))
        integer("bits", bits, 7, 8)
        integer("stop", stop, 1, 2)
        if parity not in (None, 0, 1):
            raise wrong("parity", parity)
        self._path = path
        flags = (_CS7 if bits == 7 else _CS8) | _CREAD | _CLOCAL | speed
        if stop == 2:
            flags |= _CSTOPB
        if parity is not None:
            flags |= _PARENB | (_PARODD if parity else 0)
        try:
            self._file = open(path, "r+b", 0)  # noqa: SIM115 - close() does it
        except OSError as error:
            raise OSError(error.errno, "%s cannot be opened" % path)
        try:
            try:
                self._set(flags, speed)
            except OSError:
                self._set(flags & ~(_PARENB | _PARODD), speed)  # a pseudo-terminal has no parity
        except OSError as error:
            self._file.close()
            raise OSError(error.errno, "%s is no serial device" % path)
        self._ring = RingIO(2 * _SCRATCH + 1)
        self._scratch = bytearray(_SCRATCH)
        self._lost = select.poll()
        self._lost.register(self._file, 0)

    def _set(self, flags, speed):
        control = termios.tcgetattr(self._file.fileno())[6]
        control[_VTIME] = control[_VMIN] = 0  # read() takes what is there and never waits
        termios.tcsetattr(
            self._file.fileno(), termios.TCSANOW, [0, 0, flags, 0, speed, speed, control]
        )

    def register(self, poller):
        """Have this select.poll report when bytes are received."""
        poller.register(self._file, select.POLLIN)

    def unregister(self, poller):
        """Remove it from a select.poll, which has to be done before close()."""
        poller.unregister(self._file)

    def any(self):
        """Return how many bytes readinto() can read. Raises OSError when the device is gone."""
        if self._ring.any() <= _SCRATCH:
            n = self._file.readinto(self._scratch)
            if n:
                self._ring.write(self._scratch, n)
            else:
                for _ in self._lost.ipoll(0):  # reported only after a hang-up
                    raise OSError(EIO, "%s is gone" % self._path)
        return self._ring.any()

    def readinto(self, buf, n):
        """Read up to n bytes that were received; None if there are none."""
        return self._ring.readinto(buf, n) or None

    def write(self, buf, at=0, n=None):
        """Send buf, n bytes of it, write(buf, n), or write(buf, at, n). Returns how many."""
        if n is None:
            at, n = 0, at or len(buf)
        return self._file.write(buf, at, n)

    def txdone(self):
        return True

    def close(self):
        self._file.close()
