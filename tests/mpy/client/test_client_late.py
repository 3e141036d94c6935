"""RTUClient: a value that is returned belongs to the question, however late replies come."""

from support.late import TIMEOUT_MS, LateBus, always, clock, once  # comes first, see there
from support import spread

import random

from support.bus import answer, value_of
from support.client import Bench, silent
from support.rtu import frame
from support.umb import raises

from umb.errors import ModbusError
from umb.client.status import PENDING
from umb.client.rtu import RTUClient
from umb.errors import BadReplyError, NoReplyError

_WIDTH_MS = 3 * TIMEOUT_MS  # that long may a reply come late


def client_on(bus, retries=0, timeout_ms=TIMEOUT_MS, **options):
    return RTUClient(
        bus,
        baudrate=115200,
        parity=0,
        de=bus.pin,
        timeout_ms=timeout_ms,
        retries=retries,
        **options,
    )


def ask(client, slave_id, address, quantity=1):
    """Read registers. Returns whether they came; they must be those that were asked for."""
    try:
        got = client.read_holding_registers(slave_id, address, quantity)
    except ModbusError:
        return False
    wanted = [value_of(slave_id, address + i) for i in range(quantity)]
    assert got == wanted, "slave {} at {}: {}, not {}".format(slave_id, address, got, wanted)
    return True


def asked(script, retries=0, calls=8, slave_ids=(5,), pause_us=0, first=0, **options):
    """Ask for one address after another, of one slave after another. Returns what became of it."""
    bus = LateBus(script, **options)
    client = client_on(bus, retries)
    came = []
    for i in range(first, first + calls):
        begin_us = clock.now_us()
        came.append(ask(client, slave_ids[i % len(slave_ids)], i))
        took_ms = (clock.now_us() - begin_us) // 1000
        assert took_ms <= (retries + 1) * 4 * TIMEOUT_MS + 20, took_ms
        clock.sleep_us(pause_us)
    bus.is_clean()
    return came


def test_one_reply_of_many_is_late():
    """Nine reads in a row, as a master does them."""

    def script(_slave_id, number):
        return 530_000 if number == 1 else 30_000

    bus = LateBus(script)
    client = client_on(bus, 2, 500)
    for address in range(9):
        assert client.read_holding_registers(7, address, 1) == [value_of(7, address)]


def test_a_slave_that_is_always_late():
    for delay_ms in spread(range(_WIDTH_MS), 18):
        for retries in range(4):
            came = asked(always(delay_ms * 1000), retries)
            if delay_ms < TIMEOUT_MS - 1:
                assert all(came)
            elif delay_ms > TIMEOUT_MS and not retries:
                assert not any(came)


def test_a_slave_that_becomes_late():
    """It has answered in time before."""
    for delay_ms in spread(range(_WIDTH_MS), 18):
        for retries in range(4):
            came = asked(
                lambda _slave_id, n, us=delay_ms * 1000: us if n else 3000, retries, calls=5
            )
            assert came[0]
            assert delay_ms <= TIMEOUT_MS or not any(came[1:])


def test_a_slave_that_is_late_once():
    """First of all, or later; after it everything is as before."""
    for delay_ms in spread(range(_WIDTH_MS), 18):
        for retries in range(4):
            for number in (0, 1, 3):
                came = asked(once(number, delay_ms * 1000), retries, calls=8)
                assert all(came[:number]) and all(came[number + 3 :]), (delay_ms, retries, came)
                if number and retries:
                    assert all(came)


def test_pauses_between_the_calls():
    for delay_ms in spread(range(_WIDTH_MS), 12):
        for pause_ms in (1, 5, 19, 21, 38, 42, 61, 200):
            for number in (0, 1):
                asked(once(number, delay_ms * 1000), 0, pause_us=pause_ms * 1000)
            asked(always(delay_ms * 1000), 0, pause_us=pause_ms * 1000)


def test_a_late_reply_comes_twice():
    for delay_ms in spread(range(TIMEOUT_MS + 1, _WIDTH_MS), 12):
        for later_ms in spread(range(1, TIMEOUT_MS), 8):
            late = [(delay_ms * 1000, None), ((delay_ms + later_ms) * 1000, None)]
            asked(once(1, late), 0, calls=4)
            asked(once(1, late), 2, calls=4)


