"""RTUServer on a line that others use and that carries noise: silent about it, ready after it."""

from support import spread
from support.boards import BOARDS, RECEIVERS
from support.pdu import raw, request, write_registers
from support.rtu import OTHER, OURS, Bench, crc, frame
from support.traffic import (
    falls_silent_when_others_speak,
    ANSWER,
    ASK,
    check_echo,
    check_exchanges,
    check_garbage,
    exchanges,
    exchanges_with_us_inside,
    legal_us,
    serves,
)
from support.uart import clock

_ENDLESS = 600  # bytes, longer than two frames
_EVERY_US = (0, 1000, 5000, 15_000)  # how often the program polls


def test_other_slaves_at_9600():
    for every_us in _EVERY_US:
        check_exchanges(9600, every_us)


def test_other_slaves_at_115200():
    for every_us in spread(_EVERY_US, 2):
        check_exchanges(115200, every_us)


def test_other_slaves_seen_in_lumps():
    check_exchanges(19200, 0, lump=1000)
    check_exchanges(19200, 0, 20_000, lump=16_000)  # holes like that may tear what is inside


def test_other_slaves_through_every_port():
    for name in RECEIVERS:
        check_exchanges(19200, 0, **BOARDS[name])


def test_garbage_before_a_request():
    for every_us in _EVERY_US:
        check_garbage(19200, every_us)


def test_garbage_before_a_request_at_other_rates():
    check_garbage(2400, 0)
    check_garbage(115200, 0)
    check_garbage(115200, 5000)


def test_garbage_through_every_port():
    for name in RECEIVERS:
        check_garbage(19200, 0, **BOARDS[name])


def test_garbage_inside_a_request():
    ask = frame(OURS, ASK)
    for every_us in _EVERY_US:
        bench = Bench()
        for at in range(1, len(ask)):
            for noise in (b"\xff", b"\x00\x00", b"\x11\x03\x11\x06"):
                bench.hear(ask[:at] + noise + ask[at:])
                bench.run(25_000 + every_us, every_us)
                assert bench.replies() == [], (at, noise)
                serves(bench, every_us, (at, noise))


def test_a_few_stray_bytes_after_a_request():
    for baudrate in (9600, 115200):
        for n in (1, 2, 3):
            bench = Bench(baudrate)
            for chars in (0, 1, 3):
                bench.hear(frame(OURS, ASK))
                bench.hear(b"\x00\xff\x7f"[:n], chars * bench.char_us)
                bench.run()
                assert bench.replies() == [ANSWER], (baudrate, n, chars)
                bench.keeps_its_promises()
                bench.clear()


def test_noise_on_both_sides_of_a_request():
    """Transceivers add a few bytes when the direction of the bus changes."""
    for baudrate in (9600, 19200, 115200):
        for every_us in _EVERY_US:
            bench = Bench(baudrate)
            for before in (b"\0", b"\xff", b"\0\xff\0", b"\x11\x03"):
                for behind in (b"\0", b"\xff\0", b"\0\0\0"):
                    bench.hear(before + frame(OURS, ASK) + behind, 30_000)
                    bench.run(25_000 + every_us, every_us)
                    assert bench.replies() == [ANSWER], (baudrate, every_us, before, behind)
                    bench.clear()
                    bench.hear(before + frame(0, request(6, 0, 7)) + behind, 30_000)
                    bench.run(25_000 + every_us, every_us)
                    assert bench.store.holding_registers[0] == 7, (baudrate, every_us, before)
                    assert bench.replies() == []
                    bench.store.holding_registers[0] = 0


