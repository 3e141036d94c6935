"""A module machine: pins by number, and the UART constructor of each port (MicroPython 1.24).

Import this before anything of umb; `machine.port` is set to one of PORTS by the tests.
"""

import sys

import support.uart
from machine import PinBase, Signal  # noqa: F401 - the real ones

_made = []


def _open(number, baudrate, bits=8, parity=None, stop=1, **options):
    uart = support.uart.UART(baudrate, bits, parity, stop)
    uart.number, uart.options = number, options
    uart.format = (baudrate, bits, parity, stop)
    _made.append(uart)
    return uart


def made():
    """The UARTs that were made since this was last asked."""
    found = list(_made)
    _made.clear()
    return found


class Port:
    """The constructor of a port: `keywords` beyond the format, which nrf alone lacks."""

    def __init__(self, keywords, has_format=True):
        self._allowed = set(keywords.split())
        if has_format:
            self._allowed.update(("bits", "parity", "stop"))

    def __call__(self, number, baudrate=9600, **named):
        for name in named:
            if name not in self._allowed:
                raise TypeError("extra keyword arguments given")
        return _open(number, baudrate, **named)


PORTS = {
    "rp2": Port("tx rx cts rts timeout timeout_char invert flow txbuf rxbuf"),
    "esp32": Port("tx rx rts cts txbuf rxbuf timeout timeout_char invert flow"),
    "esp8266": Port("tx rx rxbuf timeout timeout_char"),
    "stm32": Port("flow timeout timeout_char rxbuf read_buf_len"),
    "samd": Port("tx rx timeout timeout_char rxbuf txbuf"),
    "mimxrt": Port("flow timeout timeout_char invert rxbuf txbuf"),
    "renesas-ra": Port("flow timeout timeout_char rxbuf read_buf_len"),
    "zephyr": Port("txbuf rxbuf timeout timeout_char flow"),
    "alif": Port("tx rx rts cts flow timeout timeout_char rxbuf"),
    "nrf": Port("timeout timeout_char", has_format=False),
}


class Pin(support.uart.Pin):
    """machine.Pin; the newest one is Pin.last."""

    last = None

    def __init__(self, number, mode=support.uart.Pin.IN, value=None):
        super().__init__(number, mode, value)
        Pin.last = self


class Machine:
    """Stands for the module machine."""


machine = Machine()
machine.Pin = Pin
machine.port = PORTS["rp2"]
machine.UART = lambda *args, **named: machine.port(*args, **named)  # noqa: PLW0108
machine.Signal = Signal
sys.modules["machine"] = machine
