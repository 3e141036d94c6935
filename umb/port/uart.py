"""open_line(): a serial line on the UART of any port of MicroPython.

What ports differ in (MicroPython 1.24 to 1.29):
* readinto() may block unless as many bytes are there as asked for: n <= any() always.
* any() is only 0 or 1 on esp8266, and says so late.
* write() blocks for the whole frame (stm32, alif), until it fits (esp8266), or not at all, and
  may take only a part.
* txdone() is exact where UARTs have irq(); elsewhere it may come a character early.
* No port lets the format be read back: it has to be told again.
"""

import sys

from micropython import const

from ..frame import ADU_SIZE
from ..frame.rtu import REQUEST, RESPONSE
from .line import Line

_ASCII_GAP_US = const(1_000_000)  # the longest between two characters of ASCII (SL 2.5.2.1)
_NEVER_US = const(1 << 29)  # longer than ticks can tell
_ADAPTER = const(64)  # what comes through USB comes in pieces of up to so many characters
_SHORTEST = const(4)  # the shortest RTU frame
_RECEIVE_RING = const(512)
_TRANSMIT_RING_ESP32 = const(1024)  # the default does not hold a frame and write() would block
_LONGEST_PAUSE = const(500_000)  # milliseconds: ticks_us() tells no longer times apart
_LAG = const(18)  # esp8266 tells of bytes after 16 of them, or after 2 idle characters


def open_line(
    table,
    serves,
    uart,
    *,
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
    _check(baudrate, bits, parity, stop, de_active, turnaround_us, gap_ms)
    if not hasattr(framer, "timed"):
        raise ValueError("framer must be RTU or ASCII, not %r" % (framer,))
    line = Line()
    line.frame = framer(bytearray(ADU_SIZE), table, serves)
    if isinstance(uart, int):
        uart = _make_uart(uart, baudrate, bits, parity, stop, tx, rx)
    line.uart = uart
    line.any = uart.any
    line.paced = getattr(uart, "paced", True)
    # A slave that is late must not speak into the next request; four bytes may be one.
    line.yields_to = _SHORTEST if table is REQUEST else 0
    line.de = _pin(de, 1 - de_active)
    line.idle = 0 if de_active else 1
    line.release()
    _set_times(line, baudrate, bits + 1 + (parity is not None) + stop, stop)
    line.abandon_us = line.hole_us = max(line.t35_us, gap_ms * 1000)
    if not line.frame.timed:
        line.t35_us = line.reply_delay_us = 0
        line.abandon_us = line.hole_us = _ASCII_GAP_US
    elif not line.paced:
        line.hole_us += line.time_us(_ADAPTER)
        # A client gives up the beginning of a response when its time is up.
        line.abandon_us = line.hole_us if table is REQUEST else _NEVER_US
    elif table is RESPONSE:
        line.hole_us = line.t35_us  # only masters put silence into frames
    if turnaround_us or not hasattr(uart, "txdone") or (line.paced and not hasattr(uart, "irq")):
        from .quirks import adapt

        adapt(line, turnaround_us)
    return line


def _check(baudrate, bits, parity, stop, de_active, turnaround_us, gap_ms):
    """Raise ValueError for a format or a time that cannot be."""
    if not (isinstance(baudrate, int) and baudrate > 0):
        raise ValueError("baudrate must be a positive integer, not %r" % (baudrate,))
    if bits not in (7, 8) or stop not in (1, 2):
        raise ValueError("bits must be 7 or 8 and stop 1 or 2, not %r and %r" % (bits, stop))
    if parity not in (None, 0, 1):
        raise ValueError("parity must be None, 0 (even) or 1 (odd), not %r" % (parity,))
    if de_active not in (0, 1):
        raise ValueError("de_active must be 0 or 1, not %r" % (de_active,))
    for name, value in (("turnaround_us", turnaround_us), ("gap_ms", gap_ms)):
        if not (isinstance(value, int) and 0 <= value <= _LONGEST_PAUSE):
            raise ValueError("%s must be 0..%d, not %r" % (name, _LONGEST_PAUSE, value))


def _set_times(line, baudrate, bits, stop):
    """Give a Line its times; a character has so many bits, `stop` of them stop bits."""
    line.character_x64 = character = -(-bits * 64_000_000 // baudrate)
    # Above 19200 baud the silence is fixed (SL 2.5.1.1).
    line.t35_us = 1750 if baudrate > 19200 else character * 7 + 127 >> 7
    # A byte may be seen in the middle of its first stop bit; the silence begins with its end.
    line.reply_delay_us = line.t35_us + (character * (2 * stop - 1) // bits + 127 >> 7)
    if sys.platform == "esp8266":
        line.t35_us += line.time_us(_LAG)


def _pin(de, value):
    """Return the direction pin as something to be called with a level, set to `value`."""
    if de is None:
        return bool  # takes a level and does nothing
    if isinstance(de, int):
        from machine import Pin

        de = Pin(de)
    if hasattr(de, "init"):
        de.init(de.OUT, value=value)
    return de


def _make_uart(id, baudrate, bits, parity, stop, tx, rx):
    """Return a machine.UART with this format, without the keywords that the port refuses.

    Raises ValueError if the port has no parity or stop bits to choose (nrf).
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
