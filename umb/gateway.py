"""Gateway: requests from networks to serial lines, and the answers back (TCP Guide 4.2).

It is a handler for servers and a driver for serve(): requests wait in line for their serial line,
each in the buffer of the connection that it came from. They are sent from there, and the answer
is received there.
"""

from time import ticks_diff, ticks_ms

from micropython import const

from .client import NO_REPLY, PENDING
from .counters import Counters
from .fast import copy
from .frame import WRITES, refuse
from .server import LATER, Driver, Server

_BUSY = const(6)
_NO_PATH = const(10)
_NO_ANSWER = const(11)


class _Bus:
    """The link that the local Server sees for a broadcast: a serial line's."""

    serial = True
    listen_only = gone = False
    peer = None

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
        self._begun = False  # the client has the first one's buffer,
        self._sent = False  # and was told to send it
        self._slave_id = self._code = 0
        self._tries = 0
        self._kept = bytearray(253) if client.retries else None  # the request, to ask again

    def leads_to(self, slave_id):
        """Is this slave on the line?"""
        if self.slave_ids is None:
            return 0 < slave_id < 248
        return slave_id in self.slave_ids

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

    def put_broadcast(self, adu, n, link):
        """As put(), but a line that has no room is left out. Returns LATER, or 0: all are full."""
        path = self
        while path.count == len(path._links):
            path = path.after
            if path is None:
                return 0
        return path.put(adu, n, link)

    def poll(self):
        """Go on with the first request. Returns how many were answered."""
        if not self.count:
            self.client.clear()  # what nobody has asked for would keep serve() awake
            return 0
        if not self._begun and not self._begin():
            return 0
        try:
            status = self.client.advance() if self._sent else self._send()
        except OSError:
            status = NO_REPLY
        return 0 if status == PENDING else self._end(status)

    def _begin(self):
        """Lend the first request's buffer to the client. Returns whether it is worth it."""
        i = self._first
        link = self._links[i]
        adu = self._adus[i]
        waited_ms = ticks_diff(ticks_ms(), self._since_ms[i])
        if waited_ms > self._patience_ms or (link.gone and adu[6]):
            self._answer(0)  # nobody waits for it any more
            return False
        self.client.lend(adu)
        self._slave_id = adu[6]
        self._code = adu[7]
        self._tries = 0
        if self._kept:
            self._tries = self.client.retries
            copy(self._kept, 0, adu, 7, self._sizes[i])
        self._begun = True
        return True

    def _send(self):
        self._sent = True
        return self.client.forward(self._sizes[self._first])

    def _end(self, status):
        """The client is done with the first request. Returns how many were answered."""
        if self._slave_id == 0:
            return self._pass_on()
        adu = self._adus[self._first]
        if status == 0 and not (adu[7] ^ self._code) & 0x7F:
            return self._answer(self.client.response_size())
        if not self._tries:
            return self._give_up()
        self._tries -= 1
        self._sent = False
        adu[6] = self._slave_id
        copy(adu, 7, self._kept, 0, self._sizes[self._first])
        return 0

    def _give_up(self):
        """The slave of the first request does not answer."""
        if self._slave_id == 0:
            return self._answer(0)
        adu = self._adus[self._first]
        adu[6] = self._slave_id
        adu[7] = self._code
        return self._answer(refuse(adu, _NO_ANSWER))

    def _answer(self, n):
        """Answer the first request with n bytes and let the next one go."""
        self._remove().answer(n)
        return 1

    def _pass_on(self):
        """The first request was a broadcast: the next line's turn."""
        adu = self._adus[self._first]
        n = self._sizes[self._first]
        link = self._remove()
        if self.after is None or self.after.put_broadcast(adu, n, link) != LATER:
            link.answer(0)
        return 0

    def _remove(self):
        """Take the first request out of the ring. Returns its link."""
        i = self._first
        link = self._links[i]
        self._links[i] = self._adus[i] = None
        self._first = (i + 1) % len(self._links)
        self.count -= 1
        self._begun = self._sent = False
        return link

    def nap_ms(self):
        """How long one may sleep without missing anything."""
        if not self.count:
            return 1000
        return self.client.nap_ms() if self._sent else 0

    def finish(self):
        """Give up what is under way: the frame leaves whole and the pin goes to receive."""
        if self._begun:
            self.client.abandon()
            self._give_up()

    def close(self):
        """Let go of the line and of all requests."""
        self.finish()
        while self.count:
            self._answer(0)
        self.client.close()


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
        self._is_device = local is not None
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
        self._paths.append(path)

    def serves(self, slave_id):
        """Is there a device with this slave id, here or on a line?"""
        return self.server.serves(slave_id) or self._path(slave_id) is not None

    def _path(self, slave_id):
        for path in self._paths:
            if path.leads_to(slave_id):
                return path
        return None

    def handle(self, adu, n, link):
        """Answer the request here, or let it wait for its line. See umb.server.Server.handle."""
        slave_id = adu[6]
        if slave_id == 0 and adu[7] in WRITES:  # a write: SL 2.1
            self.server.handle(adu, n, self._bus)
            return self._paths[0].put_broadcast(adu, n, link)
        for_us = slave_id == 0 or slave_id == 255  # TCP Guide 4.4.2.1
        if (for_us and self._is_device) or self.server.serves(slave_id):
            return self.server.handle(adu, n, link)
        path = None if for_us else self._path(slave_id)
        if path is not None:
            return path.put(adu, n, link)
        return 0 if link.serial else refuse(adu, _NO_PATH)

    def poll(self, wait_ms=0):
        """Go on with what waits; with wait_ms, sleep that long at most until something comes.

        Returns how many requests were answered.
        """
        if wait_ms:
            self._paths[0].client.line.sleep(min(wait_ms, self.nap_ms()))
        done = 0
        for path in self._paths:
            done += path.poll()
        return done

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        for path in self._paths:
            path.client.line.watch(poller)

    def nap_ms(self):
        """How long serve() may sleep without missing anything."""
        nap_ms = 1000
        for path in self._paths:
            nap_ms = min(nap_ms, path.nap_ms())
        return nap_ms

    def finish(self):
        """Leave every line clean: what is being sent leaves, who waits for its answer gets 11."""
        for path in self._paths:
            path.finish()

    def server_close(self):
        """Let go of the lines, whose pins are at receive, and of the requests that wait."""
        for path in self._paths:
            path.close()
