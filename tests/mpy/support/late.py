"""Slaves that answer late, on the line of support.bus: what they say shows whom they answer.

Import this, or support.loop, before anything of umb.
"""

from support.bus import Bus, answer, clock  # comes first: by the clock of support.uart

from support.rtu import frame

TIMEOUT_MS = 20
# A finer clock takes longer and shows nothing more, where delays are milliseconds.
_STEP_US = 20
_SLOW_STEP_US = 100  # on lines slower than 9600 baud


class LateBus(Bus):
    """A line whose slaves answer in the order in which they were asked, one after another.

    delay_us(slave_id, number)  how long after the end of request `number` its reply begins, None:
                                never; or a list of (us, data) each: bytes, None for the right
                                reply, or what a function makes of that
    """

    def __init__(self, delay_us, baudrate=115200, **line):
        step_us = _SLOW_STEP_US if baudrate < 9600 else _STEP_US
        super().__init__(baudrate, replies=self._say, step_us=step_us, **line)
        self.delay_for = delay_us
        self.number = 0
        self._busy_us = 0

    def _say(self, slave_id, pdu):
        delays = self.delay_for(slave_id, self.number)
        self.number += 1
        if delays is None:
            return
        if not isinstance(delays, list):
            delays = [(delays, None)]
        end_us = self.end_ns() // 1000
        for delay_us, what in delays:
            data = what
            if what is None or callable(what):
                data = frame(slave_id, answer(slave_id, pdu))
                data = what(data) if what else data
            begin_us = max(end_us + delay_us, self._busy_us + 2 * self.char_ns // 1000)
            self._busy_us = self.hear(begin_us, data)


def always(delay_us):
    """A script: every request is answered so late."""
    return lambda _slave_id, _number: delay_us


def once(number, late, soon_us=3000):
    """A script: request `number` is answered like this, every other one in time."""
    return lambda _slave_id, n: late if n == number else soon_us


__all__ = ("TIMEOUT_MS", "LateBus", "always", "clock", "once")
