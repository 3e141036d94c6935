"""RTU over TCP: the reply is found among noise and echoes, and no other one is taken for it."""

from support.net import HOST, PORT, clock, in_turn, net, now_ms, outcome  # comes first, see there

import random

from support import every_nth
from support.pdu import raw, request, words
from support.rtu import frame
from support.umb import raises

from umb.client.tcp import TCPClient
from umb.frame.rtu_stream import RTUStream

ID = 17
READ = "read_holding_registers(17, 10, 2)"
REPLY = frame(ID, raw("03 04 0046 004d"))
VALUES = [70, 77]
WRITE = "write_single_register(17, 1, 3)"
WRITTEN = frame(ID, raw("06 0001 0003"))
REFUSED = frame(ID, raw("86 02"))
REFUSAL = "IllegalDataAddressError"

# A call, the response to it, what it returns.
CALLS = (
    ("read_coils(17, 0, 10)", "01 02 ff03", [1] * 10),
    ("read_discrete_inputs(17, 0, 3)", "02 01 05", [1, 0, 1]),
    (READ, "03 04 0046 004d", VALUES),
    ("read_input_registers(17, 8, 1)", "04 02 000a", [10]),
    ("write_single_coil(17, 172, 1)", "05 00ac ff00", 1),
    (WRITE, "06 0001 0003", 3),
    ("read_exception_status(17)", "07 6d", 0x6D),
    ("diagnostics(17, 0, 7)", "08 0000 0007", 7),
    ("diagnostics(17, 11)", "08 000b 0102", 0x102),
    ("diagnostics(17, 0, b'abc')", "08 0000 616263", b"abc"),
    ("get_comm_event_counter(17)", "0b ffff 0108", (0xFFFF, 0x108)),
    ("get_comm_event_log(17)", "0c 08 0000 0108 0121 2000", (0, 0x108, 0x121, b"\x20\x00")),
    ("write_multiple_coils(17, 19, [1, 0, 1])", "0f 0013 0003", 3),
    ("write_multiple_registers(17, 1, [10, 258])", "10 0001 0002", 2),
    ("report_server_id(17)", "11 03 756d ff", b"um\xff"),
    ("read_file_record(17, [(4, 1, 2)])", "14 06 05 06 0dfe 0020", [[0x0DFE, 0x20]]),
    ("write_file_record(17, [(4, 7, [6, 4])])", "15 0b 06 0004 0007 0002 0006 0004", 1),
    ("mask_write_register(17, 4, 0xf2, 0x25)", "16 0004 00f2 0025", None),
    ("read_write_multiple_registers(17, 3, 2, 14, [255])", "17 04 00fe 0acd", [254, 2765]),
    ("read_fifo_queue(17, 1246)", "18 0006 0002 01b8 1284", [0x1B8, 0x1284]),
    ("read_device_identification(17)", "2b 0e 01 81 00 00 01 00 02 4142", {0: b"AB"}),
    ("request(17, b'AB')", "41 43 44 45", b"ACDE"),
    ("request(17, b'\\x03\\x00\\x0a\\x00\\x02')", "03 04 0046 004d", b"\3\4\0\x46\0\x4d"),
)
# Function codes whose copy may be their reply.
COPIES = (5, 6, 8, 20, 21, 22, 0x41)


class Says:
    """A server that says these (delay_ms, bytes) after each request; ECHO: what was sent."""

    def __init__(self, *parts):
        self.parts = parts

    def __call__(self, sock, data):
        for delay_ms, part in self.parts:
            sock.say(delay_ms, data if part is ECHO else part)
        return True


ECHO = object()


def echoing(*parts):
    """A server on a line that brings back what is sent, before anything else comes."""
    return Says((1, ECHO), *parts)


class Ends(Says):
    """A server that closes 5 ms after a request."""

    def __call__(self, sock, data):
        sock.end(5)
        return Says.__call__(self, sock, data)


class Floods:
    """A server that never stops saying this."""

    def __init__(self, data):
        self.data = data

    def __call__(self, sock, _data):
        sock.flood = self.data
        return True


