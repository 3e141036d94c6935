"""Classes made from umb's: they override and call super() as any other classes do."""

from support.pdu import Link, ask, expect, raw, request, words
from support.tcp import Bench, free_port
from support.umb import Told
from support.wire import Wire

from umb.fast import crc16
from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files
from umb.functions.identity import Identity
from umb.server import Driver, Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer
from umb.store import Bits, Registers, Store

_READ = raw("03 0000 0001")


class Logging(Server):
    """A server that keeps what it is asked, and refuses writes."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.log = []

    def handle(self, adu, n, link):
        self.log.append((adu[6], bytes(adu[7 : 7 + n])))
        if adu[7] == 6:
            adu[7] = 0x86
            adu[8] = 2
            return 2
        return super().handle(adu, n, link)

    def serves(self, slave_id):
        return slave_id == 200 or super().serves(slave_id)

    def report(self, error, link):
        self.log.append(error)
        super().report(error, link)

    def add(self, slave_id, store):
        super().add(slave_id, store)
        self.newest = slave_id


def test_a_server():
    bug = KeyError()
    told = Told()
    store = Store(coils=Bits(0, 1, on_read=Told(bug)), holding_registers=1)
    server = Logging(store, (5, 6), functions=(Diagnostics(),), on_error=told)
    assert server.newest == 6
    server.stores[200] = store
    expect(server, _READ, "03 02 0000", 5)
    expect(server, _READ, "03 02 0000", 200)
    expect(server, request(6, 0, 1), "86 02", 5)
    expect(server, request(1, 0, 1), "81 04", 5)
    assert [entry[0] for entry in server.log if entry is not bug] == [5, 200, 5, 5]
    assert server.log[-1] is bug and told.calls[0][0] is bug


class Squares(Registers):
    """Registers that are worked out when they are read, and have odd addresses alone."""

    def has(self, address, quantity):
        return quantity == 1 and address & 1 and super().has(address, quantity)

    def get(self, address, quantity, buf, at):
        self[address] = address * address & 0xFFFF
        super().get(address, quantity, buf, at)

    def put(self, address, quantity, buf, at):
        super().put(address, quantity, buf, at)
        self.written = address

    def validate_value(self, _address, value):
        return value & 1


class Counting(Bits):
    """Bits that count what is read; the hook is a method."""

    def __init__(self, *args):
        self.reads = 0
        super().__init__(*args, on_read=self.count)

    def count(self, _address, quantity):
        self.reads += quantity


class Device(Store):
    """A store that makes its own blocks."""

    def __init__(self):
        self.squares = Squares(0, 300)
        self.squares.validate = self.squares.validate_value
        self.counting = Counting(0, 16)
        super().__init__(coils=(self.counting, Counting(16, 8)), holding_registers=self.squares)


def test_blocks_and_a_store():
    device = Device()
    server = Server(device)
    expect(server, request(3, 9, 1), b"\x03\x02" + words(81))
    expect(server, request(3, 255, 1), b"\x03\x02" + words(255 * 255))
    expect(server, request(3, 8, 1), "83 02")
    expect(server, request(3, 9, 2), "83 02")
    expect(server, request(6, 9, 5), request(6, 9, 5))
    assert device.squares.written == 9
    expect(server, request(6, 9, 6), "86 03")
    expect(server, request(1, 12, 8), "01 01 00")
    assert device.counting.reads == 4


def test_a_file():
    """A file's records may be worked out, too."""

    class Numbers(Registers):
        def get(self, address, quantity, buf, at):
            for i in range(quantity):
                self[address + i] = address + i
            super().get(address, quantity, buf, at)

    server = Server(functions=(Files({1: Numbers(0, 100)}),))
    expect(server, "14 07 06 0001 0007 0002", "14 06 05 06 0007 0008")


class Named(Identity):
    """An identity that counts how often it is asked for."""

    asked = 0

    def handle(self, adu, n, link):
        self.asked += 1
        return super().handle(adu, n, link)


class Private(Diagnostics):
    """Diagnostics that offer less, and keep no log of exceptions."""

    codes = b"\x08\x0b"

    def sent(self, adu, link):
        if not adu[7] & 0x80:
            super().sent(adu, link)


