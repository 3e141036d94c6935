"""The pins of a board and what else its chip has, behind one object.

boards/unix/simulated.py is its like on a machine that has none. What cannot be had is a
ValueError (or whatever the port raises).
"""

import time

import machine
from machine import PWM, Pin, Signal
from micropython import const

# The numbers of input register 116; ports have theirs.
_RESET_CAUSES = (
    ("PWRON_RESET", const(1)),
    ("HARD_RESET", const(2)),
    ("WDT_RESET", const(3)),
    ("DEEPSLEEP_RESET", const(4)),
    ("SOFT_RESET", const(5)),
)


class Hardware:
    """Every pin that it gives is a callable: pin(level) drives it, pin() reads it."""

    def output(self, pin, invert, level):
        """A pin that is driven, to `level` (0 or 1) at first; without a glitch."""
        made = Pin(pin, Pin.OUT, value=level ^ invert)
        return Signal(made, invert=True) if invert else made

    def input(self, pin, invert, pull):
        """A pin that is read; pull is "up", "down" or "none"."""
        if pull == "none":
            made = Pin(pin, Pin.IN)
        else:
            made = Pin(pin, Pin.IN, getattr(Pin, "PULL_" + pull.upper()))
        return Signal(made, invert=True) if invert else made

    def analogue(self, pin):
        """A pin that is measured: 0 to 65535."""
        adc = machine.ADC
        if pin == "temperature":
            return adc(adc.CORE_TEMP).read_u16
        if hasattr(adc, "ATTN_11DB"):  # on esp32 the range to 3.3 V has to be asked for
            return adc(Pin(pin), atten=adc.ATTN_11DB).read_u16
        return adc(0 if pin == "A0" else pin).read_u16  # esp8266 has one, which is no GPIO

    def pwm(self, pin, freq, duty):
        """A pin that is driven in pulses: pin(duty), 0 to 65535."""
        return PWM(Pin(pin), freq=freq, duty_u16=duty).duty_u16

    def watchdog(self, timeout_s):
        """Start the chip's watchdog; the callable that feeds it. It cannot be stopped."""
        try:
            return machine.WDT(timeout=timeout_s * 1000).feed
        except ValueError:  # esp8266 knows one time alone
            return machine.WDT().feed

    def reset_cause(self):
        """Why it started, as _RESET_CAUSES has it; 0: some other reason."""
        cause = machine.reset_cause()
        for name, number in _RESET_CAUSES:
            if getattr(machine, name, None) == cause:
                return number
        return 0

    def restart(self):
        """Start again, as if the power had come."""
        time.sleep_ms(50)  # let what was printed leave
        machine.reset()
