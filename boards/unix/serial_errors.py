"""Errors of serial devices in words: MicroPython has no strerror()."""

# The numbers are those of Linux; the module errno has but some of them.
_REASONS = {
    1: "not allowed",
    2: "no such device",
    5: "the device does not answer",
    6: "no such device",
    13: "not allowed",
    16: "another program uses it",
    19: "no such device",
    21: "it is a folder",
    22: "it refuses this baudrate or parity",
    24: "too many open files",
    25: "not a serial line",
}


def reason(error):
    """Return what an OSError means, in words."""
    return _REASONS.get(error.errno) or "error {} of the operating system".format(error.errno)
