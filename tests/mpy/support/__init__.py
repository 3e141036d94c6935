"""What the tests that run in MicroPython share."""


class SkipTest(Exception):
    """Raised by a test that cannot run here; its text says why."""


def skip(reason):
    """End this test as skipped."""
    raise SkipTest(reason)
