"""What several tests of stores and servers need: settings for a while, and a check of raising."""

from umb import conf


class Signed:
    """`with Signed():` makes register values signed for as long."""

    def __enter__(self):
        conf.SIGNED_VALUES = True

    def __exit__(self, *_):
        conf.SIGNED_VALUES = False


def raises(kind, call, *args, **named):
    """The exception of this kind that call(*args, **named) raises."""
    try:
        call(*args, **named)
    except kind as error:
        return error
    raise AssertionError("no {} from {}{}{}".format(kind, call, args, named))


def values(block):
    """Every value of a block, in order."""
    return [block[block.start + i] for i in range(len(block))]


def contents(store):
    """Every value of a store whose areas are single blocks."""
    return [
        values(area)
        for area in (
            store.coils,
            store.discrete_inputs,
            store.input_registers,
            store.holding_registers,
        )
    ]


class Told:
    """A hook that keeps what it is told, does `also`, and returns `result` or raises it."""

    def __init__(self, result=None, also=None):
        self.calls = []
        self.result = result
        self._also = also

    def __call__(self, *args):
        self.calls.append(args)
        if self._also is not None:
            self._also(*args)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result
