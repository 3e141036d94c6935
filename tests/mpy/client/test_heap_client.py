"""A TCPClient's calls allocate nothing: reads with into=, and writes of what exists already."""

from array import array

from support import times
from support.client_calls import CALLS, INTO
from support.heap import free_of_heap
from support.tcp import Bench
from support.umb import raises

from umb.client.tcp import TCPClient
from umb.errors import NoReplyError
from umb.server import Server
from umb.store import Store

_TIMES = times(1000, 200)
_NUMBERS = array("H", range(123))
_LIST = list(range(-60, 61))
_BITS = bytearray(b"\1\0\0\1" * 492)

# What is called, and what it has to return.
_CALLS = (
    ("read_coils", lambda client, into: client.read_coils(1, 5, 1900, into), 1900),
    (
        "read_discrete_inputs",
        lambda client, into: client.read_discrete_inputs(1, 0, 2000, into=into),
        2000,
    ),
    (
        "read_holding_registers",
        lambda client, into: client.read_holding_registers(
            slave_id=1, starting_address=3, quantity=125, into=into
        ),
        125,
    ),
    (
        "read_input_registers, signed",
        lambda client, into: client.read_input_registers(1, 0, 125, into, signed=True),
        125,
    ),
    ("write_single_coil", lambda client, _: client.write_single_coil(1, 7, 1), 1),
    ("write_single_register", lambda client, _: client.write_single_register(1, 7, 65), 65),
    ("write_multiple_coils", lambda client, _: client.write_multiple_coils(1, 5, _BITS), 1968),
    (
        "write_multiple_registers",
        lambda client, _: client.write_multiple_registers(1, 5, _NUMBERS),
        123,
    ),
    (
        "write_multiple_registers of a list",
        lambda client, _: client.write_multiple_registers(
            slave_id=1, starting_address=5, values=_LIST
        ),
        121,
    ),
    (
        "mask_write_register",
        lambda client, _: client.mask_write_register(1, 4, 0xF2F2, 0x2525),
        None,
    ),
    (
        "read_write_multiple_registers",
        lambda client, into: client.read_write_multiple_registers(1, 3, 125, 9, _LIST, into),
        125,
    ),
    ("a broadcast", lambda client, _: client.write_single_register(0, 7, 8), None),
)


class Driven(TCPClient):
    """A client that lets a server in the same process work while it waits."""

    def wait(self):
        self.tcp.poll()
        return TCPClient.wait(self)


class Traffic:
    """A client, a call of it, and where its values go."""

    def __init__(self, bench, call, wanted, times, **options):
        options.setdefault("timeout_ms", 5000)
        self.client = Driven(("127.0.0.1", bench.port), broadcast=True, **options)
        self.client.tcp = bench.tcp
        self.call = call
        self.wanted = wanted
        self.times = times
        self.values = array("i", [0] * 2000)
        self.faults = 0


def call_again_and_again(traffic):
    client, values, call = traffic.client, traffic.values, traffic.call
    for _ in range(traffic.times):
        if call(client, values) != traffic.wanted:
            traffic.faults += 1


def test_every_call():
    named = {row[0].split("(")[0] for row in CALLS + INTO} - {"request"}
    assert named == {name.split(",")[0].split(" ")[0] for name, _, _ in _CALLS} - {"a"}
    for name, call, wanted in _CALLS:
        with Bench(Server(Store(2000, 2000, 200, 200)), max_clients=1) as bench:
            traffic = Traffic(bench, call, wanted, 100 if wanted and wanted > 200 else _TIMES)
            free_of_heap(name, call_again_and_again, traffic)
            traffic.client.close()


def test_a_connection_with_a_pause_that_outlives_time_outs():
    """From the first call on: the pause is kept, and nothing is made anew after it."""
    for name, call, wanted in _CALLS[:4]:
        with Bench(Server(Store(2000, 2000, 200, 200)), max_clients=1) as bench:
            traffic = Traffic(
                bench, call, wanted, 20, connect_pause_ms=20, reconnect_after_timeouts=3
            )
            free_of_heap(name, call_again_and_again, traffic)
            traffic.client.close()


class Asleep:
    """Stands for a server that does not work at all."""

    def poll(self):
        pass


def test_after_time_outs_on_a_connection_that_is_kept():
    """The time-outs raise, which allocates; calls after them, over the same connection, do not."""
    with Bench(Server(Store(holding_registers=200)), max_clients=1) as bench:
        traffic = Traffic(bench, _CALLS[2][1], 125, 100, reconnect_after_timeouts=3)
        client = traffic.client
        call_again_and_again(traffic)
        client.tcp, client.timeout_ms = Asleep(), 20
        for _ in range(2):
            raises(NoReplyError, client.read_holding_registers, 1, 0, 1)
        client.tcp, client.timeout_ms = bench.tcp, 5000
        sock = client._sock
        free_of_heap("after time-outs", call_again_and_again, traffic)
        assert client._sock is sock
        client.close()


def test_late_answers():
    """What is thrown away costs nothing either: every call finds the last one's answer."""

    def forgetful(client, into):
        client.write_single_register(0, 7, 8)
        client.tcp.poll(100)
        return client.read_holding_registers(1, 7, 1, into)

    with Bench(Server(Store(holding_registers=10))) as bench:
        traffic = Traffic(bench, forgetful, 1, 200)
        free_of_heap("after late answers", call_again_and_again, traffic)
        assert traffic.values[0] == 8
        traffic.client.close()
