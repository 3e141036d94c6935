"""A Gateway and late replies: who asks gets the answer to the question, or exception 0B."""

from support.late import LateBus, always, clock, once  # comes first: by the clock of support.uart
from support import spread

import random

from support.bus import answer
from support.gateway import TIMEOUT_MS, Asker, bench
from support.pdu import raw, request, write_registers
from support.rtu import frame
from support.umb import raises

from umb.errors import NoReplyError

NO_ANSWER = raw("83 0b")
_DELAYS_MS = (0, 50, 94, 99, 101, 108, 150, 195, 205, 250, 290, 298)


def read(address, quantity=1):
    return request(3, address, quantity)


def ask(line, asker, slave_id, pdu):
    """Ask. Returns whether there was an answer; it must be the right one."""
    got = line.ask(asker, slave_id, pdu)
    if len(got) == 2 and got[1] == 0x0B:
        assert got[0] == pdu[0] | 0x80
        return False
    wanted = answer(slave_id, pdu)
    assert got == wanted, "slave {}: {} to {}, not {}".format(slave_id, got, pdu, wanted)
    return True


def test_one_late_reply_among_two_clients():
    """A's request is given up; B asks for another register, and gets that one."""
    for delay_ms in _DELAYS_MS:
        for retries in (0, 2):
            line = bench(bus=LateBus(once(1, delay_ms * 1000)), retries=retries)
            first, second = Asker(), Asker()
            assert ask(line, first, 9, read(0))
            came = ask(line, first, 9, read(1))
            assert came or (not retries and delay_ms >= TIMEOUT_MS - 5)
            for i in range(3):
                assert ask(line, second, 9, read(2 + i))
            line.is_clean()


def test_a_slave_that_is_always_late():
    for delay_ms in (99, 108, 205, 290):
        for retries in spread(range(4), 2):
            line = bench(bus=LateBus(always(delay_ms * 1000)), retries=retries)
            askers = [Asker(), Asker()]
            for i in range(4):
                came = ask(line, askers[i & 1], 9, read(i))
                assert came or delay_ms >= TIMEOUT_MS - 5
            line.is_clean()


def test_a_late_reply_to_the_program_itself():
    """It has asked before, and the reply comes when nobody asks: that costs nobody an answer."""
    for delay_ms in (101, 150, 205, 290):
        for retries in (0, 2):
            for before in (0, 1):  # requests of others
                line = bench(bus=LateBus(once(before, delay_ms * 1000)), retries=retries)
                client, asker = line.gateway._paths[0].client, Asker()
                for i in range(before):
                    assert ask(line, asker, 9, read(i))
                client.timeout_ms = TIMEOUT_MS
                client.retries = 0
                raises(NoReplyError, client.read_holding_registers, 9, 100, 1)
                line.run(300)
                for i in range(3):
                    assert ask(line, asker, 9, read(i)), (delay_ms, retries, before)
                line.is_clean()


def test_another_length_and_another_echo():
    """A late reply of another form is no answer, whoever it comes to."""
    pdus = (
        read(5, 1),
        read(5, 4),
        request(4, 5, 1),
        request(6, 0x03E8, 1),
        request(6, 0x07D0, 1),
        write_registers(7, [1, 2]),
        write_registers(8, [1, 2]),
        write_registers(8, [1, 2, 3]),
    )
    for first in pdus:
        for second in spread(pdus, 3):
            line = bench(bus=LateBus(always(150_000)))
            for pdu in (first, second, first):
                assert not ask(line, Asker(), 9, pdu) or first == second


def test_a_reply_that_does_not_fit_is_no_answer():
    """Slave id, function code, length, echo and CRC: each of them is looked at."""
    pdus = {
        read(5, 2): ("03 02 0001", "03 06 000100020003", "03 05 0001000200", "04 04 00010002"),
        request(1, 5, 10): ("01 01 ff", "01 03 ffffff", "02 02 ffff"),
        request(6, 5, 2): ("06 0006 0002", "06 0005 0003", "05 0005 0002", "06 0005 0002 00"),
        request(5, 5, 0xFF00): ("05 0005 0000", "05 0004 ff00"),
        write_registers(5, [1, 2]): ("10 0005 0001", "10 0006 0002", "10 0005 0002 04"),
        request(22, 5, 1, 2): ("16 0005 0001 0003", "16 0004 0001 0002", "16 0005 0001"),
        request(8, 0, 7): ("08 0001 0007",),
        b"\x2b\x0e\x01\x00": ("2b 0d 01",),
    }
    for pdu, replies in pdus.items():
        for reply in replies:
            line = bench(bus=LateBus(lambda *_, r=reply: [(500, frame(9, raw(r)))]))
            assert line.ask(Asker(), 9, pdu) == bytes((pdu[0] | 0x80, 0x0B)), (pdu, reply)


