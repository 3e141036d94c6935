"""What is wrong with an argument. Loaded when something is: texts take memory."""


def start(start, quantity):
    raise ValueError("%d addresses from %d on: they must lie in 0..65535" % (quantity, start))


def value(value):
    raise ValueError("a register holds -32768..65535, not %s" % value)


def slave_id(slave_id):
    raise ValueError("a slave id must be 1..247, not %s" % slave_id)
