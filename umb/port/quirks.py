"""What some ports' UARTs and transceivers need help with. Loaded only for lines that need it.

open_uart() opens a UART of a port that has less to choose than others. adapt() changes a Line for
its UART and transceiver:

* txdone() comes early, or is missing: the line waits for the latest time at which its own frame
  can end.
* any() may say only 0 or 1, as on esp8266: bytes are counted by reading them.
* turnaround_us: the direction pin gets extra time on both sides of a frame.
* A TTY brings bytes in pieces, and its adapter may bring back what a slave sends.
"""

import sys
from time import sleep_us, ticks_add, ticks_diff, ticks_us

from micropython import RingIO, const

from ..check import wrong
from ..frame.rtu import REQUEST

_LAG = const(18)  # esp8266 tells of bytes after 16 of them, or after 2 idle characters
_ADAPTER = const(64)  # what comes through USB comes in pieces of up to so many characters
_NEVER_US = const(1 << 29)  # longer than ticks can tell
_RING = const(513)  # one more than it holds, and the characters of the longest frame


def open_uart(number, baudrate, options):
    """Return the machine.UART of this number without the options that the port refuses.

    Raises ValueError if the port has no parity or stop bits to choose (nrf).
    """
    from machine import UART

    form = (options["bits"], options["parity"], options["stop"])
    for refused in ("tx", "rx", "rxbuf"):
        options.pop(refused, None)
        try:
            return UART(number, baudrate, **options)
        except TypeError:
            pass
    if form != (8, None, 1):
        raise wrong("bits, parity, stop", form)
    return UART(number, baudrate, timeout=0, timeout_char=0)


def adapt(line, turnaround_us, table):
    """Have a Line do what its UART needs, and its transceiver. It was opened with this table."""
    # Ports whose UART has no irq() are those that do less than the others.
    if not hasattr(line.uart, "txdone") or (line.paced and not hasattr(line.uart, "irq")):
        _distrust_txdone(line)
        _count_bytes(line)
    if sys.platform == "esp8266":
        if line.frame.timed:
            line.t35_us += line.time_us(_LAG)
            line.hole_us = max(line.hole_us, line.t35_us)
            line.abandon_us = max(line.abandon_us, line.t35_us)
        _await_echo(line)
    if turnaround_us:
        line.de = _SlowPin(line.de, line.idle, turnaround_us)
    if not line.paced:
        _adapt_tty(line, table)


def _adapt_tty(line, table):
    """Have a Line bear with a TTY, which brings bytes in pieces, and maybe what is sent."""
    if line.frame.timed:
        line.hole_us = line.abandon_us + line.time_us(_ADAPTER)
        # A client gives up the beginning of a response when its time is up.
        line.abandon_us = line.hole_us if table is REQUEST else _NEVER_US
    if table is REQUEST:
        _drop_echo(line)


def _distrust_txdone(line):
    """Have a Line wait for the latest time at which a frame of its own may end.

    The first start bit lies somewhere within write(), and nobody knows where. If write() blocked,
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
    """A machine.UART without txdone(), for a Line: time alone tells."""

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
    line.uart = _Counted(line)
    line.any = line.uart.any


class _Counted:
    """A machine.UART that counts what has come, for a Line."""

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
        """Return how many bytes have come, as far as the port tells."""
        n = self._raw_any()
        if n > 1 and not self._ring.any():  # this UART needs no help
            self._line.uart = self.raw
            self._line.any = self._raw_any
            return n
        while n:
            self.raw.readinto(self._byte, 1)
            self._ring.write(self._byte)
            n = self._raw_any()
        return self._ring.any()


def _await_echo(line):
    """Have a Line wait until the port has told of the last bytes of its own echo."""
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
    """Have a Line drop what comes back of what it sends, if its adapter brings that back."""
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

    The first bytes that come after a response are the echo if they are the same as the response:
    on the wire, the echo comes before anything that a master can send. Only where a response
    repeats its request, as those of function codes 5 and 6 do, may it be the same request once
    more. What it is depends then on what the adapter did before; and if that is not known yet, on
    whether a master could have sent it so soon.
    """

    def __init__(self, line):
        self._line = line
        self.raw = uart = line.uart
        self.write = uart.write
        self.txdone = uart.txdone
        self._ring = RingIO(_RING)  # what has come and is no echo
        self.readinto = self._ring.readinto
        self._byte = bytearray(1)
        self._sent = bytearray(_RING)  # the response that may come back,
        self._size = 0  # its length, 0 if nothing may come back,
        self._matched = 0  # how much of it has come back,
        self._repeats = False  # and whether it is the same as the request
        self._echoes = None  # whether the adapter echoes; None: not known yet
        self._heard = bytearray(_RING)  # the last bytes that went to the ring, the next one goes
        self._at = 0  # to here

    def any(self):
        """Return how many bytes have come that are no echo."""
        n = self.raw.any()
        while n and self._ring.any() < _RING - 1:
            self.raw.readinto(self._byte, 1)
            self._sort(self._byte[0])
            n = self.raw.any()
        if self._size and not 0 <= self._since_us() <= self._time_us() + self._line.hole_us:
            self._give_back()
            # An adapter that has echoed before may have lost a byte: then nothing is known.
            self._echoes = None if self._echoes else False
        return self._ring.any()

    def expect(self, buf, at, n):
        """The n bytes at buf[at] are being sent."""
        self._give_back()
        self._size = n
        self._repeats = True
        for i in range(n):
            self._sent[i] = buf[at + i]
            if self._heard[(self._at - n + i) % _RING] != buf[at + i]:
                self._repeats = False

    def _since_us(self):
        """Return how long ago it began to send: a TTY's frame takes no time."""
        return ticks_diff(ticks_us(), self._line.end_us)

    def _time_us(self):
        return self._line.time_us(self._size)

    def _sort(self, byte):
        """Take a byte that has come: it is a part of the echo, or goes to the ring."""
        if not self._size:
            self._keep(byte)
        elif byte != self._sent[self._matched]:
            self._give_back()
            self._keep(byte)
            if self._echoes is None:
                self._echoes = False
        else:
            self._matched += 1
            if self._matched == self._size:
                if self._is_echo():
                    self._matched = 0
                self._give_back()

    def _is_echo(self):
        """Return whether the bytes that came are the echo of the response, all being the same."""
        if not self._repeats:
            self._echoes = True
        if self._echoes is None:
            return self._since_us() < 2 * self._time_us() + self._line.t35_us
        return self._echoes

    def _give_back(self):
        """Expect no echo any more: what seemed to be its beginning is none."""
        for i in range(self._matched):
            self._keep(self._sent[i])
        self._size = self._matched = 0

    def _keep(self, byte):
        self._byte[0] = byte
        self._ring.write(self._byte)
        self._heard[self._at] = byte
        self._at = (self._at + 1) % _RING
