"""An emulated Raspberry Pi Pico W: the board of pico.py with a radio."""

import dataclasses

from rp2040py.boards import BOARDS
from rp2040py.external.bootsel_button import BootselButton

from .radio import Radio
from .usb_port import ResettablePico


class PicoW(ResettablePico):
    """A Pico with a `radio`.  Of its state machines only that of the radio works."""

    def spec(self):
        self.radio = Radio()
        return dataclasses.replace(BOARDS["pico_w"], extras=(lambda: self.radio, BootselButton))

    def _boot(self):
        self.mcu.pio = self._pio  # the radio's pins belong to one, which stands still
        super()._boot()

    def was_reset(self):
        """The pin that the radio has its power from falls; rp2040py tells nobody of that."""
        self.radio.bus.power_off()
