"""The remote-I/O application, point by point, as a Modbus client sees it."""

import time

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from tests.support.adapter import PluggedAdapter
from tests.support.device import wait_until
from tests.support.service import Slave

BEGINNING = b"\x01\x03\x00"  # of a request that the adapter is pulled in
UNMAPPED = 2  # exception code: illegal data address


@pytest.fixture(params=["tcp", "rtu"])
def client(request, slave):
    """A client of the running slave, over either transport."""
    if request.param == "tcp":
        one = ModbusTcpClient(slave.host, port=slave.port, timeout=10)
    else:
        one = ModbusSerialClient(slave.device, baudrate=19200, timeout=10)
    assert one.connect()
    yield one
    one.close()


def test_coils_keep_what_is_written(client):
    levels = [True, False, True, True, False, False, True, False]
    assert not client.write_coils(0, levels).isError()
    assert client.read_coils(0, count=8).bits == levels
    assert not client.write_coil(7, True).isError()
    assert client.read_coils(6, count=2).bits[:2] == [True, True]


def test_discrete_inputs_move(client):
    """Input 0 changes every second, input 1 every other."""
    seen = set()
    deadline = time.monotonic() + 30
    while len(seen) < 4 and time.monotonic() < deadline:
        bits = client.read_discrete_inputs(0, count=8).bits
        seen.add((bits[0], bits[1]))
        time.sleep(0.1)
    assert len(seen) == 4


def test_analogue_values_move(client):
    first = client.read_input_registers(0, count=4).registers
    time.sleep(0.2)
    second = client.read_input_registers(0, count=4).registers
    assert all(before != after for before, after in zip(first, second, strict=True))


def test_uptime_counts_seconds(client):
    def uptime_s():
        high, low = client.read_input_registers(100, count=2).registers
        return high << 16 | low

    began, first_s = time.monotonic(), uptime_s()
    time.sleep(2.1)
    passed_s = time.monotonic() - began
    assert 2 <= uptime_s() - first_s <= passed_s + 1


def test_requests_are_counted(client):
    def requests():
        return client.read_input_registers(102, count=1).registers[0]

    first = requests()
    for _ in range(9):
        client.read_coils(0, count=1)
    assert requests() - first == 10


def test_holding_registers_are_general_purpose(client):
    values = [0x1000 + i for i in range(16)]
    assert not client.write_registers(0, values).isError()
    assert client.read_holding_registers(0, count=16).registers == values


def test_all_points_read_in_one_request(client):
    assert not client.read_input_registers(100, count=3).isError()


@pytest.mark.parametrize(
    ("call", "address", "count"),
    [
        ("read_coils", 0, 9),
        ("read_coils", 8, 1),
        ("read_discrete_inputs", 7, 2),
        ("read_input_registers", 0, 5),
        ("read_input_registers", 99, 2),
        ("read_holding_registers", 15, 2),
    ],
)
def test_beyond_the_map_is_an_illegal_address(client, call, address, count):
    assert getattr(client, call)(address, count=count).exception_code == UNMAPPED


def first_register(client):
    return client.read_holding_registers(0, count=1).registers


def test_an_adapter_that_is_pulled_and_plugged_in_again(micropython, tmp_path):
    """Its line is told of and waited for; TCP is served meanwhile, and nothing is lost."""
    with PluggedAdapter(tmp_path) as adapter:
        running = Slave(micropython, serial=str(adapter.path))
        tcp = ModbusTcpClient(running.host, port=running.port, timeout=10)
        assert tcp.connect()
        for times in range(1, 4):
            with ModbusSerialClient(adapter.client_path, baudrate=19200, timeout=10) as rtu:
                assert not rtu.write_register(0, times).isError()
                rtu.socket.write(BEGINNING)
                time.sleep(0.05)
            adapter.pull()
            wait_until(lambda: running.count("is gone (") == times)  # noqa: B023 - it ends here
            assert first_register(tcp) == [times]
            used_s = running.cpu_s()
            time.sleep(1)
            assert running.cpu_s() - used_s < 0.3  # it does not spin
            assert first_register(tcp) == [times]
            adapter.plug()
            wait_until(lambda: running.count("is back") == times)  # noqa: B023
            with ModbusSerialClient(adapter.client_path, baudrate=19200, timeout=10) as rtu:
                assert first_register(rtu) == [times]
        assert f"{adapter.path} is gone (the device does not answer): waiting for it" in (
            running.lines
        )
        assert f"{adapter.path} is back" in running.lines
        tcp.close()
        assert running.end() == 0, "\n".join(running.lines[-12:])
    assert "Traceback" not in "\n".join(running.lines)


def test_an_adapter_that_is_away_while_a_client_orders_a_restart(micropython, tmp_path):
    with PluggedAdapter(tmp_path) as adapter:
        running = Slave(micropython, serial=str(adapter.path))
        tcp = ModbusTcpClient(running.host, port=running.port, timeout=10)
        assert tcp.connect()
        adapter.pull()
        running.wait_for("is gone (")
        assert not tcp.write_register(110, 0xB007).isError()
        tcp.close()
        wait_until(lambda: running.count("Ctrl-C") == 2)
        assert tcp.connect()
        assert first_register(tcp) == [0]
        adapter.plug()
        running.wait_for("is back")
        with ModbusSerialClient(adapter.client_path, baudrate=19200, timeout=10) as rtu:
            assert first_register(rtu) == [0]
        tcp.close()
        assert running.end() == 0, "\n".join(running.lines[-12:])


def test_one_store_behind_both_lines(slave):
    tcp = ModbusTcpClient(slave.host, port=slave.port, timeout=10)
    rtu = ModbusSerialClient(slave.device, baudrate=19200, timeout=10)
    assert tcp.connect()
    assert rtu.connect()
    assert not tcp.write_register(5, 1234).isError()
    assert rtu.read_holding_registers(5, count=1).registers == [1234]
    assert not rtu.write_coil(3, True).isError()
    assert tcp.read_coils(3, count=1).bits[0]
    tcp.close()
    rtu.close()
