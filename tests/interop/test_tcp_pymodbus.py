"""pymodbus's client over TCP: every function code it knows, its limits, several at once."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient, ModbusTcpClient
from pymodbus.pdu.file_message import FileRecord

from tests.interop.probe import probe_server


@pytest.fixture(scope="module")
def server(micropython):
    with probe_server(micropython) as running:
        yield running


def connected(server):
    host, port = server.address
    return ModbusTcpClient(host, port=port, framer=FramerType.SOCKET, timeout=20, retries=0)


@pytest.fixture
def client(server):
    with connected(server) as one:
        yield one


def good(response):
    """Return a response that is not an exception."""
    assert not response.isError(), response
    return response


@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 15, 16, 17, 1999, 2000])
def test_coils(client, quantity):
    rng = random.Random(quantity)
    start = 2000 - quantity if quantity < 1000 else 0
    bits = [bool(rng.getrandbits(1)) for _ in range(quantity)]
    for at in range(0, quantity, 1968):
        good(client.write_coils(start + at, bits[at : at + 1968]))
    assert good(client.read_coils(start, count=quantity)).bits[:quantity] == bits


@pytest.mark.parametrize("address", [0, 3, 1999])
def test_single_coil(client, address):
    for value in (True, False, True):
        good(client.write_coil(address, value))
        assert good(client.read_coils(address, count=1)).bits[0] == value


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (5, 13), (1, 1999), (0, 2000)])
def test_discrete_inputs(client, start, quantity):
    bits = good(client.read_discrete_inputs(start, count=quantity)).bits[:quantity]
    assert bits == [i % 3 == 0 for i in range(start, start + quantity)]


@pytest.mark.parametrize("quantity", [1, 2, 60, 122, 123])
def test_registers(client, quantity):
    values = [(i * 521 + 40_000) & 0xFFFF for i in range(quantity)]
    good(client.write_registers(200 - quantity, values))
    assert good(client.read_holding_registers(200 - quantity, count=quantity)).registers == values


def test_most_registers(client):
    values = [i * 500 for i in range(125)]
    good(client.write_registers(0, values[:123]))
    good(client.write_registers(123, values[123:]))
    assert good(client.read_holding_registers(0, count=125)).registers == values
    assert good(client.read_input_registers(75, count=125)).registers == [
        300 * i for i in range(75, 200)
    ]


@pytest.mark.parametrize("value", [0, 1, 0x7FFF, 0x8000, 0xFFFF])
def test_single_register(client, value):
    assert good(client.write_register(7, value)).registers == [value]
    assert good(client.read_holding_registers(7, count=1)).registers == [value]


def test_mask_write_register(client):
    good(client.write_register(4, 0x12))
    good(client.mask_write_register(address=4, and_mask=0xF2, or_mask=0x25))
    assert good(client.read_holding_registers(4, count=1)).registers == [0x17]


def test_read_write_registers(client):
    good(client.write_registers(10, [1, 2, 3, 4, 5]))
    where = {"read_address": 10, "read_count": 5, "write_address": 12}
    got = client.readwrite_registers(**where, values=[7, 8])
    assert good(got).registers == [1, 2, 7, 8, 5]
    where = {"read_address": 0, "read_count": 125, "write_address": 4}
    got = client.readwrite_registers(**where, values=list(range(121)))
    assert good(got).registers[4:] == list(range(121))


_OFF_LIMITS = {
    "read_coils": (2000, 1),
    "read_discrete_inputs": (1999, 2),
    "read_holding_registers": (195, 10),
    "read_input_registers": (65535, 1),
}


@pytest.mark.parametrize(("call", "where"), _OFF_LIMITS.items(), ids=_OFF_LIMITS)
def test_reads_of_missing_addresses(client, call, where):
    start, quantity = where
    response = getattr(client, call)(start, count=quantity)
    assert response.isError() and response.exception_code == 2


_OFF_LIMITS_WRITES = {
    "write_coil": {"address": 2000, "value": True},
    "write_register": {"address": 200, "value": 1},
    "write_coils": {"address": 1999, "values": [True, True]},
    "write_registers": {"address": 198, "values": [1, 2, 3, 4]},
    "mask_write_register": {"address": 200, "and_mask": 0, "or_mask": 0},
    "readwrite_registers": {
        "read_address": 190,
        "read_count": 20,
        "write_address": 195,
        "values": [1, 2],
    },
}


@pytest.mark.parametrize(("call", "arguments"), _OFF_LIMITS_WRITES.items(), ids=_OFF_LIMITS_WRITES)
def test_writes_with_missing_addresses(client, call, arguments):
    before = good(client.read_holding_registers(190, count=10)).registers
    response = getattr(client, call)(**arguments)
    assert response.isError() and response.exception_code == 2
    assert good(client.read_holding_registers(190, count=10)).registers == before


_NOT_OFFERED = {
    "FC7": ("read_exception_status", {}),
    "FC8/0": ("diag_query_data", {"msg": b"\x12\x34"}),
    "FC8/1": ("diag_restart_communication", {"toggle": True}),
    "FC8/2": ("diag_read_diagnostic_register", {}),
    "FC8/10": ("diag_clear_counters", {}),
    "FC8/11": ("diag_read_bus_message_count", {}),
    "FC11": ("diag_get_comm_event_counter", {}),
    "FC12": ("diag_get_comm_event_log", {}),
    "FC17": ("report_device_id", {}),
    "FC20": ("read_file_record", {"records": [FileRecord(1, 0, b"\0\0")]}),
    "FC21": ("write_file_record", {"records": [FileRecord(1, 0, b"\0\1")]}),
    "FC24": ("read_fifo_queue", {"address": 0}),
    "FC43": ("read_device_information", {"read_code": 1, "object_id": 0}),
}


@pytest.mark.parametrize(("call", "arguments"), _NOT_OFFERED.values(), ids=_NOT_OFFERED)
def test_codes_that_this_server_does_not_offer(client, call, arguments):
    response = getattr(client, call)(**arguments)
    assert response.isError() and response.exception_code == 1


def test_unknown_device(client):
    response = client.read_holding_registers(0, count=1, device_id=9)
    assert response.isError() and response.exception_code == 11
    assert good(client.read_holding_registers(0, count=1, device_id=1))


def test_device_itself(client):
    """255 only: pymodbus takes 0 for a broadcast and waits for no answer."""
    assert good(client.read_input_registers(1, count=1, device_id=255)).registers == [300]


def test_failing_hook(client):
    response = client.read_holding_registers(1000, count=1)
    assert response.isError() and response.exception_code == 4
    assert good(client.read_holding_registers(0, count=1))


def test_clients_take_turns(server):
    with connected(server) as first, connected(server) as second:
        for i in range(10):
            good(first.write_register(50, i))
            assert good(second.read_holding_registers(50, count=1)).registers == [i]


def work(server, number):
    """Write and read back a few registers and coils of one's own, again and again."""
    with connected(server) as client:
        for i in range(60):
            values = [(number << 12) + i] * 10
            good(client.write_registers(10 * number, values))
            assert good(client.read_holding_registers(10 * number, count=10)).registers == values
            bits = [bool(i >> bit & 1) for bit in range(11)]
            good(client.write_coils(11 * number, bits))
            assert good(client.read_coils(11 * number, count=11)).bits[:11] == bits
    return number


