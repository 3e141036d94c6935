"""The examples of README.md do what they promise, pasted into MicroPython."""

import os
import re
import time

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from tests.support.service import Service, free_port
from tools.env import ROOT

README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)


def example(about):
    """Return the one example that is about something."""
    (text,) = (text for text in EXAMPLES if about in text and "import" in text)
    return text


def swap(text, old, new):
    """Put what a PC has in the place of what a board has."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.fixture
def paste(micropython, tmp_path):
    """Run a program in MicroPython with umb at hand."""
    running = []

    def start(text):
        path = tmp_path / f"example{len(running)}.py"
        path.write_text(text)
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        running.append(Service([micropython, path], env=env))
        return running[-1]

    yield start
    for service in running:
        service.end()


def answer(service, ask):
    """Return the answer to a request, asked until the program is up."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and service.process.poll() is None:
        try:
            response = ask()
        except (OSError, ModbusException):
            time.sleep(0.1)
            continue
        return response
    raise AssertionError("no answer; it printed:\n" + "\n".join(service.lines))


def test_the_tcp_server(paste):
    port = free_port()
    service = paste(swap(example("changed"), "502", str(port)))
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)

    def ask():
        if not client.connect():
            raise ConnectionError
        return client.write_registers(120, [7, 8])

    assert not answer(service, ask).isError()
    assert client.read_holding_registers(120, count=2).registers == [7, 8]
    assert client.read_holding_registers(150, count=1).exception_code == 2
    assert len(client.read_coils(0, count=8).bits) == 8
    service.wait_for("written: 120 2")
    client.close()


def test_the_rtu_server(paste, pty_pair):
    text = swap(example("RTUServer(1,"), "RTUServer(1,", "RTUServer(TTY(PATH, 19200, parity=0),")
    text = swap(text, ", tx=8, rx=9, de=4", "")
    head = f"from umb.port.tty import TTY\nPATH = {pty_pair.server_path!r}\n"
    service = paste(head + text)
    client = ModbusSerialClient(pty_pair.client_path, baudrate=19200, timeout=1)
    assert client.connect()

    def ask():
        return client.write_coil(7, True)

    assert not answer(service, ask).isError()
    assert client.read_coils(0, count=8).bits[7]
    first = client.read_input_registers(0, count=1).registers
    time.sleep(0.05)
    assert client.read_input_registers(0, count=1).registers != first
    client.close()


def test_a_program_on_a_pc(paste, pty_pair):
    service = paste(swap(example("ttyUSB0"), "/dev/ttyUSB0", pty_pair.server_path))
    client = ModbusSerialClient(pty_pair.client_path, baudrate=19200, timeout=1)
    assert client.connect()
    assert not answer(service, lambda: client.write_coil(7, True)).isError()
    client.close()


def a_slave(line_path):
    """A program that is slave 7 on a pseudo-terminal."""
    return f"""
from umb.port.tty import TTY
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
store = Store(input_registers=2, holding_registers=20)
store.input_registers[0], store.input_registers[1] = 230, 17
line = TTY({line_path!r}, 9600)
RTUServer(line, Server(store, slave_ids=(7,)), baudrate=9600).serve_forever()
"""


def on_a_pty(text, path):
    """The example's client, on a pseudo-terminal in place of UART 1."""
    text = swap(text, "RTUClient(1,", f"RTUClient(TTY({path!r}, 9600),")
    text = swap(text, ", tx=8, rx=9, de=4", "")
    return "from umb.port.tty import TTY\n" + text


def test_the_client(paste, pty_pair):
    paste(a_slave(pty_pair.server_path))
    client = paste(on_a_pty(example("meter"), pty_pair.client_path))
    client.wait_for("[230, 17]")


def test_the_gateway(paste, pty_pair):
    paste(a_slave(pty_pair.server_path))
    port = free_port()
    text = swap(on_a_pty(example("Gateway"), pty_pair.client_path), "502", str(port))
    service = paste(text)
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)

    def ask():
        if not client.connect():
            raise ConnectionError
        return client.read_input_registers(0, count=2, device_id=7)

    assert answer(service, ask).registers == [230, 17]
    assert client.read_holding_registers(0, count=1, device_id=100).registers == [0]
    assert client.read_holding_registers(0, count=1, device_id=50).exception_code == 10
    client.close()


def test_the_examples_are_short():
    assert all(len(text.splitlines()) <= 15 for text in EXAMPLES)
    assert len(README.splitlines()) <= 300


def test_the_printed_text_is_what_run_prints(slave):
    """But for the places, which differ from start to start."""

    def places_out(line):
        return re.sub(r"127.0.0.1:\d+|/dev/\w+(/\d+)?, \d+ 8.1( \(.*\))?", "PLACE", line).rstrip()

    shown = re.search(r"```\n(umb remote I/O.*?)```", README, re.S)[1].splitlines()
    assert [places_out(line) for line in shown] == [places_out(line) for line in slave.lines]
