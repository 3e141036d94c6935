"""Classes in two halves: what is seldom needed of one is in a file of its own.

The first half has a __getattr__ that loads the second one when something of it is asked for.
"""


def join(kind, half):
    """Give the class `kind` what the class `half` has; its __getattr__ goes, or is replaced."""
    del kind.__getattr__
    for name, member in half.__dict__.items():
        if name not in kind.__dict__:
            setattr(kind, name, member)
