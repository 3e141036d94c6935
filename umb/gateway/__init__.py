"""Gateway: requests to the slaves of other lines and networks, and the replies back.

It is a handler for servers of any kind, which run it along: serve(TCPServer(address, gateway)) is
enough (TCP Guide 4.2). A request waits for its line in the buffer of the connection that it came
from. On a serial line it is sent from there, and its reply is received there.
"""

from micropython import const

from .. import check
from ..client import LONGEST_MS, Client, boolean
from ..frame import WRITES, refuse
from ..server import Counters, Driver, Server
from .path import Path

_PDU = const(7)  # where in a buffer the PDU begins
_MOST_NAP_MS = const(1000)
_ITSELF = b"\x00\xff"  # slave ids that address the gateway itself (TCP Guide 4.4.2.1)
_ILLEGAL_FUNCTION = const(1)
_NO_PATH = const(10)
_NO_ANSWER = const(11)
_MOST_KEPT = const(255)  # requests that wait, or replies in a cache
_ECHO_OF_FIVE = b"\x0f\x10"  # codes whose response is the beginning of the request (AP 6.11, 6.12)


class _BroadcastLink:
    """The link that the local Server sees for a broadcast: a serial line's."""

    serial = True
    listen_only = gone = False
    peer = None

    def __init__(self):
        self.counters = Counters()


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
        boolean("answer_broadcasts", answer_broadcasts)
        self.queue = queue
        self.max_wait_ms = max_wait_ms
        self.answer_broadcasts = answer_broadcasts
        self._is_device = local is not None
        self._paths = []
        self.line_counters = []
        self._broadcast_link = _BroadcastLink()
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
        path = Path(self, line, slave_ids, timeout_ms, unit_ids, cache)
        if self._paths:
            self._paths[-1].next = path
        self._paths.append(path)
        self.line_counters.append(path.counters)

    def observe(self, line: int, observer) -> None:
        """Tell an observer, such as a umb.records.BusRecord, of all requests of a line.

        line       its number, as in line_counters
        observer   has begun(slave_id, adu, n), called with the request PDU of n bytes at adu[7],
                   and ended(status), see umb.client.status. Both run while others wait: they
                   should take little time and no memory. None: nobody is told any more
        """
        self._paths[line].observer = observer

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
        self.server.handle(adu, n, self._broadcast_link)
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
        return 5 if adu[_PDU] in _ECHO_OF_FIVE else n

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
