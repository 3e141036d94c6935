"""The role "gateway" on this PC: pymodbus and mbpoll in front, pymodbus's slaves behind."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusUdpClient
from pymodbus.exceptions import ConnectionException

from tests.interop.gateway import pymodbus_slaves
from tests.support.device import wait_until
from tests.support.service import MAIN, Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

OURS, NO_PATH, NO_ANSWER, REFUSED = 247, 10, 11, 1
_ROW = re.compile(r"  ((?:coils|discrete|input|holding)[ a-z]*?) +(\d+) x (\d+)  ")
_TABLES = {"coils": 0, "discrete inputs": 1, "input registers": 3, "holding registers": 4}
needs_mbpoll = pytest.mark.skipif(not shutil.which("mbpoll"), reason="there is no mbpoll")
_PEER = ROOT / "tests" / "support" / "peer.py"


@contextlib.contextmanager
def running(micropython, folder, settings, *arguments, port=None):
    """Run the application with these settings for as long as the block lasts."""
    path = folder / "umb.json"
    path.write_text(json.dumps(settings))
    port = port or free_port()
    command = [micropython, MAIN, "--port", port, "--config", path, *arguments]
    service = Service(command)
    try:
        service.port = port
        service.wait_for("Ctrl-C")
        yield service
    finally:
        status = service.end()
    assert status == 0
    assert "Traceback" not in "\n".join(service.lines)


@contextlib.contextmanager
def host(devices):
    """Run pymodbus's TCP server with these devices; yields its port."""
    port = free_port()
    service = Service([sys.executable, _PEER, "tcp", port, json.dumps(devices)])
    try:
        service.wait_for("ready")
        yield port
    finally:
        service.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def gateway(micropython, tmp_path_factory):
    """A gateway in front of two lines and a host, with all ways in."""
    line_1, line_2 = PtyLine(), PtyLine()
    udp, rtu = free_port(), free_port()
    with (
        line_1,
        line_2,
        pymodbus_slaves(line_1.server_path, 1, 2),
        pymodbus_slaves(line_2.server_path, 3),
        host({60: {"registers": [6000, 6001]}}) as port,
    ):
        settings = {
            "role": "gateway",
            "slave_id": OURS,
            "baudrate": 115200,
            "parity": "N",
            "line2": {"uart": 1, "baudrate": 115200, "parity": "N"},
            "udp_port": udp,
            "rtu_tcp_port": rtu,
            "routes": [
                {"line": 1, "slave_ids": "1-9"},
                {"line": 2, "slave_ids": "101-110", "unit_ids": {"50": 3}},
                {"host": "127.0.0.1", "port": port, "slave_ids": "60"},
            ],
        }
        devices = ("--serial", line_1.client_path, "--serial2", line_2.client_path)
        folder = tmp_path_factory.mktemp("gateway")
        with running(micropython, folder, settings, *devices, "--verbose") as service:
            service.udp_port, service.rtu_port = udp, rtu
            yield service


@pytest.fixture(params=["tcp", "udp", "rtu over tcp"])
def client(request, gateway):
    """A client of the gateway, over each way in."""
    named = {"timeout": 5, "retries": 0}
    if request.param == "udp":
        one = ModbusUdpClient("127.0.0.1", port=gateway.udp_port, **named)
    elif request.param == "tcp":
        one = ModbusTcpClient("127.0.0.1", port=gateway.port, **named)
    else:
        one = ModbusTcpClient("127.0.0.1", port=gateway.rtu_port, framer=FramerType.RTU, **named)
    assert one.connect()
    yield one
    one.close()


def holding(client, slave_id, address, count=1):
    """Return registers, or minus the exception code."""
    response = client.read_holding_registers(address, count=count, device_id=slave_id)
    return -response.exception_code if response.isError() else response.registers


def inputs(client, address, count=1):
    """Return input registers of the gateway itself."""
    return client.read_input_registers(address, count=count, device_id=OURS).registers


def test_slaves_of_both_lines_and_of_the_host(client):
    assert holding(client, 1, 0, 2) == [1000, 1001]
    assert holding(client, 2, 150, 2) == [2150, 2151]
    assert holding(client, 50, 7, 1) == [3007]
    assert holding(client, 60, 0, 2) == [6000, 6001]
    assert holding(client, 77, 0) == -NO_PATH
    assert not client.write_registers(20, [7, 8], device_id=2).isError()
    assert holding(client, 2, 20, 2) == [7, 8]
    assert not client.write_registers(20, [2020, 2021], device_id=2).isError()


