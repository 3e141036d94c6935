"""Corrections for the UARTs and transceivers of some ports. Loaded only for lines that need them.

open_uart() opens a UART of a port that has less to choose than others. adapt() changes a Line for
its UART and transceiver:

* txdone() comes early, or is missing: the line waits for the latest time at which its own frame
  can end.
* any() may say only 0 or 1, as on esp8266: bytes are counted by reading them.
* turnaround_us: the direction pin gets extra time on both sides of a frame.
* A TTY delivers bytes in pieces, and its adapter may return the echo of what a slave sends.
"""

import sys
from time import sleep_us, ticks_add, ticks_diff, ticks_us

from micropython import RingIO, const

from ..check import wrong
from ..frame.rtu import REQUEST

_LAG = const(18)  # esp8266 reports bytes after 16 of them, or after 2 idle characters
_ADAPTER = const(64)  # USB adapters deliver pieces of up to so many characters
_NEVER_US = const(1 << 29)  # longer than differences of ticks
_RING = const(513)  # a RingIO holds one byte less; also the characters of the longest frame


def open_uart(number, baudrate, options):
    """Return the machine.UART of this number without the options that the port refuses.

    Raises ValueError if the port has no parity or stop bits to choose (nrf).
    """
    from machine import UART

    form = (options["bits"], options["parity"], options["stop"])
    for refused in ("tx", "rx", "rxbuf"):
        options.pop(refused, None)
        try:
            return UART(number, baudrate, timeout=0, timeout_char=0, **options)
        except TypeError:
            pass
    if form != (8, None, 1):
        raise wrong("bits, parity, stop", form)
    return UART(number, baudrate, timeout=0, timeout_char=0)


def adapt(line, turnaround_us, table):
    """Change a Line for its UART and its transceiver. It was opened with this table."""
    # Ports whose UART has no irq() are those that do less than the others.
    if not hasattr(line.uart, "txdone") or (line.exact_times and not hasattr(line.uart, "irq")):
        _distrust_txdone(line)
        _count_bytes(line)
    if sys.platform == "esp8266":
        if line.frame.timed:
            line.t35_us += line.time_us(_LAG)
            line.gap_us = max(line.gap_us, line.t35_us)
            line.abandon_us = max(line.abandon_us, line.t35_us)
        _await_echo(line)
    if turnaround_us:
        line.de = _SlowPin(line.de, line.idle, turnaround_us)
    if not line.exact_times:
        _adapt_tty(line, table)


def _adapt_tty(line, table):
    """Change a Line for a TTY, which delivers bytes in pieces, and may return an echo."""
    if line.frame.timed:
        line.gap_us = line.abandon_us + line.time_us(_ADAPTER)
        # A client discards the beginning of a response after its time-out.
        line.abandon_us = line.gap_us if table is REQUEST else _NEVER_US
    if table is REQUEST:
        _drop_echo(line)


def _distrust_txdone(line):
    """Have a Line wait for the latest time at which a frame of its own may end.

    The first start bit is sent at an unknown time during write(). If write() blocked,
    that is at most half a character late.
    """
    if not hasattr(line.uart, "txdone"):
        line.uart = _WithoutTxdone(line.uart)
    slack_us = line.character_x64 >> 7
    plain_send = line.send

    def send(n):
        if not plain_send(n):
            return False
        # frame_us less what is left of it is the time since the direction pin changed.
        late_us = line.frame_us - ticks_diff(line.end_us, ticks_us())
        late_us = min(late_us, slack_us)
        line.end_us = ticks_add(line.end_us, late_us)
        line.frame_us += late_us
        return True

    line.send = send


class _WithoutTxdone:
    """A machine.UART without txdone(), for a Line, which then relies on the time alone."""

    def __init__(self, uart):
        self.raw = uart
        self.any = uart.any
        self.readinto = uart.readinto
        self.write = uart.write

    @staticmethod
    def txdone():
        return True


def _count_bytes(line):
    """Have the bytes that wait for a Line counted, until any() has proved that it counts them."""
    line.uart = _CountingUART(line)
    line.any = line.uart.any


class _CountingUART:
    """A machine.UART that counts the bytes received, for a Line."""

    def __init__(self, line):
        self._line = line
        self.raw = uart = line.uart
        self._raw_any = uart.any  # bound once: each binding is an allocation
        self._ring = RingIO(_RING)
        self._byte = bytearray(1)
        self.readinto = self._ring.readinto
        self.write = uart.write
        self.txdone = uart.txdone

    def any(self):
        """Return how many bytes were received, as far as the port reports."""
        n = self._raw_any()
        if n > 1 and not self._ring.any():  # this any() does count
            self._line.uart = self.raw
            self._line.any = self._raw_any
            return n
        while n:
            self.raw.readinto(self._byte, 1)
            self._ring.write(self._byte)
            n = self._raw_any()
        return self._ring.any()