def test_a_late_slave_does_not_keep_the_others_waiting():
    """While its late reply is waited for, they are asked, and what it has late is recognized."""
    bus = LateBus(lambda s, n: (None if n == 1 else 3000) if s == 9 else 500)
    line = bench(bus=bus)
    first, second = Asker(), Asker()
    assert ask(line, first, 9, read(0)) and not ask(line, first, 9, read(1))
    first.ask(line.gateway, 9, read(2))
    begin_us = clock.now_us()
    n = 0
    while first.waits:
        before_us = clock.now_us()
        assert ask(line, second, 1, read(n))
        assert clock.now_us() - before_us < 12_000
        n += 1
    took_ms = (clock.now_us() - begin_us) // 1000
    assert n > 20 and 1.5 * TIMEOUT_MS < took_ms < 2.5 * TIMEOUT_MS, (n, took_ms)
    assert first.answers[-1] == answer(9, read(2))


def test_requests_of_a_late_slave_keep_their_order():
    bus = LateBus(lambda s, n: (None if n == 1 else 3000) if s == 9 else 500)
    line = bench(bus=bus)
    asker = Asker()
    assert ask(line, asker, 9, read(0)) and not ask(line, asker, 9, read(1))
    askers = [Asker() for _ in range(6)]
    for i in range(6):
        askers[i].ask(line.gateway, (9, 1)[i & 1], read(10 + i))
    line.until_answered(*askers)
    assert [pdu for slave_id, pdu in bus.asked[2:] if slave_id == 9] == [
        read(10),
        read(12),
        read(14),
    ]
    assert [slave_id for slave_id, _ in bus.asked[2:5]] == [1, 1, 1]


def test_an_absent_slave_costs_one_time_out():
    line = bench(bus=LateBus(always(None)))
    asker = Asker()
    for i in range(6):
        begin_us = clock.now_us()
        assert not ask(line, asker, 9, read(i))
        assert clock.now_us() - begin_us < 1000 * TIMEOUT_MS + 15_000


def test_a_reply_with_a_wrong_crc_costs_no_time_out():
    """At once 0B, or the next try."""
    for retries in (0, 1):
        for n in (1, 20, 125):
            bad = [(1000, lambda data: data[:-1] + bytes((data[-1] ^ 1,)))]
            line = bench(bus=LateBus(once(1, bad)), retries=retries)
            asker = Asker()
            assert ask(line, asker, 9, read(0))
            begin_us = clock.now_us()
            assert ask(line, asker, 9, read(1, n)) == bool(retries)
            assert ask(line, asker, 9, read(2))
            assert clock.now_us() - begin_us < 90_000, "time-outs were waited for"


def test_every_answer_belongs_to_its_question():
    """Clients that ask three slaves, and go away at times; slaves as late as can be."""
    for seed in spread(range(6), 3):
        random.seed(seed)
        bus = LateBus(lambda *_: random.randrange(300_000 if random.randrange(6) == 0 else 60_000))
        line = bench(bus=bus, retries=seed % 3, max_wait_ms=2000)
        askers = [Asker() for _ in range(4)]
        came = 0
        for i in range(80):
            asker = askers[i & 3]
            if asker.waits:
                if random.randrange(4) == 0:
                    asker.gone = True
                line.until_answered(asker)
            if asker.answers:
                came += check(asker)
            asker.gone = False
            asker.question = 1 + random.randrange(3), read(random.randrange(2000), 1 + i % 2)
            asker.ask(line.gateway, *asker.question)
            line.run(random.randrange(60))
        line.until_answered(*askers)
        assert came > 25, came
        line.is_clean()


def check(asker):
    """Return whether this was an answer; it must be the right one."""
    got = asker.answers[-1]
    if got in (b"", NO_ANSWER):
        return False
    slave_id, pdu = asker.question
    assert got == answer(slave_id, pdu), (slave_id, pdu, got)
    return True


def test_a_reply_of_any_length_is_the_programs_alone():
    """Calls of the program whose reply may have any length change nothing for the clients."""
    for call in ("read_bytes(9, 3, 0, 1)", "request(9, b'\\x03\\0\\0\\0\\1')"):
        line = bench(bus=LateBus(lambda *_: [(500, frame(9, raw("03 06 000100020003")))]))
        client = line.gateway._paths[0].client
        eval("client." + call, {"client": client})
        assert line.ask(Asker(), 9, read(0)) == NO_ANSWER
