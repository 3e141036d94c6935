"""What a Server offers besides a store: checked and added here, loaded only if there is any."""

from .standard import check


def offer(handlers, functions):
    """Add the handle() of each function to `handlers`, {function code: handle}.

    Returns (received, sent): tuples of those methods of the functions that have them. Raises
    ValueError for what is no function, or a code that is taken, TypeError for no tuple.
    """
    if not isinstance(functions, (tuple, list)):
        raise TypeError(
            "functions must be a tuple, such as (Diagnostics(),), not %r" % (functions,)
        )
    received = sent = ()
    for function in functions:
        handle = getattr(function, "handle", None)
        for code in getattr(function, "codes", b"\0"):
            if (
                not (isinstance(code, int) and 0 < code < 128 and callable(handle))
                or isinstance(function, type)
                or code in handlers
                or check(bytes(7) + bytes((code,)) * 10, 1) != 1  # the store answers it
            ):
                raise ValueError(
                    "%r needs handle(), and codes 1..127 that nobody else has" % (function,)
                )
            handlers[code] = handle
        if hasattr(function, "received"):
            received += (function.received,)
        if hasattr(function, "sent"):
            sent += (function.sent,)
    return received, sent


def add(handlers, code, handler):
    """Add the handler of a user-defined function code, see Server.function()."""
    if not (isinstance(code, int) and (65 <= code <= 72 or 100 <= code <= 110)):
        raise ValueError("a user-defined code is 65..72 or 100..110, not %r" % (code,))
    if not callable(handler):
        raise ValueError("handler must be a function, not %r" % (handler,))
    handlers[code] = handler
