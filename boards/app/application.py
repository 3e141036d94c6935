"""Application: a device, whatever its role, and the drivers that serve it."""

import sys
from time import sleep_ms

import umb
from micropython import const
from umb.functions.diagnostics import COUNTERS, Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.serve import serve
from umb.server import Server
from umb.store import Store

from .control import Control
from .keeper import PERIOD_MS, Keeper
from .parts import OPTIONAL, make
from .state import DeviceState
from .status import Status, put_of_server

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
        state.link = link
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
    control   the Control
    server    the DeviceServer that answers for the slave id of the device
    product   what it calls itself
    note      what its role has to tell of its slave id when it starts; "" for nothing
    log       a Log that prints what is going on, None: nobody wants that
    permits   what Access permits to networks; None where there is none
    handler   what networks ask: the server, or a Gateway that a part has put in its place
    drivers   what is run: parts add theirs
    parts     the Part of the role, and those that are optional
    """

    def __init__(
        self, board, hardware, settings, problems, config, say, network=None, networked=False
    ):
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
        self._run = None  # the loop of a network
        if networked:
            # Loading it takes a second, in which whoever has read that it serves would wait.
            from .tasks import run

            self._run = run
        _assemble(self, network, networked)

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
        """Serve in the network, too, see network/setup.py."""
        from .network.setup import open_network

        fronts = self.state.fronts
        for driver in open_network(self, failed):
            if fronts:
                driver.counters = fronts[0].counters  # one bank for all
                self.drivers.append(driver)
            else:
                self.serve_with(driver, _NETWORK_BANK)
            fronts.append(driver)

    def forget_start(self):
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
                self._run(self, every)
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


def _assemble(application, network, networked):
    """Make what an Application has, see there."""
    settings = application.settings
    state = application.state
    hardware = application.hardware
    compose = application.config.compose
    application.log = application.permits = trial = None
    if settings["log"] != "quiet":
        from .log import Log

        application.log = Log(application)
    role = make(settings["role"], application)
    application.parts.append(role)
    application.product = role.PRODUCT
    application.note = role.NOTE.format(settings["slave_id"])
    reset_cause = hardware.reset_cause()
    if networked:
        from .access import Access

        application.permits = Access(settings, state, reset_cause).permits
    if settings["previous"] and settings["rtu"]:
        from .trial import Trial

        trial = Trial(settings["previous"], compose, state, application.say)
    application.control = control = Control(settings, compose, state)
    application.status = status = Status(state, reset_cause, role.BANKS)
    application.server = application.handler = DeviceServer(
        state,
        Store(
            coils=role.coils,
            discrete_inputs=role.discrete_inputs,
            input_registers=role.input_registers + (status.block,),
            holding_registers=role.holding_registers + (control.block,),
        ),
        (settings["slave_id"],),
        _functions_of(application),
        application.permits,
    )
    application.keeper = Keeper(
        state,
        role.make_safe,
        application.config.write,
        application.say,
        failsafe_s=settings["failsafe_s"],
        led=_open_led(hardware, settings["led"], state.problems),
        feed_watchdog=_start_watchdog(hardware, settings["watchdog_s"], state.problems),
        network=network,
        trial=trial,
    )
    for name in OPTIONAL:
        if settings.get(name) and networked:
            application.parts.append(make(name, application))
        elif settings.get(name):
            what = "{}: it needs a network, and there is none: see ssid and network"
            state.problems.append(what.format(name))


def _functions_of(application):
    """Return what the device offers besides its store."""
    name = application.board.NAME
    objects = {
        0: "umb",
        1: name,
        2: umb.__version__,
        4: application.product,
        5: getattr(sys.implementation, "_machine", sys.platform),
    }
    if application.settings["name"]:
        objects[6] = application.settings["name"]
    server_id = ServerId("{} {} {}".format(application.product, name, umb.__version__))
    return (Identity(objects), server_id, Diagnostics())


def _open_led(hardware, point, problems):
    """Return what switches the LED, None if there is none."""
    if not point:
        return None
    try:
        return hardware.output(point["pin"], point["invert"], 0)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("led: the pin {}: {}".format(point["pin"], error))
        return None


def _start_watchdog(hardware, timeout_s, problems):
    """Return what feeds the watchdog, None if none is wanted or there is none."""
    if not timeout_s:
        return None
    try:
        return hardware.watchdog(timeout_s)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("watchdog_s: {}".format(error))
        return None
