"""What a serial line has to know of its UART and its direction pin, on every port of MicroPython.

It is needed once: attach() lets go of this module, and who wants another line imports it anew.

What ports differ in (MicroPython 1.24 to 1.29):
* readinto() may block unless as many bytes are there as asked for: n <= any() always.
* any() is only 0 or 1 on esp8266, and says so late.
* write() blocks for the whole frame (stm32, alif), until it fits (esp8266), or not at all, and
  may take only a part.
* txdone() is exact where UARTs have irq(); elsewhere it may come a character early.
* No port lets the format be read back: it has to be told again.
"""

import sys
from time import ticks_us

from micropython import const

import umb

from .line import Line

_ADU = const(262)
_ASCII_GAP_US = const(1_000_000)  # between two characters (SL 2.5.2.1)
_RECEIVE_RING = const(512)
_TRANSMIT_RING_ESP32 = const(1024)  # the default does not hold a frame and write() would block
_PIECE = const(32)
_LAG = const(18)  # esp8266 tells of bytes after 16 of them, or after 2 idle characters


def attach(
    owner,
    uart,
    framer="rtu",
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
    gap_ms=20,
):
    """A Line on this UART.

    owner          what the frame asks, see umb.frame.rtu.RTU
    uart           a UART's number, which is then made here, or a machine.UART or its like. Its
                   receive ring should hold 300 bytes at least: what it loses shows as bad frames
    framer         "rtu" or "ascii"
    baudrate, bits=8, parity=None, stop=1   the format; parity None, 0 (even) or 1 (odd)
    tx, rx         pins, for a UART that is made here
    de             the direction pin: a number, a Pin, a Signal or a callable; None: there is none
    de_active=1    its level while transmitting
    turnaround_us=0   extra time between pin and first start bit, and last stop bit and pin
    gap_ms=20      a hole that may tear a frame, where that is longer than t3.5

    Raises ValueError for a format that is none, or that the port's UART does not have.
    """
    if baudrate <= 0 or bits not in (7, 8) or parity not in (None, 0, 1) or stop not in (1, 2):
        raise ValueError("bits must be 7 or 8, parity None, 0 or 1, stop 1 or 2")
    line = Line()
    line.frame = _frame(framer)(bytearray(_ADU), owner)
    if isinstance(uart, int):
        uart = _make(uart, baudrate, bits, parity, stop, tx, rx)
    line.uart = uart
    line.any = uart.any
    if not getattr(uart, "paced", True):
        line.paced = False
    line.de = _pin(de, 1 - de_active)
    if not de_active:
        line.idle = 1
    line.release()
    line.seen = 0
    line.buf = bytearray(_PIECE)
    _set_times(line, baudrate, bits + 1 + (parity is not None) + stop, stop, gap_ms)
    if framer == "ascii":
        line.t35_us = line.turn_us = 0
        line.give_up_us = _ASCII_GAP_US
    _adapt(line, uart, turnaround_us)
    del sys.modules["umb.uart"], umb.uart  # its memory is worth more than its code now
    return line


def _frame(framer):
    """The class of the frame."""
    if framer == "rtu":
        from .frame import rtu

        return rtu.RTU
    if framer == "ascii":
        from .frame import ascii

        return ascii.ASCII
    raise ValueError("framer must be 'rtu' or 'ascii'")


def _set_times(line, baudrate, bits, stop, gap_ms):
    """Give a Line its times, a character being so many bits, `stop` of them stop bits."""
    # The character time in 1/64 us: exact enough for 256 of them, small enough not to allocate.
    line.char = char = -(-bits * 64_000_000 // baudrate)
    # Above 19200 baud the silence is fixed (SL 2.5.1.1).
    line.t35_us = 1750 if baudrate > 19200 else char * 7 + 127 >> 7
    # A byte may be seen in the middle of its first stop bit; the silence begins with its end.
    line.turn_us = line.t35_us + (char * (2 * stop - 1) // bits + 127 >> 7)
    if sys.platform == "esp8266":
        line.t35_us += line.time_us(_LAG)
    line.give_up_us = max(line.t35_us, gap_ms * 1000)
    line.last_us = line.end_us = ticks_us()


def _adapt(line, uart, turnaround_us):
    """Have a Line do what this UART needs, and its pin."""
    if not hasattr(uart, "txdone") or (line.paced and not hasattr(uart, "irq")):
        from .port import unsure

        unsure.attach(line, line.char >> 7)
    if sys.platform == "esp8266":
        from .port import counted

        counted.attach(line, True)
    if turnaround_us:
        from .port import delayed

        delayed.attach(line, turnaround_us)


def _pin(de, value):
    """The direction pin as something to be called with a level, at this value."""
    if de is None:
        return bool  # takes a level and does nothing
    if isinstance(de, int):
        from machine import Pin

        de = Pin(de)
    if hasattr(de, "init"):
        de.init(de.OUT, value=value)
    return de


def _make(id, baudrate, bits, parity, stop, tx, rx):
    """machine.UART with this format, leaving out the keywords that the port refuses.

    Raises ValueError where the port has no parity or stop bits to choose (nrf).
    """
    from machine import UART

    wishes = {"rxbuf": _RECEIVE_RING, "timeout": 0, "timeout_char": 0}
    if sys.platform == "esp32":
        wishes["txbuf"] = _TRANSMIT_RING_ESP32
    if tx is not None:
        wishes["tx"] = tx
    if rx is not None:
        wishes["rx"] = rx
    for refused in ((), ("tx", "rx"), ("rxbuf",)):
        for keyword in refused:
            wishes.pop(keyword, None)
        try:
            return UART(id, baudrate, bits=bits, parity=parity, stop=stop, **wishes)
        except TypeError:
            pass
    if (bits, parity, stop) != (8, None, 1):
        raise ValueError("this port's UART is 8N1 only")
    return UART(id, baudrate, timeout=0, timeout_char=0)
