"""Functions: the functions that a Server has besides a store. Loaded if there are any."""

from micropython import const

from ..check import wrong
from .standard import check

_ILLEGAL_FUNCTION = const(1)
_PDU_MOST = const(253)  # AP 4.1


class Functions:
    """The functions of a server, as one: it has handle(), received() and sent(), too.

    server      the Server, which reports exceptions of received() and sent()
    functions   those that Server() was given

    Raises ValueError for what is no function, a code that is taken, or no tuple.
    """

    def __init__(self, server, functions):
        self._server = server
        self._handlers = {}  # function code: handle(adu, n, link)
        self._received = ()  # the methods received() of functions that have one
        self._sent = ()  # the methods sent() of functions that have one
        if not isinstance(functions, (tuple, list)):
            raise wrong("functions", functions)
        for function in functions:
            self._offer(function)
        for function in functions:
            if getattr(function, "never_raises", False):
                self._call_directly(function)

    def _offer(self, function):
        handle = getattr(function, "handle", None)
        for code in getattr(function, "codes", b"\0"):
            if (
                not (isinstance(code, int) and 0 < code < 128 and callable(handle))
                or isinstance(function, type)
                or code in self._handlers
                or check(bytes(7) + bytes((code,)) * 10, 1) != _ILLEGAL_FUNCTION  # the store's
            ):
                raise wrong("function", function)
            self._handlers[code] = handle
        if hasattr(function, "received"):
            self._received = (function.received,) + self._received  # called from the last one on
        if hasattr(function, "sent"):
            self._sent = (function.sent,) + self._sent

    def _call_directly(self, function):
        """Call received() and sent() of a function without a guard where no other one has them.

        With the guard a call takes two and a half times as long.
        """
        if len(self._received) == 1 and hasattr(function, "received"):
            self.received = function.received
        if len(self._sent) == 1 and hasattr(function, "sent"):
            self.sent = function.sent

    def add(self, code, handler):
        """Add a user-defined function code, see Server.function(). Raises ValueError."""
        if not (isinstance(code, int) and (65 <= code <= 72 or 100 <= code <= 110)):
            raise wrong("code", code)
        if not callable(handler):
            raise wrong("handler", handler)
        self._handlers[code] = handler

    def handle(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] in place.

        Returns the response's length, or minus an exception code; raises what a handler raises.
        """
        handler = self._handlers.get(adu[7])
        if handler is None:
            return -_ILLEGAL_FUNCTION
        n = handler(adu, n, link)
        if not (isinstance(n, int) and -256 < n <= _PDU_MOST):
            raise ValueError(
                "handle() must return a length or minus an exception code, not %r" % n
            )
        return n

    def received(self, adu, link):
        """Call received() of every function that has it, for the request at adu[7]."""
        i = len(self._received)
        while i:
            i -= 1
            self._server.notify(self._received[i], adu, link)

    def sent(self, adu, link):
        """Call sent() of every function that has it, for the response at adu[7]."""
        i = len(self._sent)
        while i:
            i -= 1
            self._server.notify(self._sent[i], adu, link)