def test_a_late_reply_comes_twice_where_a_retry_has_no_reply_yet():
    """The second time it stands for no other: the reply to the retry is still awaited."""

    def script(late_ms, between_ms, retry_ms):
        late = [(late_ms * 1000, None), (between_ms * 1000, None)]
        retry_us = retry_ms * 1000
        return lambda _slave_id, number: (late, retry_us)[number] if number < 2 else 3000

    for late_ms in spread(range(TIMEOUT_MS + 4, _WIDTH_MS), 6):
        for between_ms in (0, 3):
            for retry_ms in spread(range(1, _WIDTH_MS, 2), 10):
                came = asked(script(late_ms, between_ms, retry_ms), 1, calls=4)
                assert all(came[2:]), (late_ms, between_ms, retry_ms, came)


def test_a_late_reply_is_cut_in_two():
    for delay_ms in spread(range(1, _WIDTH_MS), 12):
        for n in range(1, 7):
            for gap_ms in (3, 15, 25):
                late = [
                    (delay_ms * 1000, lambda data, n=n: data[:n]),
                    ((delay_ms + gap_ms) * 1000, lambda data, n=n: data[n:]),
                ]
                asked(once(1, late), n & 1, calls=4)


def test_a_late_reply_is_damaged():
    for delay_ms in spread(range(_WIDTH_MS), 18):
        for at in range(7):
            late = [
                (
                    delay_ms * 1000,
                    lambda data, at=at: data[:at] + bytes((data[at] ^ 16,)) + data[at + 1 :],
                )
            ]
            for retries in (0, 1):
                came = asked(once(1, late), retries, calls=4)
                assert came[0] and came[3], (delay_ms, at, retries, came)


def test_noise_beside_a_late_reply():
    for delay_ms in spread(range(_WIDTH_MS), 15):
        for before, after in (
            (b"\0", b""),
            (b"", b"\xff"),
            (b"\0", b"\0"),
            (b"\x05\x03", b"\x05"),
        ):
            late = [(delay_ms * 1000, lambda data, a=before, z=after: a + data + z)]
            for retries in (0, 2):
                asked(once(1, late), retries, calls=4)


def test_a_late_reply_shows_that_the_slave_answers():
    """Though the next one is lost: until that cannot come any more, the slave is not asked."""
    for delay_ms in range(TIMEOUT_MS + 5, 2 * TIMEOUT_MS - 2):
        delays_us = {0: delay_ms * 1000, 1: None}
        bus = LateBus(lambda _, number, delays_us=delays_us: delays_us.get(number, 3000))
        client = client_on(bus)
        for i in range(2):
            raises(ModbusError, client.write_multiple_registers, 5, i, [1, 2])
        for i in range(2, 5):
            assert client.write_multiple_registers(5, i, [1, 2]) == 2, delay_ms
        bus.is_clean()


def test_every_way_to_ask():
    """Bits, writes and exceptions: replies that could be taken for one another."""
    calls = (
        ("write_single_register(5, {0}, {0})", lambda i: i),
        ("write_multiple_registers(5, {0}, [1, 2])", lambda _: 2),
        ("write_single_coil(5, {0}, 1)", lambda _: 1),
        ("read_input_registers(5, {0}, 1)", lambda i: [value_of(5, i)]),
        ("read_holding_registers(5, {0}, 1)", lambda i: [value_of(5, i)]),
        ("read_holding_registers(5, {0}, 3)", lambda i: [value_of(5, i + k) for k in range(3)]),
        ("read_coils(5, {0}, 1)", None),
    )
    for delay_ms in spread(range(_WIDTH_MS), 8):
        for first in range(len(calls)):
            for second in range(len(calls)):
                check_pair(delay_ms, calls[first], calls[second])


def check_pair(delay_ms, *pair):
    client = client_on(LateBus(always(delay_ms * 1000)))
    for i in range(4):
        call, wanted = pair[i & 1]
        try:
            got = eval("client." + call.format(i), {"client": client})
        except ModbusError as error:
            # Read coils is refused by the slaves of support.bus, and nothing else is.
            refused = error.error_code is not None
            assert not refused or wanted is None, (delay_ms, pair, error)
        else:
            assert wanted is not None and got == wanted(i), (delay_ms, pair, i, got)


# --- several slaves, and everybody


def took_ms(call, *args):
    begin_us = clock.now_us()
    call(*args)
    return (clock.now_us() - begin_us) / 1000


def test_several_slaves_are_late_at_the_same_time():
    for delay_ms in spread(range(_WIDTH_MS), 12):
        for slave_ids in ((5, 7), (5, 7, 5, 9), range(1, 12)):
            asked(always(delay_ms * 1000), 0, 12, slave_ids)
            asked(lambda s, _, us=delay_ms * 1000: us if s == 5 else 2000, 1, 8, slave_ids)


