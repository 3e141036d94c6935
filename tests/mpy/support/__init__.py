"""What the tests that run in MicroPython share."""

import os

_LONG = os.getenv("UMB_LONG") is not None  # pytest was given --long


class SkipTest(Exception):
    """Raised by a test that cannot run here; its text says why."""


def skip(reason):
    """End this test as skipped."""
    raise SkipTest(reason)


def times(n, few):
    """Return n with --long; else few: how often what happens every time is done."""
    return n if _LONG else few


def every_nth(values, n, first):
    """Return all of these values with --long; else every nth, from one that depends on `first`."""
    return values if _LONG else [values[i] for i in range(first % n, len(values), n)]


def spread(values, n):
    """Return all of these values with --long; else n of them, evenly spread, the last one too."""
    if _LONG or len(values) <= n:
        return values
    return [values[i * (len(values) - 1) // (n - 1)] for i in range(n)]
