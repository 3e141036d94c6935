"""Part: the role "io" of an Application."""

from micropython import const

from umb.server.rtu import RTUServer
from umb.store import Registers

from ..drivers import open_serial
from .points import Points

_SERIAL_BANK = const(0)  # of the counters
_USER_REGISTERS = const(16)  # general purpose


class Part:
    """Makes the board's pins the points of its slave, and serves a serial line."""

    PRODUCT = "umb remote I/O"
    NOTE = ""
    BANKS = 2

    def __init__(self, application):
        self._application = application
        self._state = application.state
        points = Points(application.hardware, application.settings, application.state)
        self.make_safe = points.make_safe
        self.coils = points.coils
        if application.log is not None:
            application.log.watch_outputs("coil", points.coils)
            application.log.watch_outputs("holding register", points.pwms)
        self.discrete_inputs = points.discrete_inputs
        self.input_registers = (points.analogues,)
        self.holding_registers = (
            Registers(0, _USER_REGISTERS, on_write=self._stored),
            points.pwms,
        )

    def _stored(self, address, quantity):
        self._state.written = True

    def open(self):
        """Open the serial line."""
        application = self._application
        if application.settings["rtu"]:
            driver = open_serial(application, 1, self._serve)
            application.serve_with(driver, _SERIAL_BANK)

    def _serve(self, options):
        return RTUServer(server=self._application.front(), **options)
