"""open_line(): a serial line on the UART of any port of MicroPython.

What ports differ in (MicroPython 1.24 to 1.29):
* readinto() may block unless as many bytes are there as asked for: n <= any() always.
* any() is only 0 or 1 on esp8266, and says so late.
* write() blocks for the whole frame (stm32, alif), until it fits (esp8266), or not at all, and
  may take only a part.
* txdone() is exact where UARTs have irq(); elsewhere it may come a character early.
* No port lets the format be read back: programs have to give it again.
"""

import sys

from micropython import const

from ..check import integer, wrong
from ..frame import ADU_SIZE
from ..frame.rtu import REQUEST, RESPONSE
from .line import Line, owners

_ASCII_GAP_US = const(1_000_000)  # the longest between two characters of ASCII (SL 2.5.2.1)
_SHORTEST = const(4)  # the shortest RTU frame
_RECEIVE_RING = const(512)
_TRANSMIT_RING_ESP32 = const(1024)  # the default does not hold a frame and write() would block
_MOST_BAUD = const(100_000_000)
_LONGEST_PAUSE = const(500_000)  # milliseconds: ticks_us() tells no longer times apart


def open_line(
    table,
    serves,
    uart,
    baudrate,
    bits,
    parity,
    stop,
    tx,
    rx,
    de,
    de_active,
    turnaround_us,
    gap_ms,
    framer,
):
    """Return a Line on this UART, whose frames are made with `table` and `serves`: see RTU.

    The other parameters are those of umb.server.rtu.RTUServer. Raises ValueError for a format that
    does not exist, or that the port's UART does not have.
    """
    for name, value, low, high in (
        ("baudrate", baudrate, 1, _MOST_BAUD),
        ("bits", bits, 7, 8),
        ("stop", stop, 1, 2),
        ("de_active", de_active, 0, 1),
        ("turnaround_us", turnaround_us, 0, _LONGEST_PAUSE),
        ("gap_ms", gap_ms, 0, _LONGEST_PAUSE),
    ):
        integer(name, value, low, high)
    if parity not in (None, 0, 1):
        raise wrong("parity", parity)
    if not hasattr(framer, "timed"):
        raise wrong("framer", framer)
    number = None
    if isinstance(uart, int):
        number = uart
        uart = _open(uart, baudrate, bits, parity, stop, tx, rx)
    elif isinstance(uart, type) or not (hasattr(uart, "any") and hasattr(uart, "readinto")):
        raise wrong("uart", uart)
    idle = 1 - de_active
    bits += 1 + (parity is not None) + stop  # of a character, with its start bit
    if hasattr(de, "watch_frames"):  # a PioPin
        de.watch_frames(baudrate, bits, idle)
    line = Line(framer(bytearray(ADU_SIZE), table, serves), uart, _pin(de, idle), idle)
    # A slave that is late must not send while the next request comes. Four bytes may be one.
    line.abort_size = _SHORTEST if table is REQUEST else 0
    line.baudrate = baudrate
    line.stop = stop
    line.bits = bits
    line.number = number
    owners[number] = line
    line.character_x64 = character = -(-bits * 64_000_000 // baudrate)
    # Above 19200 baud the silence is fixed (SL 2.5.1.1).
    line.t35_us = 1750 if baudrate > 19200 else character * 7 + 127 >> 7
    # A byte may be seen in the middle of its first stop bit; the silence begins with its end.
    line.reply_delay_us = line.t35_us + (character * (2 * stop - 1) // bits + 127 >> 7)
    line.abandon_us = line.gap_us = max(line.t35_us, gap_ms * 1000)
    if table is RESPONSE:
        line.gap_us = line.t35_us  # only masters put silence into frames
    if not framer.timed:
        line.t35_us = line.reply_delay_us = 0
        line.abandon_us = line.gap_us = _ASCII_GAP_US
    if turnaround_us or not (
        line.exact_times and hasattr(uart, "txdone") and hasattr(uart, "irq")
    ):
        from .quirks import adapt

        adapt(line, turnaround_us, table)
    return line


def _pin(de, value):
    """Return the direction pin as something to be called with a level, set to `value`."""
    if de is None:
        return bool  # takes a level and does nothing
    if isinstance(de, int):
        from machine import Pin

        de = Pin(de)
    if hasattr(de, "init"):
        de.init(de.OUT, value=value)
    elif not callable(de):
        raise wrong("de", de)
    de(value)
    return de


def _open(number, baudrate, bits, parity, stop, tx, rx):
    """Return the machine.UART of this number with this format. Raises ValueError."""
    from machine import UART

    options = {
        "bits": bits,
        "parity": parity,
        "stop": stop,
        "rxbuf": _RECEIVE_RING,
        "timeout": 0,
        "timeout_char": 0,
    }
    if sys.platform == "esp32":
        options["txbuf"] = _TRANSMIT_RING_ESP32
    if tx is not None:
        options["tx"] = tx
    if rx is not None:
        options["rx"] = rx
    try:
        return UART(number, baudrate, **options)
    except TypeError:  # this port does not have all of these
        from .quirks import open_uart

        return open_uart(number, baudrate, options)
