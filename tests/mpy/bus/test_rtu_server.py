"""umb.server.rtu on a line with exact times: what it answers, to whom, and what it counts."""

from support.boards import BOARDS
from support.pdu import read_write, request, shown, write_bits, write_registers
from support.rtu import OTHER, OURS, Bench, frame
from support.uart import UART, Output, clock

from umb.errors import ServerDeviceBusyError
from umb.server import LATER, Server
from umb.server.rtu import RTUServer
from umb.store import Registers, Store

# (request, response), one after the other against one store
_SPOKEN = (
    (write_bits(0, (1, 0, 1, 1, 0, 0, 1, 1, 1)), request(15, 0, 9)),
    (request(1, 0, 9), b"\x01\x02\xcd\x01"),
    (request(2, 190, 10), b"\x02\x02\x00\x00"),
    (write_registers(10, (1, 0xFFFF, 3)), request(16, 10, 3)),
    (request(3, 10, 3), b"\x03\x06\x00\x01\xff\xff\x00\x03"),
    (request(3, 0, 125), b"\x03\xfa" + bytes(20) + b"\x00\x01\xff\xff\x00\x03" + bytes(224)),
    (request(4, 199, 1), b"\x04\x02\x00\x00"),
    (request(5, 1, 0xFF00), request(5, 1, 0xFF00)),
    (request(6, 10, 0x12), request(6, 10, 0x12)),
    (request(22, 10, 0xF2, 0x25), request(22, 10, 0xF2, 0x25)),
    (request(3, 10, 1), b"\x03\x02\x00\x17"),
    (read_write(11, 2, 12, (7, 8)), b"\x17\x04\xff\xff\x00\x07"),
    (write_registers(0, range(123)), request(16, 0, 123)),
    (write_bits(0, [1] * 200), request(15, 0, 200)),
)
_REFUSED = (
    (request(3, 199, 2), 2),
    (request(6, 200, 1), 2),
    (request(3, 0, 126), 3),
    (request(1, 0, 0), 3),
    (request(5, 0, 1), 3),
    (request(16, 0, 2) + b"\x03\x00\x01\x02", 3),
    (request(3, 0, 1) + b"\x00", 3),  # longer than it may be
    (request(6, 0), 3),  # shorter
    (write_registers(0, (1,)) + b"\x00", 3),
    (b"\x00", 1),
    (b"\x41", 1),
    (b"\x41\x00\x01\x02\x03", 1),
    (b"\x64" + bytes(100), 1),
)


def refusal(pdu, code):
    return bytes((pdu[0] | 0x80, code))


def speak(bench, pdu, response):
    got = bench.ask(pdu)
    wanted = [frame(OURS, response)]
    assert got == wanted, "{}: {}, not {}".format(
        shown(pdu), [shown(one) for one in got], shown(wanted[0])
    )


def test_requests_are_answered():
    for name in BOARDS:
        bench = Bench(115200, line=BOARDS[name])
        for pdu, response in _SPOKEN:
            speak(bench, pdu, response)
        assert bench.answered == len(_SPOKEN), name
        bench.keeps_its_promises()


def test_requests_are_answered_in_every_format():
    for form in ((8, None, 1), (8, 0, 1), (8, 1, 1), (8, None, 2), (7, 0, 1)):
        for baudrate in (1200, 9600, 921600):
            bench = Bench(baudrate, *form)
            speak(bench, *_SPOKEN[0])
            speak(bench, *_SPOKEN[1])
            bench.keeps_its_promises()


def test_what_cannot_be_done_is_refused():
    for line in ({}, {"any_": "flag", "irq": False}):
        bench = Bench(line=line)
        for pdu, code in _REFUSED:
            speak(bench, pdu, refusal(pdu, code))
        bench.keeps_its_promises()
        counters = bench.rtu.counters
        assert counters.bus_exception_error_count == len(_REFUSED)
        assert counters.bus_communication_error_count == 0


