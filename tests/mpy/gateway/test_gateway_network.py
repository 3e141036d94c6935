"""Gateway(TCPClient(...)) and Gateway(UDPClient(...)): requests to servers in networks."""

import gc
import micropython

from time import sleep_ms, ticks_diff, ticks_ms

from support import skip
from support.heap import free_of_heap
from support.pdu import Link, raw, read_write, request, words, write_bits, write_registers
from support.tcp import Bench, Keeper, free_port
from support.umb import raises

from umb.client.tcp import TCPClient
from umb.client.udp import UDPClient
from umb.errors import NoReplyError
from umb.frame.rtu_stream import RTUStream
from umb.functions.identity import Identity
from umb.gateway import Gateway
from umb.server import LATER, Server
from umb.server.tcp import CLOSED_HERE
from umb.server.udp import UDPServer
from umb.store import Store

READ = request(3, 100, 2)
ANSWER = b"\3\4" + words(1100, 1101)
NO_ANSWER = raw("83 0b")
_PATIENCE_MS = 5000


def devices(slave_ids=(1, 7)):
    """A server whose holding registers are 1000, 1001, ..."""
    store = Store(200, 200, 0, 200)
    for i in range(200):
        store.holding_registers[i] = 1000 + i
    return Server(store, slave_ids, functions=(Identity({0: "A", 1: "B", 2: "C"}),))


class Asker(Link):
    """A connection as a server has it: one buffer, one request at a time."""

    def __init__(self, serial=False):
        super().__init__(serial)
        self.adu = bytearray(262)
        self.size = 0
        self.n = 0  # the length of the response, LATER while it is waited for
        self.slave_id = 0

    def put(self, gateway, slave_id, pdu):
        """Hand a request over."""
        self.gone = False
        self.slave_id = slave_id
        self.adu[:7] = b"\xbe\xef\0\0\0\0" + bytes((slave_id,))
        self.adu[7 : 7 + len(pdu)] = pdu
        self.size = len(pdu)
        self.n = gateway.handle(self.adu, len(pdu), self)

    def answer(self, n):
        assert self.n == LATER, "a second answer"
        self.n = n

    def response(self):
        assert self.adu[:2] == b"\xbe\xef" and self.adu[6] == self.slave_id
        return bytes(self.adu[7 : 7 + self.n])


