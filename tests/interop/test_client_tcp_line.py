"""TCPClient's connection: made when needed, made again; retries; broadcasts; very many calls."""

import socket
import threading
import time

import pytest

from tests.interop.peer_remote import Failed, tcp_client
from tests.interop.peer_scripted import CLOSE, ScriptedServer, good, right
from tests.interop.probe import probe_server
from tests.mpy.support.client_calls import BROADCASTS
from tests.support.service import free_port

_READ = "read_holding_registers(1, 10, 2)"
_VALUES = [70, 77]


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def client(micropython, server):
    with tcp_client(micropython, server.address, timeout_ms=10_000) as one:
        yield one


def silent(_):
    yield b""


def in_turn(*scripts):
    """Return a script that is each of these for one request, then the last one."""
    left = list(scripts)

    def script(request):
        return (left.pop(0) if len(left) > 1 else left[0])(request)

    return script


def test_connects_when_first_used(server, client):
    assert server.connections == 0
    for _ in range(5):
        assert client.call(_READ) == _VALUES
    assert server.connections == 1


def test_close(server, client):
    ended = []

    def script(request):
        yield request.reply(right(request.pdu))
        ended.append(request)

    server.script = script
    client.run("client.close()")
    for n in (1, 2, 3):
        assert client.call(_READ) == _VALUES
        assert server.connections == n
        client.run("client.close()")
        server.wait_until(lambda: not server.connected, "the client does not hang up")
        client.run("client.close()")
    assert len(ended) == 3


def test_transactions_differ(server, client):
    for _ in range(20):
        client.call(_READ)
    assert len({request.transaction for request in server.requests}) == 20


def test_a_server_that_goes_away_and_comes_back(server, client):
    assert client.call(_READ) == _VALUES
    for _ in range(3):
        server.stop()
        for _ in range(3):
            assert client.outcome(_READ) == "NoConnectionError"
        server.start()
        for _ in range(3):
            assert client.call(_READ) == _VALUES


def closing(_):
    yield CLOSE


def test_a_server_that_goes_away_in_the_middle(server, client):
    """One more try is free on a connection that was used before; then the call fails."""
    server.script = in_turn(good, closing, good)
    assert [client.outcome(_READ) for _ in range(4)] == [_VALUES] * 4
    assert server.connections == 2
    server.script = in_turn(closing, closing, good)
    assert [client.outcome(_READ) for _ in range(3)] == ["NoConnectionError", _VALUES, _VALUES]
    assert server.connections == 4


def test_a_server_that_closes_after_each_answer(server, client):
    def script(request):
        yield request.reply(right(request.pdu))
        yield 0.01
        yield CLOSE

    server.script = script
    for i in range(20):
        assert client.call(f"read_holding_registers(1, {i}, 1)") == [7 * i]
    assert server.connections == 20


def test_a_device_that_hangs_on_one_connection(server, client):
    hanging = []

    def script(request):
        if server.connections in (1, 2):
            hanging.append(request)
            yield b""
        else:
            yield from good(request)

    server.script = script
    client.run("client.timeout_ms = 200")
    assert [client.outcome(_READ) for _ in range(4)] == ["NoReplyError"] * 2 + [_VALUES] * 2
    assert (len(hanging), server.connections) == (2, 3)


@pytest.mark.parametrize("how", ["retries", "a loop"])
def test_a_server_that_closes_at_once(server, client, how):
    """Attempts to connect are further apart each time."""
    server.script = closing
    client.run("client.timeout_ms = 2000")
    started = time.monotonic()
    if how == "retries":
        client.run("client.retries = 4")
        assert client.outcome(_READ) == "NoConnectionError"
    else:
        for _ in range(5):
            assert client.outcome(_READ) == "NoConnectionError"
    assert server.connections == 5
    assert 1.4 < time.monotonic() - started < 10


def test_a_call_waits_no_longer_than_its_time_out(client, server):
    server.stop()
    client.run("client.timeout_ms = 300")
    outcomes = []
    for _ in range(8):
        started = time.monotonic()
        with pytest.raises(Failed) as raised:
            client.call(_READ)
        assert raised.value.name == "NoConnectionError"
        assert time.monotonic() - started < 5
        outcomes.append(raised.value.text)
    assert all(f"127.0.0.1:{server.port}" in text for text in outcomes)
    assert "the next attempt is due in" in outcomes[-1]


def test_nobody_listens(micropython):
    with tcp_client(micropython, ("127.0.0.1", free_port()), retries=2) as client:
        got, took_s = client.timed(_READ)
        assert (got, took_s < 10) == ("NoConnectionError", True)


def test_an_address_that_is_none(micropython):
    with tcp_client(micropython, ("not a host", 502)) as client:
        assert client.outcome(_READ) == "NoConnectionError"


