"""Blocks: several blocks of one area as one. Optional: taken by a Store that is given several."""


class Blocks:
    """Several blocks, with gaps or touching, as one. A request may cross those that touch.

    kind  what they all have to be: Registers or Bits

    Raises ValueError where two of them hold the same address, or one is of another kind.
    """

    def __init__(self, kind, blocks):
        self._blocks = sorted(blocks, key=lambda block: block.start)
        self.value = kind.value
        self.bits = kind.bits
        self.validate = self._validate  # bound once: to take a method as a value allocates
        self.on_read = self._on_read
        self.on_write = self._on_write
        self.start = end = self._blocks[0].start if blocks else 0
        for block in self._blocks:
            if not isinstance(block, kind) or block.bits != kind.bits:
                raise ValueError("a tuple of %s is needed here" % kind.__name__)
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
        return self._one(address)[address]

    def __setitem__(self, address, value):
        block = self._one(address)  # in one expression with the next line this allocates
        block[address] = value

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
        buf[at + ((quantity - 1) >> 3)] = 0  # the rest of the last byte, should these be bits
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
