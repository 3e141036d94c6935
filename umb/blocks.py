"""Blocks: several blocks of one area as one, for a Store that is given a tuple of them."""


class Blocks:
    """Several blocks, with gaps or touching, as one. A request may cross those that touch.

    kind  the class of all blocks: Registers or Bits

    Raises ValueError if two blocks hold the same address, or one is of another kind.
    """

    def __init__(self, kind, blocks):
        for block in blocks:
            if not isinstance(block, kind) or block.bits != kind.bits:
                raise ValueError("a tuple of %s is needed, not %r in it" % (kind.__name__, block))
        self._blocks = sorted(blocks, key=lambda block: block.start)
        self.value = kind.value
        self.bits = kind.bits
        self.validate = self._validate  # bound once: a bound method is an allocation
        self.on_read = self._on_read
        self.on_write = self._on_write
        self.start = end = self._blocks[0].start if blocks else 0
        for block in self._blocks:
            if block.start < end:
                raise ValueError("address %d is in two blocks" % block.start)
            end = block.start + len(block)

    def __len__(self):
        return sum(len(block) for block in self._blocks)

    def _find(self, address):
        for block in self._blocks:
            if block.has(address, 1):
                return block
        return None

    def _one(self, address):
        block = self._find(address)
        if block is None:
            raise IndexError(address)
        return block

    def __getitem__(self, address):
        if isinstance(address, slice):
            return [self[i] for i in self._addresses(address)]
        return self._one(address)[address]

    def __setitem__(self, address, value):
        if isinstance(address, slice):
            self._set_slice(self._addresses(address), value)
            return
        block = self._one(address)  # one expression with the next line would allocate
        block[address] = value

    def _addresses(self, part):
        """Return the range of addresses that blocks[first:end] means. Raises IndexError."""
        first, end = part.start, part.stop
        if None in (first, end) or part.step not in (None, 1):
            raise IndexError("a slice of several blocks needs its first and its end address")
        if first > end or not self.has(first, end - first):
            raise IndexError("addresses %s:%s are not all in these blocks" % (first, end))
        return range(first, end)

    def _set_slice(self, addresses, values):
        """Store all values, or none if one of them is wrong."""
        if len(values) != len(addresses):
            raise ValueError("%d values for %d addresses" % (len(values), len(addresses)))
        scratch = bytearray(2 * len(values))
        for i in range(len(values)):
            self._blocks[0].poke(scratch, 0, i, values[i])
        for i in range(len(values)):
            self[addresses[i]] = values[i]

    def has(self, address, quantity):
        while quantity > 0:
            block = self._find(address)
            if block is None:
                return False
            quantity -= block.start + len(block) - address
            address = block.start + len(block)
        return True

    def get(self, address, quantity, buf, at):
        block = self._find(address)
        if block.has(address, quantity):
            block.get(address, quantity, buf, at)
            return
        buf[at + ((quantity - 1) >> 3)] = 0  # the unused bits of the last byte, if these are bits
        for i in range(quantity):
            block.poke(buf, at, i, self[address + i])

    def put(self, address, quantity, buf, at):
        block = self._find(address)
        if block.has(address, quantity):
            block.put(address, quantity, buf, at)
            return
        for i in range(quantity):
            self[address + i] = block.value(buf, at, i)

    def _validate(self, address, value):
        check = self._find(address).validate
        return check is None or check(address, value)

    def _on_read(self, address, quantity):
        self._tell("on_read", address, quantity)

    def _on_write(self, address, quantity):
        self._tell("on_write", address, quantity)

    def _tell(self, hook, address, quantity):
        while quantity > 0:
            block = self._find(address)
            n = min(quantity, block.start + len(block) - address)
            call = getattr(block, hook)
            if call is not None:
                call(address, n)
            address += n
            quantity -= n
