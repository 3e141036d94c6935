"""UDPClient: datagrams that are lost, late, doubled, cut, or from somebody else."""

import socket
import threading

import pytest

from tests.conformance.slaves import UDPSlave, always, fine, in_turn, silent
from tests.interop.peer_remote import Failed, Remote
from tests.interop.peer_scripted import right
from tests.support.service import free_port

CALL = "read_holding_registers(17, 10, 2)"
VALUES = [70, 77]
OTHERS = "030400010002"


def client_of(micropython, address, **options):
    named = "".join(f", {name}={value!r}" for name, value in options.items())
    return Remote(
        micropython,
        f"from umb.client.udp import UDPClient\nclient = UDPClient({tuple(address)!r}{named})",
    )


@pytest.fixture
def slave():
    with UDPSlave() as running:
        running.script = fine
        yield running


@pytest.fixture
def client(micropython, slave):
    with client_of(micropython, slave.address, timeout_ms=5000, retries=0) as remote:
        yield remote


def test_calls(slave, client):
    for _ in range(20):
        assert client.call(CALL) == VALUES
    assert client.call("write_single_coil(17, 1, 1)") == 1
    assert client.call("request(17, b'B12')") == b"B12"
    assert len({request.transaction for request in slave.requests}) == 22


def test_lost_datagrams(slave, client):
    client.run("client.retries = 2; client.timeout_ms = 150")
    slave.script = in_turn(silent, silent, fine)
    assert client.call(CALL) == VALUES
    slave.script = silent
    assert client.outcome(CALL) == "NoReplyError"
    assert len(slave.requests) == 6
    assert {request.pdu.hex() for request in slave.requests} == {"03000a0002"}


def test_retries_are_the_default(micropython, slave):
    with client_of(micropython, slave.address) as client:
        client.run("client.timeout_ms = 100")
        slave.script = in_turn(silent, silent, fine)
        assert client.call(CALL) == VALUES


def test_every_answer_twice(slave, client):
    def twice(request):
        reply = request.reply(right(request.pdu))
        yield reply
        yield reply

    slave.script = twice
    for address in range(10):
        wanted = [7 * address]
        assert client.call(f"read_holding_registers(17, {address}, 1)") == wanted


def test_late_answers(slave, client):
    def late(request):
        yield 0.3
        yield request.reply(OTHERS)

    slave.script = in_turn(late, fine)
    client.run("client.timeout_ms = 100")
    assert client.outcome(CALL) == "NoReplyError"
    client.run("client.timeout_ms = 5000")
    assert client.call(CALL) == VALUES


_WRONG = {
    "transaction": lambda request: request.reply(OTHERS, behind=1),
    "slave id": lambda request: request.reply(OTHERS, slave_id=16),
    "protocol": lambda request: request.reply(OTHERS, protocol=1),
    "shorter": lambda request: request.reply(OTHERS, length=20),
    "longer": lambda request: request.reply(OTHERS) + b"\0",
    "cut": lambda request: request.reply(OTHERS)[:6],
    "too long": lambda request: request.reply(bytes(300), length=254),
    "nothing much": lambda _: b"\0",
}


@pytest.mark.parametrize("name", _WRONG)
def test_what_is_no_answer(slave, client, name):
    wrong = _WRONG[name]

    def first_wrong(request):
        yield wrong(request)
        yield from fine(request)

    slave.script = first_wrong
    assert client.call(CALL) == VALUES
    slave.script = lambda request: [wrong(request)]
    client.run("client.timeout_ms = 200")
    assert client.outcome(CALL) == "BadReplyError"
    slave.script = fine
    client.run("client.timeout_ms = 5000")
    assert client.call(CALL) == VALUES


def test_who_else_sends_is_not_heard(slave, client):
    """The port of the server alone is listened to."""
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def stranger_first(request):
        stranger.sendto(request.reply(OTHERS), slave.peer)
        yield 0.05
        yield from fine(request)

    slave.script = stranger_first
    assert client.call(CALL) == VALUES
    stranger.close()


def test_exceptions(slave, client):
    client.run("client.retries = 5")
    slave.script = always("8306")
    with pytest.raises(Failed) as raised:
        client.call(CALL)
    assert raised.value.error_code == 6
    assert len(slave.requests) == 1


def test_slave_0_is_a_device(slave, client):
    assert client.call("write_single_register(0, 1, 5)") == 5
    slave.script = always("8602")
    assert client.outcome("write_single_register(0, 1, 5)") == "IllegalDataAddressError"
    assert {request.slave_id for request in slave.requests} == {0}


def test_broadcast(micropython, slave):
    slave.script = silent
    with client_of(micropython, slave.address, broadcast=True, timeout_ms=5000) as client:
        assert client.call("write_single_register(0, 1, 5)") is None
        slave.script = fine
        assert client.call(CALL) == VALUES
        assert client.call("read_holding_registers(0, 10, 2)") == VALUES


def test_nobody_is_there(micropython):
    with client_of(micropython, ("127.0.0.1", free_port()), timeout_ms=200) as client:
        for _ in range(3):
            assert client.outcome(CALL) in ("NoConnectionError", "NoReplyError")


def test_somebody_comes(micropython):
    """A socket that was told of nobody there works when somebody is."""
    address = ("127.0.0.1", free_port())
    with client_of(micropython, address, timeout_ms=100, retries=0) as client:
        assert client.outcome(CALL) in ("NoConnectionError", "NoReplyError")
        with UDPSlave(address[1]) as slave:
            slave.script = fine
            client.run("client.timeout_ms = 5000")
            assert client.call(CALL) == VALUES


@pytest.mark.parametrize("timeout_ms", [50, 200, 1000])
def test_a_flood_keeps_the_time_out(slave, client, timeout_ms):
    """Of replies to something else, during the call and before the next one."""
    stop = threading.Event()

    def flooding(request):
        others = request.reply(OTHERS, behind=1)
        while not stop.is_set():
            yield others

    slave.script = flooding
    client.run(f"client.timeout_ms = {timeout_ms}; import time")
    client.run(_TOOK)
    try:
        for _ in range(2):
            name, took_ms = client.evaluate("took()")
            assert name == "BadReplyError"
            # Without an end the flood would keep it for ever; it takes a core, too.
            assert timeout_ms <= took_ms < timeout_ms + 1000
    finally:
        stop.set()


_TOOK = """
def took():
    start_ms = time.ticks_ms()
    try:
        client.read_holding_registers(17, 10, 2)
    except Exception as error:
        return type(error).__name__, time.ticks_diff(time.ticks_ms(), start_ms)
"""


def test_close(slave, client):
    for _ in range(2):
        assert client.call(CALL) == VALUES
        client.run("client.close(); client.close()")
    assert client.call(CALL) == VALUES
    assert len(slave.requests) == 3