def test_more_slaves_than_there_are_places_for():
    """Each of them is given up early, as asyncio does, and answers much later."""
    for delay_ms in range(5, 150, 7):
        bus = LateBus(always(delay_ms * 1000))
        client = client_on(bus, 0, 50)
        for slave_id in range(1, 12):
            client.timeout_ms = 50 if slave_id & 1 else 5
            ask(client, slave_id, slave_id)
        for i in range(30):
            ask(client, 1 + i % 11, 100 + i)


def test_the_late_reply_of_another_slave_is_told_by_its_id():
    """Asking others costs nothing, and the late slave is ready as soon as it has answered."""
    bus = LateBus(lambda _, n: None if n == 1 else 3000)
    client = client_on(bus)
    assert ask(client, 5, 1) and not ask(client, 5, 2)
    assert took_ms(ask, client, 7, 1) < 8
    late = frame(5, b"\x03\x02\x12\x34")
    for delay_ms in (None, 1):
        if delay_ms is None:
            bus.hear(clock.now_us() + 100, late)
            clock.sleep_ms(2)
        else:
            bus.delay_for = lambda *_: [(1000, late), (3000, None)]
        assert took_ms(ask, client, 7, 2) < 8
    bus.delay_for = always(3000)
    assert took_ms(ask, client, 5, 3) < TIMEOUT_MS + 8


def test_a_broadcast_in_between():
    for delay_ms in range(0, _WIDTH_MS, 2):
        for before in (1, 2):
            bus = LateBus(lambda s, n, us=delay_ms * 1000: None if not s else us if n else 3000)
            client = client_on(bus, turnaround_ms=5)
            for i in range(6):
                if i == before:
                    assert client.write_single_register(0, 1, 2) is None
                ask(client, 5, i)


# --- what it costs


def test_slaves_that_answer_in_time_are_not_waited_for():
    bus = LateBus(always(3000))
    client = client_on(bus)
    for i in range(20):
        assert took_ms(ask, client, 5 + i % 3, i) < 7


def test_an_absent_slave_costs_one_time_out():
    for retries in (0, 1, 3):
        bus = LateBus(always(None))
        client = client_on(bus, retries)
        for i in range(10):
            assert took_ms(ask, client, 5, i) < (retries + 1) * (TIMEOUT_MS + 13)


def test_a_slave_that_goes_away():
    """Its first call costs up to three time-outs, then it is as one that was never there."""
    bus = LateBus(lambda _, n: 3000 if n < 3 else None)
    client = client_on(bus)
    took = [took_ms(ask, client, 5, i) for i in range(12)]
    assert max(took[:3]) < 7
    assert took[3] < TIMEOUT_MS + 13
    assert took[4] < 3 * TIMEOUT_MS + 26
    assert max(took[5:]) < TIMEOUT_MS + 13


def test_a_slave_that_comes_back():
    """The first answer may be a late one; it is not believed, and from then on all is well."""
    bus = LateBus(lambda _, n: 3000 if n >= 4 else None)
    client = client_on(bus)
    errors = []
    for i in range(8):
        try:
            client.read_holding_registers(5, i, 1)
        except ModbusError as error:
            errors.append(type(error))
    assert errors == [NoReplyError] * 4 + [BadReplyError]
    assert took_ms(ask, client, 5, 1) < 7


def test_a_slave_that_is_asked_the_same_comes_back_at_once():
    bus = LateBus(lambda _, n: 3000 if n >= 4 else None)
    client = client_on(bus)
    came = [ask(client, 5, 1) for i in range(8)]
    assert came == [False] * 4 + [True] * 4


def test_nothing_is_waited_for_when_the_time_has_passed_already():
    bus = LateBus(lambda _, n: None if n == 1 else 3000)
    client = client_on(bus)
    assert ask(client, 5, 0) and not ask(client, 5, 1)
    clock.sleep_ms(3 * TIMEOUT_MS)
    assert took_ms(ask, client, 5, 2) < 7


def test_a_late_reply_that_has_come_meanwhile():
    bus = LateBus(lambda _, n: 30_000 if n == 1 else 3000)
    client = client_on(bus)
    assert ask(client, 5, 0) and not ask(client, 5, 1)
    clock.sleep_ms(2 * TIMEOUT_MS)
    assert ask(client, 5, 2)


