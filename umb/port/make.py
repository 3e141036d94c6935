"""machine.UART from its number, with what the port accepts."""

import sys

from machine import UART
from micropython import const

_RECEIVE_RING = const(512)
_TRANSMIT_RING_ESP32 = const(1024)  # the default does not hold a frame and write() would block


def make_uart(number, baudrate, bits, parity, stop, tx, rx):
    """machine.UART with this format, leaving out the keywords that the port refuses.

    Raises ValueError where the port has no parity or stop bits to choose (nrf).
    """
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
            return UART(number, baudrate, bits=bits, parity=parity, stop=stop, **wishes)
        except TypeError:
            pass
    if (bits, parity, stop) != (8, None, 1):
        raise ValueError("this port's UART is 8N1 only")
    return UART(number, baudrate, timeout=0, timeout_char=0)
