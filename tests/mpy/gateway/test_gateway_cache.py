"""Gateway(cache_ms=): a read is answered again from its last reply, if that is young enough."""

from support.gateway import Asker, Bench, bench, device  # comes first, see there

from support.bus import Bus, answer
from support.pdu import raw, read_write, request, write_bits, write_registers
from support.uart import clock

READS = (request(1, 0, 9), request(2, 3, 20), request(3, 100, 2), request(4, 5, 125))
READ = READS[2]
CACHE_MS = 1000


class Changing(Bus):
    """Slaves whose registers hold how many requests there have been."""

    def __init__(self):
        super().__init__(replies=self._say)
        self.count = 0

    def _say(self, slave_id, pdu):
        from support.rtu import frame

        self.count += 1
        if pdu[0] < 3:
            size = (pdu[3] << 8 | pdu[4]) + 7 >> 3
            return 500, frame(slave_id, bytes((pdu[0], size)) + bytes((self.count & 0xFF,)) * size)
        if pdu[0] < 5 and len(pdu) == 5:
            values = bytes((slave_id, self.count & 0xFF)) * pdu[4]
            return 500, frame(slave_id, bytes((pdu[0], 2 * pdu[4])) + values)
        if pdu[0] == 23:
            return 500, frame(slave_id, b"\x17\2\0\1")
        if pdu[0] in (22, 65):
            return 500, frame(slave_id, pdu)
        if len(pdu) < 5:
            return 500, frame(slave_id, bytes((pdu[0] | 0x80, 3)))
        return 500, frame(slave_id, answer(slave_id, pdu))


def cached(**options):
    """A Bench with a cache, and somebody who asks."""
    named = {"cache_ms": CACHE_MS}
    named.update(options)
    return bench(range(1, 20), bus=Changing(), **named), Asker()


def sleep_ms(line, duration_ms):
    """Let so much time pass, with a poll now and then as in a program."""
    for _ in range(10):
        clock.now_ns += duration_ms * 100_000
        line.poll()


def test_without_it_every_read_is_sent():
    line, asker = cached(cache_ms=0)
    assert line.ask(asker, 1, READ) != line.ask(asker, 1, READ)
    assert line.buses[0].count == 2


def test_every_read():
    for pdu in READS:
        line, asker = cached()
        first = line.ask(asker, 1, pdu)
        assert first[0] == pdu[0] and line.buses[0].count == 1
        for _ in range(3):
            assert Asker().ask(line.gateway, 1, pdu) == first, "it is there at once"
        assert line.buses[0].count == 1
        line.is_clean()


def test_how_long():
    for age_ms in (0, 1, 500, CACHE_MS - 20, CACHE_MS + 1, 5000):
        for cache_ms in (15, CACHE_MS):
            line, asker = cached(cache_ms=cache_ms)
            first = line.ask(asker, 1, READ)
            sleep_ms(line, age_ms)
            again = line.ask(asker, 1, READ)
            young = age_ms < cache_ms - 10
            assert (again == first) == young, (age_ms, cache_ms)


def test_other_questions_are_sent():
    line, asker = cached()
    seen = set()
    for slave_id in (1, 2, 19):
        for pdu in (READ, request(3, 101, 2), request(3, 100, 3), request(4, 100, 2)):
            seen.add((slave_id, line.ask(asker, slave_id, pdu)))
    assert len(seen) == line.buses[0].count == 12


def test_a_write_is_read_back():
    """Whatever writes to a slave, or may do so, its reads are sent after that."""
    for pdu in (
        request(5, 1, 0xFF00),
        request(6, 1, 2),
        write_registers(0, [1, 2]),
        write_bits(0, [1, 0]),
        request(22, 1, 2, 3),
        read_write(0, 1, 0, [1]),
        b"\x41\0",
    ):
        line, asker = cached()
        first, other = line.ask(asker, 1, READ), line.ask(asker, 2, READ)
        assert line.ask(asker, 1, pdu)[0] == pdu[0], pdu
        again = line.ask(asker, 1, READ)
        assert again != first, (pdu, first, again)
        assert line.ask(asker, 2, READ) == other, "it was written to another"


def test_a_write_that_is_not_answered_or_refused():
    for reply in (None, "86 02"):
        line, asker = cached()
        first = line.ask(asker, 1, READ)
        bus = line.buses[0]
        good = bus._replies
        bus._replies = lambda slave_id, _, reply=reply: reply and _framed(slave_id, reply)
        line.ask(asker, 1, request(6, 1, 2))
        bus._replies = good
        assert line.ask(asker, 1, READ) != first


def _framed(slave_id, text):
    from support.rtu import frame

    return 500, frame(slave_id, raw(text))


