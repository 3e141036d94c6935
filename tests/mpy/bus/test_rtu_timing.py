"""RTUServer's times: silence before an answer, the pin around it, long answers, slow programs."""

from support import every_nth
from support.boards import BOARDS
from support.pdu import request, write_registers
from support.rtu import OURS, Bench, frame
from support.uart import Output, Pin, clock

from umb.server import Server
from umb.store import Registers, Store

_RATES = (1200, 2400, 9600, 19200, 38400, 115200, 460800, 921600)
_FORMATS = ((8, None, 1), (8, 0, 1), (8, 1, 1), (8, None, 2))


def turnaround_us(bench, pdu, **named):
    """How long after a request the answer begins; every promise is checked."""
    bench.clear()
    end_us = bench.hear(frame(OURS, pdu))
    bench.run(**named)
    ((begin_ns, _, _),) = bench.transmissions()
    bench.keeps_its_promises()
    return begin_ns // 1000 - end_us


def test_answer_begins_when_the_silence_is_over():
    for baudrate in _RATES:
        for form in _FORMATS:
            bench = Bench(baudrate, *form)
            for pdu in (request(3, 0, 1), request(3, 0, 10), write_registers(0, (1,)), b"\x07"):
                took_us = turnaround_us(bench, pdu)
                late_us = took_us - bench.t35_us
                most_us = bench.char_us // 2 + 20 * bench.cost_us
                assert -1 <= late_us <= most_us, (baudrate, form, pdu, late_us)


def test_characters_are_seen_before_they_are_over():
    for baudrate in _RATES:
        for form in _FORMATS:
            bench = Bench(baudrate, *form, line={"sampled": True})
            late_us = turnaround_us(bench, request(3, 0, 1)) - bench.t35_us
            most_us = bench.char_us // 2 + 20 * bench.cost_us
            assert -1 <= late_us <= most_us, (baudrate, form, late_us)


def test_promises_hold_on_every_port():
    for name in BOARDS:
        for baudrate in (2400, 19200, 115200):
            bench = Bench(baudrate, line=BOARDS[name])
            for quantity in (1, 30):
                assert turnaround_us(bench, request(3, 0, quantity)) >= bench.t35_us - 1


def test_promises_hold_on_a_slow_board():
    """Each look at the clock and each call of the UART takes 40 us."""
    for name in BOARDS:
        line = dict(BOARDS[name])
        line["cost_us"] = 40
        for baudrate in (9600, 19200):
            bench = Bench(baudrate, line=line)
            assert turnaround_us(bench, request(3, 0, 9)) >= bench.t35_us - 1


def test_work_is_done_while_the_silence_runs():
    for work_us, late_us in ((0, 0), (1500, 0), (1900, 0), (5000, 3000)):
        on_read = lambda _at, _n, for_us=work_us: busy(for_us)  # noqa: E731
        store = Store(holding_registers=Registers(0, 9, on_read=on_read))
        bench = Bench(handler=Server(store, (OURS,)))
        took_us = turnaround_us(bench, request(3, 0, 9)) - bench.t35_us
        assert -1 <= took_us - late_us <= bench.char_us, (work_us, took_us)


def busy(for_us):
    clock.now_ns += for_us * 1000


def test_turnaround_us_is_added_on_either_side():
    for extra_us in (100, 3000):
        for name in BOARDS:
            bench = Bench(turnaround_us=extra_us, line=BOARDS[name])
            assert turnaround_us(bench, request(3, 0, 1)) >= bench.t35_us - 1 + extra_us


def test_active_low_pin():
    for make in (Output, Pin):
        bench = Bench(de=make(), de_active=0)
        assert bench.pin.level() == 1
        turnaround_us(bench, request(3, 0, 1))
        assert bench.pin.level() == 1
        bench.rtu.server_close()
        assert bench.pin.level() == 1


