"""uModbus's client over TCP: every function it has, its limits, several at once."""

import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from umodbus import conf
from umodbus.client import tcp
from umodbus.exceptions import (
    IllegalDataAddressError,
    IllegalDataValueError,
    IllegalFunctionError,
    ServerDeviceFailureError,
)

from tests.interop.probe import probe_server

_SLAVE_ID = 3


@pytest.fixture(scope="module")
def server(micropython):
    with probe_server(micropython, _SLAVE_ID) as running:
        yield running


@pytest.fixture
def line(server):
    with socket.create_connection(server.address, 20) as connected:
        yield connected


def ask(line, call, *arguments):
    """Let one of uModbus's functions build a request; return its decoded response."""
    return tcp.send_message(call(_SLAVE_ID, *arguments), line)


@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 500, 1968])
def test_coils(line, quantity):
    rng = random.Random(quantity)
    bits = [rng.getrandbits(1) for _ in range(quantity)]
    assert ask(line, tcp.write_multiple_coils, 5, bits) == quantity
    assert ask(line, tcp.read_coils, 5, quantity) == bits


def test_most_coils(line):
    assert ask(line, tcp.write_multiple_coils, 0, [1] * 1000) == 1000
    assert ask(line, tcp.write_multiple_coils, 1000, [0] * 1000) == 1000
    assert ask(line, tcp.read_coils, 0, 2000) == [1] * 1000 + [0] * 1000


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (4, 10), (0, 2000)])
def test_discrete_inputs(line, start, quantity):
    wanted = [int(i % 3 == 0) for i in range(start, start + quantity)]
    assert ask(line, tcp.read_discrete_inputs, start, quantity) == wanted


def test_single_coil(line):
    for value in (1, 0):
        assert ask(line, tcp.write_single_coil, 1999, value) == value
        assert ask(line, tcp.read_coils, 1999, 1) == [value]


@pytest.mark.parametrize("quantity", [1, 2, 123])
def test_registers(line, quantity):
    values = [(i * 777 + 30_000) & 0xFFFF for i in range(quantity)]
    assert ask(line, tcp.write_multiple_registers, 200 - quantity, values) == quantity
    assert ask(line, tcp.read_holding_registers, 200 - quantity, quantity) == values


def test_most_registers(line):
    assert ask(line, tcp.read_input_registers, 0, 125) == [300 * i for i in range(125)]


def test_single_register(line):
    for value in (0, 1, 65535):
        assert ask(line, tcp.write_single_register, 9, value) == value
        assert ask(line, tcp.read_holding_registers, 9, 1) == [value]


def test_signed_values(line):
    conf.SIGNED_VALUES = True
    try:
        values = [-1, -32768, 32767, -1337]
        assert ask(line, tcp.write_multiple_registers, 20, values) == 4
        assert ask(line, tcp.read_holding_registers, 20, 4) == values
        assert ask(line, tcp.write_single_register, 20, -5) == -5
    finally:
        conf.SIGNED_VALUES = False
    assert ask(line, tcp.read_holding_registers, 20, 2) == [65531, 32768]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (tcp.read_coils, (2000, 1)),
        (tcp.read_discrete_inputs, (1999, 2)),
        (tcp.read_holding_registers, (200, 1)),
        (tcp.read_input_registers, (199, 2)),
        (tcp.write_single_coil, (2000, 1)),
        (tcp.write_single_register, (200, 1)),
        (tcp.write_multiple_coils, (1999, [1, 1])),
        (tcp.write_multiple_registers, (198, [1, 2, 3, 4])),
    ],
)
def test_missing_addresses(line, call, arguments):
    with pytest.raises(IllegalDataAddressError):
        ask(line, call, *arguments)


def test_failing_hook(line):
    with pytest.raises(ServerDeviceFailureError):
        ask(line, tcp.read_holding_registers, 1000, 1)


def exchange(line, slave_id, pdu):
    """Send a PDU that uModbus's own functions would not build; return its client's reading."""
    header = (77).to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    line.sendall(header + bytes((slave_id,)) + pdu)
    tcp.raise_for_exception_adu(line.recv(300))


@pytest.mark.parametrize(
    ("pdu", "error"),
    [
        ("01000007d1", IllegalDataValueError),
        ("030000007e", IllegalDataValueError),
        ("1000000001040001", IllegalDataValueError),
        ("64", IllegalFunctionError),
    ],
)
def test_requests_that_are_refused(line, pdu, error):
    with pytest.raises(error):
        exchange(line, _SLAVE_ID, bytes.fromhex(pdu))
    assert ask(line, tcp.read_input_registers, 1, 1) == [300]


def work(server, number):
    """Write and read back a few registers of one's own, again and again."""
    with socket.create_connection(server.address, 20) as line:
        for i in range(100):
            values = [1000 * number + i] * 5
            assert ask(line, tcp.write_multiple_registers, 5 * number, values) == 5
            assert ask(line, tcp.read_holding_registers, 5 * number, 5) == values
    return number


def test_clients_at_once(server):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: work(server, number), range(4))) == [0, 1, 2, 3]
