"""dev.py points: every format it reads, what it says of mistakes, and its tables."""

import json
import subprocess
import sys

import pytest

from tests.interop.peer_remote import Remote
from tools.env import ROOT, Trouble
from tools.points import main as tool
from tools.points import reading

PROFILES = sorted((ROOT / "docs" / "profiles").glob("*.json"))

HOME_ASSISTANT = """\
modbus:
  - name: hub
    type: rtuovertcp
    host: 192.168.1.5
    port: 502
    sensors:
      - name: Grid voltage
        slave: 1
        address: 0
        input_type: input
        data_type: float32
        precision: 1
        unit_of_measurement: V
        device_class: voltage
        state_class: measurement
        scan_interval: 5
      - name: Energy
        slave: 1
        address: 0x48
        input_type: input
        data_type: uint32
        swap: word
        scale: 0.01
        nan_value: 0xFFFFFFFF
        scan_interval: 0
      - name: Phase
        slave: 1
        address: 10
        virtual_count: 2
        zero_suppress: 0.1
      - name: Old
        slave: 1
        address: 20
        data_type: int
        count: 2
      - name: Serial
        slave: 1
        address: 30
        data_type: string
        count: 8
    binary_sensors:
      - name: Alarm
        slave: 1
        address: 40
        input_type: holding
        slave_count: 17
      - name: Door
        slave: 1
        address: 3
        input_type: discrete_input
    switches:
      - name: Relay
        slave: 1
        address: 7
        write_type: coil
      - name: Mode
        slave: 1
        address: 50
        command_on: 0x55
        command_off: 0x10
        verify:
    climates:
      - name: Heating
"""
ESPHOME = """\
substitutions:
  prefix: PV
esphome:
  name: inverter
modbus_controller:
  - id: pv
    address: 0x1
    update_interval: 10s
sensor:
  - platform: modbus_controller
    modbus_controller_id: pv
    name: "${prefix} power"
    register_type: holding
    address: 0x0010
    value_type: S_DWORD_R
    unit_of_measurement: "W"
    accuracy_decimals: 1
    filters:
      - multiply: 0.1
      - offset: -5
      - sliding_window_moving_average:
          window_size: 15
  - platform: modbus_controller
    name: "Voltage"
    register_type: read
    address: 20
    value_type: U_WORD
    skip_updates: 5
    lambda: !lambda return x;
  - platform: dht
    pin: GPIO2
binary_sensor:
  - platform: modbus_controller
    name: "Fault"
    register_type: read
    address: 0x30
    bitmask: 0x80
  - platform: modbus_controller
    name: "Input"
    register_type: discrete_input
    address: 2
    offset: 3
switch:
  platform: modbus_controller
  id: relay
  register_type: coil
  address: 5
number:
  - platform: modbus_controller
    name: Limit
    address: 0x20
    value_type: U_WORD
    multiply: 10
    min_value: 0
    max_value: 25
text_sensor:
  - platform: modbus_controller
    name: Model
    register_type: holding
    address: 100
    offset: 4
    response_size: 15
"""
SUNSPEC = """\
{
  "id": 103,
  "group": {
    "name": "inverter", "label": "Inverter", "type": "group",
    "points": [
      {"name": "ID", "type": "uint16", "size": 1},
      {"name": "L", "type": "uint16", "size": 1},
      {"name": "A", "type": "uint16", "size": 1, "sf": "A_SF", "units": "A"},
      {"name": "A_SF", "type": "sunssf", "size": 1},
      {"name": "Pad", "type": "pad", "size": 1},
      {"name": "WH", "type": "acc32", "size": 2, "sf": -2, "units": "Wh"},
      {"name": "Mn", "type": "string", "size": 16},
      {"name": "Ena", "type": "enum16", "size": 1, "access": "RW"}
    ],
    "groups": [
      {"name": "ctl", "points": [{"name": "V", "type": "float32", "size": 2}]},
      {"name": "curve", "count": 0, "points": [{"name": "V", "type": "float32", "size": 2}]}
    ]
  }
}
"""
TELEGRAF_REGISTERS = """\
[[inputs.modbus]]
  name = "Device"
  slave_id = 1
  timeout = "1s"
  controller = "tcp://localhost:502"
  discrete_inputs = [ { name = "start", address = [0]} ]
  coils = [ { name = "motor", address = [7]} ]
  holding_registers = [
    { name = "power_factor", byte_order = "AB", data_type = "FIXED", scale = 0.01, address = [8]},
    { name = "energy", byte_order = "CDAB", data_type = "UFIXED", scale = 0.1, address = [5, 6]},
    { name = "firmware", byte_order = "AB", data_type = "STRING", address = [20, 21, 22]},
  ]
  input_registers = [
    { name = "frequency", byte_order = "DCBA", data_type = "FLOAT32-IEEE", address = [2, 3]},
    { name = "alarm", data_type = "BIT", bit = 3, address = [9]},
  ]
"""
TELEGRAF_REQUESTS = """\
[[inputs.modbus]]
  name = "Device"
  configuration_type = "request"
  [[inputs.modbus.request]]
    slave_id = 1
    byte_order = "BADC"
    register = "input"
    fields = [
      { address = 0, name = "speed", type = "INT32", scale = 0.5 },
      { address = 2, name = "unused", type = "INT16", omit = true },
    ]
  [[inputs.modbus.metric]]
    slave_id = 2
    fields = [
      { register = "coil", address = 3, name = "pump" },
      { register = "holding", address = 4, name = "total", type = "UINT64" },
    ]
"""
CSV = """\
name;address;input_type;data_type;scale;writable;unit_of_measurement;scan_interval
voltage;0x10;input;uint16;0.1;;V;5
mode;17;;;;true;;null
"""


