"""What a client must do, over each transport, when a slave does not do as it should."""

import pytest

from tests.conformance.clients import CALL, VALUES
from tests.conformance.slaves import WRONG, always, fine, in_turn, late
from tests.interop.peer_remote import Failed

_NAMES = {1: "IllegalFunctionError", 2: "IllegalDataAddressError", 3: "IllegalDataValueError"}
_NAMES.update({4: "ServerDeviceFailureError", 5: "AcknowledgeError", 6: "ServerDeviceBusyError"})
_NAMES.update({8: "MemoryParityError", 10: "GatewayPathUnavailableError"})
_NAMES.update({11: "GatewayTargetDeviceFailedToRespondError"})


@pytest.mark.parametrize("code", [*range(1, 13), 42, 128, 255])
def test_013_exceptions(client, code):
    for call, first in ((CALL, 0x83), ("write_single_coil(17, 1, 1)", 0x85)):
        client.slave.script = always(bytes([first, code]))
        with pytest.raises(Failed) as raised:
            client.call(call)
        assert raised.value.error_code == code
        assert raised.value.name == _NAMES.get(code, "ModbusError")
    assert client.is_right()


@pytest.mark.parametrize(("pdu", "bits"), [("0101ff", [1] * 3), ("0101f8", [0] * 3)])
def test_018_padding_of_bits(client, pdu, bits):
    client.slave.script = always(pdu)
    assert client.call("read_coils(17, 0, 3)") == bits


def objects(*some, more=0, following=0, code=3):
    """Return a response PDU with these objects."""
    head = bytes([43, 14, code, 0x83, more, following, len(some)])
    return head + b"".join(bytes([number, len(value)]) + value for number, value in some)


def test_092_more_follows(client):
    client.slave.script = in_turn(
        always(objects((0, b"A" * 100), (1, b"B"), more=0xFF, following=2)),
        always(objects((2, b"C" * 200), more=0xFF, following=0x80)),
        always(objects((0x80, b""), (0xFF, b"D"))),
    )
    wanted = {0: b"A" * 100, 1: b"B", 2: b"C" * 200, 0x80: b"", 0xFF: b"D"}
    assert client.call("read_device_identification(17, 3)") == wanted
    asked = [request.pdu for request in client.slave.requests]
    assert asked == [bytes([43, 14, 3, i]) for i in (0, 2, 0x80)]


@pytest.mark.parametrize("following", [0, 1, 2])
def test_092_a_server_that_never_advances(client, following):
    client.slave.script = always(objects((1, b"A"), (2, b"B"), more=0xFF, following=following))
    assert client.outcome("read_device_identification(17, 3)") == "BadReplyError"
    assert len(client.slave.requests) == 1
    client.slave.script = always(objects(more=0xFF, following=9))
    assert client.outcome("read_device_identification(17, 3)") == "BadReplyError"
    assert client.is_right()


@pytest.mark.parametrize(
    "pdu", ["040400010002", "0304000100", "03050001000200", "8402", "00", "03"]
)
def test_133_another_function_code_or_length(client, pdu):
    client.slave.script = always(pdu)
    client.run("client.timeout_ms = 300")
    assert client.outcome(CALL) == "BadReplyError"
    assert client.is_right()


def test_134_a_late_reply_comes_before_the_next_call(client):
    client.slave.script = late
    client.run("client.timeout_ms = 100; import time")
    assert client.outcome(CALL) == "NoReplyError"
    client.run("time.sleep_ms(400)")
    assert client.is_right()


def test_133_transactions_differ(network_client):
    for _ in range(50):
        assert network_client.call(CALL) == VALUES
    assert len({request.transaction for request in network_client.slave.requests}) == 50


_OTHERS = {"behind": 1, "slave_id": 18}


@pytest.mark.parametrize("name", _OTHERS)
def test_133_replies_to_something_else(network_client, name):
    def first_another(request):
        yield request.reply(WRONG, **{name: _OTHERS[name]})
        yield 0.02
        yield from fine(request)

    network_client.slave.script = first_another
    assert network_client.call(CALL) == VALUES
    network_client.slave.script = lambda request: [request.reply(WRONG, **{name: _OTHERS[name]})]
    network_client.run("client.timeout_ms = 300")
    assert network_client.outcome(CALL) == "BadReplyError"
    assert network_client.is_right()


def test_133_another_protocol(network_client):
    network_client.slave.script = lambda request: [request.reply(WRONG, protocol=1)]
    network_client.run("client.timeout_ms = 300")
    assert network_client.outcome(CALL) == "BadReplyError"
    assert network_client.is_right()


def test_134_a_late_reply_comes_while_the_next_call_waits(network_client):
    network_client.slave.script = in_turn(late, fine)
    network_client.run("client.timeout_ms = 100")
    assert network_client.outcome(CALL) == "NoReplyError"
    network_client.run("client.timeout_ms = 5000")
    assert network_client.call(CALL) == VALUES


def test_035_another_sub_function(client):
    client.slave.script = always("08000c0007")
    assert client.call("diagnostics(17, 12)") == 7
    for call in ("diagnostics(17, 11)", "diagnostics(17, 0, 7)", "diagnostics(17, 0, b'\\0\\7')"):
        assert client.outcome(call) == "BadReplyError"
