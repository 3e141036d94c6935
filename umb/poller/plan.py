"""Plan: which requests read the points of a device."""

from array import array

from micropython import const

from ..points import AREAS

_INPUT = const(2)  # areas below have bits
_BITS = const(16)  # so many of them cost as much as a register
_MOST_REGISTERS = const(125)  # of one request (AP 6.3); bits: 16 times as many


def check_ranges(ranges):
    """Raise ValueError unless these are ranges of addresses, as Poller.device() takes them."""
    if not isinstance(ranges, dict):
        raise ValueError("ranges must be a dict such as {'input': [(0, 99)]}, not %r" % (ranges,))
    for name in ranges:
        if name not in AREAS:
            raise ValueError("ranges has no %r, only %s" % (name, ", ".join(AREAS)))
        for one in ranges[name]:
            if not (
                isinstance(one, (tuple, list))
                and len(one) == 2
                and isinstance(one[0], int)
                and isinstance(one[1], int)
                and 0 <= one[0] <= one[1] <= 65535
            ):
                raise ValueError("a range must be (first address, last address), not %r" % (one,))


class Plan:
    """The points of a device in an order in which neighbours are read together.

    points       the Points
    interval_ms  how often those without scan_interval are read
    max_span     how many registers a request reads at most
    ranges       what may be read, None: everything

    A point's number in this order is its place, order[place] is the number of the point. `count`
    blocks are read by a request each. Block number k has the places from starts[k] on, up to
    starts[k + 1], of one area and one interval.
    """

    def __init__(self, points, interval_ms, max_span, ranges):
        n = len(points)
        self.points = points
        self.interval_ms = interval_ms
        self.count = 0
        self._max_span = max_span
        self._ranges = ranges
        self.order = array("H", sorted(range(n), key=self._sort_key))
        self.starts = array("H", [0] * (n + 1))  # the first place of each block, and the end
        self._quantities = array("H", [0] * n)  # of addresses, at the first place of a block
        self._cuts = bytearray(n)  # 1 where a block has to begin, as a request was refused
        self._check()

    def _sort_key(self, i):
        return self.interval(i), self.points.key(i), self.points.size(i)

    def _check(self):
        """Raise ValueError for a point that no request can read."""
        points = self.points
        for i in range(len(points)):
            size = points.size(i)
            if points.area(i) >= _INPUT and size > self._max_span:
                text = "point %r takes %d registers, which is more than max_span"
                raise ValueError(text % (points.name(i), size))
            if not self._range_end(points.area(i), points.address(i), size):
                raise ValueError("point %r is in none of the ranges" % points.name(i))

    def interval(self, i):
        """Return how often point number i is read: in milliseconds, 0 for once, or ON_DEMAND."""
        interval_ms = self.points.interval_ms(i)
        return self.interval_ms if interval_ms is None else interval_ms

    def _range_end(self, area, address, size):
        """Return the end of the range that has these addresses, 0 if there is none."""
        name = AREAS[area]
        if self._ranges is None or name not in self._ranges:
            return 65536
        for first, last in self._ranges[name]:
            if first <= address and address + size <= last + 1:
                return last + 1
        return 0

    def make(self, max_gap):
        """Merge points into blocks, across gaps of at most max_gap registers."""
        n = len(self.points)
        place = 0
        self.count = 0
        while place < n:
            self.starts[self.count] = place
            place = self._merge(place, max_gap)
            self.count += 1
        self.starts[self.count] = n

    def _merge(self, first, max_gap):
        """Make a block that begins at this place. Returns the place behind it."""
        points = self.points
        i = self.order[first]
        area = points.area(i)
        start = points.address(i)
        unit = 1 if area >= _INPUT else _BITS
        end = start + points.size(i)
        range_end = self._range_end(area, start, end - start)
        if range_end < 65536:
            max_gap = 65536
        interval_ms = self.interval(i)
        place = first + 1
        while place < len(points) and not self._cuts[place]:
            i = self.order[place]
            address = points.address(i)
            last = max(end, address + points.size(i))
            if (
                points.area(i) != area
                or self.interval(i) != interval_ms
                or address - end > max_gap * unit
                or last - start > self._max_span * unit
                or last > range_end
            ):
                break
            end = last
            place += 1
        self._quantities[first] = end - start
        return place

    # --- block number k

    def address(self, k):
        """Return the first address that is read for block k."""
        return self.points.address(self.order[self.starts[k]])

    def quantity(self, k):
        """Return how many addresses are read for block k."""
        return self._quantities[self.starts[k]]

    def area(self, k):
        """Return the area that block k is in."""
        return self.points.area(self.order[self.starts[k]])

    def block_interval(self, k):
        """Return how often block k is read, as interval() does."""
        return self.interval(self.order[self.starts[k]])

    def place_of(self, i):
        """Return the place of point number i."""
        place = 0
        while self.order[place] != i:
            place += 1
        return place

    def block_of(self, i):
        """Return the number of the block that has point number i."""
        place = self.place_of(i)
        k = self.count - 1
        while self.starts[k] > place:
            k -= 1
        return k

    def split(self, k):
        """Make two blocks of block k: it was refused. Returns whether that can be done.

        At the widest gap between its points; if there is none, in the middle.
        """
        place = self._place_to_split(self.starts[k], self.starts[k + 1])
        if not place:
            return False
        self._cuts[place] = 1
        for later in range(self.count, k, -1):
            self.starts[later + 1] = self.starts[later]
        self.starts[k + 1] = place
        self.count += 1
        self._measure(k)
        self._measure(k + 1)
        return True

    def _place_to_split(self, first, end):
        """Return where to split the block with these places, 0 if all begin at one address."""
        points = self.points
        start = points.address(self.order[first])
        covered = start + points.size(self.order[first])
        widest = 0
        found = 0
        for place in range(first + 1, end):
            i = self.order[place]
            gap = points.address(i) - covered
            if gap > widest:
                widest = gap
                found = place
            covered = max(covered, points.address(i) + points.size(i))
        return found or self._middle(first, end)

    def _middle(self, first, end):
        """Return the place nearest to the middle where another address begins, or 0."""
        points = self.points
        order = self.order
        middle = first + end >> 1
        for distance in range(end - first):
            for place in (middle - distance, middle + distance):
                if first < place < end and points.address(order[place]) != points.address(
                    order[place - 1]
                ):
                    return place
        return 0

    def _measure(self, k):
        """Note how many addresses block k has."""
        points = self.points
        start = self.address(k)
        end = start
        for place in range(self.starts[k], self.starts[k + 1]):
            i = self.order[place]
            end = max(end, points.address(i) + points.size(i))
        self._quantities[self.starts[k]] = end - start
