"""Values: what was read of the points of a device, and what is to be written."""

from array import array

from micropython import const

from ..fast import copy
from .ticks import passed

_INPUT = const(2)  # areas below have bits
_WHOLE = const(0xFFFF)  # the mask of a point that has all of its registers
# A bit each for every point:
_READ = const(1)  # there is a value of it
_UNANSWERED = const(2)  # it was written, without an answer yet: readings do not count
_UNTOLD = const(4)  # the next reading calls on_change in any case
_OLD = const(8)  # the value is older than OLDEST_MS
_ONE_BIT = const(16)  # it is a coil or a discrete input
_PART = const(32)  # it is a bit of a register
_REFUSED = const(64)  # the device does not support it
_NEW_EXPONENT = const(128)  # it is an exponent, and has changed
OLDEST_MS = const(1 << 27)
# What take() returns:
SAME = const(0)  # the value has not changed
CHANGED = const(1)  # it has, which takes time
UNFINISHED = const(2)  # take() has to be called once more
_BYTES_AT_ONCE = const(32)  # bytes of a value
_SCALED_AT_ONCE = const(8)  # points whose exponents are looked at in one step
_SWEPT_AT_ONCE = const(8)  # points whose ages are looked at in one step


class Values:
    """The registers of all points one behind the other, as on the wire, and a byte for each bit.

    points   the Points
    notify   notify(i) is called when point number i has another value

    has_deadband   whether a point has one
    """

    def __init__(self, points, notify):
        n = len(points)
        self.points = points
        self.now_ms = 0  # when the reply was received whose values are taken
        self._notify = notify
        self._flags = bytearray(n)
        self._read_ms = array("i", [0] * n)
        # Where in the image each point begins, and at the end its size.
        self._offsets = array("H", [0] * (n + 1))
        self._exponents = None  # if there are any: the number of each point's, or -1
        self.has_deadband = False
        size = 0
        for i in range(n):
            if points.area(i) < _INPUT:
                self._flags[i] = _ONE_BIT
                size += 1
            else:
                self._flags[i] = 0 if points.mask(i) == _WHOLE else _PART
                size += points.size(i) << 1
            self._offsets[i + 1] = size
            self.has_deadband = self.has_deadband or points.deadband(i) is not None
            if points.exponent_of(i) >= 0:
                self._exponents = True
        if self._exponents:
            self._exponents = [points.exponent_of(i) for i in range(n)]
        self._image = bytearray(size)
        # The values of the last calls of on_change.
        self._notified = bytearray(size) if self.has_deadband else None
        self._compared = 0  # how many bytes of a long value are known to be the same
        self._has_new_exponent = False  # whether there are such points
        self._scaled = 0  # the next point whose exponent is looked at then
        self._swept = 0  # the next point whose age is looked at

    def _bytes(self, i):
        """Return how many bytes of the image point number i has."""
        return self._offsets[i + 1] - self._offsets[i]

    def _exponent(self, i):
        """Return the exponent that belongs to point number i, None if it is not known."""
        if self._exponents is None or self._exponents[i] < 0:
            return 0
        i = self._exponents[i]
        return self.value(i, self._image) if self.is_read(i) else None

    def value(self, i, image=None):
        """Return the value of point number i, whether it was read or not."""
        if image is None:
            image = self._image
        if self.points.area(i) < _INPUT:
            return image[self._offsets[i]]
        return self.points.decode(i, image, self._offsets[i], self._exponent(i))

    def is_read(self, i):
        """Return whether there is a value of point number i."""
        return self._flags[i] & _READ != 0

    def is_refused(self, i):
        """Return whether the device does not support point number i."""
        return self._flags[i] & _REFUSED != 0

    def is_writing(self, i):
        """Return whether point number i was written, and that is not answered."""
        return self._flags[i] & _UNANSWERED != 0

    def age_ms(self, i, now_ms):
        """Return how long ago point number i was read, OLDEST_MS at most."""
        if self._flags[i] & _OLD:
            return OLDEST_MS
        return min(max(passed(now_ms, self._read_ms[i]), 0), OLDEST_MS)

    def forget_old(self, now_ms):
        """Mark the values that are older than OLDEST_MS, before the clock wraps, of some points.

        Returns whether these were the last ones of all.
        """
        n = len(self.points)
        i = self._swept
        end = min(i + _SWEPT_AT_ONCE, n)
        while i < end:
            if passed(now_ms, self._read_ms[i]) > OLDEST_MS:
                self._flags[i] |= _OLD
            i += 1
        self._swept = 0 if i == n else i
        return i == n

    # --- what is written

    def encode(self, i, value):
        """Return the bytes that stand for a value of point number i, see Points.check().

        Raises ValueError for what its registers cannot hold.
        """
        points = self.points
        data = self._get(i)
        if points.area(i) < _INPUT:
            data[0] = 1 if value else 0
        else:
            points.encode(i, value, data, 0, self._exponent(i))
        return data

    def _get(self, i):
        at = self._offsets[i]
        return bytearray(self._image[at : at + self._bytes(i)])

    def copy(self, i, buf):
        """Copy the bytes of point number i to buf, as on the wire."""
        copy(buf, 0, self._image, self._offsets[i], self._bytes(i))

    def write(self, i, data):
        """Take these bytes for point number i. Returns those that were there."""
        before = self._get(i)
        at = self._offsets[i]
        self._image[at : at + len(data)] = data
        self._flags[i] |= _UNANSWERED | _UNTOLD
        self._compared = 0
        return before

    def written(self, i, now_ms):
        """Note that point number i was written: it has this value until it is read back."""
        self._flags[i] = self._flags[i] & ~(_UNANSWERED | _OLD) | _READ
        self._read_ms[i] = now_ms

    def not_written(self, i, before):
        """Restore the value of point number i, which could not be written."""
        at = self._offsets[i]
        self._image[at : at + len(before)] = before
        self._flags[i] &= ~_UNANSWERED

    # --- what is read

    def lose(self, i):
        """Remove the value of point number i: the device does not support it.

        Returns whether there was one.
        """
        had_value = self.is_read(i)
        self._flags[i] = self._flags[i] & ~_READ | _REFUSED
        if had_value:
            self._notify(i)
        return had_value

    def take(self, i, reply, at):
        """Take the value of point number i, which is at the `at`th address of the reply.

        Returns SAME, UNFINISHED, or CHANGED if changed() is to be called.
        """
        flags = self._flags[i]
        if flags & _UNANSWERED:
            return SAME  # this was read before the write
        if flags & _ONE_BIT:
            took = self._copy_bit(i, reply, at)
        elif flags & _PART:
            took = self._copy_word(i, reply, at)
        elif self._bytes(i) <= _BYTES_AT_ONCE:
            took = self._copy_registers(i, reply, at)
        else:
            took = self._copy_long(i, reply, at)
            if took == UNFINISHED:
                return took
        self._read_ms[i] = self.now_ms
        if not flags & _READ:
            flags |= _UNTOLD
        self._flags[i] = flags & ~(_OLD | _REFUSED) | _READ
        return CHANGED if flags & _UNTOLD else took

    def _copy_bit(self, i, reply, at):
        """Put a bit of the reply into the image. Returns whether it differs."""
        bit = reply[at >> 3] >> (at & 7) & 1
        at = self._offsets[i]
        changed = self._image[at] != bit
        self._image[at] = bit
        return changed

    def _copy_word(self, i, reply, at):
        """Put a register of the reply into the image. Returns whether the point's bit differs."""
        at <<= 1
        to = self._offsets[i]
        word = (self._image[to] ^ reply[at]) << 8 | self._image[to + 1] ^ reply[at + 1]
        self._image[to] = reply[at]
        self._image[to + 1] = reply[at + 1]
        return word & self.points.mask(i) != 0

    def _copy_registers(self, i, reply, at):
        """Put registers of the reply into the image. Returns whether one differs."""
        at <<= 1
        image = self._image
        to = self._offsets[i]
        i = self._offsets[i + 1]  # the end of them
        changed = False
        while to < i:
            if image[to] != reply[at]:
                image[to] = reply[at]
                changed = True
            to += 1
            at += 1
        return changed

    def _copy_long(self, i, reply, at):
        """Put many registers of the reply into the image, at once, if one differs.

        Compares some of them with each call. Returns as take() does.
        """
        at <<= 1
        to = self._offsets[i]
        most = min(self._compared + _BYTES_AT_ONCE, self._bytes(i))
        while self._compared < most:
            if self._image[to + self._compared] != reply[at + self._compared]:
                self._replace(i, reply, at)
                return CHANGED
            self._compared += 1
        if most < self._bytes(i):
            return UNFINISHED
        self._compared = 0
        return SAME

    def _replace(self, i, reply, at):
        """Put all bytes of point number i, from reply[at] on, into the image."""
        self._compared = 0
        n = self._bytes(i)
        copy(self._image, self._offsets[i], reply, at, n)

    def changed(self, i):
        """Notify of the value of point number i, unless it differs too little.

        Returns whether that was done. If it took long to find out that it differs enough, it is
        not: then this is to be called again.
        """
        flags = self._flags[i]
        if flags & _UNANSWERED:
            return True
        if not flags & _UNTOLD and self.points.deadband(i) is not None:
            if self._is_near(i):
                return True
            self._flags[i] = flags | _UNTOLD
            return False
        self._flags[i] = flags & ~_UNTOLD
        if self._notified is not None:
            at = self._offsets[i]
            n = self._bytes(i)
            copy(self._notified, at, self._image, at, n)
        if self._exponents is not None and i in self._exponents:
            self._flags[i] |= _NEW_EXPONENT
            self._has_new_exponent = True
        self._notify(i)
        return True

    def notify_scaled(self):
        """Notify of the values of some points whose exponent has changed.

        Returns whether there are none left.
        """
        if not self._has_new_exponent:
            return True
        n = len(self._exponents)
        most = min(self._scaled + _SCALED_AT_ONCE, n)
        while self._scaled < most:
            i = self._scaled
            self._scaled += 1  # now: hooks may call finish()
            k = self._exponents[i]
            if k >= 0 and self._flags[k] & _NEW_EXPONENT and self.is_read(i):
                self._notify(i)
                break
        if self._scaled < n:
            return False
        self._scaled = 0
        self._has_new_exponent = False
        for i in range(n):
            self._flags[i] &= ~_NEW_EXPONENT
        return True

    def _is_near(self, i):
        """Return whether the value is within the deadband of the last one notified."""
        value, notified = self.value(i), self.value(i, self._notified)
        if value is None or notified is None:
            return value is notified
        return abs(value - notified) < self.points.deadband(i)