class Later:
    """A server that answers FC 3 x 1 with the address, after each of these delays in turn."""

    def __init__(self, *delays_ms):
        self.delays_ms = list(delays_ms)

    def __call__(self, sock, data):
        delay_ms = self.delays_ms.pop(0) if len(self.delays_ms) > 1 else self.delays_ms[0]
        sock.say(delay_ms, frame(ID, raw("03 02") + data[2:4]))
        return True


def exception(response, code=2):
    """The exception frame in place of this response."""
    return frame(ID, bytes((raw(response)[0] | 0x80, code)))


def client_of(server, **options):
    """A client on a network that has just been set up."""
    net.reset()
    net.server = server
    return TCPClient((HOST, PORT), framer=RTUStream, **options)


def ask(client, call):
    """What a call gives, and how many ms it takes."""
    return outcome(lambda: eval("client." + call, {"client": client}))


def pieces(data):
    """The ways to send this in one piece and in two, as (delay_ms, bytes)."""
    return [[(5, data)]] + [[(5, data[:at]), (8, data[at:])] for at in range(1, len(data))]


# --- the reply


def test_every_call():
    for call, response, result in CALLS:
        for parts in pieces(frame(ID, raw(response))):
            client = client_of(Says(*parts), echo=False)
            assert ask(client, call) == (result, parts[-1][0]), (call, parts)
            assert net.open_socks() == 1


def test_exceptions():
    for call, response, _ in CALLS:
        for parts in pieces(exception(response)):
            for line_echoes in (None, False):
                client = client_of(Says(*parts), echo=line_echoes)
                assert ask(client, call) == (REFUSAL, parts[-1][0]), (call, parts)


# --- noise


def calls_for(byte):
    """The calls to try this byte with: all that have it in the head of their reply, and others."""
    chosen = every_nth(CALLS, 4, byte)
    return [
        call for call in CALLS if byte == ID or byte & 0x7F == raw(call[1])[0] or call in chosen
    ]


def test_any_byte_before_any_reply():
    for byte in range(256):
        for call, response, result in calls_for(byte):
            reply = frame(ID, raw(response))
            client = client_of(Says((5, bytes((byte,)) + reply)), echo=False)
            assert ask(client, call) == (result, 5), (call, byte)


def test_any_byte_around_an_exception():
    for byte in range(256):
        noise = bytes((byte,))
        for call, response, _ in calls_for(byte):
            client = client_of(Says((5, noise + exception(response) + noise)), echo=False)
            assert ask(client, call) == (REFUSAL, 5), (call, noise)


def test_a_greeting():
    """Six bytes or more right after the connection, and the reply soon or late."""
    for text in (b"HELLO\n", b"\xff\xfd\x03\xff\xfb\x03", b"login:", b"RTU server\r\n" * 30):
        for delay_ms in (0, 2, 300):
            client = client_of(Says((delay_ms, text), (delay_ms + 2, REPLY)), echo=False)
            for _ in range(3):
                assert ask(client, READ) == (VALUES, delay_ms + 2)
            assert len(net.socks) == 1


def test_noise_that_looks_like_a_beginning():
    """Of the reply, of one to something else, of an exception, of the request."""
    for other in ("03 04 1111 2222", "03 06 1111 2222", "83 02 0000", "03 000a 0002", "06 0001"):
        for n in range(1, 8):
            noise = frame(ID, raw(other))[:n]
            for line_echoes in (None, False, True):
                client = client_of(Says((5, noise + REPLY)), echo=line_echoes, timeout_ms=300)
                got, took_ms = ask(client, READ)
                assert got == VALUES and took_ms in (5, 300), (noise, got, took_ms)


def test_a_wrong_crc_before_the_reply():
    for at in range(len(REPLY)):
        wrong = bytearray(REPLY)
        wrong[at] ^= 4
        client = client_of(Says((5, wrong), (50, REPLY)), echo=False)
        got, took_ms = ask(client, READ)
        assert got == VALUES and took_ms in (50, 1000), (at, got, took_ms)