def test_a_server_that_accepts_nobody(micropython):
    """Its queue is full: what else wants to connect gets no answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        others = [socket.socket() for _ in range(3)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        with tcp_client(micropython, listener.getsockname(), timeout_ms=300) as client:
            got, took_s = client.timed(_READ)
            assert got == "NoConnectionError"
            assert 0.25 < took_s < 10
        for other in others:
            other.close()


def test_timeout_is_kept(server, client):
    server.script = silent
    for timeout_ms in (50, 300):
        client.run(f"client.timeout_ms = {timeout_ms}")
        got, took_s = client.timed(_READ)
        assert got == "NoReplyError"
        assert timeout_ms / 1000 - 0.02 < took_s < 10


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_without_an_answer(server, client, retries):
    server.script = silent
    client.run(f"client.retries = {retries}; client.timeout_ms = 60")
    assert client.outcome(_READ) == "NoReplyError"
    server.wait_until(lambda: len(server.requests) > retries, "it does not ask again")
    assert server.pdus() == ["03000a0002"] * (retries + 1)
    assert len({request.transaction for request in server.requests}) == retries + 1


@pytest.mark.parametrize("bad", ["040400460047", "0302", "83"])
def test_retries_after_bad_answers(server, client, bad):
    def wrong(request):
        yield request.reply(bad)

    server.script = wrong
    client.run("client.retries = 2")
    assert client.outcome(_READ) == "BadReplyError"
    assert len(server.requests) == 3
    server.script = in_turn(wrong, wrong, good)
    assert client.outcome(_READ) == _VALUES
    assert len(server.requests) == 6


def test_retries_after_lost_connections(server, client):
    client.run("client.retries = 2")
    server.script = in_turn(closing, lambda _: iter([b"\0", CLOSE]), good)
    assert client.call(_READ) == _VALUES
    assert (len(server.requests), server.connections) == (3, 3)


def test_exceptions_are_not_retried(server, client):
    client.run("client.retries = 5")
    for code in (2, 4, 5, 6, 11):

        def script(request, code=code):
            yield request.reply(bytes((0x83, code)))

        server.requests.clear()
        server.script = script
        with pytest.raises(Failed) as raised:
            client.call(_READ)
        assert raised.value.error_code == code
        assert len(server.requests) == 1


def test_the_late_answer_to_the_first_try(server, client):
    """It comes while the second try waits: the second answer is the one that counts."""

    def late(request):
        yield 0.8
        yield request.reply("030411112222")

    client.run("client.retries = 1; client.timeout_ms = 500")
    server.script = in_turn(late, good)
    assert client.call(_READ) == _VALUES


_INTERRUPTED = """
def ask():
    try:
        return client.read_holding_registers(1, 10, 2)
    except KeyboardInterrupt:
        return "interrupted"
client.ask = ask
"""


def test_an_interrupt(server, client):
    """Ctrl-C while a call waits; the answer that comes then is not the next call's."""

    def late(request):
        server.asked.set()
        server.interrupted.wait(20)
        yield request.reply("030411112222")

    server.asked, server.interrupted = threading.Event(), threading.Event()
    server.script = in_turn(late, good)
    client.run(_INTERRUPTED)
    client.start("ask()")
    assert server.asked.wait(20)
    client.interrupt()
    assert client.finish() == "interrupted"
    server.interrupted.set()
    for _ in range(3):
        assert client.call(_READ) == _VALUES


@pytest.mark.parametrize(("call", "pdu"), BROADCASTS)
def test_slave_0_is_a_device(server, client, call, pdu):
    """Over a network it answers (TCP Guide 4.4.2.1), and may refuse."""
    wanted = eval(call.rpartition(", ")[2].strip("[])"))
    if "mask" in call:
        wanted = None
    elif "multiple" in call:
        wanted = 1
    assert client.call(call) == wanted
    server.script = lambda request: iter([request.reply(bytes((request.pdu[0] | 0x80, 2)))])
    assert client.outcome(call) == "IllegalDataAddressError"
    server.script = silent
    client.run("client.timeout_ms = 100")
    assert client.outcome(call) == "NoReplyError"
    assert server.pdus() == [pdu] * 3
    assert {request.slave_id for request in server.requests} == {0}


@pytest.mark.parametrize(("call", "pdu"), BROADCASTS)
@pytest.mark.parametrize("script", [silent, good])
def test_broadcasts(micropython, server, call, pdu, script):
    """Asked for, no answer is awaited; one that comes nevertheless does no harm."""
    server.script = script
    with tcp_client(micropython, server.address, timeout_ms=10_000, broadcast=True) as client:
        got, took_s = client.timed(call)
        assert got is None and took_s < 5
        server.wait_until(lambda: server.requests, "the broadcast did not come")
        assert server.pdus() == [pdu] and server.requests[0].slave_id == 0
        server.script = good
        assert client.call(_READ) == _VALUES
        assert client.call("read_coils(0, 0, 1)") == [1], "a read is no broadcast"


_MANY = """
def many(n):
    values = [0]
    for i in range(n):
        client.read_input_registers(1, i % 200, 1, into=values)
        if values[0] != 300 * (i % 200):
            return "%d: %s" % (i, values)
    return n
"""


def test_70000_requests_on_one_connection(micropython):
    """Transaction ids are 16 bits."""
    with probe_server(micropython) as server, tcp_client(micropython, server.address) as client:
        client.run("client.timeout_ms = 10_000")
        client.run(_MANY)
        assert client.evaluate("many(70_000)") == 70_000
        assert client.call("read_input_registers(1, 1, 2)") == [300, 600]


def test_why_there_is_no_connection(micropython):
    """What a network itself says of it: nobody listens, and a host that there is not."""
    for address, why in (
        (("127.0.0.1", free_port()), "refused"),
        (("no-such-host.invalid", 502), "no such host"),
    ):
        with (
            tcp_client(micropython, address) as client,
            pytest.raises(Failed, match=f"NoConnectionError.*{address[0]}:{address[1]}: {why}"),
        ):
            client.call(_READ)
