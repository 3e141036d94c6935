"""Simulated pins for a machine that has none. They change with the clock until they are driven."""

from time import ticks_diff, ticks_ms

from micropython import const

from umb.store import Bits, Registers, Store

_PINS = const(32)
_TOP = const(65535)
_FEEDS = const(100)  # the input register that counts how often the watchdog was fed


class Hardware:
    """Has the methods of app.hardware.Hardware.

    Input n (pin 8 + n) changes its level every 2**n seconds, as the bits of a binary counter do.
    Analogue input n (pin 16 + n) rises from 0 to 65535 and falls again within 10 * (n + 1)
    seconds. A pin that a client of `bench` has driven keeps that value.

    devices   Adapters, by the numbers of their UARTs
    gap_ms    the longest pause inside a frame
    """

    def __init__(self, devices, gap_ms):
        self._devices = devices
        self._gap_ms = gap_ms
        self._start_ms = ticks_ms()
        self._values = {}  # pin: the value that the application or a client of bench gave it
        self.clock = 0  # seconds since 1970, once it was set
        self._feeds = 0
        self._levels = Bits(0, _PINS, on_read=self._show, on_write=self._drive_levels)
        self._registers = Registers(0, _PINS, on_read=self._show, on_write=self._drive_values)
        self._watched = Registers(_FEEDS, 1, on_read=self._show_feeds)
        # The other side of the pins, as a Store: coil n is the level of pin n, holding register
        # n its analogue value or duty.
        self.bench = Store(
            coils=self._levels,
            holding_registers=self._registers,
            input_registers=self._watched,
        )

    def line(self, settings):
        uart = settings["uart"]
        if uart not in self._devices:
            raise ValueError("there is no serial device for UART {}".format(uart))
        return {"uart": self._devices[uart], "gap_ms": self._gap_ms}

    def output(self, pin, invert, level):
        def drive(level):
            self._values[pin] = level ^ invert

        drive(level)
        return drive

    def input(self, pin, invert, pull):
        return lambda: (1 if self._value(pin) else 0) ^ invert

    def analogue(self, pin):
        return lambda: self._value(pin)

    def pwm(self, pin, freq, duty):
        def drive(duty):
            self._values[pin] = duty

        drive(duty)
        return drive

    def watchdog(self, timeout_s):
        return self._feed

    def set_clock(self, seconds):
        self.clock = seconds  # that of the PC is right

    def reset_cause(self):
        return 1

    def _feed(self):
        self._feeds = self._feeds + 1 & 0xFFFF

    def _value(self, pin):
        """Return the value of a pin, as an input reads it."""
        if pin in self._values:
            return self._values[pin]
        elapsed_ms = ticks_diff(ticks_ms(), self._start_ms)  # 64 bits do not wrap in a lifetime
        if pin < 16:
            return elapsed_ms // 1000 >> (pin & 7) & 1
        half_ms = 5000 * (pin % 4 + 1)
        phase_ms = elapsed_ms % (2 * half_ms)
        return (phase_ms if phase_ms < half_ms else 2 * half_ms - phase_ms) * _TOP // half_ms

    def _show(self, address, quantity):
        for pin in range(address, address + quantity):
            value = self._value(pin)
            self._levels[pin] = 1 if value else 0
            self._registers[pin] = value

    def _show_feeds(self, address, quantity):
        self._watched[_FEEDS] = self._feeds

    def _drive_levels(self, address, quantity):
        for pin in range(address, address + quantity):
            self._values[pin] = self._levels[pin]

    def _drive_values(self, address, quantity):
        for pin in range(address, address + quantity):
            self._values[pin] = self._registers[pin]
