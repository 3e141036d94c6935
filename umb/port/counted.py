"""A UART whose any() is only 0 or 1, as esp8266's, made to count. Optional: for lines on one."""

import select
from time import sleep_us

from micropython import RingIO, const

_RING = const(513)  # one more than it holds


def attach(line, tells_late=False):
    """Have what waits for a Line counted from now on.

    tells_late  the port tells of the last bytes late, of the line's own echo too
    """
    line.uart = Counted(line.uart)
    line.any = line.uart.any
    if not tells_late:
        return
    flush = line.flush

    def flush_with_echo():
        flush()
        sleep_us(line.time_us(3))

    line.flush = flush_with_echo


class Counted:
    """Has of a machine.UART what a Line needs once it is attached."""

    def __init__(self, uart):
        self._uart = uart
        self._ring = RingIO(_RING)
        self._byte = bytearray(1)
        self.readinto = self._ring.readinto
        self.write = uart.write
        self.txdone = uart.txdone

    def any(self):
        """How many bytes have come, as far as the port tells."""
        uart = self._uart
        while uart.any():
            uart.readinto(self._byte, 1)
            self._ring.write(self._byte)
        return self._ring.any()

    def register(self, poller):
        """Let a select.poll wake up when something comes."""
        poller.register(self._uart, select.POLLIN)