def test_the_gateway_itself(client):
    before = inputs(client, 130, 8)
    assert holding(client, 1, 0) == [1000]
    assert holding(client, 9, 0) == -NO_ANSWER
    after = inputs(client, 130, 8)
    counted = [now - then for now, then in zip(after, before, strict=True)]
    assert counted == [2, 1, 0, 1, 0, 0, 0, 0]
    state = inputs(client, 100, 58)
    assert state[1] >= 0
    assert state[10] == 0  # no problems
    assert state[40] > 0  # what the network has counted
    assert holding(client, OURS, 100, 5) == [OURS, 1152, 0, 1, 0]
    information = client.read_device_information(device_id=OURS, read_code=2).information
    assert information[4] == b"umb gateway"


def test_every_transaction_is_printed(gateway):
    with ModbusTcpClient("127.0.0.1", port=gateway.port, timeout=5, retries=0) as client:
        holding(client, 2, 33, 2)
        line = gateway.wait_for("id 2  read holding registers 33 x 2  -> 2033 2034")
        assert re.fullmatch(r" *\d+\.\d{3}  127.0.0.1:\d+  id 2  .*  \d+\.\d\d ms", line), line
        holding(client, 9, 77)
        line = gateway.wait_for("id 9  read holding registers 77 x 1  exception 11")
        assert float(line.split()[-2]) > 250  # the time-out of the line


def test_line_2_has_counters_of_its_own(gateway):
    with ModbusTcpClient("127.0.0.1", port=gateway.port, timeout=5) as client:
        before = inputs(client, 150, 2)
        assert holding(client, 50, 0) == [3000]
        assert inputs(client, 150, 2) == [one + 1 for one in before]


def mbpoll(port, slave_id, table, address, count):
    """Return what mbpoll prints of so many values."""
    command = ["mbpoll", "-p", port, "-0", "-1", "-a", slave_id]
    command += ["-t", table, "-r", address, "-c", count, "127.0.0.1"]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("[")]


@needs_mbpoll
def test_mbpoll(gateway):
    assert mbpoll(gateway.port, 1, 4, 0, 2) == ["1000", "1001"]
    assert mbpoll(gateway.port, 50, 4, 0, 2) == ["3000", "3001"]


def paste(service, slave_id):
    """Ask for every line of the register map that was printed, as it stands there."""
    rows = [_ROW.match(line) for line in service.lines]
    rows = [row.groups() for row in rows if row]
    assert len(rows) > 5
    for table, address, count in rows:
        assert len(mbpoll(service.port, slave_id, _TABLES[table], address, count)) == int(count)


@needs_mbpoll
def test_the_map_can_be_read_as_it_is_printed(gateway, slave):
    paste(gateway, OURS)
    paste(slave, 1)
    assert len(mbpoll(slave.port, 1, 3, 100, 48)) == 48
    assert len(mbpoll(slave.port, 1, 4, 100, 11)) == 11


def test_who_may_do_what(micropython, tmp_path, pty_pair):
    settings = {"role": "gateway", "slave_id": OURS, "baudrate": 115200, "parity": "N"}
    settings.update({"read_only": True, "allow": ["127.0.0.2", "10.0.0.0/8"]})
    with (
        pymodbus_slaves(pty_pair.server_path, 1),
        running(micropython, tmp_path, settings, "--serial", pty_pair.client_path) as service,
    ):
        other = ModbusTcpClient("127.0.0.1", port=service.port, timeout=5, retries=0)
        with other, pytest.raises((ConnectionException, OSError)):
            other.read_coils(0, device_id=OURS)
        named = {"source_address": ("127.0.0.2", 0), "timeout": 5, "retries": 0}
        with ModbusTcpClient("127.0.0.1", port=service.port, **named) as client:
            assert holding(client, 1, 0) == [1000]
            for slave_id in (1, OURS):
                response = client.write_register(104, 5, device_id=slave_id)
                assert response.exception_code == REFUSED
            assert holding(client, 1, 104) == [1104]
            assert inputs(client, 121, 4)[0] >= 1
            assert inputs(client, 122, 3) == [0, 2, 0]