@pytest.fixture(autouse=True)
def found_micropython(monkeypatch, micropython):
    monkeypatch.setattr(reading, "micropython", lambda: micropython)


@pytest.fixture
def convert(tmp_path, capsys):
    """A function that converts a text: (points by name, what is said of the device, notes)."""

    def call(name, text, *options):
        path = tmp_path / name
        path.write_text(text)
        assert tool.main([str(path), *options]) == 0
        said = capsys.readouterr()
        document = json.loads(said.out)
        points = {point.pop("name"): point for point in document.pop("points")}
        # One point a line, so that a board can name the line of a mistake.
        assert len(said.out.splitlines()) == len(points) + 2
        return points, document, said.err

    return call


@pytest.fixture
def refused(tmp_path, capsys):
    """A function that returns what is said of a text that cannot be converted."""

    def call(name, text, *options):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(Trouble) as trouble:
            tool.main([str(path), *options])
        assert capsys.readouterr().out == ""
        assert "\n" not in str(trouble.value)
        return str(trouble.value).removeprefix(f"{tmp_path}/")

    return call


def test_home_assistant(convert):
    points, about, notes = convert("configuration.yaml", HOME_ASSISTANT)
    assert about == {}
    assert points.pop("Grid voltage") == {
        "address": 0,
        "input_type": "input",
        "data_type": "float32",
        "precision": 1,
        "scan_interval": 5,
        "unit_of_measurement": "V",
        "device_class": "voltage",
        "state_class": "measurement",
    }
    assert points.pop("Energy") == {
        "address": 72,
        "input_type": "input",
        "data_type": "uint32",
        "swap": "word",
        "scale": 0.01,
        "nan_value": 0xFFFFFFFF,
        "scan_interval": None,
    }
    for i, name in enumerate(("Phase", "Phase 1", "Phase 2")):
        assert points.pop(name) == {"address": 10 + i, "data_type": "int16"}
    assert points.pop("Old") == {"address": 20, "data_type": "int32"}
    assert points.pop("Serial") == {"address": 30, "data_type": "string", "count": 8}
    for i in range(18):
        point = points.pop(f"Alarm {i}" if i else "Alarm")
        assert point == {"address": 40 + i // 16, "data_type": "uint16", "bit": i % 16}
    assert points.pop("Door") == {"address": 3, "input_type": "discrete_input"}
    assert points.pop("Relay") == {"address": 7, "input_type": "coil", "writable": True}
    assert points.pop("Mode") == {
        "address": 50,
        "data_type": "uint16",
        "writable": True,
        "min_value": 0x10,
        "max_value": 0x55,
    }
    assert points == {}
    assert [note.partition(", ")[2].partition(":")[::2] for note in notes.splitlines()] == [
        (f"line {line_of(HOME_ASSISTANT, 'climates')}", " climates are left out"),
        (
            f"line {line_of(HOME_ASSISTANT, 'zero_')}",
            " zero_suppress cuts values off there: it is left out",
        ),
    ]


def test_home_assistant_several_slaves(convert, refused):
    text = HOME_ASSISTANT.replace("slave: 1", "slave: 2", 1)
    said = refused("c.yaml", text)
    assert said == "c.yaml: slave: there are several: 1, 2; --slave-id chooses one"
    points, _, _ = convert("c.yaml", text, "--slave-id", "2")
    assert list(points) == ["Grid voltage"]
    assert "has nothing there" in refused("c.yaml", text, "--slave-id", "3")


def line_of(text, part):
    """In which line of a text a part of it begins."""
    return text.count("\n", 0, text.index(part)) + 1


# What is changed into what, where the mistake is then, and what is said of it.
_HA_MISTAKES = [
    ("address: 0x48", "adress: 0x48", "adress", "adress: there is no such key"),
    ("        address: 0x48\n", "", "name: Energy", "address: it is missing"),
    ("uint32", "float16", "data_type: float16", "data_type: float16 cannot be told as points"),
    ("uint32", "custom", "data_type: custom", "data_type: custom cannot be told as points"),
    ("write_type: coil", "write_type: foil", "write_type", "write_type: foil is not known here"),
    ("swap: word", "swap: words", "name: Energy", "point 'Energy': swap must be none, word,"),
    ("scale: 0.01", "scale: 0", "name: Energy", "point 'Energy': scale must not be 0"),
    ("scale: 0.01", "scale: !secret s", "scale:", "scale: !secret s is not known here"),
    (
        "name: Old",
        "name: Energy",
        "name: Energy\n        slave: 1\n        address: 20",
        "name: 'En",
    ),
    ("address: 0x48", "address: 70000", "name: Energy", "point 'Energy': address must be 0 to"),
    ("  - name: hub", " - name: [hub", None, ""),
]


@pytest.mark.parametrize(("old", "new", "at", "said"), _HA_MISTAKES)
def test_mistakes_of_home_assistant(refused, old, new, at, said):
    assert old in HOME_ASSISTANT
    text = HOME_ASSISTANT.replace(old, new, 1)
    got = refused("c.yaml", text)
    where = f"c.yaml, line {line_of(text, at)}: " if at else "c.yaml, line "
    assert got.startswith(where + said), got


def test_esphome(convert):
    points, _, notes = convert("inverter.yaml", ESPHOME)
    assert points == {
        "PV power": {
            "address": 16,
            "data_type": "int32",
            "swap": "word",
            "scale": 0.1,
            "offset": -5,
            "precision": 1,
            "unit_of_measurement": "W",
        },
        "Voltage": {
            "address": 20,
            "input_type": "input",
            "data_type": "uint16",
            "scan_interval": 60,
        },
        "Fault": {"address": 48, "input_type": "input", "data_type": "uint16", "bit": 7},
        "Input": {"address": 5, "input_type": "discrete_input"},
        "relay": {"address": 5, "input_type": "coil", "writable": True},
        "Limit": {
            "address": 32,
            "data_type": "uint16",
            "writable": True,
            "min_value": 0,
            "max_value": 25,
            "scale": 0.1,
        },
        "Model": {"address": 102, "data_type": "string", "count": 8},
    }
    line = line_of(ESPHOME, "sliding")
    assert f"line {line}: the filter sliding_window_moving_average is left out" in notes
    assert f"line {line_of(ESPHOME, 'lambda')}: the lambda is left out" in notes


@pytest.mark.parametrize("platform", ["select", "output", "climate"])
def test_entities_of_esphome_that_are_no_points_are_noted(convert, platform):
    more = f"""{platform}:
  - platform: template
    name: Other
  - platform: modbus_controller
    name: Choice
    address: 30
"""
    points, _, notes = convert("inverter.yaml", ESPHOME + more)
    assert len(points) == len(convert("inverter.yaml", ESPHOME)[0])
    line = line_of(ESPHOME + more, "platform: modbus_controller\n    name: Choice")
    left_out = [note for note in notes.splitlines() if f"the {platform} is left out" in note]
    assert [note.partition(", ")[2] for note in left_out] == [
        f"line {line}: the {platform} is left out"
    ]


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("S_DWORD_R", "RAW", "value_type: RAW", "value_type: RAW cannot be told as points"),
        ("0x80", "0x81", "bitmask", "bitmask: 0x81 is not one bit of a register"),
        ("type: coil", "type: custom", "register_type: custom", "register_type: custom cannot be"),
        ("offset: 4", "offset: 3", "offset: 3\n    response", "offset: 3 bytes are no registers"),
        (
            "    address: 20\n",
            "",
            'platform: modbus_controller\n    name: "V',
            "address: it is mis",
        ),
        (
            "address: 20",
            "address: ${a}",
            "address: ${a}",
            "address: it must be a number, not '${a}'",
        ),
    ],
)
def test_mistakes_of_esphome(refused, old, new, at, said):
    assert old in ESPHOME
    text = ESPHOME.replace(old, new, 1)
    got = refused("c.yaml", text)
    assert got.startswith(f"c.yaml, line {line_of(text, at)}: {said}"), got


