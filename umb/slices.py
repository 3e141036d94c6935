"""block[first:end] of Registers, Bits and Blocks, and what is wrong with an address.

Only a program's own accesses have slices, and addresses that are not there.
"""


def no_address(block, address):
    """Return the exception for block[address] where the block has no such address."""
    if not isinstance(address, int):
        return TypeError("an address must be an integer, not %r" % (address,))
    return IndexError("address %d is not in this block, %s" % (address, _extent(block)))


def out_of(block, address, quantity, at):
    """Return the exception for get() or put() where one of these numbers of bytes is negative."""
    text = "address %d, quantity %d, at %d: none may be negative, or outside this block, %s"
    address = block.start + (address >> 1)
    return IndexError(text % (address, quantity >> 1, at, _extent(block)))


def _extent(block):
    """Return which addresses a block has, and what to do if it has none, for an error's text."""
    if len(block):
        return "which has %d: %d to %d" % (len(block), block.start, block.end - 1)
    if block.area is None:
        return "which has none"
    return "which has none: give the store some, as in Store(%s=10)" % block.area


def _ends(block, part):
    """Return the first and the end address of a slice of this block."""
    first = block.start if part.start is None else part.start
    end = block.end if part.stop is None else part.stop
    if not (isinstance(first, int) and isinstance(end, int) and part.step in (None, 1)):
        raise TypeError("a slice must be [first address:end address], not %r" % (part,))
    if end < first or not block.has(first, end - first):
        text = "addresses %d:%d are not all in this block, %s"
        raise IndexError(text % (first, end, _extent(block)))
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
    try:
        given = len(values)
    except TypeError:
        raise TypeError("values must be a list for %d addresses, not %r" % (quantity, values))
    if given != quantity:
        raise ValueError("%d values for %d addresses" % (given, quantity))
    data = bytearray(2 * quantity)
    for i in range(quantity):
        block.encode(data, i * block.bits, values[i])
    if quantity:
        block.put(first, quantity, data, 0)
