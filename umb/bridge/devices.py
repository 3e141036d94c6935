"""Devices as a Bridge sees them, be they polled by this board, or served from a store on it.

What both have:

name, points   of the device: its name in topics, and its Points
online         whether the device has answered
value(i)       return the value of point number i, None if there is none
write(i, value)   raises ValueError, or an umb.errors.ModbusError, if that cannot be
look(most)     look for changed values of so many points at most. Returns whether all were looked
               at. Calls on_change(device, i)
"""

import sys

from micropython import const

_INPUT = const(2)  # areas below have bits
_MOST_BYTES = const(250)  # bytes
# What is in a byte of the marks:
READY = const(1)  # the point is to be published
SENT = const(2)  # it was published in this interval: it has to wait for the next one


def _ignore(_device, _i):
    """Do nothing: what a store has at first is no change."""


class _Device:
    """What both kinds of devices share: which points are to be published."""

    def __init__(self, name, points, waits):
        self.name = name
        self.points = points
        self.marks = bytearray(len(points))
        self._published = SENT if waits else 0  # the mark of a point that was published
        self._next = 0  # behind the point that was published last
        self.told_online = None  # what was published of `online`, None: nothing

    def mark(self, i):
        """Have point number i published."""
        self.marks[i] |= READY

    def mark_now(self, i):
        """Have point number i published as if it had not been before."""
        self.marks[i] = READY

    def mark_all(self):
        """Have all points published, as if none had been before."""
        for i in range(len(self.marks)):
            self.marks[i] = READY

    def has_values(self):
        """Return whether any point has a value."""
        for i in range(len(self.points)):
            if self.value(i) is not None:
                return True
        return False

    def renew(self):
        """Begin a new interval: what was published in the last one may be published again."""
        for i in range(len(self.marks)):
            self.marks[i] &= READY

    def ready(self):
        """Return the number of a point that is to be published now, -1 if there is none.

        They take turns.
        """
        i = self.marks.find(b"\1", self._next)
        return i if i >= 0 else self.marks.find(b"\1")

    def published(self, i):
        """Note that point number i was published."""
        self.marks[i] = self._published
        self._next = i + 1


class PolledDevice(_Device):
    """A device of a Poller.

    waits   whether a point that was published has to wait for the next interval
    """

    def __init__(self, name, device, waits):
        super().__init__(name, device.points, waits)
        self.device = device

    @property
    def online(self):
        """Whether the device answers."""
        return self.device.state == "online"

    def value(self, i):
        return self.device[self.points.name(i)]

    def write(self, i, value):
        self.device[self.points.name(i)] = value

    def look(self, _most):
        """Do nothing: the Poller tells what has changed."""
        return True


class StoredDevice(_Device):
    """A store on this board, whose values have names: a PointStore, or what has its attributes.

    store       has `points` and `areas`, see umb.store.Store
    waits       whether a point that was published has to wait for the next interval
    on_change   on_change(device, i) is called when point number i has another value
    """

    online = True

    def __init__(self, name, store, waits, on_change):
        points = store.points
        super().__init__(name, points, waits)
        self._areas = store.areas
        self._on_change = _ignore
        self._place = 0  # the point that is to be looked at next
        size = 0
        for i in range(len(points)):
            size += self._bytes(i)
        # The values that were last told, one behind the other, as on the wire, and where the one
        # of the next point is.
        self._image = bytearray(size)
        self._at = 0
        self._now = bytearray(_MOST_BYTES)
        self.look(len(points))
        self._on_change = on_change

    def _bytes(self, i):
        return self.points.size(i) << 1 if self.points.area(i) >= _INPUT else 1

    def _read(self, i):
        """Read point number i into self._now."""
        points = self.points
        area = self._areas[b"\1\2\4\3"[points.area(i)]]
        if area.on_read is not None:
            try:
                area.on_read(points.address(i), points.size(i))
            except Exception as error:  # noqa: BLE001 - whatever a hook does, the bridge goes on
                sys.print_exception(error)
        area.get(points.address(i), points.size(i), self._now, 0)

    def value(self, i):
        self._read(i)
        return self._decode(i, self._now, 0)

    def _decode(self, i, buf, at):
        """Return the value of point number i, which is at buf[at:]."""
        points = self.points
        if points.area(i) < _INPUT:
            return buf[at]
        exponent = points.exponent_of(i)
        if exponent >= 0:
            value = bytes(buf[at : at + self._bytes(i)])
            return points.decode(i, value, 0, self.value(exponent))
        return points.decode(i, buf, at)

    def look(self, most):
        while most and len(self.points):
            if self._look_at_next():
                return True
            most -= 1
        return not len(self.points)

    def _look_at_next(self):
        """Look at one point. Returns whether it was the last one."""
        i = self._place
        n = self._bytes(i)
        at = self._at
        self._read(i)
        if self._differs(n, at) and not self._is_near(i, at):
            self._take(i, n, at)
        self._at = at + n
        self._place = i + 1
        if self._place == len(self.points):
            self._place = self._at = 0
        return self._place == 0

    def _take(self, i, n, at):
        """Take the n bytes that were read as the value of point number i, and tell it."""
        k = 0
        while k < n:
            self._image[at + k] = self._now[k]
            k += 1
        self._tell(i)

    def _differs(self, n, at):
        """Return whether the n bytes that were read differ from those at this place."""
        k = 0
        while k < n:
            if self._now[k] != self._image[at + k]:
                return True
            k += 1
        return False

    def _is_near(self, i, at):
        """Return whether the value that was read is within the deadband of the one last told."""
        deadband = self.points.deadband(i)
        if deadband is None:
            return False
        value, told = self._decode(i, self._now, 0), self._decode(i, self._image, at)
        self._read(i)
        if value is None or told is None:
            return value is told
        return abs(value - told) < deadband

    def _tell(self, i):
        """Point number i has another value, and so have those whose exponent it is."""
        self._on_change(self, i)
        for k in range(len(self.points)):
            if self.points.exponent_of(k) == i:
                self._on_change(self, k)

    def write(self, i, value):
        """Write a point as a client would, with all that is checked then, and all hooks."""
        points = self.points
        name = points.name(i)
        points.check(i, value)
        address = points.address(i)
        size = points.size(i)
        data = bytearray(self._bytes(i))
        if points.area(i) < _INPUT:
            area = self._areas[5]
            data[0] = value
        else:
            area = self._areas[6]
            self._areas[3].get(address, size, data, 0)
            exponent = points.exponent_of(i)
            points.encode(i, value, data, 0, 0 if exponent < 0 else self.value(exponent))
        if not (area.has(address, size) and area.accepts(address, size, data, 0)):
            raise ValueError("point %r: %r is refused" % (name, value))
        area.put(address, size, data, 0)
        if area.on_write is not None:
            area.on_write(address, size)
        at = 0
        for k in range(i):
            at += self._bytes(k)
        self._read(i)
        self._take(i, len(data), at)
