"""Pauses: how long no request is sent to a slave after a request to it, or its reply.

A Client creates this object, and loads this module, when a program sets a pause.
"""

from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

_EVERYBODY = const(-1)  # in place of a slave id, as everything less than 0
_EXACT_MS = const(500_000)  # ticks_us() tells no longer times apart
# What a row has, by index:
_SLAVE_ID = const(0)  # the slave, or _EVERYBODY
_PAUSE_MS = const(1)  # how long its pauses are
_END_MS = const(2)  # by when the pause under way has ended
_END_US = const(3)  # when that is, exactly, if it is no longer than _EXACT_MS
_LENGTH_MS = const(4)  # how long the pause under way is in all; 0: none is under way


def _is_meant(row, slave_id):
    """Return whether a request to this slave, or to everybody, concerns a row."""
    return slave_id < 0 or row[_SLAVE_ID] < 0 or row[_SLAVE_ID] == slave_id


class Pauses:
    """Keeps pauses, one for everybody and one for each slave that has one of its own.

    pause_ms  how long no request is sent after the last byte of a request, or of its reply
    """

    def __init__(self, pause_ms=0):
        self._rows = []
        self.keep(_EVERYBODY, pause_ms)

    def keep(self, slave_id, pause_ms):
        """Set the pause of this slave, from its next request on."""
        for row in self._rows:
            if row[_SLAVE_ID] == slave_id:
                row[_PAUSE_MS] = pause_ms
                return
        self._rows.append([slave_id, pause_ms, 0, 0, 0])

    def note(self, slave_id, leaving_us):
        """Begin the pause after a request to this slave, or its reply, which leaves in leaving_us.

        slave_id    -1: the request is for everybody
        leaving_us  less than 0: it has left before
        """
        i = len(self._rows)
        while i:
            i -= 1
            row = self._rows[i]
            if _is_meant(row, slave_id):
                self._hold(row, row[_PAUSE_MS], leaving_us)

    def hold(self, wait_ms):
        """Send no request for so long, from now on."""
        self._hold(self._rows[0], wait_ms, 0)

    def _hold(self, row, wait_ms, leaving_us):
        row[_LENGTH_MS] = 0
        if wait_ms:
            # A part of this millisecond has passed.
            row[_LENGTH_MS] = wait_ms + 2 + max(leaving_us, 0) // 1000
            row[_END_MS] = ticks_add(ticks_ms(), row[_LENGTH_MS])
            row[_END_US] = ticks_add(ticks_us(), min(wait_ms, _EXACT_MS) * 1000 + leaving_us)

    def _left_us(self, row):
        """Return for how long the pause of a row goes on; of a long one _EXACT_MS at most."""
        left_ms = ticks_diff(row[_END_MS], ticks_ms())
        if 0 < left_ms <= row[_LENGTH_MS]:  # more: the clock has wrapped
            if row[_LENGTH_MS] > _EXACT_MS:
                return min(left_ms, _EXACT_MS) * 1000
            left_us = ticks_diff(row[_END_US], ticks_us())
            if left_us > 0:
                return left_us
        row[_LENGTH_MS] = 0
        return 0

    def left_us(self, slave_id):
        """Return for how long no request may be sent to this slave, or to everybody (-1).

        If that is longer than 500 s, it returns 500 s.
        """
        longest_us = 0
        i = len(self._rows)
        while i:
            i -= 1
            row = self._rows[i]
            if row[_LENGTH_MS] and _is_meant(row, slave_id):
                longest_us = max(longest_us, self._left_us(row))
        return longest_us

    def left_ms(self, slave_id):
        """As left_us(), in milliseconds: never too short."""
        return (self.left_us(slave_id) + 999) // 1000

    def wait(self, slave_id):
        """Sleep until a request may be sent to this slave, 500 s at most."""
        sleep_ms(max(0, self.left_us(slave_id) // 1000 - 1))  # it may take 1 ms longer
        sleep_us(min(self.left_us(slave_id), 2000))
