"""Checks of arguments. What wrong ones must be is in umb.mistakes, loaded for nothing else."""


def integer(name, value, low, high):
    """Raise ValueError if the argument of this name is no integer from `low` to `high`."""
    if not (isinstance(value, int) and low <= value <= high):
        raise wrong(name, value, "%d..%d" % (low, high))


def function(name, value):
    """Raise ValueError if the argument of this name can neither be called nor is None."""
    if not (value is None or callable(value)):
        raise wrong(name, value, "a function or None")


def wrong(name, value, text=None):
    """Return the ValueError for an argument of this name. `text` says what it must be.

    None: umb.mistakes has the text.
    """
    from .mistakes import error

    return error(name, value, text)