def test_random_noise():
    """No garbage is taken for a reply, and none hides one that comes complete."""
    random.seed(11)
    for _ in range(20):
        for call, response, result in CALLS:
            n = random.randrange(1, 700)
            noise = bytes([random.choice(b"\x11\x03\x04\x83\x06\0\xff") for _ in range(n)])
            client = client_of(Says((5, noise)), echo=False, timeout_ms=100)
            assert ask(client, call) == ("BadReplyError", 100), (noise, call)
            parts = (5, noise), (50, frame(ID, raw(response)))
            client = client_of(Says(*parts), echo=False, timeout_ms=100)
            got, took_ms = ask(client, call)
            assert got == result and took_ms in (50, 100), (noise, call, got, took_ms)


def test_what_is_nobodys_reply():
    """Replies of others, to other requests, other masters' requests: waited past, to the end."""
    for other in (
        frame(16, raw("03 04 1111 2222")),
        frame(ID, raw("03 02 1111")),
        frame(ID, raw("03 06 1111 2222 3333")),
        frame(ID, raw("04 04 1111 2222")),
        frame(ID, raw("84 02")),
        frame(ID, request(3, 10, 1)),
        frame(ID, request(3, 0x0400, 2)),
        frame(ID, raw("06 000a 0002")),
        frame(16, raw("83 02")),
    ):
        parts = (5, other), (20, other), (50, REPLY)
        client = client_of(Says(*parts), echo=False, timeout_ms=100)
        assert ask(client, READ) == (VALUES, 50)
        net.server = Says((5, other))
        assert ask(client, READ) == ("BadReplyError", 100), other
        assert net.open_socks() == 0


def test_writes_are_not_answered_by_others_writes():
    for pdu in (request(6, 1, 4), request(6, 2, 3), request(5, 1, 3), request(16, 1, 3)):
        other = frame(ID, pdu)
        client = client_of(Says((5, other), (50, WRITTEN)), echo=False)
        assert ask(client, WRITE) == (3, 50)
        client = client_of(Says((5, other)), echo=False, timeout_ms=100)
        assert ask(client, WRITE) == ("BadReplyError", 100)


# --- late replies


def test_a_late_reply_is_never_the_next_ones():
    """Of the same shape, nothing tells them apart but the connection that it comes on."""
    for late_ms in range(90, 400, 10):
        client = client_of(Later(late_ms, 30), timeout_ms=100, echo=False)
        for address in range(20):
            got, _ = ask(client, "read_holding_registers(17, %d, 1)" % address)
            assert got == [address] or (got == "NoReplyError" and not address), (late_ms, got)
            clock.now_ns += 7_000_000


def test_a_slave_that_is_always_late():
    client = client_of(Later(130), timeout_ms=100, echo=False)
    for address in range(20):
        got, _ = ask(client, "read_holding_registers(17, %d, 1)" % address)
        assert got == "NoReplyError"
        clock.now_ns += 7_000_000


class Counting:
    """A server that answers with the number of the request, the first one late."""

    def __init__(self, late_ms):
        self.late_ms = late_ms
        self.count = 0

    def __call__(self, sock, _data):
        self.count += 1
        delay_ms = self.late_ms if self.count == 1 else 30
        sock.say(delay_ms, frame(ID, raw("03 02") + words(self.count)))
        return True


def test_retries_do_not_take_it_either():
    for retries in (1, 2, 5):
        for late_ms in range(90, 300, 10):
            client = client_of(Counting(late_ms), timeout_ms=100, retries=retries, echo=False)
            got, _ = ask(client, "read_holding_registers(17, 0, 1)")
            assert got == [1 if late_ms <= 100 else 2], (late_ms, got)


class Interrupted(TCPClient):
    """A client whose caller loses patience in the middle of a call."""

    left = 0

    def wait(self):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return TCPClient.wait(self)


def test_the_reply_of_an_abandoned_call_is_nobodys():
    other = frame(ID, raw("03 04 1111 2222"))
    for left in range(3):
        net.reset()
        client = Interrupted((HOST, PORT), framer=RTUStream, echo=False)
        net.server = Says((5, other[:3]), (8, other[3:]))
        client.left = left
        raises(KeyboardInterrupt, client.read_holding_registers, ID, 10, 2)
        assert net.open_socks() == 0
        net.server = Says((5, REPLY))
        client.left = -1
        assert ask(client, READ)[0] == VALUES


