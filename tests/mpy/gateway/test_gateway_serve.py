"""A Gateway in serve() with its TCPServer: nobody sleeps while there is something to do."""

from support.gateway import Asker, Bench, bench  # comes first: by the clock of support.uart

import socket

from support.bus import Bus, answer
from support.pdu import request
from support.tcp import frame, free_port
from support.uart import clock

from umb.serve import serve
from umb.server import Driver
from umb.server.tcp import TCPServer

READ = request(3, 100, 2)
_MOST_ROUNDS = 100_000


class Sleeper(TCPServer):
    """A TCPServer whose poll() sleeps by the clock of support.uart, and never for too long."""

    def __init__(self, gateway, port):
        super().__init__(("127.0.0.1", port), gateway)
        self._gateway = gateway

    def poll(self, wait_ms=0):
        assert wait_ms <= self._gateway.nap_ms(), "it sleeps while the gateway has to work"
        clock.now_ns += 20_000
        for _ in self.poller.ipoll(0):
            wait_ms = 0
        clock.now_ns += wait_ms * 1_000_000
        return TCPServer.poll(self)


class Client(Driver):
    """Plays a client: one request after another, as many as it is told."""

    def __init__(self, port, slave_id, times):
        super().__init__(None)
        self._sock = socket.socket()
        self._sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._sock.setblocking(False)
        self._slave_id = slave_id
        self._waits = False
        self.left = times

    def watch(self, poller):
        pass

    def nap_ms(self):
        return 1000

    def finish(self):
        pass

    def poll(self, wait_ms=0):
        assert wait_ms == 0, "the first driver sleeps for all"
        if self._waits:
            data = self._sock.read(300)
            if data is None:
                return 0
            assert data == frame(answer(self._slave_id, READ), self._slave_id)
            self._waits = False
            self.left -= 1
        if self.left:
            self._sock.write(frame(READ, self._slave_id))
            self._waits = True
        return 0


class End(Driver):
    """Ends serve() when all clients have what they wanted."""

    def __init__(self, clients):
        super().__init__(None)
        self._clients = clients
        self._rounds = 0

    def watch(self, poller):
        pass

    def nap_ms(self):
        return 1000

    def finish(self):
        pass

    def poll(self, _wait_ms=0):
        self._rounds += 1
        assert self._rounds < _MOST_ROUNDS, "it does not come to an end"
        if not any(client.left for client in self._clients):
            self.shutdown()
        return 0


def test_throughput_is_the_lines():
    """Four clients; what comes on top lies in the silence between the frames."""
    for baudrate in (19200, 115200):
        bus = Bus(baudrate)
        bus.delay_us = 3000
        line = bench(bus=bus, baudrate=baudrate)
        tcp, port = free_port(lambda port, line=line: Sleeper(line.gateway, port))
        clients = [Client(port, 1 + i, 10) for i in range(4)]
        begin_us = clock.now_us()
        serve(tcp, line.gateway, *clients, End(clients))
        took_us = clock.now_us() - begin_us
        tcp.server_close()
        t35_us = 1750 if baudrate > 19200 else 2005
        ideal_us = 40 * (bus.chars_ns(8 + 9) // 1000 + 3000 + t35_us)
        assert ideal_us * 0.98 < took_us < ideal_us * 1.2, (took_us, ideal_us)
        line.is_clean()


def test_a_client_alone_is_served_as_fast():
    bus = Bus()
    line = bench(bus=bus)
    tcp, port = free_port(lambda port: Sleeper(line.gateway, port))
    client = Client(port, 1, 20)
    begin_us = clock.now_us()
    serve(tcp, line.gateway, client, End([client]))
    took_us = clock.now_us() - begin_us
    tcp.server_close()
    ideal_us = 20 * (bus.chars_ns(8 + 9) // 1000 + bus.delay_us + 1750)
    assert took_us < ideal_us * 1.5, (took_us, ideal_us)


def test_answers_that_come_in_one_piece():
    """As from a USB adapter: the gateway is done with one without a look in between."""
    bus = Bus(txdone="true", lump=5000)
    bus.exact_times = False
    line = bench(bus=bus)
    tcp, port = free_port(lambda port: Sleeper(line.gateway, port))
    clients = [Client(port, 1 + i, 10) for i in range(2)]
    serve(tcp, line.gateway, *clients, End(clients))
    tcp.server_close()


def test_the_gateway_may_come_first():
    """It sleeps for all then; two lines share one poller."""
    lines = Bench((Bus(), (1,)), (Bus(), (2,)))
    tcp, port = free_port(lambda port: TCPServer(("127.0.0.1", port), lines.gateway))
    clients = [Client(port, 1 + i, 5) for i in range(2)]
    serve(lines.gateway, tcp, *clients, End(clients))
    tcp.server_close()
    lines.is_clean()


def test_all_lines_wake_the_driver_that_sleeps():
    lines = Bench((Bus(), (1,)), (Bus(), (2,)))
    tcp, port = free_port(lambda port: TCPServer(("127.0.0.1", port), lines.gateway))
    client = Client(port, 1, 1)
    serve(tcp, lines.gateway, client, End([client]))
    tcp.server_close()
    assert all(path.client.line.poller is tcp.poller for path in lines.gateway._paths)


def test_poll_may_sleep_by_itself():
    line = bench()
    asker = Asker()
    asker.ask(line.gateway, 1, READ)
    while asker.waits:
        line.gateway.poll(5)
        clock.now_ns += 20_000
    assert asker.answers == [answer(1, READ)]
