"""Gateway: whose turn it is on a line, who is dropped, refused or let go, and what it costs."""

from support.gateway import TIMEOUT_MS, Asker, Bench, bench  # comes first, see there

from errno import EIO

from support.bus import Bus, answer
from support.pdu import raw, request, write_registers
from support.rtu import frame
from support.uart import clock
from support.umb import raises

READ = request(3, 100, 2)
NO_ANSWER = raw("83 0b")


def test_first_come_first_served():
    line = bench()
    askers = [Asker() for _ in range(8)]
    for i in (3, 0, 7, 1, 5, 2, 6, 4):
        askers[i].ask(line.gateway, 1 + i, request(3, i, 1))
    line.until_answered(*askers)
    asked = [slave_id - 1 for slave_id, _ in line.buses[0].asked]
    assert asked == [3, 0, 7, 1, 5, 2, 6, 4]
    for i in range(8):
        assert askers[i].answers == [answer(1 + i, request(3, i, 1))]


def test_those_who_always_ask_take_turns():
    line = bench()
    askers = [Asker() for _ in range(4)]
    while len(line.buses[0].asked) < 100:
        for i in range(4):
            if not askers[i].waits:
                askers[i].ask(line.gateway, 1 + i, READ)
        line.poll()
    asked = [slave_id for slave_id, _ in line.buses[0].asked]
    assert asked == [1, 2, 3, 4] * 25
    line.is_clean()


def test_nobody_waits_for_more_than_one_time_out_of_another():
    """One of four asks for a slave that is absent, again and again."""
    bus = Bus(absent=(9,))
    line = bench(bus=bus)
    askers = [Asker() for _ in range(4)]
    begun_us = [0] * 4
    longest_us = 0
    while len(askers[0].answers) < 10:
        for i in range(4):
            asker = askers[i]
            if not asker.waits:
                if i and asker.answers:
                    longest_us = max(longest_us, asker.times_us[-1] - begun_us[i])
                begun_us[i] = clock.now_us()
                asker.ask(line.gateway, i or 9, READ)
        line.poll()
    assert all(pdu == NO_ANSWER for pdu in askers[0].answers)
    for i in (1, 2, 3):
        assert len(askers[i].answers) >= 9
        assert all(pdu == answer(i, READ) for pdu in askers[i].answers)
    assert TIMEOUT_MS * 1000 < longest_us < 1.5 * TIMEOUT_MS * 1000, longest_us


