"""Cache: the last replies to reads, which answer the same request again for some time."""

from time import ticks_diff, ticks_ms

from micropython import const

from ..fast import copy

_PDU = const(7)  # where in a buffer the PDU begins
_READ_SIZE = const(5)  # of the request PDU of FC 1 to 4
_KEY = const(6)  # bytes of a slave id and such a request
_ENTRY = const(260)  # bytes of a request's key and its reply
_ALL_SLAVES = const(-1)  # in place of a slave id


class Cache:
    """Keeps `size` replies, each for keep_ms."""

    def __init__(self, keep_ms, size):
        self.is_new = False  # a reply was added; who reads this resets it
        self._keep_ms = keep_ms
        self._entries = bytearray(size * _ENTRY)
        self._sizes = bytearray(size)  # of the replies; 0: there is none
        self._since_ms = [0] * size  # when they were received
        self._asked = bytearray(_KEY)  # the key of the read under way
        self._asked_id = 0  # the slave id of the request under way
        self._is_read = False
        self._next = 0

    def expire(self):
        """Check the next reply, and remove it if it is too old.

        Ticks wrap: a reply that is never checked would seem to be new again.
        """
        i = self._next = (self._next or len(self._sizes)) - 1
        if self._sizes[i] and not self._is_young(i):
            self._sizes[i] = 0

    def _is_young(self, i):
        # Less than 0: so much time has passed that the clock has wrapped.
        return 0 <= ticks_diff(ticks_ms(), self._since_ms[i]) < self._keep_ms

    def reply(self, slave_id, adu, n):
        """Put the reply to the request PDU of n bytes at adu[7]. Returns its length, or 0."""
        if n != _READ_SIZE or not 0 < adu[_PDU] < 5:
            return 0
        i = self._find(slave_id, adu, _PDU)
        if i < 0 or not self._is_young(i):
            return 0
        return self._put_reply(i, adu)

    def _put_reply(self, i, adu):
        n = self._sizes[i]
        copy(adu, _PDU, self._entries, i * _ENTRY + _KEY, n)
        return n

    def _find(self, slave_id, buf, at):
        """Return the index of the reply to the read at buf[at:], -1 if there is none."""
        i = len(self._sizes)
        while i:
            i -= 1
            if self._sizes[i] and self._is_alike(i * _ENTRY, slave_id, buf, at):
                return i
        return -1

    def _is_alike(self, start, slave_id, buf, at):
        entries = self._entries
        if entries[start] != slave_id:
            return False
        k = _READ_SIZE
        while k:
            k -= 1
            if entries[start + 1 + k] != buf[at + k]:
                return False
        return True

    def asked(self, slave_id, adu, n):
        """Note a request that is sent; slave_id -1: a broadcast. It removes what it may change."""
        self._asked_id = slave_id
        self._is_read = n == _READ_SIZE and 0 < adu[_PDU] < 5
        if self._is_read:
            self._asked[0] = slave_id
            copy(self._asked, 1, adu, _PDU, _READ_SIZE)
        else:
            self._forget(slave_id)

    def answered(self, status, adu, n):
        """Note the end of the request; status 0: its response PDU of n bytes is at adu[7]."""
        if not self._is_read:
            self._forget(self._asked_id)
        elif status == 0:
            self._keep(adu, n)

    def _forget(self, slave_id):
        """Remove all replies of a slave."""
        for i in range(len(self._sizes)):
            if slave_id == _ALL_SLAVES or self._entries[i * _ENTRY] == slave_id:
                self._sizes[i] = 0

    def _keep(self, adu, n):
        """Store the reply: in place of one to this request, else in a free or the oldest place."""
        i = self._find(self._asked[0], self._asked, 1)
        if i < 0:
            i = self._oldest()
        copy(self._entries, i * _ENTRY, self._asked, 0, _KEY)
        copy(self._entries, i * _ENTRY + _KEY, adu, _PDU, n)
        self._sizes[i] = n
        self._since_ms[i] = ticks_ms()
        self.is_new = True

    def _oldest(self):
        """Return the index of a free place, or of the oldest reply."""
        oldest = 0
        for i in range(len(self._sizes)):
            if not self._sizes[i]:
                return i
            if ticks_diff(self._since_ms[i], self._since_ms[oldest]) < 0:
                oldest = i
        return oldest
