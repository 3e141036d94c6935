"""TCPClient and a server that misbehaves: every answer is checked, and the next call is right."""

import pytest

from tests.interop.peer_remote import tcp_client
from tests.interop.peer_scripted import CLOSE, RESET, ScriptedServer, always, good, right
from tests.mpy.support.client_calls import BAD_RESPONSES

_SHORT_MS = 200
_LONG_MS = 20_000
_READ = "read_holding_registers(1, 10, 2)"
_ANSWER = "03040046004d"
_VALUES = [70, 77]


@pytest.fixture(scope="module")
def pair(micropython):
    with ScriptedServer() as server, tcp_client(micropython, server.address) as client:
        yield server, client


@pytest.fixture
def server(pair):
    pair[0].requests.clear()
    return pair[0]


@pytest.fixture
def client(pair):
    pair[1].run("client.close()")
    return pair[1]


def outcome(server, client, script, call=_READ, timeout_ms=_LONG_MS):
    """Return what a call gives against this script."""
    server.script = script
    client.run(f"client.timeout_ms = {timeout_ms}")
    return client.outcome(call)


def next_is_right(server, client):
    """Check that calls give the right results from now on, of a server that behaves."""
    assert outcome(server, client, good) == _VALUES
    assert client.outcome("read_coils(1, 3, 4)") == [1, 0, 0, 1]
    assert client.outcome("write_single_register(1, 5, 6)") == 6
    assert client.outcome("read_input_registers(1, 1, 3)") == [7, 14, 21]


@pytest.mark.parametrize(
    ("call", "response"), [row[1:] for row in BAD_RESPONSES], ids=[row[0] for row in BAD_RESPONSES]
)
def test_bad_responses(server, client, call, response):
    connections = server.connections
    assert outcome(server, client, always(response), call) == "BadReplyError"
    next_is_right(server, client)
    assert server.connections == connections + 1, "this was no reason to connect anew"


_STRAY = {  # frames that are no answer to what was asked: dropped
    "another transaction": {"behind": 1},
    "a later transaction": {"behind": -1},
    "a far transaction": {"behind": 0x100},
    "another slave": {"slave_id": 2},
    "slave 0": {"slave_id": 0},
}


@pytest.mark.parametrize("wrong", _STRAY.values(), ids=_STRAY)
def test_answers_to_something_else(server, client, wrong):
    """They are dropped and waiting goes on, till the time is up."""

    def script(request):
        yield request.reply(_ANSWER, **wrong)

    assert outcome(server, client, script, timeout_ms=_SHORT_MS) == "BadReplyError"
    next_is_right(server, client)


@pytest.mark.parametrize("wrong", _STRAY.values(), ids=_STRAY)
def test_the_answer_after_answers_to_something_else(server, client, wrong):
    def script(request):
        for _ in range(3):
            yield request.reply("030411112222", **wrong)
            yield request.reply("8304", **wrong)
        yield request.reply(_ANSWER)

    assert outcome(server, client, script) == _VALUES
    next_is_right(server, client)


_NO_FRAMES = {
    "protocol id 1": {"protocol": 1},
    "protocol id 256": {"protocol": 256},
    "length 0": {"length": 0},
    "length 1": {"length": 1},
    "length 255": {"length": 255},
    "length 300": {"length": 300},
    "length 65535": {"length": 65535},
}


@pytest.mark.parametrize("wrong", _NO_FRAMES.values(), ids=_NO_FRAMES)
def test_what_is_no_frame(server, client, wrong):
    """Nobody can tell where the next frame begins: the connection is given up."""

    def script(request):
        yield request.reply(_ANSWER, **wrong)
        yield 0.05

    connections = server.connections
    assert outcome(server, client, script) == "BadReplyError"
    next_is_right(server, client)
    assert server.connections == connections + 2


def test_text(server, client):
    def script(_):
        yield b"HTTP/1.1 400 Bad Request\r\n\r\n"

    assert outcome(server, client, script) == "BadReplyError"
    next_is_right(server, client)


@pytest.mark.parametrize("at", range(1, 13))
def test_a_frame_in_two_pieces(server, client, at):
    def script(request):
        frame = request.reply(right(request.pdu))
        yield frame[:at]
        yield 0.02
        yield frame[at:]

    assert outcome(server, client, script) == _VALUES
    assert client.call(_READ) == _VALUES