def test_clients_at_once(server):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: work(server, number), range(4))) == [0, 1, 2, 3]


def test_asyncio_client(server):
    async def ask():
        host, port = server.address
        client = AsyncModbusTcpClient(host, port=port, timeout=20, retries=0)
        assert await client.connect()
        asked = [client.read_input_registers(i, count=2) for i in range(9)]
        answers = await asyncio.gather(*asked)
        client.close()
        return [good(answer).registers for answer in answers]

    assert asyncio.run(ask()) == [[300 * i, 300 * i + 300] for i in range(9)]


def test_remote_io(slave):
    """The main job of the unix board, read and written by somebody else's client."""
    with ModbusTcpClient(slave.host, port=slave.port, timeout=20, retries=0) as client:
        good(client.write_coils(0, [True, False] * 4))
        assert good(client.read_coils(0, count=8)).bits == [True, False] * 4
        assert len(good(client.read_discrete_inputs(0, count=8)).bits) == 8
        first = good(client.read_input_registers(100, count=3)).registers
        good(client.write_registers(0, list(range(16))))
        assert good(client.read_holding_registers(0, count=16)).registers == list(range(16))
        last = good(client.read_input_registers(100, count=3)).registers
        assert last[2] == first[2] + 3, "requests served"
        assert 0 <= last[1] - first[1] < 60, "uptime"
        assert good(client.read_input_registers(103, count=7)).registers == [0] * 7  # a gap
        assert len(good(client.read_input_registers(100, count=48)).registers) == 48
        for start, quantity in ((3, 2), (4, 1), (99, 2), (100, 49), (148, 1)):
            assert client.read_input_registers(start, count=quantity).exception_code == 2
        assert client.read_holding_registers(0, count=17).exception_code == 2
