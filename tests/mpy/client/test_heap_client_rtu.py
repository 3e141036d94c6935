"""An RTUClient's calls allocate nothing: reads with into=, and writes of what exists already."""

from support import times
from support.boards import BOARDS
from support.uart import UART, Output, clock  # isort: skip

from array import array

from support.client_calls import CALLS
from support.heap import free_of_heap
from support.pdu import raw
from support.rtu import frame

from umb.client.rtu import RTUClient

_TIMES = times(1000, 200)
_STEP_US = 100  # of every call of the UART: fewer of them pass while time does
_BITS = bytearray(b"\1\0\0\1\1\1\0\1" * 246)
_COUNT = array("H", range(65413, 65536))
_FEW = [255, 255, 255]

# As in support.client_calls, by the first words of each call there.
_HOT = {
    "read_coils(1, 0, 2000)": lambda client, into: client.read_coils(1, 0, 2000, into),
    "read_discrete_inputs(1, 196, 22)": lambda client, into: client.read_discrete_inputs(
        1, 196, 22, into=into
    ),
    "read_holding_registers(1, 65411, 125)": lambda client, into: client.read_holding_registers(
        1, 65411, 125, into, signed=True
    ),
    "read_input_registers(1, 8, 1)": lambda client, into: client.read_input_registers(
        1, 8, 1, into
    ),
    "write_single_coil(1, 172, 1)": lambda client, _: client.write_single_coil(1, 172, 1),
    "write_single_register(1, 1, 3)": lambda client, _: client.write_single_register(1, 1, 3),
    "write_multiple_coils(1, 0, [1, 0, 0,": lambda client, _: client.write_multiple_coils(
        slave_id=1, starting_address=0, values=_BITS
    ),
    "write_multiple_registers(1, 0, list(": lambda client, _: client.write_multiple_registers(
        1, 0, _COUNT
    ),
    "mask_write_register(1, 4, 0xf2": lambda client, _: client.mask_write_register(
        1, 4, 0xF2, 0x25
    ),
    "read_write_multiple_registers(1, 3": lambda client, into: (
        client.read_write_multiple_registers(1, 3, 6, 14, _FEW, into)
    ),
}


class Slave(UART):
    """A UART: so many bytes are a request, which is answered with these; nothing is allocated."""

    def __init__(self, size, reply, baudrate=921600, cost_us=_STEP_US, **line):
        clock.reset(step_us=cost_us)
        super().__init__(baudrate, 8, 0, 1, cost_us=cost_us, **line)
        self.size, self.reply = size, reply
        self.came = 0

    def write(self, buf, at, n):
        self.sent.n = 0
        n = UART.write(self, buf, at, n) or 0
        self.came += n
        if self.came >= self.size:
            self.came = 0
            self.hear(self.end_ns() // 1000 + 2000, self.reply)
        return n


class Traffic:
    """A client, a call of it, what that has to return, and where its values go."""

    def __init__(self, row, call, times, line, **options):
        self.uart = Slave(len(row[1]) // 2 + 3, frame(1, raw(row[2])), **line)
        self.pin = Output()
        baudrate = line.get("baudrate", 921600)
        self.client = RTUClient(self.uart, baudrate=baudrate, parity=0, de=self.pin, **options)
        self.call = call
        self.wanted = len(row[3]) if isinstance(row[3], list) else row[3]
        self.times = times
        self.values = array("i", [0] * 2000)
        self.faults = 0


def call_again_and_again(traffic):
    client, values = traffic.client, traffic.values
    call, pin = traffic.call, traffic.pin
    for _ in range(traffic.times):
        pin.trace.n = 0
        if call(client, values) != traffic.wanted:
            traffic.faults += 1


def check(start, times=_TIMES, line=None, **options):
    """Check the call that begins like this."""
    (row,) = [row for row in CALLS if row[0].startswith(start)]
    traffic = Traffic(row, _HOT[start], times, line or {}, **options)
    free_of_heap(start, call_again_and_again, traffic)


def test_every_call():
    for start in _HOT:
        check(start, 50 if "2000" in start or "_multiple_" in start else _TIMES)


def test_every_port():
    for name in BOARDS:
        line = dict(BOARDS[name], baudrate=115200, cost_us=10)
        check("read_coils(1, 0, 2000)", 5, line)
        check("write_multiple_registers(1, 0, list(", 5, line)


def test_with_an_echo():
    for echo in (False, True):
        check("read_holding_registers(1, 65411, 125)", 50, {"echo": True}, echo=echo)


class Late(Slave):
    """A Slave whose every second reply is late."""

    def __init__(self, size, reply):
        super().__init__(size, reply)
        self.came = size  # the first one is in time

    def write(self, buf, at, n):
        self.sent.n = 0
        n = UART.write(self, buf, at, n) or 0
        self.came += n
        if self.came == self.size or self.came == 2 * self.size:
            late = self.came == self.size
            self.hear(self.end_ns() // 1000 + (30_000 if late else 2000), self.reply)
            self.came %= 2 * self.size
        return n


def test_late_replies():
    """A late one is waited for and thrown away, then the slave is asked again."""
    (row,) = [row for row in CALLS if row[0] == "read_input_registers(1, 8, 1)"]
    traffic = Traffic(row, _HOT[row[0]], 50, {}, timeout_ms=20, retries=1)
    uart = traffic.client.line.uart
    late = Late(uart.size, uart.reply)
    traffic.client = RTUClient(
        late, baudrate=921600, parity=0, de=traffic.pin, timeout_ms=20, retries=1
    )
    free_of_heap("late replies", call_again_and_again, traffic)


def test_retries():
    """A request that stays without an answer at first."""

    def forgetful(client, into):
        uart = traffic.uart
        uart.came = -traffic.uart.size  # the first one is not for this slave
        return client.read_input_registers(1, 8, 1, into)

    (row,) = [row for row in CALLS if row[0] == "read_input_registers(1, 8, 1)"]
    traffic = Traffic(row, forgetful, 50, {}, timeout_ms=20, retries=1)
    free_of_heap("a retry", call_again_and_again, traffic)
