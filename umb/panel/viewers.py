"""Viewers: the browsers that are told of values as they change, by server-sent events."""

import asyncio
import json
from time import ticks_diff, ticks_ms

from micropython import const

from .messages import shown

_PERIOD_MS = const(500)  # values are compared so often, while somebody looks
_COMPARED_AT_ONCE = const(8)  # points that are compared before other tasks have their turn
_LOST_MS = const(30_000)  # one that has asked for nothing for so long is gone without a word
_STILL_THERE_MS = const(3000)  # a comment is sent so often: a browser that is gone is noticed


class Viewers:
    """What changed, for all viewers together.

    source   the Source of the points
    most     how many viewers there may be
    """

    def __init__(self, source, most):
        self._source = source
        self._most = most
        self._shown = []  # (value, state) of each point, as last compared
        self._changed = []  # the number of the change that each point had last
        self._open = []
        self._compared_ms = None
        self._comparing = False
        self.change = 0  # the number of the last change

    def open(self):
        """Return a new Viewer, None if there are enough: who looks already goes on."""
        now_ms = ticks_ms()
        self._open = [one for one in self._open if one.is_there(now_ms)]
        if len(self._open) >= self._most:
            return None
        viewer = Viewer(self)
        self._open.append(viewer)
        return viewer

    def close(self, viewer):
        """Forget a Viewer."""
        if viewer in self._open:
            self._open.remove(viewer)

    async def compare(self):
        """Find out what has changed, unless that was done within the period."""
        now_ms = ticks_ms()
        if self._comparing:
            return
        if (
            self._compared_ms is not None
            and 0 <= ticks_diff(now_ms, self._compared_ms) < _PERIOD_MS
        ):
            return
        self._comparing = True
        try:
            for i in range(self._source.count()):
                if i % _COMPARED_AT_ONCE == 0:
                    await asyncio.sleep_ms(0)
                self._compare(i)
        finally:
            self._comparing = False
            self._compared_ms = now_ms

    def _compare(self, i):
        if i == len(self._shown):
            self._shown.append(None)
            self._changed.append(0)
        now = (shown(self._source.value(i)), self._source.state(i))
        if now != self._shown[i]:
            self._shown[i] = now
            self.change += 1
            self._changed[i] = self.change

    def rows(self):
        """Yield what is known of each point."""
        for i in range(self._source.count()):
            row = self._source.describe(i)
            row["value"] = shown(row["value"])
            yield row

    def since(self, change):
        """Return [[number of a point, value, state], ...] of what changed after that change."""
        return [
            [i, self._shown[i][0], self._shown[i][1]]
            for i in range(len(self._shown))
            if self._changed[i] > change
        ]


class Viewer:
    """One browser: an iterator over the events that are sent to it."""

    def __init__(self, viewers):
        self._viewers = viewers
        self._told = 0  # the number of the last change that it was told of
        self._sent_ms = self._asked_ms = ticks_ms()

    def is_there(self, now_ms):
        """Return whether it still takes events."""
        return 0 <= ticks_diff(now_ms, self._asked_ms) < _LOST_MS

    def __aiter__(self):
        return self

    async def __anext__(self):
        viewers = self._viewers
        while True:
            await viewers.compare()
            self._asked_ms = now_ms = ticks_ms()
            change = viewers.change
            if change > self._told:
                event = "data: %s\n\n" % json.dumps(viewers.since(self._told))
                self._told = change
                self._sent_ms = now_ms
                return event.encode()
            if not 0 <= ticks_diff(now_ms, self._sent_ms) < _STILL_THERE_MS:
                self._sent_ms = now_ms
                return b": nothing has changed\n\n"
            await asyncio.sleep_ms(_PERIOD_MS // 2)

    async def aclose(self):
        """The browser is gone."""
        self._viewers.close(self)
