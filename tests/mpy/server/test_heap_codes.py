"""No heap for the function codes that a server need not offer, nor for Modbus ASCII."""

import micropython
from first_requests import Requests, make_server
from support import skip, times
from support.ascii import text
from support.heap import free_of_heap, locked
from support.pdu import Link, ask, raw, read_write, request, words, write_registers
from support.tcp import Bench, frame
from support.wire import Wire

from umb.client.rtu import RTUClient
from umb.frame.ascii import ASCII
from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity, ServerId
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Registers, Store

_TIMES = times(1000, 300)
_IDENTITY = {0: "Vendor", 1: "Code", 2: "1.0", 5: "Model", 0x80: b"x" * 200, 0x81: b"y" * 244}
_FILES = {4: Registers(0, 200), 3: Registers(0, 200)}
_QUEUES = {5: list(range(31)), 6: []}


def _values(_address, value):
    """Be a hook that refuses nothing."""
    return value >= 0


_FILES[5] = Registers(0, 10, validate=_values)
_REQUESTS = (
    ("7", "07"),
    ("8, loop back", "08 0000 a537"),
    ("8, restart", "08 0001 0000"),
    ("8, restart with an empty log", "08 0001 ff00"),
    ("8, register", "08 0002 0000"),
    ("8, delimiter", "08 0003 0a00"),
    ("8, clear", "08 000a 0000"),
    ("8, message count", "08 000b 0000"),
    ("8, overrun count", "08 0012 0000"),
    ("8, clear the overrun count", "08 0014 0000"),
    ("8, unknown", "08 0005 0000"),
    ("8, wrong data", "08 000b 0001"),
    ("11", "0b"),
    ("12", "0c"),
    ("17", "11"),
    ("20", "14 0e 06 0004 0001 0046 06 0003 0001 0030"),
    ("20, missing", "14 07 06 0009 0001 0046"),
    ("21", "15 15 06 0004 0007 0003 06af 04be 100d 06 0003 0000 0000"),
    ("21, checked", "15 09 06 0005 0001 0001 1234"),
    ("21, several", "15 12 06 0004 0000 0001 1234 06 0003 0000 0001 1234"),
    ("24", "18 0005"),
    ("24, empty", "18 0006"),
    ("24, missing", "18 0007"),
    ("43, basic", "2b 0e 01 00"),
    ("43, extended", "2b 0e 03 00"),
    ("43, single", "2b 0e 04 81"),
    ("43, missing", "2b 0e 04 07"),
    ("43, other MEI type", "2b 0d 01 00"),
    ("user-defined", "64 00 01"),
)


def _echo(_adu, n, _link):
    return n


def _wasteful(adu, _n, _link):
    return len(bytes(adu[7:8]))


def full_server(networks=False):
    """A server that offers everything."""
    server = Server(
        Store(coils=2000, holding_registers=200),
        (17,),
        functions=(
            Diagnostics(networks),
            Files(_FILES),
            Queues(_QUEUES),
            Identity(_IDENTITY),
            ServerId("umb", networks=networks),
        ),
    )
    server.function(100, _echo)
    return server


class Traffic:
    """A request that is handed over again and again."""

    def __init__(self, server, pdu, times=_TIMES):
        self.link = Link(serial=True)
        self.server = server
        self.pdu = pdu
        self.times = times
        self.faults = 0
        self.n = len(ask(server, pdu, 17, self.link) or b"")
        self.adu = bytearray(262)


def hand_over(traffic):
    adu, pdu, link = traffic.adu, traffic.pdu, traffic.link
    for _ in range(traffic.times):
        adu[6] = 17
        for i in range(len(pdu)):
            adu[7 + i] = pdu[i]
        n = traffic.server.handle(adu, len(pdu), link)
        if n != traffic.n:
            traffic.faults += 1


def test_every_code():
    server = full_server()
    for what, pdu in _REQUESTS:
        traffic = Traffic(server, raw(pdu))
        if what == "12":
            traffic.n = 8 + 64  # once the log is full
            traffic.times = 0
            warm_up(traffic)
        free_of_heap(what, hand_over, traffic)


def warm_up(traffic):
    """Fill the event log."""
    for _ in range(64):
        ask(traffic.server, traffic.pdu, 17, traffic.link)
    traffic.times = _TIMES


def test_frames_stay_off_the_heap():
    """Of a function with more than 11 words MicroPython makes the frame there, and frees it again.

    All that is ever allocated is counted here, as the unix port can.
    """
    if not hasattr(micropython, "mem_total"):
        skip("this MicroPython does not count what it allocates")
    for serial in (True, False):
        server = make_server()
        link = Link(serial)
        adu = bytearray(262)
        for what, slave_id, pdu, _, raises in Requests("RTU" if serial else "TCP").rows:
            adu[6] = slave_id
            adu[7 : 7 + len(pdu)] = pdu
            before = micropython.mem_total()
            server.handle(adu, len(pdu), link)
            taken = micropython.mem_total() - before
            assert taken == 0 or raises, "{}: {} bytes".format(what, taken)