def test_server_close_lets_a_reply_leave():
    """The pin does not fall before its last stop bit."""
    for name in BOARDS:
        bench = Bench(hold_ms=2, line=BOARDS[name])
        bench.hear(frame(OURS, request(3, 0, 30)))
        while not bench.transmissions():
            bench.turn(20)
        bench.rtu.server_close()
        bench.keeps_its_promises()


def test_the_pin_may_be_missing():
    bench = Bench()
    bench.rtu = type(bench.rtu)(bench.uart, bench.rtu.server, baudrate=19200, parity=0)
    assert len(bench.ask(request(3, 0, 9))) == 1


def polls_while_it_answers(bench, pdu, every_us):
    """How often poll() came back, its program being as busy as that, before the answer was out."""
    bench.hear(frame(OURS, pdu))
    while not bench.uart.sent.n:
        bench.rtu.poll()
        busy(every_us)
    polls = 0
    while bench.pin.level():
        bench.rtu.poll()
        busy(every_us)
        polls += 1
    bench.run(30_000)
    bench.keeps_its_promises()
    assert len(bench.replies()) == 1
    return polls


def test_a_long_answer_leaves_while_the_program_runs_on():
    for name in BOARDS:
        line = BOARDS[name]
        for baudrate in (1200, 9600, 19200):
            for every_us in (100, 1000, 2000):
                bench = Bench(baudrate, line=line)
                polls = polls_while_it_answers(bench, request(3, 0, 30), every_us)
                at_once = line.get("write") == "blocks" or "part" in name
                assert polls > 3 or at_once, (name, baudrate, every_us, polls)


def test_the_pin_falls_in_time_if_the_program_polls_every_hold_ms():
    """However long the answer: the last look before its end stays."""
    nth = 0
    for hold_ms in (5, 20, 50):
        for every_us in (hold_ms * 1000, hold_ms * 900, hold_ms * 500, 2000):
            for baudrate in (1200, 9600, 38400, 57600, 115200):
                nth += 1
                for quantity in every_nth((1, 9, 10, 30, 60, 110, 118, 125), 3, nth):
                    bench = Bench(baudrate, hold_ms=hold_ms)
                    bench.hear(frame(OURS, request(3, 0, quantity)))
                    bench.run(50_000 + hold_ms * 2000, every_us)
                    assert len(bench.replies()) == 1, (hold_ms, every_us, baudrate, quantity)
                    bench.keeps_its_promises()


def test_a_master_that_asks_without_a_pause():
    """A program that polls every 20 ms loses none of its requests."""
    for baudrate, quantity in ((9600, 10), (9600, 3), (115200, 100), (115200, 10), (19200, 30)):
        bench = Bench(baudrate)
        for n in range(10):
            bench.hear(frame(OURS, request(3, 0, quantity)), bench.t35_us)
            while bench.answered == n:
                bench.answered += bench.rtu.poll()
                busy(20_000)
                assert clock.now_us() < bench.line_us + 400_000, (baudrate, quantity, n)
            bench.line_us = bench.uart.end_ns() // 1000 + 1
            # What comes while the pin is up is lost.
            end_ns = bench.pin.trace.times_ns[bench.pin.trace.n - 1]
            assert end_ns - bench.uart.end_ns() < bench.t35_us * 1000, (baudrate, quantity, n)
            clock.now_ns = max(clock.now_ns, bench.line_us * 1000)
        bench.keeps_its_promises()


def test_a_short_answer_has_left_when_poll_returns():
    for hold_ms, quantity in ((20, 9), (200, 100), (20, 1)):
        bench = Bench(hold_ms=hold_ms)
        assert polls_while_it_answers(bench, request(3, 0, quantity), 100) == 0


def test_poll_stays_no_longer_than_hold_ms():
    for hold_ms in (0, 5, 20, 100):
        for quantity in (1, 5, 30, 125):
            bench = Bench(9600, hold_ms=hold_ms)
            bench.hear(frame(OURS, request(3, 0, quantity)))
            longest_us = answered = 0
            while not answered:
                before_us = clock.now_us()
                answered = bench.rtu.poll()
                longest_us = max(longest_us, clock.now_us() - before_us)
                busy(500)
            assert longest_us <= max(hold_ms * 1000, 2500) + 2 * bench.char_us, (hold_ms, quantity)


