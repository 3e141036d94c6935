"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.tcp, umb.server.rtu) brings requests and tells of itself as `link`:
`serial` (is it a serial line, with broadcast and silence), `counters`, `listen_only`, `peer`, and
for handlers that answer later `gone` and `answer(n)`.
"""

from ..pdu import check, refuse

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) later

_NOBODY = ()  # stands for the store of a slave id that nobody serves
_NAP_MS = 500  # the longest sleep of serve(): how long shutdown() may take
_WRITES = b"\x05\x06\x0f\x10\x16"  # what can be broadcast
_DIAGNOSTICS = b"\x07\x08\x0b\x0c"  # what is loaded when it is asked for
_SERIAL = b"\x07\x08\x0b\x0c\x11"  # what is for serial lines alone


class Counters:
    """What a driver counts; FC 8 and 11 report it (AP 6.8, 6.9). 16 bits each, they wrap."""

    def __init__(self):
        self.log = None  # what FC 12 reports, once a master has asked
        self.clear()

    def clear(self):
        self.bus_message_count = 0
        self.bus_communication_error_count = 0
        self.bus_exception_error_count = 0
        self.server_message_count = 0
        self.server_no_response_count = 0
        self.server_nak_count = 0
        self.server_busy_count = 0
        self.bus_character_overrun_count = 0

    def refused(self, code):
        """An exception is going to be answered."""
        self.bus_exception_error_count = self.bus_exception_error_count + 1 & 0xFFFF
        if code == 6:
            self.server_busy_count = self.server_busy_count + 1 & 0xFFFF
        elif code == 7:
            self.server_nak_count = self.server_nak_count + 1 & 0xFFFF


class Server:
    """One or more devices: each slave id has a store, or routes answer for it.

    slave_ids     the ids, 1..247, that share `store`; add() makes more devices
    identity      {object id: text} for FC 43/14: 0 vendor, 1 product code, 2 revision, ...
    files         {file number: Registers} for FC 20 and 21
    fifo          {address: sequence of up to 31 values} for FC 24
    server_id     text or bytes for FC 17
    serial_codes  True: FC 7, 8, 11, 12 and 17 over networks too
    on_error      on_error(exception) is told of every exception of a hook or an endpoint that
                  became exception 4

    exception_status is what FC 7 reports, diagnostic_register what FC 8 does: a program sets them.
    Raises ValueError for a slave id out of range (SL 2.2).
    """

    exception_status = 0
    diagnostic_register = 0

    def __init__(
        self,
        store=None,
        slave_ids=(1,),
        *,
        identity=None,
        files=None,
        fifo=None,
        server_id=None,
        serial_codes=False,
        on_error=None,
    ):
        self._stores = {}
        self._routes = None
        self._first = None
        self._functions = {}  # function code: handler, besides those of a store
        self.serial_codes = serial_codes
        self.on_error = on_error
        for slave_id in slave_ids:
            self.add(slave_id, store)
        if identity is not None or server_id is not None or files is not None or fifo is not None:
            from ..extras import offer

            offer(self._functions, identity, server_id, files, fifo)

    def add(self, slave_id, store):
        """Serve `store` as the device with this slave id."""
        if not 1 <= slave_id <= 247:
            raise ValueError("a slave id must be 1..247")
        if self._first is None:
            self._first = slave_id
        self._stores[slave_id] = store

    def function(self, code, handler):
        """Answer a user-defined function code: 65..72 or 100..110 (AP 5).

        handler(adu, n, link) finds the request PDU of n bytes at adu[7], puts the response PDU
        there and returns its length. An umb.errors exception gives its code, any other gives 4.
        """
        if not (65 <= code <= 72 or 100 <= code <= 110):
            raise ValueError("user-defined function codes are 65..72 and 100..110")
        self._functions[code] = handler

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: let a function answer for these addresses, as uModbus has it.

        Each argument is anything that `in` works on; None matches everything (of slave ids: those
        that are served). The function is called per address with the keywords slave_id,
        function_code, address, and for writes value; a read's return value is the value.
        An umb.errors exception gives its code, any other gives 4.
        """
        if self._routes is None:
            from ..routes import Routes

            self._routes = Routes()
        for slave_id in slave_ids or ():
            self._stores.setdefault(slave_id, None)
        return self._routes.adder(slave_ids, function_codes, addresses, signed)

    def serves(self, slave_id):
        """Does a device here answer to this slave id?

        One that has no store does not where all rules are for others: on a bus it is not ours.
        """
        store = self._stores.get(slave_id, _NOBODY)
        if store is None and self._routes is not None:
            return self._routes.concern(slave_id)
        return store is not _NOBODY

    def handle(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] for the slave id at adu[6], in place.

        Returns the response PDU's length, 0 to say nothing. Never raises.
        """
        slave_id = adu[6]
        store = self._stores.get(slave_id)
        if store is None:
            slave_id = self._resolve(adu, n, link)
            if slave_id <= 0:
                return -slave_id
            store = self._stores[slave_id]
        counters = link.counters
        log = counters.log
        if log is not None:  # only then can it be in listen-only mode, too
            log.received(link, False)
            if link.listen_only and adu[7] != 8:
                return 0
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        try:
            n = self._serve(adu, n, slave_id, store, link)
        except Exception as error:  # noqa: BLE001 - whatever a hook does, the server lives on
            n = self._failed(error)
        code = 0
        if n < 0:
            code = -n
            counters.refused(code)
            n = refuse(adu, code)
        log = counters.log  # this request may have been the one that began it
        if n and log is not None:
            log.sent(link, code)
        return n

    def _resolve(self, adu, n, link):
        """Who is meant by a slave id without a store of its own.

        Returns the id that answers, or minus the length of the response that is there already.
        """
        slave_id = adu[6]
        if link.serial and slave_id == 0:
            self._broadcast(adu, n, link)
            return 0
        if self.serves(slave_id):
            return slave_id
        if link.serial:
            return 0
        # To a network 0 and 255 are the device itself (TCP Guide 4.4.2.1).
        if slave_id in b"\x00\xff":
            if self.serves(self._first):
                return self._first
            slave_id = None if self._routes is None else self._routes.first()
            if slave_id is not None:
                return slave_id
        return -refuse(adu, 11)

    def _failed(self, error):
        """Minus the exception code that an exception of a hook or an endpoint becomes."""
        # Those of umb.errors are known by what they have: a server need not load them.
        code = getattr(error, "error_code", None)
        if not isinstance(code, int) or not 0 < code < 256:
            code = 4
        if code == 4 and self.on_error is not None:
            try:
                self.on_error(error)
            except Exception:  # noqa: BLE001 - nobody is left to be told
                pass
        return -code

    def _broadcast(self, adu, n, link):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        counters = link.counters
        if counters.log is not None:
            counters.log.received(link, True)
            if link.listen_only:
                return
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        counters.server_no_response_count = counters.server_no_response_count + 1 & 0xFFFF
        if adu[7] in _WRITES:
            done = None
            for slave_id in self._stores:
                store = self._stores[slave_id]
                # Ids that share a store write it once, but each may have a route of its own.
                if store is not done or self._routes is not None:
                    try:
                        self._serve(adu, n, slave_id, store, link)
                    except Exception as error:  # noqa: BLE001 - as for any request
                        self._failed(error)
                done = store

    def _serve(self, adu, n, slave_id, store, link):
        """Serve one request: the response's length, or minus the exception code."""
        code = adu[7]
        wrong = check(adu, n)
        if wrong == 1:
            return self._special(adu, n, link)
        if store is None or self._routes is not None:
            n = self._routed(adu, slave_id, store, wrong)
            if n:
                return n
        if wrong:
            return -wrong
        area = store.areas[code]
        address = adu[8] << 8 | adu[9]
        quantity = 1 if code in b"\x05\x06\x16" else adu[10] << 8 | adu[11]
        if not area.has(address, quantity):
            return -2
        if code > 4:
            n = self._write(adu, code, area, address, quantity)
            if n < 0 or code != 23:
                return n
        if area.on_read is not None:
            area.on_read(address, quantity)
        n = quantity << 1 if code > 2 else quantity + 7 >> 3
        area.get(address, quantity, adu, 9)
        adu[8] = n
        return n + 2

    def _routed(self, adu, slave_id, store, wrong):
        """The answer that routes give, or what says that there is no store; 0: ask the store."""
        if adu[7] >= 22:  # routes do not serve these
            return -1 if store is None else 0
        if wrong:
            return -wrong
        n = 0 if self._routes is None else self._routes.serve(adu, slave_id)
        return -2 if n == 0 and store is None else n

    def _special(self, adu, n, link):
        """Function codes that not every server offers, see __init__ and function()."""
        code = adu[7]
        if code in _SERIAL and not (link.serial or self.serial_codes):
            return -1
        if code in _DIAGNOSTICS and code not in self._functions:
            try:
                from ..diagnostics import Diagnostics
            except ImportError:  # left out
                return -1
            handler = Diagnostics(self).handle
            for i in _DIAGNOSTICS:
                self._functions[i] = handler
        handler = self._functions.get(code)
        return -1 if handler is None else handler(adu, n, link)

    @staticmethod
    def _write(adu, code, area, address, quantity):
        """Check every value, then store them: AP 6.5, 6.6, 6.11, 6.12, 6.16, the write of 6.17."""
        at = 13  # where the values stand
        if code < 15:
            at = 10
        elif code == 22:  # (current AND and_mask) OR (or_mask AND NOT and_mask)
            mask = adu[10] << 8 | adu[11]
            value = area[address] & mask | (adu[12] << 8 | adu[13]) & ~mask
            at = 14  # behind the request, which is echoed
            adu[14] = value >> 8 & 0xFF
            adu[15] = value & 0xFF
        elif code == 23:
            at = 17
            address = adu[12] << 8 | adu[13]
            quantity = adu[14] << 8 | adu[15]
            if not area.has(address, quantity):
                return -2
        if area.validate is not None:
            for i in range(quantity):
                if not area.validate(address + i, area.value(adu, at, i)):
                    return -3
        area.put(address, quantity, adu, at)
        if area.on_write is not None:
            area.on_write(address, quantity)
        return 7 if code == 22 else 5


