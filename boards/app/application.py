"""Application: everything between a board's pins and the drivers that serve them."""

import sys

import umb
from umb.server import Server
from umb.store import Registers, Store

from .control import Control
from .keeper import Keeper
from .points import Points
from .status import FAIL_SAFE, FAULTS, NETWORK_DOWN, UNSAVED, Status

PRODUCT = "umb remote I/O"


class Application:
    """`server` answers for the pins of `hardware`; `keeper` is to be served with the drivers.

    settings, faults   as config.load() returns them; faults grows by what the hardware refuses
    save               save(changes) keeps changed settings, see Control
    wifi               a WiFi, if the board is to be in such a network
    """

    def __init__(self, board, hardware, settings, faults, save, wifi=None):
        self.faults = faults
        self._drivers = ()
        self._wifi = wifi
        self._points = points = Points(hardware, settings, faults.append)
        self._control = control = Control(settings, save)
        self._status = status = Status(self, hardware.reset_cause())
        self.server = Server(
            Store(
                coils=points.coils,
                discrete_inputs=points.discrete_inputs,
                input_registers=(points.analogues,) + status.blocks,
                holding_registers=(Registers(0, 16), points.pwms, control.settings, control.order),
            ),
            (settings["slave_id"],),
            identity=identity(board.NAME, settings["name"]),
            server_id="{} {} {}".format(PRODUCT, board.NAME, umb.__version__),
        )
        led, feed = self._led(hardware, settings), self._watchdog(hardware, settings)
        self.keeper = Keeper(self, settings["failsafe_s"], led, feed, wifi)

    def _led(self, hardware, settings):
        point = settings["led"]
        try:
            return hardware.output(point["pin"], point["invert"], 0) if point else None
        except Exception as error:  # noqa: BLE001 - ports raise what they like
            self.faults.append("led: the pin {}: {}".format(point["pin"], error))
            return None

    def _watchdog(self, hardware, settings):
        timeout_s = settings["watchdog_s"]
        try:
            return hardware.watchdog(timeout_s) if timeout_s else None
        except Exception as error:  # noqa: BLE001 - ports raise what they like
            self.faults.append("watchdog_s: {}".format(error))
            return None

    def attach(self, driver):
        """Report the counters of this driver."""
        self._drivers += (driver,)
        tally = self._status.serial if getattr(driver, "serial", False) else self._status.network
        tally.counters = driver.counters

    # What Keeper and Status want to know.

    def make_safe(self):
        """Drive all outputs to their safe values."""
        self._points.make_safe()

    @property
    def requests(self):
        """How many requests came for this device."""
        count = 0
        for driver in self._drivers:
            count += driver.counters.server_message_count
        return count

    @property
    def valid(self):
        """A number that changes with every request that was no mistake."""
        count = 0
        for driver in self._drivers:
            counters = driver.counters
            count += counters.server_message_count - counters.bus_exception_error_count
        return count

    @property
    def state(self):
        """The bits of input register 110."""
        state = FAIL_SAFE if self.keeper.fail_safe else 0
        if self._wifi is not None and not self._wifi.address:
            state |= NETWORK_DOWN
        if self.faults:
            state |= FAULTS
        return state | UNSAVED if self._control.changed else state

    @property
    def trouble(self):
        """Is there something that somebody should see to?"""
        return self.state & ~UNSAVED

    @property
    def restarting(self):
        """Has a client ordered a restart?"""
        return self._control.restarting

    @property
    def uptime_s(self):
        return self.keeper.uptime_s

    @property
    def silence_s(self):
        return self.keeper.silence_ms // 1000

    @property
    def network_address(self):
        return self._wifi.address if self._wifi is not None else ""


def identity(code, name):
    """What FC 43/14 tells."""
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
