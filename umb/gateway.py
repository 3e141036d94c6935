"""Gateway: requests from networks to serial lines, and the answers back (TCP Guide 4.2).

It is a handler for servers and a driver for serve(): requests wait in line for their serial line,
each in the buffer of the connection that it came from. They are sent from there, and the answer
is received there.
"""

from time import ticks_diff, ticks_ms

from .client import NO_REPLY, PENDING
from .crc import copy
from .pdu import refuse
from .server import LATER, Counters, Driver, Server

_BUSY = 6
_NO_PATH = 10
_NO_ANSWER = 11


class _Bus:
    """The link that the local Server sees for a broadcast: a serial line's."""

    serial = True
    listen_only = False

    def __init__(self):
        self.counters = Counters()


class _Path:
    """A serial line, who is on it, and the requests that wait for it."""

    def __init__(self, client, slave_ids, queue, patience_ms):
        self.client = client
        self.slave_ids = slave_ids
        self.after = None  # the path that takes broadcasts on
        self.count = 0  # of requests; the first of them is under way
        self._patience_ms = patience_ms
        self._first = 0
        self._links = [None] * queue  # a ring: who asked,
        self._adus = [None] * queue  # the request,
        self._sizes = [0] * queue  # its length,
        self._since_ms = [0] * queue  # and when it came
        self._views = {}  # of each link's buffer: from 6 and from 10 on
        self._begun = False
        self._slave_id = self._code = 0
        self._tries = 0
        self._kept = bytearray(253) if client.retries else None  # the request, to ask again

    def put(self, adu, n, link):
        """Let a request of n bytes wait its turn. Returns LATER, or the refusal's length."""
        size = len(self._links)
        if self.count == size:
            return refuse(adu, _BUSY)
        i = (self._first + self.count) % size
        self._links[i] = link
        self._adus[i] = adu
        self._sizes[i] = n
        self._since_ms[i] = ticks_ms()
        self.count += 1
        return LATER

    def poll(self):
        """Go on with the first request. Returns how many were answered."""
        if not self.count:
            return 0
        try:
            status = self.client.advance() if self._begun else self._begin()
        except OSError:
            status = NO_REPLY
        if status == PENDING:
            return 0
        return self._end(status)

    def _begin(self):
        i = self._first
        link = self._links[i]
        waited_ms = ticks_diff(ticks_ms(), self._since_ms[i])
        self._begun = True
        if link.gone or waited_ms > self._patience_ms:
            self._finish(0)  # nobody waits for it any more
            return PENDING
        adu = self._adus[i]
        if link not in self._views:
            self._views[link] = (adu, memoryview(adu)[6:], memoryview(adu)[10:])
        views = self._views[link]
        self.client.lend(adu, views[1], views[2])
        self._slave_id = adu[6]
        self._code = adu[7]
        self._tries = self.client.retries
        if self._kept:
            copy(self._kept, 0, adu, 7, self._sizes[i])
        return self.client.forward(self._sizes[i])

    def _end(self, status):
        i = self._first
        adu = self._adus[i]
        if status == 0:
            n = self.client.response_size()
            if n == 0 and self.after is not None:
                return self._pass_on(adu)
            if n == 0 or adu[7] & 0x7F == self._code:
                return self._finish(n)
        adu[6] = self._slave_id
        if self._tries:
            self._tries -= 1
            copy(adu, 7, self._kept, 0, self._sizes[i])
            return 0 if self.client.forward(self._sizes[i]) == PENDING else self._finish(0)
        adu[7] = self._code
        return self._finish(refuse(adu, _NO_ANSWER))

    def _finish(self, n):
        """Answer the first request with n bytes and let the next one go."""
        self._remove().answer(n)
        return 1

    def _pass_on(self, adu):
        """The first request was a broadcast: the next line's turn."""
        n = self._sizes[self._first]
        link = self._remove()
        if self.after.put(adu, n, link) != LATER:
            link.answer(0)
        return 0

    def _remove(self):
        """Take the first request out of the ring. Returns its link."""
        i = self._first
        link = self._links[i]
        self._links[i] = self._adus[i] = None
        self._first = (i + 1) % len(self._links)
        self.count -= 1
        self._begun = False
        return link


class Gateway(Driver):
    """Passes requests on to the slaves of serial lines.

    line         an RTUClient; its retries hold here too
    slave_ids    who is on that line, anything that `in` works on; None: everybody
    timeout_ms   how long a slave has for its answer; None: as the line has it
    local        a Server for slave ids that are served here, even while the line is busy; 255 is
                 its first device
    patience_ms  a request that waited longer is dropped: whoever asked has given up by then
    queue        how many requests may wait for a line; a further one is refused with exception 6

    Exceptions: 10 for a slave id that nobody has, 11 when a slave does not answer; those of slaves
    are passed on. Slave id 0 is a broadcast: done here and on every line, answered by nobody.
    """

    def __init__(
        self, line, slave_ids=None, timeout_ms=None, local=None, *, patience_ms=5000, queue=8
    ):
        super().__init__(Server(None, ()) if local is None else local)
        self._paths = []
        self._queue = queue
        self._patience_ms = patience_ms
        self._bus = _Bus()
        self.add(line, slave_ids, timeout_ms)

    def add(self, line, slave_ids=None, timeout_ms=None):
        """One more line. A slave id goes to the first line that has it."""
        if timeout_ms is not None:
            line.timeout_ms = timeout_ms
        path = _Path(line, slave_ids, self._queue, self._patience_ms)
        if self._paths:
            self._paths[-1].after = path
            line.line.share(self.poller)
        self._paths.append(path)

    @property
    def poller(self):
        return self._paths[0].client.line.poller

    def serves(self, slave_id):
        """Is there a device with this slave id, here or on a line?"""
        return self.handler.serves(slave_id) or self._path(slave_id) is not None

    def _path(self, slave_id):
        for path in self._paths:
            if path.slave_ids is None or slave_id in path.slave_ids:
                return path
        return None

    def handle(self, adu, n, link):
        """Answer the request here, or let it wait for its line. See umb.server.Server.handle."""
        slave_id = adu[6]
        if slave_id == 0:
            return self._broadcast(adu, n, link)
        if slave_id == 255 or self.handler.serves(slave_id):
            return self.handler.handle(adu, n, link)
        path = self._path(slave_id)
        return refuse(adu, _NO_PATH) if path is None else path.put(adu, n, link)

    def _broadcast(self, adu, n, link):
        """Do a write here and on every line, silently (SL 2.1). A read is the first device's."""
        if adu[7] not in b"\x05\x06\x0f\x10\x16":
            return self.handler.handle(adu, n, link)
        self.handler.handle(adu, n, self._bus)
        result = self._paths[0].put(adu, n, link)
        return LATER if result == LATER else 0

    def poll(self, wait_ms=0):
        """Go on with what waits; with wait_ms, sleep that long at most until something comes.

        Returns how many requests were answered.
        """
        if wait_ms:
            for _ in self.poller.ipoll(min(wait_ms, self.nap_ms())):
                pass
        done = 0
        for path in self._paths:
            done += path.poll()
        return done

    def join(self, first):
        """Use the first driver's poller from now on, see umb.server.serve()."""
        for path in self._paths:
            path.client.line.share(first.poller)

    def nap_ms(self):
        """How long serve() may sleep without missing anything."""
        nap_ms = 1000
        for path in self._paths:
            if path.count:
                nap_ms = min(nap_ms, path.client.nap_ms())
        return nap_ms

    def server_close(self):
        """Let go of the lines: their pins are at receive."""
        for path in self._paths:
            path.client.close()
