"""PointStore: a Store whose values have names, served from the points that describe them."""

from array import array

from micropython import const

from ..store import Bits, Registers, Store
from . import Points
from .limits import Limits

_COIL = const(0)
_INPUT = const(2)
_HOLDING = const(3)
_MOST_WRITTEN_BYTES = const(246)  # bytes that one request can write (AP 6.11, 6.12)


class _WholeRegisters(Registers):
    """Registers of which a request takes whole values only."""

    def __init__(self, start, quantity):
        super().__init__(start, quantity)
        # A bit for each address, and one for the end: whether it is inside a value, and not the
        # first one of it.
        self.inside = bytearray(quantity + 8 >> 3)

    def has(self, address: int, quantity: int) -> bool:
        """Return whether these addresses are here and no value is cut in two."""
        if address < self.start or address + quantity > self.end:
            return False
        address -= self.start
        inside = self.inside
        if inside[address >> 3] >> (address & 7) & 1:
            return False
        address += quantity
        return not inside[address >> 3] >> (address & 7) & 1


class _Writes:
    """An area as clients may write it: whole values of points that are writable.

    store   the PointStore
    area    the number of the area
    block   what reads of this area are served from
    """

    has_blocks = False  # see umb.blocks.Blocks

    def __init__(self, store, area, block):
        self.bits = block.bits
        self.on_write = None if store.on_change is None else self._on_write
        self._store = store
        self._area = area
        self._block = block

    def __getitem__(self, address):
        return self._block[address]

    def has(self, address: int, quantity: int) -> bool:
        """Return whether each of these addresses belongs to a whole point that is writable."""
        quantity += address
        while address < quantity:
            size = self._store.writable_size(self._area, address)
            if not size:
                return False
            address += size
        return address == quantity

    def accepts(self, address: int, quantity: int, buf, at: int) -> bool:
        """Return whether every value at buf[at:] is within the limits of its points."""
        store = self._store
        at -= address << 1
        quantity += address
        address = store.place(self._area, address)
        quantity = store.place(self._area, quantity)
        while address < quantity:
            if not store.is_within_limits(address, buf, at):
                return False
            address += 1
        return True

    def put(self, address: int, quantity: int, buf, at: int) -> None:
        """Store what is at buf[at:], and keep what was there before."""
        if self.on_write is not None:
            self._block.get(address, quantity, self._store.before, 0)
        self._block.put(address, quantity, buf, at)

    def _on_write(self, address, quantity):
        self._store.notify_changes(self._area, address, address + quantity)


