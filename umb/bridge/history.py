"""History: the values of points that are kept, with their times, until the broker has them."""

import time
from time import ticks_add, ticks_diff

from micropython import const

_SET_CLOCK_S = const(1_700_000_000)  # an earlier time means that nobody has set the clock
_EPOCH_2000_S = const(946_684_800)  # from 1970 to 2000, when the time of some ports begins


def clock():
    """Return the time since 1970 as (seconds, milliseconds), None if the clock is not set."""
    ms = time.time_ns() // 1_000_000
    seconds = ms // 1000
    if time.gmtime(0)[0] != 1970:
        seconds += _EPOCH_2000_S
    return (seconds, ms % 1000) if seconds >= _SET_CLOCK_S else None


class History:
    """A ring of values: if it is full, the oldest one makes room, and is counted in `lost`.

    size     how many values it keeps
    now_ms   the time, as time.ticks_ms() has it
    clock    clock() returns the time of day as the function above does

    Values from before the clock was set get their times, to the second, once it is.
    """

    def __init__(self, size: int, now_ms: int, clock=clock):
        self.lost = 0
        self.number = 0  # of the oldest value; it counts those that were removed
        self.clock = clock
        # [seconds, milliseconds, whether they count from 1970 and not from the start, key, value]
        self._entries = [None] * size
        self._first = 0
        self._count = 0
        self._seconds = 0  # since the start
        self._since_ms = now_ms  # when so many had passed

    def __len__(self) -> int:
        return self._count

    def keep_time(self, now_ms: int) -> None:
        """Count the seconds. To be called more often than ticks_ms() wraps."""
        passed_s = ticks_diff(now_ms, self._since_ms) // 1000
        if passed_s > 0:
            self._seconds += passed_s
            self._since_ms = ticks_add(self._since_ms, passed_s * 1000)

    def put(self, key, value) -> None:
        """Keep a value of now. `key` says whose it is."""
        now = self.clock()
        if self._count == len(self._entries):
            self.drop()
            self.lost += 1
        at = (self._first + self._count) % len(self._entries)
        self._entries[at] = (
            (self._seconds, 0, False, key, value)
            if now is None
            else (now[0], now[1], True, key, value)
        )
        self._count += 1

    def oldest(self):
        """Return the oldest value as (seconds, milliseconds, key, value).

        Where the time is not known, seconds is None.
        """
        seconds, ms, is_known, key, value = self._entries[self._first]
        if not is_known:
            now = self.clock()
            seconds = None if now is None else now[0] - (self._seconds - seconds)
        return seconds, ms, key, value

    def drop(self) -> None:
        """Remove the oldest value."""
        self._entries[self._first] = None
        self._first = (self._first + 1) % len(self._entries)
        self._count -= 1
        self.number = self.number + 1 & 0xFFFF
