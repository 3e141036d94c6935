"""RTUServer: umb's server on a serial line with the further methods of uModbus's."""

from micropython import const

from umb.server.rtu import RTUServer as _RTUServer

from ... import log

_WAIT_MS = const(500)


class RTUServer(_RTUServer):
    """A Modbus slave on a serial line; make it with umodbus.server.serial.get_server().

    The parameters are those of umb.server.rtu.RTUServer. Raises TypeError without a baudrate.
    """

    def __init__(self, serial_port, server=None, *, baudrate=None, **form):
        if baudrate is None:
            raise TypeError("a UART does not tell its format: get_server(..., baudrate=9600)")
        super().__init__(serial_port, server, baudrate=baudrate, **form)
        self._garbled = 0  # how many rejected frames were logged

    def poll(self, wait_ms=0):
        """Follow the line as umb.server.rtu.RTUServer.poll() does, and log rejected frames."""
        done = super().poll(wait_ms)
        garbled = self.counters.bus_communication_error_count
        if garbled != self._garbled:
            self._garbled = garbled
            log.error("a frame was dropped: its CRC or its length is wrong")
        return done

    def serve_once(self):
        """Answer one request, however long it takes to come."""
        while not self.poll(_WAIT_MS):
            pass

    def serve_forever(self, poll_interval: float = 0.5):
        """Serve until shutdown() is called. The line itself says how long to wait for what."""
        super().serve_forever()
