"""Gateway: requests to the slaves of other lines and networks, and the replies back.

It is a handler for servers of any kind, which run it along: serve(TCPServer(address, gateway)) is
enough (TCP Guide 4.2). A request waits for its line in the buffer of the connection that it came
from. On a serial line it is sent from there, and its reply is received there.
"""

from time import ticks_diff, ticks_ms

from micropython import const

from .. import check
from ..client import LONGEST_MS, NO_CONNECTION, NO_REPLY, PENDING, Client
from ..fast import copy
from ..frame import WRITES, refuse
from ..server import LATER, Counters, Driver, Server

_PDU = const(7)  # where in a buffer the PDU begins
_LONGEST_PDU = const(253)
_MOST_NAP_MS = const(1000)
_ITSELF = b"\x00\xff"  # slave ids that address the gateway itself (TCP Guide 4.4.2.1)
_BUSY = const(6)
_ILLEGAL_FUNCTION = const(1)
_NO_PATH = const(10)
_NO_ANSWER = const(11)
_MOST_KEPT = const(255)  # requests that wait, or replies in a cache
_EVERYBODY = const(-1)  # in place of a slave id
_FIRST_FIVE = b"\x0f\x10"  # codes whose response is the beginning of the request (AP 6.11, 6.12)


class _Bus:
    """The link that the local Server sees for a broadcast: a serial line's."""

    serial = True
    listen_only = gone = False
    peer = None

    def __init__(self):
        self.counters = Counters()


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


class _Waiting:
    """A request that waits for its line."""

    def __init__(self):
        self.link = None  # the link that it was received on
        self.adu = None  # the buffer with the request
        self.n = 0  # the length of its PDU
        self.slave_id = 0  # the slave id that was asked for
        self.line_id = 0  # the slave id on the line
        self.code = 0  # its function code
        self.everybody = False  # whether it is a broadcast
        self.lost = False  # whether a line could not send it
        self.since_ms = 0  # when it was received, or sent again
        self.tries = 0  # how many retries are left

    def be_broadcast(self, lost):
        """It is for everybody. lost: a line before could not send it."""
        self.line_id = 0
        self.everybody = True
        self.lost = lost


class _Path:
    """A line, or a network, which slaves are there, and the requests that wait for it."""

    def __init__(self, gateway, client, slave_ids, timeout_ms, unit_ids, cache):
        self.client = client
        self.counters = LineCounters()
        self._slave_ids = slave_ids
        self._unit_ids = unit_ids
        self.next = None  # the path that takes broadcasts on
        self.count = 0  # how many requests wait
        self._gateway = gateway
        self._timeout_ms = timeout_ms
        self._cache = cache
        self._waiting = [_Waiting() for _ in range(gateway.queue)]  # `count` requests, in order
        self._begun = False  # the client has the first one
        # Of the request that the client has, for retries.
        self._copy = bytearray(_LONGEST_PDU) if client.retries else None

    def leads_to(self, slave_id):
        """Return whether requests for this slave id go to this line."""
        if self.maps(slave_id):
            return True
        if slave_id == 0 and self.client.broadcast:
            return False  # that is everybody, and nobody alone
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
        """Let a request wait. Returns the _Waiting."""
        waiting = self._waiting[self.count]
        waiting.link = link
        waiting.adu = adu
        waiting.n = n
        waiting.slave_id = adu[6]
        waiting.line_id = self._line_id(adu[6])
        waiting.code = adu[_PDU]
        waiting.everybody = False
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
                self._append(adu, n, link).be_broadcast(lost)
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
                return PENDING  # a Poller shares it
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
        if waiting.everybody:
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
        if self._copy:
            waiting = self._waiting[0]
            copy(self._copy, 0, waiting.adu, _PDU, waiting.n)

    def _begin(self):
        """Lend the first request's buffer to the client. Returns the status."""
        self._keep()
        self.counters.request_count = self.counters.request_count + 1 & 0xFFFF
        waiting = self._waiting[0]
        if self._cache is not None:
            line_id = _EVERYBODY if waiting.everybody else waiting.line_id
            self._cache.asked(line_id, waiting.adu, waiting.n)
        timeout_ms = self._timeout_ms
        if timeout_ms is None:
            timeout_ms = self.client.timeout_ms
        waiting.adu[6] = waiting.line_id
        return self.client.forward(waiting.adu, waiting.n, timeout_ms, waiting.everybody)

    def _end(self, status):
        """End the first request with this status. Returns how many were answered."""
        self._begun = False
        waiting = self._waiting[0]
        self._count(status, waiting)
        if waiting.everybody:
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
        counters = self.counters
        silent = status == NO_REPLY
        if status >= 0:
            if not waiting.everybody:
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
        if waiting.everybody:
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


