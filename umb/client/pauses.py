"""Pauses: how long no request is sent to a slave after a request to it, or its reply.

A Client creates this object, and loads this module, when a program sets a pause.
"""

from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from micropython import const

_EVERYBODY = const(-1)  # in place of a slave id, as everything less than 0
# What a row has, by index:
_SLAVE_ID = const(0)  # the slave, or _EVERYBODY
_PAUSE_MS = const(1)  # how long its pauses are
_END_MS = const(2)  # when the pause under way ends
_LENGTH_MS = const(3)  # how long the pause under way is in all; 0: none is under way


def _is_meant(row, slave_id):
    """Return whether a request to this slave, or to everybody, concerns a row."""
    return slave_id < 0 or row[_SLAVE_ID] < 0 or row[_SLAVE_ID] == slave_id


class Pauses:
    """Keeps pauses, one for everybody and one for each slave that has one of its own.

    pause_ms  how long no request is sent after the last byte of a request, or of its reply

    Times are kept to 1 ms, and never shorter than asked for.
    """

    def __init__(self, pause_ms=0):
        self._rows = [[_EVERYBODY, pause_ms, 0, 0]]

    def keep(self, slave_id, pause_ms):
        """Set the pause of this slave, from its next request on."""
        for row in self._rows:
            if row[_SLAVE_ID] == slave_id:
                row[_PAUSE_MS] = pause_ms
                return
        self._rows.append([slave_id, pause_ms, 0, 0])

    def note(self, slave_id, leaving_ms):
        """Begin the pause after a request to this slave, or its reply, which leaves in leaving_ms.

        slave_id  -1: the request is for everybody
        """
        i = len(self._rows)
        while i:
            i -= 1
            row = self._rows[i]
            if _is_meant(row, slave_id):
                self._hold(row, leaving_ms + row[_PAUSE_MS])

    def hold(self, wait_ms):
        """Send no request for so long, from now on."""
        self._hold(self._rows[0], wait_ms)

    def _hold(self, row, wait_ms):
        row[_END_MS] = ticks_add(ticks_ms(), wait_ms + 1)  # a part of this millisecond has passed
        row[_LENGTH_MS] = wait_ms + 1 if wait_ms else 0

    def left_ms(self, slave_id):
        """Return for how long no request may be sent to this slave, or to everybody (-1)."""
        longest_ms = 0
        i = len(self._rows)
        while i:
            i -= 1
            row = self._rows[i]
            if row[_LENGTH_MS] and _is_meant(row, slave_id):
                left_ms = ticks_diff(row[_END_MS], ticks_ms())
                if not 0 < left_ms <= row[_LENGTH_MS]:  # more: the clock has wrapped
                    row[_LENGTH_MS] = 0
                elif left_ms > longest_ms:
                    longest_ms = left_ms
        return longest_ms

    def wait(self, slave_id):
        """Sleep until a request may be sent to this slave."""
        sleep_ms(self.left_ms(slave_id))
