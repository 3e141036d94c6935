"""Schedule: when a device is to be asked, and what for."""

from array import array

from micropython import const

from ..points import ON_DEMAND
from .plan import Plan
from .ticks import after, passed

UNKNOWN, ONLINE, OFFLINE = 0, 1, 2

_UNSUPPORTED_MS = const(600_000)  # after which a point that was refused is tried again
_BUSY_MS = const(1000)  # after which a device that is busy is asked again, at most
_OFFLINE_MS = const(3000)  # a device is offline if it has not answered for so long
_OFFLINE_ROUNDS = const(2)  # and so many requests in a row
_FIRST_PROBE_MS = const(500)  # while it is offline, each interval is longer by so much
_LAST_PROBE_MS = const(10_000)  # up to this
_PROBE_SHARE = const(20)  # or up to so many time-outs, so that it takes little time of others
_OVERLOAD_MS = const(10_000)  # so long after a missed reading the intervals are not kept
_LAST_COUNT = const(0x3FFFFFFF)  # counters wrap here: the largest small integer of 32-bit boards
_MEASURED = const(8)  # how many answers are measured
_NEVER_MS = const(1 << 29)  # more than any interval
_ACKNOWLEDGE = const(5)
_BUSY = const(6)
_NO_PATH = const(10)
_NO_TARGET = const(11)


def is_answer(status: int) -> bool:
    """Return whether this status means that the device has answered.

    Exceptions 10 and 11 are a gateway's, who has not reached it (AP 7).
    """
    return status >= 0 and status not in (_NO_PATH, _NO_TARGET)


