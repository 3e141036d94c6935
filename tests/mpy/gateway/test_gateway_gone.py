"""Gateway: clients that go away cost nothing, and it is run along by the server it is given to."""

from support.gateway import TIMEOUT_MS, Asker, Bench, bench, device  # comes first, see there

import socket

import support.tcp
from support.bus import Bus, answer
from support.pdu import raw, request, write_registers
from support.rtu import frame
from support.tcp import free_port
from support.uart import clock

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.serve import serve
from umb.server import Driver
from umb.server.tcp import TCPServer

READ = request(3, 100, 2)
NO_ANSWER = raw("83 0b")
ABSENT, LOCAL = 9, 100


class Net(support.tcp.Bench):
    """Clients of a TCPServer with four places and a gateway; time passes as it is polled."""

    def __init__(self, timeout_ms):
        self.bus = Bus(absent=(ABSENT,))
        line = RTUClient(self.bus, baudrate=115200, de=self.bus.pin, parity=0)
        local, _ = device(slave_ids=(LOCAL,))
        self.gateway = Gateway(line, timeout_ms=timeout_ms, local=local)
        super().__init__(self.gateway, max_clients=4)

    def poll(self, wait_ms=0):
        clock.now_ns += 500_000
        return super().poll()

    def run(self, for_ms):
        end_us = clock.now_us() + 1000 * for_ms
        while clock.now_us() < end_us:
            self.poll()


def test_clients_that_ask_for_nobody_and_go():
    """Ten a second, with the usual time-out of a second: each newcomer finds a place."""
    with Net(1000) as net:
        for i in range(20):
            client = net.client()
            client.send(support.tcp.frame(READ, ABSENT, i))
            net.run(50)
            client.reset()
            other = net.client()
            assert other.ask(request(6, 0, i), LOCAL) == request(6, 0, i), i
            other.close()
            net.run(45)
        net.run(1000)
        assert len(net.bus.asked) <= 4, "requests of who has gone are not sent"
        assert net.client().ask(READ, 1) == answer(1, READ)


def test_the_buffer_is_free_at_once():
    """Of one that waits, and of one whose request is under way."""
    line = bench(bus=Bus(absent=(ABSENT,)))
    first, second, third = Asker(), Asker(), Asker()
    first.ask(line.gateway, ABSENT, READ)
    second.ask(line.gateway, ABSENT, READ)
    line.run(10)
    second.gone = True
    line.run(1)
    assert not second.waits
    first.gone = True
    line.run(1)
    assert not first.waits
    before = bytes(first.adu)
    line.buses[0].hear(clock.now_us() + 100, frame(ABSENT, answer(ABSENT, READ)))
    assert line.ask(third, 1, READ) == answer(1, READ)
    assert bytes(first.adu) == before, "the reply came into a buffer that was given back"
    line.is_clean()


def test_the_line_is_not_taken_while_the_slave_may_answer():
    """Whoever asked has gone: the next request goes when the reply has come, or the time is up."""
    for delay_ms in (5, 30, 80, None):
        bus = Bus(replies=lambda s, p, d=delay_ms: reply_after(d if s == 9 else 1, s, p))
        line = bench(bus=bus)
        first, second = Asker(), Asker()
        first.ask(line.gateway, 9, READ)
        line.run(3)
        first.gone = True
        assert line.ask(second, 1, READ) == answer(1, READ)
        passed_ms = (bus.times_us[1] - bus.times_us[0]) / 1000
        due_ms = TIMEOUT_MS if delay_ms is None else delay_ms
        assert due_ms - 1 < passed_ms < due_ms + 15, (delay_ms, passed_ms)
        line.is_clean()


def reply_after(delay_ms, slave_id, pdu):
    return delay_ms and (delay_ms * 1000, frame(slave_id, answer(slave_id, pdu)))


def test_gone_while_it_is_sent():
    """The frame leaves whole; the program is not held up."""
    line = bench(bus=Bus(9600), baudrate=9600)
    first, second = Asker(), Asker()
    first.ask(line.gateway, 9, write_registers(0, [7] * 100))
    line.run(20)
    assert line.buses[0].pin.level == 1
    first.gone = True
    assert line.ask(second, 1, READ) == answer(1, READ)
    assert line.longest_us < 5000
    assert [slave_id for slave_id, _ in line.buses[0].asked] == [9, 1]
    line.is_clean()


# --- served along


class Once(Driver):
    """Asks the server in the same process, and ends serve() when the answer has come."""

    def __init__(self, port, slave_id):
        super().__init__(None)
        self._sock = socket.socket()
        self._sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._sock.setblocking(False)
        self._sock.write(support.tcp.frame(READ, slave_id))
        self.answer = None

    def watch(self, poller):
        pass

    def nap_ms(self):
        return 1

    def finish(self):
        pass

    def poll(self, _wait_ms=0):
        clock.now_ns += 1_000_000
        data = self._sock.read(300)
        if data is not None:
            self.answer = data
            self.shutdown()
        assert clock.now_us() < 20_000_000, "no answer"
        return 0


def test_a_gateway_given_to_a_server_is_served_with_it():
    for also in (False, True):
        lines = Bench((Bus(), (1,)), (Bus(), (2,)))
        tcp, port = free_port(lambda port, g=lines.gateway: TCPServer(("127.0.0.1", port), g))
        once = Once(port, 2)
        serve(tcp, once, *([lines.gateway] if also else []))
        tcp.server_close()
        assert once.answer == support.tcp.frame(answer(2, READ), 2)
        lines.is_clean()


# --- settings, and codes


def test_the_time_out_of_a_gateway_is_its_own():
    bus = Bus(absent=(ABSENT,))
    line = RTUClient(bus, baudrate=115200, de=bus.pin, parity=0, timeout_ms=700)
    for timeout_ms, wanted_ms in ((50, 50), (None, 700)):
        gateway = Gateway(line, timeout_ms=timeout_ms)
        asker = Asker()
        begin_us = clock.now_us()
        asker.ask(gateway, ABSENT, READ)
        while asker.waits:
            gateway.poll()
            clock.now_ns += 100_000
        passed_ms = (clock.now_us() - begin_us) / 1000
        assert wanted_ms <= passed_ms < wanted_ms + 15, passed_ms
        assert line.timeout_ms == 700
        clock.sleep_ms(3000)


def test_exceptions_of_slaves_are_passed_on_with_all_codes():
    for code in range(1, 256):
        for pdu in (READ, request(6, 1, 2), raw("65 01 02"), raw("2b 0e 01 00")):
            reply = bytes((pdu[0] | 0x80, code))
            line = bench(bus=Bus(replies=lambda *_, r=reply: (500, frame(5, r))))
            assert line.ask(Asker(), 5, pdu) == reply


def test_days_without_a_request():
    """The clock wraps while requests wait, and after one that was given up."""
    for days in (6.1, 6.3, 12.4, 12.43, 18.7):
        line = bench(bus=Bus(absent=(ABSENT,)))
        first, second = Asker(), Asker()
        first.ask(line.gateway, ABSENT, READ)
        second.ask(line.gateway, 1, READ)
        line.run(5)
        line.gateway.finish()
        assert first.answers == [NO_ANSWER]
        clock.now_ns += int(days * 86_400_000) * 1_000_000
        assert line.until_answered(second) < 200_000, days
        assert second.answers[0] in (b"", answer(1, READ))
        assert line.ask(second, 1, READ) == answer(1, READ)
