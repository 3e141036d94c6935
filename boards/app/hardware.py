"""The pins of a board and what else its chip has, behind one object.

boards/unix/simulated.py has the same methods for a machine without pins. What the board lacks
is a ValueError, or whatever the port raises.
"""

import time

import machine
from machine import PWM, Pin, Signal
from micropython import const

_EPOCH_2000_S = const(946_684_800)  # from 1970 to 2000, when the time of some ports begins
# The numbers of input register 116; ports have their own.
_RESET_CAUSES = (
    ("PWRON_RESET", 1),
    ("HARD_RESET", 2),
    ("WDT_RESET", 3),
    ("DEEPSLEEP_RESET", 4),
    ("SOFT_RESET", 5),
)


class Hardware:
    """Opens pins. Each is returned as a callable: pin(level) drives it, pin() reads it."""

    def output(self, pin, invert, level):
        """Return a pin that is driven, to `level` (0 or 1) at first; without a glitch."""
        opened = Pin(pin, Pin.OUT, value=level ^ invert)
        return Signal(opened, invert=True) if invert else opened

    def input(self, pin, invert, pull):
        """Return a pin that is read; pull is "up", "down" or "none"."""
        if pull == "none":
            opened = Pin(pin, Pin.IN)
        else:
            opened = Pin(pin, Pin.IN, getattr(Pin, "PULL_" + pull.upper()))
        return Signal(opened, invert=True) if invert else opened

    def analogue(self, pin):
        """Return a pin that is measured: pin() is 0 to 65535."""
        adc = machine.ADC
        if pin == "temperature":
            return adc(adc.CORE_TEMP).read_u16
        if hasattr(adc, "ATTN_11DB"):  # on esp32 the range to 3.3 V has to be asked for
            return adc(Pin(pin), atten=adc.ATTN_11DB).read_u16
        return adc(0 if pin == "A0" else pin).read_u16  # esp8266 has one, which is no GPIO

    def pwm(self, pin, freq, duty):
        """Return a pin with pulses of this frequency in Hz: pin(duty), 0 to 65535."""
        return PWM(Pin(pin), freq=freq, duty_u16=duty).duty_u16

    def line(self, settings):
        """Return the keywords uart, tx, rx, de and de_active of RTUServer for a serial line."""
        de = settings["de"]
        return {
            "uart": settings["uart"],
            "tx": settings["tx"],
            "rx": settings["rx"],
            "de": de and de["pin"],
            "de_active": 0 if de and de["invert"] else 1,
        }

    def watchdog(self, timeout_s):
        """Start the chip's watchdog, which cannot be stopped; return what feeds it."""
        try:
            return machine.WDT(timeout=timeout_s * 1000).feed
        except ValueError:  # esp8266 has a single time
            return machine.WDT().feed

    def set_clock(self, seconds):
        """Set the clock: seconds since 1970, UTC."""
        epoch = 0 if time.gmtime(0)[0] == 1970 else _EPOCH_2000_S
        now = time.gmtime(seconds - epoch)
        machine.RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))

    def reset_cause(self):
        """Return why it started, as _RESET_CAUSES has it; 0 for any other reason."""
        cause = machine.reset_cause()
        for name, number in _RESET_CAUSES:
            if getattr(machine, name, None) == cause:
                return number
        return 0
