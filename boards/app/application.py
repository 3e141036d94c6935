"""Application: everything between a board's pins and the drivers that serve them."""

import sys
from time import sleep_ms

import umb
from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.serve import serve
from umb.server import Server
from umb.store import Registers, Store

from .control import Control
from .keeper import PERIOD_MS, Keeper
from .points import Points
from .state import DeviceState
from .status import Status

PRODUCT = "umb remote I/O"
_USER_REGISTERS = 16  # general purpose


class DeviceServer(Server):
    """A Server that notes in `state`, a DeviceState, which requests were carried out."""

    def __init__(self, state, store, slave_ids, functions):
        super().__init__(store, slave_ids, functions=functions)
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
        return n


class Application:
    """`server` answers for the pins of `hardware`; serve() runs it behind drivers.

    settings, problems   as config.load() returns them; problems grows by what the hardware refuses
    config    has compose(changes) and write(new_settings), see config.py
    say       say(text) prints what happens later
    wifi      a WiFi, if the board is to be in such a network
    """

    def __init__(self, board, hardware, settings, problems, config, say, wifi=None):
        self.state = state = DeviceState()
        state.problems = problems
        points = Points(hardware, settings, state)
        control = Control(settings, config.compose, state)
        self._status = status = Status(state, hardware.reset_cause())
        self.server = DeviceServer(
            state,
            Store(
                coils=points.coils,
                discrete_inputs=points.discrete_inputs,
                input_registers=(points.analogues,) + status.blocks,
                holding_registers=(
                    Registers(0, _USER_REGISTERS, on_write=self._stored),
                    points.pwms,
                    control.settings,
                    control.order,
                ),
            ),
            (settings["slave_id"],),
            (
                Identity(identity(board.NAME, settings["name"])),
                ServerId("{} {} {}".format(PRODUCT, board.NAME, umb.__version__)),
                Diagnostics(),
            ),
        )
        self.keeper = Keeper(
            state,
            points.make_safe,
            config.write,
            say,
            failsafe_s=settings["failsafe_s"],
            led=open_led(hardware, settings["led"], problems),
            feed_watchdog=start_watchdog(hardware, settings["watchdog_s"], problems),
            wifi=wifi,
        )

    def _stored(self, address, quantity):
        self.state.written = True

    def report(self, driver):
        """Report the counters of this driver, and count its requests."""
        self.state.counters.append(driver.counters)
        block = self._status.serial if driver.serial else self._status.network
        block.counters = driver.counters

    def serve(self, drivers):
        """Run these drivers until a client has ordered a restart; without any, for ever.

        On every way out the outputs are safe.
        """
        keeper = self.keeper
        keeper.drivers = drivers
        try:
            if drivers:
                serve(*drivers, every=(PERIOD_MS, keeper.update))
            while not drivers:
                keeper.update()
                sleep_ms(PERIOD_MS)
        finally:
            keeper.close()


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


def identity(code, name):
    """Return the objects of device identification, function code 43/14 (AP 6.21)."""
    objects = {
        0: "umb",
        1: code,
        2: umb.__version__,
        4: PRODUCT,
        5: getattr(sys.implementation, "_machine", sys.platform),
    }
    if name:
        objects[6] = name
    return objects
