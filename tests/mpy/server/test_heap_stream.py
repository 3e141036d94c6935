"""RTU over TCP: a TCPClient's calls allocate nothing, whatever it knows about echoes."""

from array import array

from support import times
from support.heap import free_of_heap
from support.tcp import Bench

from umb.client.tcp import TCPClient
from umb.frame.rtu_stream import RTUStream
from umb.server import Server
from umb.store import Store

_TIMES = times(300, 60)
_NUMBERS = array("H", range(123))

# What is called, and what it has to return.
_CALLS = (
    ("read_coils", lambda client, into: client.read_coils(1, 5, 1900, into), 1900),
    ("read 125", lambda client, into: client.read_holding_registers(1, 3, 125, into), 125),
    ("write_single_coil", lambda client, _: client.write_single_coil(1, 7, 1), 1),
    ("write_single_register", lambda client, _: client.write_single_register(1, 7, 65), 65),
    ("write 123", lambda client, _: client.write_multiple_registers(1, 5, _NUMBERS), 123),
    ("mask_write_register", lambda client, _: client.mask_write_register(1, 4, 9, 8), None),
)


class Driven(TCPClient):
    """A client that lets a server in the same process work while it waits."""

    def wait(self):
        self.tcp.poll()
        return TCPClient.wait(self)


class Traffic:
    """A client, a call of it, and where its values go."""

    def __init__(self, bench, call, wanted, echo):
        address = ("127.0.0.1", bench.port)
        self.client = Driven(address, timeout_ms=5000, framer=RTUStream, echo=echo)
        self.client.tcp = bench.tcp
        self.call = call
        self.wanted = wanted
        self.values = array("i", [0] * 2000)
        self.faults = 0


def call_again_and_again(traffic):
    client, values, call = traffic.client, traffic.values, traffic.call
    for _ in range(_TIMES):
        if call(client, values) != traffic.wanted:
            traffic.faults += 1


def test_every_call():
    for name, call, wanted in _CALLS:
        for echo in (None, False):
            server = Server(Store(2000, 2000, 200, 200))
            with Bench(server, max_clients=1, framer=RTUStream) as bench:
                traffic = Traffic(bench, call, wanted, echo)
                traffic.client.read_coils(1, 0, 1)  # which shows that nothing echoes
                free_of_heap(name, call_again_and_again, traffic)
                traffic.client.close()