class Schedule:
    """When each block of a Plan is due, and when the device may be asked.

    at_ms     when it is to be asked next, if is_idle is false
    state     UNKNOWN, ONLINE or OFFLINE
    chosen    the block that choose() has found
    holds_ms  for how long that stays so, because no other block becomes due
    reading   the block that is read, or was read last
    missed    how many readings were left out, modulo 2**30
    """

    def __init__(self, points, interval_ms, max_span, ranges, gap, is_measured):
        n = len(points)
        self.plan = plan = Plan(points, interval_ms, max_span, ranges)
        plan.make(gap)
        self._gap = gap
        self.at_ms = 0
        self.is_idle = not n
        self.started = False
        self.state = UNKNOWN
        self.chosen = 0
        self.holds_ms = 0
        self.reading = 0
        self.missed = 0
        self.swept_ms = 0  # when forget_old() was called last
        self._missed_ms = None  # when a reading was missed last
        # Of each block, at its first place: when it is due, and whether it is not due at all.
        self._due_ms = array("i", [0] * n)
        self._is_off = bytearray(n)
        for k in range(plan.count):
            self._is_off[plan.starts[k]] = plan.block_interval(k) == ON_DEMAND
        self._ready_ms = 0  # when the device may be asked again
        self._failures = 0  # in a row
        self._failed_ms = 0  # when the first of them began
        self._probe_ms = 0  # the interval between requests while it does not answer
        self._measurements = _MEASURED if is_measured else 0
        self._waited_ms = 0  # how long it took to answer, all measurements together

    def start(self, now_ms):
        """Polling begins: everything is due."""
        self.started = True
        self.swept_ms = self._ready_ms = now_ms
        k = self.plan.count
        while k:
            k -= 1
            self._due_ms[self.plan.starts[k]] = now_ms

    def want(self, k, now_ms):
        """Have block k read as soon as possible."""
        self._set_due(k, now_ms)
        self.update(False)

    def _set_due(self, k, time_ms):
        place = self.plan.starts[k]
        self._due_ms[place] = time_ms
        self._is_off[place] = 0

    def update(self, has_writes):
        """Note when it is to be asked next. has_writes: as soon as it may be."""
        self.is_idle = False
        self.at_ms = self._ready_ms
        if not self.started or has_writes:
            return
        self.is_idle = True
        k = self.plan.count
        while k:
            k -= 1
            self._note_due(self.plan.starts[k])
        if passed(self._ready_ms, self.at_ms) > 0:
            self.at_ms = self._ready_ms

    def _note_due(self, place):
        """Take the block that begins at this place into account, see update()."""
        if self._is_off[place]:
            return
        due_ms = self._due_ms[place]
        if self.is_idle or passed(self.at_ms, due_ms) > 0:
            self.at_ms = due_ms
        self.is_idle = False

    def choose(self, now_ms):
        """Choose the block to be read now, of those that are due the one with the first deadline.

        Returns for how long its deadline has passed, less than 0 before that; None: none is due.
        """
        latest = None
        self.holds_ms = _NEVER_MS
        k = self.plan.count
        while k:
            k -= 1
            late_ms = self._late_ms(k, now_ms)
            if late_ms is not None and (latest is None or late_ms > latest):
                latest = late_ms
                self.chosen = k
        return latest

    def _late_ms(self, k, now_ms):
        """Return for how long the deadline of block k has passed, None if it is not due."""
        place = self.plan.starts[k]
        if self._is_off[place]:
            return None
        late_ms = passed(now_ms, self._due_ms[place])
        if late_ms < 0:
            self.holds_ms = min(self.holds_ms, -late_ms)
            return None
        k = self.plan.block_interval(k)
        return late_ms - k if k > 0 else late_ms

    def due_for_ms(self, now_ms):
        """Return for how long the block that was chosen has been due."""
        return passed(now_ms, self._due_ms[self.plan.starts[self.chosen]])

    def begin_read(self, now_ms):
        """The block that was chosen is read now: note when it is due again."""
        self.reading = self.chosen
        interval_ms = self.plan.block_interval(self.reading)
        place = self.plan.starts[self.reading]
        if interval_ms <= 0:
            self._is_off[place] = 1
            return
        late_ms = passed(now_ms, self._due_ms[place])
        if late_ms >= interval_ms and self.state == ONLINE and not self._failures:
            self.missed = self.missed + late_ms // interval_ms & _LAST_COUNT
            self._missed_ms = now_ms
        self._due_ms[place] = after(now_ms, interval_ms - late_ms % interval_ms)

    def is_overloaded(self, now_ms):
        """Return whether a reading was missed lately."""
        return self._missed_ms is not None and 0 <= passed(now_ms, self._missed_ms) < _OVERLOAD_MS

    def forget_old(self, now_ms):
        """Remove times that would seem to be in the future after the clock has wrapped."""
        self.swept_ms = now_ms
        self._missed_ms = None
        if passed(now_ms, self._ready_ms) > 0:
            self._ready_ms = now_ms

    # --- a request is over

    def answered(self, now_ms, pause_ms):
        """The device has answered. Returns whether it was not online before."""
        self._failures = 0
        self._ready_ms = after(now_ms, pause_ms)
        if self.state == ONLINE:
            return False
        k = self.plan.count
        while k:
            k -= 1
            self._return(k, now_ms)
        self.state = ONLINE
        return True

    def _return(self, k, now_ms):
        """The device is online: a block that is overdue is due now, one to be read once, too."""
        interval_ms = self.plan.block_interval(k)
        if interval_ms == 0 and self.state == OFFLINE and k != self.reading:
            self._set_due(k, now_ms)
        elif interval_ms >= 0 and passed(now_ms, self._due_ms[self.plan.starts[k]]) > 0:
            self._due_ms[self.plan.starts[k]] = now_ms

    def hold(self, now_ms):
        """The device is busy: leave it alone for a while."""
        self._ready_ms = after(now_ms, _BUSY_MS)

    def failed(self, began_ms, now_ms, timeout_ms):
        """The device has not answered. Returns whether it is offline since now."""
        if not self._failures:
            self._failed_ms = began_ms
        self._failures = min(self._failures + 1, _OFFLINE_ROUNDS)
        is_lost = False
        if self.state == OFFLINE:
            self._probe_ms += _FIRST_PROBE_MS
        elif self._failures == _OFFLINE_ROUNDS and passed(now_ms, self._failed_ms) >= _OFFLINE_MS:
            is_lost = True
            self.state = OFFLINE
            self._probe_ms = _FIRST_PROBE_MS
        else:
            self._probe_ms = min(max(self.plan.interval_ms, _FIRST_PROBE_MS), _OFFLINE_MS)
        self._probe_ms = min(self._probe_ms, max(_LAST_PROBE_MS, _PROBE_SHARE * timeout_ms))
        self._ready_ms = after(now_ms, self._probe_ms)
        return is_lost

    def end_read(self, status, now_ms):
        """The block was not read: it was refused with an exception code, or not answered.

        Returns whether its points have no value: the device does not support them.
        """
        k = self.reading
        interval_ms = self.plan.block_interval(k)
        if not is_answer(status):
            if interval_ms == 0:
                self._set_due(k, now_ms)
        elif status > 3:
            if interval_ms == 0 or (interval_ms > _BUSY_MS and _ACKNOWLEDGE <= status <= _BUSY):
                self._set_due(k, after(now_ms, _BUSY_MS))
        elif status > 1 and self.plan.split(k):
            self._set_due(k, now_ms)
            self._set_due(k + 1, now_ms)
        else:
            if interval_ms != ON_DEMAND:
                self._set_due(k, after(now_ms, _UNSUPPORTED_MS))
            return True
        return False

    def measure(self, waited_ms):
        """Return how long the device takes to answer, as soon as that is known; None before."""
        if self._measurements == _MEASURED:
            return None
        self._waited_ms += waited_ms
        self._measurements += 1
        return self._waited_ms // _MEASURED if self._measurements == _MEASURED else None

    def make_plan(self, gap):
        """Merge anew. Each new block is due when the one was that had its first point.

        Returns whether blocks have other numbers since.
        """
        if gap == self._gap:
            return False
        self._gap = gap
        plan = self.plan
        for k in range(plan.count):
            first = plan.starts[k]
            for place in range(first + 1, plan.starts[k + 1]):
                self._due_ms[place] = self._due_ms[first]
                self._is_off[place] = self._is_off[first]
        plan.make(gap)
        return True
