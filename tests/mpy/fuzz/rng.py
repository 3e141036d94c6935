"""Random numbers that are the same for a seed in every Python: a case can be played again.

journal   what happened in the case that is played, with its times; two cases can be compared
"""

journal = []


class Difference(Exception):
    """umb did something else than the model. args: what was expected, what was got."""


class Rng:
    """A generator of the xorshift family with 32 bits of state."""

    def __init__(self, seed):
        self._state = (seed * 0x9E3779B1 + 0x7F4A7C15) & 0xFFFFFFFF or 1
        for _ in range(4):  # seeds that are near make sequences that are alike at first
            self._next()

    def _next(self):
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        return x

    def below(self, n):
        """An integer from 0 to n - 1."""
        return (self._next() >> 3) % n

    def between(self, first, last):
        """An integer from first to last."""
        return first + (self._next() >> 3) % (last - first + 1)

    def one_in(self, n):
        """True once in n times."""
        return (self._next() >> 3) % n == 0

    def choice(self, values):
        """One of these values."""
        return values[(self._next() >> 3) % len(values)]

    def data(self, n):
        """n random bytes."""
        out = bytearray(n)
        for i in range(n):
            out[i] = self._next() >> 11 & 0xFF
        return bytes(out)
