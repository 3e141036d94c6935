"""BusRecord: what goes wrong on a bus, and how its slaves answer, for the page of umb.panel.

    record = BusRecord(slaves=32)
    gateway.observe(0, record)  # its first line. Of a Poller: poller.observer = record

It takes its memory when it is made, and none when something is noted.
"""

from array import array
from time import ticks_diff, ticks_ms

from micropython import const

_PDU = const(7)  # where in a buffer the PDU begins
_LENGTH = const(5)  # of the shortest request that has an address and a quantity
_OF_ADDRESSES = b"\x01\x02\x03\x04\x05\x06\x0f\x10\x16\x17"  # function codes that have these
_OF_ONE = b"\x05\x06\x16"  # those with a value in place of a quantity
_ERRORS = const(8)  # that are kept
_LONGEST_ANSWER_MS = const(65535)
_NO_REPLY = const(-2)  # as in umb.client.status, which would bring all of umb.client with it
_NO_CONNECTION = const(-4)
_LOST_PATH = const(10)  # what another gateway answers for a slave that it cannot reach
_LOST_SLAVE = const(11)
_STATES = ("unknown", "online", "offline")
_ONLINE = const(1)
_OFFLINE = const(2)
# What is counted of each slave, one after another.
_COUNTED = ("requests", "answers", "timeouts", "wrong", "exceptions")
_REQUESTS, _ANSWERS, _TIMEOUTS, _WRONG, _EXCEPTIONS = range(5)


def _in_s():
    """Return the time in seconds, which begins anew after 12 days on most boards."""
    return ticks_ms() // 1000


