"""Gateway: who answers what; slave ids, exceptions, several lines, retries."""

from support.gateway import Asker, Bench, bench, device  # comes first, see there

from support.bus import Bus, answer
from support.pdu import Link, ask, raw, request, words, write_bits, write_registers
from support.rtu import frame
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.gateway import Gateway

READ = request(3, 100, 2)
NO_PATH, NO_ANSWER = raw("83 0a"), raw("83 0b")


def test_a_request_and_its_answer():
    line = bench()
    asker = Asker()
    for pdu in (READ, request(4, 7, 125), request(6, 1, 2), write_registers(5, [1] * 123)):
        assert line.ask(asker, 9, pdu) == answer(9, pdu)
    assert line.ask(asker, 247, write_bits(0, [1, 0] * 984)) == request(15, 0, 1968)
    assert [slave_id for slave_id, _ in line.buses[0].asked] == [9, 9, 9, 9, 247]
    line.is_clean()


def test_exceptions_of_slaves_are_passed_on():
    def replies(slave_id, pdu):
        return 500, frame(slave_id, bytes((pdu[0] | 0x80, 0x42)))

    line = bench(bus=Bus(replies=replies))
    assert line.ask(Asker(), 5, READ) == raw("83 42")
    assert line.ask(Asker(), 5, raw("65 01 02")) == raw("e5 42")


def test_any_function_code_is_passed_on():
    def replies(slave_id, pdu):
        return 500, frame(slave_id, pdu[:1] + b"anything" + pdu[1:])

    line = bench(bus=Bus(replies=replies))
    assert line.ask(Asker(), 5, b"\x41abc") == b"\x41anythingabc"


def test_nobody_answers():
    line = bench(bus=Bus(absent=(9,)))
    asker = Asker()
    assert line.ask(asker, 9, READ) == NO_ANSWER
    assert line.ask(asker, 9, request(16, 0, 1) + b"\2\0\0") == raw("90 0b")
    assert line.ask(asker, 8, READ) == answer(8, READ)
    line.is_clean()


def test_what_is_no_answer():
    """Each is as if nothing had come."""
    for reply in (
        frame(8, answer(9, READ)),  # another slave's
        frame(9, request(6, 1, 2)),  # to another function code
        frame(9, answer(9, READ))[:-1] + b"\0",  # with a wrong CRC
        frame(9, answer(9, READ))[:-3],
        bytes(300),
    ):
        line = bench(bus=Bus(replies=lambda _id, _pdu, reply=reply: (500, reply)))
        assert line.ask(Asker(), 9, READ) == NO_ANSWER


def test_ids_that_are_not_routed():
    line = bench((1, 2, 3))
    for slave_id in (4, 17, 247, 248, 254, 255):
        assert Asker().ask(line.gateway, slave_id, READ) == NO_PATH, slave_id
    assert Asker().ask(line.gateway, 0, READ) == NO_PATH, "a broadcast read"
    line.run(50)
    assert line.buses[0].asked == []


def test_everybody_is_who_may_be_on_a_line():
    line = bench()
    for slave_id in (248, 255, 0):
        assert Asker().ask(line.gateway, slave_id, READ) == NO_PATH
    assert line.ask(Asker(), 247, READ) == answer(247, READ)


def test_0_is_no_slave():
    """As long as the line broadcasts it; what is not named otherwise leads nowhere."""
    line = bench(range(256))
    assert Asker().ask(line.gateway, 0, READ) == NO_PATH
    assert line.ask(Asker(), 250, READ) == answer(250, READ), "who is named is asked"


def test_local_ids():
    local, store = device([(100, 5), (101, 6)])
    line = bench(local=local)
    expected = b"\3\4" + words(5, 6)
    assert Asker().ask(line.gateway, 100, READ) == expected
    assert Asker().ask(line.gateway, 255, READ) == expected, "its first device"
    assert Asker().ask(line.gateway, 0, READ) == expected, "its first device"
    assert Asker().ask(line.gateway, 100, request(3, 200, 1)) == raw("83 02")
    Asker().ask(line.gateway, 100, request(6, 0, 77))
    assert store.holding_registers[0] == 77
    line.run(20)
    assert line.buses[0].asked == []


def test_a_local_id_hides_one_on_the_line():
    local, _ = device(slave_ids=(3,))
    line = bench((1, 2, 3), local=local)
    assert Asker().ask(line.gateway, 3, READ) == b"\3\4" + words(0, 0)
    assert line.ask(Asker(), 2, READ) == answer(2, READ)


def test_whom_it_serves():
    """For drivers that have to know whose requests are theirs."""
    local, _ = device()
    lines = Bench((Bus(), (1, 2)), (Bus(), (7,)), local=local)
    served = [slave_id for slave_id in range(256) if lines.gateway.serves(slave_id)]
    assert served == [1, 2, 7, 100]


