"""dev.py run --profile: devices that files of points describe, as other masters see them."""

import json
import struct
import time

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from tests.interop.peer_remote import tcp_client
from tests.support.service import MAIN, Service, dev, free_port
from tools.env import ROOT

FOLDER = ROOT / "docs" / "profiles"
PROFILES = sorted(FOLDER.glob("*.json"))
_LETTERS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
}


class Simulated(Service):
    """A simulated device, on a port of this machine."""

    def __init__(self, micropython, path, *arguments):
        self.port = free_port()
        command = [micropython, MAIN, "--profile", path, "--port", self.port, *arguments]
        super().__init__(command)
        self.wait_for("Ctrl-C")

    def __enter__(self):
        self.client = ModbusTcpClient("127.0.0.1", port=self.port, timeout=10)
        assert self.client.connect()
        return self

    def __exit__(self, *_):
        self.client.close()
        self.end()

    def read(self, point, base=0):
        """Return the number in the registers of a point, or a bit."""
        address = point["address"] + base
        area = point.get("input_type", "holding")
        if area in ("coil", "discrete_input"):
            call = self.client.read_coils if area == "coil" else self.client.read_discrete_inputs
            return int(call(address, count=1, device_id=1).bits[0])
        letter = _LETTERS[point.get("data_type", "int16")]
        count = struct.calcsize(letter) // 2
        call = self.client.read_holding_registers
        if area == "input":
            call = self.client.read_input_registers
        found = call(address, count=count, device_id=1)
        assert not found.isError(), point
        return struct.unpack(letter, struct.pack(f">{count}H", *found.registers))[0]


def points_of(path):
    return json.loads(path.read_text())["points"]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_point_is_served_and_what_is_measured_moves(path, micropython):
    base = 40070 if "sunspec_model" in json.loads(path.read_text()) else 0
    points = points_of(path)
    with Simulated(micropython, path) as device:
        first = [device.read(point, base) for point in points]
        moving = {
            point["name"]
            for point in points
            if point.get("unit_of_measurement") and not point.get("writable")
        }
        moved = set()
        deadline = time.monotonic() + 20
        while not moving <= moved and time.monotonic() < deadline:
            time.sleep(0.5)
            for point, before in zip(points, first, strict=True):
                if device.read(point, base) != before:
                    moved.add(point["name"])
        assert moving <= moved
        assert not moved & {point["name"] for point in points if point.get("writable")}


def test_what_clients_write_stays(micropython):
    path = FOLDER / "waveshare_relay_8.json"
    with Simulated(micropython, path) as device:
        assert not device.client.write_coil(3, True, device_id=1).isError()
        device.wait_for("written: relay_4 = 1")
        time.sleep(1.2)
        assert device.client.read_coils(0, count=8, device_id=1).bits == [0, 0, 0, 1, 0, 0, 0, 0]
        found = device.client.write_register(0x4000, 256, device_id=1)
        assert found.exception_code == 3  # beyond max_value
        assert not device.client.write_register(0x4000, 255, device_id=1).isError()


def test_a_model_is_found_by_walking(micropython):
    path = FOLDER / "sunspec_103.json"
    with (
        Simulated(micropython, path) as device,
        tcp_client(micropython, ("127.0.0.1", device.port)) as board,
    ):
        board.run("from umb.sunspec import find_models\nfrom umb.points import Points")
        board.run("models = find_models(client, 1)")
        assert board.evaluate("sorted(models.items())") == [(1, 40002), (103, 40070)]
        board.run(f"points = Points.load({str(path)!r}, address=models[103], prefix='pv ')")
        assert board.evaluate("points['pv W']['address']") == 40084
        power = board.call("read_holding_registers(1, 40084, 1)")[0]
        assert 200 <= power <= 3600
        assert board.evaluate("find_models(client, 1, (0, 50000))") == {}


def test_no_sunspec_device(micropython):
    path = FOLDER / "xy_md02.json"
    with (
        Simulated(micropython, path) as device,
        tcp_client(micropython, ("127.0.0.1", device.port)) as board,
    ):
        board.run("from umb.sunspec import find_models")
        assert board.evaluate("list(find_models(client, 1))") == []


def test_over_a_pseudo_terminal():
    service = dev("run", "--profile", FOLDER / "xy_md02.json", "--port", free_port())
    try:
        line = service.wait_for("Modbus RTU on ")
        where = line.partition(" on ")[2].partition(",")[0]
        service.wait_for("Ctrl-C")
        client = ModbusSerialClient(where, baudrate=19200, timeout=10)
        assert client.connect()
        found = client.read_input_registers(1, count=1, device_id=1)
        assert 180 <= found.registers[0] <= 260
        client.close()
    finally:
        assert service.end() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "nothing.json"], "cannot read nothing.json: there is no such file"),
        (["--profile", "README.md"], "README.md, line 1: { is needed"),
        (["--profile", "x", "--gateway", "y"], "--profile and --gateway exclude each other"),
        (["--profile", "x", "--config", "y"], "--profile and --config exclude each other"),
        (["--profile", "x", "--pins-id", "3"], "--profile and --pins-id exclude each other"),
    ],
)
def test_what_cannot_be_served(micropython, arguments, said):
    service = Service([micropython, MAIN, "--port", free_port(), *arguments])
    assert service.process.wait(30) == 2
    service.wait_for(said)
