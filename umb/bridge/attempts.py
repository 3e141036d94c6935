"""Attempts: when to try to connect to a broker again."""

import os
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_FIRST_MS = const(1000)  # from an attempt that failed to the next one; it doubles,
_LONGEST_DELAY_MS = const(60_000)  # up to this
_SETTLED_MS = const(30_000)  # a connection that lasted so long was a good one


def spread(ms: int) -> int:
    """Return a time from one half to three halves of this one, by chance.

    So the boards of a plant do not all come back at the same moment.
    """
    return (ms >> 1) + (ms * os.urandom(1)[0] >> 8)


class Attempts:
    """Attempts to connect, 1 s apart at first, then twice as long each time, up to a minute.

    A connection that is lost within half a minute counts as an attempt that failed: if two boards
    have one client id, the broker throws each of them out when the other one comes.
    """

    def __init__(self):
        self._delay_ms = 0  # before chance changes it; 0: the last connection was a good one
        self._due_ms = ticks_add(ticks_ms(), spread(_FIRST_MS))
        self._accepted_ms = None  # when the connection was made, as long as it is a new one

    def wait_ms(self) -> int:
        """Return for how many milliseconds no attempt is to be made."""
        return max(0, ticks_diff(self._due_ms, ticks_ms()))

    def accepted(self) -> None:
        """Note that the broker has accepted the connection."""
        self._accepted_ms = ticks_ms()

    def keep_time(self) -> None:
        """Look whether the connection is a good one by now. Called now and then while it lasts."""
        if self._accepted_ms is not None and (
            ticks_diff(ticks_ms(), self._accepted_ms) >= _SETTLED_MS
        ):
            self._accepted_ms = None
            self._delay_ms = 0

    def failed(self) -> None:
        """Note that there is no connection, or no longer."""
        self.keep_time()
        self._accepted_ms = None
        self._delay_ms = min(2 * self._delay_ms or _FIRST_MS, _LONGEST_DELAY_MS)
        self._due_ms = ticks_add(ticks_ms(), spread(self._delay_ms))
