"""umb's clients of pymodbus's server: every function code that it knows, on every transport."""

import pytest

from tests.interop.codes import KINDS, umb_client


@pytest.fixture(scope="module", params=KINDS)
def client(micropython, request):
    with umb_client(micropython, request.param) as remote:
        yield remote


@pytest.mark.parametrize("quantity", [1, 9, 1968])
def test_coils(client, quantity):
    bits = [int(i % 5 == 2) for i in range(quantity)]
    assert client.call(f"write_multiple_coils(17, 20, {bits})") == quantity
    assert client.call(f"read_coils(17, 20, {quantity})") == bits
    assert client.call("write_single_coil(17, 1999, 1)") == 1


@pytest.mark.parametrize(("start", "quantity"), [(0, 1), (5, 13), (0, 2000)])
def test_discrete_inputs(client, start, quantity):
    wanted = [int(i % 3 == 0) for i in range(start, start + quantity)]
    assert client.call(f"read_discrete_inputs(17, {start}, {quantity})") == wanted


@pytest.mark.parametrize("quantity", [1, 60, 123])
def test_registers(client, quantity):
    values = [(i * 521 + 40_000) & 0xFFFF for i in range(quantity)]
    assert client.call(f"write_multiple_registers(17, 5, {values})") == quantity
    assert client.call(f"read_holding_registers(17, 5, {quantity})") == values
    wanted = [300 * i for i in range(75, 200)]
    assert client.call("read_input_registers(17, 75, 125)") == wanted


def test_single_and_mask_write_register(client):
    assert client.call("write_single_register(17, 4, 0x12)") == 0x12
    assert client.call("mask_write_register(17, 4, 0xf2, 0x25)") is None
    assert client.call("read_holding_registers(17, 4, 1)") == [0x17]


def test_read_write_registers(client):
    values = list(range(121))
    call = f"read_write_multiple_registers(17, 10, 121, 10, {values})"
    assert client.call(call) == values


def test_exception_status(client):
    assert client.call("read_exception_status(17)") in range(256)


def test_diagnostics(client):
    assert client.call("diagnostics(17, 0, 0xa537)") == 0xA537
    assert client.call("diagnostics(17, 0, b'\\xa5\\x37')") == b"\xa5\x37"
    assert client.call("diagnostics(17, 10)") == 0
    for sub_function in (11, 12, 13, 14, 15, 16, 17, 18, 20):
        assert client.call(f"diagnostics(17, {sub_function})") in range(65536)
    assert client.call("diagnostics(17, 1, 0xff00)") == 0xFF00


def test_event_counter_and_log(client):
    status, events = client.call("get_comm_event_counter(17)")
    assert status in (0, 0xFFFF) and events in range(65536)
    status, events, messages, log = client.call("get_comm_event_log(17)")
    assert status == 0 and {events, messages} <= set(range(65536)) and len(log) <= 64


def test_server_id(client):
    assert client.call("report_server_id(17)") == b"Vendor-Code-1.0\xff"


def test_identity(client):
    wanted = {0: b"Vendor", 1: b"Code", 2: b"1.0"}
    assert client.call("read_device_identification(17)") == wanted
    assert client.call("read_device_identification(17, 4, 1)") == {1: b"Code"}
    assert client.outcome("read_device_identification(17, 4, 7)") == "IllegalDataAddressError"


def test_files(client):
    """pymodbus has no files: every record reads as the same 20 characters."""
    dummy = b"SERVER DUMMY RECORD."
    record = [int.from_bytes(dummy[i : i + 2], "big") for i in range(0, 20, 2)]
    assert client.call("read_file_record(17, [(4, 1, 10)])") == [record]
    assert client.call("read_file_record(17, [(4, 1, 10), (3, 0, 10)])") == [record] * 2
    assert client.outcome("read_file_record(17, [(4, 1, 9)])") == "BadReplyError"
    assert client.call("write_file_record(17, [(4, 7, [1, -1]), (3, 0, [65535])])") == 2


def test_queue(client):
    """Nor has it queues: each reads as these values."""
    assert client.call("read_fifo_queue(17, 0x4de)") == [0, 1, 2, 3]


def test_exceptions(client):
    for call in (
        "read_coils(17, 2000, 20)",
        "read_holding_registers(17, 200, 1)",
        "write_multiple_registers(17, 199, [1, 2])",
        "mask_write_register(17, 200, 0, 0)",
    ):
        assert client.outcome(call) == "IllegalDataAddressError"
    assert client.call("read_input_registers(17, 1, 1)") == [300]


def test_many_calls(client):
    for i in range(50):
        assert client.call(f"write_multiple_registers(17, {i}, [{i}, {2 * i}])") == 2
        assert client.call(f"read_holding_registers(17, {i}, 2)") == [i, 2 * i]