def test_routes_of_a_gateway_are_local():
    line = bench((1, 2))

    @line.gateway.route(slave_ids=[50], function_codes=[3], addresses=range(10))
    def read(slave_id, function_code, address):  # noqa: ARG001 - called with keywords
        return address

    assert Asker().ask(line.gateway, 50, request(3, 4, 2)) == b"\3\4" + words(4, 5)
    assert line.ask(Asker(), 2, READ) == answer(2, READ)


def test_local_ids_are_answered_at_once():
    """Whatever the line does, the gateway comes back within 5 ms to look at its clients."""
    for baudrate in (1200, 9600, 19200, 115200):
        local, _ = device([(100, 5)])
        bus = Bus(baudrate, absent=(9,))
        line = bench(bus=bus, local=local, baudrate=baudrate, retries=1)
        far, near = Asker(), Asker()
        long = write_registers(0, [1] * 123)
        for slave_id, pdu in ((1, long), (1, request(3, 0, 125)), (9, READ)):
            far.ask(line.gateway, slave_id, pdu)
            while far.waits:
                line.poll()
                assert near.ask(line.gateway, 100, READ) == b"\3\4" + words(5, 0)
        assert line.longest_us <= 5000, (baudrate, line.longest_us)
        line.is_clean()


# --- several lines


def test_each_line_has_its_ids():
    first, second = Bus(), Bus()
    lines = Bench((first, range(1, 10)), (second, (5, 20)))
    for slave_id in (1, 5, 9, 20):
        assert lines.ask(Asker(), slave_id, READ) == answer(slave_id, READ)
    assert [slave_id for slave_id, _ in first.asked] == [1, 5, 9], "the first line that has it"
    assert [slave_id for slave_id, _ in second.asked] == [20]
    for slave_id in (1, 20):
        Asker().ask(lines.gateway, slave_id, READ)
    assert lines.run(20) == 2, "poll() counts both"
    assert Asker().ask(lines.gateway, 10, READ) == NO_PATH


def test_lines_do_not_wait_for_each_other():
    lines = Bench((Bus(absent=(1,)), (1,)), (Bus(), (2,)))
    slow, quick = Asker(), Asker()
    slow.ask(lines.gateway, 1, READ)
    for _ in range(10):
        assert lines.ask(quick, 2, READ) == answer(2, READ)
    assert slow.waits
    lines.until_answered(slow)
    assert slow.answers == [NO_ANSWER]
    lines.is_clean()


# --- retries


def scripted(*replies):
    """A Bus on which each request is answered by the next of these."""
    replies = list(replies)
    return Bus(replies=lambda _slave_id, _pdu: replies.pop(0))


def test_retries():
    good = (500, frame(9, answer(9, READ)))
    bad = (500, frame(9, answer(9, READ))[:-1] + b"\0")
    others = (500, frame(8, answer(8, READ)))
    strange = (500, frame(9, request(6, 1, 2)))
    for script in ((None, good), (bad, good), (others, good), (strange, good), (None, bad, good)):
        line = bench(bus=scripted(*script), retries=2)
        assert line.ask(Asker(), 9, READ) == answer(9, READ), script
        assert line.buses[0].asked == [(9, READ)] * len(script)
        line.is_clean()
    line = bench(bus=scripted(None, bad, None), retries=2)
    assert line.ask(Asker(), 9, READ) == NO_ANSWER


def test_a_long_request_is_asked_again_as_it_was():
    pdu = write_registers(5, list(range(123)))
    garbage = bytes(range(250))
    line = bench(bus=scripted((500, garbage), None, (500, frame(9, pdu[:5]))), retries=2)
    assert line.ask(Asker(), 9, pdu) == pdu[:5]
    assert line.buses[0].asked == [(9, pdu)] * 3


def test_exceptions_are_never_asked_again():
    line = bench(bus=scripted((500, frame(9, raw("83 06")))), retries=2)
    assert line.ask(Asker(), 9, READ) == raw("83 06")


# --- behind a serial line itself


def test_a_gateway_behind_an_rtu_server_is_silent_for_others():
    line = bench((1, 2))
    assert ask(line.gateway, READ, 5, Link(serial=True)) is None
    assert ask(line.gateway, READ, 255, Link(serial=True)) is None
    assert ask(line.gateway, READ, 0, Link(serial=True)) is None


# --- arguments


def test_wrong_arguments():
    line = RTUClient(Bus(), baudrate=9600)
    for named in (
        {"queue": 0},
        {"queue": "8"},
        {"max_wait_ms": None},
        {"timeout_ms": 0},
        {"timeout_ms": "100"},
        {"local": 5},
    ):
        assert len(str(raises(ValueError, Gateway, line, **named))) > 20
    for bad in (None, 1, Bus()):
        raises(ValueError, Gateway, bad)
        raises(ValueError, Gateway(line).add, bad)
