"""pymodbus's client: every function code that it knows, on every transport."""

import time

import pytest
from pymodbus.pdu.file_message import FileRecord

from tests.conformance.bench import run_bench
from tests.conformance.device import OBJECTS
from tests.interop.codes import KINDS, Asking, pymodbus_client


@pytest.fixture(scope="module")
def bench(micropython):
    with run_bench(micropython) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def client(bench, kind):
    with pymodbus_client(kind, bench) as one:
        yield Asking(one)


@pytest.mark.parametrize("quantity", [1, 8, 9, 1968])
def test_coils(client, quantity):
    bits = [i % 5 == quantity % 5 for i in range(quantity)]
    client.write_coils(3, bits)
    assert client.read_coils(3, count=quantity).bits[:quantity] == bits


def test_single_coil(client):
    for value in (True, False, True):
        client.write_coil(1999, value)
        assert client.read_coils(1999, count=1).bits[0] == value


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (5, 13), (0, 2000)])
def test_discrete_inputs(client, start, quantity):
    bits = client.read_discrete_inputs(start, count=quantity).bits[:quantity]
    assert bits == [i % 3 == 0 for i in range(start, start + quantity)]


@pytest.mark.parametrize("quantity", [1, 2, 123])
def test_registers(client, quantity):
    values = [(i * 521 + 40_000) & 0xFFFF for i in range(quantity)]
    client.write_registers(200 - quantity, values)
    assert client.read_holding_registers(200 - quantity, count=quantity).registers == values
    assert len(client.read_input_registers(0, count=125).registers) == 125


def test_single_and_mask_write_register(client):
    assert client.write_register(4, 0x12).registers == [0x12]
    client.mask_write_register(address=4, and_mask=0xF2, or_mask=0x25)
    assert client.read_holding_registers(4, count=1).registers == [0x17]


def test_read_write_registers(client):
    client.write_registers(10, [1, 2, 3, 4, 5])
    where = {"read_address": 10, "read_count": 5, "write_address": 12}
    assert client.readwrite_registers(**where, values=[7, 8]).registers == [1, 2, 7, 8, 5]
    where = {"read_address": 0, "read_count": 125, "write_address": 4}
    values = list(range(121))
    assert client.readwrite_registers(**where, values=values).registers[4:] == values


def test_exception_status(client):
    assert client.read_exception_status().status == 0x6D


def test_diagnostics(client):
    client.diag_restart_communication(False)
    assert client.diag_query_data(msg=b"\xa5\x37").message == b"\xa5\x37"
    assert client.diag_read_diagnostic_register().message in (0x1234, 0)
    client.diag_clear_counters()
    assert client.diag_read_diagnostic_register().message == 0
    assert client.refused("read_coils", 2000) == 2
    assert client.diag_read_bus_message_count().message == 3
    assert client.diag_read_bus_comm_error_count().message == 0
    assert client.diag_read_bus_exception_error_count().message == 1
    assert client.diag_read_device_message_count().message == 6
    assert client.diag_read_device_no_response_count().message == 0
    assert client.diag_read_device_nak_count().message == 0
    assert client.diag_read_device_busy_count().message == 0
    assert client.diag_read_bus_char_overrun_count().message == 0
    client.diag_clear_overrun_counter()
    client.diag_restart_communication(True)


def test_diagnostics_that_are_not_standard(client):
    assert client.refused("diag_read_iop_overrun_count") == 1
    assert client.refused("diag_getclear_modbus_response") == 1


def test_event_counter_and_log(client):
    client.diag_restart_communication(True)
    client.read_coils(0)
    client.refused("read_coils", 2000)
    assert client.diag_get_comm_event_counter().count == 1
    log = client.diag_get_comm_event_log()
    assert (log.status, log.event_count, log.message_count) == (True, 1, 4)
    assert log.events == [0x80, 0x40, 0x80, 0x41, 0x80, 0x40, 0x80, 0]


def test_listen_only(client):
    client.diag_restart_communication(True)
    client.unanswered("diag_force_listen_only")
    time.sleep(0.02)
    client.unanswered("read_coils", 0)
    time.sleep(0.02)
    client.unanswered("diag_restart_communication", False)
    time.sleep(0.02)
    assert client.diag_get_comm_event_log().events == [0x80, 0, 0xA0, 0xA0, 4, 0x80, 0]


def test_server_id(client):
    response = client.report_device_id()
    assert (response.identifier[:3], response.status) == (b"umb", True)


def test_files(client):
    record = FileRecord(file_number=4, record_number=7, record_data=b"\x00\x01\xff\xfe")
    other = FileRecord(file_number=3, record_number=9999, record_data=b"\x12\x34")
    client.write_file_record(records=[record, other])
    wanted = [
        FileRecord(file_number=4, record_number=7, record_length=4),
        FileRecord(file_number=3, record_number=9999, record_length=2),
    ]
    got = client.read_file_record(records=wanted).records
    assert [one.record_data for one in got] == [record.record_data, other.record_data]
    missing = [FileRecord(file_number=9, record_number=7, record_length=4)]
    assert client.refused("read_file_record", records=missing) == 2


@pytest.mark.parametrize("kind", ["TCP", "UDP", "ASCII"], indirect=True)
def test_queue(client):
    """Of an RTU frame pymodbus reads two bytes too few: see test_rtu_pymodbus.py."""
    assert client.read_fifo_queue(address=0x04DE).values == [0x01B8, 0x1284]
    assert client.read_fifo_queue(address=0).values == []
    assert client.read_fifo_queue(address=2).values == list(range(31))
    assert client.refused("read_fifo_queue", address=1) == 3
    assert client.refused("read_fifo_queue", address=77) == 2


@pytest.mark.parametrize("code", [1, 2, 3])
def test_identity(client, code):
    found, first, more = {}, 0, 0xFF
    while more:
        response = client.read_device_information(read_code=code, object_id=first)
        found.update(response.information)
        more, first = response.more_follows, response.next_object_id
        assert response.conformity == 0x83
    last = (2, 6, 255)[code - 1]
    assert found == {number: OBJECTS[number] for number in OBJECTS if number <= last}


def test_single_objects(client):
    for number, value in OBJECTS.items():
        response = client.read_device_information(read_code=4, object_id=number)
        assert response.information == {number: value}
    assert client.refused("read_device_information", read_code=4, object_id=7) == 2


@pytest.mark.parametrize(
    ("call", "named", "code"),
    [
        ("read_coils", {"address": 1999, "count": 2}, 2),
        ("read_input_registers", {"address": 200}, 2),
        ("write_register", {"address": 200, "value": 1}, 2),
        ("write_registers", {"address": 199, "values": [1, 2]}, 2),
        ("read_holding_registers", {"address": 300}, 4),
        ("read_holding_registers", {"address": 301}, 6),
        ("read_holding_registers", {"address": 303}, 7),
        ("write_register", {"address": 1, "value": 0xDEAD}, 3),
    ],
)
def test_exceptions(client, call, named, code):
    assert client.refused(call, **named) == code
