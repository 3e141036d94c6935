"""Application: a device, whatever its role, and the drivers that serve it."""

import sys
from time import sleep_ms

import umb
from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.serve import serve
from umb.server import Server
from umb.store import Store

from .control import Control
from .keeper import PERIOD_MS, Keeper
from .parts import OPTIONAL, make
from .state import DeviceState
from .status import OF_SERVER, Status

_NETWORK_BANK = 1  # of the counters of all that listens in the network


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
        n = super().handle(adu, n, link)
        if adu[7] < 0x80 if n else state.written:
            state.carried_out = state.carried_out + 1 & 0xFFFF
            if n and link.serial:
                state.was_heard = True
        return n


class Application:
    """A device: its own slave, the part that its role is, optional parts, and what serves them.

    settings, problems   as config.load() returns them; problems grows by what the hardware refuses
    config    has compose(changes) and write(new_settings), see config.py
    say       say(text) prints what happens later
    wifi      a WiFi, if the board is to be in such a network
    networked   whether it is in a network

    board, hardware, settings, config, say   as above, for its parts
    state     the DeviceState
    server    the DeviceServer that answers for the slave id of the device
    product   what it calls itself
    log       a Log that prints what is going on, None: nobody wants that
    permits   what Access permits to networks; None where there is none
    handler   what networks ask: the server, or a Gateway that a part has put in its place
    drivers   what is run: parts add theirs
    parts     the Part of the role, and those that are optional
    """

    def __init__(
        self, board, hardware, settings, problems, config, say, wifi=None, networked=False
    ):
        self.board = board
        self.hardware = hardware
        self.settings = settings
        self.config = config
        self.say = say
        self.state = state = DeviceState()
        state.problems = problems
        self.drivers = []
        self._is_networked = networked
        self.log = start_log(self) if settings["log"] != "quiet" else None
        role = make(settings["role"], self)
        self.parts = [role]
        self.product = role.PRODUCT
        reset_cause = hardware.reset_cause()
        self.permits = None
        if networked:
            from .access import Access

            self.permits = Access(settings, state, reset_cause).permits
        control = Control(settings, config.compose, state)
        self._status = status = Status(state, reset_cause, role.BANKS)
        self.server = self.handler = DeviceServer(
            state,
            Store(
                coils=role.coils,
                discrete_inputs=role.discrete_inputs,
                input_registers=role.input_registers + (status.block,),
                holding_registers=role.holding_registers + (control.block,),
            ),
            (settings["slave_id"],),
            (
                Identity(identity(self.product, board.NAME, settings["name"])),
                ServerId("{} {} {}".format(self.product, board.NAME, umb.__version__)),
                Diagnostics(),
            ),
            self.permits,
        )
        self.keeper = Keeper(
            state,
            role.make_safe,
            config.write,
            say,
            failsafe_s=settings["failsafe_s"],
            led=open_led(hardware, settings["led"], problems),
            feed_watchdog=start_watchdog(hardware, settings["watchdog_s"], problems),
            wifi=wifi,
            trial=start_trial(settings, config.compose, state, say),
        )
        for name in OPTIONAL:
            if settings.get(name):
                self.parts.append(make(name, self))

    def count(self, bank, counters, names=OF_SERVER):
        """Report these counters in a bank of input registers, see Status."""
        self._status.banks[bank] = (counters, names)

    def counters(self, bank):
        """Return (an object, names of what it counts) of a bank, None if nothing is counted."""
        banks = self._status.banks
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
            if self._is_networked:
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


def open_led(hardware, point, problems):
    """Return what switches the LED, None if there is none."""
    if not point:
        return None
    try:
        return hardware.output(point["pin"], point["invert"], 0)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("led: the pin {}: {}".format(point["pin"], error))
        return None


def start_watchdog(hardware, timeout_s, problems):
    """Return what feeds the watchdog, None if none is wanted or there is none."""
    if not timeout_s:
        return None
    try:
        return hardware.watchdog(timeout_s)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("watchdog_s: {}".format(error))
        return None


def start_log(application):
    """Return a Log."""
    from .log import Log

    return Log(application)


def start_trial(settings, compose, state, say):
    """Return a Trial if the serial line has new settings, None if it has not."""
    if not (settings["previous"] and settings["rtu"]):
        return None
    from .trial import Trial

    return Trial(settings["previous"], compose, state, say)


def identity(product, code, name):
    """Return the objects of device identification, function code 43/14 (AP 6.21)."""
    objects = {
        0: "umb",
        1: code,
        2: umb.__version__,
        4: product,
        5: getattr(sys.implementation, "_machine", sys.platform),
    }
    if name:
        objects[6] = name
    return objects
