"""MicroPython's collections, and a defaultdict, for programs that were written for a PC."""

from ucollections import OrderedDict, deque, namedtuple  # noqa: F401


class defaultdict(dict):
    """A dict that makes what is missing by calling `make`."""

    def __init__(self, make):
        super().__init__()
        self._make = make

    def __getitem__(self, key):
        if key not in self:
            self[key] = self._make()
        return super().__getitem__(key)
