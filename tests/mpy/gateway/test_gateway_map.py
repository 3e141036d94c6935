"""Gateway(unit_ids=, answer_broadcasts=): other slave ids on the line, and who broadcasts."""

from support.gateway import Asker, Bench, bench, device  # comes first, see there

from support import every_nth
from support.bus import Bus, answer
from support.pdu import Link, raw, request, words, write_bits, write_registers
from support.rtu import frame
from support.umb import raises
from support.uart import clock

from umb.client.rtu import RTUClient
from umb.gateway import Gateway

READ = request(3, 100, 2)
NO_PATH = raw("83 0a")
NO_ANSWER = 11


# --- slave ids


def test_every_id_can_be_another():
    """The reply has the id that was asked for; all that is not mapped is as it was."""
    for asked in range(256):
        for on_line in every_nth((1, 247, 248, 255), 3, asked):
            line = bench((5,), unit_ids={asked: on_line})
            asker = Asker()  # it compares the ids
            assert line.ask(asker, asked, READ) == answer(on_line, READ), (asked, on_line)
            assert line.buses[0].asked == [(on_line, READ)]
            if asked != 5:
                assert line.ask(asker, 5, READ) == answer(5, READ)
            other = 6 if asked != 6 else 7
            assert Asker().ask(line.gateway, other, READ) == NO_PATH


def test_255_is_the_gateway_itself_unless_it_is_mapped():
    local, _ = device([(100, 5), (101, 6)])
    for unit_ids, wanted in ((None, b"\3\4" + words(5, 6)), ({255: 1}, answer(1, READ))):
        line = bench(unit_ids=unit_ids, local=local)
        assert line.ask(Asker(), 255, READ) == wanted
        assert line.ask(Asker(), 1, READ) == answer(1, READ)


def test_0_is_a_broadcast_unless_it_is_mapped():
    line = bench(unit_ids={0: 7})
    asker = Asker()
    assert line.ask(asker, 0, READ) == answer(7, READ)
    for pdu in (request(6, 1, 2), write_registers(0, [1, 2])):
        assert line.ask(asker, 0, pdu) == answer(7, pdu), "it is written to slave 7"
    assert [slave_id for slave_id, _ in line.buses[0].asked] == [7, 7, 7]


def test_a_device_that_answers_to_0():
    """It is alone on its line, and may answer with another id."""
    for answers_as in (0, 1, 17, 255):
        bus = Bus()

        def answer_to_0(slave_id, pdu, bus=bus, i=answers_as):
            assert slave_id == 0
            bus.hear(bus.end_ns() // 1000 + 500, frame(i, answer(9, pdu)))

        bus._deliver = answer_to_0
        line = Bench((bus, ()), form={"broadcast": False}, unit_ids={9: 0})
        asker = Asker()
        assert line.ask(asker, 9, READ) == answer(9, READ), answers_as
        assert line.ask(asker, 9, request(6, 1, 2)) == request(6, 1, 2)


def test_an_exception_has_the_id_that_was_asked_for():
    line = bench((), bus=Bus(absent=(3,)), unit_ids={77: 3, 78: 4})
    assert line.ask(Asker(), 77, READ) == raw("83 0b")
    assert line.ask(Asker(), 78, b"\x07\0\0\0\0") == raw("87 01")


def test_retries_ask_the_same_slave():
    silent = [True, True]
    line = bench((), retries=2, unit_ids={200: 3})
    good = line.buses[0]._replies
    line.buses[0]._replies = lambda *what: None if silent and silent.pop() else good(*what)
    assert line.ask(Asker(), 200, READ) == answer(3, READ)
    assert line.buses[0].asked == [(3, READ)] * 3


def test_several_lines_and_maps():
    """The first line that has an id, mapped or not, is asked."""
    first, second = Bus(), Bus()
    lines = Bench((first, (1, 2)), local=None)
    client = RTUClient(second, baudrate=115200, parity=0, de=second.pin, timeout_ms=100)
    lines.gateway.add(client, (2, 3), unit_ids={102: 2, 1: 9})
    for slave_id, bus, on_line in ((1, first, 1), (2, first, 2), (3, second, 3), (102, second, 2)):
        assert lines.ask(Asker(), slave_id, READ) == answer(on_line, READ)
        assert bus.asked[-1] == (on_line, READ)


def test_maps_that_cannot_be():
    bus = Bus()
    client = RTUClient(bus, baudrate=9600)
    for unit_ids in (5, [1, 2], {1: 256}, {256: 1}, {-1: 1}, {1: -1}, {"1": 1}, {1: None}, {1: 0}):
        error = raises(ValueError, Gateway, client, unit_ids=unit_ids)
        assert "unit_ids" in str(error), unit_ids


def test_whom_it_serves():
    line = bench((5,), unit_ids={255: 1, 0: 2})
    served = [slave_id for slave_id in range(256) if line.gateway.serves(slave_id)]
    assert served == [0, 5, 255]


# --- broadcasts that are answered

BROADCASTS = (
    (request(5, 1, 0xFF00), request(5, 1, 0xFF00)),
    (request(6, 1, 2), request(6, 1, 2)),
    (write_bits(0, [1] * 9), request(15, 0, 9)),
    (write_registers(0, [7] * 123), request(16, 0, 123)),
    (request(22, 5, 0xFFF0, 8), request(22, 5, 0xFFF0, 8)),
)


def test_a_broadcast_is_answered_when_every_line_has_sent_it():
    local, store = device()
    first, second = Bus(), Bus()
    lines = Bench((first, (1,)), (second, (2,)), local=local, answer_broadcasts=True)
    asker = Asker()
    for pdu, response in BROADCASTS:
        begin_us = clock.now_us()
        assert lines.ask(asker, 0, pdu) == response
        took_us = clock.now_us() - begin_us
        assert took_us >= 199_000, "100 ms for each line, not %d us" % took_us
        assert first.asked.pop() == second.asked.pop() == (0, pdu)
    assert store.holding_registers[6] == 7
    lines.is_clean()


def test_a_line_that_could_not_send_it():
    """It is full, or its device fails: who asked is told."""
    for number in (0, 1):
        buses = (Bus(), Bus())
        lines = Bench((buses[0], (1,)), (buses[1], (2,)), queue=1, answer_broadcasts=True)
        Asker().ask(lines.gateway, 1 + number, READ)
        asker = Asker()
        path = lines.gateway._paths[1]
        poll = path.poll
        if number:
            path.poll = lambda: 0  # it has not got so far when the first line is done
        assert lines.ask(asker, 0, request(6, 1, 2)) == bytes((0x86, NO_ANSWER)), number
        assert buses[1 - number].asked[-1] == (0, request(6, 1, 2)), "the other line had it"
        path.poll = poll
        path.poll = poll
        lines.run(300)
        assert lines.ask(asker, 0, request(6, 1, 3)) == request(6, 1, 3)


def test_an_end_in_the_middle_of_a_broadcast():
    line = bench(answer_broadcasts=True)
    asker = Asker()
    asker.ask(line.gateway, 0, request(6, 1, 2))
    line.run(20)
    line.gateway.finish()
    assert asker.answers == [bytes((0x86, NO_ANSWER))]


def test_on_a_serial_line_nobody_is_answered():
    """The master of a line knows that."""
    line = bench(answer_broadcasts=True)
    asker = Asker()
    asker.serial = True
    assert line.ask(asker, 0, request(6, 1, 2)) == b""
    assert line.buses[0].asked == [(0, request(6, 1, 2))]
    assert isinstance(asker, Link)
