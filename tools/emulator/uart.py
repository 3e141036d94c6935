"""The RP2040's UART (a PL011) with real timing, in the place of rp2040py's instantaneous one.

Modelled: the divider with its fraction, data, parity and stop bits, 32-byte FIFOs with their
levels, BUSY, the receive time-out of 32 bit times, overrun and injected line errors.  The TX
pin has levels with pio.TxLevels only.  Not modelled: CTS/RTS, DMA, bauds that do not match
(inject an error instead).
"""

import heapq
from collections import deque

from rp2040py.peripherals.uart import RPUART

from .wire import Char

# What goes into a received character's upper bits (RP2040 datasheet, UARTDR).
FRAMING, PARITY, BREAK, OVERRUN = 0x100, 0x200, 0x400, 0x800

_DR, _RSR, _FR, _LCR_H, _CR, _IFLS, _ICR = 0x00, 0x04, 0x18, 0x2C, 0x30, 0x34, 0x44
_FR_BUSY, _FR_RXFE, _FR_TXFF, _FR_RXFF, _FR_TXFE = 0x08, 0x10, 0x20, 0x40, 0x80
_INT_RX, _INT_TX, _INT_RT, _INT_OE = 0x10, 0x20, 0x40, 0x400
_INT_OF_ERROR = ((FRAMING, 0x80), (PARITY, 0x100), (BREAK, 0x200))
_LCR_PARITY, _LCR_EVEN, _LCR_TWO_STOP, _LCR_FIFO = 0x02, 0x04, 0x08, 0x10
_FIFO_DEPTH = 32
_LEVELS = (4, 8, 16, 24, 28, 28, 28, 28)  # UARTIFLS: 1/8, 1/4, 1/2, 3/4, 7/8
_TIMEOUT_BITS = 32
_BASES = (0x40034, 0x40038)  # the upper digits of UART0's and UART1's addresses
# CLK_PERI_CTRL.AUXSRC; anything else is clk_sys.
_PERI_HZ = {2: 48_000_000, 3: 6_500_000, 4: 12_000_000}


