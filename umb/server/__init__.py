"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.tcp, umb.server.rtu) brings requests and tells of itself as `link`:
`serial` (is it a serial line, with broadcast and silence), `counters`, `listen_only`, `peer`, and
for handlers that answer later `gone` and `answer(n)`.
"""

from micropython import const

from ..pdu import check, refuse

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) later

_EXCEPTIONS = const(2)  # where in Counters.values, see umb.counter_names
_MESSAGES = const(3)


class Counters:
    """What a driver counts; FC 8 and 11 report it (AP 6.8, 6.9). 16 bits each, they wrap.

    They can be read by the names of umb.counter_names: counters.bus_message_count, ... FC 8
    clears them.
    """

    log = None  # what FC 12 reports, once a master has asked

    def __init__(self):
        self.values = [0] * 8

    def __getattr__(self, name):
        from ..counter_names import read

        Counters.__getattr__ = read  # in place of this, from now on
        return read(self, name)

    def count(self, i):
        """One more of number i."""
        self.values[i] = self.values[i] + 1 & 0xFFFF

    def refused(self, code):
        """An exception is going to be answered: count it, and busy (6) and NAK (7) once more."""
        self.count(_EXCEPTIONS)
        if 6 <= code <= 7:
            self.count(12 - code)


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
    serial_codes = False
    on_error = None
    routes = None
    first = 0  # the first slave id
    _extras = None

    def __init__(self, store=None, slave_ids=(1,), **options):
        self.stores = {}
        for slave_id in slave_ids:
            self.add(slave_id, store)
        if options:
            self.extras().offer(**options)

    def add(self, slave_id, store):
        """Serve `store` as the device with this slave id."""
        if not 1 <= slave_id <= 247:
            raise ValueError("a slave id must be 1..247")
        self.first = self.first or slave_id
        self.stores[slave_id] = store

    def extras(self):
        """What a server is seldom asked is in a file of its own, loaded when it is needed."""
        if self._extras is None:
            from ..extras import Extras

            self._extras = Extras(self)
        return self._extras

    def function(self, code, handler):
        """Answer a user-defined function code: 65..72 or 100..110 (AP 5).

        handler(adu, n, link) finds the request PDU of n bytes at adu[7], puts the response PDU
        there and returns its length. An umb.errors exception gives its code, any other gives 4.
        """
        self.extras().function(code, handler)

    def route(self, *rule, **keywords):
        """Decorator: let a function answer for these addresses, as uModbus has it.

        route(slave_ids=None, function_codes=None, addresses=None, *, signed=None)

        Each argument is anything that `in` works on; None matches everything (of slave ids: those
        that are served). The function is called per address with the keywords slave_id,
        function_code, address, and for writes value; a read's return value is the value.
        An umb.errors exception gives its code, any other gives 4.
        """
        if self.routes is None:
            from ..routes import Routes

            self.routes = Routes(self.stores)
        return self.routes.adder(*rule, **keywords)

    def serves(self, slave_id):
        """Does a device here answer to this slave id?

        One that has no store does not where all rules are for others: on a bus it is not ours.
        """
        known = slave_id in self.stores
        return known and (self.routes is None or self.routes.concern(slave_id))

    def handle(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] for the slave id at adu[6], in place.

        Returns the response PDU's length, 0 to say nothing. Never raises.
        """
        slave_id = adu[6]
        counters = link.counters
        if counters.log is not None or self.routes is not None or slave_id not in self.stores:
            slave_id = self.extras().resolve(adu, n, link)
            if slave_id <= 0:
                return -slave_id
        values = counters.values
        values[_MESSAGES] = values[_MESSAGES] + 1 & 0xFFFF
        n = self.execute(adu, n, slave_id, link)
        code = 0
        if n < 0:
            code = -n
            counters.refused(code)
            n = refuse(adu, code)
        log = counters.log  # this request may have been the one that began it
        if n and log is not None:
            log.sent(link, code)
        return n

    def execute(self, adu, n, slave_id, link):
        """Do what a request asks of this device: the response's length, or minus an exception.

        Never raises.
        """
        try:
            code = adu[7]
            wrong = check(adu, n)
            if wrong == 1:
                return self.extras().special(adu, n, link)
            store = self.stores[slave_id]
            if self.routes is not None:
                n = self.routes.answer(adu, slave_id, store, wrong)
                if n:
                    return n
            if wrong:
                return -wrong
            if store is None:
                return -2
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
        except Exception as error:  # noqa: BLE001 - whatever a hook does, the server lives on
            return self.extras().failed(error)

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
    from ..loop import serve

    serve(drivers)
