"""machine, for programs of boards that run on a PC: see tools/program.py.

A UART is a serial device of the PC, the one that the environment names: UMB_UART_1 for UART 1.
Pins are kept in memory: an output reads as what was written to it, an input as its pull-up.
"""

import _thread
import os
import sys
from time import sleep_us, ticks_ms

from micropython import schedule

from umb.port.tty import TTY

_PERIOD_MS = 10_000  # an analogue input rises from 0 to 65535 in so long, and begins again


class UART(TTY):
    """UART number `id`: the PC's serial device of that number, with this format."""

    INV_TX, INV_RX, RTS, CTS = 1, 2, 4, 8

    def __init__(self, id, baudrate=9600, bits=8, parity=None, stop=1, **_):
        path = os.getenv("UMB_UART_%d" % id)
        if path is None:
            raise ValueError("UART(%d) doesn't exist" % id)
        super().__init__(path, baudrate, bits, parity, stop)
        far_end = os.getenv("UMB_FAR_END_%d" % id)
        what = "%s, its other end is %s" % (path, far_end) if far_end else path
        sys.stderr.write("UART %d is %s\n" % (id, what))


class Pin:
    """A pin that is kept in memory. All objects with the same id are the same pin."""

    IN, OUT, OPEN_DRAIN, ALT = 0, 1, 2, 3
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2
    _levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None, **_):
        self._id = str(id)
        self._levels.setdefault(self._id, 0)
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, **_):
        """Set what is given."""
        if mode == self.IN and pull != -1:
            value = 1 if pull == self.PULL_UP else 0
        if value is not None:
            self.value(value)

    def value(self, value=None):
        """Return the level, or set it."""
        if value is None:
            return self._levels[self._id]
        self._levels[self._id] = 1 if value else 0
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, *_, **__):
        """Nothing outside moves a pin, so that there is never an interrupt."""

    def __repr__(self):
        return "Pin(%s)" % self._id


class Signal:
    """A pin, or its opposite."""

    def __init__(self, pin, *, invert=False):
        self._pin, self._invert = pin, 1 if invert else 0

    def value(self, value=None):
        """Return the level, or set it."""
        if value is None:
            return self._pin.value() ^ self._invert
        self._pin.value((1 if value else 0) ^ self._invert)
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class Timer:
    """Calls a function later, or again and again: between two steps of the main program."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id=-1, **options):
        self._number = 0  # how often it was set: a thread of an earlier time ends
        self._pending = False
        if options:
            self.init(**options)

    def init(self, *, mode=PERIODIC, period=-1, freq=None, tick_hz=1000, callback=None):
        """Begin to call callback(timer): after `period` ticks, or `freq` times a second."""
        self.deinit()
        us = round(1_000_000 / freq) if freq else 1_000_000 * period // tick_hz
        self._callback = callback
        _thread.start_new_thread(self._run, (self._number, us, mode))

    def _run(self, number, us, mode):
        while True:
            sleep_us(us)
            if number != self._number:
                return
            if not self._pending:
                self._pending = True
                try:
                    schedule(self._call, number)
                except RuntimeError:  # too many wait
                    self._pending = False
            if mode == self.ONE_SHOT:
                return

    def _call(self, number):
        self._pending = False
        if number == self._number:
            self._callback(self)

    def deinit(self):
        self._number += 1


class ADC:
    """An analogue input that rises from 0 to 65535, again and again."""

    def __init__(self, id, **_):
        self._id = id

    def read_u16(self):
        return ticks_ms() % _PERIOD_MS * 65535 // (_PERIOD_MS - 1)

    def read_uv(self):
        return self.read_u16() * 3_300_000 // 65535


class PWM:
    """A PWM output that is kept in memory."""

    def __init__(self, pin, *, freq=1000, duty_u16=0, **_):
        self._freq, self._duty_u16 = freq, duty_u16

    def freq(self, value=None):
        """Return the frequency in Hz, or set it."""
        if value is None:
            return self._freq
        self._freq = value
        return None

    def duty_u16(self, value=None):
        """Return the duty, 0 to 65535, or set it."""
        if value is None:
            return self._duty_u16
        self._duty_u16 = value
        return None

    def deinit(self):
        self._duty_u16 = 0
