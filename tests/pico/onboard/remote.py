"""The remote-I/O application on a Pico's pins, run on the board by bench/watch.py. MicroPython."""

import time

from machine import ADC, Pin
from micropython import const
from remote_io import RemoteIO

from umb.server import Server
from umb.server.rtu import RTUServer

_READY_PIN = const(22)
_OUTPUTS = const(6)  # GPIO 6 to 13
_INPUTS = const(14)  # GPIO 14 to 21
_ANALOGUE = (26, 27, 28, ADC.CORE_TEMP)


class Board:
    """What the application knows of a board."""

    def __init__(self):
        self._outputs = [Pin(_OUTPUTS + n, Pin.OUT, value=0) for n in range(8)]
        self._inputs = [Pin(_INPUTS + n, Pin.IN, Pin.PULL_DOWN) for n in range(8)]
        self._analogue = [ADC(pin) for pin in _ANALOGUE]
        self._start_ms = time.ticks_ms()

    def set_output(self, channel, level):
        """Drive an output, 0 to 7, to level 0 or 1."""
        self._outputs[channel](level)

    def input(self, channel):
        """Return the level, 0 or 1, of an input, 0 to 7."""
        return self._inputs[channel]()

    def analogue(self, channel):
        """Return the value, 0 to 65535, of an analogue channel, 0 to 3."""
        return self._analogue[channel].read_u16()

    def uptime_s(self):
        """Return the seconds since the start."""
        return time.ticks_diff(time.ticks_ms(), self._start_ms) // 1000


def main(baudrate, parity, stop, slave_id):
    """Serve on UART 0 until interrupted."""
    application = RemoteIO(Board())
    server = Server(application.store, (slave_id,))
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    slave = RTUServer(0, server, tx=0, rx=1, de=2, **line)
    application.drivers = (slave,)
    Pin(_READY_PIN)(1)
    slave.serve_forever()
