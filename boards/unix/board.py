"""Pins of a machine that has none: simulated, moving with the clock."""

import time

from micropython import const

_TOP = const(65535)


class Board:
    """What the remote-I/O application knows of a board.

    Input n changes its level every 2**n seconds, like the bits of a binary counter. Analogue
    channel n rises from 0 to 65535 and falls again, ten seconds there and back, times n + 1.
    """

    def __init__(self):
        self.outputs = bytearray(8)
        self._start_ms = time.ticks_ms()

    def set_output(self, channel, level):
        """Drive an output, 0 to 7, to level 0 or 1."""
        self.outputs[channel] = level

    def input(self, channel):
        """Return the level, 0 or 1, of an input, 0 to 7."""
        return self.uptime_s() >> channel & 1

    def analogue(self, channel):
        """Return the value, 0 to 65535, of an analogue channel, 0 to 3."""
        half_ms = 5000 * (channel + 1)
        phase_ms = self._uptime_ms() % (2 * half_ms)
        return (phase_ms if phase_ms < half_ms else 2 * half_ms - phase_ms) * _TOP // half_ms

    def uptime_s(self):
        """Return the seconds since the start."""
        return self._uptime_ms() // 1000

    def _uptime_ms(self):
        # A 64-bit machine's ticks do not wrap in a lifetime.
        return time.ticks_diff(time.ticks_ms(), self._start_ms)