class Gateway(Driver):
    """Passes requests on to the slaves of serial lines, and of servers in networks.

    line         an RTUClient, or a TCPClient or UDPClient: one connection for all who ask. Its
                 retries and pauses hold here too
    slave_ids    which slaves are there, anything that `in` works on; None: all of 1..247.
                 248..255 can be among them, and 0 if the line has broadcast=False
    timeout_ms   how long a slave has for its reply; None: as the line has it
    local        a Server for slave ids that are served here, even while the line is busy; 255 is
                 its first device, unless unit_ids has it
    unit_ids     {slave id that is asked for: slave id on the line}, such as {255: 1}, besides
                 slave_ids, which are the same there
    cache_ms     a read (FC 1 to 4) is answered again from its last reply, if that is younger and
                 nothing was written to the slave through the gateway since; 0: never
    cached       how many replies are kept for that, 260 bytes each
    max_wait_ms  a request that has not been sent after so long is dropped: whoever asked has given
                 up by then. Broadcasts are sent in any case, unless others keep the line busy for
                 so long
    queue        how many requests may wait for a line; a further one is refused with exception 6
    permit       permit(slave_id, function_code, address, quantity, link) returns whether a request
                 may be passed on; else it gets exception 1. It is asked about what is not served
                 here, as a Server asks its own: see umb.server.Server. None: all may
    answer_broadcasts   whether who broadcasts from a network is answered once every line has
                 sent it: as a slave would, or with exception 11 if a line could not

    A reply is handed on if its slave id, function code and length fit the request, and what it has
    to repeat of it. Exceptions of slaves are handed on with whatever code. The gateway's own
    exceptions are 10 for a slave id that nobody has, and 11 if a slave gives no answer, or no
    valid one (AP 7). A write to slave id 0 is a broadcast: it is carried out here, on every serial
    line, and behind every server whose client has broadcast=True, and answered by nobody.

    Requests of one slave are sent in the order in which they came. Those of clients that have gone
    are dropped at once. What umb.client.late.LateReplies promises holds here, too; while a late
    reply is waited for, other slaves are asked. `line_counters` has the LineCounters of each line,
    in the order in which they were added. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        line,
        slave_ids=None,
        timeout_ms=None,
        local=None,
        *,
        unit_ids=None,
        cache_ms=0,
        cached=8,
        max_wait_ms=5000,
        queue=8,
        answer_broadcasts=False,
        permit=None,
    ):
        super().__init__(Server(None, ()) if local is None else local)
        check.function("permit", permit)
        check.integer("queue", queue, 1, _MOST_KEPT)
        check.integer("max_wait_ms", max_wait_ms, 1, LONGEST_MS)
        check.boolean("answer_broadcasts", answer_broadcasts)
        self.queue = queue
        self.max_wait_ms = max_wait_ms
        self.answer_broadcasts = answer_broadcasts
        self._is_device = local is not None
        self._paths = []
        self.line_counters = []
        self._bus = _Bus()
        self._permit = None
        if permit is not None:
            from ..server.permit import Permit

            self._permit = Permit(permit, self.server)
        self.add(line, slave_ids, timeout_ms, unit_ids=unit_ids, cache_ms=cache_ms, cached=cached)

    def waiting(self) -> int:
        """Return how many requests wait for an answer, those under way among them."""
        return sum(path.count for path in self._paths)

    def add(self, line, slave_ids=None, timeout_ms=None, *, unit_ids=None, cache_ms=0, cached=8):
        """One more line. A slave id goes to the first line that has it.

        Raises ValueError for an argument of the wrong kind.
        """
        if not isinstance(line, Client):
            raise check.wrong("line", line, "an RTUClient, a TCPClient or a UDPClient")
        if timeout_ms is not None:
            check.integer("timeout_ms", timeout_ms, 1, LONGEST_MS)
        check.integer("cache_ms", cache_ms, 0, LONGEST_MS)
        check.integer("cached", cached, 1, _MOST_KEPT)
        try:
            for slave_id in () if slave_ids is None else slave_ids:
                check.integer("slave_id", slave_id, 0, 255)
        except TypeError:
            raise check.wrong("slave_ids", slave_ids, "a list, a range or None")
        if unit_ids is not None:
            from .unit_ids import check_unit_ids

            check_unit_ids(unit_ids, line)
        if line.serial:
            self.lines += 1
        else:
            from ..client.forward import Forwarder

            line = Forwarder(line)
        cache = None
        if cache_ms:
            from .cache import Cache

            cache = Cache(cache_ms, cached)
        path = _Path(self, line, slave_ids, timeout_ms, unit_ids, cache)
        if self._paths:
            self._paths[-1].next = path
        self._paths.append(path)
        self.line_counters.append(path.counters)

    def serves(self, slave_id):
        """Return whether there is a device with this slave id, here or on a line."""
        return self.server.serves(slave_id) or self._path(slave_id) is not None

    def _path(self, slave_id):
        for path in self._paths:
            if path.leads_to(slave_id):
                return path
        return None

    def _is_served_here(self, slave_id, path):
        """Return whether the local Server answers; path: the line that this slave id leads to."""
        if self.server.serves(slave_id):
            return True
        if not (self._is_device and slave_id in _ITSELF):
            return False
        return path is None or not path.maps(slave_id)

    def handle(self, adu, n, link):
        """Answer the request here, or let it wait for its line. See umb.server.Server.handle()."""
        slave_id = adu[6]
        if adu[_PDU] >= 0x80:  # no request; on a serial line it is another slave's exception
            return 0 if link.serial else refuse(adu, _ILLEGAL_FUNCTION)
        path = self._path(slave_id)
        if slave_id == 0 and adu[_PDU] in WRITES and (link.serial or path is None):  # SL 2.1
            return self._broadcast(adu, n, link)
        if self._is_served_here(slave_id, path):
            return self.server.handle(adu, n, link)
        if path is not None:
            return path.put(adu, n, link)
        return 0 if link.serial else refuse(adu, _NO_PATH)

    def _broadcast(self, adu, n, link):
        """Carry out a broadcast here, and let it wait for its lines, if it may."""
        exception_code = self.refusal(adu, n, link)
        if exception_code:
            silent = link.serial or not self.answer_broadcasts
            return 0 if silent else refuse(adu, exception_code)
        self.server.handle(adu, n, self._bus)
        return self._paths[0].put_broadcast(adu, n, link)

    def refusal(self, adu, n, link):
        """Return the exception code for a request that may not be passed on, 0 if it may."""
        return 0 if self._permit is None else self._permit.refusal(adu, n, link)

    def end_broadcast(self, adu, n, link, lost):
        """For its lines: all have had the broadcast of n bytes. Returns the response's length.

        lost   not all of them could send it
        """
        if link.serial or not self.answer_broadcasts:
            return 0
        if lost:
            return refuse(adu, _NO_ANSWER)
        return 5 if adu[_PDU] in _FIRST_FIVE else n

    def poll(self, wait_ms=0):
        """Go on with what waits; with wait_ms, sleep that long at most until something comes.

        Returns how many requests were answered.
        """
        if wait_ms:
            self._paths[0].client.sleep(min(wait_ms, self.nap_ms()))
        done = 0
        for path in self._paths:
            done += path.poll()
        return done

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        for path in self._paths:
            path.client.watch(poller)

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        nap_ms = _MOST_NAP_MS
        for path in self._paths:
            nap_ms = min(nap_ms, path.nap_ms())
        return nap_ms

    def finish(self):
        """Leave every line clean: what is being sent leaves, who waits for its reply gets 11."""
        for path in self._paths:
            path.finish()

    def server_close(self):
        """Set all direction pins to receive, and drop the requests that wait."""
        for path in self._paths:
            path.close()