def test_what_came_unasked_is_thrown_away():
    client = client_of(Says((5, REPLY)), echo=False)
    assert ask(client, READ) == (VALUES, 5)
    for unasked in (frame(ID, raw("03 04 1111 2222")), b"\0", REPLY[:5], bytes(3000)):
        net.socks[-1].say(0, unasked)
        clock.now_ns += 1_000_000
        assert ask(client, READ) == (VALUES, 5)
    assert len(net.socks) == 1


# --- the time-out


def test_the_time_out_is_kept_whatever_comes():
    others = frame(16, raw("83 02")), frame(ID, raw("84 02"))
    for part in (b"\0", b"\x11\x03\x04", b"\x11", REFUSED[:4], others[0], others[1]):
        client = client_of(Floods(part * 100), timeout_ms=200)
        got, took_ms = ask(client, READ)
        assert got == "BadReplyError" and 200 <= took_ms < 300, (part, got, took_ms)


def test_no_reply():
    client = client_of(Says(), timeout_ms=200)
    assert ask(client, READ) == ("NoReplyError", 200)
    assert net.open_socks() == 0


def test_closed_after_the_reply():
    client = client_of(Ends((5, REPLY)))
    for _ in range(5):
        assert ask(client, READ)[0] == VALUES


def test_closed_in_the_reply():
    for n in range(len(REPLY)):
        client = client_of(Ends((5, REPLY[:n])))
        assert ask(client, READ) == ("NoConnectionError", 5), n


def test_closed_in_the_reply_of_a_connection_that_was_used():
    """A second try only if nothing has come, not even an echo."""
    for n in range(len(REPLY)):
        client = client_of(Says((5, REPLY)))
        assert ask(client, READ) == (VALUES, 5)
        net.server = in_turn(Ends((1, REPLY[:n])), Says((5, REPLY)))
        assert ask(client, READ) == (("NoConnectionError", 5) if n else (VALUES, 10)), n


# --- echoes


def test_every_call_on_a_line_that_echoes():
    for call, response, result in CALLS:
        for line_echoes in (True, None):
            client = client_of(echoing((20, frame(ID, raw(response)))), echo=line_echoes)
            for _ in range(2):
                assert ask(client, call) == (result, 20), (call, line_echoes)


def test_an_exception_is_never_taken_for_success():
    """Whether the client was told that the line echoes or not, whatever was asked before."""
    for call, response, _ in CALLS:
        for line_echoes in (True, None):
            for before, reply in ((None, None), (READ, REPLY), (WRITE, WRITTEN)):
                for delay_ms in (1, 2, 50, 999):
                    client = client_of(echoing((20, reply)), echo=line_echoes)
                    if before:
                        assert ask(client, before)[1] == 20
                    net.server = echoing((delay_ms, exception(response)))
                    assert ask(client, call) == (REFUSAL, delay_ms), (call, line_echoes)


def test_echo_and_exception_in_any_pieces():
    stream = WRITTEN + REFUSED
    for line_echoes in (True, None):
        for first in range(1, len(stream)):
            for second in range(first + 1, len(stream)):
                parts = (1, stream[:first]), (2, stream[first:second]), (3, stream[second:])
                client = client_of(Says(*parts), echo=line_echoes)
                assert ask(client, WRITE) == (REFUSAL, 3), (first, second)


def test_noise_around_the_echo():
    for byte in range(256):
        noise = bytes((byte,))
        for line_echoes in (True, None):
            for stream in (noise + REFUSED, REFUSED + noise, noise + REFUSED + noise):
                parts = (1, noise), (1, ECHO), (9, stream)
                client = client_of(Says(*parts), echo=line_echoes)
                assert ask(client, WRITE) == (REFUSAL, 9), (noise, line_echoes, stream)


def test_an_absent_slave_on_a_line_that_echoes():
    """The copy of a write is no reply, once it is known that the line echoes."""
    for call, _, _ in CALLS:
        client = client_of(echoing(), echo=True, timeout_ms=100)
        assert ask(client, call) == ("NoReplyError", 100), call
        client = client_of(echoing((20, REPLY)), timeout_ms=100)
        assert ask(client, READ) == (VALUES, 20)
        net.server = echoing()
        assert ask(client, call) == ("NoReplyError", 100), call


