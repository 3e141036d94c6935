"""Plan: which requests read the points of a device."""

from array import array

from micropython import const

from ..points import AREAS, ON_DEMAND
from .ticks import passed

_INPUT = const(2)  # areas below have bits
_BITS = const(16)  # so many of them cost as much as a register
_NO_RANGE = const(65537)  # the end of what may be read, where no ranges are given
_POINTS_AT_ONCE = const(2)  # points that are put into blocks in one step


class Plan:
    """The points of a device in an order in which neighbours are read together.

    points       the Points
    interval_ms  how often those without scan_interval are read
    max_span     how many registers a request reads at most
    ranges       what may be read, None: everything

    A point's number in this order is its place: order[place] is the number of the point, and
    places[number] its place. intervals[place] is how often it is read, as interval() says.

    A block is what a request reads: points at some places in a row, of one area and one interval.
    It is known by the first of them. For each block `b` there are

    ends[b]      the place behind its last point, where the next block begins
    due_ms[b]    when it is to be read
    is_off[b]    whether it is not to be read at all

    begin() and begin_split() set out to make other blocks. go_on() does that for a few points at
    a time, as long as is_open. Meanwhile every point is in a block, and what is due stays due, but
    no block must be read.
    """

    def __init__(self, points, interval_ms, max_span, ranges):
        n = len(points)
        self.points = points
        self.interval_ms = interval_ms
        self.is_open = False
        self._max_span = max_span
        self._ranges = ranges
        # With key=, MicroPython would ask for it at each of n * n / 2 comparisons.
        keys = sorted([self._sort_key(i) for i in range(n)])
        self.order = array("H", [key[-1] for key in keys])
        self.places = array("H", [0] * n)
        self.intervals = array("i", [0] * n)
        self.ends = array("H", [i + 1 for i in range(n)])
        self.due_ms = array("i", [0] * n)
        self.is_off = bytearray(n)
        self._quantities = array("H", [0] * n)  # how many addresses a block has
        self._cuts = bytearray(n)  # 1 where a block has to begin, as a request was refused
        for place in range(n):
            i = self.order[place]
            self.places[i] = place
            self.intervals[place] = self.interval(i)
            self.is_off[place] = self.intervals[place] == ON_DEMAND
        self._max_gap = 0
        self._is_seeking = False  # where to split a block; else blocks are made
        self._place = self._stop = 0  # this is the next place, and these are done before this one
        self._block = 0  # that is made, or split
        self._end = 0  # the address behind its points so far
        self._most = self._range_end = 0  # of that address; see _begin_block()
        self._widest = self._nearest = self._split = 0  # see _seek()
        self._check()

    def _sort_key(self, i):
        return self.interval(i), self.points.key(i), self.points.size(i), i

    def _check(self):
        """Raise ValueError for a point that no request can read."""
        points = self.points
        for i in range(len(points)):
            size = points.size(i)
            if points.area(i) >= _INPUT and size > self._max_span:
                text = "point %r takes %d registers, which is more than max_span"
                raise ValueError(text % (points.name(i), size))
            if not self._find_range(points.area(i), points.address(i), size):
                raise ValueError("point %r is in none of the ranges" % points.name(i))

    def interval(self, i):
        """Return how often point number i is read: in milliseconds, 0 for once, or ON_DEMAND."""
        interval_ms = self.points.interval_ms(i)
        return self.interval_ms if interval_ms is None else interval_ms

    def _find_range(self, area, address, size):
        """Return the end of the range that has these addresses, 0 if there is none."""
        name = AREAS[area]
        if self._ranges is None or name not in self._ranges:
            return _NO_RANGE
        for first, last in self._ranges[name]:
            if first <= address and address + size <= last + 1:
                return last + 1
        return 0

    # --- block b

    def address(self, b):
        """Return the first address that is read for block b."""
        return self.points.address(self.order[b])

    def quantity(self, b):
        """Return how many addresses are read for block b."""
        return self._quantities[b]

    def area(self, b):
        """Return the area that block b is in."""
        return self.points.area(self.order[b])

    def block_of(self, i):
        """Return the block that has point number i."""
        place = self.places[i]
        ends = self.ends
        b = 0
        while ends[b] <= place:
            b = ends[b]
        return b

    # --- making blocks

    def begin(self, max_gap):
        """Set out to merge all points into blocks, across gaps of at most max_gap registers."""
        self._max_gap = max_gap
        self._make(0, len(self.points))

    def begin_split(self, b):
        """Set out to split block b, which was refused.

        At the widest gap between its points; if there is none, in the middle.
        """
        i = self.order[b]
        self._block = b
        self._place = b + 1
        self._stop = self.ends[b]
        self._end = self.points.address(i) + self.points.size(i)
        self._widest = self._split = 0
        self._nearest = self._stop
        self._is_seeking = self.is_open = True

    def go_on(self):
        """Go on with what was begun. Returns whether a block turns out not to be divisible."""
        n = _POINTS_AT_ONCE
        while n and self._place < self._stop:
            if self._is_seeking:
                self._seek(self._place)
            else:
                self._add(self._place)
            self._place += 1
            n -= 1
        if self._place < self._stop:
            return False
        if self._is_seeking and self._split:
            self._cuts[self._split] = 1
            self._make(self._block, self._stop)
            return False
        self.is_open = False
        return self._is_seeking

    def _seek(self, place):
        """Find out whether a block is to be split before this place, rather than before others."""
        points = self.points
        address = points.address(self.order[place])
        gap = address - self._end
        if gap > self._widest:
            self._widest = gap
            self._split = place
        elif not self._widest and address != points.address(self.order[place - 1]):
            distance = abs(2 * place - self._block - self._stop)
            if distance < self._nearest:
                self._nearest = distance
                self._split = place
        self._end = max(self._end, address + points.size(self.order[place]))

    def _make(self, place, stop):
        """Set out to merge the points from one place up to another."""
        self._block = self._place = place
        self._stop = stop
        self._is_seeking = False
        self.is_open = True

    def _add(self, place):
        """Add the point at this place to the block that is made, or begin the next one with it."""
        if self.ends[place] > place + 1:
            self._part(place)
        i = self.order[place]
        address = self.points.address(i)
        if place == self._block or not self._fits(place, i, address):
            self._begin_block(place, i, address)
        else:
            self._absorb(place)
        self._end = max(self._end, address + self.points.size(i))
        self._quantities[self._block] = self._end - self.points.address(self.order[self._block])

    def _part(self, b):
        """Make a block of the first point of block b, and one of the others."""
        self.ends[b + 1] = self.ends[b]
        self.due_ms[b + 1] = self.due_ms[b]
        self.is_off[b + 1] = self.is_off[b]
        self.ends[b] = b + 1

    def _begin_block(self, place, i, address):
        """Begin a block with the point at this place."""
        area = self.points.area(i)
        unit = 1 if area >= _INPUT else _BITS
        self._block = place
        self._end = address
        self._range_end = self._find_range(area, address, self.points.size(i))
        self._most = min(address + self._max_span * unit, self._range_end)

    def _fits(self, place, i, address):
        """Return whether the point at this place can be in the block that is made."""
        first = self._block
        area = self.points.area(i)
        if (
            self._cuts[place]
            or area != self.points.area(self.order[first])
            or self.intervals[place] != self.intervals[first]
            or max(self._end, address + self.points.size(i)) > self._most
        ):
            return False
        gap = address - self._end
        return self._range_end < _NO_RANGE or gap <= self._max_gap * (
            1 if area >= _INPUT else _BITS
        )

    def _absorb(self, place):
        """Put the block at this place, which is one point, into the one before, which is made."""
        first = self._block
        if not self.is_off[place]:
            if self.is_off[first] or passed(self.due_ms[first], self.due_ms[place]) > 0:
                self.due_ms[first] = self.due_ms[place]
            self.is_off[first] = 0
        self.ends[first] = self.ends[place]
