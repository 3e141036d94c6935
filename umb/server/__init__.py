"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.tcp, umb.server.rtu) brings requests and tells of itself as `link`:
`serial` (is it a serial line, with broadcast and silence), `counters`, `listen_only`, `peer`, and
for handlers that answer later `gone` and `answer(n)`.
"""

from ..pdu import check, data_size, refuse

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) later

_NOBODY = ()  # stands for the store of a slave id that nobody serves
_NAP_MS = 500  # the longest sleep of serve(): how long shutdown() may take


class Counters:
    """What a driver counts; FC 8 reports it (AP 6.8). 16 bits each, they wrap."""

    def __init__(self):
        self.bus_message_count = 0
        self.bus_communication_error_count = 0
        self.bus_exception_error_count = 0
        self.server_message_count = 0
        self.server_no_response_count = 0
        self.server_nak_count = 0
        self.server_busy_count = 0
        self.bus_character_overrun_count = 0


class Server:
    """One or more devices: each slave id has a store, or routes answer for it.

    slave_ids  the ids, 1..247, that share `store`; add() makes more devices
    on_error   on_error(exception) is told of every exception of a hook or an endpoint that
               became exception 4

    Raises ValueError for a slave id out of range (SL 2.2).
    """

    def __init__(self, store=None, slave_ids=(1,), *, on_error=None):
        self._stores = {}
        self._routes = None
        self._first = None
        self.on_error = on_error
        for slave_id in slave_ids:
            self.add(slave_id, store)

    def add(self, slave_id, store):
        """Serve `store` as the device with this slave id."""
        if not 1 <= slave_id <= 247:
            raise ValueError("a slave id must be 1..247")
        if self._first is None:
            self._first = slave_id
        self._stores[slave_id] = store

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
        """Does a device here answer to this slave id?"""
        return self._store(slave_id) is not _NOBODY

    def _store(self, slave_id):
        """The store of a slave id, None where only routes serve it, or _NOBODY."""
        store = self._stores.get(slave_id, _NOBODY)
        routes = self._routes
        if store is None and routes is not None and not routes.concern(slave_id):
            return _NOBODY  # its store is empty and the rules are for others: on a bus, not ours
        return store

    def handle(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] for the slave id at adu[6], in place.

        Returns the response PDU's length, 0 to say nothing. Never raises.
        """
        slave_id = adu[6]
        counters = link.counters
        if link.serial and slave_id == 0:
            return self._broadcast(adu, n, counters)
        store = self._store(slave_id)
        if store is _NOBODY:
            if link.serial:
                return 0
            if slave_id in b"\x00\xff":  # the device itself (TCP Guide 4.4.2.1)
                slave_id = self._first
                if not self.serves(slave_id):
                    slave_id = self._routes.first()
                store = self._store(slave_id)
            if store is _NOBODY:
                return refuse(adu, 11)
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        n = self._try(adu, n, slave_id, store)
        if n < 0:
            counters.bus_exception_error_count = counters.bus_exception_error_count + 1 & 0xFFFF
            n = refuse(adu, -n)
        return n

    def _broadcast(self, adu, n, counters):
        """Do a write for every device, in silence (SL 2.1). Anything else is ignored."""
        counters.server_message_count = counters.server_message_count + 1 & 0xFFFF
        counters.server_no_response_count = counters.server_no_response_count + 1 & 0xFFFF
        if adu[7] in b"\x05\x06\x0f\x10\x16":
            done = None
            for slave_id in self._stores:
                store = self._stores[slave_id]
                # Ids that share a store write it once, but each may have a route of its own.
                if store is not done or self._routes is not None:
                    self._try(adu, n, slave_id, store)
                done = store
        return 0

    def _try(self, adu, n, slave_id, store):
        """Serve one request: the response's length, or minus the exception code."""
        try:
            return self._serve(adu, n, slave_id, store)
        except Exception as error:  # noqa: BLE001 - whatever a hook does, the server lives on
            # One of umb.errors is known by what it has: a server need not load them.
            code = getattr(error, "error_code", None) or 4
            if code == 4 and self.on_error is not None:
                try:
                    self.on_error(error)
                except Exception:  # noqa: BLE001, S110 - nobody is left to be told
                    pass
            return -code

    def _serve(self, adu, n, slave_id, store):
        code = adu[7]
        if store is None and code >= 22:
            return -1  # routes do not serve these
        n = check(adu, n)
        if n:
            return -n
        if self._routes is not None and code < 22:
            n = self._routes.serve(adu, slave_id)
            if n:
                return n
        if store is None:
            return -2
        area = store.area(code)
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
        size = data_size(code, quantity)
        area.get(address, quantity, adu, 9)
        adu[8] = size
        return 2 + size

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


def serve(*drivers):
    """Serve with all these drivers until one is shut down, asleep while nothing comes."""
    for driver in drivers:
        driver.stopping = False
        driver.join(drivers[0])
    while True:
        nap_ms = _NAP_MS
        for driver in drivers:
            if driver.stopping:
                return
            nap_ms = min(nap_ms, driver.nap_ms())
        for driver in drivers:
            driver.poll(nap_ms)  # the first one sleeps for all: they share its poller
            nap_ms = 0
