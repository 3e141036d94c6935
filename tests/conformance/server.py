"""The server under test, run by MicroPython: every function code, on every transport at once.

server.py PORT STREAM_PORT RTU_DEVICE ASCII_DEVICE: Modbus TCP and UDP at PORT, RTU frames over TCP
at STREAM_PORT
"""

import gc
import sys

from device import BASIC, EXCEPTIONS, OBJECTS, REFUSED, REGULAR, SLAVE_IDS

from umb.errors import exception_for
from umb.frame.ascii import ASCII
from umb.frame.rtu_stream import RTUStream
from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity, ServerId
from umb.port.tty import TTY
from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer
from umb.store import Bits, Registers, Store


class Devices:
    """Several Servers as one handler: a request is for the first that serves its slave id."""

    def __init__(self, *servers):
        self._servers = servers

    def serves(self, slave_id):
        return any(server.serves(slave_id) for server in self._servers)

    def handle(self, adu, n, link):
        for server in self._servers:
            if server.serves(adu[6]):
                return server.handle(adu, n, link)
        return self._servers[0].handle(adu, n, link)


class Direction:
    """A direction pin that remembers."""

    def __init__(self):
        self.level = 1
        self.pulses = 0

    def __call__(self, level):
        if self.level and not level:
            self.pulses += 1
        self.level = level


def is_fine(_address, value):
    return value != REFUSED


def fail(address, _quantity):
    raise KeyError(address) if address == 300 else exception_for(EXCEPTIONS[address])


def break_parity(_record, _length):
    raise exception_for(8)


def measure(_address, _quantity):
    """Show the direction pins in input registers 190 to 193."""
    for i, pin in enumerate(PINS):
        inputs[190 + 2 * i] = pin.level
        inputs[191 + 2 * i] = pin.pulses


def echo(_adu, n, _link):
    """FC 100: the request is the response."""
    return n


def memory(adu, _n, _link):
    """FC 101: how many bytes of the heap are in use."""
    gc.collect()
    adu[8:12] = gc.mem_alloc().to_bytes(4, "big")
    return 5


PINS = (Direction(), Direction())
holding = (
    Registers(0, 200, validate=is_fine),
    Registers(300, 4, on_read=fail, on_write=fail),
    Registers(65526, 10),
)
inputs = Registers(0, 200, on_read=measure)
coils, contacts = Bits(0, 2000), Bits(0, 2000)
for i in range(2000):
    coils[i] = contacts[i] = i % 3 == 0
files = {4: Registers(0, 200), 3: Registers(9990, 10), 5: Registers(0, 2, on_read=break_parity)}
for i in range(200):
    files[4][i] = i
queues = {0x04DE: [0x01B8, 0x1284], 0: [], 1: list(range(32)), 2: list(range(31))}
diagnostics = Diagnostics(networks=True)
diagnostics.exception_status = 0x6D
diagnostics.diagnostic_register = 0x1234
server = Server(
    Store(coils, contacts, inputs, holding),
    slave_ids=SLAVE_IDS,
    functions=(
        diagnostics,
        Files(files),
        Queues(queues),
        Identity(OBJECTS),
        ServerId("umb", networks=True),
    ),
    on_error=None,  # register 300 has a bug on purpose
)
server.function(100, echo)
server.function(101, memory)
names = {i: "name %d" % i for i in range(7)}
regular = Server(None, (REGULAR,), functions=(Identity(names),))
basic = Server(None, (BASIC,), functions=(Identity({i: names[i] for i in range(3)}),))
devices = Devices(server, basic, regular)

port, stream_port, rtu_path, ascii_path = sys.argv[1:]
tcp = TCPServer(("127.0.0.1", int(port)), devices, max_clients=3, idle_timeout_ms=1500)
stream = TCPServer(("127.0.0.1", int(stream_port)), devices, framer=RTUStream)
udp = UDPServer(("127.0.0.1", int(port)), devices)
rtu = RTUServer(TTY(rtu_path, 115200), devices, baudrate=115200, de=PINS[0])
tty = TTY(ascii_path, 19200, bits=7, parity=0)
ascii_ = RTUServer(tty, devices, baudrate=19200, bits=7, parity=0, de=PINS[1], framer=ASCII)
print("ready")
serve(tcp, stream, udp, rtu, ascii_)
