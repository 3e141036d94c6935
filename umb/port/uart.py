"""A UART with its direction pin and exact times, on every port of MicroPython.

What ports differ in (MicroPython 1.24 to 1.29):
* readinto() may block unless as many bytes are there as asked for: n <= any() always.
* any() is only 0 or 1 on esp8266, and says so late: nothing here relies on the number.
* write() blocks for the whole frame (stm32, alif), until it fits (esp8266), or not at all, and
  may take only a part.
* txdone() is exact where UARTs have irq(); elsewhere it may come a character early.
* No port lets the format be read back: it has to be told again.
"""

import sys
from time import sleep_us, ticks_add, ticks_diff, ticks_us


class UARTPort:
    """One end of a serial line.

    uart           a UART's number, which is then made here, or a machine.UART or its like. Its
                   receive ring should hold 300 bytes at least: what it loses shows as bad frames
    baudrate, bits, parity, stop   the format; parity None, 0 (even) or 1 (odd)
    tx, rx         pins, for a UART that is made here
    de             the direction pin: a number, a Pin, a Signal or a callable; None: there is none
    de_active      its level while transmitting
    turnaround_us  extra time between pin and first start bit, and between last stop bit and pin

    Raises ValueError for a format that is none, or that the port's UART does not have.
    """

    def __init__(
        self,
        uart,
        *,
        baudrate,
        bits=8,
        parity=None,
        stop=1,
        tx=None,
        rx=None,
        de=None,
        de_active=1,
        turnaround_us=0,
    ):
        if baudrate <= 0 or bits not in (7, 8) or parity not in (None, 0, 1) or stop not in (1, 2):
            raise ValueError("bits must be 7 or 8, parity None, 0 or 1, stop 1 or 2")
        if isinstance(uart, int):
            from .make import make_uart

            uart = make_uart(uart, baudrate, bits, parity, stop, tx, rx)
        if isinstance(de, int):
            from machine import Pin

            de = Pin(de)
        self.uart = uart
        self.any = uart.any
        self.readinto = uart.readinto
        self.paced = getattr(uart, "paced", True)  # it sends at the line's pace, and we can tell
        self._txdone = getattr(uart, "txdone", None)
        self._de = de
        self._receive = 1 - de_active
        if hasattr(de, "init"):
            de.init(de.OUT, value=self._receive)
        self.release()
        self._turnaround_us = turnaround_us
        # The character time in 1/64 us: exact enough for 256 of them, small enough not to allocate.
        self._char = -(-(1 + bits + (parity is not None) + stop) * 64_000_000 // baudrate)
        # Above 19200 baud the silence is fixed (SL 2.5.1.1).
        self.t35_us = 1750 if baudrate > 19200 else self._char * 7 + 127 >> 7
        self.end_us = 0  # when the transmission should be over

    def time_us(self, n):
        """How long n characters take."""
        return n * self._char + 63 >> 6

    def send(self, adu, at, n):
        """Switch to transmit and begin to send n bytes at adu[at]; finish() has to follow."""
        time_us = self.time_us(n)
        try:
            if self._de is not None:
                self._de(1 - self._receive)
                if self._turnaround_us:
                    sleep_us(self._turnaround_us)
            self.end_us = begin_us = ticks_us()
            while n:
                put = self.uart.write(adu, at, n) or 0
                at += put
                n -= put
        except BaseException:
            self.release()
            raise
        if self.paced:
            # The first start bit lies somewhere within write(). Where txdone() cannot be trusted
            # the pin waits for the latest; if write() blocked, that is not half a character.
            if self._txdone is None or not hasattr(self.uart, "irq"):
                time_us += min(ticks_diff(ticks_us(), begin_us), self._char >> 7)
            self.end_us = ticks_add(begin_us, time_us)

    def finish(self):
        """Stay until the last stop bit has left, then switch to receive."""
        txdone = self._txdone
        de = self._de
        end_us = self.end_us
        try:
            while ticks_diff(end_us, ticks_us()) > 0:
                pass
            if txdone is not None:
                while not txdone():
                    pass
            if de is not None:
                if self._turnaround_us:
                    sleep_us(self._turnaround_us)
                de(self._receive)
        except BaseException:
            sleep_us(max(0, ticks_diff(end_us, ticks_us())))
            self.release()
            raise

    def release(self):
        """Switch to receive."""
        if self._de is not None:
            self._de(self._receive)


# How late any() may be, in characters: esp8266 waits for 16, or for 2 idle ones.
LAG = 18 if sys.platform == "esp8266" else 0
