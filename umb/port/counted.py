"""A UART whose any() is only 0 or 1, as esp8266's, made to count. Optional: for lines on one."""

import select

from micropython import RingIO, const

_RING = const(513)  # one more than it holds


class Counted:
    """Has of a machine.UART what a Line needs once it is attached."""

    def __init__(self, uart):
        self._uart = uart
        self._ring = RingIO(_RING)
        self._byte = bytearray(1)
        self.readinto = self._ring.readinto
        self.write = uart.write

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