def test_polls_say_how_many_requests_were_answered():
    bench = Bench()
    for _ in range(3):
        bench.ask(request(3, 0, 1))
    bench.ask(request(3, 0, 100))
    bench.ask(request(3, 0, 1), 0)
    bench.ask(request(3, 0, 1), 99)
    assert bench.answered == 4


def test_a_request_right_after_the_answer():
    """A client may ask again after 3.5 characters of silence."""
    for baudrate in (9600, 19200, 115200):
        for pdu in (request(3, 0, 1), request(3, 0, 20), request(6, 0, 0)):
            bench = Bench(baudrate, line={"echo": True})
            for n in range(1, 6):
                bench.hear(frame(OURS, pdu), bench.t35_us)
                while not bench.rtu.poll():
                    assert clock.now_us() < bench.line_us + 200_000, (baudrate, n)
                bench.line_us = bench.uart.end_ns() // 1000 + 1
            assert len(bench.replies()) == 5
            bench.keeps_its_promises()


def test_ticks_wrap_at_any_moment():
    pdu = request(3, 0, 2)
    for at_us in range(0, 20_000, 611):
        bench = Bench(9600, wrap_us=at_us)
        bench.run(1000)
        assert turnaround_us(bench, pdu) >= bench.t35_us - 1, at_us


def test_long_silence():
    """The ticks wrap, maybe more than once, while nothing comes and maybe nobody polls."""
    for minutes in (4, 8, 9, 10, 17, 18, 60):
        for noise in (b"", b"\x11\x03\x00"):
            bench = Bench()
            bench.ask(request(3, 0, 2))
            bench.hear(noise)
            clock.now_ns = bench.line_us * 1000
            bench.rtu.poll()
            clock.sleep_ms(minutes * 60_000)
            assert turnaround_us(bench, request(3, 0, 1)) >= bench.t35_us - 1, minutes


def test_a_program_that_is_away_while_it_answers():
    """The ticks wrap meanwhile: the pin falls at the first poll all the same."""
    for minutes in (1, 8, 9, 10, 13, 17, 18, 30, 60):
        for quantity in (30, 125):
            bench = Bench(9600)
            bench.hear(frame(OURS, request(3, 0, quantity)))
            while not bench.uart.sent.n:
                bench.rtu.poll()
            assert bench.pin.level() == 1
            clock.sleep_ms(minutes * 60_000)
            before_us = clock.now_us()
            assert bench.rtu.poll() == 1 and bench.pin.level() == 0, minutes
            assert clock.now_us() - before_us < 1000, minutes
            bench.clear()
            assert turnaround_us(bench, request(3, 0, 1)) >= bench.t35_us - 1, minutes


def test_a_program_that_is_away_before_it_answers():
    for minutes in (1, 8, 9, 10, 13, 17, 18, 30, 60):
        for quantity in (1, 125):
            bench = Bench(9600, hold_ms=0)
            end_us = bench.hear(frame(OURS, request(3, 0, quantity)))
            while clock.now_us() < end_us + 500:
                bench.rtu.poll()
            clock.sleep_ms(minutes * 60_000)
            before_us = clock.now_us()
            while not bench.rtu.poll():
                assert clock.now_us() - before_us < 400_000, minutes
            assert len(bench.replies()) == 1, minutes


def test_waiting_sleeps_until_something_comes():
    bench = Bench(9600)
    begin_us = clock.now_us()
    assert bench.rtu.poll(50) == 0
    assert 49_000 <= clock.now_us() - begin_us <= 52_000
    end_us = bench.hear(frame(OURS, request(3, 0, 1)), 20_000)
    while not bench.rtu.poll(500):
        assert clock.now_us() < end_us + 50_000
    bench.keeps_its_promises()
