"""A direction pin that takes its time. Optional: for lines with turnaround_us."""

from time import sleep_us


class Delayed:
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
