"""What is wrong, with an argument or a request: texts take memory, and are seldom needed."""


def start(start, quantity):
    raise ValueError("%d addresses from %d on: they must lie in 0..65535" % (quantity, start))


def value(value):
    raise ValueError("a register holds -32768..65535, not %s" % value)


def slave_id(slave_id):
    raise ValueError("a slave id must be 1..247, not %s" % slave_id)


def refuse(adu, code):
    """Make the request at adu[7] its exception response (AP 7). Returns its length."""
    adu[7] |= 0x80
    adu[8] = code
    return 2
