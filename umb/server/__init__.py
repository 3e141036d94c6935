"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.rtu, umb.server.tcp, ...) brings the requests, and describes the line or
connection that each came from as `link`:

    serial        whether it is a serial line, with broadcasts and silence
    peer          (host, port) of a network client, None on a serial line
    counters      the umb.counters.Counters of the driver
    listen_only   set and cleared by function code 8
    gone          whether a client has disconnected meanwhile
    answer(n)     sends a response later: for handlers that returned LATER
"""

import sys

from micropython import const

from ..counters import Counters
from ..frame import WRITES, refuse
from .standard import check, execute

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) exactly once

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_DEVICE_FAILURE = const(4)
_BUSY = const(6)
_NAK = const(7)
_NO_SUCH_DEVICE = const(11)
_LAST_ROUTED = const(16)  # routes answer for function codes 1 to 6, 15 and 16
_DIAGNOSTICS = const(8)  # the function code that is heard in listen-only mode


def print_error(error, link):
    """Print an exception of a hook, an endpoint or a function: the default of on_error."""
    sys.print_exception(error)


class Server:
    """One or more devices, each with a slave id and a Store.

    store       the Store of the slave ids given here; None if routes or functions answer alone
    slave_ids   ids 1..247 (SL 2.2); add() and remove() change them later
    functions   what is offered besides a store: objects of umb.functions, such as
                (Diagnostics(), Identity({...})). Each has `codes`, the function codes it answers,
                and handle(adu, n, link), which returns the response's length or minus an exception
                code
    on_error    on_error(exception, link) is called when a hook, an endpoint or a function raised
                something that is no umb.errors.ModbusError, and the client got exception 4. The
                default prints the traceback; None is silence

    Raises ValueError for a slave id out of range or an argument of the wrong kind.
    """

    def __init__(self, store=None, slave_ids=(1,), *, functions=(), on_error=print_error):
        if on_error is not None and not callable(on_error):
            raise ValueError("on_error must be a function or None, not %r" % (on_error,))
        self.stores = {}  # slave id: its Store, or None
        self.routes = None  # see route()
        self.on_error = on_error
        self._functions = {}  # function code: handler(adu, n, link)
        self._event_log = None  # a function that is told of every request and response
        self._first_id = None  # which device answers networks that address none
        self._broadcast_ids = []  # one slave id of each Store
        for slave_id in slave_ids:
            self.add(slave_id, store)
        for function in functions:
            for code in function.codes:
                self._functions[code] = function.handle
            if hasattr(function, "received"):
                self._event_log = function

    def add(self, slave_id, store):
        """Serve `store` as the device with this slave id, 1..247."""
        if not (isinstance(slave_id, int) and 1 <= slave_id <= 247):
            raise ValueError("a slave id must be 1..247, not %r" % (slave_id,))
        if store is not None and not hasattr(store, "areas"):
            raise ValueError("a Store is needed, not %r" % (store,))
        self.stores[slave_id] = store
        self._list_ids(slave_id)

    def remove(self, slave_id):
        """Serve this slave id no longer. Raises KeyError if it was not served."""
        del self.stores[slave_id]
        self._list_ids(None)

    def _list_ids(self, added):
        """Work out anew which slave ids stand for all."""
        if self._first_id not in self.stores:
            self._first_id = added or min(self.stores or (None,))
        distinct = []
        self._broadcast_ids = []
        for slave_id in sorted(self.stores):
            store = self.stores[slave_id]
            if store is None or store not in distinct:
                distinct.append(store)
                self._broadcast_ids.append(slave_id)

    def function(self, code, handler):
        """Answer a user-defined function code: 65..72 or 100..110 (AP 5).

        handler(adu, n, link) finds the request PDU of n bytes at adu[7], puts the response PDU
        there and returns its length, or minus an exception code. An umb.errors exception gives its
        code, any other gives 4.
        """
        if not (65 <= code <= 72 or 100 <= code <= 110):
            raise ValueError("user-defined function codes are 65..72 and 100..110, not %s" % code)
        if not callable(handler):
            raise ValueError("handler must be a function, not %r" % (handler,))
        self._functions[code] = handler

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: let a function answer for these addresses, as uModbus has it.

        slave_ids, function_codes, addresses   anything that `in` works on; None matches everything
                 (of slave ids: those that are served)
        signed   whether values written are -32768..32767; None: umb.conf.SIGNED_VALUES

        The function is called once per address with the keywords slave_id, function_code, address,
        and for writes value; what it returns for a read is the value. Function codes 1 to 6, 15
        and 16. An umb.errors exception gives its code, any other gives 4.
        """
        if self.routes is None:
            from .routes import Routes

            self.routes = Routes()
        for slave_id in slave_ids or ():
            if slave_id not in self.stores:
                self.add(slave_id, None)
        return self.routes.adder(slave_ids, function_codes, addresses, signed)

    def serves(self, slave_id):
        """Return whether a device here answers to this slave id.

        One without a store does not if all routes are for others: on a bus it is somebody else's.
        """
        return slave_id in self.stores and (
            self.routes is None
            or self.stores[slave_id] is not None
            or self.routes.concern(slave_id)
        )

    def handle(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] for the slave id at adu[6], in place.

        Returns the response PDU's length, 0 to say nothing. Never raises.
        """
        slave_id = adu[6]
        if not self.serves(slave_id):
            if link.serial:
                if slave_id == 0:
                    self._broadcast(adu, n, link)
                return 0  # nobody answers broadcasts, nor requests for another slave
            # To a network 0 and 255 are the device itself (TCP Guide 4.4.2.1).
            if slave_id not in b"\x00\xff" or self._first_id is None:
                return refuse(adu, _NO_SUCH_DEVICE)
            slave_id = self._first_id
        elif link.serial and adu[7] >= 0x80:
            return 0  # no request, but an echo of an exception response
        log = self._event_log
        if log is not None:
            log.received(adu, link)
            if link.listen_only and adu[7] != _DIAGNOSTICS:
                return 0
        counters = link.counters
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        n = self._execute(adu, n, slave_id, link)
        if n < 0:
            n = self._refuse(adu, -n, link)
        if log is not None and n:
            log.sent(adu, link)
        return n

    def _refuse(self, adu, exception_code, link):
        """Make and count an exception response. Returns its length."""
        counters = link.counters
        counters.bus_exception_error_count = counters.bus_exception_error_count + 1 & 0xFFFF
        if exception_code == _BUSY:
            counters.server_busy_count = counters.server_busy_count + 1 & 0xFFFF
        elif exception_code == _NAK:
            counters.server_nak_count = counters.server_nak_count + 1 & 0xFFFF
        return refuse(adu, exception_code)

    def _broadcast(self, adu, n, link):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        if self._event_log is not None:
            self._event_log.received(adu, link)
            if link.listen_only:
                return
        counters = link.counters
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        counters.server_no_response_count = counters.server_no_response_count + 1 & 0xFFFF
        if adu[7] in WRITES:
            # Slave ids that share a store write it once, but each may have routes of its own.
            for slave_id in self._broadcast_ids if self.routes is None else self.stores:
                self._execute(adu, n, slave_id, link)

    def _execute(self, adu, n, slave_id, link):
        """Do what a request asks of this device: the response's length, or minus an exception code.

        Never raises.
        """
        try:
            exception_code = check(adu, n)
            if exception_code == _ILLEGAL_FUNCTION:
                handler = self._functions.get(adu[7])
                return -_ILLEGAL_FUNCTION if handler is None else handler(adu, n, link)
            if exception_code:
                return -exception_code
            if self.routes is not None and adu[7] <= _LAST_ROUTED:
                n = self.routes.serve(adu, slave_id)
                if n:
                    return n
            store = self.stores.get(slave_id)
            return -_ILLEGAL_ADDRESS if store is None else execute(adu, store)
        except Exception as error:  # noqa: BLE001 - whatever a hook does, the server lives on
            return -self._failed(error, link)

    def _failed(self, error, link):
        """Return the exception code for an exception of a hook, an endpoint or a function."""
        # umb.errors.ModbusError is recognised by what it has: a server need not load that module.
        exception_code = getattr(error, "error_code", None)
        if isinstance(exception_code, int) and 0 < exception_code < 256:
            return exception_code
        self.report(error, link)
        return _DEVICE_FAILURE

    def report(self, error, link):
        """Tell on_error of an exception that a hook raised. Never raises."""
        if self.on_error is not None:
            try:
                self.on_error(error, link)
            except Exception:  # noqa: BLE001 - nobody is left who could be told
                pass


class Driver:
    """What the drivers of all transports have in common.

    server     a Server, a Gateway or whatever has handle(adu, n, link); None: a Server of its own,
               for routes
    counters   the Counters of this line or network

    Drivers are run by umb.serve.serve(), or by a program that calls poll() again and again. If the
    server is itself a driver, as a Gateway is, it is run along with this one.
    """

    serial = False
    gone = False
    peer = None

    def __init__(self, server):
        if server is None:
            server = Server()
        if not hasattr(server, "handle"):
            raise ValueError("a Server or a Gateway is needed, not %r" % (server,))
        self.server = server
        self.gateway = server if hasattr(server, "poll") else None  # what is run along
        self.counters = Counters()
        self.listen_only = False
        self.stopping = False

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: Server.route() of this driver's server."""
        return self.server.route(slave_ids, function_codes, addresses, signed=signed)

    def serve_forever(self):
        """Serve until shutdown() is called, asleep while nothing comes."""
        from ..serve import serve

        serve(self)

    def shutdown(self):
        """End serve_forever() or serve() after the request at hand."""
        self.stopping = True
