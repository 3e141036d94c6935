"""Path: one line of a gateway, or one network, and the requests that wait for it."""

from time import ticks_diff, ticks_ms

from micropython import const

from ..client.status import NO_CONNECTION, NO_REPLY, PENDING
from ..fast import copy
from ..frame import refuse
from ..server import LATER

_PDU = const(7)  # where in a buffer the PDU begins
_LONGEST_PDU = const(253)
_MOST_NAP_MS = const(1000)
_BUSY = const(6)
_NO_ANSWER = const(11)
_ALL_SLAVES = const(-1)  # in place of a slave id


class LineCounters:
    """What a Gateway counts of one line, see Gateway.line_counters: 16 bits each, which wrap."""

    def __init__(self):
        self.request_count = 0  # requests sent, broadcasts and retries too
        self.reply_count = 0  # replies that were handed on
        self.exception_count = 0  # exceptions of slaves among these
        self.no_reply_count = 0  # requests that nobody answered, or no connection
        self.bad_reply_count = 0  # replies that were wrong
        self.retry_count = 0
        self.busy_count = 0  # requests refused with exception 6
        self.cached_count = 0  # replies out of the cache


class _WaitingRequest:
    """A request that waits for its line."""

    def __init__(self):
        self.link = None  # the link that it was received on
        self.adu = None  # the buffer with the request
        self.n = 0  # the length of its PDU
        self.slave_id = 0  # the slave id that was asked for
        self.line_id = 0  # the slave id on the line
        self.code = 0  # its function code
        self.broadcast = False  # whether it is for all slaves
        self.lost = False  # whether a line could not send it
        self.since_ms = 0  # when it was received, or sent again
        self.tries = 0  # how many retries are left

    def make_broadcast(self, lost):
        """Make it a broadcast; lost: a line before could not send it."""
        self.line_id = 0
        self.broadcast = True
        self.lost = lost