def test_esphome_several_controllers(convert, refused):
    text = ESPHOME.replace("sensor:", "  - id: other\n    address: 2\nsensor:", 1)
    assert "--controller chooses one" in refused("c.yaml", text)
    points, _, _ = convert("c.yaml", text, "--controller", "pv")
    assert "PV power" in points
    assert "there is no third" in refused("c.yaml", text, "--controller", "third")


def test_sunspec(convert):
    points, about, notes = convert("model_103.json", SUNSPEC)
    assert about["sunspec_model"] == 103
    assert points == {
        "A": {
            "address": 2,
            "data_type": "uint16",
            "scale_factor": "A_SF",
            "nan_value": "0xFFFF",
            "unit_of_measurement": "A",
        },
        "A_SF": {"address": 3, "data_type": "int16", "nan_value": "0x8000"},
        "WH": {
            "address": 5,
            "data_type": "uint32",
            "scale": 0.01,
            "unit_of_measurement": "Wh",
            "state_class": "total_increasing",
        },
        "Mn": {"address": 7, "data_type": "string", "count": 16},
        "Ena": {"address": 23, "data_type": "uint16", "nan_value": "0xFFFF", "writable": True},
        "ctl_V": {"address": 24, "data_type": "float32"},
    }
    assert "the group curve is left out: it repeats" in notes
    points, about, _ = convert("model_103.json", SUNSPEC, "--address", "40069")
    assert points["A"]["address"] == 40071 and "sunspec_model" not in about


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"acc32"', '"acc33"', "line 11: type: acc33 is not known"),
        ('"size": 16', '"size": 0', "line 12: size: it must be registers, not 0"),
        ('"sf": "A_SF"', '"sf": "B_SF"', ": point 'A': scale_factor must be the name"),
        ('"id": 103,', '"id": 103', "line 3: Expecting ',' delimiter"),
    ],
)
def test_mistakes_of_sunspec(refused, old, new, said):
    got = refused("m.json", SUNSPEC.replace(old, new, 1))
    assert said in got, got