def test_the_line_does_not_rest_while_somebody_waits():
    """Between an answer and the next request there is t3.5, and hardly more."""
    for baudrate in (9600, 115200):
        bus = Bus(baudrate)
        bus.delay_us = 5000
        line = bench(bus=bus, baudrate=baudrate, queue=20)
        askers = [Asker() for _ in range(20)]
        for asker in askers:
            asker.ask(line.gateway, 1, READ)
        took_us = line.until_answered(*askers)
        t35_us = 1750 if baudrate > 19200 else 35 * 11 * 100_000 // baudrate
        ideal_us = 20 * (bus.chars_ns(8 + 9) // 1000 + bus.delay_us + t35_us)
        assert ideal_us * 0.98 < took_us < ideal_us * 1.05, (baudrate, took_us, ideal_us)
        line.is_clean()


def test_serve_is_told_not_to_sleep_while_there_is_something_to_do():
    line = bench()
    gateway = line.gateway
    assert gateway.nap_ms() >= 250
    first, second = Asker(), Asker()
    first.ask(gateway, 1, READ)
    second.ask(gateway, 1, READ)
    assert gateway.nap_ms() == 0, "the request is to be sent"
    while first.waits:
        line.poll()
    assert gateway.nap_ms() == 0, "so is the next one"
    line.until_answered(second)
    assert gateway.nap_ms() >= 250


def test_one_line_that_has_to_work_is_enough():
    lines = Bench((Bus(), (1,)), (Bus(), (2,)))
    for slave_id in (1, 2):
        Asker().ask(lines.gateway, slave_id, READ)
        assert lines.gateway.nap_ms() == 0, slave_id
        lines.run(50)


def test_a_full_queue_is_exception_6():
    line = bench(queue=3)
    askers = [Asker() for _ in range(3)]
    for asker in askers:
        assert asker.ask(line.gateway, 1, READ) is None
    late = Asker()
    assert late.ask(line.gateway, 1, READ) == raw("83 06")
    assert late.ask(line.gateway, 1, write_registers(0, [1] * 100)) == raw("90 06")
    line.until_answered(*askers)
    assert line.ask(late, 1, READ) == answer(1, READ)
    for _ in range(5):  # the ring goes round
        for asker in askers:
            asker.ask(line.gateway, 2, READ)
        assert late.ask(line.gateway, 1, READ) == raw("83 06")
        line.until_answered(*askers)
    assert {asker.answers[-1] for asker in askers} == {answer(2, READ)}


def test_each_line_has_a_queue_of_its_own():
    lines = Bench((Bus(), (1,)), (Bus(), (2,)), queue=1)
    first, second = Asker(), Asker()
    first.ask(lines.gateway, 1, READ)
    assert second.ask(lines.gateway, 2, READ) is None
    lines.until_answered(first, second)


def test_a_request_of_who_has_gone_is_dropped():
    line = bench()
    askers = [Asker() for _ in range(4)]
    for i in range(4):
        askers[i].ask(line.gateway, 1 + i, READ)
    askers[1].gone = askers[2].gone = True
    line.until_answered(*askers)
    assert [slave_id for slave_id, _ in line.buses[0].asked] == [1, 4]
    assert askers[1].answers == askers[2].answers == [b""], "the buffers are given back"
    assert askers[3].answers == [answer(4, READ)]


def test_gone_while_it_is_under_way():
    line = bench(bus=Bus(absent=(9,)))
    first, second = Asker(), Asker()
    first.ask(line.gateway, 9, READ)
    second.ask(line.gateway, 1, READ)
    line.run(10)
    first.gone = True
    line.until_answered(first, second)
    assert second.answers == [answer(1, READ)]
    line.is_clean()


def test_a_request_that_waited_too_long_is_dropped():
    line = bench(bus=Bus(absent=(9,)), max_wait_ms=250)
    askers = [Asker() for _ in range(5)]
    for asker in askers:
        asker.ask(line.gateway, 9, READ)
    line.until_answered(*askers)
    answers = [asker.answers for asker in askers]
    assert answers == [[NO_ANSWER]] * 3 + [[b""]] * 2
    assert len(line.buses[0].asked) == 3, "those dropped were not asked"
    line.is_clean()


def test_a_late_answer_is_not_the_next_ones():
    """It comes while nobody waits for anything: it is thrown away."""
    replies = [(TIMEOUT_MS * 1000 + 20_000, frame(9, answer(9, READ)))]
    bus = Bus(replies=lambda _id, _pdu: replies.pop(0))
    line = bench(bus=bus)
    asker = Asker()
    assert line.ask(asker, 9, READ) == NO_ANSWER
    line.run(60)
    assert bus.any() == 0, "what came would keep serve() awake"
    other = request(3, 200, 2)
    replies.append((500, frame(9, answer(9, other))))
    assert line.ask(asker, 9, other) == answer(9, other)


def test_noise_between_requests():
    line = bench()
    asker = Asker()
    for _ in range(5):
        line.buses[0].hear(clock.now_us() + 100, b"\x09\x03\x04\x00" * 20)
        line.run(30)
        assert line.ask(asker, 9, READ) == answer(9, READ)


def test_a_request_is_sent_and_answered_in_its_own_buffer():
    """No copying: the reply is received where the request came from."""
    line = bench()
    asker = Asker()
    line.ask(asker, 9, READ)
    reply = frame(9, answer(9, READ))
    assert asker.adu[6 : 6 + len(reply)] == reply, "with its CRC behind it"


def test_nothing_is_written_into_a_buffer_that_was_given_back():
    line = bench(bus=Bus(absent=(9,)))
    first, second = Asker(), Asker()
    line.ask(first, 1, READ)
    line.ask(second, 9, READ)
    before = bytes(first.adu), bytes(second.adu)
    line.buses[0].hear(clock.now_us() + 100, frame(9, answer(9, READ)))
    line.run(50)
    line.ask(Asker(), 2, write_registers(0, [0xFFFF] * 120))
    assert (bytes(first.adu), bytes(second.adu)) == before


# --- trouble


def test_a_line_that_fails_is_exception_11():
    for method in ("any", "write", "readinto", "txdone"):
        for retries in (0, 1):
            line = bench(retries=retries)
            asker = Asker()
            asker.ask(line.gateway, 1, READ)
            line.buses[0].fail_in = method
            line.until_answered(asker)
            assert asker.answers == [answer(1, READ) if retries else NO_ANSWER], method
            assert line.buses[0].pin.level == 0
            line.run(20)
            assert line.ask(asker, 2, READ) == answer(2, READ)


def test_a_line_that_fails_while_nobody_asks_is_told():
    """As an RTUServer does it: without a line there is no point in going on."""
    line = bench()
    line.buses[0].fail_in = "any"
    assert raises(OSError, line.poll).errno == EIO


def test_finish_lets_what_is_being_sent_leave():
    for after_ms in (2, 10, 19):
        line = bench()
        first, second = Asker(), Asker()
        first.ask(line.gateway, 1, write_registers(0, [7] * 100))
        second.ask(line.gateway, 2, READ)
        line.run(after_ms)
        assert line.buses[0].pin.level == 1
        line.gateway.finish()
        line.is_clean()
        assert first.answers == [raw("90 0b")]
        assert second.waits
        line.until_answered(second)
        assert second.answers == [answer(2, READ)], "it can go on"
        line.is_clean()


def test_finish_lets_a_broadcast_leave():
    line = bench()
    asker = Asker()
    asker.ask(line.gateway, 0, write_registers(0, [7] * 100))
    line.run(10)
    line.gateway.finish()
    line.is_clean()
    assert asker.answers == [b""]
    assert len(line.buses[0].asked) == 1


def test_after_finish_an_answer_that_has_come_is_not_waited_for():
    line = bench()
    first, second = Asker(), Asker()
    first.ask(line.gateway, 1, READ)
    second.ask(line.gateway, 2, READ)
    line.run(2)
    line.gateway.finish()
    clock.sleep_ms(10)
    assert line.until_answered(second) < 20_000
    assert second.answers == [answer(2, READ)]


def test_server_close_lets_everyone_go():
    line = bench()
    askers = [Asker() for _ in range(3)]
    for asker in askers:
        asker.ask(line.gateway, 1, READ)
    line.run(2)
    line.gateway.server_close()
    assert not any(asker.waits for asker in askers)
    line.is_clean()
