"""The remote-I/O application with simulated pins: every point of its map, as a client sees it."""

import time

import pytest

from tests.support import device
from tests.support.device import ANALOGUE, INPUT, LED, OUTPUT, PINS_ID, PWM, Device, wait_until
from tools.packages import version

ILLEGAL_ADDRESS, ILLEGAL_VALUE, FAILURE = -2, -3, -4
SETTINGS = {
    "name": "pump house",
    "slave_id": 7,
    "outputs": [0, {"pin": 1, "invert": True, "safe": 1}, None, {"pin": 3, "safe": "hold"}],
    "inputs": [8, {"pin": 9, "invert": True}, 10],
    "analogues": [16, {"pin": 17, "scale": [-100, 400]}, {"pin": 18, "scale": [1000, 0]}],
    "pwms": [20, {"pin": 21, "full": 1000, "safe": 250}],
}


@pytest.fixture(scope="module")
def one(micropython, tmp_path_factory):
    """The application as SETTINGS wants it."""
    running = Device(micropython, tmp_path_factory.mktemp("app"), SETTINGS)
    yield running
    running.end()


def pin(one, number):
    """The level of a pin, seen from outside."""
    return one.coils(number, 1, slave_id=PINS_ID)[0]


def test_coils_drive_outputs(one):
    assert one.switch(0, 1, 0, 1, 1) is None
    assert [pin(one, OUTPUT + n) for n in range(4)] == [1, 1, 0, 1]  # 1 inverted, 2 unused
    assert one.coils(0, 4) == [1, 0, 1, 1]
    assert one.ask("write_coil", 1, True) is None
    assert pin(one, 1) == 0
    assert one.switch(0, 0, 0, 0, 0) is None
    assert [pin(one, OUTPUT + n) for n in range(4)] == [0, 1, 0, 0]


def test_discrete_inputs_read_inputs(one):
    for levels in ([1, 1, 0], [0, 0, 1]):
        one.switch(INPUT, *levels, slave_id=PINS_ID)
        assert one.inputs(0, 3) == [levels[0], 1 - levels[1], levels[2]]


@pytest.mark.parametrize(
    ("raw", "scaled", "falling"),
    [(0, -100, 1000), (65535, 400, 0), (32768, 150, 500), (13107, 0, 800), (6554, -50, 900)],
)
def test_analogues_are_raw_or_scaled(one, raw, scaled, falling):
    one.write(ANALOGUE, raw, raw, raw, slave_id=PINS_ID)
    seen = one.input_registers(0, 3)
    assert seen[0] == raw
    assert abs((seen[1] + 32768) % 65536 - 32768 - scaled) <= 1
    assert abs(seen[2] - falling) <= 1


def test_holding_registers_drive_pulses(one):
    assert one.write(32, 40000, 500) is None
    assert one.holding(32, 2) == [40000, 500]
    assert one.holding(PWM, 2, slave_id=PINS_ID) == [40000, 32767]
    assert one.write(33, 1000) is None
    assert one.holding(PWM + 1, 1, slave_id=PINS_ID) == [65535]


def test_a_duty_beyond_full_changes_nothing(one):
    assert one.write(32, 1, 2) is None
    assert one.write(32, 3, 1001) == ILLEGAL_VALUE
    assert one.holding(32, 2) == [1, 2]


def test_user_data_is_kept(one):
    assert one.write(0, *range(100, 116)) is None
    assert one.holding(0, 16) == list(range(100, 116))


@pytest.mark.parametrize(
    ("call", "address", "count"),
    [
        ("coils", 0, 5),
        ("inputs", 2, 2),
        ("input_registers", 3, 1),
        ("input_registers", 99, 2),
        ("input_registers", 147, 2),
        ("holding", 15, 2),
        ("holding", 33, 2),
        ("holding", 99, 2),
        ("holding", 110, 2),
    ],
)
def test_beyond_the_map(one, call, address, count):
    assert getattr(one, call)(address, count) == ILLEGAL_ADDRESS


def test_gaps_read_as_zeros(one):
    """So that a client that reads a table in pieces of any size sees all of it."""
    values = one.input_registers(100, 48)
    unused = [*range(103, 110), *range(121, 130), 138, 139]
    assert [values[address - 100] for address in unused] == [0] * len(unused)
    assert values[device.RESET_CAUSE - 100] == 1
    assert values[140 - 100] > 0
    settings = one.holding(100, 11)
    assert settings[:5] == [7, 192, 2, 1, 0]
    assert settings[5:] == [0] * 6
    for address in range(105, 110):
        assert one.write(address, 0) == ILLEGAL_VALUE


def test_uptime_and_requests(one):
    first = one.input_registers(device.UPTIME, 3)
    began = time.monotonic()
    wait_until(lambda: one.input_registers(device.UPTIME, 2) > first[:2])
    assert time.monotonic() - began < 10
    requests = one.input_register(device.REQUESTS)
    for _ in range(4):
        one.coils(0, 1)
    assert one.input_register(device.REQUESTS) == requests + 5


def test_memory_cause_and_versions(one):
    high, low = one.input_registers(device.MEMORY, 2)
    assert 100_000 < high << 16 | low < 10_000_000
    cause, *versions = one.input_registers(device.RESET_CAUSE, 5)
    assert cause == 1
    major, minor, patch = map(int, version().split("."))
    assert versions[:2] == [major << 8 | minor, patch]  # umb
    assert versions[2] >= 1 << 8 | 24  # MicroPython
    assert one.input_registers(device.ADDRESS, 2) == [0, 0]


def test_silence_is_counted(one):
    one.coils(0, 1)
    time.sleep(2.2)
    assert one.input_register(device.SILENCE) in (2, 3)
    wait_until(lambda: one.input_register(device.SILENCE) == 0)


def test_bus_counters(one):
    before = one.input_registers(device.NETWORK_COUNTERS, 8)
    assert one.coils(99, 1) == ILLEGAL_ADDRESS
    after = one.input_registers(device.NETWORK_COUNTERS, 8)
    assert [then - first for first, then in zip(before, after, strict=True)] == [
        *(2, 0, 1, 2, 0, 0, 0, 0)
    ]
    assert one.input_registers(device.SERIAL_COUNTERS, 8) == [0] * 8  # there is no serial line


def test_device_identification(one):
    regular = one.client.read_device_information(device_id=7, read_code=2).information
    assert regular[0] == b"umb"
    assert regular[1] == b"unix"
    assert regular[2] == version().encode()
    assert regular[4] == b"umb remote I/O"
    assert regular[5]
    assert regular[6] == b"pump house"


def test_the_led_shows_traffic(one):
    one.coils(0, 1)
    wait_until(lambda: pin(one, LED))  # and to look at it is traffic


def test_restart_without_saving(one):
    assert one.write(100, 9) is None
    assert one.input_register(device.STATE) == device.UNSAVED
    one.order(device.RESTART)
    assert one.holding(100, 1) == [7]
    assert one.saved() == SETTINGS
    assert one.input_register(device.STATE) == 0