class PointStore(Store):
    """A Store that is served from points: store["voltage"] = 231.2, store["voltage"].

    points      a Points
    on_change   on_change(name, value) is called when a client's request has changed the value of
                a point, for each of them, with all of the request stored

    Where no point is, exception 2 is the answer; so it is for a request that takes a part of a
    value only, and for a write to a point that is not writable. A value beyond min_value and
    max_value is refused with exception 3, and all others of its request are. For what the program
    itself puts into the store there are no such limits.

    All registers and bits are 0 until they are set. Raises ValueError where points overlap, unless
    they have the same addresses, TypeError for an argument of the wrong kind.
    """

    def __init__(self, points: Points, *, on_change=None):
        if not isinstance(points, Points):
            raise TypeError("points must be Points, not %r" % (points,))
        if on_change is not None and not callable(on_change):
            raise TypeError("on_change must be a function or None")
        self.points = points
        self.on_change = on_change
        # The numbers of the points in the order of their areas and addresses. Where a point is in
        # it is its place.
        self._order = array("H", points.in_order())
        # What a request has overwritten.
        self.before = bytearray(_MOST_WRITTEN_BYTES) if on_change else None
        self._limits = Limits(points)
        self._exponents = [points.exponent_of(i) for i in range(len(points))]
        blocks = [[], [], [], []]
        place = 0
        while place < len(points):
            place = self._add_block(blocks, place)
        super().__init__(*(some[0] if len(some) == 1 else tuple(some) for some in blocks))
        self._blocks = self.areas[1:3] + (self.input_registers, self.holding_registers)
        for i in range(len(points)):
            if points.is_writable(i):
                self._limits.set(i, self._exponent(i))
        self.areas = self.areas[:5] + (
            _Writes(self, _COIL, self.coils),
            _Writes(self, _HOLDING, self.holding_registers),
        )

    def _add_block(self, blocks, place):
        """Make the block that begins at this place. Returns the place behind it."""
        points = self.points
        first = place
        area = points.area(self._order[place])
        start = end = points.address(self._order[place])
        while place < len(points):
            i = self._order[place]
            address = points.address(i)
            if points.area(i) != area or address > end:
                break
            if address < end:
                last = self._order[place - 1]
                if address != points.address(last) or points.size(i) != points.size(last):
                    raise ValueError(
                        "points %r and %r overlap" % (points.name(last), points.name(i))
                    )
            end = address + points.size(i)
            place += 1
        if area < _INPUT:
            blocks[area].append(Bits(start, end - start))
            return place
        block = _WholeRegisters(start, end - start)
        for k in range(first, place):
            i = self._order[k]
            for address in range(points.address(i) + 1, points.address(i) + points.size(i)):
                block.inside[address - start >> 3] |= 1 << (address - start & 7)
        blocks[area].append(block)
        return place

    def __getitem__(self, name: str):
        return self._value(self.points.index(name))

    def __setitem__(self, name: str, value):
        points = self.points
        i = points.index(name)
        block = self._blocks[points.area(i)]
        address = points.address(i)
        if points.area(i) < _INPUT:
            try:
                block[address] = value
            except ValueError as error:
                raise ValueError("point %r: %s" % (name, error))
            return
        # The value is stored in one go: no request that comes in an interrupt sees half of it.
        registers = bytearray(2 * points.size(i))
        block.get(address, points.size(i), registers, 0)
        points.encode(i, value, registers, 0, self._exponent(i))
        block.put(address, points.size(i), registers, 0)
        for k in range(len(points)):
            if self._exponents[k] == i and points.is_writable(k):
                self._limits.set(k, self._exponent(k))

    def _value(self, i):
        """Return the value of point number i."""
        points = self.points
        block = self._blocks[points.area(i)]
        if points.area(i) < _INPUT:
            return block[points.address(i)]
        registers = bytearray(2 * points.size(i))
        block.get(points.address(i), points.size(i), registers, 0)
        return points.decode(i, registers, 0, self._exponent(i))

    def _exponent(self, i):
        """Return the exponent of ten that belongs to point number i, None if it is unknown."""
        return 0 if self._exponents[i] < 0 else self._value(self._exponents[i])

    # --- for _Writes, whose functions run while a request is answered

    def place(self, area: int, address: int) -> int:
        """Return the place of the first point of this area that begins at `address` or later."""
        area = area << 16 | address
        low = 0
        high = len(self._order)
        while low < high:
            middle = low + high >> 1
            if self.points.key(self._order[middle]) < area:
                low = middle + 1
            else:
                high = middle
        return low

    def writable_size(self, area: int, address: int) -> int:
        """Return how many addresses the points take that begin here; 0 if one is not writable."""
        place = self.place(area, address)
        area = area << 16 | address
        size = 0
        while place < len(self._order):
            address = self._order[place]
            if self.points.key(address) != area:
                break
            if not self.points.is_writable(address):
                return 0
            size = self.points.size(address)
            place += 1
        return size

    def is_within_limits(self, place: int, buf, at: int) -> bool:
        """Return whether the point at this place can have the value at buf[at + 2 * address:]."""
        place = self._order[place]
        at += self.points.address(place) << 1
        return self._limits.allow(place, buf, at)

    def notify_changes(self, area: int, address: int, end: int) -> None:
        """Call on_change for the points between these addresses that have another value now."""
        place = self.place(area, address)
        end = self.place(area, end)
        while place < end:
            if self._has_changed(self._order[place], address):
                self._notify(self._order[place])
            place += 1

    def _notify(self, i):
        self.on_change(self.points.name(i), self._value(i))

    def _has_changed(self, i, first):
        """Return whether point number i was overwritten with something else.

        first   the first address of the request
        """
        address = self.points.address(i)
        first = address - first  # which value of the request it is
        if self.points.area(i) < _INPUT:
            return self.before[first >> 3] >> (first & 7) & 1 != self.coils[address]
        first <<= 1
        mask = self.points.mask(i)
        end = address + self.points.size(i)
        while address < end:
            value = self.before[first] << 8 | self.before[first + 1]
            if (value ^ self.holding_registers[address]) & mask:
                return True
            first += 2
            address += 1
        return False