def test_functions():
    named, private = Named({0: "a", 1: "b", 2: "c"}), Private()
    server = Server(functions=(named, private))
    link = Link(serial=True)
    assert ask(server, raw("2b 0e 01 00"), 1, link)[:2] == raw("2b 0e")
    assert named.asked == 1
    expect(server, "07", "87 01", link=link)
    expect(server, "08 0000 1234", "08 0000 1234", link=link)


def rtu_frame(data):
    crc = crc16(data, 0, len(data))
    return data + bytes((crc & 0xFF, crc >> 8))


class Line(RTUServer):
    """A slave that counts its answers and says when it is closed."""

    def __init__(self, *args, **named):
        self.answers = 0
        super().__init__(*args, **named)

    def poll(self, wait_ms=0):
        if self.stopping:
            return -1
        answers = super().poll(wait_ms)
        self.answers += answers
        return answers

    def shutdown(self):
        super().shutdown()
        self.told = True

    def server_close(self):
        super().server_close()
        self.closed = True


def test_a_serial_line():
    wire = Wire(rtu_frame(b"\x01" + _READ))
    line = Line(wire, Server(Store(holding_registers=1)), baudrate=115200)
    wire.say()
    while not line.poll():
        pass
    assert line.answers == 1 and wire.sent[:7] == rtu_frame(raw("01 03 02 0000"))
    line.shutdown()
    assert line.told and line.stopping and line.poll() == -1
    line.server_close()
    assert line.closed


class Network(TCPServer):
    """A server with other names for what it has, and attributes of its own."""

    stop = TCPServer.shutdown
    failed = offer = sleep = values = items = size = None  # words that umb might use, and does not

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.rounds = 0

    def __getattr__(self, name):
        if name == "nickname":
            return "network"
        raise AttributeError(name)

    def poll(self, wait_ms=0):
        self.rounds += 1
        return super().poll(wait_ms)

    def nap_ms(self):
        return min(5, super().nap_ms())

    def server_close(self):
        super().server_close()
        self.closed = True


class NetworkBench(Bench):
    """A Bench of this class."""

    def __init__(self, server):
        self.tcp, self.port = free_port(lambda port: Network(("127.0.0.1", port), server))
        self.answered = 0
        self.peers = []


def test_a_network():
    with NetworkBench(Server(Store(holding_registers=1))) as bench:
        network = bench.tcp
        assert network.nickname == "network" and network.nap_ms() == 5
        assert bench.client().ask(_READ) == raw("03 02 0000")
        assert network.rounds > 0 and not network.stopping
        network.stop()
        assert network.stopping
    assert network.closed


def test_serve_forever_calls_what_is_overridden():
    class Once(UDPServer):
        def poll(self, wait_ms=0):
            self.shutdown()
            return super().poll()

        def finish(self):
            super().finish()
            self.finished = True

    once, _ = free_port(lambda port: Once(("127.0.0.1", port)))
    once.serve_forever()
    assert once.finished
    once.server_close()


def test_everything_is_there_from_the_start():
    """Whatever a class can do, it says so, before anything has been used."""
    for kind in (RTUServer, TCPServer, UDPServer):
        for name in (
            "poll",
            "route",
            "serve_forever",
            "shutdown",
            "nap_ms",
            "watch",
            "finish",
            "server_close",
        ):
            assert hasattr(kind, name), (kind, name)
            assert issubclass(kind, Driver)
    for name in ("add", "remove", "function", "route", "serves", "handle", "report"):
        assert hasattr(Server, name), name


def test_two_bases():
    """A mix-in: MicroPython's super() follows the first base alone, so it is called by name."""

    class Noting:
        def note(self, text):
            self.notes = self.notes + [text] if hasattr(self, "notes") else [text]

    class Mixed(Noting, Server):
        def __init__(self, store):
            Server.__init__(self, store)

        def handle(self, adu, n, link):
            self.note(adu[7])
            return Server.handle(self, adu, n, link)

    server = Mixed(Store(holding_registers=1))
    expect(server, _READ, "03 02 0000")
    assert server.notes == [3]
