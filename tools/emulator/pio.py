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


class Levels:
    """Drives the input side of a UART's TX and RX pins, so that state machines see the line."""

    def __init__(self, pico, number, tx, rx):
        self._uart, self._pacer, self._clock = pico.uarts[number], pico.pacer, pico.clock
        sent, received = pico.mcu.gpio[tx], pico.mcu.gpio[rx]
        self._received = received
        self._uart.on_shift = lambda char: self._put(sent, char)
        self._uart.on_receive = lambda char: self._put(received, char)
        self._alarm = self._clock.create_alarm(self._change)
        self._edges = []  # a heap of (time, order, pin, level)
        self._order = 0
        for pin in (sent, received):
            pin.set_input_value(True)

    def _put(self, pin, char):
        """Let the levels of a character come at their times."""
        before = 1
        for place, level in enumerate(self._uart.levels(char.byte)):
            if level != before:
                edge_ns = char.start_ns + place * self._uart.bit_ns
                self._order += 1
                heapq.heappush(self._edges, (edge_ns, self._order, pin, level))
            before = level
        self._change()

    def _change(self):
        while self._edges and self._edges[0][0] <= self._clock.nanos + 1:
            _, _, pin, level = heapq.heappop(self._edges)
            # A receiver that is off leaves its pin high.
            deaf = pin is self._received and self._uart.deaf and self._uart.deaf()
            pin.set_input_value(bool(level or deaf))
            self._pacer.kick()
        if self._edges:
            self._alarm.schedule(max(1.0, self._edges[0][0] - self._clock.nanos))