class BusRecord:
    """What goes wrong on a bus, and how its slaves answer.

    slaves   of so many slaves it is noted how they answer. A further one takes the place of one
             that has never answered; if there is none, it is left out
    now_s    now_s() returns the time in seconds, as a small number

    The last eight errors are kept; one like the newest is counted there. Counts are modulo 65536.
    """

    def __init__(self, slaves: int = 0, now_s=_in_s):
        self._now_s = now_s
        # The request that was noted last:
        self._who = None
        self._code = 0
        self._address = 0
        self._quantity = 0
        self._began_ms = 0
        # The slaves, in the order in which they were asked first:
        self._most = slaves
        self._known = 0
        self._ids = bytearray(slaves)
        self._states = bytearray(slaves)
        self._counts = array("H", bytes(2 * slaves * len(_COUNTED)))
        self._last_ms = array("H", bytes(2 * slaves))
        self._longest_ms = array("H", bytes(2 * slaves))
        # The errors, of which number _newest is the last one:
        self._newest = -1
        self._whos = [None] * _ERRORS
        self._codes = bytearray(_ERRORS)
        self._addresses = array("H", bytes(2 * _ERRORS))
        self._quantities = array("H", bytes(2 * _ERRORS))
        self._statuses = array("h", bytes(2 * _ERRORS))
        self._times = array("H", bytes(2 * _ERRORS))  # 0: there is no such error
        self._at_s = array("I", bytes(4 * _ERRORS))

    # --- what notes it

    def begun(self, slave_id, adu, n):
        """Note a request PDU of n bytes at adu[7], which is sent to a slave now."""
        self.asked(slave_id, adu, n)
        self._began_ms = ticks_ms()

    def asked(self, who, adu, n):
        """Note a request PDU of n bytes at adu[7]; who: a slave id, a text, or None."""
        self._who = who
        self._code = adu[_PDU]
        self._address = self._quantity = 0
        if n >= _LENGTH and self._code in _OF_ADDRESSES:
            self._address = adu[_PDU + 1] << 8 | adu[_PDU + 2]
            self._quantity = adu[_PDU + 3] << 8 | adu[_PDU + 4]

    def ended(self, status):
        """Note how the request has ended, see umb.client.status."""
        i = self._place(self._who)
        if i >= 0:
            self._note_end(i, status, ticks_diff(ticks_ms(), self._began_ms))
        if status:
            self.failed(status)

    def request_failed(self, request, status):
        """Note how a Request of a client has ended: for a Poller."""
        self._who = request.slave_id
        self._code = request.function_code
        self._address = request.address
        self._quantity = request.quantity
        self.failed(status)

    def failed(self, status, times=1):
        """Note that the request has ended with an exception code, or less than 0 as in ended()."""
        i = self._newest
        if i < 0 or not self._is_like(i, status):
            i = self._newest = (i + 1) % _ERRORS
            self._whos[i] = self._who
            self._codes[i] = self._code
            self._addresses[i] = self._address
            self._quantities[i] = self._quantity
            self._statuses[i] = status
            self._times[i] = 0
        self._times[i] = min(self._times[i] + times, 65535)
        self._at_s[i] = self._now_s()

    def heard_wrong(self, times):
        """Note frames with a wrong CRC or length, of whomever."""
        self._who = None
        self._code = self._address = self._quantity = 0
        self.failed(0, times)

    def _is_like(self, i, status):
        return (
            self._statuses[i] == status
            and self._whos[i] == self._who
            and self._codes[i] == self._code
            and self._addresses[i] == self._address
        )

    def _place(self, slave_id):
        """Return the place of a slave, -1 if there is none for it."""
        for i in range(self._known):
            if self._ids[i] == slave_id:
                return i
        if self._known < self._most:
            self._known += 1
            return self._take(self._known - 1, slave_id)
        for i in range(self._known):
            if self._states[i] != _ONLINE and not self._counts[i * len(_COUNTED) + _ANSWERS]:
                return self._take(i, slave_id)
        return -1

    def _take(self, i, slave_id):
        """Begin to count a slave in this place. Returns it."""
        self._ids[i] = slave_id
        self._states[i] = 0
        self._last_ms[i] = self._longest_ms[i] = 0
        for k in range(i * len(_COUNTED), (i + 1) * len(_COUNTED)):
            self._counts[k] = 0
        return i

    def _note_end(self, i, status, took_ms):
        self._count(i, _REQUESTS)
        if status in (_NO_REPLY, _NO_CONNECTION):
            self._count(i, _TIMEOUTS)
            self._states[i] = _OFFLINE
            return
        if status < 0:
            self._count(i, _WRONG)
            return
        if status:
            self._count(i, _EXCEPTIONS)
        if status in (_LOST_PATH, _LOST_SLAVE):
            self._states[i] = _OFFLINE
            return
        self._count(i, _ANSWERS)
        self._states[i] = _ONLINE
        self._last_ms[i] = took_ms = min(took_ms, _LONGEST_ANSWER_MS)
        self._longest_ms[i] = max(took_ms, self._longest_ms[i])

    def _count(self, i, what):
        i = i * len(_COUNTED) + what
        self._counts[i] = self._counts[i] + 1 & 0xFFFF

    # --- what shows it

    def online(self):
        """Return the ids of the slaves that answer, in order."""
        return sorted(self._ids[i] for i in range(self._known) if self._states[i] == _ONLINE)

    def lost(self):
        """Return the ids of the slaves that have answered once, and do not any more, in order."""
        return sorted(
            self._ids[i]
            for i in range(self._known)
            if self._states[i] == _OFFLINE and self._counts[i * len(_COUNTED) + _ANSWERS]
        )

    def slaves(self, name=""):
        """Yield a dict for each slave, as a page shows it, in the order of their ids.

        name   what is shown beside the id
        """
        for i in sorted(range(self._known), key=lambda i: self._ids[i]):
            slave = {"id": self._ids[i], "name": name, "state": _STATES[self._states[i]]}
            for k in range(len(_COUNTED)):
                slave[_COUNTED[k]] = self._counts[i * len(_COUNTED) + k]
            if slave["answers"]:
                slave["last_ms"] = self._last_ms[i]
                slave["worst_ms"] = self._longest_ms[i]
            yield slave

    def errors(self):
        """Yield a dict for each error, as a page shows it; the newest one first."""
        for k in range(_ERRORS):
            i = (self._newest - k) % _ERRORS
            if self._newest < 0 or not self._times[i]:
                return
            error = {
                "age_s": max(0, self._now_s() - self._at_s[i]),
                "times": self._times[i],
                "status": self._statuses[i],
            }
            who = self._whos[i]
            if who is not None:
                error["who"] = "slave %d" % who if isinstance(who, int) else who
            if self._codes[i]:
                error["asked"] = "FC %d" % self._codes[i]
                if self._codes[i] in _OF_ADDRESSES:
                    error["asked"] += " at %d" % self._addresses[i]
                    if self._codes[i] not in _OF_ONE:
                        error["asked"] += " x %d" % self._quantities[i]
            yield error
