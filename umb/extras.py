"""The second half of a Server: what it is seldom asked, and what it is given besides a store.

Broadcasts, other slave ids, function codes besides those of umb.pdu.check(), errors of hooks.
"""

from micropython import const

from . import late
from .faults import refuse

_NAKS = const(5)  # where in link.counts, see umb.counters
_BUSIES = const(6)
_NO_RESPONSES = const(4)
_MESSAGES = const(3)
_LOG = const(8)
_WRITES = b"\x05\x06\x0f\x10\x16"  # what can be broadcast
_DIAGNOSTICS = b"\x07\x08\x0b\x0c"  # what is loaded when it is asked for
_SERIAL = b"\x07\x08\x0b\x0c\x11"  # what is for serial lines alone


class Extras:
    """See umb.server.Server."""

    exception_status = 0
    diagnostic_register = 0
    serial_codes = False
    on_error = None
    functions = None  # function code: handler, besides those of a store
    combined = None  # what answers FC 22 and 23

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
        functions = self.offered()
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
        self.serial_codes = serial_codes
        self.on_error = on_error

    def offered(self):
        """{function code: handler(adu, n, link)}."""
        if self.functions is None:
            self.functions = {}
        return self.functions

    def function(self, code, handler):
        """Answer a user-defined function code: 65..72 or 100..110 (AP 5).

        handler(adu, n, link) finds the request PDU of n bytes at adu[7], puts the response PDU
        there and returns its length. An umb.errors exception gives its code, any other gives 4.
        """
        if not (65 <= code <= 72 or 100 <= code <= 110):
            raise ValueError("user-defined function codes are 65..72 and 100..110")
        self.offered()[code] = handler

    def route(self, *rule, **keywords):
        """Decorator: let a function answer for these addresses, as uModbus has it.

        route(slave_ids=None, function_codes=None, addresses=None, *, signed=None)

        Each argument is anything that `in` works on; None matches everything (of slave ids: those
        that are served). The function is called per address with the keywords slave_id,
        function_code, address, and for writes value; a read's return value is the value.
        An umb.errors exception gives its code, any other gives 4.
        """
        if self.routes is None:
            from .routes import Routes

            self.routes = Routes(self.stores)
        return self.routes.adder(*rule, **keywords)

    def resolve(self, adu, n, link):
        """Who is meant by a request that the Server cannot tell at once, or that is written down.

        Returns the slave id that answers, or minus the length of the response that is there
        already.
        """
        slave_id = adu[6]
        broadcast = link.serial and slave_id == 0
        if not (broadcast or self.serves(slave_id)):
            # To a network 0 and 255 are the device itself (TCP Guide 4.4.2.1).
            slave_id = self._itself() if slave_id in b"\x00\xff" else None
            if slave_id is None:
                return -refuse(adu, 11)
        log = link.counts[_LOG]
        if log is not None:  # only then can it be in listen-only mode, too
            log.received(link, broadcast)
            if link.listen_only and (broadcast or adu[7] != 8):
                return 0
        if broadcast:
            self._broadcast(adu, n, link)
        return slave_id

    def _itself(self):
        """The first slave id that is served, None where there is none."""
        if self.first and self.serves(self.first):
            return self.first
        return None if self.routes is None else self.routes.first()

    def _broadcast(self, adu, n, link):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        counts = link.counts
        counts[_MESSAGES] = counts[_MESSAGES] + 1 & 0xFFFF
        counts[_NO_RESPONSES] = counts[_NO_RESPONSES] + 1 & 0xFFFF
        if adu[7] in _WRITES:
            nak, busy = counts[_NAKS], counts[_BUSIES]  # nobody is told of those
            done = None
            for slave_id in self.stores:
                store = self.stores[slave_id]
                # Ids that share a store write it once, but each may have a route of its own.
                if store is not done or self.routes is not None:
                    self.execute(adu, n, slave_id, link)
                done = store
            counts[_NAKS] = nak
            counts[_BUSIES] = busy

    def special(self, adu, n, slave_id, link):
        """Function codes that not every server offers: the response's length, or minus a code."""
        code = adu[7]
        if 22 <= code <= 23:
            if self.combined is None:
                try:
                    from .combined import answer
                except ImportError:  # left out
                    return -1
                self.combined = answer
            return self.combined(adu, n, self.stores[slave_id])
        if code in _SERIAL and not (link.serial or self.serial_codes):
            return -1
        functions = self.offered()
        if code in _DIAGNOSTICS and code not in functions:
            try:
                from .diagnostics import Diagnostics
            except ImportError:  # left out
                return -1
            handler = Diagnostics(self).handle
            for i in _DIAGNOSTICS:
                functions[i] = handler
        handler = functions.get(code)
        return -1 if handler is None else handler(adu, n, link)

    def failed(self, error, link):
        """Minus the exception code that an exception of a hook or an endpoint becomes.

        Busy (6) and NAK (7) have counters of their own.
        """
        # Those of umb.errors are known by what they have: a server need not load them.
        code = getattr(error, "error_code", None)
        if not isinstance(code, int) or not 0 < code < 256:
            code = 4
        if 6 <= code <= 7:
            which = _BUSIES if code == 6 else _NAKS
            link.counts[which] = link.counts[which] + 1 & 0xFFFF
        on_error = self.on_error
        if code == 4 and on_error is not None:
            try:
                on_error(error)
            except Exception:  # noqa: BLE001 - nobody is left to be told
                pass
        return -code


def load(server_class):
    """Give Server this half."""
    late.join(server_class, Extras)