def test_what_is_no_request_is_not_answered():
    """Function codes from 80 hex on are those of exception responses: its own, come back."""
    bench = Bench(115200)
    for function_code in range(0x80, 0x100):
        for data in (b"", b"\x02", bytes(4)):
            assert bench.ask(bytes((function_code,)) + data, for_us=10_000) == [], function_code
    assert len(bench.ask(request(3, 0, 1))) == 1


def test_codes_without_data_are_answered():
    bench = Bench()
    for function_code in (7, 11, 12, 17):
        (answer,) = bench.ask(bytes((function_code,)))
        assert answer[:1] == b"\x11" and answer[1] & 0x7F == function_code


def test_others_are_never_answered():
    bench = Bench()
    for slave_id in range(256):
        if slave_id != OURS:
            assert bench.ask(request(3, 0, 1), slave_id, for_us=10_000) == []
    assert bench.rtu.counters.bus_message_count == 255
    assert bench.rtu.counters.server_message_count == 1, "the broadcast"
    speak(bench, request(4, 0, 1), b"\x04\x02\x00\x00")


def test_a_broadcast_is_obeyed_in_silence():
    bench = Bench()
    writes = (
        request(6, 3, 7),
        write_registers(4, (8, 9)),
        request(5, 2, 0xFF00),
        write_bits(5, (1, 1)),
        request(22, 3, 0xFFF0, 0x05),
    )
    others = (request(6, 200, 1), request(3, 0, 1), read_write(0, 1, 9, (4,)), b"\x41")
    for pdu in writes + others:
        assert bench.ask(pdu, 0) == []
    assert [bench.store.holding_registers[i] for i in (3, 4, 5)] == [5, 8, 9]
    assert [bench.store.coils[i] for i in (2, 5, 6)] == [1, 1, 1]
    assert bench.rtu.counters.server_no_response_count == 9
    assert bench.pin.trace.n == 1


def test_several_devices_behind_one_line():
    one, two = Store(holding_registers=1), Store(holding_registers=2)
    server = Server(one, (OURS, 19))
    server.add(20, two)
    bench = Bench(handler=server)
    assert bench.ask(request(6, 0, 5), 19) == [frame(19, request(6, 0, 5))]
    assert bench.ask(request(3, 0, 1), OURS) == [frame(OURS, b"\x03\x02\x00\x05")]
    assert bench.ask(request(3, 0, 2), 20) == [frame(20, b"\x03\x04\x00\x00\x00\x00")]
    assert bench.ask(request(3, 0, 2), OTHER) == []
    assert bench.ask(request(6, 0, 9), 0) == []
    assert one.holding_registers[0] == two.holding_registers[0] == 9


def test_routes_answer_for_their_slaves_only():
    bench = Bench(handler=Server())
    said = []

    @bench.rtu.route(slave_ids=[OURS], function_codes=[3, 6], addresses=range(5))
    def endpoint(slave_id, function_code, address, value=None):
        said.append((slave_id, function_code, address, value))
        if address == 4:
            raise ServerDeviceBusyError
        return 100 + address

    assert bench.ask(request(3, 1, 2)) == [frame(OURS, b"\x03\x04\x00\x65\x00\x66")]
    assert bench.ask(request(6, 2, 9)) == [frame(OURS, request(6, 2, 9))]
    assert bench.ask(request(3, 4, 1)) == [frame(OURS, b"\x83\x06")]
    assert bench.ask(request(3, 4, 2)) == [frame(OURS, b"\x83\x02")]
    assert bench.ask(request(3, 1, 2), OTHER) == []
    assert bench.ask(request(3, 1, 2), 1) == [], "its server has a first id, but no store for it"
    assert said == [(OURS, 3, 1, None), (OURS, 3, 2, None), (OURS, 6, 2, 9), (OURS, 3, 4, None)]


def test_a_hook_that_fails_is_code_4():
    def fail(_address, _quantity):
        raise RuntimeError("boom")

    heard = []
    store = Store(holding_registers=Registers(0, 5, on_read=fail))
    server = Server(store, (OURS,), on_error=lambda error, link: heard.append((str(error), link)))
    bench = Bench(handler=server)
    assert bench.ask(request(3, 0, 1)) == [frame(OURS, b"\x83\x04")]
    assert heard == [("boom", bench.rtu)]


