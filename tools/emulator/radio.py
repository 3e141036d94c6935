"""The WiFi chip of an emulated Pico W, and the access point that it finds.

rp2040py's model of the chip takes a GPIO edge a bit: a minute for the 230 KB of its own firmware.
Here the bus moves whole transfers, at the end of the time that they take.
"""

from rp2040py.external.cyw43 import Cyw43439, bus
from rp2040py.peripherals.peripheral import ATOMIC_CLEAR

_PIO_BASES = (0x50200, 0x50300)  # the upper digits of PIO0's and PIO1's addresses
_CTRL, _FDEBUG, _TXF0, _RXF0 = 0x00, 0x08, 0x10, 0x20
_ENABLED = 0xF  # the bits of state machines in CTRL
_STALLED = 0xF << 24  # the bits of state machines in FDEBUG that wait for something to send
_DMA_ENABLED, _DMA_BUSY, _DMA_QUIET = 1 << 0, 1 << 24, 1 << 21
_WORD_NS = 32 * 4 * 8.0  # a bit takes two steps of the state machine, at half the system clock

_SET_PASSPHRASE = 268  # WLC_SET_WSEC_PMK, which rp2040py does not know
_NO_NETWORK, _KEYED = 3, 6  # what events say in their status
_FAILED = 1


class AccessPoint:
    """The only network in reach: `ssid` and `password` ("": open) are what lets a board in.

    With `present` false there is none.  Each may be changed at any time; leave() then ends the
    connection of a board that is in it.
    """

    def __init__(self, ssid="umb", password="a password"):
        self.ssid, self.password = ssid, password
        self.present = True


class Radio(Cyw43439):
    """The chip. `access_point` is what it finds; `joined` whether it is in that network.

    on_frame(frame) is called with each Ethernet frame that the board sends; deliver(frame) is
    the way to the board.  on_leave() is called when the connection to the network has ended.
    """

    def __init__(self):
        super().__init__()
        self.access_point = AccessPoint()
        self.joined = False
        self.on_frame = lambda _frame: None
        self.on_leave = lambda: None
        self._passphrase = ""

    def attach(self, rp2040):
        super().attach(rp2040)
        self.bus.nat_bridge = self
        self._acknowledge, self.bus._write_wlan = self.bus._write_wlan, self._requested
        self.bus._queue_join_events = lambda: None
        self._power_off, self.bus.power_off = self.bus.power_off, self._lose_power
        _WordBus(rp2040, self.bus)

    # -- what rp2040py's bus calls

    def handle_outbound_ethernet_frame(self, frame):
        if self.joined:
            self.on_frame(frame)

    def reset(self):
        """The board has left the network."""
        self.joined = False
        self.on_leave()

    def _lose_power(self):
        self._power_off()
        self.reset()

    def _requested(self, data):
        """Take what the driver has sent, and play the network if that is a request to join."""
        self._acknowledge(data)
        body = data[bus.SDPCM_HEADER_LEN + bus.IOCTL_HEADER_LEN :]
        if len(body) < 4 or data[5] & 0x0F != bus.CONTROL_HEADER:
            return
        at = bus.SDPCM_HEADER_LEN
        command = int.from_bytes(data[at : at + 4], "little")
        if command == _SET_PASSPHRASE:
            self._passphrase = body[4 : 4 + int.from_bytes(body[:2], "little")].decode()
        elif command == bus.WLC_SET_SSID:
            self._join(body[4 : 4 + int.from_bytes(body[:4], "little")].decode())

    def _join(self, ssid):
        """Tell the driver what came of an attempt to join."""
        there = self.access_point
        passphrase, self._passphrase = self._passphrase, ""
        if not there.present or ssid != there.ssid:
            self._tell(bus.CYW43_EV_SET_SSID, _NO_NETWORK)
            return
        self._tell(bus.CYW43_EV_AUTH)
        self._tell(bus.CYW43_EV_ASSOC)
        if there.password and passphrase != there.password:
            self._tell(bus.CYW43_EV_PSK_SUP, _FAILED)
            return
        self._tell(bus.CYW43_EV_SET_SSID)
        self._tell(bus.CYW43_EV_PSK_SUP, _KEYED)
        self._tell(bus.CYW43_EV_LINK, flags=1)
        self.joined = True

    def _tell(self, event, status=0, flags=0):
        self.bus.queue_rx_packet(self.bus._build_async_event(event, status, flags=flags))

    # -- what the bench calls

    def deliver(self, frame):
        """Have the board receive an Ethernet frame."""
        if self.joined:
            self.bus.queue_rx_ethernet_frame(frame)

    def leave(self):
        """End the connection, as an access point does that is switched off."""
        if self.joined:
            self.bus._queue_disassoc_events()
            self.reset()