def ask_around(reply, offset_us, line, options):
    """A slave's late reply ends so long before another slave is asked. Then it is asked again."""
    late_us = (TIMEOUT_MS + 15) * 1000
    bench = Bench(None, timeout_ms=TIMEOUT_MS, line=line, **options)
    if "lump" in line:
        bench.be_adapter()
    ends_us = []

    def be_late(slave_id, _pdu):
        sent_us = bench.bus.end_ns() // 1000
        ends_us.append(sent_us + bench.say(late_us, frame(slave_id, reply)))

    bench.replies = be_late
    assert bench.outcome("request(1, b'\\x%02x')" % reply[0]) == "NoReplyError"
    bench.replies = None
    clock.now_ns = max(clock.now_ns, (ends_us[0] + offset_us) * 1000)
    values = [value_of(2, 7)]
    assert bench.outcome("read_holding_registers(2, 7, 1)") == values, (reply, offset_us)
    values = [value_of(1, 8)]
    assert bench.outcome("read_holding_registers(1, 8, 1)") == values, (reply, offset_us)


def test_a_late_reply_right_before_another_slave_is_asked():
    """At every moment, also where nothing but the silence behind it tells that it is whole.

    An adapter tells of bytes some time after they have come.
    """
    for reply in (b"\x03\4\0\1\0\2", b"\x41\1\2\3", b"\x2b\x0d" + bytes(60), b"\x83\6"):
        for baudrate, char_us in ((19200, 573), (115200, 96)):
            first_us = max(-15_000, -char_us * (len(reply) + 1))  # its first byte has come
            for offset_us in spread(range(first_us, 9000), 16):
                ask_around(reply, offset_us, {}, {"baudrate": baudrate})
                adapter = {"lump": 2000, "txdone": "true", "exact_times": False}
                ask_around(reply, 2300 + offset_us - first_us, adapter, {"baudrate": baudrate})


# --- clocks


def test_the_clock_wraps():
    """In the middle of it, at every moment."""
    for before_ms in range(0, 100, 3):
        for delay_ms in (25, 38, 55):
            bus = LateBus(lambda _, n, us=delay_ms * 1000: us if n else 3000)
            client = client_on(bus)
            clock.now_ns = ((1 << 30) - before_ms) * 1_000_000
            bus._busy_us = 0
            for i in range(5):
                begin_us = clock.now_us()
                ask(client, 5, i)
                assert clock.now_us() - begin_us < 100_000


def test_days_of_rest():
    """Ticks wrap after 12.4 days, and after half of that nothing tells before from after."""
    for days in (1, 6.1, 6.3, 9, 12.3, 12.427, 12.5, 18.7, 24, 40):
        for end in (give_up, be_interrupted):
            bus = LateBus(lambda _, n: None if n == 1 else 3000)
            client = client_on(bus)
            assert ask(client, 5, 0)
            end(client)
            clock.now_ns += int(days * 86_400_000) * 1_000_000
            for slave_id in (7, 5):
                assert took_ms(ask, client, slave_id, 2) < 100, (days, end)
            assert ask(client, 5, 3)


def give_up(client):
    assert not ask(client, 5, 1)


def be_interrupted(client):
    """Ctrl-C, or a task that is cancelled."""
    line = client.line
    receive = line.receive

    def interrupt(_n, _now_us):
        line.receive = receive
        raise KeyboardInterrupt

    line.receive = interrupt
    raises(KeyboardInterrupt, client.read_holding_registers, 5, 1, 1)


def test_an_abandoned_call():
    """Its reply, in time or late, is nobody's."""
    for delay_ms in spread(range(_WIDTH_MS), 12):
        for slave_id in (5, 7):
            for before in (0, 1):
                bus = LateBus(lambda _, n, us=delay_ms * 1000, b=before: us if n >= b else 3000)
                client = client_on(bus)
                if before:
                    assert ask(client, 5, 50)
                be_interrupted(client)
                for i in range(4):
                    ask(client, slave_id, 10 + i)


def status_of(client, pdu, for_us=1_000_000):
    """What becomes of a request as a gateway makes it; None if it is abandoned after so long."""
    adu = bytearray(262)
    adu[6] = 1
    adu[7 : 7 + len(pdu)] = pdu
    end_us = clock.now_us() + for_us
    status = client.forward(adu, len(pdu), TIMEOUT_MS, False)
    while status == PENDING:
        if clock.now_us() > end_us:
            client.abandon()
            adu[:] = b"\xff" * 262  # the buffer is somebody else's now
            return None
        clock.sleep_us(50)
        status = client.advance()
    return status