def test_a_frame_byte_by_byte(server, client):
    def script(request):
        for byte in request.reply(right(request.pdu)):
            yield bytes((byte,))
            yield 0.002

    call = "read_input_registers(1, 3, 20)"
    assert outcome(server, client, script, call) == [7 * i for i in range(3, 23)]
    assert client.call(_READ) == _VALUES


@pytest.mark.parametrize("quantity", [123, 124, 125])
def test_most_registers(server, client, quantity):
    wanted = [7 * i for i in range(quantity)]
    for name in ("holding", "input"):
        assert outcome(server, client, good, f"read_{name}_registers(1, 0, {quantity})") == wanted
    next_is_right(server, client)


@pytest.mark.parametrize("quantity", [1976, 1999, 2000])
def test_most_bits(server, client, quantity):
    wanted = [int(i % 3 == 0) for i in range(quantity)]
    assert outcome(server, client, good, f"read_coils(1, 0, {quantity})") == wanted
    assert client.call(f"read_discrete_inputs(1, 0, {quantity})") == wanted
    next_is_right(server, client)


def test_padding_bits_are_nobodys(server, client):
    assert outcome(server, client, always("0101ff"), "read_coils(1, 0, 3)") == [1, 1, 1]


def test_silence(server, client):
    def script(_):
        yield b""

    assert outcome(server, client, script, timeout_ms=_SHORT_MS) == "NoReplyError"
    next_is_right(server, client)


@pytest.mark.parametrize("n", [1, 6, 7, 8, 12])
def test_a_frame_that_never_ends(server, client, n):
    def script(request):
        yield request.reply(_ANSWER)[:n]

    assert outcome(server, client, script, timeout_ms=_SHORT_MS) == "BadReplyError"
    next_is_right(server, client)


def test_a_late_answer(server, client):
    """It is thrown away when it comes, before the next question or after it."""

    def late(request):
        yield 0.4
        yield request.reply("030411112222")

    for wait_s in (0, 0.5):
        assert outcome(server, client, late, timeout_ms=100) == "NoReplyError"
        client.run(f"import time; time.sleep({wait_s})")
        next_is_right(server, client)


def test_late_answers_in_a_row(server, client):
    """A connection on which nothing came in time is given up, and what comes late with it."""
    connections = server.connections

    def late(request):
        yield 0.3
        yield request.reply("030411112222")

    for _ in range(2):
        assert outcome(server, client, late, timeout_ms=50) == "NoReplyError"
    next_is_right(server, client)
    assert server.connections == connections + 3


def test_every_answer_twice(server, client):
    def script(request):
        yield request.reply(right(request.pdu)) * 2

    connections = server.connections
    assert outcome(server, client, script) == _VALUES
    for i in range(5):
        assert client.call(f"read_input_registers(1, {i}, 2)") == [7 * i, 7 * i + 7]
    next_is_right(server, client)
    assert server.connections == connections + 1


def test_answers_without_end(server, client):
    """A server that never stops answering something else does not hold a call for ever."""

    def script(request):
        while True:
            yield request.reply("030411112222", behind=1) * 50

    got = outcome(server, client, script, timeout_ms=_SHORT_MS)
    assert got == "BadReplyError"
    got, took_s = client.timed(_READ)
    assert got in ("BadReplyError", "NoReplyError", "NoConnectionError") and took_s < 20
    client.run("client.close()")
    next_is_right(server, client)


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("n", [0, 3, 7, 9])
def test_the_server_hangs_up(server, client, end, n):
    def script(request):
        yield request.reply(_ANSWER)[:n]
        yield end

    assert outcome(server, client, script) == "NoConnectionError"
    next_is_right(server, client)


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_the_server_hangs_up_after_its_answer(server, client, end):
    """As servers do with clients that are idle for long; the next call does not notice."""

    def script(request):
        yield request.reply(right(request.pdu))
        yield 0.3 if end == RESET else 0  # a reset would take the answer with it
        yield end

    for _ in range(2):
        assert outcome(server, client, script) == _VALUES
        server.wait_until(lambda: not server.connected, "the script does not end")
    next_is_right(server, client)
