"""What some ports' UARTs and transceivers need help with. Loaded only for lines that need it.

adapt() changes a Line for such a UART:

* txdone() comes early, or is missing: the line waits for the latest time at which its own frame
  can end.
* any() says only 0 or 1 (esp8266): bytes are counted by reading them.
* turnaround_us: the direction pin gets extra time on both sides of a frame.
"""

import sys
from time import sleep_us, ticks_add, ticks_diff, ticks_us

from micropython import RingIO, const

_RING = const(513)  # one more than it holds


def adapt(line, turnaround_us):
    """Have a Line do what its UART needs, and its transceiver."""
    if not hasattr(line.uart, "txdone") or (line.paced and not hasattr(line.uart, "irq")):
        _distrust_txdone(line)
    if sys.platform == "esp8266":
        count_bytes(line)
        _await_echo(line)
    if turnaround_us:
        line.de = _SlowPin(line.de, line.idle, turnaround_us)


def _distrust_txdone(line):
    """Have a Line wait for the latest time at which a frame of its own may end.

    The first start bit lies somewhere within write(), and nobody knows where. If write() blocked,
    that is at most half a character late.
    """
    if not hasattr(line.uart, "txdone"):
        line.uart = _WithoutTxdone(line.uart)
    slack_us = line.character_x64 >> 7
    plain_send = line.send

    def send(adu, at, n, threshold=0):
        frame_us = line.time_us(n)
        if not plain_send(adu, at, n, threshold):
            return False
        late_us = ticks_diff(ticks_us(), line.end_us) + frame_us
        line.end_us = ticks_add(line.end_us, min(late_us, slack_us))
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


def count_bytes(line):
    """Have the bytes that wait for a Line counted from now on: any() of its UART says 0 or 1."""
    line.uart = _Counted(line)
    line.any = line.uart.any


class _Counted:
    """A machine.UART that counts what has come, for a Line."""

    def __init__(self, line):
        self._line = line
        self.raw = uart = line.uart
        self._ring = RingIO(_RING)
        self._byte = bytearray(1)
        self.readinto = self._ring.readinto
        self.write = uart.write
        self.txdone = uart.txdone

    def any(self):
        """Return how many bytes have come, as far as the port tells."""
        uart = self.raw
        n = uart.any()
        if n > 1 and not self._ring.any():  # it does count: a byte had come at the wrong moment
            self._line.uart = uart
            self._line.any = uart.any
            return n
        while n:
            uart.readinto(self._byte, 1)
            self._ring.write(self._byte)
            n = uart.any()
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
        self._turnaround_us = turnaround_us

    def __call__(self, level):
        if level == self._idle:
            sleep_us(self._turnaround_us)
        self._de(level)
        if level != self._idle:
            sleep_us(self._turnaround_us)
