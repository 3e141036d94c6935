"""The application's settings: broken files, changes through registers, restart, fail-safe."""

import json
import time

import pytest
from pymodbus.client import ModbusSerialClient

from tests.support import device
from tests.support.device import PINS_ID, devices, wait_until
from tools.pty_line import PtyLine
from tools.packages import version

ILLEGAL_VALUE, NOBODY = -3, -11


@pytest.fixture
def start(micropython, tmp_path):
    with devices(micropython, tmp_path) as start:
        yield start


def faults(one):
    """What the slave said of its settings."""
    return {line.removeprefix("settings: ") for line in one.said("settings: ")}


def test_a_missing_file_means_defaults(start):
    one = start(None)
    assert faults(one) == {f"there is no {one.path}: defaults hold"}
    assert one.input_register(device.STATE) == 0
    assert one.holding(100, 5) == [1, 192, 2, 1, 0]
    assert len(one.coils(0, 8)) == 8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[]",
        "42",
        '{"slave_id": 7',
        '{"slave_id": 7}}',
        "\0" * 4096,
        "[" * 300,
    ],
    ids=["empty", "brace", "word", "list", "number", "torn", "more", "zeros", "deep"],
)
def test_a_broken_file_means_defaults(start, text):
    one = start(text)
    (fault,) = faults(one)
    assert fault.startswith("the file cannot be used (")
    assert fault.endswith("): defaults hold")
    assert one.input_register(device.STATE) == device.FAULTS
    assert one.holding(100, 5) == [1, 192, 2, 1, 0]
    assert len(one.coils(0, 8)) == 8


def test_a_broken_file_is_mended_by_saving(start):
    one = start("{{{")
    assert one.write(104, 30) is None
    one.order(device.SAVE_AND_RESTART)
    assert one.saved() == {"failsafe_s": 30}
    assert one.input_register(device.STATE) == 0


def test_each_fault_is_named_and_the_rest_taken(start):
    one = start(
        {
            "slave_id": 5,
            "baudrate": 12,
            "parity": "X",
            "colour": "red",
            "outputs": [0, 99, {"pin": 2, "invert": 1}, {"pin": 3, "speed": 4}, 0],
            "inputs": [{"pin": 8, "pull": "sideways"}],
            "analogues": [{"pin": 16, "scale": [5, 5]}, 8],
            "pwms": "none",
        }
    )
    assert faults(one) == {
        "baudrate must be a number, 300 to 4000000, not 12: 19200 is used",
        'parity must be "N", "E" or "O", not "X": "E" is used',
        'unknown setting "colour": it is ignored',
        "outputs[1]: the pin cannot be 99: it is left out",
        "outputs[2].invert must be true or false, not 1: false is used",
        'outputs[3]: unknown setting "speed": it is ignored',
        "outputs[4]: the pin 0 is outputs[0] already: it is left out",
        'inputs[0].pull must be "up", "down" or "none", not "sideways": "up" is used',
        "analogues[0].scale must be [low, high], two numbers, -32768 to 65535, "
        "not [5, 5]: null is used",
        "analogues[1]: the pin cannot be 8: it is left out",
        "pwms must be a list of 16 at most: the board's own are used",
    }
    assert one.input_register(device.STATE) == device.FAULTS
    assert one.holding(100, 1) == [5]
    assert one.switch(0, 1, 1, 1, 1, 0) is None  # the last one does not undo the first one's pin
    assert one.coils(0, 4, slave_id=PINS_ID) == [1, 0, 1, 1]
    assert one.holding(32, 4) == [0] * 4  # the default ones


def test_settings_change_and_take_effect_on_save_and_restart(start):
    one = start({"slave_id": 7, "name": "kept", "outputs": [5]})
    assert one.holding(100, 5) == [7, 192, 2, 1, 0]
    assert one.write(100, 8, 96, 0, 2, 60) is None
    assert one.holding(100, 5) == [8, 96, 0, 2, 60]
    assert one.input_register(device.STATE) == device.UNSAVED
    one.order(device.SAVE_AND_RESTART)
    line = {"slave_id": 8, "baudrate": 9600, "parity": "N", "stop": 2, "failsafe_s": 60}
    assert one.saved() == {"name": "kept", "outputs": [5], **line}
    assert one.coils(0, 1) == NOBODY
    one.slave_id = 8
    assert one.holding(100, 5) == [8, 96, 0, 2, 60]
    assert one.input_register(device.STATE) == 0
    assert "slave id 8" in one.said("umb remote I/O")[-1]


def test_only_what_has_changed_is_saved(start):
    one = start(None)
    assert one.write(104, 5) is None
    one.order(device.SAVE_AND_RESTART)
    assert one.saved() == {"failsafe_s": 5}


@pytest.mark.parametrize(
    ("address", "values"),
    [
        (100, [0]),
        (100, [248]),
        (101, [2]),
        (101, [40001]),
        (102, [3]),
        (103, [0]),
        (103, [3]),
        (100, [2, 96, 0, 9]),
        (110, [1]),
        (110, [0]),
    ],
)
def test_impossible_settings_are_refused(start, address, values):
    one = start(None)
    assert one.write(address, *values) == ILLEGAL_VALUE
    assert one.holding(100, 5) == [1, 192, 2, 1, 0]
    assert one.holding(110, 1) == [0]
    assert one.input_register(device.STATE) == 0


