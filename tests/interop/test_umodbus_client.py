"""uModbus's client functions over plain sockets, and beside uModbus itself."""

import random
import signal
import sys
import time
from pathlib import Path

import pytest
import umodbus
from umodbus.client import tcp as their_tcp
from umodbus.client.serial import rtu as their_rtu

from tests.interop.peer_remote import Failed, Remote
from tests.interop.peer_scripted import CLOSE, RESET, ScriptedServer, always, good
from tests.mpy.support.client_calls import BAD_RESPONSES, CALLS
from tests.support.service import Service, free_port

_SERVER = Path(__file__).with_name("peer_umodbus.py")
_SETUP = """
from umb.umodbus import conf
from umb.umodbus.client import tcp
from umb.umodbus.client.serial import rtu
from umb.umodbus.socket import create_connection

def connect(host, port, timeout_s):
    global sock
    sock = create_connection((host, port), timeout_s)

def signed(values_are_signed):
    conf.SIGNED_VALUES = values_are_signed
"""
_READ = "read_holding_registers(1, 10, 2)"
# uModbus takes values of one sign at a time, and has neither FC 8, 22 and 23 nor request().
_NOT_THEIRS = ("diagnostics", "mask_write", "read_write", "request")
_ROWS = [row for row in CALLS if not row[0].startswith(_NOT_THEIRS)]
_BAD_RESPONSES = [row for row in BAD_RESPONSES if not row[1].startswith(_NOT_THEIRS)]


@pytest.fixture(scope="module")
def remote(micropython):
    with Remote(micropython, _SETUP) as one:
        yield one


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


def send(remote, call):
    """Return what send_message() makes of a call."""
    return remote.evaluate(f"tcp.send_message(tcp.{call}, sock)")


def outcome(remote, call=_READ):
    """Return what send_message() makes of a call, or the name of what it raises."""
    try:
        return send(remote, call)
    except Failed as failure:
        return failure.name


def made_by_uModbus(call, signed=False):
    """Return the ADUs that uModbus makes of a call, for TCP and for RTU."""
    umodbus.conf.SIGNED_VALUES = signed
    try:
        return [eval(f"place.{call}", {"place": place}) for place in (their_tcp, their_rtu)]
    finally:
        umodbus.conf.SIGNED_VALUES = False


def compare_adus(remote, call, signed):
    """Check that a call makes the ADUs that uModbus makes."""
    tcp, rtu = made_by_uModbus(call, signed)
    remote.run(f"signed({signed})")
    assert remote.evaluate(f"rtu.{call}") == rtu
    assert remote.evaluate(f"tcp.{call}")[2:] == tcp[2:]  # behind the transaction id
    remote.run("signed(False)")


@pytest.mark.parametrize("call", [row[0] for row in _ROWS])
def test_adus_are_uModbus_own(remote, call):
    compare_adus(remote, call, "-" in call)


def any_call(rng):
    """Return a call that uModbus accepts, with values of one sign, and whether that is signed."""
    signed = rng.random() < 0.5
    name = rng.choice(("coils", "discrete_inputs", "holding_registers", "input_registers"))
    slave_id, address = rng.randrange(256), rng.choice((0, rng.randrange(60_000)))
    low, high = (-32768, 32767) if signed else (0, 65535)
    calls = (
        f"read_{name}({slave_id}, {address}, {rng.randint(1, 125)})",
        f"write_single_coil({slave_id}, {address}, {rng.getrandbits(1)})",
        f"write_single_register({slave_id}, {address}, {rng.randint(low, high)})",
        f"write_multiple_coils({slave_id}, {address}, "
        f"{rng.choices((0, 1), k=rng.randint(1, 1968))})",
        f"write_multiple_registers({slave_id}, {address}, "
        f"{[rng.randint(low, high) for _ in range(rng.randint(1, 123))]})",
    )
    return rng.choice(calls), signed


def test_any_adu_is_uModbus_own(remote):
    rng = random.Random(1)
    for _ in range(300):
        compare_adus(remote, *any_call(rng))


def test_signed_values_are_off_whatever_the_environment_says(micropython, monkeypatch):
    monkeypatch.setenv("UMODBUS_SIGNED_VALUES", "0")
    with Remote(micropython, "from umb.umodbus import conf") as one:
        assert one.evaluate("conf.SIGNED_VALUES") is False