def check_abandoned(pdu, reply, after_us, echo, **options):
    """Neither echo nor reply are waited for once they have come, whoever has left when."""
    line = {"exact_times": False, "echo": True} if echo else {}
    bench = Bench(lambda slave_id, _: frame(slave_id, reply), line=line, echo=echo, **options)
    if echo:
        bench.be_adapter()
    client = bench.client
    last_us = clock.now_us() + TIMEOUT_MS * 1000
    status_of(client, pdu, after_us)
    while clock.now_us() < last_us:
        client.clear()
        clock.sleep_us(500)
    bench.replies = None
    begin_us = clock.now_us()
    assert status_of(client, b"\x03\0\x08\0\1") == 0, (pdu, after_us, echo)
    assert clock.now_us() - begin_us < TIMEOUT_MS * 1000


def test_abandoned_at_every_moment():
    """While a request leaves, its echo comes, the slave thinks, or the reply comes."""
    for pdu, reply in (
        (b"\x03\0\1\0\1", b"\x03\2\0\7"),
        (b"\x06\0\1\0\7", b"\x06\0\1\0\7"),
        (b"\x18\0\5", b"\x18\0\4\0\1\0\7"),
        (b"\x0b", b"\x0b\0\0\0\1"),
        (b"\x41\1\2", b"\x41\1\3"),
    ):
        for echo in (False, True):
            for baudrate, step_us in ((19200, 290), (115200, 50)):
                for after_us in range(0, 36 * step_us, step_us):
                    check_abandoned(pdu, reply, after_us, echo, baudrate=baudrate)


def check_others(call, reply, other):
    """A frame of the late slave that is for another master does not stand for its late reply."""
    bench = Bench(None, 19200, timeout_ms=TIMEOUT_MS)
    # It has answered before, so that its late reply is waited for.
    assert bench.outcome("read_holding_registers(1, 1, 1)") == [value_of(1, 1)]
    bench.replies = silent
    assert bench.outcome(call % 1) == "NoReplyError"
    latest_us = clock.now_us() + 2 * TIMEOUT_MS * 1000

    def let_others_speak(slave_id, pdu):
        end_us = bench.say(2200, frame(1, other))
        bench.say(end_us + 2200, frame(slave_id, answer(slave_id, pdu)))

    bench.replies = let_others_speak
    assert bench.outcome("read_holding_registers(2, 7, 1)") == [value_of(2, 7)]

    def be_late(slave_id, _pdu):
        return frame(slave_id, reply) if clock.now_us() < latest_us else None

    bench.replies = be_late
    got = bench.outcome(call % 2)
    assert got == "NoReplyError" or got == "BadReplyError", (call, other, got)


def test_what_a_late_slave_says_to_another_master():
    asked = (
        ("read_coils(1, %d, 32)", b"\x01\4\1\2\3\4"),
        ("read_holding_registers(1, %d, 2)", b"\x03\4\1\2\3\4"),
        ("write_single_register(1, %d, 2)", b"\x06\0\1\0\2"),
        ("write_multiple_registers(1, %d, [7])", b"\x10\0\1\0\1"),
        ("request(1, b'A\\0\\%d')", b"\x41\7"),
    )
    others = (
        b"\x01\1\1",
        b"\x03\2\0\1",
        b"\x04\4\0\1\0\2",
        b"\x05\0\1\xff\0",
        b"\x06\0\1\0\3",
        b"\x07\0",
        b"\x0f\0\1\0\1",
        b"\x42\1\2",
        b"\x82\2",
        b"\x84\2",
    )
    for call, reply in asked:
        for other in others:
            check_others(call, reply, other)


# --- at random


class Mood:
    """Slaves that may be late, silent, damaged, beside noise, or say things twice."""

    def __init__(self, latest_us):
        self._latest_us = latest_us

    def __call__(self, _slave_id, _number):
        way = random.randrange(12)
        if way < 5:
            return random.randrange(2000, 15_000)
        us = random.randrange(self._latest_us)
        if way == 5:
            return None
        if way == 6:
            at = random.randrange(7)
            return [(us, lambda data: data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])]
        if way == 7:
            return [(us, lambda data: b"\0" + data + b"\xff")]
        return us


def test_every_answer_belongs_to_its_question():
    for seed in spread(range(40), 12):
        random.seed(seed)
        bus = LateBus(Mood(_WIDTH_MS * 1000))
        client = client_on(bus, seed & 3)
        came = 0
        for i in range(60):
            came += ask(client, 1 + random.randrange(3), random.randrange(2000), 1 + i % 2)
            if random.randrange(3) == 0:
                clock.sleep_us(random.randrange(100_000))
        assert came > 15, came
        bus.is_clean()


def test_another_slaves_frame_is_never_the_reply():
    """Whatever it says: told by the id alone."""
    bus = LateBus(lambda *_: [(3000, lambda data: frame(9, data[1:-2])), (6000, None)])
    client = client_on(bus)
    for i in range(5):
        assert ask(client, 5, i)