def test_telegraf(convert, refused):
    points, _, _ = convert("telegraf.toml", TELEGRAF_REGISTERS)
    assert points == {
        "motor": {"address": 7, "input_type": "coil"},
        "start": {"address": 0, "input_type": "discrete_input"},
        "frequency": {
            "address": 2,
            "input_type": "input",
            "data_type": "float32",
            "swap": "word_byte",
        },
        "alarm": {"address": 9, "input_type": "input", "data_type": "uint16", "bit": 3},
        "power_factor": {"address": 8, "data_type": "int16", "scale": 0.01},
        "energy": {"address": 5, "data_type": "uint32", "swap": "word", "scale": 0.1},
        "firmware": {"address": 20, "data_type": "string", "count": 3},
    }
    assert "there are 1, 2" in refused("t.toml", TELEGRAF_REQUESTS)
    points, _, _ = convert("t.toml", TELEGRAF_REQUESTS, "--slave-id", "1")
    assert points == {
        "speed": {
            "address": 0,
            "input_type": "input",
            "data_type": "int32",
            "swap": "byte",
            "scale": 0.5,
        }
    }
    points, _, _ = convert("t.toml", TELEGRAF_REQUESTS, "--slave-id", "2")
    assert points == {
        "pump": {"address": 3, "input_type": "coil"},
        "total": {"address": 4, "data_type": "uint64"},
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"FIXED"', '"FLOAT16-IEEE"', "line 9: data_type: FLOAT16-IEEE cannot be told as points"),
        ('"CDAB"', '"DABC"', "line 10: byte_order: DABC is not known"),
        ("address = [8]", "address = []", "line 9: address: it is missing"),
        ("slave_id = 1", "slave_id = ", "line 3: Invalid value"),
        ("[[inputs.modbus]]", "[[inputs.other]]", ": inputs.modbus: there is none"),
    ],
)
def test_mistakes_of_telegraf(refused, old, new, said):
    got = refused("t.toml", TELEGRAF_REGISTERS.replace(old, new, 1))
    assert said in got, got