class Network:
    """`with Network(server) as network`: a server, a client of it, and the gateway before that.

    options  keywords of Gateway
    """

    def __init__(self, server=None, *, client=None, framer=None, slave_ids=None, **options):
        listening = {} if framer is None else {"framer": framer}
        self.far = Bench(server or devices(), **listening)
        named = {"timeout_ms": 200}
        named.update(listening)
        named.update(client or {})
        self.client = TCPClient(("127.0.0.1", self.far.port), **named)
        self.gateway = Gateway(self.client, slave_ids, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gateway.server_close()
        self.far.__exit__()

    def poll(self):
        """Let both work. Returns how many requests the gateway has answered."""
        self.far.poll()
        return self.gateway.poll()

    def ask(self, slave_id, pdu, asker=None):
        """The response to a request, waited for."""
        asker = asker or Asker()
        asker.put(self.gateway, slave_id, pdu)
        self.until_answered(asker)
        return asker.response()

    def until_answered(self, *askers):
        begin_ms = ticks_ms()
        for asker in askers:
            while asker.n == LATER:
                self.poll()
                assert ticks_diff(ticks_ms(), begin_ms) < _PATIENCE_MS, "never answered"

    def connections(self):
        """How many connections the server has."""
        return len([one for one in self.far.tcp._connections if not one.gone])


# --- requests and replies

_REQUESTS = (
    (READ, ANSWER),
    (request(1, 0, 9), b"\1\2\0\0"),
    (request(2, 0, 200), b"\2\x19" + bytes(25)),
    (request(3, 0, 125), b"\3\xfa" + words(*range(1000, 1125))),
    (request(4, 0, 1), b"\x84\2"),
    (request(5, 1, 0xFF00), request(5, 1, 0xFF00)),
    (request(6, 199, 7), request(6, 199, 7)),
    (write_bits(0, [1] * 9), request(15, 0, 9)),
    (write_registers(0, [7] * 123), request(16, 0, 123)),
    (request(22, 5, 0, 7), request(22, 5, 0, 7)),
    (read_write(5, 1, 60, [1] * 121), b"\x17\2\0\7"),
    (raw("2b 0e 01 00"), raw("2b 0e 01 81 00 00 03 00 01 41 01 01 42 02 01 43")),
    (raw("41 01 02"), b"\xc1\1"),
    (request(3, 0), b"\x83\3"),
    (request(3, 500, 1), b"\x83\2"),
)


def test_every_kind_of_request():
    for framer in (None, RTUStream):
        with Network(framer=framer) as network:
            asker = Asker()
            for pdu, response in _REQUESTS:
                if framer is None or len(pdu) > 3:
                    for slave_id in (1, 7):
                        got = network.ask(slave_id, pdu, asker)
                        assert got == response, (framer, pdu, got)
            assert network.ask(9, READ) == (raw("83 0b") if framer is None else NO_ANSWER)
            assert network.ask(0, READ) == network.ask(248, READ) == raw("83 0a")


def test_other_slave_ids_over_there():
    """One device that has only the unit id 1, or none."""
    with Network(unit_ids={255: 1, 0: 1, 30: 7}) as network:
        for slave_id in (255, 0, 30, 1, 7):
            assert network.ask(slave_id, READ) == ANSWER, slave_id
        assert network.ask(0, request(6, 100, 5)) == request(6, 100, 5)
        assert network.ask(1, request(3, 100, 1)) == b"\3\2\0\5"


def test_many_share_one_connection():
    with Network(queue=20) as network:
        for _ in range(10):
            askers = [Asker() for _ in range(20)]
            for i in range(20):
                askers[i].put(network.gateway, 1, request(3, i, 1))
            network.until_answered(*askers)
            for i in range(20):
                assert askers[i].response() == b"\3\2" + words(1000 + i)
        assert network.connections() == 1
        assert len(network.far.tcp._connections) == 1, "there was never another one"


def test_over_udp():
    def listen(port):
        return UDPServer(("127.0.0.1", port), devices())

    udp, port = free_port(listen)
    gateway = Gateway(UDPClient(("127.0.0.1", port), timeout_ms=200, retries=0))
    asker = Asker()
    for pdu, response in _REQUESTS:
        asker.put(gateway, 7, pdu)
        begin_ms = ticks_ms()
        while asker.n == LATER:
            udp.poll()
            gateway.poll()
            assert ticks_diff(ticks_ms(), begin_ms) < _PATIENCE_MS
        assert asker.response() == response, pdu
    gateway.server_close()
    udp.server_close()


def test_broadcasts():
    """They go behind servers whose client says so; nobody answers."""
    for everybody in (False, True):
        keeper = Keeper()
        with Network(keeper, client={"broadcast": everybody}) as network:
            asker = Asker()
            assert network.ask(0, request(6, 1, 2), asker) == b""
            for _ in range(20):
                network.poll()
                sleep_ms(1)
            assert keeper.pdus() == ([request(6, 1, 2)] if everybody else [])
            assert len(keeper.kept) == (1 if everybody else 0)


# --- what goes wrong


class Odd:
    """A handler that answers with this PDU; None: never."""

    def __init__(self, response):
        self.response = response
        self.count = 0

    def handle(self, adu, _n, _link):
        self.count += 1
        if self.response is None:
            return LATER
        adu[7 : 7 + len(self.response)] = self.response
        return len(self.response)


def test_replies_that_do_not_fit():
    for pdu, response in (
        (READ, "03 02 0001"),
        (READ, "04 04 0001 0002"),
        (READ, "03"),
        (READ, "83"),
        (request(6, 1, 2), "06 0001 0003"),
        (request(16, 1, 1) + b"\2\0\1", "10 0002 0001"),
        (request(1, 0, 9), "01 01 00"),
    ):
        odd = Odd(raw(response))
        with Network(odd) as network:
            assert network.ask(1, pdu) == bytes((pdu[0] | 0x80, 11)), response
            odd.response = raw("83 06")
            assert network.ask(1, READ) == raw("83 06"), "exceptions are handed on"


def test_replies_that_count_their_bytes_wrongly():
    """Those whose length no request says: one byte more or less, and many."""
    for pdu, reply in (
        (raw("0c"), raw("0c 08 0000 0001 0002 2000")),
        (raw("11"), raw("11 03 07 ff 01")),
        (raw("18 0001"), raw("18 0006 0002 0003 0004")),
        (raw("18 0001"), raw("18 0002 0000")),
    ):
        for wrong in (reply[:-1], reply[:-2], reply + b"\x12", reply + reply, reply):
            with Network(Odd(wrong)) as network:
                none = bytes((pdu[0] | 0x80, 11))
                assert network.ask(1, pdu) == (reply if wrong == reply else none), wrong


def test_a_server_that_does_not_answer():
    """The next one is asked all the same, and is not given the late reply."""
    keeper = Keeper()
    with Network(keeper, client={"timeout_ms": 300}) as network:
        begin_ms = ticks_ms()
        assert network.ask(1, READ) == NO_ANSWER
        assert 295 <= ticks_diff(ticks_ms(), begin_ms) < 2000
        asker = Asker()
        asker.put(network.gateway, 1, request(3, 7, 2))
        while len(keeper.kept) < 2:
            network.poll()
            assert asker.n == LATER, "given up before the server has seen it"
        keeper.answer(b"\3\4" + words(1, 2))
        network.poll()
        keeper.answer(b"\3\4" + words(7, 8))
        network.until_answered(asker)
        assert asker.response() in (b"\3\4" + words(7, 8), NO_ANSWER)


def test_retries():
    odd = Odd(None)
    with Network(odd, client={"timeout_ms": 150, "retries": 2}) as network:
        assert network.ask(1, READ) == NO_ANSWER
        assert odd.count == 3


def test_without_a_server():
    """Nothing is raised; when it comes, it is asked."""

    far = Bench(devices())
    port = far.port
    far.__exit__()
    client = TCPClient(("127.0.0.1", port), timeout_ms=50)
    gateway = Gateway(client)
    asker = Asker()
    for _ in range(3):
        asker.put(gateway, 1, READ)
        begin_ms = ticks_ms()
        while asker.n == LATER:
            gateway.poll()
            assert ticks_diff(ticks_ms(), begin_ms) < _PATIENCE_MS
        assert asker.response() == NO_ANSWER
    gateway.server_close()


def test_a_server_that_closes_in_between():
    with Network() as network:
        for _ in range(5):
            assert network.ask(1, READ) == ANSWER
            for connection in network.far.tcp._connections:
                if not connection.gone:
                    network.far.tcp.drop(connection, CLOSED_HERE)
            network.poll()
        assert network.ask(1, READ) == ANSWER


def test_a_client_that_leaves():
    """Its request is given up, the others' are sent."""
    keeper = Keeper()
    with Network(keeper) as network:
        first, second = Asker(), Asker()
        first.put(network.gateway, 1, READ)
        second.put(network.gateway, 1, request(3, 5, 1))
        while not keeper.kept:
            network.poll()
        first.gone = True
        for _ in range(5):
            network.poll()
        assert first.n == 0 and second.n == LATER
        keeper.answer(b"\3\4" + words(1, 2))  # to nobody
        while not keeper.kept:
            network.poll()
        keeper.answer(b"\3\2" + words(5))
        network.until_answered(second)
        assert second.response() == b"\3\2" + words(5)


def test_pauses():
    with Network(client={"pause_ms": 30}) as network:
        network.ask(1, READ)
        for _ in range(5):
            begin_ms = ticks_ms()
            assert network.ask(1, READ) == ANSWER
            assert ticks_diff(ticks_ms(), begin_ms) >= 29


def test_the_program_shares_the_connection():
    with Network() as network:
        network.ask(1, READ)
        asker = Asker()
        asker.put(network.gateway, 1, READ)
        network.gateway.poll()
        assert not network.client.is_free()
        raises(RuntimeError, network.client.read_holding_registers, 1, 0, 1)
        network.until_answered(asker)
        assert network.client.is_free() and asker.response() == ANSWER


def test_an_end_in_the_middle():
    keeper = Keeper()
    with Network(keeper) as network:
        first, second = Asker(), Asker()
        first.put(network.gateway, 1, READ)
        second.put(network.gateway, 1, READ)
        while not keeper.kept:
            network.poll()
        network.gateway.finish()
        assert first.response() == NO_ANSWER and second.n == LATER
        network.gateway.server_close()
        assert second.n == 0


def test_what_is_no_line():
    for wrong in (None, 5, "tcp", TCPClient, devices(), ("127.0.0.1", 502)):
        assert "RTUClient" in str(raises(ValueError, Gateway, wrong))


# --- a serial line in front of it


def test_for_masters_of_a_serial_line():
    """The gateway is one slave among others: it says nothing about those that it does not know."""
    with Network(slave_ids=(1, 7)) as network:
        asker = Asker(serial=True)
        assert network.ask(1, READ, asker) == network.ask(7, READ, asker) == ANSWER
        for slave_id in (9, 255):
            asker.put(network.gateway, slave_id, READ)
            assert asker.n == 0, slave_id
        served = [slave_id for slave_id in range(256) if network.gateway.serves(slave_id)]
        assert served == [1, 7]


# --- memory


class Traffic:
    """A request again and again."""

    def __init__(self, network, pdu, response, times=300):
        self.network, self.pdu, self.response, self.times = network, pdu, response, times
        self.asker = Asker()
        self.faults = 0


def play(traffic):
    network, asker, pdu = traffic.network, traffic.asker, traffic.pdu
    for _ in range(traffic.times):
        asker.adu[6] = 1
        for i in range(len(pdu)):
            asker.adu[7 + i] = pdu[i]
        asker.n = network.gateway.handle(asker.adu, len(pdu), asker)
        while asker.n == LATER:
            network.far.tcp.poll()
            network.gateway.poll()
        if asker.n != len(traffic.response) or asker.adu[7] != traffic.response[0]:
            traffic.faults += 1


def test_nothing_is_allocated():
    for options in ({}, {"cache_ms": 1}, {"unit_ids": {1: 7}}, {"client": {"pause_ms": 1}}):
        with Network(**options) as network:
            for pdu, response in _REQUESTS[:11]:
                free_of_heap((options, pdu), play, Traffic(network, pdu, response, 20))


def test_frames_stay_off_the_heap():
    """Of a function with more than 11 words MicroPython makes the frame there, and frees it."""
    if not hasattr(micropython, "mem_total"):
        skip("this MicroPython does not count what it allocates")
    for options in ({}, {"cache_ms": 5}, {"unit_ids": {1: 7}}, {"client": {"pause_ms": 1}}):
        with Network(**options) as network:
            asker = Asker()
            network.ask(1, READ, asker)
            for pdu, _ in _REQUESTS[:11] * 2:
                asker.adu[6] = 1
                asker.adu[7 : 7 + len(pdu)] = pdu
                gc.collect()
                before = micropython.mem_total()
                asker.n = network.gateway.handle(asker.adu, len(pdu), asker)
                taken = micropython.mem_total() - before
                while asker.n == LATER:
                    network.far.tcp.poll()
                    before = micropython.mem_total()
                    network.gateway.poll()
                    taken += micropython.mem_total() - before
                assert taken == 0, (options, pdu, taken)


def test_a_reply_of_any_length_is_the_programs_alone():
    """A call of the program whose reply may have any length changes nothing for the clients."""
    with Network(Odd(raw("03 06 000100020003")), client={"timeout_ms": 50}) as network:
        for call in (
            lambda: network.client.read_bytes(1, 3, 0, 1),
            lambda: network.client.request(1, b"\3\0\0\0\1"),
        ):
            raises(NoReplyError, call)  # the server is not served meanwhile
            sleep_ms(150)  # until the client may connect again
            assert network.ask(1, READ) == NO_ANSWER