class Path:
    """A line, or a network, which slaves are there, and the requests that wait for it."""

    def __init__(self, gateway, client, slave_ids, timeout_ms, unit_ids, cache):
        self.client = client
        self.counters = LineCounters()
        self._slave_ids = slave_ids
        self._unit_ids = unit_ids
        self.next = None  # the path that takes broadcasts on
        self.observer = None  # what Gateway.observe() was given
        self.count = 0  # how many requests wait
        self._gateway = gateway
        self._timeout_ms = timeout_ms
        self._cache = cache
        # The first `count` of these wait, in their order.
        self._waiting = [_WaitingRequest() for _ in range(gateway.queue)]
        self._begun = False  # whether the first of them is under way in the client
        # A copy of the request PDU under way: its buffer receives the reply, and retries need it.
        self._copy = bytearray(_LONGEST_PDU) if client.retries else None

    def leads_to(self, slave_id):
        """Return whether requests for this slave id go to this line."""
        if self.maps(slave_id):
            return True
        if slave_id == 0 and self.client.broadcast:
            return False  # that is a broadcast, and no slave
        if self._slave_ids is None:
            return slave_id < 248 and (slave_id > 0 or self.client.serial)
        return slave_id in self._slave_ids

    def maps(self, slave_id):
        """Return whether this slave id stands for another one."""
        return self._unit_ids is not None and slave_id in self._unit_ids

    def _line_id(self, slave_id):
        """Return which slave on the line this slave id stands for."""
        return slave_id if self._unit_ids is None else self._unit_ids.get(slave_id, slave_id)

    def put(self, adu, n, link):
        """Let a request of n bytes wait, if it may. Returns LATER, or the length of a response."""
        known = self._gateway.refusal(adu, n, link)
        if known:
            return refuse(adu, known)
        if self._cache is not None:
            known = self._cache.reply(self._line_id(adu[6]), adu, n)
            if known:
                self._count_cached()
                return known
        if self.count == len(self._waiting):
            self.counters.busy_count = self.counters.busy_count + 1 & 0xFFFF
            return refuse(adu, _BUSY)
        self._append(adu, n, link)
        return LATER

    def _count_cached(self):
        self.counters.cached_count = self.counters.cached_count + 1 & 0xFFFF

    def _append(self, adu, n, link):
        """Let a request wait. Returns the _WaitingRequest."""
        waiting = self._waiting[self.count]
        waiting.link = link
        waiting.adu = adu
        waiting.n = n
        waiting.slave_id = adu[6]
        waiting.line_id = self._line_id(adu[6])
        waiting.code = adu[_PDU]
        waiting.broadcast = False
        waiting.since_ms = ticks_ms()
        waiting.tries = self.client.retries if self._copy else 0
        self.count += 1
        return waiting

    def put_broadcast(self, adu, n, link, lost=False):
        """Let a broadcast wait for this line, or for the next one that takes it.

        lost   a line before could not send it. Returns LATER, or the length of a response.
        """
        if self.client.serial or self.client.broadcast:
            if self.count < len(self._waiting):
                self._append(adu, n, link).make_broadcast(lost)
                return LATER
            lost = True
        return self._pass_on(adu, n, link, lost)

    def _pass_on(self, adu, n, link, lost):
        """Hand a broadcast on to the next line. Returns as put_broadcast()."""
        if self.next is None:
            return self._gateway.end_broadcast(adu, n, link, lost)
        return self.next.put_broadcast(adu, n, link, lost)

    def poll(self):
        """Go on with the requests. Returns how many were answered."""
        done = 0
        if self._begun and not self.client.forwards(self._waiting[0].adu):
            done = self._end(NO_CONNECTION)  # the line was closed, and others took it again
        if self.count:
            done += self._drop()
        if self._cache is not None:
            self._cache.expire()
            done += self._answer_known()
        status = self._drive()
        return done if status == PENDING else done + self._end(status)

    def _answer_known(self):
        """Answer the requests whose reply came since they wait. Returns how many."""
        done = 0
        i = self.count if self._cache.is_new else 0
        self._cache.is_new = False
        while i > self._begun:
            i -= 1
            waiting = self._waiting[i]
            n = self._cache.reply(waiting.line_id, waiting.adu, waiting.n)
            if n:
                self._count_cached()
                self._take_out(i).link.answer(n)
                done += 1
        return done

    def _drive(self):
        """Have the client go on, with the next request if it has none. Returns the status."""
        try:
            if self._begun:
                return self.client.advance()
            if not self.client.is_free():
                return PENDING  # a Poller shares the client, and uses it
            if self._choose():
                return self._begin()
            self.client.clear()  # bytes that no request waits for would keep serve() awake
        except OSError:
            if not self.count:
                raise
            if not self._begun:
                self._keep()
            self.client.abandon()
            return NO_CONNECTION
        return PENDING

    def _drop(self):
        """Drop the requests of clients that have gone, and those that waited too long.

        Returns how many.
        """
        dropped = 0
        i = self.count
        while i:
            i -= 1
            if self._is_over(i):
                if i == 0 and self._begun:
                    self._begun = False
                    self.client.abandon()  # it listens for the reply in a buffer of its own
                self._take_out(i).link.answer(0)
                dropped += 1
        return dropped

    def _is_over(self, i):
        """Return whether no client waits for the answer to this request any more.

        Broadcasts are sent in any case: they have no answer.
        """
        waiting = self._waiting[i]
        if waiting.broadcast:
            return False
        gone = waiting.link.gone
        if i == 0 and self._begun:
            return gone and not self.client.is_sending()
        return gone or not self._is_young(waiting)

    def _is_young(self, waiting):
        """Return whether a request waits for no longer than max_wait_ms."""
        # Less than 0: so much time has passed that the clock has wrapped.
        return 0 <= ticks_diff(ticks_ms(), waiting.since_ms) <= self._gateway.max_wait_ms

    def _choose(self):
        """Move the first request that can be sent to the front. Returns whether there is one.

        Those for a slave whose late reply may still come, or whose pause is not over, wait:
        requests for other slaves are sent before them.
        """
        now_ms = ticks_ms()
        for i in range(self.count):
            waiting = self._waiting[i]
            if not self.client.pause_left_ms(waiting.line_id, now_ms):
                for k in range(i, 0, -1):
                    self._waiting[k] = self._waiting[k - 1]
                self._waiting[0] = waiting
                return True
        return False

    def _keep(self):
        """The first request is under way: keep a copy of it."""
        self._begun = True
        waiting = self._waiting[0]
        if self._copy:
            copy(self._copy, 0, waiting.adu, _PDU, waiting.n)
        if self.observer is not None and not waiting.broadcast:
            self.observer.begun(waiting.line_id, waiting.adu, waiting.n)

    def _begin(self):
        """Lend the first request's buffer to the client. Returns the status."""
        self._keep()
        self.counters.request_count = self.counters.request_count + 1 & 0xFFFF
        waiting = self._waiting[0]
        if self._cache is not None:
            line_id = _ALL_SLAVES if waiting.broadcast else waiting.line_id
            self._cache.asked(line_id, waiting.adu, waiting.n)
        timeout_ms = self._timeout_ms
        if timeout_ms is None:
            timeout_ms = self.client.timeout_ms
        waiting.adu[6] = waiting.line_id
        return self.client.forward(waiting.adu, waiting.n, timeout_ms, waiting.broadcast)

    def _end(self, status):
        """End the first request with this status. Returns how many were answered."""
        self._begun = False
        waiting = self._waiting[0]
        self._count(status, waiting)
        if waiting.broadcast:
            if status == NO_REPLY and self._is_young(waiting):
                return 0  # others kept the line busy: it is tried again
            return self._end_broadcast(status)
        if self._cache is not None:
            self._cache.answered(status, waiting.adu, self.client.response_size())
        if status >= 0:
            self._take_out(0).link.answer(self.client.response_size())
            return 1
        if not waiting.tries:
            return self._give_up()
        waiting.tries -= 1
        self.counters.retry_count = self.counters.retry_count + 1 & 0xFFFF
        waiting.since_ms = ticks_ms()
        copy(waiting.adu, _PDU, self._copy, 0, waiting.n)
        return 0

    def _count(self, status, waiting):
        """Count how a request has ended."""
        if self.observer is not None and not waiting.broadcast:
            self.observer.ended(status)
        counters = self.counters
        silent = status == NO_REPLY
        if status >= 0:
            if not waiting.broadcast:
                counters.reply_count = counters.reply_count + 1 & 0xFFFF
            if status:
                counters.exception_count = counters.exception_count + 1 & 0xFFFF
        elif silent or status == NO_CONNECTION:
            counters.no_reply_count = counters.no_reply_count + 1 & 0xFFFF
        else:
            counters.bad_reply_count = counters.bad_reply_count + 1 & 0xFFFF

    def _give_up(self):
        """Refuse the first request: its slave does not answer. Returns 1."""
        waiting = self._take_out(0)
        adu = waiting.adu
        adu[_PDU] = waiting.code
        if waiting.broadcast:
            waiting.link.answer(self._gateway.end_broadcast(adu, waiting.n, waiting.link, True))
        else:
            waiting.link.answer(refuse(adu, _NO_ANSWER))
        return 1

    def _end_broadcast(self, status):
        """The first request was a broadcast: the next line is due. Returns 1 if it is answered."""
        waiting = self._take_out(0)
        lost = waiting.lost or status < 0
        n = self._pass_on(waiting.adu, waiting.n, waiting.link, lost)
        if n == LATER:
            return 0
        waiting.link.answer(n)
        return 1 if n else 0

    def _take_out(self, i):
        """Return a request that does not wait any more, with its slave id in its buffer."""
        waiting = self._waiting[i]
        waiting.adu[6] = waiting.slave_id
        self.count -= 1
        for k in range(i, self.count):
            self._waiting[k] = self._waiting[k + 1]
        self._waiting[self.count] = waiting
        return waiting

    def nap_ms(self):
        """Return for how long one may sleep without missing anything."""
        if not self.count:
            return _MOST_NAP_MS
        if self._begun or not self.client.is_free() or not self._choose():
            return self.client.nap_ms()
        return 0

    def finish(self):
        """Give up what is under way: the frame leaves whole and the pin goes to receive."""
        if self._begun:
            self._begun = False
            if self.client.forwards(self._waiting[0].adu):
                self.client.abandon()
            self._give_up()

    def close(self):
        """Let go of the line and of all requests."""
        self.finish()
        while self.count:
            self._take_out(0).link.answer(0)
        self.client.close()