def test_csv(convert, refused):
    points, _, _ = convert("points.csv", CSV)
    assert points == {
        "voltage": {
            "address": 16,
            "input_type": "input",
            "data_type": "uint16",
            "scale": 0.1,
            "unit_of_measurement": "V",
            "scan_interval": 5,
        },
        "mode": {"address": 17, "writable": True, "scan_interval": None},
    }
    assert refused("p.csv", CSV.replace("0x10", "0xZZ")).startswith("p.csv, line 2: point 'volt")
    assert "there is no key 'addr'" in refused("p.csv", CSV.replace("address", "addr"))
    said = refused("p.csv", CSV.replace("mode;17", "voltage;17"))
    assert said == "p.csv, line 3: name: 'voltage' is the name of line 2, too"
    assert "line 4: there are more values than keys" in refused("p.csv", CSV + "x;1;;;;;;;9\n")
    assert refused("p.csv", "name,address\n") == "p.csv: there are no points in it"


def test_files_that_are_none(refused, tmp_path):
    assert refused("p.txt", "") == "p.txt: .yaml, .yml, .toml, .csv or .json is needed"
    assert "line 1: Expecting value" in refused("p.json", "")
    assert "a list of objects is needed" in refused("p.json", "[1]")
    assert "line 1: neither `modbus:` nor" in refused("p.yaml", "text")
    with pytest.raises(Trouble, match="No such file"):
        tool.main([str(tmp_path / "nothing.csv")])
    (tmp_path / "latin.csv").write_bytes(b"name\n\xe9\n")
    with pytest.raises(Trouble, match=r"latin\.csv"):
        tool.main([str(tmp_path / "latin.csv")])


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profiles(path, capsys, micropython):
    """They are as the command writes them, name their source, and a board reads them."""
    assert tool.main([str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == path.read_text() and said.err == ""
    document = json.loads(said.out)
    assert document["manufacturer"] and document["model"] and document["source"]
    with Remote(micropython, "from umb.points import Points, PointStore") as board:
        names = board.evaluate(f"list(PointStore(Points.load({str(path)!r})).points)")
    assert names == [point["name"] for point in document["points"]]


def test_there_are_profiles():
    assert len(PROFILES) >= 5


def test_a_table(tmp_path, capsys):
    path = tmp_path / "p.json"
    path.write_text(
        '{"manufacturer": "Acme", "model": "M1", "source": "manual", "points": [\n'
        '{"name": "b|c", "address": 7, "data_type": "float32", "swap": "word", "scale": 0.1,'
        ' "offset": -5, "unit_of_measurement": "V"},\n'
        '{"name": "a", "address": 2, "bit": 3, "writable": true},\n'
        '{"name": "t", "address": 9, "data_type": "string", "count": 6},\n'
        '{"name": "r", "address": 0, "input_type": "coil", "writable": true},\n'
        '{"name": "s", "address": 4, "writable": true, "min_value": 0, "max_value": 30}\n'
        "]}\n"
    )
    output = tmp_path / "table.md"
    assert tool.main([str(path), "--table", "--output", str(output)]) == 0
    assert capsys.readouterr().out == ""
    assert output.read_text().splitlines() == [
        "# Acme M1",
        "",
        "Source: manual.",
        "",
        "## Coils",
        "",
        "Function codes 1, 5, 15.",
        "",
        "| address | name | access |",
        "| ---: | --- | --- |",
        "| 0 | r | read, write |",
        "",
        "## Holding registers",
        "",
        "Function codes 3, 6, 16.",
        "",
        "| address | registers | name | type | value | unit | access |",
        "| ---: | ---: | --- | --- | --- | --- | --- |",
        "| 2 | 1 | a | bit 3 |  |  | read, write |",
        "| 4 | 1 | s | int16 | 0 to 30 |  | read, write |",
        "| 7 | 2 | b\\|c | float32, word | \u00d7 0.1, - 5 | V | read |",
        "| 9 | 6 | t | string |  |  | read |",
    ]


def test_an_output_that_cannot_be_written(tmp_path):
    output = tmp_path / "no folder" / "table.md"
    with pytest.raises(Trouble, match=r"cannot write .*table\.md: No such file"):
        tool.main([str(PROFILES[0]), "--table", "--output", str(output)])


def test_it_is_a_command():
    path = PROFILES[0]
    command = [sys.executable, ROOT / "tools" / "dev.py", "points", path, "--table"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"# {json.loads(path.read_text())['manufacturer']}")
