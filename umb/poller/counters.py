"""What a Poller counts of a device, as registers for a slave on the same board."""

from micropython import const

from ..store import Registers

SIZE = 16  # registers of a device
_MOST_MS = const(0xFFFF)


class CounterRegisters(Registers):
    """The counters of a device, brought up to date whenever a client reads them.

    device   a umb.poller.device.Device
    start    the first of its 16 addresses

    docs/how-to/poller.md has the table. Reading them allocates nothing.
    """

    def __init__(self, device, start: int):
        super().__init__(start, SIZE)
        self._device = device
        self.on_read = self._update  # bound once: a bound method is an allocation

    def _update(self, address, quantity):
        device = self._device
        self._put(0, device.schedule.state << 16 | (1 if device.overloaded else 0))
        self._put(2, device.request_count)
        self._put(4, device.answer_count)
        self._put(6, device.exception_count)
        self._put(8, device.timeout_count)
        self._put(10, device.wrong_reply_count)
        self._put(12, device.missed_count)
        self._put(14, min(device.last_ms, _MOST_MS))
        self._put(15, min(device.worst_ms, _MOST_MS))

    def _put(self, i, value):
        """Put a number into two registers, the high one first; into the last one alone."""
        i <<= 1
        data = self.data
        if i < 28:
            data[i] = value >> 24
            data[i + 1] = value >> 16 & 0xFF
            i += 2
        data[i] = value >> 8 & 0xFF
        data[i + 1] = value & 0xFF
