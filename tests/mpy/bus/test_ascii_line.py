"""RTUServer with framer=ASCII on the line of support.uart: every port, exact times, the pin."""

from support.rtu import OTHER, OURS, Bench, spans  # comes first, see there
from support import spread

from support.ascii import text
from support.boards import BOARDS
from support.pdu import request, words
from support.uart import UART, clock

from umb.frame.ascii import ASCII
from umb.frame.rtu import REQUEST, RESPONSE
from umb.port.line import Line

_READ = request(3, 0, 2)
_ANSWER = text(b"\x11\x03\x04\x00\x00\x00\x00")
_FORMATS = ((7, 0, 1), (7, 1, 1), (7, None, 2), (8, None, 1))
_SECOND_US = 1_000_000


def bench(baudrate=19200, bits=7, parity=0, stop=1, **options):
    return Bench(baudrate, bits, parity, stop, framer=ASCII, **options)


def answers(one, *pieces, after_us=2000, every_us=0):
    """What it says to these pieces of text, each so long after the one before."""
    before = len(one.replies())
    for piece in pieces:
        one.hear(piece, after_us)
        one.run(5000, every_us)
    one.run(20_000, every_us)
    return one.replies()[before:]


def test_requests_in_every_format():
    for bits, parity, stop in _FORMATS:
        for baudrate in (9600, 19200, 115200):
            one = bench(baudrate, bits, parity, stop)
            for _ in range(3):
                assert answers(one, text(b"\x11" + _READ)) == [_ANSWER]


def test_long_requests_and_answers():
    one = bench(115200)
    values = list(range(123))
    write = request(16, 0, 123) + bytes((246,)) + words(*values)
    assert answers(one, text(b"\x11" + write)) == [text(b"\x11" + write[:5])]
    wanted = b"\x11\x03\xf6" + words(*values)
    assert answers(one, text(b"\x11" + request(3, 0, 123))) == [text(wanted)]


def test_every_port():
    for name, line in BOARDS.items():
        one = bench(9600, line=line)
        for _ in range(3):
            assert answers(one, text(b"\x11" + _READ)) == [_ANSWER], name
            assert answers(one, text(b"\x12" + _READ)) == [], name


def test_the_pin_around_an_answer():
    for baudrate in (1200, 9600, 19200, 115200):
        one = bench(baudrate)
        for quantity in (1, 20):
            answers(one, text(b"\x11" + request(3, 0, quantity)))
        edges, sent = spans(one.pin.trace, 1), one.transmissions()
        assert len(edges) == len(sent) == 2
        for (up_ns, down_ns), (begin_ns, end_ns, _) in zip(edges, sent):
            assert up_ns <= begin_ns
            assert 0 <= down_ns - end_ns <= one.uart.char_ns, (baudrate, down_ns - end_ns)


def test_it_never_speaks_while_others_do():
    one = bench()
    for slave_id, pdu in ((OTHER, _READ), (OTHER, b"\x03\x04\1\2\3\4"), (0, request(6, 0, 7))):
        assert answers(one, text(bytes((slave_id,)) + pdu)) == []
    assert one.store.holding_registers[0] == 7
    assert answers(one, text(bytes((OURS,)) + _READ))[0][:7] == b":110304"


def test_holes_of_up_to_a_second():
    one = bench(115200)
    frame = text(b"\x11" + _READ)
    for after_us in (1000, 50_000, _SECOND_US * 9 // 10):
        for at in (1, 8, len(frame) - 1):
            pieces = (frame[:at], frame[at:])
            every_us = max(20, after_us // 1000)
            got = answers(one, *pieces, after_us=after_us, every_us=every_us)
            assert got == [_ANSWER], (at, after_us)


def test_a_longer_hole_ends_a_frame():
    one = bench(115200)
    frame = text(b"\x11" + _READ)
    for at in (1, 8, len(frame) - 1):
        after_us = _SECOND_US * 11 // 10
        assert answers(one, frame[:at], frame[at:], after_us=after_us, every_us=1000) == []
        assert answers(one, frame) == [_ANSWER]
    assert one.rtu.counters.bus_communication_error_count == 3


def test_a_slow_program():
    """The receive ring holds what comes meanwhile."""
    one = bench(9600)
    for every_us in (2000, 20_000, 100_000):
        assert answers(one, text(b"\x11" + _READ), every_us=every_us) == [_ANSWER], every_us


def test_own_echo():
    one = bench(115200, line={"echo": True})
    for _ in range(3):
        assert answers(one, text(b"\x11" + request(6, 0, 9))) == [text(b"\x11" + request(6, 0, 9))]


# frames that end before the length that their function code announces


def found(table, said):
    """Slave ids and PDUs of all frames, if everything waits in the UART before anybody looks."""
    clock.reset()
    uart = UART(115200, 7, 0, 1)
    line = Line(
        table,
        lambda slave_id: slave_id == OURS,
        uart,
        baudrate=115200,
        bits=7,
        parity=0,
        stop=1,
        tx=None,
        rx=None,
        de=None,
        de_active=1,
        turnaround_us=0,
        gap_ms=20,
        framer=ASCII,
    )
    uart.hear(clock.now_us() + 100, said)
    clock.now_ns += 1_000_000_000
    frames = []
    size = line.receive(line.any(), clock.ticks_us())
    while size:
        frames.append(bytes(line.frame.adu[6 : 4 + size]))
        size = line.receive(line.any(), clock.ticks_us())
    return frames


def check_behind(first):
    """A frame right behind another one is found, whoever looks for which kind."""
    for second in (b"\x11" + _READ, b"\x11\x03\x02\0\1"):
        for table in (REQUEST, RESPONSE):
            got = found(table, text(first) + text(second))
            assert got == [first, second], (table, first, got)


def test_a_frame_behind_one_of_any_length():
    """Devices and masters of others send what does not have the length of its function code."""
    for code in spread(range(1, 128), 32):
        for n in (0, 1, 2, 3, 4, 5, 9, 40):
            for slave_id in (OTHER, OURS, 0):
                check_behind(bytes((slave_id, code)) + bytes(range(n)))


def test_a_frame_behind_one_that_counts_bytes():
    """Whatever the byte says that counts the rest."""
    for head in (b"\x03", b"\x17", b"\x18\0", b"\x10\0\0\0\1", b"\x14", b"\x2b\x0e\1\1\0\0"):
        for count in (0, 1, 2, 5, 20, 250, 255):
            for n in (0, 1, 4, 20):
                for slave_id in (OTHER, OURS):
                    check_behind(bytes((slave_id,)) + head + bytes((count,)) + bytes(n))


def test_a_request_behind_a_sloppy_reply_of_another_slave():
    """It is answered even by a program that looks after both have come."""
    one = bench(115200)
    for pdu in (b"\x06\0\1", b"\x10\0\1", b"\x03\x06\0\1", b"\x11\1", b"\x83"):
        said = text(bytes((OTHER,)) + pdu) + text(b"\x11" + _READ)
        assert answers(one, said, every_us=50_000) == [_ANSWER], pdu