class _WordBus:
    """Moves transfers of the driver's state machine as words, between DMA and the chip's bus.

    The driver sets both DMA channels up, and enables its state machine then.  That one is never
    run: what it would have shifted is handed over when the time that it takes is over.
    """

    def __init__(self, rp2040, chip_bus):
        self._rp2040, self._bus = rp2040, chip_bus
        self._alarm = rp2040.clock.create_alarm(self._finish)
        self._waiting = {}  # _TXF0 or _RXF0: the DMA channel that feeds it, or is fed from it
        for base in _PIO_BASES:
            rp2040.peripherals[base] = _Block(rp2040.peripherals[base], self)
        for channel in rp2040.dma.channels:
            channel.start = self._starter(channel, channel.start)

    def _starter(self, channel, start):
        """Return what starts a DMA channel: one to or from a state machine has to wait for it."""

        def begin():
            writes = channel._write_addr >> 12 in _PIO_BASES
            reads = channel._read_addr >> 12 in _PIO_BASES
            if not (channel._ctrl & _DMA_ENABLED and (writes or reads)):
                start()
            elif not channel._ctrl & _DMA_BUSY:
                channel._ctrl |= _DMA_BUSY
                channel._trans_count = channel._trans_count_reload
                self._waiting[_TXF0 if writes else _RXF0] = channel

        return begin

    def enable(self):
        """Begin the transfer that was set up, if there is one."""
        if _TXF0 in self._waiting:
            words = sum(channel._trans_count for channel in self._waiting.values())
            self._alarm.schedule(words * _WORD_NS)

    def _finish(self):
        out, into = self._waiting.pop(_TXF0), self._waiting.pop(_RXF0, None)
        read, write = self._rp2040.read_uint32, self._rp2040.write_uint32
        for place in range(out._trans_count):
            self._take(bus._swap_bytes(read(out._read_addr + 4 * place)))
        self._complete(out)
        if into:
            size = 4 * into._trans_count
            answer = self._bus._response_bytes[:size].ljust(size, b"\0")
            for at in range(0, size, 4):
                write(into._write_addr + at, int.from_bytes(answer[at : at + 4], "little"))
            self._bus._response_bytes = b""
            self._complete(into)

    def _take(self, word):
        """Have the chip's bus take a word as it takes its last bit."""
        self._bus._shift_reg, self._bus._bits_in_word = word >> 1, 31
        self._bus._on_clock_rising(word & 1)

    def _complete(self, channel):
        channel._trans_count = 0
        channel._ctrl &= ~_DMA_BUSY
        if not channel._ctrl & _DMA_QUIET:
            channel.dma.int_raw |= 1 << channel.index
            channel.dma.check_interrupts()


class _Block:
    """A PIO block whose state machines are never enabled: its driver is told that they ran."""

    def __init__(self, pio, word_bus):
        self._pio, self._word_bus = pio, word_bus
        self.reset = pio.reset

    def read_uint32(self, offset):
        value = self._pio.read_uint32(offset)
        return value | _STALLED if offset == _FDEBUG else value

    def write_uint32_atomic(self, offset, value, kind):
        """Write to a register: its value, or the bits to flip, set or clear, as `kind` says."""
        enables = offset == _CTRL and kind != ATOMIC_CLEAR and value & _ENABLED
        self._pio.write_uint32_atomic(offset, value & ~_ENABLED if enables else value, kind)
        if enables:
            self._word_bus.enable()
