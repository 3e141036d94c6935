"""An RTUServer allocates nothing, whatever it is asked and whatever else is on the line."""

from support.boards import BOARDS
from support.heap import allocated, free_of_heap, locked
from support.pdu import raw, read_write, request, write_bits, write_registers
from support.rtu import OTHER, OURS, Bench, frame
from support.traffic import exchanges, exchanges_with_us_inside, garbage
from support.uart import clock

_COST_US = 100  # of every call: fewer of them pass while time does
_REQUESTS = (
    ("1", request(1, 3, 190)),
    ("2", request(2, 0, 200)),
    ("3", request(3, 0, 125)),
    ("4", request(4, 60, 125)),
    ("5", request(5, 44, 0xFF00)),
    ("6", request(6, 21, 0xFFFF)),
    ("15", write_bits(3, [1, 0, 1] * 60)),
    ("16", write_registers(21, [0xFFFF] * 123)),
    ("22", request(22, 21, 0xF0F0, 0x1234)),
    ("23", read_write(1, 125, 2, [0xFFFF] * 121)),
    ("7", raw("07")),
    ("unknown code", raw("41 00 01")),
    ("exception 2", request(3, 400, 2)),
    ("exception 3", request(3, 0, 126)),
)


class Traffic:
    """What comes, again and again, and what has to be sent each time."""

    def __init__(self, bench, pieces, times, gap_us=4000, every_us=0):
        self.bench = bench
        self.pieces = pieces
        self.times = times
        self.gap_us = gap_us
        self.every_us = every_us
        self.faults = 0
        self.reply = None
        play_once(self)
        sent = bench.uart.sent
        self.reply = bytes(sent.values[: sent.n])
        self.n = sent.n


def play_once(traffic):
    bench = traffic.bench
    uart = bench.uart
    sent = uart.sent
    sent.n = bench.pin.trace.n = 0
    at_us = clock.now_us()
    for piece in traffic.pieces:
        at_us = uart.hear(at_us + traffic.gap_us, piece)
    at_us += 25_000
    rtu = bench.rtu
    every_ns = 1000 * traffic.every_us
    while clock.now_ns // 1000 < at_us or clock.now_ns < uart.end_ns():
        rtu.poll()
        clock.now_ns += every_ns
    if traffic.reply is not None:
        if sent.n != traffic.n:
            traffic.faults += 1
        for i in range(traffic.n):
            if sent.values[i] != traffic.reply[i]:
                traffic.faults += 1


def play(traffic):
    for _ in range(traffic.times):
        play_once(traffic)


def fast(**line):
    return Bench(921600, line=dict(line, cost_us=_COST_US))


def test_every_function_code():
    for what, pdu in _REQUESTS:
        traffic = Traffic(fast(), [frame(OURS, pdu)], 10)
        assert traffic.reply[:1] == b"\x11", what
        free_of_heap(what, play, traffic)


def test_a_thousand_requests():
    bench = fast()
    pieces = [frame(OURS, pdu) for _, pdu in _REQUESTS]
    for _ in range(2):  # the second time they find the values that they leave
        some = [Traffic(bench, [piece], 1000 // len(pieces) + 1) for piece in pieces]
    for work in (locked, allocated):
        n = work(play_all, some)
        assert not n, n
    assert not any(traffic.faults for traffic in some)


def play_all(some):
    for traffic in some:
        play(traffic)


def test_every_port():
    for name, line in BOARDS.items():
        pieces = [frame(OURS, write_registers(0, [1] * 100)), frame(OURS, request(3, 0, 100))]
        traffic = Traffic(fast(**line), pieces[:1], 5)
        free_of_heap(name, play, traffic)
        free_of_heap(name, play, Traffic(traffic.bench, pieces[1:], 5))


def test_long_answers_while_the_program_runs_on():
    bench = Bench(19200, line={"cost_us": _COST_US})
    traffic = Traffic(bench, [frame(OURS, request(3, 0, 60))], 5, every_us=2000)
    assert len(traffic.reply) == 125
    free_of_heap("held no longer than hold_ms", play, traffic)


def test_broadcasts():
    bench = fast()
    free_of_heap("broadcast", play, Traffic(bench, [frame(0, request(6, 0, 7))], 100))
    assert bench.store.holding_registers[0] == 7


def test_what_others_say():
    bench = fast()
    for ask, reply in exchanges() + exchanges_with_us_inside():
        traffic = Traffic(bench, [ask, reply, frame(OURS, request(3, 0, 1))], 2)
        assert len(traffic.reply) == 7
        free_of_heap(ask, play, traffic)


def test_noise():
    bench = fast()
    ask = frame(OURS, request(3, 0, 1))
    for what, data in garbage():
        free_of_heap(what, play, Traffic(bench, [data, ask], 2))
        free_of_heap(what, play, Traffic(bench, [data, ask], 2, gap_us=0))
    free_of_heap("too much", play, Traffic(bench, [bytes(300), ask], 2))
    free_of_heap("torn", play, Traffic(bench, [ask[:3], ask[3:]], 2, gap_us=10_000))


def test_silence():
    bench = fast()
    free_of_heap("idle", be_idle, bench)
    free_of_heap("idle, asleep", be_asleep, bench)


def be_idle(bench):
    bench.faults = 0
    for _ in range(1000):
        bench.faults += bench.rtu.poll()


def be_asleep(bench):
    bench.faults = 0
    for _ in range(100):
        bench.faults += bench.rtu.poll(3)


def test_other_slaves_traffic_needs_no_store():
    bench = Bench(921600, line={"cost_us": _COST_US})
    traffic = Traffic(bench, [frame(OTHER, request(3, 0, 9))], 50)
    assert traffic.n == 0
    free_of_heap("request to another", play, traffic)