def test_what_happened_is_counted():
    bench = Bench()
    bench.ask(request(3, 0, 1))
    bench.ask(request(3, 200, 1))
    bench.ask(request(6, 0, 1), 0)
    bench.ask(request(3, 0, 1), OTHER)
    bench.hear(frame(OURS, request(3, 0, 1))[:-1] + b"\x00")
    bench.run()
    counters = bench.rtu.counters
    assert counters.bus_message_count == 4
    assert counters.bus_communication_error_count == 1
    assert counters.bus_exception_error_count == 1
    assert counters.server_message_count == 3
    assert counters.server_no_response_count == 1
    assert bench.answered == 2


class Later:
    """A handler that answers when it is told to."""

    def __init__(self, server):
        self.server = server
        self.serves = server.serves
        self.asked = []

    def handle(self, adu, n, link):
        if not self.server.serves(adu[6]):
            return 0
        self.asked.append((adu, n, link))
        return LATER

    def answer(self, silent=False):
        adu, n, link = self.asked.pop(0)
        link.answer(0 if silent else self.server.handle(adu, n, link))


def _answers_the_next(bench, handler):
    bench.hear(frame(OURS, request(3, 0, 1)))
    bench.run()
    handler.answer()
    bench.run()
    assert bench.replies() == [frame(OURS, b"\x03\x02\x00\x00")]


def test_an_answer_may_come_later():
    handler = Later(Server(Store(holding_registers=9), (OURS,)))
    for wait_us in (0, 1500, 30_000):
        bench = Bench(handler=handler)
        end_us = bench.hear(frame(OURS, request(3, 0, 2)))
        while not handler.asked:
            assert bench.rtu.poll() == 0
        bench.run(end_us + wait_us - clock.now_us())
        assert bench.replies() == []
        handler.answer()
        bench.run()
        assert bench.replies() == [frame(OURS, b"\x03\x04\x00\x00\x00\x00")], wait_us
        bench.keeps_its_promises()


def test_a_later_answer_may_be_silence():
    handler = Later(Server(Store(holding_registers=9), (OURS,)))
    bench = Bench(handler=handler)
    assert bench.ask(request(3, 0, 2)) == []
    handler.answer(silent=True)
    bench.run()
    assert bench.replies() == []
    _answers_the_next(bench, handler)


def test_a_later_answer_that_nobody_waits_for_is_not_sent():
    handler = Later(Server(Store(holding_registers=9), (OURS,)))
    bench = Bench(handler=handler)
    assert bench.ask(request(3, 0, 2)) == []
    bench.hear(frame(OTHER, request(3, 0, 9)))  # the client has given up on us
    bench.hear(frame(OTHER, b"\x03\x12" + bytes(18)))
    bench.run()
    handler.answer()
    bench.run()
    assert bench.replies() == []
    _answers_the_next(bench, handler)


def test_the_uart_may_fail_now_and_then():
    for method in ("write", "txdone", "readinto", "any"):
        bench = Bench()
        bench.hear(frame(OURS, request(3, 0, 2)))
        bench.uart.fail_in = method
        try:
            bench.run()
            raise AssertionError("no OSError came through")
        except OSError:
            assert bench.pin.level() == 0, method
        bench.run()
        bench.clear()
        speak(bench, request(3, 0, 1), b"\x03\x02\x00\x00")
        bench.keeps_its_promises()


def test_the_end_leaves_the_pin_at_receive():
    bench = Bench()
    bench.ask(request(3, 0, 1))
    bench.pin(1)
    bench.rtu.server_close()
    assert bench.pin.level() == 0
    assert bench.uart.open, "a UART that is not its own is left alone"


def test_other_framers_are_refused():
    for framer in ("mbap", "", None):
        try:
            RTUServer(UART(9600), Server(), baudrate=9600, framer=framer)
        except ValueError:
            continue
        raise AssertionError(framer)


def test_a_driver_makes_its_own_server():
    rtu = RTUServer(UART(9600), baudrate=9600, de=Output())
    assert isinstance(rtu.server, Server)
    assert rtu.serial and not rtu.listen_only and not rtu.gone
