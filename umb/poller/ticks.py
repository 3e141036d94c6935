"""Times in milliseconds that wrap at 1 << 30, on every port: so an array('i') holds them."""

from time import ticks_add, ticks_ms

from micropython import const

_MASK = const((1 << 30) - 1)
_HALF = const(1 << 29)
_SIGN = const(-1 << 30)


def now_ms() -> int:
    """Return the time."""
    return ticks_ms() & _MASK


def after(time_ms: int, ms: int) -> int:
    """Return the time so many milliseconds after another one."""
    return ticks_add(time_ms, ms) & _MASK  # the sum alone could be too large for a small integer


def passed(now: int, time_ms: int) -> int:
    """Return how long ago a time was, up to 1 << 29; less than 0 if it is yet to come."""
    ms = now - time_ms & _MASK
    return ms | _SIGN if ms & _HALF else ms