def test_a_broadcast_writes_to_all():
    line, asker = cached()
    before = [line.ask(asker, slave_id, READ) for slave_id in (1, 2, 3)]
    assert line.ask(asker, 0, request(6, 1, 2)) == b""
    after = [line.ask(asker, slave_id, READ) for slave_id in (1, 2, 3)]
    assert not set(before) & set(after)


def test_exceptions_and_bad_replies_are_not_kept():
    for reply in ("83 02", "03 02 0001", "04 04 0001 0002"):
        line, asker = cached()
        bus = line.buses[0]
        good = bus._replies
        bus._replies = lambda slave_id, _, reply=reply: _framed(slave_id, reply)
        assert line.ask(asker, 1, READ)[0] == 0x83
        bus._replies = good
        assert line.ask(asker, 1, READ)[0] == 3


def test_requests_that_are_no_reads_of_the_specification():
    """They are sent each time, whatever their length is."""
    line, asker = cached()
    for pdu in (READ + b"\0", READ[:4], b"\x07", b"\x0b", b"\x2b\x0e\1\0", b"\x18\0\5"):
        for _ in range(2):
            count = line.buses[0].count
            line.ask(asker, 1, pdu)
            assert line.buses[0].count == count + 1, pdu


def test_who_waits_for_the_same_is_answered_with_it():
    """Ten clients ask at the same time: the slave is asked once."""
    line, _ = cached(queue=10)
    askers = [Asker() for _ in range(10)]
    for asker in askers:
        asker.ask(line.gateway, 1, READ)
    line.until_answered(*askers)
    assert line.buses[0].count == 1
    assert len({asker.answers[0] for asker in askers}) == 1
    line.is_clean()


def test_who_waits_for_others_is_not():
    line, _ = cached(queue=10)
    askers = [Asker() for _ in range(6)]
    for i in range(6):
        askers[i].ask(line.gateway, 1 + i % 3, READ)
    line.until_answered(*askers)
    assert line.buses[0].count == 3
    for i in range(3):
        assert askers[i].answers == askers[i + 3].answers
        assert askers[i].answers[0][2] == 1 + i, "each got its own slave's"


def test_a_client_that_has_gone_is_not_answered():
    line, _ = cached()
    first, second, third = Asker(), Asker(), Asker()
    for asker in (first, second, third):
        asker.ask(line.gateway, 1, READ)
    second.gone = True
    line.until_answered(first, third)
    assert second.answers in ([], [b""])


def test_the_oldest_makes_room():
    for size in (1, 2, 8, 255):
        line, asker = cached(cached=size, cache_ms=100_000)
        quantity = min(size + 1, 100)
        for i in range(quantity):
            line.ask(asker, 1, request(3, i, 1))
            sleep_ms(line, 10)
        count = line.buses[0].count
        for i in range(quantity - 1, max(0, quantity - size - 1), -1):
            line.ask(asker, 1, request(3, i, 1))
        assert line.buses[0].count == count, "the last ones are there"
        line.ask(asker, 1, request(3, 0, 1))
        assert line.buses[0].count == count + (size < quantity)


def test_the_clock_wraps():
    """A reply is never young again, however long the gateway was at rest."""
    for days in (0.1, 1, 6.1, 6.3, 9, 12.3, 12.427, 12.43, 12.5, 18.7, 24.86, 40):
        line, asker = cached()
        first = line.ask(asker, 1, READ)
        for _ in range(2000):  # the program polls meanwhile
            clock.now_ns += int(days * 43_200_000) * 1_000
            line.gateway.poll()
        for _ in range(8):
            line.gateway.poll()
        assert line.ask(asker, 1, READ) != first, days
    for before_ms in range(0, 2500, 100):
        line, asker = cached()
        clock.now_ns = ((1 << 30) - before_ms) * 1_000_000
        first = line.ask(asker, 1, READ)
        sleep_ms(line, 500)
        assert line.ask(asker, 1, READ) == first, before_ms
        sleep_ms(line, 600)
        assert line.ask(asker, 1, READ) != first, before_ms


def test_each_line_has_its_own():
    local, _ = device()
    first, second = Changing(), Changing()
    lines = Bench((first, (1,)), (second, (2,)), local=local, cache_ms=CACHE_MS)
    asker = Asker()
    for _ in range(2):
        lines.ask(asker, 1, READ)
        lines.ask(asker, 2, READ)
    assert (first.count, second.count) == (1, 2), "add() was told of none"


def test_by_the_id_on_the_line():
    """Two ids that clients use for one slave have one reply."""
    line, asker = cached(unit_ids={255: 7, 200: 7})
    first = line.ask(asker, 7, READ)
    assert line.ask(asker, 255, READ) == line.ask(asker, 200, READ) == first
    assert line.buses[0].count == 1
    line.ask(asker, 200, request(6, 1, 2))
    assert line.ask(asker, 7, READ) != first