class Driver:
    """What the drivers of all transports have in common.

    handler   a Server, a Gateway or whatever has handle(adu, n, link); None: a Server() of its
              own, for routes
    counters  what FC 8 reports
    """

    listen_only = False

    def __init__(self, handler):
        self.handler = Server() if handler is None else handler
        self.counters = Counters()
        self.stopping = False

    def route(self, *arguments, **keywords):
        """Decorator: Server.route of this driver's handler."""
        return self.handler.route(*arguments, **keywords)

    def serve_forever(self):
        """Serve until shutdown() is called, asleep while nothing comes."""
        serve(self)

    def shutdown(self):
        """End serve_forever() or serve() after the request at hand."""
        self.stopping = True

    def settle(self):
        """Stay until what is under way is over, where leaving it would do harm."""


def serve(*drivers):
    """Serve with all these drivers until one is shut down, asleep while nothing comes."""
    for driver in drivers:
        driver.stopping = False
        driver.join(drivers[0])
    try:
        _serve(drivers)
    finally:
        for driver in drivers:
            driver.settle()


def _serve(drivers):
    done = 0
    nap_ms = 0
    others = len(drivers) - 1  # what one answers may be work for another
    while True:
        if others or not done:
            nap_ms = _NAP_MS
            for driver in drivers:
                nap_ms = min(nap_ms, driver.nap_ms())
        wait_ms = nap_ms
        done = 0
        for driver in drivers:
            done += driver.poll(wait_ms)  # the first one sleeps for all: they share its poller
            if driver.stopping:
                return
            wait_ms = 0