def test_a_request_behind_others_reply_that_lost_a_byte():
    """Both together do not fit into the buffer, and a pause like that may be within a frame."""
    reply = frame(OTHER, raw("03 fa" + "1103" * 125))
    asks = (ASK, write_registers(0, range(123)), request(3, 0, 100))
    for baudrate in (9600, 115200):
        for every_us in (0, 1000):
            bench = Bench(baudrate)
            for lost in spread((1, 2, 5, 100, 247, 248, 249), 4):
                for pause_us in spread(range(bench.t35_us + 500, 16_000, 2300), 3):
                    for pdu in asks:
                        bench.hear(frame(OTHER, request(3, 0, 125)), 30_000)
                        bench.hear(reply[:-lost], 4500)
                        bench.hear(frame(OURS, pdu), pause_us)
                        bench.run(25_000 + every_us, every_us)
                        what = (baudrate, every_us, lost, pause_us, bench.replies())
                        assert len(bench.replies()) == 1, what
                        bench.clear()


def test_a_torn_request_whose_beginning_has_a_right_crc():
    """With these values the CRC is right before the last byte has come."""
    for baudrate, every_us in ((19200, 0), (115200, 0), (115200, 1000)):
        bench = Bench(baudrate)
        for byte in spread(range(256), 18):
            head = write_registers(9, (byte << 8,))[:-1]
            pdu = head + crc(bytes((OURS,)) + head)[:1]
            ask = frame(OURS, pdu)
            assert ask[-1] == 0
            for hole_us in (3000, 10_000):
                bench.hear(ask[:-1], 30_000)
                bench.hear(ask[-1:], hole_us)
                bench.run(25_000 + every_us, every_us)
                assert bench.replies() == [frame(OURS, pdu[:5])], (baudrate, byte, hole_us)
                assert bench.store.holding_registers[9] == pdu[-2] << 8 | pdu[-1]
                bench.clear()


def test_too_many_bytes():
    for n in (255, 256, 257, 258, 300, 511, 512, 700):
        for byte in (0x00, 0x11, 0xFF):
            for every_us in (0, 5000):
                bench = Bench(115200)
                bench.hear(bytes((byte,)) * n)
                serves(bench, every_us, (byte, n), every_us + 5000)
                assert bench.rtu.counters.bus_communication_error_count > 0


def test_a_small_receive_ring_that_overruns():
    for every_us in (10_000, 20_000):
        bench = Bench(115200, line={"ring": 64})
        bench.hear(frame(OTHER, raw("03 0000 007d")))
        bench.hear(frame(OTHER, raw("03 fa" + "1103" * 125)))
        serves(bench, every_us, "overrun", every_us + 5000)
        assert bench.uart.lost
        assert bench.rtu.counters.bus_communication_error_count > 0


def test_torn_requests():
    long = write_registers(0, range(20))
    for baudrate in (9600, 19200, 115200):
        for hole_us in (1000, 3000, 10_000):
            bench = Bench(baudrate)
            for pdu in (ASK, long, b"\x41\x07", b"\x41" + bytes(20)):
                ask = frame(OURS, pdu)
                for at in range(1, len(ask), 1 if len(ask) < 10 else 5):
                    bench.hear(ask[:at], 30_000)
                    bench.hear(ask[at:], hole_us)
                    bench.run(25_000)
                    what = (baudrate, hole_us, pdu, at, bench.replies())
                    assert len(bench.replies()) == 1, what
                    bench.clear()


def test_requests_torn_twice():
    ask = frame(OURS, write_registers(0, range(20)))
    for every_us in (0, 1000):
        bench = Bench()
        for first, second in ((1, 2), (3, 30), (4, 8), (7, 40), (20, 40)):
            bench.hear(ask[:first], 40_000)
            bench.hear(ask[first:second], 10_000)
            bench.hear(ask[second:], 10_000)
            bench.run(25_000 + every_us, every_us)
            assert len(bench.replies()) == 1, (first, second)
            bench.clear()


def test_torn_traffic_of_others():
    for hole_us in (1000, 3000, 10_000):
        bench = Bench()
        for ask, reply in exchanges():
            for at in (1, 3, len(reply) - 1):
                bench.hear(ask, 30_000)
                bench.hear(reply[:at], 3000)
                bench.hear(reply[at:], hole_us)
                serves(bench, 0, (reply, at), 30_000)


