"""A UART whose any() is only 0 or 1, as esp8266's, made to count. Optional: for lines on one."""

from time import sleep_us

from micropython import RingIO, const

_RING = const(513)  # one more than it holds


def attach(line, tells_late=False):
    """Have what waits for a Line counted from now on.

    tells_late  the port tells of the last bytes late, of the line's own echo too
    """
    line.uart = Counted(line)
    line.any = line.uart.any
    if not tells_late:
        return
    flush = line.flush

    def flush_with_echo():
        flush()
        sleep_us(line.time_us(3))

    line.flush = flush_with_echo


class Counted:
    """Has of a Line's UART what the Line needs."""

    def __init__(self, line):
        self._line = line
        self.raw = uart = line.uart
        self._ring = RingIO(_RING)
        self._byte = bytearray(1)
        self.readinto = self._ring.readinto
        self.write = uart.write
        self.txdone = uart.txdone

    def any(self):
        """How many bytes have come, as far as the port tells."""
        uart = self.raw
        n = uart.any()
        if n > 1 and not self._ring.any():  # it counts: a byte came at the wrong moment
            self._line.uart = uart
            self._line.any = uart.any
            return n
        while n:
            uart.readinto(self._byte, 1)
            self._ring.write(self._byte)
            n = uart.any()
        return self._ring.any()
