"""A Gateway that is known to a driver only, as its server: it is served along with the driver."""

from support.gateway import Bench, bench  # comes first: by the clock of support.uart

import socket

from support.bus import Bus, answer
from support.loop import run
from support.pdu import request
from support.rtu import frame as rtu_frame
from support.tcp import frame, free_port
from support.uart import UART, Output, clock

from umb import aio
from umb.serve import serve
from umb.server import Driver
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer

_READ = request(3, 100, 2)
_SLAVE = 5
_MOST_ROUNDS = 100_000


class TCP(TCPServer):
    """Sleeps by the clock of support.uart."""

    def poll(self, wait_ms=0):
        return sleeping(self, TCPServer, wait_ms)


class UDP(UDPServer):
    """Sleeps by the clock of support.uart."""

    def poll(self, wait_ms=0):
        return sleeping(self, UDPServer, wait_ms)


def sleeping(driver, kind, wait_ms):
    clock.now_ns += 20_000
    for _ in driver.poller.ipoll(0):
        wait_ms = 0
    clock.now_ns += wait_ms * 1_000_000
    return kind.poll(driver)


class Over:
    """A way to the gateway: its driver, and a master who uses it."""

    def __init__(self, kind, gateway):
        self.is_stream = kind is TCP
        self.driver, port = free_port(lambda port: kind(("127.0.0.1", port), gateway))
        self._sock = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM if self.is_stream else socket.SOCK_DGRAM
        )
        self._sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._sock.setblocking(False)

    def ask(self):
        self._sock.send(frame(_READ, _SLAVE))

    def answer(self):
        """The response PDU, or None if there is none yet."""
        try:
            data = self._sock.recv(300)
        except OSError:
            return None
        assert data[:7] == frame(data[7:], _SLAVE)[:7]
        return data[7:]

    def close(self):
        self._sock.close()
        self.driver.server_close()


class OverLine:
    """The same over a serial line."""

    def __init__(self, gateway):
        self.pin = Output()
        self._uart = UART(19200, 8, 0, 1)
        self.driver = RTUServer(self._uart, gateway, baudrate=19200, parity=0, de=self.pin)

    def ask(self):
        self._uart.hear(clock.now_us() + 5000, rtu_frame(_SLAVE, _READ))

    def answer(self):
        sent = self._uart.sent
        data = bytes(sent.values[: sent.n])
        pdu = data[1:-2]
        if not data or data != rtu_frame(_SLAVE, pdu) or clock.now_ns < self._uart.end_ns():
            return None
        return pdu

    def close(self):
        assert self.pin.level() == 0
        self.driver.server_close()


def ways(gateway):
    return (Over(TCP, gateway), Over(UDP, gateway), OverLine(gateway))


class Master(Driver):
    """Asks, and ends serve() when it has the answer."""

    def __init__(self, way):
        super().__init__(None)
        self._way = way
        self._asked = False
        self.got = None
        self.rounds = 0

    def nap_ms(self):
        return 1000

    def poll(self, wait_ms=0):
        self.rounds += 1
        assert self.rounds < _MOST_ROUNDS, "no answer"
        if not self._asked:
            self._asked = True
            self._way.ask()
        self.got = self._way.answer()
        if self.got is not None:
            self.shutdown()
        return 0


def by_serve(way):
    master = Master(way)
    serve(way.driver, master)
    return master.got


def by_aio(way):
    master = Master(way)
    run(aio.serve(way.driver, master))
    return master.got


def by_hand(way):
    master = Master(way)
    while master.got is None:
        way.driver.poll()
        clock.now_ns += 50_000
        master.poll()
    return master.got


def test_answered_whoever_polls():
    for poll in (by_serve, by_aio, by_hand):
        for number in range(3):
            line = bench()
            every = ways(line.gateway)
            assert poll(every[number]) == answer(_SLAVE, _READ), (poll, number)
            for way in every:
                way.close()
            line.is_clean()


def test_a_driver_alone():
    """Without a second driver in serve(), as most programs have it."""
    for number in range(3):
        line = bench()
        every = ways(line.gateway)
        way = every[number]
        master = Master(way)
        way.ask()

        def stop(way=way, master=master):
            master.got = way.answer()
            if master.got is not None:
                way.driver.shutdown()

        serve(way.driver, every=(1, stop))
        assert master.got == answer(_SLAVE, _READ)
        for way in every:
            way.close()


def test_poll_counts_what_the_gateway_answers():
    for number in range(3):
        line = bench()
        every = ways(line.gateway)
        driver = every[number].driver
        every[number].ask()
        done = 0
        for _ in range(20_000):
            done += driver.poll()
            clock.now_ns += 20_000
        assert done == 1, number
        for way in every:
            way.close()


def test_the_end_leaves_lines_clean():
    """serve() ends while the gateway sends: the frame leaves, the pin falls, 0B is answered."""
    for number in range(3):
        bus = Bus(9600)
        line = Bench((bus, None), baudrate=9600)
        every = ways(line.gateway)
        way = every[number]
        way.ask()

        def stop(way=way, bus=bus):
            if bus.pin.level == 1:
                way.driver.shutdown()

        serve(way.driver, every=(1, stop))
        line.is_clean()
        assert way.answer() == b"\x83\x0b", number
        for way in every:
            way.close()


def test_the_gateways_lines_use_the_poller_of_serve():
    line = bench()
    way = Over(TCP, line.gateway)
    by_serve(way)
    assert [path.client.line.poller for path in line.gateway._paths] == [way.driver.poller]
    way.close()
