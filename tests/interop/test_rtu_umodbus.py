"""uModbus's serial client and minimalmodbus: every call they have, at three rates."""

import minimalmodbus
import pytest
import serial
from umodbus.client.serial import rtu
from umodbus.exceptions import IllegalDataAddressError

from tests.interop.bus import rtu_slave
from tools.pty_line import PtyLine


@pytest.fixture(scope="module", params=[(9600, "O"), (19200, "E"), (115200, "N")], ids=str)
def port(request, micropython):
    """A serial port with slave 17 at its other end."""
    baudrate, parity = request.param
    with (
        PtyLine() as line,
        rtu_slave(micropython, line.server_path, baudrate, parity, 17),
        serial.Serial(line.client_path, baudrate, timeout=5) as one,
    ):
        yield one


def send(port, call, *arguments):
    """Have uModbus make the request and understand the response."""
    return rtu.send_message(getattr(rtu, call)(17, *arguments), port)


@pytest.mark.parametrize("quantity", [1, 9, 1968])
def test_coils(port, quantity):
    bits = [int(i % 5 == 1) for i in range(quantity)]
    assert send(port, "write_multiple_coils", 3, bits) == quantity
    assert send(port, "read_coils", 3, quantity) == bits


def test_single_values(port):
    for value in (1, 0, 1):
        assert send(port, "write_single_coil", 7, value) == value
        assert send(port, "read_coils", 7, 1) == [value]
    assert send(port, "write_single_register", 7, 0xFFFE) == 0xFFFE
    assert send(port, "read_holding_registers", 7, 1) == [0xFFFE]


@pytest.mark.parametrize("quantity", [1, 10, 123])
def test_registers(port, quantity):
    values = [60_000 - i for i in range(quantity)]
    assert send(port, "write_multiple_registers", 50, values) == quantity
    assert send(port, "read_holding_registers", 50, quantity) == values


def test_inputs(port):
    assert send(port, "read_discrete_inputs", 0, 2000) == [int(i % 3 == 0) for i in range(2000)]
    assert send(port, "read_input_registers", 0, 125) == [300 * i + 17 for i in range(125)]


def test_exceptions(port):
    with pytest.raises(IllegalDataAddressError):
        send(port, "read_holding_registers", 199, 2)
    assert send(port, "read_input_registers", 1, 1) == [317]


def test_minimalmodbus(port):
    slave = minimalmodbus.Instrument(port, 17)
    slave.serial.timeout = 5
    slave.write_bit(5, 1)
    slave.write_bits(20, [1, 0, 1])
    assert [slave.read_bit(5, 1), *slave.read_bits(20, 3, 1)] == [1, 1, 0, 1]
    assert slave.read_bit(3, 2) == 1
    slave.write_register(5, 1234, functioncode=6)
    slave.write_register(6, 12.5, 1)
    assert [slave.read_register(5), slave.read_register(6, 1)] == [1234, 12.5]
    slave.write_registers(30, [1, 2, 3])
    assert slave.read_registers(30, 3) == [1, 2, 3]
    slave.write_long(40, -70_000, signed=True)
    assert slave.read_long(40, signed=True) == -70_000
    slave.write_float(50, 1.5)
    assert slave.read_float(50) == 1.5
    slave.write_string(60, "Modbus over RTU.", 8)
    assert slave.read_string(60, 8) == "Modbus over RTU."
    assert slave.read_register(3, functioncode=4) == 917
    slave.serial.timeout = 0.5  # it waits for as many bytes as it had asked for
    with pytest.raises(minimalmodbus.IllegalRequestError):
        slave.read_register(200)
