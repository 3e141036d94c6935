"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.rtu, umb.server.tcp, ...) brings the requests, and describes the line or
connection that each came from as `link`:

    serial        whether it is a serial line, with broadcasts and silence
    peer          (host, port) of a network client, None on a serial line
    counters      the Counters of the driver
    listen_only   set and cleared by function code 8
    gone          whether a client has disconnected meanwhile
    answer(n)     sends a response later: for handlers that returned LATER

What a server offers besides a store are functions: objects such as those of umb.functions, with

    codes                   the function codes that it answers: bytes or a tuple, maybe empty; not
                            1 to 6, 15, 16, 22 and 23, which belong to the store
    handle(adu, n, link)    answer the request PDU of n bytes at adu[7] for the device adu[6], in
                            place. Returns the length of the response PDU, 0 for none, or minus an
                            exception code

and, if it needs all requests and responses of the server, as an event log does, with

    received(adu, link)     called for every request for a device of the server, adu[6], and every
                            broadcast, where adu[6] is 0, before it is carried out: whatever its
                            function code, and in listen-only mode, too
    sent(adu, link)         called for every response at adu[7], exceptions too, before it leaves
    never_raises            True if neither of these two raises anything: they are called without
                            a guard then, in half the time. May be missing

What a handle(), a hook or an endpoint raises is an answer if it has an exception code, as most of
umb.errors have. Anything else is a bug: the client gets exception 4, and on_error is called.
"""

import sys

from micropython import const

from ..check import function, integer, wrong
from ..frame import WRITES, refuse
from .standard import check, read, write

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) exactly once

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_DEVICE_FAILURE = const(4)
_BUSY = const(6)
_NAK = const(7)
_NO_SUCH_DEVICE = const(11)
_LAST_ROUTED = const(16)  # routes answer for function codes 1 to 6, 15 and 16
_DIAGNOSTICS = const(8)  # the function code that is handled in listen-only mode
_IDLE_NAP_MS = const(1000)


def print_error(error, link):  # noqa: ARG001 - as on_error is called
    """Print the traceback of an exception, the default of Server's on_error.

    Where parameters are wrong, the traceback ends in umb, and a second line says what they are.
    """
    sys.print_exception(error)
    if isinstance(error, TypeError) and "argument" in str(error):
        from ..mistakes import PARAMETERS

        sys.print_exception(TypeError(PARAMETERS))


class _Catcher:
    """A context manager that keeps what was raised in its block, for take() right behind it.

    It takes less of a function's frame than `except` does: MicroPython puts a frame of more than
    11 words on the heap, at every call. All servers share one, even those that are served from
    interrupts: MicroPython lets these in at jumps only, and there is none from where `error` is
    set to the end of take().
    """

    def __enter__(self):
        pass

    def __exit__(self, kind, error, _):
        if kind is None:
            return False
        self.error = error
        return issubclass(kind, Exception)

    def take(self):
        """Return the exception, and forget it: it would keep what it holds in memory."""
        error = self.error
        self.error = None
        return error


_caught = _Catcher()
_caught.error = None  # made now: the first assignment to an attribute takes memory


def _attempt(handler, adu, link):
    """Return what handler(adu, link) returns, or the Exception that it raises."""
    with _caught:
        return handler(adu, link)
    return _caught.take()


class Server:
    """One or more devices, each with a slave id and a Store.

    store       the Store of the slave ids given here; None if routes or functions answer alone
    slave_ids   a list of ids 1..247 (SL 2.2), the device itself first: over networks the first one
                answers to 0 and 255, too. add() and remove() change them later
    functions   what is offered besides a store, such as (Diagnostics(), Identity({...})): objects
                with `codes` and handle(), see umb.server. Without them FC 7, 8, 11, 12, 17, 20,
                21, 24 and 43 get exception 1
    permit      permit(slave_id, function_code, address, quantity, link) returns whether a request
                may be carried out; else it gets exception 1, or, if it is a broadcast, is ignored.
                It is asked about requests of the right form, before anything else is done. None:
                all may. See below
    on_error    on_error(exception, link) is called when a hook, an endpoint or a function raised
                something without an exception code, and the client gets exception 4. The default
                prints the traceback; None is silence. What on_error itself raises is printed

    Requests are checked in this order: function code (exception 1), length, quantity and byte
    count (3), addresses (2); what goes wrong in the work itself is 4. A slave id that nobody has
    is met with silence on serial lines, and with exception 11 by networks.

    permit is called for function codes 1 to 6, 15, 16, 22 and 23 with the addresses that are read
    or written. For 23 it is called twice: as for a read with 3, and for what is written with 23.
    For all other codes address is None and quantity 0. Over networks slave_id is the device that
    answers, for 0 and 255 too. What permit raises is treated as if a hook had raised it.

    Raises ValueError for a slave id out of range or an argument of the wrong kind.
    """

    def __init__(
        self, store=None, slave_ids=(1,), *, functions=(), permit=None, on_error=print_error
    ):
        function("on_error", on_error)
        function("permit", permit)
        self.stores = {}  # slave id: its Store, or None
        self.routes = None  # see route()
        self.on_error = on_error
        self.slave_ids = []  # in the order in which they were added: a dict keeps none
        self.functions = None  # a Functions, if there are any: see function()
        self._perform = self._perform  # bound once: a bound method is an allocation
        self._permit = None
        if permit is not None:
            from .permit import Permit

            self._permit = Permit(permit, self)
        try:
            iter(slave_ids)
        except TypeError:
            raise wrong("slave_ids", slave_ids)
        for slave_id in slave_ids:
            self.add(slave_id, store)
        if functions != ():
            from .functions import Functions

            self.functions = Functions(self, functions)

    def add(self, slave_id: int, store):
        """Serve this store, from now on, as the device with this slave id, 1..247.

        store   a Store, or None if routes or functions answer alone

        Raises ValueError, also for an id that is served already: remove() it before.
        """
        integer("slave_id", slave_id, 1, 247)
        if store is not None and not hasattr(store, "areas"):
            raise wrong("store", store)
        if slave_id in self.stores:
            raise wrong("slave_id to add", slave_id)
        self.slave_ids.append(slave_id)
        self.stores[slave_id] = store

    def remove(self, slave_id: int):
        """Serve this slave id no longer. Raises ValueError if it is not served."""
        if slave_id not in self.slave_ids:
            raise wrong("slave_id", slave_id)
        self.slave_ids.remove(slave_id)
        del self.stores[slave_id]

    def function(self, code: int, handler):
        """Answer a user-defined function code, 65..72 or 100..110 (AP 5), from now on.

        handler(adu, n, link) answers in place as handle() of a function does, see umb.server. It
        takes the place of an earlier one. Raises ValueError for another code or something that
        cannot be called.
        """
        from .functions import Functions

        if self.functions is None:
            self.functions = Functions(self, ())
        self.functions.add(code, handler)

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: let a function answer for these addresses, as uModbus has it.

        slave_ids        a list of ids 1..247, which are served from now on; None: those that are
        function_codes   a list of 1 to 6, 15 and 16; None: all of these
        addresses        a list or range of 0..65535; None: all
        signed           whether values written are -32768..32767; None: umb.conf.SIGNED_VALUES

        The function is called once for each address, with the keywords slave_id, function_code and
        address, and for writes value. What it returns for a read is the value. For each address
        the first route that matches counts. A request of whose addresses only some have a route
        gets exception 2; if none has, the store answers. An exception of umb.errors gives its
        code, any other gives 4 and is reported.

        Raises ValueError for a number out of range, TypeError for an argument that is no list.
        """
        from .routes import Routes

        routes = self.routes or Routes()
        decorator = routes.add(self, slave_ids, function_codes, addresses, signed)
        self.routes = routes
        return decorator

    def serves(self, slave_id: int) -> bool:
        """Return whether a device here answers to this slave id.

        A device without a store does so only if there is a route for it: on a bus the slave id may
        be another device's.
        """
        return slave_id in self.stores and (
            self.routes is None or self.stores[slave_id] is not None or self.routes.has(slave_id)
        )

    def _device(self):
        """Return the slave id of the device that answers slave ids 0 and 255 of networks, or 0."""
        for slave_id in self.slave_ids:
            if self.serves(slave_id):
                return slave_id
        return 0

    def handle(self, adu: bytearray, n: int, link) -> int:
        """Answer the request PDU of n bytes at adu[7] for the slave id at adu[6], in place.

        Returns the response PDU's length, 0 for no response. Never raises. Writes adu[5], too, and
        puts adu[6] back.
        """
        if not self.serves(adu[6]) or (adu[7] >= 0x80 and link.serial):
            return self._handle_unserved(adu, n, link)
        if self.functions is not None:
            self.functions.received(adu, link)
        if link.listen_only and adu[7] != _DIAGNOSTICS:
            return 0
        counters = link.counters
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        # _attempt() has room for two arguments: the length is where MBAP has it, on every link.
        adu[5] = n + 1
        n = _attempt(self._perform, adu, link)
        if not isinstance(n, int):
            n = self._failed(n, link)
        if n > 0:
            counters.event_count = counters.event_count + 1 & 0xFFFF
        elif n < 0:
            counters.bus_exception_error_count = counters.bus_exception_error_count + 1 & 0xFFFF
            if n == -_BUSY:
                counters.server_busy_count = counters.server_busy_count + 1 & 0xFFFF
            elif n == -_NAK:
                counters.server_nak_count = counters.server_nak_count + 1 & 0xFFFF
            n = refuse(adu, -n)
        if n and self.functions is not None:
            self.functions.sent(adu, link)
        return n

    def _handle_unserved(self, adu, n, link):
        """As handle(), of a broadcast, a request for a slave id not served here, or no request."""
        unit = adu[6]
        if link.serial:
            if unit == 0:
                self._broadcast(adu, n, link)
            return 0  # another slave may answer; codes from 0x80 on are exception responses
        # To a network 0 and 255 are the device itself (TCP Guide 4.4.2.1). A subclass that has a
        # handle() of its own has handled this request already.
        adu[6] = 0 if 0 < unit < 255 else self._device()
        n = Server.handle(self, adu, n, link) if adu[6] else refuse(adu, _NO_SUCH_DEVICE)
        adu[6] = unit
        return n

    def _broadcast(self, adu, n, link):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        if self.functions is not None:
            self.functions.received(adu, link)
        if link.listen_only:
            return
        counters = link.counters
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        counters.server_no_response_count = counters.server_no_response_count + 1 & 0xFFFF
        adu[5] = n + 1
        if adu[7] not in WRITES or check(adu, n):
            return
        done = 0
        n = 0
        while n < len(self.slave_ids):
            adu[6] = self.slave_ids[n]
            if self._is_due(adu, n):
                length = _attempt(self._perform, adu, link)
                if not isinstance(length, int):
                    self._failed(length, link)
                elif length > 0:
                    done = 1
            n += 1
        adu[6] = 0
        counters.event_count = counters.event_count + done & 0xFFFF

    def _is_due(self, adu, number):
        """Return whether a broadcast is still to be done for adu[6], slave_ids[number].

        Devices that share a store write it once; routes are called for each device.
        """
        if self.routes is not None and adu[7] <= _LAST_ROUTED:
            return self.routes.is_due(adu, self.stores, self.slave_ids, number)
        store = self.stores[adu[6]]
        i = 0
        while self.stores[self.slave_ids[i]] is not store:
            i += 1
        return i == number

    def _perform(self, adu, link):
        """Do what the PDU of adu[5] - 1 bytes asks of the device adu[6].

        Returns the response's length, or minus an exception code; raises whatever a hook raises.
        """
        n = adu[5] - 1
        store = self.stores.get(adu[6])
        exception_code = check(adu, n)
        if (
            exception_code <= _ILLEGAL_FUNCTION
            and self._permit is not None
            and not self._permit.allows(adu, link, exception_code)
        ):
            return -_ILLEGAL_FUNCTION
        # Without a store there are neither FC 22 nor 23.
        if exception_code == _ILLEGAL_FUNCTION or (store is None and adu[7] > _LAST_ROUTED):
            if self.functions is None:
                return -_ILLEGAL_FUNCTION
            return self.functions.handle(adu, n, link)
        if exception_code:
            return -exception_code
        if self.routes is not None and adu[7] <= _LAST_ROUTED:
            n = self.routes.serve(adu)
            if n:
                return n
        if store is None:
            return -_ILLEGAL_ADDRESS
        return (read if adu[7] < 5 else write)(adu, store.areas)

    def _failed(self, error, link):
        """Return minus the exception code for what a hook, an endpoint or a function raised."""
        # umb.errors.ModbusError is recognised by what it has: a server need not load that module.
        exception_code = getattr(error, "error_code", None)
        if not (isinstance(exception_code, int) and 0 < exception_code < 256):
            exception_code = _DEVICE_FAILURE
            self.report(error, link)
        return -exception_code

    def notify(self, handler, adu, link):
        """Return what handler(adu, link) returns; report what it raises, and return None then."""
        result = _attempt(handler, adu, link)
        if isinstance(result, Exception):
            self.report(result, link)
            return None
        return result

    def report(self, error: Exception, link):
        """Call on_error with an exception that a hook raised. Never raises."""
        if self.on_error is not None:
            error = _attempt(self.on_error, error, link)
            if isinstance(error, Exception) and self.on_error is not print_error:
                _attempt(print_error, error, link)


