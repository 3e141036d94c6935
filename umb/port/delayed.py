"""A direction pin that takes its time. Optional: for lines with turnaround_us."""

from time import sleep_us


def attach(line, turnaround_us):
    """Have a Line give its pin extra time."""
    line.de = _Delayed(line.de, line.idle, turnaround_us)


class _Delayed:
    """Calls de(level), and waits after it went to transmit and before it goes to receive."""

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
