"""The programs of examples/, each as a board runs it, with pymodbus at the other end."""

import json
import re
import struct
import time
import urllib.request

import pytest
from pymodbus import FramerType

from tests.support.brokers import Listener, mosquitto
from tests.support.pc import PC, answer
from tests.support.service import MAIN, Service, free_port
from tools import board_libraries
from tools.build import compile_file
from tools.env import ROOT

FOLDER = ROOT / "examples"
FILES = sorted(path.name for path in FOLDER.glob("*.py"))


def text_of(name, port=5020):
    """Return a program, with another port."""
    return (FOLDER / name).read_text().replace("5020", str(port))


@pytest.fixture
def pc(micropython, tmp_path):
    with PC(micropython, tmp_path) as one:
        yield one


def test_each_is_listed_and_tested():
    listed = re.findall(r"^\| \[(\w+\.py)\]\((\w+\.py)\) \| \w.+ \|$", _page(), re.M)
    assert [name for name, _ in listed] == [target for _, target in listed]
    assert sorted(name for name, _ in listed) == FILES
    tests = (ROOT / "tests" / "test_examples.py").read_text()
    assert [name for name in FILES if f'"{name}"' not in tests] == []


def _page():
    return (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", FILES)
def test_the_head_says_how_to_run_it(name):
    text = text_of(name)
    head = text.split('"""')[1]
    assert re.search(rf"^(Board:|  ).*(mpremote run examples/{name}|:boot.py)$", head, re.M)
    assert re.search(rf"^PC: .* python3 tools/dev.py micropython .*examples/{name}$", head, re.M)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("name", FILES)
def test_the_head_says_at_which_ports_it_serves(name):
    _, head, program = (FOLDER / name).read_text().split('"""', 2)
    if "TCPServer(" in program:
        ports = set(re.findall(r"\b502\d\b", program.partition("TCPServer(")[2]))
        ports |= set(re.findall(r"^PORT = (\d+)", program, re.M))
        assert ports and ports <= set(re.findall(r"\bport (\d+)", head))


@pytest.mark.parametrize("name", FILES)
def test_it_compiles_for_a_board(name, tmp_path):
    compile_file(FOLDER / name, tmp_path / "program.mpy", name)
    assert (tmp_path / "program.mpy").stat().st_size > 0


def test_slave_and_master(pc):
    slave = pc.start(text_of("slave_rtu.py"))
    slave.wait_for("UART 0 is")
    master = pc.start(text_of("master_rtu.py"), uarts={0: pc.far_end(0)})
    assert master.wait() == 0
    master.wait_for("input registers: [230, 17]")
    master.wait_for("coils: [0, 0, 0, 1, 0, 0, 0, 0]")


def test_a_slave_and_another_master(pc):
    slave = pc.start(text_of("slave_rtu.py"))
    with pc.serial_master(0) as client:
        found = answer(slave, lambda: client.read_input_registers(0, count=2, device_id=7))
        assert found.registers == [230, 17]
        assert client.read_input_registers(1, count=2, device_id=7).exception_code == 2


def test_a_master_and_another_slave(pc):
    pc.peer("serial", pc.far_end(0), {7: {"bits": [True] * 8, "registers": [5, 6]}})
    master = pc.start(text_of("master_rtu.py"))
    master.wait_for("input registers: [5, 6]")
    master.wait_for("coils: [1, 1, 1, 1, 1, 1, 1, 1]")


def test_a_master_without_a_slave(pc):
    master = pc.start(text_of("master_rtu.py"))
    master.wait_for("slave 7 did not answer FC 4 at 0 x 2 within 500 ms")
    assert master.wait() == 0


def test_server_and_client(pc):
    port = free_port()
    server = pc.start(text_of("slave_tcp.py", port))
    with pc.tcp_master(port) as client:
        answer(server, lambda: client.read_coils(0, count=8, device_id=1))
    client = pc.start(text_of("client_tcp.py", port))
    assert client.wait() == 0
    client.wait_for("holding registers: [10, 20, 30, 0]")
    client.wait_for("coils: [0, 0, 0, 0, 0, 0, 0, 0]")
    server.wait_for("100 [10, 20, 30]")


def test_a_client_and_another_server(pc):
    port = free_port()
    pc.peer("tcp", port, {1: {"bits": [True] * 8, "registers": [0] * 110}})
    client = pc.start(text_of("client_tcp.py", port))
    client.wait_for("holding registers: [10, 20, 30, 0]")
    client.wait_for("coils: [1, 1, 1, 1, 1, 1, 1, 1]")


def test_a_client_without_a_server(pc):
    port = free_port()
    pc.start(text_of("client_tcp.py", port)).wait_for(f"no connection to 127.0.0.1:{port}")


def test_meter_file(pc, micropython):
    """A simulated meter is polled, and served on with the values that it has."""
    port, second = free_port(), free_port()
    profile = FOLDER.parent / "docs" / "profiles" / "eastron_sdm230.json"
    meter = Service([micropython, MAIN, "--profile", profile, "--port", port])
    try:
        meter.wait_for("Ctrl-C")
        poller = pc.start(text_of("meter_file.py", port).replace("5021", str(second)))
        poller.wait_for("import_energy 1")
        with pc.tcp_master(second) as client:
            found = client.read_input_registers(0, count=2, device_id=1)
            (voltage,) = struct.unpack(">f", struct.pack(">2H", *found.registers))
            assert 225 <= voltage <= 235
            assert client.read_input_registers(1, count=2, device_id=1).exception_code == 2
    finally:
        meter.end()


@pytest.fixture
def broker(pc):
    """A mosquitto, until the PC is gone."""
    if not board_libraries.runs_here("chumicro_mqtt"):
        pytest.skip("chumicro-mqtt needs Python 3.11")
    broker = mosquitto(pc.folder)
    pc.at_the_end(broker.kill)
    return broker


def at(broker, text):
    """Return a program with the port of this broker."""
    assert "MQTT(BROKER)" in text
    return text.replace("MQTT(BROKER)", f"MQTT(BROKER, port={broker.port})")


def test_mqtt_slave(pc, broker):
    program = pc.start(at(broker, text_of("mqtt_slave.py")))
    listener = Listener(broker.port)
    listener.wait_for("umb/pump/io/relay", "0")
    listener.publish("umb/pump/io/relay/set", "on")
    listener.wait_for("umb/pump/io/relay", "1")
    program.wait_for("relay 1")
    listener.wait(lambda: "homeassistant/device/pump/io/config" in listener.last)
    with pc.serial_master(0) as client:
        assert client.read_coils(0, count=1, device_id=7).bits[0]
        assert not client.write_coil(0, False, device_id=7).isError()
    listener.wait_for("umb/pump/io/relay", "0")
    listener.close()


def test_mqtt_meter(pc, broker, micropython):
    port = free_port()
    profile = FOLDER.parent / "docs" / "profiles" / "eastron_sdm230.json"
    meter = Service([micropython, MAIN, "--profile", profile, "--port", port])
    listener = Listener(broker.port)
    try:
        meter.wait_for("Ctrl-C")
        pc.start(at(broker, text_of("mqtt_meter.py", port)))
        listener.wait_for("umb/cellar/meter/state", "online")
        listener.wait(
            lambda: 225 <= float(listener.last.get("umb/cellar/meter/voltage", 0)) <= 235
        )
    finally:
        meter.end()
    listener.wait_for("umb/cellar/meter/state", "offline")
    listener.close()


def test_gateway(pc):
    port = free_port()
    pc.peer("serial", pc.far_end(0), {7: {"registers": [70, 71]}})
    gateway = pc.start(text_of("gateway.py", port))
    with pc.tcp_master(port) as client:
        found = answer(gateway, lambda: client.read_holding_registers(0, count=2, device_id=7))
        assert found.registers == [70, 71]
        itself = client.read_holding_registers(0, count=3, device_id=100)
        assert itself.registers == [1, 2, 3]
        assert client.read_holding_registers(0, count=1, device_id=8).exception_code == 11
        assert client.read_holding_registers(0, count=1, device_id=50).exception_code == 10


def test_thermostat(pc):
    program = pc.start(text_of("thermostat.py"))
    with pc.serial_master(0) as client:
        found = answer(program, lambda: client.read_holding_registers(0, count=1, device_id=7))
        assert found.registers == [200]
        assert client.write_register(0, 49, device_id=7).exception_code == 3
        assert client.write_register(0, 301, device_id=7).exception_code == 3
        assert not client.write_register(0, 300, device_id=7).isError()
        time.sleep(1.5)  # it measures once a second
        measured = client.read_input_registers(0, count=1, device_id=7).registers[0]
        relay = client.read_coils(0, count=1, device_id=7).bits[0]
        assert 0 <= measured <= 500
        assert relay == (measured < 300)


def test_several_slaves(pc):
    port = free_port()
    program = pc.start(text_of("several_slaves.py", port))
    with pc.serial_master(0) as serial, pc.tcp_master(port) as client:
        pump = answer(program, lambda: serial.write_register(3, 33, device_id=1))
        assert not pump.isError()
        assert client.read_holding_registers(3, count=1, device_id=1).registers == [33]
        for master in (serial, client):
            assert master.read_input_registers(0, count=1, device_id=2).registers == [50]
            assert master.read_input_registers(0, count=1, device_id=1).exception_code == 2


def test_routes(pc):
    program = pc.start(text_of("routes.py"))
    with pc.serial_master(0) as client:
        answer(program, lambda: client.write_registers(2, [5, 1000], device_id=7))
        assert client.read_holding_registers(2, count=2, device_id=7).registers == [5, 1000]
        assert client.write_register(2, 1001, device_id=7).exception_code == 3
        counts = [client.read_holding_registers(100, count=1, device_id=7) for _ in range(2)]
        assert [found.registers for found in counts] == [[1], [2]]
        assert client.read_holding_registers(9, count=2, device_id=7).exception_code == 2


def test_meter(pc):
    volts = struct.unpack(">HH", struct.pack(">f", 231.5))
    pc.peer("serial", pc.far_end(0), {7: {"registers": [*volts, 0x86A0, 0x0001]}})
    pc.start(text_of("meter.py")).wait_for("231.5 V, 100000 Wh")


def test_points_slave_and_poller(pc):
    slave = pc.start(text_of("points_slave.py"))
    slave.wait_for("UART 0 is")
    poller = pc.start(text_of("poller.py"), uarts={0: pc.far_end(0)})
    poller.wait_for("online")
    poller.wait_for("voltage 2")
    poller.wait_for("energy 3")
    poller.wait_for("relay 1")
    slave.wait_for("relay 1")


def test_points_slave(pc):
    slave = pc.start(text_of("points_slave.py"))
    with pc.serial_master(0) as client:
        found = answer(slave, lambda: client.read_input_registers(0, count=3, device_id=7))
        assert 2200 <= found.registers[0] <= 2400
        assert client.read_input_registers(1, count=1, device_id=7).exception_code == 2
        assert not client.write_coil(0, True, device_id=7).isError()
        slave.wait_for("relay 1")


def test_poller(pc):
    pc.peer("serial", pc.far_end(0), {7: {"registers": [2315, 1, 34464], "bits": [False] * 8}})
    poller = pc.start(text_of("poller.py"))
    for text in ("online", "voltage 231.5", "energy 100000", "relay 0", "relay 1"):
        poller.wait_for(text)


def test_one_slave(pc):
    pc.peer("serial", pc.far_end(0), {7: {"registers": [1, 2]}})
    program = pc.start(text_of("one_slave.py"))
    assert program.wait() == 0
    texts = [line for line in program.lines if "UART" not in line]
    assert texts[0] == "slave 7 [1, 2]"
    assert texts[1] == "1 of 1 requests answered"
    assert texts[2].startswith("slave 8 did not answer FC 4 at 0 x 2 within 1000 ms")
    assert texts[3] == "0 of 1 requests answered"


def test_identity(pc):
    program = pc.start(text_of("identity.py"))
    with pc.serial_master(0) as client:
        found = answer(program, lambda: client.read_device_information(read_code=2, device_id=7))
        assert found.information[0] == b"Acme"
        assert found.information[4] == b"Meter"
        assert client.report_device_id(device_id=7).identifier.startswith(b"M1")
        counted = client.diag_read_bus_message_count(device_id=7)
        assert not counted.isError()


def test_slave_ascii(pc):
    program = pc.start(text_of("slave_ascii.py"))
    with pc.serial_master(0, FramerType.ASCII) as client:
        answer(program, lambda: client.write_registers(3, [7, 8], device_id=7))
        assert client.read_holding_registers(3, count=2, device_id=7).registers == [7, 8]


def test_own_loop(pc):
    program = pc.start(text_of("own_loop.py"))
    with pc.serial_master(0) as client:
        first = answer(program, lambda: client.read_input_registers(0, count=1, device_id=7))
        time.sleep(0.05)
        second = client.read_input_registers(0, count=1, device_id=7)
        assert first.registers != second.registers


def test_background(pc):
    program = pc.start(text_of("background.py"))
    with pc.serial_master(0) as client:
        answer(program, lambda: client.write_coil(3, True, device_id=7))
        rounds = []
        for _ in range(20):
            assert client.read_coils(3, count=1, device_id=7).bits[0]
            rounds += client.read_input_registers(0, count=1, device_id=7).registers
    assert rounds[-1] > rounds[0]


def test_asyncio_server(pc):
    port = free_port()
    program = pc.start(text_of("asyncio_server.py", port))
    with pc.serial_master(0) as serial, pc.tcp_master(port) as client:
        first = answer(program, lambda: serial.read_input_registers(0, count=2, device_id=7))
        time.sleep(0.3)
        second = client.read_input_registers(0, count=2, device_id=7)
        assert second.registers[1] > first.registers[1]


def test_asyncio_clients(pc):
    port = free_port()
    pc.peer("serial", pc.far_end(0), {7: {"registers": [70, 71]}})
    pc.peer("tcp", port, {1: {"registers": [10, 11]}})
    program = pc.start(text_of("asyncio_clients.py", port))
    assert program.wait() == 0
    program.wait_for("pump [70, 71]")
    program.wait_for("valve slave 8 did not answer")
    program.wait_for("meter [10, 11]")


def test_panel(pc):
    port, http = free_port(), free_port()
    program = pc.start(text_of("panel.py", port).replace("8080", str(http)))
    with pc.tcp_master(port) as client:
        found = answer(program, lambda: client.read_holding_registers(0, count=1, device_id=1))
        assert found.registers == [21]
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/points", timeout=30) as response:
        points = json.load(response)
    assert [point["name"] for point in points] == ["temperature", "set point", "heating"]
    assert points[1]["value"] == 21 and points[1]["max_value"] == 30


def test_wifi(pc):
    program = pc.start(text_of("wifi.py"))
    assert program.wait() == 0
    program.wait_for("address: 127.0.0.1")