def test_a_line_that_does_not_echo():
    """A write whose reply repeats it waits, until a reply alone has shown that nothing echoes."""
    client = client_of(Says((5, WRITTEN)), timeout_ms=100)
    for _ in range(2):
        assert ask(client, WRITE) == (3, 100)
    net.server = Says((5, REPLY))
    assert ask(client, READ) == (VALUES, 5)
    net.server = Says((5, WRITTEN))
    assert ask(client, WRITE) == (3, 5)
    client.close()
    assert ask(client, WRITE) == (3, 5), "the line is the same"


def test_an_exception_shows_it_as_well():
    client = client_of(Says((5, REFUSED)), timeout_ms=100)
    assert ask(client, WRITE) == (REFUSAL, 5)
    net.server = Says((5, WRITTEN))
    assert ask(client, WRITE) == (3, 5)


def test_a_reply_behind_noise_shows_nothing():
    """The noise may have been an echo that was damaged."""
    client = client_of(Says((5, b"\0" + REPLY)), timeout_ms=100)
    assert ask(client, READ) == (VALUES, 5)
    net.server = echoing((20, REFUSED))
    assert ask(client, WRITE) == (REFUSAL, 20)


def test_an_echo_that_begins_like_the_reply():
    """FC 16 whose byte count and first data byte are what the CRC of its reply would be."""
    for address in range(65536):
        reply = frame(ID, request(16, address, 1))
        if reply[6] == 2:
            break
    call = "write_multiple_registers(17, %d, [%d])" % (address, reply[7] << 8 | 0x55)
    for line_echoes in (True, None):
        client = client_of(echoing((20, exception("10"))), echo=line_echoes, timeout_ms=100)
        assert ask(client, call) == (REFUSAL, 20)
        client = client_of(echoing((20, reply)), echo=line_echoes, timeout_ms=100)
        assert ask(client, call) == (1, 20)
    for line_echoes, took_ms in ((False, 5), (None, 100)):
        client = client_of(Says((5, reply)), echo=line_echoes, timeout_ms=100)
        assert ask(client, call) == (1, took_ms)


def test_the_longest_echoes():
    for call, response, result in (
        ("write_multiple_registers(17, 0, %s)" % list(range(123)), "10 0000 007b", 123),
        ("request(17, b'A' * 253)", "41" * 253, b"A" * 253),
    ):
        client = client_of(echoing((20, frame(ID, raw(response)))), timeout_ms=100)
        assert ask(client, call) == (result, 20)
        client = client_of(echoing((20, exception(response))), timeout_ms=100)
        assert ask(client, call) == (REFUSAL, 20)


class Wild:
    """A server that sends this in two pieces, maybe after an echo and noise."""

    def __init__(self, echoes, reply):
        self.echoes = echoes
        self.reply = reply

    def __call__(self, sock, data):
        stream = (data if self.echoes else b"") + self.reply
        if not random.randrange(3):
            stream = bytes([random.randrange(256) for _ in range(random.randrange(7))]) + stream
        at = random.randrange(len(stream) + 1)
        sock.say(5, stream[:at])
        sock.say(random.randrange(5, 90), stream[at:])
        return True


def test_at_random():
    """Echo or not, told or not, noise, pieces: nothing but what the slave said, or an error."""
    random.seed(5)
    for i in range(1000):
        echoes = bool(random.randrange(2))
        told = random.choice((None, echoes))
        client = client_of(None, echo=told, timeout_ms=100)
        for _ in range(4):
            call, response, result = random.choice(CALLS)
            reply = random.choice((frame(ID, raw(response)), exception(response), b""))
            net.server = Wild(echoes, reply)
            got, _ = ask(client, call)
            if not reply and got not in ("NoReplyError", "BadReplyError"):
                # Only where it is unknown whether the line echoes, a copy may count.
                assert told is None and echoes and raw(response)[0] in COPIES, (i, call, got)
            elif reply:
                wanted = REFUSAL if len(reply) == 5 and reply[1] & 0x80 else result
                assert got in (wanted, "BadReplyError"), (i, call, got)
        assert now_ms() < 2000
