"""UARTs whose txdone() may come early, or not at all. Optional: for lines on one."""

from time import ticks_add, ticks_diff, ticks_us


def attach(line, slack_us):
    """Have a Line wait for the latest time at which a frame of its own may end."""
    if not hasattr(line.uart, "txdone"):
        line.uart = _Untold(line.uart)
    line.send = _Sender(line, slack_us).send


class _Sender:
    """Sends for a Line.

    The first start bit lies somewhere within write(), and nobody knows where. If write() blocked,
    that is not more than slack_us late: half a character.
    """

    def __init__(self, line, slack_us):
        self._line = line
        self._send = line.send
        self._slack_us = slack_us

    def send(self, adu, at, n, threshold=0):
        """As Line.send()."""
        line = self._line
        frame_us = line.time_us(n)
        if not self._send(adu, at, n, threshold):
            return False
        late_us = ticks_diff(ticks_us(), line.end_us) + frame_us
        line.end_us = ticks_add(line.end_us, min(late_us, self._slack_us))
        return True


class _Untold:
    """Has of a machine.UART without txdone() what a Line needs."""

    def __init__(self, uart):
        self.raw = uart
        self.any = uart.any
        self.readinto = uart.readinto
        self.write = uart.write

    @staticmethod
    def txdone():
        """Time alone tells."""
        return True