class TimedUart(RPUART):
    """A PL011 that takes its time.  `sent` and `received` hold every `Char`, oldest first."""

    @classmethod
    def replace(cls, mcu, number):
        """Put a `TimedUart` in the place of the MCU's UART `number` and return it."""
        old = mcu.uart[number]
        new = cls(mcu, old.name, old.irq, old.dreq)
        mcu.uart[number] = mcu.peripherals[_BASES[number]] = new
        return new

    def __init__(self, mcu, name, irq, dreq):
        super().__init__(mcu, name, irq, dreq)
        self.clock = mcu.clock
        self.on_start = None  # on_start(Char), at the start bit's edge of each character sent
        self.on_shift = None  # the same, for the level of the TX pin
        self.on_receive = None  # on_receive(Char), before each character comes, for the RX pin
        self.deaf = None  # deaf() -> True while the transceiver's receiver is off
        self.sent, self.received = [], []
        self.overruns = 0
        self._sent_alarm = self.clock.create_alarm(self._shifted_out)
        self._received_alarm = self.clock.create_alarm(self._shifted_in)
        self._silent_alarm = self.clock.create_alarm(self._timed_out)
        self._coming = []  # a heap of (sample time, order, Char, errors)
        self._order = 0
        self._clear()

    def _clear(self):
        self._tx, self._rx = deque(), deque()
        self._shifting = False
        self._levels = 0x12
        self._errors = 0
        self._overrun = False

    def reset(self):
        super().reset()
        self._sent_alarm.cancel()
        self._silent_alarm.cancel()
        self._clear()

    # -- format

    @property
    def clk_peri(self):
        """The UARTs' clock in Hz: MicroPython feeds it from the USB PLL."""
        return _PERI_HZ.get(self.rp2040.clocks.peri_ctrl >> 5 & 7, self.rp2040.clk_sys)

    @property
    def bit_ns(self):
        return 16e9 * max(self.baud_divider, 1.0) / self.clk_peri

    @property
    def char_bits(self):
        """Start, data, parity and stop bits of one character."""
        line = self._line_ctrl_register
        parity = 1 if line & _LCR_PARITY else 0
        return 1 + self.word_length + parity + (2 if line & _LCR_TWO_STOP else 1)

    @property
    def _depth(self):
        return _FIFO_DEPTH if self.fifos_enabled else 1

    @property
    def _tx_level(self):
        return _LEVELS[self._levels & 7] if self.fifos_enabled else 0

    @property
    def _rx_level(self):
        return _LEVELS[self._levels >> 3 & 7] if self.fifos_enabled else 1

    def check_interrupts(self):
        self.rp2040.set_interrupt(self.irq, bool(self._interrupt_status & self._interrupt_mask))

    # -- transmit

    def _shift_out(self):
        """Move the next byte into the idle shift register."""
        if self._shifting or not self._tx or not (self.enabled and self.tx_enabled):
            return
        level = self._tx_level
        falls_through = len(self._tx) > level >= len(self._tx) - 1
        byte = self._tx.popleft()
        self._shifting = True
        now, span = self.clock.nanos, self.char_bits * self.bit_ns
        self._sent_alarm.schedule(span)
        if falls_through:
            self._interrupt_status |= _INT_TX
        char = Char(now, now + span, byte)
        self.sent.append(char)
        if self.on_shift:
            self.on_shift(char)
        if self.on_start:
            self.on_start(char)

    def levels(self, byte):
        """The levels of a character, a bit each, from its start bit on."""
        data = [byte >> place & 1 for place in range(self.word_length)]
        line = self._line_ctrl_register
        parity = [(sum(data) + (0 if line & _LCR_EVEN else 1)) & 1] if line & _LCR_PARITY else []
        return [0, *data, *parity, *([1, 1] if line & _LCR_TWO_STOP else [1])]

    def _shifted_out(self):
        self._shifting = False
        self._shift_out()
        self.check_interrupts()

    def _write_data(self, value):
        if len(self._tx) >= self._depth:
            return  # it is lost
        self._tx.append(value & ((1 << self.word_length) - 1))
        if len(self._tx) > self._tx_level:
            self._interrupt_status &= ~_INT_TX
        self._shift_out()
        self.check_interrupts()

    # -- receive

    def receive(self, char, errors=0):
        """Let `char` come in at its times; `errors` are FRAMING, PARITY and BREAK."""
        # A byte is taken in the middle of its first stop bit; a PL011 looks for no second one.
        after_bits = 1.5 if self._line_ctrl_register & _LCR_TWO_STOP else 0.5
        sample_ns = char.end_ns - after_bits * self.bit_ns
        if sample_ns < self.clock.nanos:
            raise ValueError("a character can't arrive in the past")
        if self.on_receive:
            self.on_receive(char)
        self._order += 1
        heapq.heappush(self._coming, (sample_ns, self._order, char, errors))
        self._expect()

    def unplug(self):
        """Forget the characters that are still to come: nobody sends them any more."""
        self._coming.clear()
        self._received_alarm.cancel()

    def feed_byte(self, value):
        """rp2040py's own way in: one byte, beginning now."""
        now = self.clock.nanos
        self.receive(Char(now, now + self.char_bits * self.bit_ns, value))

    def _expect(self):
        if self._coming:
            self._received_alarm.schedule(max(0.0, self._coming[0][0] - self.clock.nanos))

    def _shifted_in(self):
        _, _, char, errors = heapq.heappop(self._coming)
        if self.enabled and self.rx_enabled and not (self.deaf and self.deaf()):
            self.received.append(char)
            self._store(char.byte, errors)
            self._silent_alarm.schedule(_TIMEOUT_BITS * self.bit_ns)
            self.check_interrupts()
        self._expect()

    def _store(self, byte, errors):
        if len(self._rx) >= self._depth:
            self.overruns += 1
            self._overrun = True
            self._interrupt_status |= _INT_OE
            return
        if self._overrun:
            errors |= OVERRUN
            self._overrun = False
        for error, interrupt in _INT_OF_ERROR:
            if errors & error:
                self._interrupt_status |= interrupt
        self._rx.append(byte & ((1 << self.word_length) - 1) | errors)
        if len(self._rx) >= self._rx_level:
            self._interrupt_status |= _INT_RX

    def _timed_out(self):
        if self._rx:
            self._interrupt_status |= _INT_RT
            self.check_interrupts()

    def _read_data(self):
        value = self._rx.popleft() if self._rx else 0
        self._errors = value >> 8 & 0xF
        if len(self._rx) < self._rx_level:
            self._interrupt_status &= ~_INT_RX
        if not self._rx:
            self._interrupt_status &= ~_INT_RT
        self.check_interrupts()
        return value

    # -- registers

    @property
    def flags(self):
        tx, rx = len(self._tx), len(self._rx)
        return (
            (0 if tx else _FR_TXFE)
            | (_FR_TXFF if tx >= self._depth else 0)
            | (0 if rx else _FR_RXFE)
            | (_FR_RXFF if rx >= self._depth else 0)
            | (_FR_BUSY if tx or self._shifting else 0)
        )

    def read_uint32(self, offset):
        if offset == _DR:
            return self._read_data()
        if offset == _FR:
            return self.flags
        if offset == _RSR:
            return self._errors
        if offset == _IFLS:
            return self._levels
        if offset == _ICR:  # write-only, but the SDK sets bits in it with a read first
            return 0
        return super().read_uint32(offset)

    def write_uint32(self, offset, value):
        if offset == _DR:
            self._write_data(value)
        elif offset == _RSR:
            self._errors = 0
        elif offset == _IFLS:
            self._levels = value & 0x3F
        elif offset == _LCR_H:
            if self.fifos_enabled and not value & _LCR_FIFO:
                self._tx.clear()  # switching the FIFOs off empties them
                self._rx.clear()
            super().write_uint32(offset, value & 0xFF)
        elif offset == _CR:
            super().write_uint32(offset, value)
            self._shift_out()
            self.check_interrupts()
        else:
            super().write_uint32(offset, value)