def test_a_fragment_does_not_swallow_the_next_request():
    for every_us in _EVERY_US:
        bench = Bench()
        for pdu in (ASK, write_registers(0, range(100)), b"\x41" + bytes(9)):
            whole = frame(OURS, pdu)
            for n in range(1, min(len(whole), 12)):
                for after_us in (legal_us(bench), 8000, 19_000, 21_000):
                    bench.hear(whole[:n], 30_000)
                    serves(bench, every_us, (pdu, n), after_us)


def test_a_request_inside_others_data_whenever_the_program_looks():
    """The program may look right before and right behind what seems to be for us."""
    for baudrate in (9600, 115200):
        for ask, reply in exchanges_with_us_inside():
            for phase in range(len(reply) + 2):
                bench = Bench(baudrate)
                bench.hear(ask, 4000 + phase * bench.char_us)
                bench.hear(reply, 5000)
                bench.run(40_000, 9000)
                assert bench.replies() == [], (baudrate, phase)


def test_who_speaks_before_our_answer_silences_us():
    falls_silent_when_others_speak(Bench)


def test_a_slow_program_does_not_answer_what_is_over():
    for every_us in (5000, 15_000, 40_000):
        for baudrate in (19200, 115200):
            bench = Bench(baudrate)
            bench.hear(frame(OURS, ASK))
            bench.hear(frame(OTHER, ASK), legal_us(bench))
            bench.rtu.poll()
            clock.now_ns = bench.line_us * 1000 + 1000  # so long it was busy elsewhere
            bench.run(25_000 + every_us, every_us)
            assert bench.replies() == [], (baudrate, every_us)
            serves(bench, every_us, "late")


def test_the_newer_of_two_requests_is_answered():
    bench = Bench(9600)
    bench.hear(frame(OURS, request(6, 0, 1)))
    bench.hear(frame(OURS, request(6, 1, 2)), 2 * bench.char_us)
    bench.run()
    assert bench.replies() == [frame(OURS, request(6, 1, 2))]


def test_noise_before_the_longest_requests():
    """Both together fill the buffer, or do not fit into it, however seldom the program polls."""
    for baudrate in (9600, 38400, 115200):
        for every_us in (0, 1000, 3000, 5000, 8000):
            for count in spread(range(114, 124), 2):
                for noise in (b"", b"q", b"qq", b"q\xff\xff", b"\xff\x00"):
                    bench = Bench(baudrate, hold_ms=20 if every_us <= 2000 else 200)
                    bench.hear(noise + frame(OURS, write_registers(0, range(count))), 12_000)
                    bench.run(60_000, every_us)
                    assert len(bench.replies()) == 1, (baudrate, every_us, count, noise)


def test_a_line_that_does_not_fall_silent_does_not_hold_the_program():
    """Whatever comes, poll() stays for hold_ms, and what is being received then, at most."""
    wrong = frame(OURS, ASK)[:-1] + b"\x55"
    endless = (bytes((OURS,)), bytes((OURS, 16)), wrong, frame(OURS, ASK), frame(0, ASK), b"\xff")
    for baudrate in (9600, 115200):
        for hold_ms in spread((0, 20, 30, 100, 1000), 3):
            for data in endless:
                bench = Bench(baudrate, hold_ms=hold_ms)
                most_us = hold_ms * 1000 + 40 * bench.char_us + 1000
                end_us = bench.hear((data * _ENDLESS)[:_ENDLESS])
                while clock.now_us() < end_us:
                    before_us = clock.now_us()
                    bench.rtu.poll()
                    assert clock.now_us() - before_us <= most_us, (baudrate, hold_ms, data)
                    clock.sleep_us(bench.char_us // 4)


def test_own_echo():
    for name in BOARDS:
        check_echo(**BOARDS[name])


def test_echo_of_a_long_answer_that_leaves_while_the_program_runs_on():
    bench = Bench(9600, line={"echo": True})
    for pdu in (request(3, 0, 125), request(3, 0, 60), request(6, 0, 0)):
        assert len(bench.ask(pdu, every_us=2000)) == 1
    bench.keeps_its_promises()
