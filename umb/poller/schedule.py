"""Schedule: when a device is to be asked, and what for."""

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
_NEVER_MS = const((1 << 29) - 1)  # more than any interval
_NONE = const(-1)  # in place of a block
# What look() does with each block, the more the higher:
_OVERDUE = const(1)  # the device is online: if it is overdue, it is due since now
_BACK_ONLINE = const(2)  # and again: what is read once is due, too
_BEGIN = const(3)  # polling begins: it is due since now
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

    state     UNKNOWN, ONLINE or OFFLINE
    ready_ms  when the device may be asked again
    chosen    the block that look() has found to be read first, less than 0: none is due
    next_ms   when another one becomes due that may have to be read first, if has_next is true
    reading   the block that is read, or was read last; its places end before reading_end
    missed    how many readings were left out, modulo 2**30
    """

    def __init__(self, points, interval_ms, max_span, ranges, gap, is_measured, now_ms):
        self.plan = plan = Plan(points, interval_ms, max_span, ranges)
        plan.begin(gap)
        while plan.is_open:
            plan.go_on()
        self._gap = gap
        self.state = UNKNOWN
        self.ready_ms = now_ms
        self.chosen = _NONE
        self.next_ms = 0
        self.has_next = False
        self.reading = self.reading_end = 0
        self.missed = 0
        self.swept_ms = now_ms  # when all values were looked at last, see Device.forget_old()
        self._missed_ms = None  # when a reading was missed last
        self._is_known = False  # whether look() has looked at all blocks as they are
        self._place = 0  # the block that it looks at next
        self._look_ms = 0  # the time for which it does so
        self._late_ms = 0  # for how long the deadline of the chosen block had passed then
        self._wait_ms = 0  # for how long from then on nothing becomes due
        self._renewal = _BEGIN  # what look() does with blocks on its way
        self._failures = 0  # in a row
        self._failed_ms = 0  # when the first of them began
        self._probe_ms = 0  # the interval between requests while it does not answer
        self._measurements = _MEASURED if is_measured else 0
        self._waited_ms = 0  # how long it took to answer, all measurements together

    # --- what is due

    def want(self, b, now_ms):
        """Have block b read as soon as possible."""
        self.plan.due_ms[b] = now_ms
        self.plan.is_off[b] = 0
        self.look_again()

    def look_again(self):
        """Note that what look() has found does not hold any more."""
        self._is_known = False
        self._place = 0

    def is_known(self, now_ms):
        """Return whether `chosen` is the block to be read first, if one is due."""
        return self._is_known and not (self.has_next and passed(now_ms, self.next_ms) >= 0)

    def look(self, now_ms, most):
        """Look for the block to be read first, the due one with the first deadline.

        Looks at so many blocks at most. Returns how many are left of these. Unless it is_known()
        then, the next call goes on.
        """
        if not self._place:
            self._look_ms = now_ms
            self._is_known = False
            self.chosen = _NONE
            self._late_ms = -_NEVER_MS
            self._wait_ms = _NEVER_MS
        most = self._look_at(self._place, most)
        if self._place == len(self.plan.order):
            self._found()
        return most

    def _look_at(self, b, most):
        """Compare so many blocks, from block b on, with the one that was chosen so far.

        Returns how many of these are left.
        """
        plan = self.plan
        while most > 0 and b < len(plan.order):
            if self._renewal:
                self._renew(b)
                most -= 1  # this takes as long again
            if not plan.is_off[b]:
                late_ms = passed(self._look_ms, plan.due_ms[b])
                if late_ms >= 0:
                    late_ms -= plan.intervals[b]
                    if late_ms > self._late_ms:
                        self.chosen = b
                        self._late_ms = late_ms
                elif -late_ms < self._wait_ms:
                    self._wait_ms = -late_ms
            b = plan.ends[b]
            most -= 1
        self._place = b
        return most

    def _found(self):
        """All blocks were looked at."""
        self._is_known = True
        self._place = 0
        self._renewal = 0
        self.next_ms = after(self._look_ms, self._wait_ms)
        # What becomes due has its deadline an interval later; the first place has the shortest.
        shortest_ms = max(0, self.plan.intervals[0])
        self.has_next = self._wait_ms < _NEVER_MS and (
            self.chosen < 0 or self._wait_ms + shortest_ms < -self._late_ms
        )

    def _renew(self, b):
        """The device is online since now, or polling begins: see what that means for block b."""
        plan = self.plan
        interval_ms = plan.intervals[b]
        is_once_more = interval_ms == 0 and self._renewal == _BACK_ONLINE and b != self.reading
        if is_once_more:
            plan.is_off[b] = 0
        if (
            is_once_more
            or self._renewal == _BEGIN
            or (interval_ms >= 0 and passed(self._look_ms, plan.due_ms[b]) > 0)
        ):
            plan.due_ms[b] = self._look_ms

    def wait_ms(self, now_ms, has_writes):
        """Return for how long the device need not be asked, nor looked at."""
        wait_ms = max(0, passed(self.ready_ms, now_ms))
        if has_writes or not self.is_known(now_ms) or self.chosen >= 0:
            return wait_ms
        if not self.has_next:
            return _NEVER_MS
        return max(wait_ms, passed(self.next_ms, now_ms))

    def late_ms(self, now_ms):
        """Return for how long the deadline of the chosen block has passed, below 0 before it."""
        return self.due_for_ms(now_ms) - max(0, self.plan.intervals[self.chosen])

    def due_for_ms(self, now_ms):
        """Return for how long the chosen block has been due."""
        return passed(now_ms, self.plan.due_ms[self.chosen])

    def begin_read(self, now_ms):
        """The chosen block is read now: note when it is due again."""
        plan = self.plan
        b = self.reading = self.chosen
        self.reading_end = plan.ends[b]
        self.look_again()
        interval_ms = plan.intervals[b]
        if interval_ms <= 0:
            plan.is_off[b] = 1
            return
        late_ms = passed(now_ms, plan.due_ms[b])
        if late_ms >= interval_ms and self.state == ONLINE and not self._failures:
            self.missed = self.missed + late_ms // interval_ms & _LAST_COUNT
            self._missed_ms = now_ms
        plan.due_ms[b] = after(now_ms, interval_ms - late_ms % interval_ms)

    def is_overloaded(self, now_ms):
        """Return whether a reading was missed lately."""
        return self._missed_ms is not None and 0 <= passed(now_ms, self._missed_ms) < _OVERLOAD_MS

    def forget_old(self, now_ms):
        """Remove times that would seem to be in the future after the clock has wrapped."""
        self.swept_ms = now_ms
        self._missed_ms = None
        if passed(now_ms, self.ready_ms) > 0:
            self.ready_ms = now_ms

    # --- a request is over

    def answered(self, now_ms, pause_ms):
        """The device has answered. Returns whether it was not online before."""
        self._failures = 0
        self.ready_ms = after(now_ms, pause_ms)
        if self.state == ONLINE:
            return False
        self._renewal = _BACK_ONLINE if self.state == OFFLINE else max(self._renewal, _OVERDUE)
        self.look_again()
        self.state = ONLINE
        return True

    def hold(self, now_ms):
        """The device is busy: leave it alone for a while."""
        self.ready_ms = after(now_ms, _BUSY_MS)

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
        self.ready_ms = after(now_ms, self._probe_ms)
        return is_lost

    def end_read(self, status, now_ms):
        """The block was not read: it was refused with an exception code, or not answered.

        Returns whether its points have no value: the device does not support them. If the plan
        is_open then, that is to be found out.
        """
        b = self.reading
        interval_ms = self.plan.intervals[b]
        if not is_answer(status):
            if interval_ms == 0:
                self.want(b, now_ms)
        elif status > 3:
            if interval_ms == 0 or (interval_ms > _BUSY_MS and _ACKNOWLEDGE <= status <= _BUSY):
                self.want(b, after(now_ms, _BUSY_MS))
        elif status > 1 and self.reading_end > b + 1:
            self.want(b, now_ms)
            self.plan.begin_split(b)
        else:
            self.refuse(now_ms)
            return True
        return False

    def refuse(self, now_ms):
        """The device does not support the block that was read: try it again later."""
        b = self.reading
        if self.plan.intervals[b] == ON_DEMAND:
            self.plan.is_off[b] = 1
        else:
            self.want(b, after(now_ms, _UNSUPPORTED_MS))

    def measure(self, waited_ms):
        """Return how long the device takes to answer, as soon as that is known; None before."""
        if self._measurements == _MEASURED:
            return None
        self._waited_ms += waited_ms
        self._measurements += 1
        return self._waited_ms // _MEASURED if self._measurements == _MEASURED else None

    def begin_plan(self, gap):
        """Set out to merge anew, across gaps of so many registers. Returns whether that differs.

        A new block will be due when the first of its points was.
        """
        if gap == self._gap:
            return False
        self._gap = gap
        self.plan.begin(gap)
        return True
