"""Gateway: a broadcast is done here and on every line, and answered by nobody."""

from support.gateway import Asker, Bench, bench, device  # comes first, see there

from support.bus import Bus
from support.pdu import read_write, request, words, write_bits, write_registers
from support.uart import clock

READ = request(3, 100, 2)


def test_a_broadcast_is_done_everywhere_and_answered_by_nobody():
    local, store = device()
    first, second = Bus(), Bus()
    lines = Bench((first, (1, 2)), (second, (3,)), local=local)
    asker = Asker()
    for pdu in (
        request(6, 1, 2),
        request(5, 1, 0xFF00),
        write_registers(5, [1, 2, 3]),
        write_bits(0, [1, 0, 1]),
        request(22, 5, 0xFFF0, 8),
    ):
        assert lines.ask(asker, 0, pdu) == b""
        assert first.asked.pop() == second.asked.pop() == (0, pdu)
    assert [store.holding_registers[i] for i in (1, 5, 6, 7)] == [2, 8, 2, 3]
    assert [store.coils[i] for i in (0, 1, 2)] == [1, 0, 1]
    assert first.asked == second.asked == []
    lines.is_clean()


def test_a_broadcast_takes_its_turnaround():
    lines = Bench((Bus(), (1,)), (Bus(), (2,)))
    begin_us = clock.now_us()
    lines.ask(Asker(), 0, request(6, 1, 2))
    assert clock.now_us() - begin_us >= 200_000, "100 ms for each line"


def test_a_broadcast_is_done_for_who_has_gone():
    """Nobody waits for an answer to it: it is sent, and the connection closed."""
    line = bench()
    first, second = Asker(), Asker()
    first.ask(line.gateway, 1, READ)
    second.ask(line.gateway, 0, request(6, 1, 2))
    second.gone = True
    line.until_answered(first, second)
    assert line.buses[0].asked[-1] == (0, request(6, 1, 2))


def test_a_broadcast_waits_for_its_line_as_long_as_that_takes():
    """Nobody would notice that it was not sent. What else waits so long is dropped."""
    for wait_ms in (0, 251, 10_000, 1 << 29, (1 << 30) - 1):
        line = bench(max_wait_ms=250)
        clock.now_ns += wait_ms * 1_000_000  # so that the clock wraps anywhere
        first, second, third = Asker(), Asker(), Asker()
        first.ask(line.gateway, 1, READ)
        line.run(3)
        second.ask(line.gateway, 0, request(6, 1, 2))
        third.ask(line.gateway, 2, READ)
        clock.now_ns += max(wait_ms, 251) * 1_000_000
        line.until_answered(first, second, third)
        assert second.answers == third.answers == [b""]
        asked = [slave_id for slave_id, _ in line.buses[0].asked]
        assert asked == [1, 0], (wait_ms, asked)
        line.is_clean()


def test_a_broadcast_waits_for_a_line_that_is_busy():
    """However many frames follow one another, for max_wait_ms; then others have a turn."""
    for busy_ms in (1, 10, 20, 50, 100, 190, 290):
        line = bench(max_wait_ms=200)
        bus = line.buses[0]
        begin_us = clock.now_us()
        first, second = Asker(), Asker()
        for _ in range(busy_ms // 10 or 1):
            begin_us = bus.hear(begin_us, b"\x55" * 105)  # 10 ms, without silence between them
        first.ask(line.gateway, 0, request(6, 1, 2))
        second.ask(line.gateway, 1, READ)
        line.until_answered(first, second)
        assert first.answers == [b""]
        assert len(second.answers) == 1
        sent = [slave_id for slave_id, _ in bus.asked]
        assert (0 in sent) == (busy_ms < 200), (busy_ms, sent)
        line.is_clean()


def test_a_broadcast_goes_where_there_is_room():
    first, second = Bus(), Bus()
    lines = Bench((first, (1,)), (second, (2,)), queue=2)
    for _ in range(2):
        Asker().ask(lines.gateway, 1, READ)
    asker = Asker()
    assert lines.ask(asker, 0, request(6, 1, 2)) == b""
    assert second.asked == [(0, request(6, 1, 2))]
    lines.run(100)
    assert [slave_id for slave_id, _ in first.asked] == [1, 1]
    for slave_id in (1, 1, 2, 2):
        Asker().ask(lines.gateway, slave_id, READ)
    assert asker.ask(lines.gateway, 0, request(6, 1, 2)) == b"", "no room anywhere"


def test_a_broadcast_passes_by_a_line_that_is_full():
    first, second, third = Bus(), Bus(), Bus()
    lines = Bench((first, (1,)), (second, (2,)), (third, (3,)), queue=1)
    asker = Asker()
    asker.ask(lines.gateway, 0, request(6, 1, 2))
    Asker().ask(lines.gateway, 2, READ)
    clock.now_ns += 1_000_000  # the second line has not got so far when the first one is done
    lines.gateway._paths[1].poll = lambda: 0
    lines.until_answered(asker)
    assert asker.answers == [b""]
    assert first.asked == third.asked == [(0, request(6, 1, 2))]
    assert second.asked == []


def test_other_requests_to_0_are_the_gateways_own():
    local, _ = device([(100, 5), (101, 6)])
    line = bench(local=local)
    assert Asker().ask(line.gateway, 0, READ) == b"\3\4" + words(5, 6)
    assert Asker().ask(line.gateway, 0, read_write(0, 1, 9, [7])) == b"\x17\2\0\0"
