"""Pauses: how long slaves are left alone after something was said to them, or by them.

A Client makes this part when a program asks for a pause. Others do without.
"""

from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from micropython import const

_EVERYBODY = const(-1)  # in place of a slave id, as everything less than 0
# What a row tells:
_SLAVE_ID = const(0)  # who is left alone,
_PAUSE_MS = const(1)  # for how long,
_END_MS = const(2)  # until when this time,
_AHEAD_MS = const(3)  # and how far away that was when it was noted; 0: it is not left alone


def _is_meant(row, slave_id):
    """Return whether what is said to this slave, or to everybody, concerns a row."""
    return slave_id < 0 or row[_SLAVE_ID] < 0 or row[_SLAVE_ID] == slave_id


class Pauses:
    """Keeps pauses, one for everybody and one for each slave that has one of its own.

    pause_ms  how long everybody is left alone after the last byte of a request, or of its reply

    Times are kept to 1 ms, and never shorter than asked for.
    """

    def __init__(self, pause_ms=0):
        self._rows = [[_EVERYBODY, pause_ms, 0, 0]]

    def keep(self, slave_id, pause_ms):
        """Leave this slave alone for so long, from its next request on."""
        for row in self._rows:
            if row[_SLAVE_ID] == slave_id:
                row[_PAUSE_MS] = pause_ms
                return
        self._rows.append([slave_id, pause_ms, 0, 0])

    def note(self, slave_id, leaving_ms):
        """Something was said to this slave, or by it; the last of it leaves in leaving_ms.

        slave_id  -1: it was said to everybody
        """
        for row in self._rows:
            if _is_meant(row, slave_id):
                self._hold(row, leaving_ms + row[_PAUSE_MS])

    def hold(self, wait_ms):
        """Leave everybody alone for so long, from now on."""
        self._hold(self._rows[0], wait_ms)

    def _hold(self, row, wait_ms):
        row[_END_MS] = ticks_add(ticks_ms(), wait_ms + 1)  # a part of this ms has passed
        row[_AHEAD_MS] = wait_ms + 1 if wait_ms else 0

    def left_ms(self, slave_id):
        """Return for how long this slave, or everybody (-1), is to be left alone from now on."""
        longest_ms = 0
        for row in self._rows:
            if row[_AHEAD_MS] and _is_meant(row, slave_id):
                left_ms = ticks_diff(row[_END_MS], ticks_ms())
                if not 0 < left_ms <= row[_AHEAD_MS]:  # more: the clock has wrapped
                    row[_AHEAD_MS] = 0
                elif left_ms > longest_ms:
                    longest_ms = left_ms
        return longest_ms

    def wait(self, slave_id):
        """Sleep until this slave need not be left alone any more."""
        sleep_ms(self.left_ms(slave_id))
