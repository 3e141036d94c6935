"""umb's clients and pymodbus's server, over TCP and over a serial line."""

import random
import signal
import sys
from pathlib import Path

import pytest

from tests.interop.peer_remote import Failed, rtu_client, tcp_client
from tests.support.service import Service, free_port
from tools.pty_line import PtyLine

_SERVER = Path(__file__).with_name("peer_pymodbus.py")


@pytest.fixture(scope="module", params=["tcp", "serial"])
def client(request, micropython):
    """A client of either kind, connected to a server of its kind."""
    with PtyLine() as line:
        where = free_port() if request.param == "tcp" else line.server_path
        service = Service([sys.executable, _SERVER, request.param, where])
        try:
            service.wait_for("ready")
            if request.param == "tcp":
                remote = tcp_client(micropython, ("127.0.0.1", where), timeout_ms=10_000)
            else:
                remote = rtu_client(micropython, line.client_path, timeout_ms=10_000)
            with remote:
                yield remote
        finally:
            service.end(signal.SIGKILL)


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (3, 7), (5, 8), (1, 17), (0, 2000)])
def test_discrete_inputs(client, start, quantity):
    wanted = [int(i % 3 == 0) for i in range(start, start + quantity)]
    assert client.call(f"read_discrete_inputs(1, {start}, {quantity})") == wanted


@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 16, 1967, 1968])
def test_coils(client, quantity):
    rng = random.Random(quantity)
    bits = [rng.getrandbits(1) for _ in range(quantity)]
    assert client.call(f"write_multiple_coils(1, 20, {bits})") == quantity
    assert client.call(f"read_coils(1, 20, {quantity})") == bits


def test_single_coil(client):
    for value in (1, 0, 1):
        assert client.call(f"write_single_coil(1, 1999, {value})") == value
        assert client.call("read_coils(1, 1999, 1)") == [value]


def test_single_register(client):
    for value in (0, 40000, 65535, -1, -32768):
        assert client.call(f"write_single_register(1, 3, {value})") == value
        assert client.call("read_holding_registers(1, 3, 1)") == [value & 0xFFFF]
        signed = client.call("read_holding_registers(1, 3, 1, signed=True)")
        assert signed[0] & 0xFFFF == value & 0xFFFF and -32768 <= signed[0] < 32768


@pytest.mark.parametrize("quantity", [1, 2, 60, 123])
def test_registers(client, quantity):
    values = [(i * 521 + 40_000) & 0xFFFF for i in range(quantity)]
    assert client.call(f"write_multiple_registers(1, 5, {values})") == quantity
    assert client.call(f"read_holding_registers(1, 5, {quantity})") == values


@pytest.mark.parametrize("quantity", [1, 124, 125])
def test_input_registers(client, quantity):
    wanted = [300 * i for i in range(75, 75 + quantity)]
    assert client.call(f"read_input_registers(1, 75, {quantity})") == wanted


def test_mask_write_register(client):
    client.call("write_single_register(1, 4, 0x12)")
    assert client.call("mask_write_register(1, 4, 0xf2, 0x25)") is None
    assert client.call("read_holding_registers(1, 4, 1)") == [0x17]


@pytest.mark.parametrize("quantity", [1, 5, 121])
def test_read_write_multiple_registers(client, quantity):
    values = [i * 99 for i in range(quantity)]
    call = f"read_write_multiple_registers(1, 10, {quantity}, 10, {values})"
    assert client.call(call) == values
    assert client.call(f"read_holding_registers(1, 10, {quantity})") == values


def test_into(client):
    client.run("values = [0] * 125")
    assert client.call("read_input_registers(1, 75, 125, into=values)") == 125
    assert client.evaluate("values") == [300 * i for i in range(75, 200)]


def test_request(client):
    assert client.call("request(1, b'\\x04\\0\\1\\0\\2')") == b"\x04\x04\x01\x2c\x02\x58"
    assert client.call("request(1, b'\\x08\\0\\0\\xa5\\x37')") == b"\x08\0\0\xa5\x37"


_REFUSED = {
    "read_coils(1, 2000, 20)": "IllegalDataAddressError",
    "read_holding_registers(1, 200, 1)": "IllegalDataAddressError",
    "read_input_registers(1, 199, 2)": "IllegalDataAddressError",
    "write_single_register(1, 65535, 1)": "IllegalDataAddressError",
    "write_multiple_registers(1, 199, [1, 2])": "IllegalDataAddressError",
    "mask_write_register(1, 200, 0, 0)": "IllegalDataAddressError",
    "request(1, b'\\x03\\0\\xc8\\0\\1')": "IllegalDataAddressError",
}


@pytest.mark.parametrize(("call", "error"), _REFUSED.items(), ids=_REFUSED)
def test_exceptions(client, call, error):
    with pytest.raises(Failed) as raised:
        client.call(call)
    assert raised.value.name == error
    assert client.call("read_input_registers(1, 1, 1)") == [300]


def test_very_many_calls(client):
    for i in range(100):
        values = [i, 2 * i, 3 * i]
        assert client.call(f"write_multiple_registers(1, {i}, {values})") == 3
        assert client.call(f"read_holding_registers(1, {i}, 3)") == values


@pytest.mark.parametrize("client", ["serial"], indirect=True)
def test_broadcast(client):
    assert client.call("write_multiple_registers(0, 150, [1234, 5678])") is None
    assert client.call("write_single_register(0, 152, 7)") is None
    assert client.call("read_holding_registers(1, 150, 3)") == [1234, 5678, 7]
