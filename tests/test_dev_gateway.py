"""tools/dev.py run --gateway: from Modbus TCP to the slaves on a serial line."""

import contextlib
import signal
import time

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from tests.interop.gateway import pymodbus_slaves
from tools.emulator.wire import frame
from tests.support.adapter import PluggedAdapter
from tests.support.service import dev, free_port
from tools.pty_line import PtyLine

_FAST = ("--baudrate", "115200", "--parity", "N")
OURS, NO_ANSWER = 50, 11
READ_TWO = frame(OURS, [3, 0, 0, 0, 2])


@pytest.fixture
def run(micropython):
    """Start dev.py run with arguments, on a free port; ended whatever happens."""
    with contextlib.ExitStack() as after:

        def start(*arguments, own=("--slave-id", OURS)):
            port = free_port()
            words = ("run", "--port", port, *own, *arguments)
            service = dev(*map(str, words), env={"MICROPYTHON": micropython})
            after.callback(service.end, signal.SIGTERM)
            service.port = port
            service.wait_for("Ctrl-C")
            return service

        yield start


def client_of(service):
    """Return a pymodbus client of a service, connected."""
    one = ModbusTcpClient("127.0.0.1", port=service.port, timeout=10, retries=0)
    assert one.connect()
    return one


def registers(client, slave_id, address=0, quantity=2):
    response = client.read_holding_registers(address, count=quantity, device_id=slave_id)
    return response.exception_code if response.isError() else response.registers


def test_slaves_on_the_line_and_the_gateway_itself(run, pty_pair):
    with pymodbus_slaves(pty_pair.server_path, 1, 2):
        service = run("--gateway", pty_pair.client_path, *_FAST)
        with client_of(service) as client:
            assert registers(client, 1) == [1000, 1001]
            assert registers(client, 2, 100) == [2100, 2101]
            assert not client.write_registers(5, [7, 8], device_id=2).isError()
            assert registers(client, 2, 5) == [7, 8]
            assert not client.write_register(104, 30, device_id=OURS).isError()
            assert registers(client, OURS, 103) == [1, 30]
            assert registers(client, 255, 103) == [1, 30]
            assert registers(client, 9) == NO_ANSWER


def test_it_says_what_it_does(run, pty_pair):
    service = run("--gateway", pty_pair.client_path, "--baudrate", "9600", "--parity", "O")
    text = "\n".join(service.lines)
    assert f"slave id {OURS}" in text
    assert f"Modbus TCP on 127.0.0.1:{service.port}" in text
    assert f"gateway to the slaves on {pty_pair.client_path}, 9600 8O1" in text
    assert "Modbus RTU on" not in text
    assert "counters of line 1" in text
    assert "counters of line 2" not in text  # there is none
    assert service.end() == 0
    assert "Traceback" not in "\n".join(service.lines)


def test_without_an_id_of_its_own_it_hides_no_slave_1(run, pty_pair):
    with pymodbus_slaves(pty_pair.server_path, 1):
        service = run("--gateway", pty_pair.client_path, *_FAST, own=())
        with client_of(service) as client:
            assert registers(client, 1) == [1000, 1001]
            assert registers(client, 247, 103) == [1, 0]
            assert registers(client, 255, 103) == [1, 0]
        assert service.lines[0] == "umb gateway, slave id 247"
        assert "  slave id 247 is its own: a slave behind it needs another one" in service.lines


def test_masters_on_a_second_line(run, pty_pair):
    with PtyLine() as other, pymodbus_slaves(pty_pair.server_path, 1):
        devices = ("--gateway", pty_pair.client_path, "--serial", other.server_path)
        service = run(*devices, *_FAST)
        far = ModbusSerialClient(other.client_path, baudrate=115200, timeout=10)
        with client_of(service) as tcp, far as rtu:
            assert registers(tcp, 1) == [1000, 1001]
            assert not tcp.write_register(104, 12, device_id=OURS).isError()
            assert registers(rtu, OURS, 103) == [1, 12]
            assert registers(rtu, 1) == [1000, 1001]
        assert any("counters of line 2" in text for text in service.lines)


def test_an_adapter_that_is_pulled_and_plugged_in_again(run, tmp_path):
    with PluggedAdapter(tmp_path) as adapter:
        service = run("--gateway", str(adapter.path), *_FAST)
        with client_of(service) as client:
            with pymodbus_slaves(adapter.client_path, 1):
                assert registers(client, 1) == [1000, 1001]
            adapter.pull()
            service.wait_for(f"{adapter.path} is gone (")
            assert registers(client, 1) == NO_ANSWER
            assert registers(client, OURS, 103) == [1, 0]
            adapter.plug()
            service.wait_for(f"{adapter.path} is back")
            with pymodbus_slaves(adapter.client_path, 1):
                assert registers(client, 1) == [1000, 1001]
        assert service.end() == 0
    assert "Traceback" not in "\n".join(service.lines)


def test_pieces_of_a_slow_adapter(run):
    """A frame that comes in pieces is a frame all the same, if --gap-ms is that long."""
    with PtyLine() as line:
        service = run("--serial", line.server_path, *_FAST, "--gap-ms", "500")
        with serial.Serial(line.client_path, 115200, timeout=10) as far:
            for piece in (READ_TWO[:3], READ_TWO[3:7], READ_TWO[7:]):
                far.write(piece)
                time.sleep(0.1)
            assert far.read(9)[:3] == bytes((OURS, 3, 4))
        assert service.end() == 0


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("/nowhere/tty", "gateway: cannot open /nowhere/tty: no such device"),
        ("/dev/null", "gateway: cannot open /dev/null: not a serial line"),
        ("", "--gateway must not be empty"),
    ],
)
def test_a_device_that_will_not_do_is_one_line(micropython, device, words):
    port = str(free_port())
    service = dev("run", "--gateway", device, "--port", port, env={"MICROPYTHON": micropython})
    assert service.process.wait(60) == 2
    service.wait_for(words)
    assert len(service.lines) == 1


def test_help_tells_of_it():
    service = dev("run", "--help")
    service.wait_for("--gateway DEVICE")
    assert service.process.wait(30) == 0
