"""Slaves on a line that they share: silent about what is not for them, ready for what is."""

import pytest
from pymodbus.client import ModbusSerialClient

from tests.interop.bus import Bus, RawMaster, frame, rtu_slave

_US, _OTHER, _ABSENT = 17, 18, 19
_TRIES = 5
_GAP_S = 0.005  # more than t3.5

_ASK = frame(_US, "03 0000 0002")
_ANSWER = frame(_US, "03 04 0000 0000")
_SIXTY = "03 78" + "1103" * 60

# What happens before we are asked: (bytes, seconds of silence behind them).
_SCENARIOS = {
    "plain request": [],
    "18 is absent": [(frame(_OTHER, "03 0000 0002"), 0.05)],
    "18 answers": [
        (frame(_OTHER, "03 0000 0002"), _GAP_S),
        (frame(_OTHER, "03 04 1103 0000"), _GAP_S),
    ],
    "18 answers with 60 registers": [
        (frame(_OTHER, "03 0000 003c"), _GAP_S),
        (frame(_OTHER, _SIXTY), _GAP_S),
    ],
    "noise": [(b"\xff", 0.03)],
    "truncated request": [(_ASK[:5], 0.05)],
    "bad CRC": [(_ASK[:-1] + bytes((_ASK[-1] ^ 0xFF,)), 0.05)],
    "broadcast": [(frame(0, "06 0005 1234"), 0.05)],
    "18 gets an unknown code": [(frame(_OTHER, "41 0102"), _GAP_S)],
}


@pytest.fixture(scope="module")
def bus(micropython):
    """A line with slave 17; its other end is for a client."""
    with Bus(2) as line, rtu_slave(micropython, line.paths[0], slave_id=_US):
        yield line


@pytest.fixture
def master(bus):
    with RawMaster(bus.paths[1]) as one:
        yield one


@pytest.mark.parametrize("pieces", _SCENARIOS.values(), ids=_SCENARIOS)
def test_shared_bus(master, pieces):
    answered = 0
    for _ in range(_TRIES):
        for data, silence_s in pieces:
            master.say(data)
            assert master.heard(silence_s) == b"", "this was not for us"
        answered += master.ask(_ASK, len(_ANSWER)) == _ANSWER
    assert answered == _TRIES


def test_broadcast_is_obeyed(master):
    for value in range(_TRIES):
        master.say(frame(0, f"06 0007 {value:04x}"))
        assert master.heard(0.05) == b""
        answer = frame(_US, f"03 02 {value:04x}")
        assert master.ask(frame(_US, "03 0007 0001"), len(answer)) == answer


def test_own_answers_are_not_taken_for_requests(master):
    """The answer to function code 6 is the request once more."""
    ask = frame(_US, "06 0000 0000")
    for _ in range(_TRIES):
        assert master.ask(ask, len(ask)) == ask


@pytest.fixture(scope="module")
def both(micropython):
    """A line with slaves 17 and 18; its third end is for a client."""
    with (
        Bus(3) as line,
        rtu_slave(micropython, line.paths[0], slave_id=_US),
        rtu_slave(micropython, line.paths[1], slave_id=_OTHER),
    ):
        yield line


def test_two_slaves_and_one_client(both):
    with ModbusSerialClient(both.paths[2], baudrate=19200, retries=0) as client:
        for i in range(20):
            for slave_id in (_US, _OTHER):
                got = client.read_input_registers(i, count=i + 1, device_id=slave_id)
                assert got.registers == [300 * at + slave_id for at in range(i, 2 * i + 1)]
                client.write_registers(10, [i, slave_id], device_id=slave_id)
        for slave_id in (_US, _OTHER):
            got = client.read_holding_registers(10, count=2, device_id=slave_id)
            assert got.registers == [19, slave_id]


def test_two_slaves_an_absent_one_and_a_broadcast(both):
    with RawMaster(both.paths[2]) as master:
        for value in range(_TRIES):
            master.say(frame(_ABSENT, "06 0007 5555"))
            assert master.heard(0.03) == b""
            master.say(frame(0, f"06 0007 {value:04x}"))
            assert master.heard(0.03) == b""
            for slave_id in (_US, _OTHER, _US):
                answer = frame(slave_id, f"03 02 {value:04x}")
                assert master.ask(frame(slave_id, "03 0007 0001"), len(answer)) == answer