def _await_echo(line):
    """Have a Line wait until the port has reported the last bytes of its own echo."""
    plain_flush = line.flush

    def flush():
        plain_flush()
        sleep_us(line.time_us(3))

    line.flush = flush


class _SlowPin:
    """A direction pin that waits after it went to transmit, and before it goes to receive."""

    def __init__(self, de, idle, turnaround_us):
        self._de = de
        self._idle = idle
        self.turnaround_us = turnaround_us

    def __call__(self, level):
        if level == self._idle:
            sleep_us(self.turnaround_us)
        self._de(level)
        if level != self._idle:
            sleep_us(self.turnaround_us)


def _drop_echo(line):
    """Have a Line discard the echo of what it sends, if its adapter returns one."""
    line.uart = echo = _EchoFilter(line)
    line.any = echo.any
    plain_send = line.send

    def send(n):
        if not plain_send(n):
            return False
        echo.expect(line.frame.out, line.frame.start, n)
        return True

    line.send = send


class _EchoFilter:
    """A TTY without the echo of what a slave sends on it, for a Line.

    The first bytes received after a response are the echo if they are the same as the response:
    on the wire, the echo comes before anything that a master can send. Only if a response repeats
    its request, as those of function codes 5 and 6 do, may they be the same request once more.
    Then it depends on whether the adapter has returned an echo before; and if that is not known
    yet, on whether a master could have sent a request so soon.
    """

    def __init__(self, line):
        self._line = line
        self.raw = uart = line.uart
        self.write = uart.write
        self.txdone = uart.txdone
        self._ring = RingIO(_RING)  # the bytes received that are no echo
        self.readinto = self._ring.readinto
        self._byte = bytearray(1)
        self._sent = bytearray(_RING)  # the response whose echo may be received
        self._size = 0  # its length; 0: no echo is expected
        self._matched = 0  # how many bytes of the echo were received
        self._repeats = False  # whether the response is the same as the request
        self._echoes = None  # whether the adapter returns an echo; None: not known yet
        self._received = bytearray(_RING)  # the last bytes put into the ring
        self._at = 0  # where in _received the next byte is put

    def any(self):
        """Return how many bytes were received that are no echo."""
        n = self.raw.any()
        while n and self._ring.any() < _RING - 1:
            self.raw.readinto(self._byte, 1)
            self._take(self._byte[0])
            n = self.raw.any()
        if self._size and not 0 <= self._since_us() <= self._time_us() + self._line.gap_us:
            self._end_echo()
            # An adapter that has echoed before may have lost a byte: then nothing is known.
            self._echoes = None if self._echoes else False
        return self._ring.any()

    def expect(self, buf, at, n):
        """Expect the echo of the n bytes at buf[at], which are being sent."""
        self._end_echo()
        self._size = n
        self._repeats = True
        for i in range(n):
            self._sent[i] = buf[at + i]
            if self._received[(self._at - n + i) % _RING] != buf[at + i]:
                self._repeats = False

    def _since_us(self):
        """Return how long ago sending began: the frame_us of a TTY is 0."""
        return ticks_diff(ticks_us(), self._line.end_us)

    def _time_us(self):
        return self._line.time_us(self._size)

    def _take(self, byte):
        """Take a byte received: it is a part of the echo, or is put into the ring."""
        if not self._size:
            self._put(byte)
        elif byte != self._sent[self._matched]:
            self._end_echo()
            self._put(byte)
            if self._echoes is None:
                self._echoes = False
        else:
            self._matched += 1
            if self._matched == self._size:
                if self._is_echo():
                    self._matched = 0
                self._end_echo()

    def _is_echo(self):
        """Return whether the bytes received, which are the same as the response, are its echo."""
        if not self._repeats:
            self._echoes = True
        if self._echoes is None:
            return self._since_us() < 2 * self._time_us() + self._line.t35_us
        return self._echoes

    def _end_echo(self):
        """Expect no echo any more: put the bytes that seemed to be one into the ring."""
        for i in range(self._matched):
            self._put(self._sent[i])
        self._size = self._matched = 0

    def _put(self, byte):
        self._byte[0] = byte
        self._ring.write(self._byte)
        self._received[self._at] = byte
        self._at = (self._at + 1) % _RING
