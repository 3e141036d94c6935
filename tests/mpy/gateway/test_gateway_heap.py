"""A Gateway allocates nothing for a request, once it has seen the connection that it came from."""

from support.uart import UART, clock  # comes first: it stands in for the module time

import micropython
from support import skip
from support.bus import answer
from support.heap import allocated, free_of_heap, kept
from support.pdu import Link, raw, request, write_bits, write_registers
from support.rtu import frame
from support.wire import Wire

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.records import BusRecord
from umb.server import LATER, Server
from umb.store import Store

LOCAL, SLAVE, ABSENT = 100, 1, 9
_STEP_US = 50
READ = request(3, 100, 10)
ANSWER = answer(SLAVE, READ)


class Slave(UART):
    """A line on which every request is answered by the same bytes; None: by nobody."""

    reply = None

    def write(self, buf, at, n):
        self.sent.clear()
        n = UART.write(self, buf, at, n)
        if self.reply is not None:
            self.hear(self.end_ns() // 1000 + 300, self.reply)
        return n


class Asker(Link):
    """A connection that sends the same request again and again."""

    def __init__(self):
        super().__init__()
        self.adu = bytearray(262)
        self.n = LATER

    def answer(self, n):
        self.n = n


class Traffic:
    """Requests of several connections at a time, so many times, and what the answers should be."""

    def __init__(self, gateway, slave, slave_id, pdu, expected, reply, times=20, askers=3):
        self.gateway, self.slave, self.slave_id, self.pdu = gateway, slave, slave_id, pdu
        self.expected, self.reply, self.times = expected, reply, times
        self.askers = [Asker() for _ in range(askers)]
        self.faults = 0


def play(traffic):
    traffic.slave.reply = traffic.reply
    for _ in range(traffic.times):
        for asker in traffic.askers:
            put(traffic, asker)
        for asker in traffic.askers:
            while asker.n == LATER:
                traffic.gateway.poll()
            check(traffic, asker)


def put(traffic, asker):
    pdu = traffic.pdu
    asker.adu[6] = traffic.slave_id
    for i in range(len(pdu)):
        asker.adu[7 + i] = pdu[i]
    asker.n = traffic.gateway.handle(asker.adu, len(pdu), asker)


def check(traffic, asker):
    if asker.n != len(traffic.expected):
        traffic.faults += 1
    for i in range(asker.n):
        if asker.adu[7 + i] != traffic.expected[i]:
            traffic.faults += 1


class Stage:
    """A Gateway with a local device and one line."""

    def __init__(self, retries=0, uart=None):
        clock.reset(step_us=_STEP_US)
        self.slave = uart or Slave(921600, cost_us=_STEP_US)
        line = RTUClient(self.slave, baudrate=921600, retries=retries, timeout_ms=5)
        line._turnaround_ms = 5
        local = Server(Store(holding_registers=200), (LOCAL,))
        self.gateway = Gateway(line, (SLAVE, ABSENT), local=local)

    def traffic(self, slave_id, pdu, expected, reply=None, **options):
        return Traffic(self.gateway, self.slave, slave_id, pdu, expected, reply, **options)

    def proves(self, slave_id, pdu, *what, **options):
        traffic = self.traffic(slave_id, pdu, *what, **options)
        free_of_heap((slave_id, pdu), play, traffic)


def test_requests():
    stage = Stage()
    for pdu in (
        READ,
        request(4, 0, 125),
        request(6, 1, 2),
        write_registers(0, [7] * 123),
    ):
        expected = answer(SLAVE, pdu)
        stage.proves(SLAVE, pdu, expected, frame(SLAVE, expected))


def test_exceptions():
    stage = Stage()
    stage.proves(SLAVE, READ, raw("83 02"), frame(SLAVE, raw("83 02")))
    stage.proves(ABSENT, READ, raw("83 0b"), times=5)
    stage.proves(50, READ, raw("83 0a"))
    stage.proves(255, request(3, 199, 2), raw("83 02"))


def test_retries():
    stage = Stage(retries=2)
    good = frame(SLAVE, ANSWER)
    stage.proves(SLAVE, READ, raw("83 0b"), good[:-1] + b"\0", times=5)
    stage.proves(SLAVE, READ, ANSWER, good)


def test_local_ids_and_broadcasts():
    stage = Stage()
    stage.proves(LOCAL, request(3, 0, 2), raw("03 04 0000 0000"))
    stage.proves(0, write_registers(0, [7] * 100), b"", times=5)


def test_a_full_queue():
    stage = Stage()
    traffic = stage.traffic(SLAVE, READ, ANSWER, frame(SLAVE, ANSWER), times=50, askers=20)
    play(traffic)
    assert traffic.faults, "none was refused"
    assert allocated(play, traffic) == 0


def test_nothing_to_do():
    stage = Stage()
    stage.faults = 0
    free_of_heap("idle", be_idle, stage)


def be_idle(stage):
    for _ in range(1000):
        stage.faults += stage.gateway.poll()
    for _ in range(5):
        stage.slave.hear(clock.now_us() + 100, b"some noise")
        for _ in range(100):
            stage.faults += stage.gateway.poll()


def test_a_thousand_requests():
    traffic = Stage().traffic(SLAVE, READ, ANSWER, frame(SLAVE, ANSWER), times=334)
    play(traffic)
    assert allocated(play, traffic) == 0
    assert not traffic.faults


def taken(gateway, asker, wire, patience):
    """How much is allocated for a request until it is answered, even if it is freed at once.

    What has been said to it comes once more afterwards, when nobody waits for it.

    patience   after how many polls who asked is gone
    """
    asker.gone = False
    before = micropython.mem_total()
    asker.n = gateway.handle(asker.adu, asker.size, asker)
    while asker.n == LATER:
        asker.gone = patience <= 0
        patience -= 1
        gateway.poll()
    wire.say()
    while wire.any():
        gateway.poll()
    gateway.poll()
    return micropython.mem_total() - before


def test_frames_stay_off_the_heap():
    """Of a function with more than 11 words MicroPython makes the frame there, and frees it again.

    Requests that are answered, refused, not answered, answered wrongly, asked again, or given up;
    replies that come when nobody waits for them; and broadcasts.
    """
    if not hasattr(micropython, "mem_total"):
        skip("this MicroPython does not count what it allocates")
    answers = set()
    for retries, observer in ((0, None), (2, None), (0, BusRecord(slaves=1)), (2, BusRecord())):
        for patience in (1000, 0, 1, 2, 3, 5, 8):
            wire = Wire(b"", replies=True)
            gateway = Stage(retries, wire).gateway
            gateway.observe(0, observer)
            asker = Asker()
            for slave_id, pdu, reply in exchanges():
                wire.said = reply
                asker.adu[6] = slave_id
                asker.adu[7 : 7 + len(pdu)] = pdu
                asker.size = len(pdu)
                n = taken(gateway, asker, wire, patience)
                assert n == 0, (retries, observer, patience, slave_id, pdu, reply, n)
                answers.add(bytes(asker.adu[7 : 7 + asker.n])[:2])
    assert answers.issuperset((b"\x10\0", b"\x14\6", b"\x41\5", b"", b"\x83\2", b"\x83\x0b"))


def exchanges():
    """(slave id, request PDU, what is said to it)"""
    for pdu, good in (
        (READ, ANSWER),
        (request(1, 0, 2000), b"\x01\xfa" + bytes(250)),
        (request(4, 0, 125), b"\x04\xfa" + bytes(250)),
        (request(5, 1, 0xFF00), request(5, 1, 0xFF00)),
        (request(6, 1, 2), request(6, 1, 2)),
        (write_registers(0, [7] * 123), request(16, 0, 123)),
        (write_bits(0, [1] * 9), request(15, 0, 9)),
        (raw("08 0000 0102 0304"), raw("08 0000 0102 0304")),
        (raw("14 07 06 0004 0001 0002"), raw("14 06 05 06 0102 0304")),
        (raw("15 09 06 0004 0007 0001 0102"), raw("15 09 06 0004 0007 0001 0102")),
        (raw("18 0005"), raw("18 0004 0001 0102")),
        (raw("2b 0e 01 00"), raw("2b 0e 01 81 00 00 01 00 02 4142")),
        (raw("41 01 02"), raw("41 05")),
    ):
        yield SLAVE, pdu, frame(SLAVE, good)
        yield SLAVE, pdu, frame(SLAVE, bytes((pdu[0] | 0x80, 2)))
        yield SLAVE, pdu, b"\0" + frame(SLAVE, good) + b"\0"
        yield SLAVE, pdu, frame(SLAVE + 1, good)
        yield SLAVE, pdu, frame(SLAVE, good)[:-1] + b"\x55"
        yield SLAVE, pdu, frame(SLAVE, good)[:4]
        yield SLAVE, pdu, frame(SLAVE, good) * 2
        yield SLAVE, pdu, b""
        for slave_id in (ABSENT, LOCAL, 0, 255, 50):
            yield slave_id, pdu, b""


def test_what_is_kept_of_a_connection_is_kept_once():
    traffic = Stage().traffic(SLAVE, READ, ANSWER, frame(SLAVE, ANSWER))
    play(traffic)
    assert kept(play, traffic) == 0