class Counters:
    """What one driver counts, as FC 8 and 11 report it (AP 6.8, 6.9): 16 bits each, which wrap."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Set every counter to 0."""
        self.bus_message_count = 0  # messages on the line, for any slave
        self.bus_communication_error_count = 0  # wrong CRC, LRC, length or framing
        self.bus_exception_error_count = 0  # exception responses sent
        self.server_message_count = 0  # messages addressed to this device, or broadcast
        self.server_no_response_count = 0  # messages that were not answered
        self.server_nak_count = 0  # exceptions 7 sent
        self.server_busy_count = 0  # exceptions 6 sent
        self.bus_character_overrun_count = 0  # no port counts them: always 0
        # Requests that were carried out, broadcasts too (AP 6.9); without exceptions and without
        # requests for this very number.
        self.event_count = 0
        self.logged_error_count = 0  # communication errors that are in an event log already


class Driver:
    """What the drivers of all transports have in common.

    server     a Server, a Gateway or whatever has handle(adu, n, link); None: a Server of its own,
               for routes
    gateway    the server if it is itself a driver, as a Gateway is: it is run along with this one
    lines      how many serial lines it keeps the times of
    alone      whether no other serial line is run in the same loop: then poll() may wait for a
               frame. serve() sets it
    counters   the Counters of this line or network

    Drivers are run by umb.serve.serve(), or by a program that calls poll() again and again. To the
    server a driver is the link, or makes one for each connection.
    """

    serial = False
    lines = 0
    alone = True
    gone = False
    peer = None

    def __init__(self, server):
        if server is None:
            server = Server()
        if isinstance(server, type) or not hasattr(server, "handle"):
            raise wrong("server", server)
        self.server = server
        self.gateway = server if hasattr(server, "poll") else None
        self.counters = Counters()
        self.listen_only = False
        self.stopping = False

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: Server.route() of this driver's server."""
        return self.server.route(slave_ids, function_codes, addresses, signed=signed)

    def nap_ms(self) -> int:
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        return _IDLE_NAP_MS if self.gateway is None else self.gateway.nap_ms()

    def watch(self, poller) -> None:
        """Use this select.poll from now on, see umb.serve."""
        if self.gateway is not None:
            self.gateway.watch(poller)

    def finish(self) -> None:
        """End what must not be left half-done, see umb.serve."""
        if self.gateway is not None:
            self.gateway.finish()

    def serve_forever(self) -> None:
        """Serve until shutdown() is called, asleep while nothing is received."""
        from ..serve import serve

        serve(self)

    def shutdown(self) -> None:
        """End serve_forever() or serve() after the request at hand."""
        self.stopping = True
