"""serve() sleeps whenever nothing can be done, in any order of drivers, by the real clock."""

import socket
from time import ticks_diff, ticks_ms

import micropython
from support.pdu import request
from support.tcp import Keeper, frame, free_port

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.serve import serve
from umb.server import Driver, Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer
from umb.store import Store

_TIMEOUT_MS = 150
_READ = request(3, 0, 1)


class SilentUART:
    """A machine.UART on which nothing ever comes."""

    irq = None

    def any(self):
        return 0

    def readinto(self, _buf, _n):
        raise AssertionError("there is nothing to read")

    def write(self, _buf, _at, n):
        return n

    def txdone(self):
        return True


class Rounds(Driver):
    """Counts the rounds of serve(), and ends it after so long."""

    def __init__(self, for_ms):
        super().__init__(None)
        self._for_ms = for_ms
        self._begin_ms = ticks_ms()
        self.count = 0

    def nap_ms(self):
        return 1000

    def poll(self, wait_ms=0):
        self.count += 1
        if ticks_diff(ticks_ms(), self._begin_ms) >= self._for_ms:
            self.shutdown()
        return 0


def orders(items):
    """Every order of some things."""
    if not items:
        return [[]]
    return [
        order[:at] + items[-1:] + order[at:]
        for order in orders(items[:-1])
        for at in range(len(items))
    ]


def serial(handler):
    return RTUServer(SilentUART(), handler, baudrate=9600)


def tcp(handler):
    return free_port(lambda port: TCPServer(("127.0.0.1", port), handler))


def udp(handler):
    return free_port(lambda port: UDPServer(("127.0.0.1", port), handler))


def ask(port, kind, times=1):
    sock = socket.socket(socket.AF_INET, kind)
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    for i in range(times):
        sock.send(frame(_READ, 5, i))
    return sock


def test_while_a_gateway_waits_for_a_slave():
    """Requests wait at every driver; nothing can be done until the slave's time is up."""
    for with_line in (False, True):
        for order in orders([0, 1, 2, 3] if with_line else [0, 1, 2]):
            gateway = Gateway(RTUClient(SilentUART(), baudrate=115200, timeout_ms=_TIMEOUT_MS))
            tcp_driver, tcp_port = tcp(gateway)
            udp_driver, udp_port = udp(gateway)
            drivers = [tcp_driver, udp_driver, gateway, serial(gateway)]
            socks = [
                ask(tcp_port, socket.SOCK_STREAM, 3),
                ask(tcp_port, socket.SOCK_STREAM, 3),
                ask(udp_port, socket.SOCK_DGRAM, 3),
            ]
            rounds = Rounds(100)
            serve(*[drivers[i] for i in order], rounds)
            # Before it sends, the gateway spins until the line has been silent for 1.75 ms.
            assert rounds.count < 1000, (order, rounds.count)
            tcp_driver.server_close()
            udp_driver.server_close()
            for sock in socks:
                sock.close()


def test_while_handlers_keep_requests():
    for order in orders([0, 1, 2]):
        keeper = Keeper()
        tcp_driver, tcp_port = tcp(keeper)
        udp_driver, udp_port = udp(keeper)
        drivers = [tcp_driver, udp_driver, serial(keeper)]
        drivers[2].answer(-1)  # as if its handler had returned LATER
        socks = [ask(tcp_port, socket.SOCK_STREAM, 3), ask(udp_port, socket.SOCK_DGRAM, 3)]
        rounds = Rounds(100)
        serve(*[drivers[i] for i in order], rounds)
        assert len(keeper.kept) == 2
        assert rounds.count < 200, (order, rounds.count)
        tcp_driver.server_close()
        udp_driver.server_close()
        for sock in socks:
            sock.close()


def test_while_nothing_comes():
    for order in orders([0, 1]):
        server = Server(Store())
        drivers = [tcp(server)[0], udp(server)[0]]
        rounds = Rounds(600)
        serve(*[drivers[i] for i in order], rounds)
        assert rounds.count <= 6, (order, rounds.count)
        for driver in drivers:
            driver.server_close()


def test_while_there_is_no_memory_for_a_datagram():
    """It is tried again once a nap."""
    server = Server(Store(holding_registers=1))
    driver, port = udp(server)
    driver.poll()  # a poller allocates a little when it is used first
    sock = ask(port, socket.SOCK_DGRAM)
    begin_ms = ticks_ms()
    micropython.heap_lock()
    try:
        for _ in range(10):
            driver.poll(20)
    finally:
        micropython.heap_unlock()
    assert ticks_diff(ticks_ms(), begin_ms) >= 80, "half of the time it sleeps"
    assert driver.poll(100) + driver.poll(100) == 1, "the datagram has waited"
    driver.server_close()
    sock.close()
