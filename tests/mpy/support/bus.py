"""A serial line with slaves on it, as a client's UART sees it, by the clock of support.uart.

Import this, or support.loop, before anything of umb.
"""

import gc

from support.uart import UART, clock  # comes first: it stands in for the module time

from support.pdu import words
from support.rtu import crc, frame

STEP_US = 40
_FAST_STEP_US = 5  # on lines whose characters take less than 500 us
_KEPT = 300  # requests


def value_of(slave_id, address):
    """What slaves have in a register: no two of them the same."""
    return (slave_id * 4099 + address * 7) & 0xFFFF


def answer(slave_id, pdu):
    """The response PDU of a slave that has every register and coil."""
    code, address, quantity = pdu[0], pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
    if code in b"\x03\x04":
        values = [value_of(slave_id, address + i) for i in range(quantity)]
        return bytes((code, 2 * quantity)) + words(*values)
    if code in b"\x05\x06":
        return pdu
    if code in b"\x0f\x10":
        return pdu[:5]
    return bytes((code | 0x80, 1))


class Direction:
    """A direction pin as a function; it notes in `faults` what it must not do."""

    def __init__(self, bus):
        self.level = None
        self.pulses = 0
        self.faults = []
        self._bus = bus

    def __call__(self, level):
        if self.level == 1 and level == 0:
            held_ns = clock.now_ns - self._bus.end_ns()
            self.pulses += 1
            if not 0 <= held_ns <= self._bus.char_ns:
                self.faults.append("it falls {} ns after the last stop bit".format(held_ns))
        self.level = level


class Bus(UART):
    """The UART. Slaves answer, delay_us after the request; two that speak at once fail the test.

    replies  replies(slave_id, pdu) -> (delay_us, bytes) or None, in place of slaves that have
             everything
    absent   slave ids that never answer
    step_us  what a call of it and a look at the clock take: STEP_US, or less on fast lines, unless
             told
    """

    _made = 0

    def __init__(
        self, baudrate=115200, parity=0, *, replies=None, absent=(), step_us=None, **line
    ):
        if step_us is None:
            step_us = STEP_US if baudrate <= 19200 else _FAST_STEP_US
        clock.reset(step_us=step_us)
        Bus._made += 1
        if Bus._made % 4 == 0:
            gc.collect()  # what the last ones leave is large: the heap would go to pieces
        super().__init__(baudrate, 8, parity, 1, cost_us=step_us, **line)
        self.delay_us = 500
        self.absent = absent
        self.asked = []  # (slave id, PDU) of the last requests, and when they had come
        self.times_us = []
        self.pin = Direction(self)
        self._replies = replies or self._reply
        self._frame = b""

    def _reply(self, slave_id, pdu):
        if slave_id in self.absent:
            return None
        return self.delay_us, frame(slave_id, answer(slave_id, pdu))

    def write(self, buf, at, n):
        if self.pin.level == 0:
            self.pin.faults.append("it is at receive while something is sent")
        self.sent.clear()
        n = super().write(buf, at, n) or 0
        self._frame += bytes(buf[at : at + n])
        if len(self._frame) > 3 and crc(self._frame) == b"\0\0":
            self._deliver(self._frame[0], self._frame[1:-2])
            self._frame = b""
        return n or None

    def _deliver(self, slave_id, pdu):
        if len(self.asked) == _KEPT:
            self.asked.pop(0)
            self.times_us.pop(0)
        self.asked.append((slave_id, pdu))
        self.times_us.append(self.end_ns() // 1000)
        reply = self._replies(slave_id, pdu) if slave_id else None
        if reply is not None:
            self.hear(self.end_ns() // 1000 + reply[0], reply[1])

    def is_clean(self):
        """Check that every request has left whole and that the pin did what it should."""
        assert self._frame == b"", "a request was cut short"
        assert not self.pin.faults, self.pin.faults
        if self.pin.level is not None:
            assert self.pin.level == 0, "the pin is stuck"
            assert clock.now_ns >= self.end_ns()
