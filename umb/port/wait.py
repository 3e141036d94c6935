"""Asleep until something comes on a serial line. Optional: a Line takes it when it is to sleep."""

import select
from time import sleep_ms, ticks_diff, ticks_ms


def share(line, poller):
    """Let a Line sleep with this poller from now on, which others may use too; None: its own."""
    sleeper = Sleeper(line, poller or getattr(line, "poller", None) or select.poll())
    line.poller = sleeper.poller
    line.sleep = sleeper.sleep


def nap_ms(line):
    """How long one may sleep without missing when a byte comes."""
    return 1 if line.paced else 1000


class Sleeper:
    """Sleeps for a Line, with this poller."""

    def __init__(self, line, poller):
        self._line = line
        self.poller = poller
        # A poller keeps a broken entry where this fails: it is tried with another one.
        self._watches = self._register(select.poll()) and self._register(self.poller)

    def _register(self, poller):
        uart = self._line.uart
        while hasattr(uart, "raw"):  # umb.port.counted, umb.port.unsure
            uart = uart.raw
        try:
            if hasattr(uart, "register"):
                uart.register(poller)
            else:
                poller.register(uart, select.POLLIN)
        except (OSError, TypeError):
            return False  # this UART cannot be polled
        return True

    def sleep(self, wait_ms):
        """Wait until the poller sees something or time is up. Returns what any() says."""
        begin_ms = ticks_ms()
        line = self._line
        longest_ms = min(wait_ms, nap_ms(line))
        while True:
            n = line.any()
            if n or ticks_diff(ticks_ms(), begin_ms) >= wait_ms:
                return n
            if self._watches:
                for _ in self.poller.ipoll(longest_ms):
                    wait_ms = 0
            else:
                sleep_ms(longest_ms)
