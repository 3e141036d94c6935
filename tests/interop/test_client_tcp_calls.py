"""TCPClient's calls: what they send and return, and what they refuse before a byte is sent."""

import pytest

from tests.interop.peer_remote import Failed, tcp_client
from tests.interop.peer_scripted import ScriptedServer, always, good
from tests.mpy.support.client_calls import BAD_CALLS, CALLS, EXCEPTIONS, INTO, ODD_CALLS


@pytest.fixture(scope="module")
def pair(micropython):
    """A scripted server and a client of it."""
    with ScriptedServer() as server, tcp_client(micropython, server.address) as client:
        client.run("client.timeout_ms = 20_000")
        yield server, client


@pytest.fixture
def server(pair):
    pair[0].script = good
    pair[0].requests.clear()
    return pair[0]


@pytest.fixture
def client(pair):
    return pair[1]


@pytest.mark.parametrize("row", CALLS, ids=[row[0] for row in CALLS])
def test_calls(server, client, row):
    call, request_pdu, response, result = row
    server.script = always(response)
    assert client.call(call) == result
    assert server.pdus() == [request_pdu]
    slave_id = 247 if "247" in call else 1
    assert server.requests[0].slave_id == slave_id


@pytest.mark.parametrize("row", INTO, ids=[row[0] for row in INTO])
def test_into(server, client, row):
    call, request_pdu, response, result, filled = row
    server.script = always(response)
    for kind in ("list", "lambda n: __import__('array').array('i', n)"):
        client.run(f"values = ({kind})([9, 9, 9, 9, 9])")
        assert client.call(call) == result
        assert client.evaluate("list(values)") == filled
    assert server.pdus() == [request_pdu] * 2


@pytest.mark.parametrize("slave_id", [0, 1, 247, 248, 255])
def test_slave_ids(server, client, slave_id):
    assert client.call(f"read_coils({slave_id}, 0, 1)") == [1]
    assert [request.slave_id for request in server.requests] == [slave_id]


@pytest.mark.parametrize("values", ["[-1, 0, 1]", "(-1, 0, 1)", "array.array('h', [-1, 0, 1])"])
def test_sequences_to_write(server, client, values):
    client.run("import array")
    assert client.call(f"write_multiple_registers(1, 0, {values})") == 3
    assert client.call(f"read_write_multiple_registers(1, 0, 1, 0, {values})") == [0]
    assert server.pdus() == ["100000000306ffff00000001", "17000000010000000306ffff00000001"]


def test_bits_from_bytes(server, client):
    assert client.call("write_multiple_coils(1, 0, bytearray(b'\\1\\0\\1'))") == 3
    assert server.pdus() == ["0f000000030105"]


@pytest.mark.parametrize("code", [3, 4, 23])
def test_signed(server, client, code):
    """signed= decides, and without it conf.SIGNED_VALUES, at every call."""
    server.script = always(f"{code:02x}04ffff7fff")
    call = {
        3: "read_holding_registers(1, 0, 2{})",
        4: "read_input_registers(1, 0, 2{})",
        23: "read_write_multiple_registers(1, 0, 2, 0, [1]{})",
    }[code]
    client.run("from umb import conf")
    for setting in (False, True):
        client.run(f"conf.SIGNED_VALUES = {setting}")
        for signed in (None, False, True):
            negative = setting if signed is None else signed
            wanted = [-1 if negative else 65535, 32767]
            assert client.call(call.format(f", signed={signed}")) == wanted
        assert client.call(call.format("")) == [-1 if setting else 65535, 32767]
    client.run("conf.SIGNED_VALUES = False")


def test_signed_into(server, client):
    server.script = always("0304fffe8000")
    client.run("values = [0, 0]")
    assert client.call("read_holding_registers(1, 0, 2, values, signed=True)") == 2
    assert client.evaluate("values") == [-2, -32768]


def test_signed_writes(server, client):
    """Signed or not, -32768..65535 can be written, and writing returns what was given."""
    client.run("from umb import conf")
    for setting in (False, True):
        client.run(f"conf.SIGNED_VALUES = {setting}")
        for value in (-32768, -1, 0, 40000, 65535):
            assert client.call(f"write_single_register(1, 0, {value})") == value
            assert client.call(f"write_multiple_registers(1, 0, [{value}])") == 1
            assert [pdu[-4:] for pdu in server.pdus()[-2:]] == [f"{value & 0xFFFF:04x}"] * 2
    client.run("conf.SIGNED_VALUES = False")


def test_bad_arguments_are_refused_before_a_byte_is_sent(server, client):
    client.run("client.close()")
    connections = server.connections
    wrong = {call: client.outcome(call) for call in BAD_CALLS}
    assert {call: got for call, got in wrong.items() if got != "ValueError"} == {}
    assert client.call("read_coils(1, 0, 1)") == [1]
    assert server.connections == connections + 1, "it connected for nothing"
    assert server.pdus() == ["0100000001"]


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_on_a_connection(server, client, call):
    assert client.call("read_coils(1, 0, 1)") == [1]
    connections = server.connections
    assert client.outcome(call) == "ValueError"
    assert client.call("read_coils(1, 1, 2)") == [0, 0]
    assert (server.pdus(), server.connections) == (["0100000001", "0100010002"], connections)


@pytest.mark.parametrize("call", ODD_CALLS)
def test_what_is_no_number_is_not_sent(server, client, call):
    assert client.outcome(call) in ("ValueError", "TypeError")
    assert client.call("read_holding_registers(1, 1, 1)") == [7]
    assert server.pdus() == ["0300010001"]


def test_bad_arguments_leave_into_alone(server, client):
    client.run("values = [9, 9]")
    assert client.outcome("read_coils(1, 0, 3, into=values)") == "ValueError"
    server.script = always("8302")
    assert client.outcome("read_holding_registers(1, 0, 2, into=values)") != 2
    assert client.evaluate("values") == [9, 9]


@pytest.mark.parametrize(("code", "name"), EXCEPTIONS)
def test_exceptions(server, client, code, name):
    server.script = always(f"83{code:02x}")
    with pytest.raises(Failed) as raised:
        client.call("read_holding_registers(1, 10, 2)")
    assert (raised.value.name, raised.value.error_code) == (name, code)
    assert str(code) in raised.value.text
    server.script = good
    assert client.call("read_holding_registers(1, 10, 2)") == [70, 77]


@pytest.mark.parametrize("call", [row[0] for row in CALLS])
def test_every_call_knows_exceptions(server, client, call):
    def refuse(request):
        yield request.reply(bytes((request.pdu[0] | 0x80, 2)))

    server.script = refuse
    assert client.outcome(call) == "IllegalDataAddressError"
    assert len(server.requests) == 1


def test_one_except_catches_all(client):
    client.run("from umb import errors")
    names = {name for _, name in EXCEPTIONS} | {"NoReplyError", "BadReplyError"}
    for name in (*names, "NoConnectionError"):
        assert client.evaluate(f"issubclass(errors.{name}, errors.ModbusError)") is True
    assert client.evaluate("errors.NoReplyError().error_code") is None
