"""Late replies: which slaves may still answer a request that nobody waits for any more.

Frames on a serial line have no transaction ids. A reply that comes after its time-out has the form
of a reply to the next request, and nothing in it tells which of the two it belongs to.
"""

from time import ticks_add, ticks_diff

from micropython import const

_PLACES = const(6)  # how many slaves can be late at the same time, each on its own account
_INEXACT_MS = const(10)  # by so much times may be off, on either side
_TIMEOUT_MOST_MS = const(1 << 27)  # of a time-out; ticks wrap at 1 << 30
_MANY = const(255)
_SEVERAL = const(-1)  # in place of a question: there was more than one
_OTHERS = const(0)  # in place of a slave id: all slaves without a place of their own


class LateReplies:
    """Keeps account of the replies that may still come on one serial line.

    A slave may answer a request until three time-outs have passed, counted from the end of the
    request. Until then

    * a slave that answers as a rule is not asked again before its late reply has come, and then
      one more time-out has passed, as it may repeat itself;
    * any other slave is asked at once. If it answers, that may be the late reply, and does not
      count, unless it was asked the same each time;
    * a request whose caller did not wait for the reply keeps the line until that has come, or its
      time-out has passed.

    So a reply that counts belongs to its request. Slaves that answer in time are never waited for,
    nor are those that never answer. Of a slave that stops answering, the first request costs three
    time-outs and every further one costs one.

    question   a number that two requests have in common if they are the same
    """

    def __init__(self):
        self._answers = bytearray(32)  # a bit for each slave: whether it answers as a rule
        self._places = 0  # how many of these places are taken:
        self._slave_ids = bytearray(_PLACES)
        self._replies = bytearray(_PLACES)  # how many may still come
        self._questions = [0] * _PLACES  # which request they would answer
        self._until_ms = [0] * _PLACES  # when they have come, if they come at all
        self._timeouts_ms = [0] * _PLACES  # as the request had it
        self._abandoned_id = None  # whose reply nobody waited for
        self._abandoned_until_ms = 0  # until when it would have been waited for
        self._abandoned_timeout_ms = 0

    def pending(self):
        """Return whether any reply may still come."""
        return self._places > 0 or self._abandoned_id is not None

    def wait_ms(self, slave_id, now_ms):
        """Return for how long a request to this slave has to wait; 0: it can be sent."""
        wait_ms = 0
        if self._abandoned_id is not None:
            wait_ms = ticks_diff(self._abandoned_until_ms, now_ms)
            if not 0 < wait_ms <= self._abandoned_timeout_ms:  # the clock wraps
                self._abandoned_id = None
                wait_ms = 0
        if self._places:
            self._forget_past(now_ms)
            i = self._find(slave_id)
            if i >= 0 and self._answers[slave_id >> 3] >> (slave_id & 7) & 1:
                wait_ms = max(wait_ms, ticks_diff(self._until_ms[i], now_ms))
        return wait_ms

    def is_doubtful(self, slave_id, question, now_ms):
        """Return whether a reply of this slave may belong to another request."""
        if not self._places:
            return False
        self._forget_past(now_ms)
        i = self._find(slave_id)
        return i >= 0 and self._replies[i] > 0 and self._questions[i] != question

    def answered(self, slave_id, question, deadline_ms, timeout_ms):
        """Note that this slave answered a request, whose time-out would have ended then."""
        self._answers[slave_id >> 3] |= 1 << (slave_id & 7)
        if not self._places:
            return
        i = self._find(slave_id)
        if i >= 0 and self._replies[i]:
            # It may have answered an earlier request: then the reply to this one is to come.
            self._replies[i] -= 1
            self.expect(slave_id, 1, question, deadline_ms, timeout_ms)

    def abandoned(self, slave_id, replies, question, deadline_ms, timeout_ms):
        """Note that nobody waits any more for so many frames that this slave is to send.

        0: it was a broadcast, which takes its time until the deadline.
        """
        self._abandoned_id = slave_id
        self._abandoned_until_ms = deadline_ms
        self._abandoned_timeout_ms = timeout_ms
        if replies:
            self.expect(slave_id, replies, question, deadline_ms, timeout_ms)

    def heard(self, slave_id, now_ms):
        """Note that a frame of this slave came which answers no request under way."""
        if slave_id == _OTHERS:
            return
        self._answers[slave_id >> 3] |= 1 << (slave_id & 7)
        i = self._find(slave_id)
        if i < 0 or self._slave_ids[i] == _OTHERS or not self._replies[i]:
            return
        self._replies[i] -= 1
        if self._replies[i]:
            return
        if slave_id == self._abandoned_id:
            self._abandoned_id = None
        timeout_ms = self._timeouts_ms[i]
        left_ms = ticks_diff(self._until_ms[i], now_ms)
        if left_ms > 2 * timeout_ms + _INEXACT_MS:  # it was in time, only that nobody waited
            self._drop(i)
        else:
            self._until_ms[i] = ticks_add(now_ms, timeout_ms)

    def _find(self, slave_id):
        """Return the place that tells of this slave, or -1."""
        others = -1
        for i in range(self._places):
            if self._slave_ids[i] == slave_id:
                return i
            if self._slave_ids[i] == _OTHERS:
                others = i
        return others

    def expect(self, slave_id, replies, question, deadline_ms, timeout_ms):
        """Note that so many more replies of this slave may come, as their time-out ended then."""
        timeout_ms = min(timeout_ms, _TIMEOUT_MOST_MS)
        until_ms = ticks_add(deadline_ms, 2 * timeout_ms + _INEXACT_MS)
        i = self._find(slave_id)
        if i < 0 and self._places < _PLACES:
            i = self._places
            self._places += 1
            self._slave_ids[i] = slave_id
            self._replies[i] = 0
        elif i < 0:  # one place has to do for several slaves
            i = _PLACES - 1
            self._slave_ids[i] = _OTHERS
        if not self._replies[i]:
            self._questions[i] = question
            self._until_ms[i] = until_ms
            self._timeouts_ms[i] = timeout_ms
        elif self._questions[i] != question or self._slave_ids[i] == _OTHERS:
            self._questions[i] = _SEVERAL
        self._replies[i] = min(self._replies[i] + replies, _MANY)
        if ticks_diff(until_ms, self._until_ms[i]) > 0:
            self._until_ms[i] = until_ms
        self._timeouts_ms[i] = max(self._timeouts_ms[i], timeout_ms)

    def _forget_past(self, now_ms):
        """Give up the places of those whose time is over."""
        i = 0
        while i < self._places:
            left_ms = ticks_diff(self._until_ms[i], now_ms)
            if 0 < left_ms <= 3 * self._timeouts_ms[i] + _INEXACT_MS:  # the clock wraps
                i += 1
                continue
            if self._replies[i]:  # they never came
                slave_id = self._slave_ids[i]
                self._answers[slave_id >> 3] &= ~(1 << (slave_id & 7))
            self._drop(i)

    def _drop(self, i):
        """Give up a place. The last one takes it over."""
        last = self._places - 1
        self._places = last
        self._slave_ids[i] = self._slave_ids[last]
        self._replies[i] = self._replies[last]
        self._questions[i] = self._questions[last]
        self._until_ms[i] = self._until_ms[last]
        self._timeouts_ms[i] = self._timeouts_ms[last]
