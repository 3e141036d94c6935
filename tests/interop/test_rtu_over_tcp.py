"""RTU frames in a TCP stream, as serial device servers have them: the server, and the client."""

import random
import time

import pytest

from tests.conformance import peers
from tests.conformance.bench import run_bench
from tests.conformance.slaves import SerialRequest, always, fine, in_turn, silent
from tests.conformance.test_general import words
from tests.interop.peer_remote import Failed, Remote
from tests.interop.peer_scripted import CLOSE, ScriptedServer

frame = peers.RTU.frame
READ = words(3, 0, 1)


class Stream(peers.TCP):
    """A master with RTU frames on a TCP connection."""

    def ask(self, pdu, slave_id=17):
        """Return the response PDU; None where the connection was closed."""
        self.put(frame(bytes(pdu), slave_id))
        return self.answer(slave_id)

    def answer(self, slave_id=17):
        """Return the next response PDU."""
        data = b""
        while not peers.RTU.whole(data):
            more = self.read(1)
            if more is None:
                return None
            data += more
        return peers.RTU.pdu(data, slave_id)


@pytest.fixture(scope="module")
def bench(micropython):
    with run_bench(micropython) as running:
        yield running


@pytest.fixture
def master(bench):
    one = Stream(bench.stream_port)
    yield one
    one.close()


def is_heard(master):
    return master.ask(READ)[:2] == b"\x03\x02"


_PDUS = (
    READ,
    words(3, 0, 125),
    words(1, 0, 2000),
    words(16, 0, 123) + b"\xf6" + bytes(246),
    words(23, 0, 2, 0, 1) + b"\x02\0\1",
    b"\x07",
    b"\x0b",
    b"\x11",
    b"\x14\x07\x06\0\4\0\0\0\1",
    words(24, 0),
    b"\x2b\x0e\x01\x00",
    words(3, 9999, 1),
    b"\x41",
    b"\x41\0\1\2\3",
    bytes([100]) + bytes(range(252)),
)


@pytest.mark.parametrize("pdu", _PDUS, ids=lambda pdu: f"FC{pdu[0]}-{len(pdu)}")
def test_requests(master, pdu):
    for _ in range(3):
        assert master.ask(pdu)[0] & 0x7F == pdu[0]
    assert is_heard(master)


def test_slave_ids(master):
    for slave_id in (1, 17, 247, 0, 255):
        assert master.ask(READ, slave_id)[:2] == b"\x03\x02"
    assert master.ask(READ, 77) == b"\x83\x0b"


def test_any_pieces(master):
    stream = b"".join(map(frame, _PDUS))
    for size in (1, 3, 8, 50, 1000):
        for at in range(0, len(stream), size):
            master.put(stream[at : at + size])
        for pdu in _PDUS:
            assert master.answer()[0] & 0x7F == pdu[0]
    assert is_heard(master)


def test_short_requests_in_a_row(master):
    """They are shorter than what is usually read at once."""
    master.put(frame(b"\x07") * 50)
    for _ in range(50):
        assert master.answer() == b"\x07\x6d"
    assert is_heard(master)


_GARBAGE = {
    "wrong CRC": frame(READ)[:-1] + b"\0",
    "text": b"GET / HTTP/1.1\r\nHost: board\r\n\r\n" + b"x" * 300,
    "Modbus TCP": bytes.fromhex("000100000006110300000001") * 25,
    "too long": b"\x11\x10\0\0\0\x7b\xff" + bytes(300),
}


@pytest.mark.parametrize("name", _GARBAGE)
def test_garbage_closes_the_connection(bench, master, name):
    assert is_heard(master)
    master.put(_GARBAGE[name])
    while (answer := master.read(1)) is not None:
        assert name == "Modbus TCP", answer  # which has RTU frames in it, by chance
    other = Stream(bench.stream_port)
    assert is_heard(other)
    other.close()


def test_random_bytes(bench):
    rng = random.Random(1)
    for _ in range(50):
        master = Stream(bench.stream_port)
        master.put(rng.randbytes(rng.randrange(1, 600)))
        time.sleep(0.01)
        master.close()
    master = Stream(bench.stream_port)
    assert is_heard(master)
    master.close()


class StreamServer(ScriptedServer):
    """A scripted server with RTU frames on a TCP connection."""

    greeting = b""

    def _talk(self, connection):
        data = b""
        connection.sendall(self.greeting)
        while not self._stopping:
            more = connection.recv(256)
            if not more:
                return
            data += more
            if not peers.RTU.whole(data):
                continue
            request, data = SerialRequest(peers.RTU, data), b""
            self.requests.append(request)
            for step in self.script(request):
                if step == CLOSE:
                    return
                if isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    time.sleep(step)


CALL = "read_holding_registers(17, 10, 2)"
VALUES = [70, 77]
OTHERS = "030400010002"


@pytest.fixture
def server():
    with StreamServer() as running:
        running.script = fine
        yield running


@pytest.fixture
def client(micropython, server):
    with Remote(micropython, _SETUP.format(server.address)) as remote:
        yield remote