def test_settings_that_cannot_be_saved_are_a_state_and_no_restart(start, tmp_path):
    """The order is answered before the file is read."""
    one = start({})
    one.path.unlink()
    tmp_path.rmdir()
    assert one.write(100, 9) is None
    assert one.write(device.ORDER, device.SAVE_AND_RESTART) is None
    time.sleep(1)
    assert one.input_register(device.STATE) == device.FAULTS | device.UNSAVED
    assert not one.said("restarting")
    tmp_path.mkdir()
    one.order(device.SAVE_AND_RESTART)
    one.slave_id = 9
    assert one.holding(100, 1) == [9]


def test_the_command_line_holds_until_a_client_changes_it(start):
    one = start({"slave_id": 5}, "--slave-id", "6")
    one.slave_id = 6
    assert one.write(101, 96) is None
    one.order(device.SAVE_AND_RESTART)
    assert one.saved() == {"slave_id": 5, "baudrate": 9600}
    assert one.holding(100, 2) == [6, 96]
    assert one.write(100, 9) is None
    one.order(device.SAVE_AND_RESTART)
    one.slave_id = 9
    assert one.holding(100, 2) == [9, 96]


def test_over_a_serial_line(start):
    """FC 17, its counters, and an order whose answer still comes."""
    with PtyLine() as line:
        one = start({"slave_id": 3, "parity": "N"}, "--serial", line.server_path)
        rtu = ModbusSerialClient(line.client_path, baudrate=19200, timeout=10)
        assert rtu.connect()
        assert (
            f"umb remote I/O unix {version()}".encode()
            in rtu.report_device_id(device_id=3).identifier
        )
        first = rtu.read_input_registers(device.SERIAL_COUNTERS, count=8, device_id=3).registers
        assert first[3] == 2
        counters = one.input_registers(device.SERIAL_COUNTERS, 8)
        assert counters == first
        assert not rtu.write_register(101, 96, device_id=3).isError()
        order = rtu.write_register(device.ORDER, device.SAVE_AND_RESTART, device_id=3)
        assert not order.isError()
        wait_until(lambda: len(one.said("Ctrl-C")) == 2)
        assert ", 9600 8N1" in one.said("Modbus RTU")[-1]
        assert rtu.read_holding_registers(101, count=1, device_id=3).registers == [96]
        rtu.close()
        one.slave.end()


def test_fail_safe(start):
    one = start(
        {
            "failsafe_s": 1,
            "outputs": [0, {"pin": 1, "safe": 1}, {"pin": 2, "safe": "hold"}],
            "pwms": [20, {"pin": 21, "safe": 500, "full": 1000}, {"pin": 22, "safe": "hold"}],
        }
    )
    assert one.coils(0, 3) == [0, 1, 0]  # they start at the safe values
    assert one.holding(32, 3) == [0, 500, 0]
    assert one.switch(0, 1, 0, 1) is None
    assert one.write(32, 7, 8, 9) is None
    for _ in range(10):  # requests hold it off
        time.sleep(0.2)
        assert one.coils(0, 3) == [1, 0, 1]
    time.sleep(1.3)
    assert one.coils(0, 3, slave_id=PINS_ID) == [0, 1, 1]
    assert one.coils(0, 3) == [0, 1, 1]
    assert one.holding(32, 3) == [0, 500, 9]
    assert one.holding(20, 3, slave_id=PINS_ID) == [0, 32767, 9]
    assert one.switch(0, 1, 1, 1) is None  # and on it goes
    assert one.coils(0, 3, slave_id=PINS_ID) == [1, 1, 1]


def test_fail_safe_is_told_and_mistakes_do_not_hold_it_off(start):
    one = start({"failsafe_s": 1})
    assert one.switch(0, 1) is None
    began = time.monotonic()
    while time.monotonic() - began < 1.4:
        assert one.coils(0, 9) == -2
        time.sleep(0.05)
    assert one.input_register(device.STATE) == device.FAIL_SAFE
    wait_until(lambda: one.input_register(device.STATE) == 0)
    assert one.coils(0, 1) == [0]


def test_without_fail_safe_outputs_stay(start):
    one = start({})
    assert one.switch(0, 1) is None
    time.sleep(1.5)
    assert one.coils(0, 1) == [1]


def test_the_watchdog_is_fed_where_it_is_wanted(start):
    one = start({"watchdog_s": 5})

    def feeds():
        return one.input_registers(100, 1, slave_id=PINS_ID)[0]

    first = feeds()
    wait_until(lambda: feeds() > first + 10)


def test_no_watchdog_unless_configured(start):
    one = start({})
    time.sleep(0.3)
    assert one.input_registers(100, 1, slave_id=PINS_ID) == [0]


def test_what_is_saved_is_read_by_others(start):
    """It stays JSON that people can edit."""
    one = start({"name": "Pumpe Süd", "outputs": [0]})
    assert one.write(104, 1) is None
    one.order(device.SAVE_AND_RESTART)
    saved = json.loads(one.path.read_text(encoding="utf-8"))
    assert saved == {"name": "Pumpe Süd", "outputs": [0], "failsafe_s": 1}


def test_an_idle_client_is_disconnected_when_the_settings_say_so(start):
    one = start({"idle_timeout_s": 1})
    assert one.coils(0, 1) == [0]
    wait_until(lambda: one.said(" disconnected"), timeout_s=5)
    one = start({"idle_timeout_s": 0})
    assert one.coils(0, 1) == [0]
    time.sleep(1.5)
    assert not one.said(" disconnected")
