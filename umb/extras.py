"""What a Server is seldom asked: broadcasts, other ids, function codes besides a store's.

Optional: a Server takes it when it first needs it. What it was given besides a store is here, too.
"""

from micropython import const

from .pdu import refuse

_MESSAGES = const(3)  # where in Counters.values, see umb.counter_names
_NO_RESPONSES = const(4)
_WRITES = b"\x05\x06\x0f\x10\x16"  # what can be broadcast
_DIAGNOSTICS = b"\x07\x08\x0b\x0c"  # what is loaded when it is asked for
_SERIAL = b"\x07\x08\x0b\x0c\x11"  # what is for serial lines alone


class Extras:
    """The rest of a Server, see there."""

    def __init__(self, server):
        self._server = server
        self.functions = {}  # function code: handler, besides those of a store

    def offer(
        self,
        identity=None,
        files=None,
        fifo=None,
        server_id=None,
        serial_codes=False,
        on_error=None,
    ):
        """Offer what Server() was given. Raises TypeError for what it does not take."""
        functions = self.functions
        if identity is not None:
            from .identity import Identity

            functions[43] = Identity(identity).handle
        if server_id is not None:
            from .identity import ServerId

            functions[17] = ServerId(server_id).handle
        if files is not None:
            from .files import Files

            functions[20] = functions[21] = Files(files).handle
        if fifo is not None:
            from .files import Queues

            functions[24] = Queues(fifo).handle
        self._server.serial_codes = serial_codes
        self._server.on_error = on_error

    def function(self, code, handler):
        """See Server.function."""
        if not (65 <= code <= 72 or 100 <= code <= 110):
            raise ValueError("user-defined function codes are 65..72 and 100..110")
        self.functions[code] = handler

    def resolve(self, adu, n, link):
        """Who is meant by a request that the Server cannot tell at once, or that is written down.

        Returns the slave id that answers, or minus the length of the response that is there
        already.
        """
        server = self._server
        slave_id = adu[6]
        broadcast = link.serial and slave_id == 0
        if not (broadcast or server.serves(slave_id)):
            if link.serial:
                return 0
            # To a network 0 and 255 are the device itself (TCP Guide 4.4.2.1).
            slave_id = self._itself() if slave_id in b"\x00\xff" else None
            if slave_id is None:
                return -refuse(adu, 11)
        log = link.counters.log
        if log is not None:  # only then can it be in listen-only mode, too
            log.received(link, broadcast)
            if link.listen_only and (broadcast or adu[7] != 8):
                return 0
        if broadcast:
            self._broadcast(adu, n, link)
        return slave_id

    def _itself(self):
        """The first slave id that is served, None where there is none."""
        server = self._server
        if server.first and server.serves(server.first):
            return server.first
        return None if server.routes is None else server.routes.first()

    def _broadcast(self, adu, n, link):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        server = self._server
        link.counters.count(_MESSAGES)
        link.counters.count(_NO_RESPONSES)
        if adu[7] in _WRITES:
            done = None
            for slave_id in server.stores:
                store = server.stores[slave_id]
                # Ids that share a store write it once, but each may have a route of its own.
                if store is not done or server.routes is not None:
                    server.execute(adu, n, slave_id, link)
                done = store

    def special(self, adu, n, link):
        """Function codes that not every server offers: the response's length, or minus a code."""
        code = adu[7]
        server = self._server
        if code in _SERIAL and not (link.serial or server.serial_codes):
            return -1
        if code in _DIAGNOSTICS and code not in self.functions:
            try:
                from .diagnostics import Diagnostics
            except ImportError:  # left out
                return -1
            handler = Diagnostics(server).handle
            for i in _DIAGNOSTICS:
                self.functions[i] = handler
        handler = self.functions.get(code)
        return -1 if handler is None else handler(adu, n, link)

    def failed(self, error):
        """Minus the exception code that an exception of a hook or an endpoint becomes."""
        # Those of umb.errors are known by what they have: a server need not load them.
        code = getattr(error, "error_code", None)
        if not isinstance(code, int) or not 0 < code < 256:
            code = 4
        on_error = self._server.on_error
        if code == 4 and on_error is not None:
            try:
                on_error(error)
            except Exception:  # noqa: BLE001 - nobody is left to be told
                pass
        return -code
