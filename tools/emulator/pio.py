"""PIO on the bench: state machines that keep time, and UARTs whose TX pins have levels."""

import heapq

_CYCLE_NS = 8.0
_NEVER = 1 << 62
_BASES = (0x50200, 0x50300)  # the upper digits of PIO0's and PIO1's addresses
_SM0_CLKDIV, _SM_SIZE = 0xC8, 0x18


class Pacer:
    """Has PIO programs run to scale while the processor sleeps.

    rp2040py jumps to the next alarm then, and forgets what a state machine should have done: so
    there is always one when a state machine is due.
    """

    def __init__(self, mcu):
        self._clock, self._pios = mcu.clock, list(mcu.pio)
        self._alarm = self._clock.create_alarm(self.kick)
        self._seen = None
        for base, pio in zip(_BASES, self._pios, strict=True):
            mcu.peripherals[base] = _Bus(pio, self)

    def kick(self):
        """Look when the next state machine is due: after an input has changed, too."""
        stamp = tuple(pio.cycle_fp for pio in self._pios)
        now = self._clock.nanos
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, now if self._seen is None else self._seen[2], now)
        lag = now - self._seen[1]  # the clock has ticked, PIO has not been advanced yet
        due = [
            (pio.next_due_fp - cycles) / 256 * _CYCLE_NS
            for pio, cycles in zip(self._pios, stamp, strict=True)
            if not pio.stopped and pio.next_due_fp < _NEVER
        ]
        if due:
            self._alarm.schedule(max(_CYCLE_NS, -(-(min(due) - lag) // _CYCLE_NS) * _CYCLE_NS))

    def touched(self):
        """A register was accessed: the clock and PIO agree now."""
        self._seen = None
        self.kick()


class _Bus:
    """A PIO block on the bus, which tells the pacer of what is done to it."""

    def __init__(self, pio, pacer):
        self._pio, self._pacer = pio, pacer

    def read_uint32(self, offset):
        return self._pio.read_uint32(offset)

    def write_uint32(self, offset, value):
        self._pio.write_uint32(offset, value)
        self._pacer.touched()

    def write_uint32_atomic(self, offset, value, kind):
        self._pio.write_uint32_atomic(offset, value, kind)
        self._pacer.touched()

    def reset(self):
        self._pio.reset()


class TxLevels:
    """Drives the input side of a UART's TX pin, so that a state machine sees what is sent."""

    def __init__(self, pico, uart, number, pacer):
        self._uart, self._gpio, self._pacer = uart, pico.mcu.gpio[number], pacer
        self._clock = pico.clock
        self._alarm = self._clock.create_alarm(self._change)
        self._edges = []
        self._gpio.set_input_value(True)
        uart.on_shift = self._sends

    def _sends(self, char):
        bits = self._uart.levels(char.byte)
        before = 1
        for place, level in enumerate(bits):
            if level != before:
                heapq.heappush(self._edges, (char.start_ns + place * self._uart.bit_ns, level))
            before = level
        self._change()

    def _change(self):
        while self._edges and self._edges[0][0] <= self._clock.nanos + 1:
            self._gpio.set_input_value(bool(heapq.heappop(self._edges)[1]))
            self._pacer.kick()
        if self._edges:
            self._alarm.schedule(max(1.0, self._edges[0][0] - self._clock.nanos))
