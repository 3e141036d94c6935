"""Two serial lines in one loop, whose masters do not wait for each other."""

from support import spread
from support.pdu import request
from support.rtu import OURS, frame, spans
from support.uart import UART, Output, clock

from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

_ROUND_US = 300  # what a round of the loop takes
_PATIENCE_US = 300_000


class Station:
    """A slave on a line, and the master that asks it the same again and again."""

    def __init__(self, baudrate, quantity, begin_us):
        self.uart = UART(baudrate, 8, 0, 1, cost_us=9)
        self.pin = Output()
        server = Server(Store(holding_registers=125), (OURS,))
        self.rtu = RTUServer(self.uart, server, baudrate=baudrate, parity=0, de=self.pin)
        self.char_us = 11_000_000 // baudrate + 1
        self.t35_us = 1750 if baudrate > 19200 else 3.5 * self.char_us
        self.request = frame(OURS, request(3, 0, quantity))
        self.reply_n = 5 + 2 * quantity
        self.asked = self.answered = 0
        self.late_us = []
        self.ends_ns = []  # of the replies
        self.ask(begin_us)

    def ask(self, at_us):
        self.asked += 1
        self.end_us = self.uart.hear(int(at_us), self.request)

    def go_on(self):
        """Let the master ask t3.5 after the last stop bit of the reply, whatever the pin does."""
        sent = self.uart.sent
        if sent.n >= self.reply_n and clock.now_ns >= self.uart.end_ns():
            self.answered += 1
            self.late_us.append(sent.times_ns[0] // 1000 - self.end_us - self.t35_us)
            sent.clear()
            self.ends_ns.append(self.uart.end_ns())
            self.ask(max(clock.now_us() + 1, self.uart.end_ns() // 1000 + self.t35_us))
        assert clock.now_us() < self.end_us + _PATIENCE_US, "%d of %d" % (
            self.answered,
            self.asked,
        )


def run(stations, requests):
    while min(station.answered for station in stations) < requests:
        for station in stations:
            station.rtu.poll()
            for one in stations:
                one.go_on()
        clock.now_ns += _ROUND_US * 1000


def check(baudrates, quantities, phase_us):
    """Let two masters ask, one so much later than the other."""
    clock.reset(50_000, 5)
    stations = []
    for i in range(2):
        stations.append(Station(baudrates[i], quantities[i], 3000 + phase_us * i))
        stations[i].rtu.alone = False  # as serve() does
    run(stations, 8)
    for station in stations:
        what = (baudrates, quantities, phase_us, station.late_us)
        assert min(station.late_us) >= -1 and max(station.late_us) <= 3 * _ROUND_US, what
        station.rtu.finish()
        edges = spans(station.pin.trace, 1)
        for i in range(len(station.ends_ns)):
            assert 0 <= edges[i][1] - station.ends_ns[i] <= 3000 * _ROUND_US, what


def test_two_lines():
    """Neither loses a request, or lets its pin fall late, for what the other one does."""
    for baudrates in ((9600, 9600), (19200, 19200), (115200, 115200), (9600, 115200)):
        for quantities in ((10, 10), (10, 100), (100, 100)):
            for phase_us in spread(range(0, 5000, 700), 4):
                check(baudrates, quantities, phase_us)
