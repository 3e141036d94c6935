"""Classes in two halves: what is seldom needed of one is in a file of its own.

The first half has a __getattr__ that loads the second one when something of it is asked for.
"""


def join(kind, half):
    """Give the class `kind` what the class `half` has; its __getattr__ goes, or is replaced.

    That comes last: should memory run out before, the next one to ask tries again.
    """
    own = kind.__dict__
    loader = kind.__getattr__
    for name, member in half.__dict__.items():
        if name not in own:
            setattr(kind, name, member)
    if kind.__getattr__ is loader:
        member = half.__dict__.get("__getattr__")
        if member is None:
            del kind.__getattr__
        else:
            kind.__getattr__ = member
