"""Checks of arguments: a wrong one raises a ValueError that says which, and what it must be."""


def integer(name, value, low, high):
    """Raise ValueError if the argument of this name is no integer from `low` to `high`."""
    if not (isinstance(value, int) and low <= value <= high):
        raise ValueError("%s must be %d..%d, not %r" % (name, low, high, value))


def function(name, value):
    """Raise ValueError if the argument of this name can neither be called nor is None."""
    if not (value is None or callable(value)):
        raise ValueError("%s must be a function or None, not %r" % (name, value))
