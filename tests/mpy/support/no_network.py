"""Hides the modules of a network, as on a firmware without one, until bring_back() is called.

Import this before anything else.
"""

import builtins

_MISSING = ("socket", "network", "ssl")
_import = builtins.__import__


def _import_without_network(name, *args):
    if name in _MISSING:
        raise ImportError("no module named '%s'" % name)
    return _import(name, *args)


def bring_back():
    builtins.__import__ = _import


builtins.__import__ = _import_without_network
