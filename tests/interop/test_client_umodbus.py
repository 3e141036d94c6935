"""umb's TCPClient and uModbus's server."""

import random
import signal
import sys
from pathlib import Path

import pytest

from tests.interop.peer_remote import Failed, tcp_client
from tests.support.service import Service, free_port

_SERVER = Path(__file__).with_name("peer_umodbus.py")


@pytest.fixture(scope="module")
def client(micropython):
    port = free_port()
    service = Service([sys.executable, _SERVER, port])
    try:
        service.wait_for("ready")
        with tcp_client(micropython, ("127.0.0.1", port), timeout_ms=10_000) as remote:
            yield remote
    finally:
        service.end(signal.SIGKILL)


@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 500, 1968])
def test_coils(client, quantity):
    rng = random.Random(quantity)
    bits = [rng.getrandbits(1) for _ in range(quantity)]
    assert client.call(f"write_multiple_coils(1, 5, {bits})") == quantity
    assert client.call(f"read_coils(1, 5, {quantity})") == bits


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (4, 10), (0, 2000)])
def test_discrete_inputs(client, start, quantity):
    wanted = [int(i % 3 == 0) for i in range(start, start + quantity)]
    assert client.call(f"read_discrete_inputs(1, {start}, {quantity})") == wanted


def test_single_coil(client):
    for value in (1, 0):
        assert client.call(f"write_single_coil(1, 1999, {value})") == value
        assert client.call("read_coils(1, 1999, 1)") == [value]


@pytest.mark.parametrize("quantity", [1, 2, 123])
def test_registers(client, quantity):
    values = [(i * 777 + 30_000) & 0xFFFF for i in range(quantity)]
    assert client.call(f"write_multiple_registers(1, 5, {values})") == quantity
    assert client.call(f"read_holding_registers(1, 5, {quantity})") == values


def test_most_registers(client):
    assert client.call("read_input_registers(1, 0, 125)") == [300 * i for i in range(125)]


def test_single_register(client):
    for value in (0, 1, 65535, -1):
        assert client.call(f"write_single_register(1, 9, {value})") == value
        assert client.call("read_holding_registers(1, 9, 1)") == [value & 0xFFFF]


_REFUSED = {
    "read_coils(1, 2000, 1)": "IllegalDataAddressError",
    "read_holding_registers(1, 200, 1)": "IllegalDataAddressError",
    "write_single_coil(1, 2000, 1)": "IllegalDataAddressError",
    "write_single_register(2, 0, 1)": "IllegalDataAddressError",
    "read_holding_registers(1, 190, 1)": "ServerDeviceFailureError",
    "mask_write_register(1, 0, 0, 0)": "IllegalFunctionError",
}


@pytest.mark.parametrize(("call", "error"), _REFUSED.items(), ids=_REFUSED)
def test_exceptions(client, call, error):
    with pytest.raises(Failed) as raised:
        client.call(call)
    assert raised.value.name == error
    assert client.call("read_input_registers(1, 1, 1)") == [300]
