"""Remote I/O: a board's pins as a Modbus store, refreshed when a client asks."""

from umb.store import Bits, Registers, Store

# What a client finds where: (table, first address, last address, meaning).
MAP = (
    ("coils", 0, 7, "outputs"),
    ("discrete inputs", 0, 7, "inputs"),
    ("input registers", 0, 3, "analogue inputs, 0 to 65535"),
    ("input registers", 100, 101, "uptime in seconds, high word first"),
    ("input registers", 102, 102, "requests served, modulo 65536"),
    ("holding registers", 0, 15, "general purpose"),
)


class RemoteIO:
    """`store` is what a Server serves; its values come from the board and go to it.

    board has set_output(channel, level), input(channel), analogue(channel) and uptime_s().
    Nothing runs between requests, so a board costs nothing while nobody asks.
    """

    def __init__(self, board):
        self._board = board
        self._coils = Bits(0, 8, on_write=self._drive)
        self._inputs = Bits(0, 8, on_read=self._sample)
        self._analogue = Registers(0, 4, on_read=self._measure)
        self._status = Registers(100, 3, on_read=self._report)
        self.drivers = ()  # whose requests are counted; set once they exist
        self.store = Store(
            coils=self._coils,
            discrete_inputs=self._inputs,
            input_registers=(self._analogue, self._status),
            holding_registers=16,
        )

    def _drive(self, address, quantity):
        for channel in range(address, address + quantity):
            self._board.set_output(channel, self._coils[channel])

    def _sample(self, address, quantity):
        for channel in range(address, address + quantity):
            self._inputs[channel] = self._board.input(channel)

    def _measure(self, address, quantity):
        for channel in range(address, address + quantity):
            self._analogue[channel] = self._board.analogue(channel)

    def _report(self, _address, _quantity):
        uptime_s = self._board.uptime_s()
        self._status[100] = uptime_s >> 16 & 0xFFFF
        self._status[101] = uptime_s & 0xFFFF
        served = 0
        for driver in self.drivers:
            served += driver.counters.server_message_count
        self._status[102] = served & 0xFFFF
