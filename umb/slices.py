"""block[first:end] of Registers, Bits and Blocks: only a program's own accesses have slices."""


def _ends(block, part):
    """Return the first and the end address of a slice of this block."""
    first = block.start if part.start is None else part.start
    end = block.end if part.stop is None else part.stop
    if not (isinstance(first, int) and isinstance(end, int) and part.step in (None, 1)):
        raise TypeError("a slice must be [first address:end address], not %r" % (part,))
    if end < first or not block.has(first, end - first):
        raise IndexError("addresses %d:%d are not all in this block" % (first, end))
    return first, end


def get(block, part) -> list:
    """Return the values of block[first:end].

    Raises IndexError for addresses that are not in this block, TypeError for another slice.
    """
    first, end = _ends(block, part)
    return [block[address] for address in range(first, end)]


def put(block, part, values):
    """Store as many values as there are addresses in block[first:end]: all of them, or none.

    Raises as get() does, and ValueError for a value or a number of values that does not fit.
    """
    first, end = _ends(block, part)
    quantity = end - first
    if len(values) != quantity:
        raise ValueError("%d values for %d addresses" % (len(values), quantity))
    data = bytearray(2 * quantity)
    for i in range(quantity):
        block.encode(data, i * block.bits, values[i])
    if quantity:
        block.put(first, quantity, data, 0)
