"""Application: a device, whatever its role, and the drivers that serve it."""

from time import sleep_ms

from micropython import const

from umb.functions.diagnostics import COUNTERS
from umb.serve import serve
from umb.server import Server

from .keeper import PERIOD_MS
from .state import DeviceState
from .status import put_of_server

_NETWORK_BANK = const(1)  # of the counters of all that listens in the network


class DeviceServer(Server):
    """A Server that notes in `state`, a DeviceState, which requests were carried out."""

    def __init__(self, state, store, slave_ids, functions, permit):
        super().__init__(store, slave_ids, functions=functions, permit=permit)
        self._state = state

    def handle(self, adu, n, link):
        """Answer a request, see Server.handle().

        A request counts as carried out if its response is no exception; a broadcast, which has no
        response, if the hooks of the blocks have noted a write.
        """
        state = self._state
        state.broadcast = link.serial and adu[6] == 0
        state.written = False
        if state.records is not None:
            self._note(adu, n, link)
        n = super().handle(adu, n, link)
        if adu[7] < 0x80 if n else state.written:
            state.carried_out = state.carried_out + 1 & 0xFFFF
            if n and link.serial:
                state.was_heard = True
        elif n and state.records is not None:
            state.records[link.serial].failed(adu[8])
        return n

    def _note(self, adu, n, link):
        """Note who asks what, as the response will take the request's place."""
        who = None if link.peer is None else link.peer[0]
        self._state.records[link.serial].asked(who, adu, n)


class Application:
    """A device: its own slave, the part that its role is, optional parts, and what serves them.

    settings, problems   as config.load() returns them; problems grows by what the hardware refuses
    config    has compose(changes) and write(new_settings), see config.py
    say       say(text) prints what happens later
    network   an Interface to look after, see network/interface.py, or None
    networked   whether it is to be served in a network, is_networked later

    board, hardware, settings, config, say   as above, for its parts
    state     the DeviceState
    status    the Status
    server    the DeviceServer that answers for the slave id of the device
    product   what it calls itself
    log       a Log that prints what is going on, None: nobody wants that
    permits   what Access permits to networks; None where there is none
    handler   what networks ask: the server, or a Gateway that a part has put in its place
    drivers   what is run: parts add theirs
    parts     the Part of the role, and those that are optional
    """

    def __init__(
        self, board, hardware, settings, problems, config, say, network=None, networked=False
    ):
        from .assembly import assemble

        self.board = board
        self.hardware = hardware
        self.settings = settings
        self.config = config
        self.say = say
        self.state = DeviceState()
        self.state.problems = problems
        self.drivers = []
        self.parts = []
        self.is_networked = networked
        assemble(self, network, networked)

    def count(self, bank, counters, names=COUNTERS, put=put_of_server):
        """Report these counters in a bank of input registers, see Status.

        put   put(data, at, counters) puts them into eight registers, 0 to 65535 each
        """
        self.status.banks[bank] = (counters, names, put)

    def counters(self, bank):
        """Return (an object, names of what it counts, ...) of a bank, None: nothing is counted."""
        banks = self.status.banks
        return banks[bank] if bank < len(banks) else None

    def serve_with(self, driver, bank):
        """Run a server of requests, from now on, and report its counters."""
        self.drivers.append(driver)
        self.state.counters.append(driver.counters)
        self.count(bank, driver.counters)
        if self.log is not None and driver.serial:
            self.log.watch_server_line("serial line", driver.counters)

    def front(self):
        """Return the handler for a server in front: what answers, or what prints that as well."""
        return self.handler if self.log is None else self.log.traced(self.handler)

    def open(self):
        """Have the parts open what they serve or ask."""
        for part in self.parts:
            part.open()

    def listen(self, failed):
        """Serve in the network, too, see drivers.open_network()."""
        from .drivers import open_network

        fronts = self.state.fronts
        for driver in open_network(self, failed):
            if fronts:
                driver.counters = fronts[0].counters  # one bank for all
                self.drivers.append(driver)
            else:
                self.serve_with(driver, _NETWORK_BANK)
            fronts.append(driver)

    def settle(self):
        """Let go of what only its start needs. Optional parts may need it later, too."""
        if len(self.parts) == 1:
            self.board = self.hardware = self.settings = None

    def serve(self):
        """Run all drivers until a client has ordered a restart.

        In a network that is done by asyncio, for the tasks of parts. On every way out the outputs
        are safe.
        """
        keeper = self.keeper
        keeper.drivers = drivers = self.drivers
        update = keeper.update
        if self.log is not None:
            update = self.log.update_after(update)
        every = (PERIOD_MS, update)
        try:
            if self.is_networked:
                from .tasks import run

                run(self, every)
            elif drivers:
                serve(*drivers, every=every)
            while not drivers:
                update()
                sleep_ms(PERIOD_MS)
        finally:
            keeper.close()

    def close(self):
        """Let go of all lines and sockets."""
        for driver in self.drivers:
            driver.server_close()
