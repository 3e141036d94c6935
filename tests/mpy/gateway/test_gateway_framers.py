"""A Gateway between transports that frame differently: RTU over TCP, UDP, and an ASCII line."""

from support.gateway import Asker, Bench, bench, device  # first: by the clock of support.uart

import binascii
import socket

import support.tcp
from support.bus import Bus, answer
from support.pdu import raw, request, write_registers
from support.rtu import frame
from support.uart import UART, clock

from umb.frame.ascii import ASCII
from umb.frame.rtu_stream import RTUStream
from umb.server.udp import UDPServer

READ = request(3, 100, 2)
ABSENT = 9


class Net(support.tcp.Bench):
    """Clients of a TCPServer with RTU frames, and a Gateway."""

    def __init__(self):
        self.line = bench(bus=Bus(absent=(ABSENT,)))
        super().__init__(self.line.gateway, framer=RTUStream)

    def poll(self, wait_ms=0):
        done = super().poll()
        self.line.poll()
        clock.now_ns += 100_000
        return done


def test_rtu_over_tcp():
    with Net() as net:
        client = net.client()
        long = write_registers(0, [7] * 123)
        for slave_id, pdu in ((1, READ), (2, long), (247, request(3, 0, 125))):
            client.send(frame(slave_id, pdu))
            expected = frame(slave_id, answer(slave_id, pdu))
            assert client.receive(len(expected)) == expected
        client.send(frame(ABSENT, READ))
        assert client.receive(5) == frame(ABSENT, raw("83 0b"))
        client.send(frame(0, request(6, 1, 2)))
        assert client.quiet()


def test_udp():
    line = bench(bus=Bus(absent=(ABSENT,)))
    udp, port = support.tcp.free_port(lambda port: UDPServer(("127.0.0.1", port), line.gateway))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setblocking(False)
    for n, (slave_id, pdu) in enumerate(((1, answer(1, READ)), (ABSENT, raw("83 0b"))) * 2):
        sock.write(support.tcp.frame(READ, slave_id, n))
        got = None
        while got is None:
            udp.poll()
            line.poll()
            got = sock.read(300)
        assert got == support.tcp.frame(pdu, slave_id, n)
    sock.close()
    udp.server_close()


def test_a_udp_server_that_a_broadcast_closes():
    """By a hook of what it writes here; it is done on the line, too."""
    local, store = device()
    bus = Bus()
    line = bench(bus=bus, local=local)
    udp, port = support.tcp.free_port(lambda port: UDPServer(("127.0.0.1", port), line.gateway))
    store.holding_registers.on_write = lambda *_: udp.server_close()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.write(support.tcp.frame(request(6, 1, 2), 0))
    while not udp.gone:
        udp.poll(5)
    line.run(150)
    assert bus.asked == [(0, request(6, 1, 2))]
    sock.close()


class ASCIIBus(UART):
    """A line with ASCII slaves on it."""

    def __init__(self):
        super().__init__(115200, 7, 0)
        self.pin = lambda _level: None
        self.asked = []
        self._frame = b""

    def write(self, buf, at, n):
        self.sent.clear()
        n = UART.write(self, buf, at, n)
        self._frame += bytes(buf[at : at + n])
        if self._frame[-2:] == b"\r\n":
            data = binascii.unhexlify(self._frame[1:-2])
            assert sum(data) & 0xFF == 0, "a wrong LRC"
            self._frame = b""
            self.asked.append((data[0], data[1:-1]))
            reply = data[:1] + answer(data[0], data[1:-1])
            reply += bytes((-sum(reply) & 0xFF,))
            text = b":" + binascii.hexlify(reply).upper() + b"\r\n"
            self.hear(self.end_ns() // 1000 + 500, text)
        return n


def test_a_line_that_speaks_ascii():
    bus = ASCIIBus()
    line = Bench((bus, None), form={"framer": ASCII, "bits": 7})
    asker = Asker()
    for pdu in (READ, request(3, 0, 125), write_registers(0, [0xA5A5] * 123)):
        assert line.ask(asker, 7, pdu) == answer(7, pdu)
    assert len(bus.asked) == 3