_SETUP = """
from umb.client.tcp import TCPClient
from umb.frame.rtu_stream import RTUStream
def make(**options):
    return TCPClient({!r}, timeout_ms=5000, framer=RTUStream, **options)
client = make()
"""


def test_calls(server, client):
    for _ in range(3):
        assert client.call(CALL) == VALUES
        assert client.call("write_single_coil(17, 1, 1)") == 1
        assert client.call("write_multiple_registers(17, 1, [1, 2, 3])") == 3
    assert server.connections == 1


def test_replies_in_pieces(server, client):
    def byte_by_byte(request):
        for byte in next(fine(request)):
            yield bytes([byte])
            yield 0.002

    server.script = byte_by_byte
    assert client.call(CALL) == VALUES
    assert client.call("write_single_coil(17, 1, 1)") == 1


def test_replies_of_unknown_length(server, client):
    for size in (1, 5, 252):
        pdu = b"\x42" + b"Z" * size
        server.script = always(pdu)
        assert client.call("request(17, b'B12')") == pdu


def test_exceptions(server, client):
    server.script = always("8306")
    with pytest.raises(Failed) as raised:
        client.call(CALL)
    assert raised.value.error_code == 6


def test_replies_of_others_are_dropped(server, client):
    def first_another(request):
        yield request.reply(OTHERS, slave_id=16)
        yield from fine(request)

    server.script = first_another
    assert client.call(CALL) == VALUES


@pytest.mark.parametrize("at", [0, 1, 2, 5, 7, 8])
def test_a_reply_with_a_wrong_crc_is_not_believed(server, client, at):
    def wrong(request):
        reply = bytearray(next(fine(request)))
        reply[at] ^= 4
        yield bytes(reply)

    server.script = wrong
    client.run("client.timeout_ms = 200")
    assert client.outcome(CALL) == "BadReplyError"
    server.script = fine
    assert client.call(CALL) == VALUES


def test_no_reply(server, client):
    server.script = silent
    client.run("client.timeout_ms = 100")
    assert client.outcome(CALL) == "NoReplyError"
    server.script = in_turn(silent, fine)
    client.run("client.retries = 1")
    assert client.call(CALL) == VALUES


def late(request):
    yield 0.3
    yield request.reply(OTHERS)


def test_a_late_reply_is_not_the_next_ones(server, client):
    """RTU frames have no transaction id: the connection that it comes on has to be left."""
    server.script = in_turn(late, fine)
    client.run("client.timeout_ms = 100")
    assert client.outcome(CALL) == "NoReplyError"
    client.run("client.timeout_ms = 5000")
    assert client.call(CALL) == VALUES


def test_a_lost_connection(server, client):
    assert client.call(CALL) == VALUES
    server.script = lambda _: iter([CLOSE])
    assert client.outcome(CALL) == "NoConnectionError"
    server.script = fine
    assert client.call(CALL) == VALUES


NOISE = {"0": b"\0", "the slave id": b"\x11", "the head": b"\x11\x03\x04", "text": b"ready\r\n"}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_before_the_reply(server, client, noise):
    def noisy(request):
        yield noise + next(fine(request))

    server.script = noisy
    client.run("client.timeout_ms = 500")
    for _ in range(3):
        assert client.call(CALL) == VALUES
        assert client.call("write_multiple_registers(17, 1, [1, 2, 3])") == 3
    assert server.connections == 1


@pytest.mark.parametrize(
    "greeting", [b"HELLO\n", b"\xff\xfd\x03\xff\xfb\x01", b"welcome\r\n" * 50]
)
def test_a_greeting(server, client, greeting):
    server.greeting = greeting
    for _ in range(3):
        assert client.call(CALL) == VALUES
    assert server.connections == 1


def echoing(script):
    """Return a script of a serial server that sends back what it is sent."""

    def with_echo(request):
        yield request.frame
        yield 0.02
        yield from script(request)

    return with_echo


@pytest.mark.parametrize("echo", [None, True])
def test_a_refusal_behind_an_echo(server, client, echo):
    """Of a write whose reply would be the same bytes as its echo, in the very first call."""
    client.run(f"client.close(); client = make(echo={echo})")
    for code, call in ((5, "write_single_coil(17, 1, 1)"), (6, "write_single_register(17, 1, 5)")):
        server.script = echoing(always(bytes((code | 0x80, 2))))
        assert client.outcome(call) == "IllegalDataAddressError"
        server.script = echoing(fine)
        assert client.call(call) in (1, 5)
        assert client.call(CALL) == VALUES


def test_nobody_behind_an_echo(server, client):
    client.run("client.close(); client = make(echo=True); client.timeout_ms = 200")
    server.script = echoing(silent)
    for call in ("write_single_register(17, 1, 5)", CALL):
        assert client.outcome(call) == "NoReplyError"


def test_a_write_that_comes_first(client):
    """Its reply counts if nothing follows in time, at once if the line is known not to echo."""
    client.run("client.timeout_ms = 300")
    assert client.call("write_single_register(17, 1, 5)") == 5
    client.run("client.close(); client = make(echo=False)")
    got, took_s = client.timed("write_single_register(17, 1, 5)")
    assert got == 5 and took_s < 4