class TCPTraffic:
    """A request that a client sends over TCP again and again."""

    def __init__(self, bench, server, pdu):
        self.tcp = bench.tcp
        self.sock = bench.client().sock
        self.sock.settimeout(5)
        self.data = frame(pdu, 17)
        self.reply = bytearray(7 + len(ask(server, pdu, 17, Link())))
        self.times = 100
        self.faults = 0


def over_tcp(traffic):
    sock, data, reply = traffic.sock, traffic.data, traffic.reply
    for _ in range(traffic.times):
        sock.write(data)
        while not traffic.tcp.poll(1000):
            pass
        if sock.readinto(reply) != len(reply):
            traffic.faults += 1


def test_over_tcp():
    server = full_server(networks=True)
    for what, pdu in (
        ("7", "07"),
        ("8", "08 000b 0000"),
        ("11", "0b"),
        ("17", "11"),
        ("20", "14 0e 06 0004 0001 0046 06 0003 0001 0030"),
        ("21", "15 12 06 0004 0000 0001 1234 06 0003 0000 0001 1234"),
        ("24", "18 0005"),
        ("43", "2b 0e 03 00"),
    ):
        with Bench(server) as bench:
            free_of_heap(what, over_tcp, TCPTraffic(bench, server, raw(pdu)))


def test_listen_only():
    server = full_server()
    traffic = Traffic(server, raw("08 0004 0000"))
    assert traffic.n == 0 and traffic.link.listen_only
    for pdu in ("08 0004 0000", "03 0000 0001", "0c", "08 0000 1234"):
        traffic.pdu = raw(pdu)
        free_of_heap("listening", hand_over, traffic)
    restarts = Traffic(server, raw("08 0001 0000"))
    restarts.link.listen_only = True
    restarts.n = 0
    restarts.times = 1
    hand_over(restarts)
    assert not restarts.faults and not restarts.link.listen_only


class ASCIITraffic:
    """A request that comes on a line of Modbus ASCII again and again."""

    def __init__(self, server, pdu, times=_TIMES):
        self.wire = Wire(text(b"\x11" + pdu))
        self.rtu = RTUServer(self.wire, server, baudrate=115200, framer=ASCII)
        self.reply = text(b"\x11" + ask(server, pdu, 17, Link(serial=True)))
        self.times = times
        self.faults = 0


def serve_ascii(traffic):
    wire, rtu, reply = traffic.wire, traffic.rtu, traffic.reply
    for _ in range(traffic.times):
        wire.say()
        for _ in range(100):
            if rtu.poll():
                break
        if wire.written != len(reply):
            traffic.faults += 1
        for i in range(len(reply)):
            if wire.sent[i] != reply[i]:
                traffic.faults += 1


def test_ascii_server():
    server = full_server()
    for what, pdu, n in (
        ("3", request(3, 0, 1), _TIMES),
        ("3, large", request(3, 0, 125), 30),
        ("16, large", write_registers(0, range(123)), 30),
        ("23", read_write(0, 20, 0, range(20)), 100),
        ("exception", request(3, 400, 1), 100),
        ("unknown", raw("41 00 01"), 100),
        ("20", raw("14 0e 06 0004 0001 0046 06 0003 0001 0030"), 30),
        ("43", raw("2b 0e 01 00"), 100),
    ):
        free_of_heap(what, serve_ascii, ASCIITraffic(server, pdu, n))


def junk(traffic):
    """What is no frame, or somebody else's."""
    for _ in range(traffic.times):
        traffic.wire.say()
        for _ in range(100):
            traffic.faults += traffic.rtu.poll()


def test_ascii_junk():
    server = full_server()
    frame = text(b"\x11" + request(3, 0, 1))
    for said in (
        text(b"\x12" + request(3, 0, 1)),
        frame[:-3] + b"0\r\n",
        frame[:7] + frame[:7] + b"G",
        b":" + b"00" * 400 + b"\r\n",
        bytes(range(256)),
    ):
        traffic = ASCIITraffic(server, request(3, 0, 1), 20)
        traffic.wire.said = said
        free_of_heap(said, junk, traffic)


class Calls:
    """A client whose slave always answers with the same PDU."""

    def __init__(self, pdu):
        self.wire = Wire(text(b"\x11" + pdu), replies=True)
        self.client = RTUClient(self.wire, baudrate=115200, framer=ASCII)
        self.values = [0] * 125
        self.faults = 0


def read_registers(calls):
    for _ in range(20):
        if calls.client.read_holding_registers(17, 0, 125, calls.values) != 125:
            calls.faults += 1
        if calls.values[124] != 124:
            calls.faults += 1


def write_register(calls):
    for _ in range(300):
        calls.client.write_single_register(17, 1, 7)


def test_ascii_client():
    values = b"\x03\xfa" + words(*range(125))
    free_of_heap("read", read_registers, Calls(values))
    free_of_heap("write", write_register, Calls(request(6, 1, 7)))


def test_this_would_notice():
    """The measure is no better than what it finds."""
    server = full_server()
    server.on_error = None
    server.function(101, _wasteful)
    traffic = Traffic(server, b"\x65")
    traffic.n = 2  # under a locked heap the handler fails: exception 4
    locked(hand_over, traffic)
    assert not traffic.faults