def test_against_uModbus_server(remote):
    port = free_port()
    service = Service([sys.executable, _SERVER, port])
    try:
        service.wait_for("ready")
        remote.run(f"connect('127.0.0.1', {port}, 20)")
        assert send(remote, "write_multiple_coils(1, 1, [1, 0, 1, 1])") == 4
        assert send(remote, "read_coils(1, 0, 6)") == [0, 1, 0, 1, 1, 0]
        assert send(remote, "write_single_coil(1, 2, 1)") == 1
        assert send(remote, "read_discrete_inputs(1, 0, 4)") == [1, 0, 0, 1]
        assert send(remote, "write_multiple_registers(1, 5, [1, 2, 65535])") == 3
        assert send(remote, "write_single_register(1, 8, 40000)") == 40000
        assert send(remote, "read_holding_registers(1, 5, 4)") == [1, 2, 65535, 40000]
        assert send(remote, "read_input_registers(1, 100, 2)") == [30000, 30300]
        assert outcome(remote, "read_coils(1, 2000, 1)") == "IllegalDataAddressError"
        assert outcome(remote, "read_holding_registers(1, 190, 1)") == "ServerDeviceFailureError"
        assert send(remote, "read_input_registers(1, 1, 1)") == [300]
    finally:
        service.end(signal.SIGKILL)


@pytest.mark.parametrize("row", _ROWS)
def test_send_message(remote, server, row):
    call, pdu, response, result = row
    remote.run(f"connect('127.0.0.1', {server.port}, 20)\nsigned({'-' in call})")
    server.script = always(response)
    assert send(remote, call) == result
    assert server.pdus() == [pdu]
    remote.run("signed(False)")


def test_send_message_bad_responses(remote, server):
    remote.run(f"connect('127.0.0.1', {server.port}, 20)")
    for _, call, response in _BAD_RESPONSES:
        server.script = always(response)
        assert outcome(remote, call) == "BadReplyError"
        server.script = good
        assert send(remote, _READ) == [70, 77]


def test_send_message_exceptions(remote, server):
    remote.run(f"connect('127.0.0.1', {server.port}, 20)")
    for code in (1, 2, 7, 12, 255):
        server.script = always(f"83{code:02x}")
        with pytest.raises(Failed) as raised:
            send(remote, _READ)
        assert raised.value.error_code == code


def silent(_):
    yield b""


def half(request):
    yield request.reply("030400460047")[:10]


def close(_):
    yield CLOSE


def close_in_the_middle(request):
    yield request.reply("030400460047")[:9]
    yield CLOSE


def reset(_):
    yield RESET


def wrong_protocol(request):
    yield request.reply("030400460047", protocol=1)


def too_long(request):
    yield request.reply("030400460047", length=255)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (silent, "NoReplyError"),
        (half, "NoReplyError"),
        (close, "NoConnectionError"),
        (close_in_the_middle, "NoConnectionError"),
        (reset, "NoConnectionError"),
        (wrong_protocol, "BadReplyError"),
        (too_long, "BadReplyError"),
    ],
)
def test_send_message_tells_what_went_wrong(remote, server, script, name):
    timeout_s = 0.3 if name == "NoReplyError" else 20
    remote.run(f"connect('127.0.0.1', {server.port}, {timeout_s})")
    server.script = script
    assert outcome(remote) == name


def test_send_message_drops_answers_to_something_else(remote, server):
    def script(request):
        yield request.reply("030411112222", behind=1)
        yield request.reply("8302", slave_id=9)
        for byte in request.reply("03040046004d"):
            yield bytes((byte,))
        yield request.reply("030411112222")

    remote.run(f"connect('127.0.0.1', {server.port}, 20)")
    server.script = script
    for _ in range(3):
        assert send(remote, _READ) == [70, 77]


def test_a_connection_that_is_lost(remote, server):
    remote.run(f"connect('127.0.0.1', {server.port}, 20)")
    assert send(remote, _READ) == [70, 77]
    server.stop()
    for _ in range(3):
        assert outcome(remote) == "NoConnectionError"


def test_a_flood_of_other_answers_ends(remote, server):
    """Whatever comes, it does not keep the caller for ever."""

    def flood(request):
        for i in range(2000):
            yield request.reply("030411112222", behind=i + 1)

    remote.run(f"connect('127.0.0.1', {server.port}, 1)")
    server.script = flood
    began = time.monotonic()
    assert outcome(remote) == "BadReplyError"
    assert time.monotonic() - began < 1


def test_create_connection(remote, server):
    remote.run(f"with create_connection(('localhost', {server.port})) as sock: pass")
    remote.run(f"with create_connection(('127.0.0.1', {server.port})) as sock:\n  a = sock")
    assert outcome(remote) == "NoConnectionError"  # the block has closed it
    server.stop()
    with pytest.raises(Failed) as raised:
        remote.run(f"create_connection(('127.0.0.1', {server.port}))")
    assert raised.value.name == "OSError"
