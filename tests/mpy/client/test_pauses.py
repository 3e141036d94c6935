"""Pauses between requests, measured on the wire: of the whole bus, and of single slaves."""

from support.late import LateBus, always, clock  # comes first: the clock of support.uart

from support.bus import value_of
from support.gateway import Asker, Bench
from support.heap import free_of_heap
from support.net import DAY_MS, HOST, PORT, good, in_turn, net, silent
from support.pdu import request
from support.umb import raises

from umb.client.pauses import Pauses
from umb.client.rtu import RTUClient
from umb.client.tcp import TCPClient
from umb.client.udp import UDPClient
from umb.errors import ModbusError, NoConnectionError, NoReplyError

_REQUEST = 8  # bytes of the requests here
_REPLY = 7  # and of their replies
_INEXACT_MS = 2.2  # by so much a pause may be longer than asked for


class Wire:
    """A client on a line whose slaves answer 3 ms after the request, and the gaps on it."""

    def __init__(self, baudrate=19200, script=None, line=None, **options):
        self.bus = LateBus(script or always(3000), baudrate, **(line or {}))
        options.setdefault("timeout_ms", 50)
        self.client = RTUClient(self.bus, baudrate=baudrate, parity=0, **options)
        self.reply_ends = [0]

    def ask(self, slave_id, address=0):
        """Read a register. Returns for how many ms the line was silent before the request."""
        end_us = max(self.bus._busy_us, self.bus.end_ns() // 1000)
        try:
            got = self.client.read_holding_registers(slave_id, address, 1)
            assert got == [value_of(slave_id, address)]
        except ModbusError:
            pass
        return (self.begin_us() - end_us) / 1000

    def begin_us(self):
        """When the last request began."""
        return self.bus.times_us[-1] - self.bus.chars_ns(_REQUEST) // 1000


def keeps(gap_ms, pause_ms, what):
    assert pause_ms <= gap_ms < pause_ms + _INEXACT_MS, (what, gap_ms, pause_ms)


def test_the_pause_of_the_bus():
    """Between the last stop bit of a reply and the start bit of the next request, whoever asks."""
    for baudrate in (1200, 9600, 19200, 115200):
        for pause_ms in (1, 5, 10, 50, 200, 1000):
            if pause_ms * baudrate < 60_000:
                continue  # the silence before each request is longer
            for line in ({}, {"exact_times": False, "txdone": "true"}):
                wire = Wire(baudrate, line=line, pause_ms=pause_ms)
                wire.ask(5)
                for slave_id in (5, 7, 7, 5):
                    gap_ms = wire.ask(slave_id)
                    if line:  # here the client looks every 10 ms only
                        assert pause_ms <= gap_ms < pause_ms + 12, (baudrate, gap_ms)
                    else:
                        keeps(gap_ms, pause_ms, baudrate)


def test_no_pause_is_none():
    wire = Wire(pause_ms=0)
    wire.ask(5)
    assert wire.ask(5) < 4
    assert wire.client._pauses is None
    wire.client.slave(7)
    assert wire.client._pauses is None


def test_the_pause_of_a_slave():
    """Before its next request, by whomever; others are asked meanwhile."""
    wire = Wire()
    meter = wire.client.slave(7, pause_ms=100)
    wire.ask(7)
    end_us = wire.bus._busy_us
    for _ in range(3):
        assert wire.ask(5) < 4
    wire.ask(7)
    keeps((wire.begin_us() - end_us) / 1000, 100, "beside others")
    end_us = wire.bus._busy_us
    assert meter.read_holding_registers(0, 1) == [value_of(7, 0)]
    keeps((wire.begin_us() - end_us) / 1000, 100, "by itself")
    wire.client.slave(7, pause_ms=20)
    wire.ask(7)
    keeps(wire.ask(7), 20, "the last one that was set")
    wire.client.slave(7)
    keeps(wire.ask(7), 20, "one without a pause changes nothing")
    wire.client.slave(7, pause_ms=0)
    wire.ask(7)
    assert wire.ask(7) < 4


def test_both_pauses():
    """The longer one counts."""
    for own_ms, bus_ms in ((80, 30), (30, 80)):
        wire = Wire(pause_ms=bus_ms)
        wire.client.slave(7, pause_ms=own_ms)
        wire.ask(7)
        keeps(wire.ask(5), bus_ms, "another one")
        wire.ask(7)
        keeps(wire.ask(7), max(own_ms, bus_ms), "the same one")


def test_a_pause_after_a_time_out_counts_from_the_request():
    """A time-out that is longer has been one."""
    for pause_ms in (20, 49, 60, 200):
        for line in ({}, {"exact_times": False, "txdone": "true"}):
            wire = Wire(9600, always(None), line, pause_ms=pause_ms)
            wire.ask(5)
            asked_us = wire.bus.times_us[-1]
            wire.ask(7)
            gap_ms = (wire.begin_us() - asked_us) / 1000
            if pause_ms < 50:
                assert gap_ms < 68, gap_ms
            else:
                keeps(gap_ms, pause_ms, line)


def test_a_pause_before_each_try():
    wire = Wire(script=always(None), retries=3, pause_ms=120)
    raises(NoReplyError, wire.client.read_holding_registers, 5, 0, 1)
    assert len(wire.bus.times_us) == 4
    for i in range(3):
        begin_us = wire.bus.times_us[i + 1] - wire.bus.chars_ns(_REQUEST) // 1000
        keeps((begin_us - wire.bus.times_us[i]) / 1000, 120, i)


def test_broadcasts():
    """Everybody was asked: every slave's pause begins."""
    wire = Wire(turnaround_ms=5)
    wire.client.slave(7, pause_ms=90)
    wire.client.slave(9, pause_ms=40)
    wire.client.write_single_register(0, 1, 2)
    asked_us = wire.bus.times_us[-1]
    wire.ask(9)
    keeps((wire.begin_us() - asked_us) / 1000, 40, 9)
    wire.ask(7)
    keeps((wire.begin_us() - asked_us) / 1000, 90, 7)
    wire = Wire(pause_ms=70, turnaround_ms=5)
    wire.client.write_single_register(0, 1, 2)
    keeps(wire.ask(5), 70, "the bus")


def test_what_came_late_during_a_pause():
    """It is nobody's answer: a value that is returned belongs to its request."""
    for delay_ms in range(0, 160, 3):
        wire = Wire(115200, lambda _, n, ms=delay_ms: ms * 1000 if n == 1 else 3000, pause_ms=60)
        for i in range(4):
            wire.ask(5, i)


def test_days_of_rest():
    """The clock has wrapped, or half of it has passed: nothing is waited for."""
    for days in (0.5, 6.1, 6.3, 9, 12.3, 12.43, 18, 40):
        wire = Wire(pause_ms=200)
        wire.client.slave(5, pause_ms=300)
        wire.ask(5)
        clock.now_ns += int(days * DAY_MS) * 1_000_000
        before_us = clock.now_us()
        wire.ask(5)
        assert wire.begin_us() - before_us < 5000, days


def test_the_clock_wraps_in_a_pause():
    for before_ms in range(0, 120, 7):
        wire = Wire(pause_ms=100)
        clock.now_ns = ((1 << 30) - before_ms) * 1_000_000
        wire.ask(5)
        keeps(wire.ask(5), 100, before_ms)


def test_interrupts_and_errors_in_a_pause():
    wire = Wire(pause_ms=100)
    wire.ask(5)

    def interrupt(_slave_id):
        raise KeyboardInterrupt

    pauses = wire.client._pauses
    pauses.wait = interrupt
    raises(KeyboardInterrupt, wire.client.read_holding_registers, 5, 0, 1)
    del pauses.wait
    keeps(wire.ask(7), 100, "the pause goes on")
    for wrong in (0, 300):
        raises(ValueError, wire.client.read_holding_registers, 5, 0, wrong)
    keeps(wire.ask(7), 100, "what was not sent changes nothing")
    wire.client.close()
    keeps(wire.ask(7), 100, "closing does not end it")


def test_wrong_pauses():
    for wrong in (-1, 0.5, "1", None, 1 << 29):
        raises(ValueError, Wire, pause_ms=wrong)
        raises(ValueError, TCPClient, (HOST, PORT), pause_ms=wrong)
        raises(ValueError, UDPClient, (HOST, PORT), pause_ms=wrong)


# --- a gateway


def test_a_gateway_keeps_pauses():
    """That of the bus between any two requests, a slave's before its next one."""
    bus = LateBus(always(3000))
    line = Bench((bus, None), form={"pause_ms": 30})
    line.gateway._paths[0].client.slave(9, pause_ms=90)
    askers = [Asker() for _ in range(4)]
    for i in range(4):
        askers[i].ask(line.gateway, (9, 9, 1, 2)[i], request(3, i, 1))
    line.until_answered(*askers)
    assert [slave_id for slave_id, _ in bus.asked] == [9, 1, 2, 9]
    size_us = bus.chars_ns(_REQUEST + _REPLY) // 1000
    for i in range(3):
        gap_ms = (bus.times_us[i + 1] - bus.times_us[i] - size_us) / 1000 - 3
        assert 30 <= gap_ms < 34, gap_ms
    gap_ms = (bus.times_us[3] - bus.times_us[0] - size_us) / 1000 - 3
    assert 90 <= gap_ms < 94 + 30, gap_ms


# --- networks


class Clocked:
    """A server that answers 5 ms later and notes when it was asked, in ms."""

    def __init__(self):
        self.asked_ms = []
        self._server = good(5)

    def __call__(self, sock, data):
        done = self._server(sock, data)
        if done:
            self.asked_ms.append(clock.now_us() / 1000)
        return done


def test_pauses_over_networks():
    for kind in (TCPClient, UDPClient):
        for bus_ms, own_ms in ((40, None), (0, 70), (40, 70), (70, 40)):
            net.reset()
            net.server = server = Clocked()
            client = kind((HOST, PORT), pause_ms=bus_ms)
            if own_ms is not None:
                client.slave(1, pause_ms=own_ms)
            for slave_id in (1, 1, 2, 1):
                client.read_holding_registers(slave_id, 10, 2)
            one, two, three, four = server.asked_ms
            keeps(two - one - 5, max(bus_ms, own_ms or 0), (kind, "the same one"))
            keeps(three - two - 5, bus_ms, (kind, "another one"))
            assert four - three - 5 >= bus_ms and four - two - 5 >= (own_ms or 0)


def test_a_pause_while_a_server_is_silent():
    net.reset()
    net.server = in_turn(silent, good(5))
    client = TCPClient((HOST, PORT), timeout_ms=100, pause_ms=300)
    raises(NoReplyError, client.read_holding_registers, 1, 10, 2)
    before_ms = clock.now_us() / 1000
    assert client.read_holding_registers(1, 10, 2) == [10, 11]
    took_ms = clock.now_us() / 1000 - before_ms
    assert 200 <= took_ms < 212, took_ms


def test_closed_in_a_pause():
    """A call that is under way ends, whether it has begun to send or not."""
    net.reset()
    net.server = good(5)
    client = TCPClient((HOST, PORT), pause_ms=300)
    client.read_holding_registers(1, 10, 2)
    pauses = client._pauses

    def close(_slave_id):
        client.close()

    pauses.wait = close
    error = raises(NoConnectionError, client.read_holding_registers, 1, 10, 2)
    assert "closed meanwhile" in str(error), error


# --- Pauses alone


def test_any_number_of_slaves():
    clock.reset()
    pauses = Pauses(10)
    for slave_id in range(256):
        pauses.keep(slave_id, slave_id)
    pauses.note(200, 0)
    for slave_id in (0, 1, 5, 199, 201, 255):
        assert 10 <= pauses.left_ms(slave_id) <= 11, slave_id
    assert 200 <= pauses.left_ms(200) <= 201
    pauses.note(-1, 5000)
    for slave_id in (0, 5, 20, 255):
        assert max(10, slave_id) + 5 <= pauses.left_ms(slave_id) <= max(10, slave_id) + 6
    clock.now_ns += 300 * 1_000_000
    assert [pauses.left_ms(slave_id) for slave_id in range(256)] == [0] * 256
    pauses.hold(50)
    assert [50 <= pauses.left_ms(slave_id) <= 51 for slave_id in range(256)] == [True] * 256


class Kept:
    def __init__(self):
        clock.reset()
        self.pauses = Pauses(3)
        self.pauses.keep(7, 5)
        self.faults = 0


def keep(kept):
    for _ in range(200):
        kept.pauses.note(7, 0)
        kept.faults += not kept.pauses.left_ms(7)
        kept.pauses.wait(7)


def test_nothing_is_allocated():
    free_of_heap("pauses", keep, Kept())