def test_a_new_slave_id_is_confirmed_over_its_line(micropython, tmp_path, pty_pair):
    settings = {"slave_id": 5, "baudrate": 115200, "parity": "N"}
    far = ModbusSerialClient(pty_pair.server_path, baudrate=115200, timeout=5, retries=1)
    with (
        running(micropython, tmp_path, settings, "--serial", pty_pair.client_path) as service,
        far as client,
    ):
        assert not client.write_register(100, 9, device_id=5).isError()
        assert not client.write_register(110, 0x5AFE, device_id=5).isError()
        wait_until(lambda: service.count("Ctrl-C") == 2)
        path = tmp_path / "umb.json"
        assert json.loads(path.read_text())["previous"] == {"slave_id": 5}
        assert not client.read_coils(0, device_id=9).isError()
        wait_until(lambda: "previous" not in json.loads(path.read_text()))
        assert json.loads(path.read_text())["slave_id"] == 9
        assert not client.read_coils(0, device_id=9).isError()
        assert service.count("Ctrl-C") == 2


def points(*names, writable=False):
    """Return points of registers from 0 on."""
    return [
        {"name": name, "address": i, "writable": writable, "input_type": "holding"}
        for i, name in enumerate(names)
    ]


def test_a_poller_serves_on_what_it_reads(micropython, tmp_path, pty_pair):
    profile = tmp_path / "pump.json"
    profile.write_text(json.dumps(points("speed", "pressure", writable=True)))
    with (
        pymodbus_slaves(pty_pair.server_path, 1, 2),
        host({60: {"registers": [6000, 6001]}}) as port,
    ):
        devices = [
            {"name": "meter", "slave_id": 1, "points": points("voltage"), "interval_ms": 100},
            {"name": "pump", "slave_id": 2, "points": str(profile), "interval_ms": 100},
            {"name": "gone", "slave_id": 9, "points": points("x"), "interval_ms": 100},
            {"name": "far", "slave_id": 60, "points": points("a", "b"), "serve_as": 61},
        ]
        devices[-1].update({"host": "127.0.0.1", "port": port, "interval_ms": 100})
        settings = {"role": "poller", "slave_id": OURS, "baudrate": 115200, "parity": "N"}
        settings.update({"devices": devices, "timeout_ms": 100})
        serial = ("--serial", pty_pair.client_path, "--verbose")
        with running(micropython, tmp_path, settings, *serial) as service:
            for name in ("meter", "pump", "far"):
                service.wait_for(f"{name} is online")
            service.wait_for("gone is offline")
            service.wait_for("line 1  id 1  read holding registers 0 x 1  -> 1000")
            with ModbusTcpClient("127.0.0.1", port=service.port, timeout=5, retries=0) as client:
                assert holding(client, 1, 0) == [1000]
                assert holding(client, 2, 0, 2) == [2000, 2001]
                assert holding(client, 61, 0, 2) == [6000, 6001]
                assert holding(client, 9, 0) == -NO_ANSWER
                assert holding(client, 60, 0) == -NO_ANSWER  # nobody has it
                assert holding(client, 1, 1) == -2
                assert not client.write_register(1, 77, device_id=2).isError()
                service.wait_for("line 1  id 2  write register 1 = 77  ok")
                wait_until(lambda: holding(client, 2, 1) == [77])
                assert client.write_register(0, 5, device_id=1).exception_code == 2
                state, requests = inputs(client, 200), inputs(client, 202, 2)
                assert state == [1]  # online
                wait_until(lambda: inputs(client, 202, 2) > requests)
                assert inputs(client, 232, 1) == [2]  # offline
                assert inputs(client, 110) == [0]
            paste(service, OURS)


@needs_mbpoll
@pytest.mark.parametrize("page", ["docs/start/gateway.md", "boards/README.md"])
def test_the_three_commands_of_a_page(page):
    """A meter, a gateway, and a client: as they are printed, but for numbers of ports."""
    block = re.search(
        r"```\n(.*--profile .*\n.*--role gateway.*\nmbpoll .*\n)```", (ROOT / page).read_text()
    )
    meter, gateway, client = (line.split() for line in block[1].splitlines())
    services = []
    port = free_port()

    def start(words, port):
        if "--port" in words:
            words = words[: words.index("--port")] + words[words.index("--port") + 2 :]
        words = [sys.executable, str(ROOT / words[1]), *words[2:], "--port", str(port)]
        services.append(Service(words))
        return services[-1]

    try:
        line = start(meter, free_port()).wait_for("Modbus RTU on ")
        path = re.search(r"/dev/pts/\d+", line)[0]
        start([path if word == "/dev/pts/6" else word for word in gateway], port).wait_for(
            "Ctrl-C"
        )
        client[client.index("-p") + 1] = str(port)
        done = subprocess.run(client, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        volts = float(re.search(r"\[0\]:\s+([\d.]+)", done.stdout)[1])
        assert 200 < volts < 260
    finally:
        for service in reversed(services):
            service.end()
