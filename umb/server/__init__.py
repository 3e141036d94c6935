"""Server: request PDU in, response PDU out, in the same buffer (AP 4.4). It never waits.

A driver (umb.server.tcp, umb.server.rtu) brings requests and tells of itself as `link`:
`serial` (is it a serial line, with broadcast and silence), `counts` (what `counters` shows by
their names), `listen_only`, `peer`, and for handlers that answer later `gone` and `answer(n)`.

Both classes have a second half, umb.extras and umb.loop, see umb.late.
"""

from micropython import const

from ..pdu import check, read, write

LATER = -1  # what a handler returns that keeps the buffer and calls link.answer(n) later

_EXCEPTIONS = const(2)  # where in link.counts, see umb.counters
_MESSAGES = const(3)
_LOG = const(8)
_SINGLE = const(1 << 5 | 1 << 6)  # the function codes whose requests have no quantity


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

    routes = None
    first = 0  # the first slave id

    def __init__(self, store=None, slave_ids=(1,), **offered):
        if type(self) is not Server:  # methods that call super()'s do not come by __getattr__
            self.combined  # noqa: B018 - of the second half, and nobody overrides it
        self.stores = {}
        for slave_id in slave_ids:
            self.add(slave_id, store)
        if offered:
            self.offer(**offered)

    def __getattr__(self, name):
        """Load the second half: route(), function(), and what a server is seldom asked."""
        from ..extras import load

        load(Server)
        return getattr(self, name)

    def add(self, slave_id, store):
        """Serve `store` as the device with this slave id."""
        if not 1 <= slave_id <= 247:
            from .. import faults

            faults.slave_id(slave_id)
        self.first = self.first or slave_id
        self.stores[slave_id] = store

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
        counts = link.counts
        if slave_id not in self.stores or self.routes is not None or counts[_LOG] is not None:
            if link.serial and slave_id and not self.serves(slave_id):
                return 0  # another slave's
            try:
                slave_id = self.resolve(adu, n, link)
            except Exception:  # noqa: BLE001 - no memory to load it
                return 0
            if slave_id <= 0:
                return -slave_id
        counts[_MESSAGES] = counts[_MESSAGES] + 1 & 0xFFFF
        n = self.execute(adu, n, slave_id, link)
        if n < 0:
            counts[_EXCEPTIONS] = counts[_EXCEPTIONS] + 1 & 0xFFFF
            adu[7] |= 0x80  # an exception response (AP 7)
            adu[8] = -n
            n = 2
        log = counts[_LOG]  # this request may have been the one that began it
        if n and log is not None:
            log.sent(link, adu)
        return n

    def execute(self, adu, n, slave_id, link):
        """Do what a request asks of this device: the response's length, or minus an exception.

        Never raises.
        """
        try:
            code = adu[7]
            wrong = check(adu, n)
            if wrong == 1:
                return self.special(adu, n, slave_id, link)
            if wrong:
                return -wrong
            if self.routes is not None:
                n = self.routes.serve(adu, slave_id)
                if n:
                    return n
            store = self.stores[slave_id]
            if store is None:
                return -2
            area = store.areas[code % 10]
            address = adu[8] << 8 | adu[9]
            quantity = 1 if _SINGLE >> code & 1 else adu[10] << 8 | adu[11]
            if not area.has(address, quantity):
                return -2
            if code > 4:
                return write(adu, 10 if code < 15 else 13, area, address, quantity)
            return read(adu, area, address, quantity)
        except Exception as error:  # noqa: BLE001 - whatever a hook does, the server lives on
            try:
                return self.failed(error, link)
            except Exception:  # noqa: BLE001 - no memory to load it
                return -4


class Driver:
    """What the drivers of all transports have in common.

    handler   a Server, a Gateway or whatever has handle(adu, n, link); None: a Server() of its
              own, for routes
    counters  what FC 8 reports
    """

    def __init__(self, handler):
        self.handler = Server() if handler is None else handler
        self.counts = [0] * 8 + [None]  # see umb.counters
        if type(self).__module__[:4] != "umb.":  # as in Server
            getattr(self, "sleep", None)  # of a transport's half, if it has one
            self.stopping  # noqa: B018

    def __getattr__(self, name):
        """Load the second half: counters, route(), serve_forever(), shutdown()."""
        from ..loop import load

        load(Driver)
        return getattr(self, name)


def serve(*drivers):
    """Serve with all these drivers until one is shut down, asleep while nothing comes."""
    from ..loop import serve

    serve(drivers)
