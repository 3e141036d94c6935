"""Blocks: several blocks of one area as one, for a Store that is given a tuple of them."""

from .check import wrong


class Blocks:
    """Several blocks of one kind as one. A request may cross blocks that touch, but no gap.

    kind     the class of all blocks: Registers or Bits
    blocks   the blocks, in any order

    It has what a block has; slices need the first and the end address. Each block keeps its own
    hooks. Raises ValueError if two blocks have the same address, or one is of another kind.
    """

    has_blocks = True  # there is block_of()

    def __init__(self, kind, blocks):
        for block in blocks:
            if not isinstance(block, kind) or block.bits != kind.bits:
                raise wrong("block", block, kind.__name__)
        self._blocks = sorted(blocks or (kind(0, 0),), key=lambda block: block.start)
        self._last = self._blocks[0]  # the one that was found last
        self.bits = kind.bits
        self.area = None  # as of Registers
        self.decode = kind.decode
        self.encode = kind.encode
        self.on_read = self._on_read  # bound once: a bound method is an allocation
        self.on_write = self._on_write
        self.start = self.end = self._blocks[0].start
        for block in self._blocks:
            if block.start < self.end:
                raise ValueError("address %d is in two blocks" % block.start)
            self.end = block.end

    def __len__(self) -> int:
        return sum(len(block) for block in self._blocks)

    def __getitem__(self, address):
        if isinstance(address, slice):
            from .slices import get

            return get(self, address)
        block = self._owner(address)
        return block[address]

    def __setitem__(self, address, value):
        if isinstance(address, slice):
            from .slices import put

            put(self, address, value)
        else:
            block = self._owner(address)  # one expression with the next line would allocate
            block[address] = value

    def _owner(self, address):
        """Return the block that has this address. Raises IndexError, or TypeError."""
        if isinstance(address, int):
            block = self._find(address)
            if block.start <= address < block.end:
                return block
        from .slices import no_address

        raise no_address(self, address)

    def _find(self, address):
        """Return the block that has this address, or the first one, which has not."""
        block = self._last
        if block.start <= address < block.end:
            return block
        for block in self._blocks:
            if block.start <= address < block.end:
                self._last = block
                return block
        return self._blocks[0]

    def block_of(self, address: int, quantity: int):
        """Return the block that has all of these addresses; where no single one has, this object.

        What a request asks of that block takes a third of the time that it takes here.
        """
        block = self._find(address)
        return block if block.start <= address and address + quantity <= block.end else self

    def has(self, address: int, quantity: int) -> bool:
        """Return whether all of `quantity` addresses from `address` on are in these blocks."""
        end = address + quantity
        while address < end:
            block = self._find(address)
            if address < end <= block.end:
                return block.has(address, end - address)
            part_end = min(end, block.end)
            if part_end <= address or not block.has(address, part_end - address):
                return False
            address = part_end
        return True

    def accepts(self, address: int, quantity: int, buf, at: int) -> bool:
        """Return whether each block's validate() accepts the values at buf[at:]."""
        return _accepts_all(self._find(address), address, quantity, buf, at) or (
            self._accepts_each(address, quantity, buf, at)
        )

    def _accepts_each(self, address, quantity, buf, at):
        """As accepts(), value by value, across blocks."""
        at <<= 3
        while quantity:
            value = self.decode(buf, at)
            if not _accepts(self._find(address), address, value):
                return False
            at += self.bits
            address += 1
            quantity -= 1
        return True

    def get(self, address: int, quantity: int, buf, at: int):
        """Copy the values of `quantity` addresses from `address` on to buf[at:]."""
        if not _get(self._find(address), address, quantity, buf, at):
            at <<= 3
            buf[at + (quantity - 1) * self.bits >> 3] = 0  # if these are bits: those left over
            self._get_each(address, address + quantity, buf, at)

    def _get_each(self, address, end, buf, bit):
        """As get(), value by value, across blocks."""
        while address < end:
            self.encode(buf, bit, self[address])
            bit += self.bits
            address += 1

    def put(self, address: int, quantity: int, buf, at: int):
        """Store values from buf[at:] at `quantity` addresses from `address` on."""
        if not _put(self._find(address), address, quantity, buf, at):
            at <<= 3
            self._put_each(address, address + quantity, buf, at)

    def _put_each(self, address, end, buf, bit):
        """As put(), value by value, across blocks."""
        while address < end:
            self[address] = self.decode(buf, bit)
            bit += self.bits
            address += 1

    def _on_read(self, address, quantity):
        block = self._find(address)
        if address + quantity > block.end:
            self._call("on_read", address, address + quantity)
        elif block.on_read is not None:
            block.on_read(address, quantity)

    def _on_write(self, address, quantity):
        self._call("on_write", address, address + quantity)

    def _call(self, name, address, end):
        """Call the hook of this name of every block that has some of these addresses."""
        while address < end:
            block = self._find(address)
            part_end = min(end, block.end)
            hook = getattr(block, name)
            if hook is not None:
                hook(address, part_end - address)
            address = part_end


def _accepts(block, address, value):
    """Return whether this block's validate() accepts the value."""
    return block.validate is None or block.validate(address, value)


def _accepts_all(block, address, quantity, buf, at):
    """Return whether this block has all of these addresses, and accepts their values."""
    return block.has(address, quantity) and block.accepts(address, quantity, buf, at)


def _get(block, address, quantity, buf, at):
    """Get the values from this block if it has all of them. Returns whether it has."""
    if not block.has(address, quantity):
        return False
    block.get(address, quantity, buf, at)
    return True


def _put(block, address, quantity, buf, at):
    """Put the values to this block if it has all of them. Returns whether it has."""
    if not block.has(address, quantity):
        return False
    block.put(address, quantity, buf, at)
    return True
