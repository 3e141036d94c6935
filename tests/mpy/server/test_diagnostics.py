"""umb.functions.diagnostics: FC 7, 8, 11 and 12 (AP 6.7-6.10)."""

from support.pdu import Link, ask, expect, raw, request, shown, words, write_registers
from support.umb import Told

from umb.errors import exception_for
from umb.functions.diagnostics import Diagnostics
from umb.server import Server
from umb.store import Registers, Store

_READ = request(3, 0, 1)
_CLEAR = raw("08 000a 0000")
_RESTART = raw("08 0001 0000")
_EMPTY_LOG = raw("08 0001 ff00")
_LISTEN = raw("08 0004 0000")
_LOG = raw("0c")
_COUNTERS = (
    "bus_message_count",
    "bus_communication_error_count",
    "bus_exception_error_count",
    "server_message_count",
    "server_no_response_count",
    "server_nak_count",
    "server_busy_count",
    "bus_character_overrun_count",
)


class Bench:
    """A server with 10 registers on a serial line, and its Diagnostics."""

    def __init__(self):
        self.hook = Told()
        self.diagnostics = Diagnostics()
        self.store = Store(holding_registers=Registers(0, 10, on_read=self.hook))
        self.server = Server(self.store, functions=(self.diagnostics,))
        self.link = Link(serial=True)
        self.counters = self.link.counters

    def ask(self, pdu, slave_id=1):
        """What is answered; the driver counts messages."""
        self.counters.bus_message_count = self.counters.bus_message_count + 1 & 0xFFFF
        return ask(self.server, pdu, slave_id, self.link)

    def count(self, sub_function):
        response = self.ask(request(8, sub_function, 0))
        assert response[:3] == request(8, sub_function)
        return response[3] << 8 | response[4]

    def events(self):
        """The log, with the event of asking for it."""
        response = self.ask(_LOG)
        assert response[0] == 12 and response[1] == len(response) - 2 <= 70
        return response[8:]

    def fail(self, code):
        """Have an exception answered."""
        self.hook.result = exception_for(code)
        assert self.ask(_READ) == bytes((0x83, code))
        self.hook.result = None


def test_exception_status():
    bench = Bench()
    assert bench.ask(b"\x07") == b"\x07\x00"
    bench.diagnostics.exception_status = 0x16D
    assert bench.ask(b"\x07") == b"\x07\x6d"
    assert bench.ask(b"\x07\x00") == b"\x87\x03"


def test_loop_back():
    bench = Bench()
    for n in (0, 1, 2, 3, 100, 250):
        pdu = raw("08 0000") + bytes(range(n))
        assert bench.ask(pdu) == pdu


def test_diagnostic_register():
    bench = Bench()
    bench.diagnostics.diagnostic_register = 0x1234
    assert bench.count(2) == 0x1234
    assert bench.ask(_RESTART) == _RESTART
    assert bench.count(2) == 0x1234
    assert bench.ask(_CLEAR) == _CLEAR
    assert bench.count(2) == 0


def test_sub_functions_that_are_not_offered():
    bench = Bench()
    for sub_function in (3, 5, 9, 19, 21, 22, 255, 256, 0x0A00, 65535):
        for data in ("", "00", "0000", "0001", "000000"):
            assert bench.ask(request(8, sub_function) + raw(data)) == b"\x88\x01", sub_function


def test_wrong_data():
    bench = Bench()
    for sub_function in (1, 2, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20):
        for data in ("", "00", "0001", "000000", "ff01"):
            assert bench.ask(request(8, sub_function) + raw(data)) == b"\x88\x03", sub_function
    assert bench.ask(b"\x08") == bench.ask(b"\x08\x00") == b"\x88\x03"
    assert not bench.link.listen_only


def test_every_counter():
    bench = Bench()
    bench.ask(_READ)
    for i in range(len(_COUNTERS)):
        setattr(bench.counters, _COUNTERS[i], 0x1000 + i)
        assert bench.count(11 + i) == 0x1000 + i + (i in (0, 3)), _COUNTERS[i]
    assert bench.ask(raw("08 0014 0000")) == raw("08 0014 0000")
    assert bench.count(18) == 0 and bench.count(17) == 0x1006


def test_what_is_counted():
    bench = Bench()
    bench.ask(_CLEAR)
    for code in (1, 2, 4, 5, 6, 6, 7, 8, 11, 99):
        bench.fail(code)
    assert [bench.count(i) for i in (13, 16, 17)] == [10, 1, 2]
    assert bench.count(14) == 10 + 4


def test_counters_wrap():
    bench = Bench()
    bench.ask(_CLEAR)
    for name in _COUNTERS:
        setattr(bench.counters, name, 0xFFFF)
    bench.fail(6)
    assert bench.count(13) == 0 and bench.count(17) == 0
    assert bench.count(11) == 3 and bench.count(14) == 4


def test_restart_clears_counters():
    for pdu in (_RESTART, _EMPTY_LOG, _CLEAR):
        bench = Bench()
        for name in _COUNTERS:
            setattr(bench.counters, name, 7)
        assert bench.ask(pdu) == pdu
        assert [getattr(bench.counters, name) for name in _COUNTERS] == [0] * 8


def test_event_counter():
    bench = Bench()
    for pdu in (_CLEAR, _RESTART, _EMPTY_LOG):
        bench.ask(pdu)
        for _ in range(3):
            assert bench.ask(b"\x0b") == request(11, 0, 0)
        bench.ask(_READ)
        bench.fail(2)
        bench.ask(b"\x07")
        assert bench.ask(b"\x0b") == request(11, 0, 2)
        assert bench.ask(_LOG)[2:6] == words(0, 2)
        assert bench.ask(b"\x0b") == request(11, 0, 3)
    assert bench.ask(b"\x0b\x00") == b"\x8b\x03"


def test_what_is_an_event():
    """Requests that were carried out, broadcasts too; exceptions are none, nor FC 11 itself."""
    bench = Bench()
    for pdu, slave_id, events in (
        (_READ, 1, 1),
        (request(6, 0, 5), 1, 1),
        (request(6, 0, 5), 0, 1),
        (write_registers(3, [1, 2]), 0, 1),
        (request(22, 0, 0, 1), 0, 1),
        (_LOG, 1, 1),
        (b"\x07", 1, 1),
        (request(8, 0, 7), 1, 1),
        (b"\x0b", 1, 0),
        (b"\x0b\x00", 1, 0),
        (request(3, 10, 1), 1, 0),
        (request(3, 0, 0), 1, 0),
        (b"\x41", 1, 0),
        (request(6, 10, 5), 0, 0),
        (request(6, 0)[:2], 0, 0),
        (request(5, 0, 0xFF00), 0, 0),
        (write_registers(9, [1, 2]), 0, 0),
        (_READ, 0, 0),
        (b"\x41", 0, 0),
        (_CLEAR[:3], 0, 0),
        (_READ, 2, 0),
        (request(6, 0, 5), 2, 0),
    ):
        before = bench.counters.event_count
        bench.ask(pdu, slave_id)
        after = bench.counters.event_count
        assert after == before + events, "{} to {}: {}".format(shown(pdu), slave_id, after)
    assert bench.ask(b"\x0b") == request(11, 0, 8)


def test_a_broadcast_is_one_event_if_any_device_does_it():
    bench = Bench()
    bench.server.add(2, Store(holding_registers=20))
    bench.server.add(3, None)
    for address, events in ((0, 1), (9, 1), (10, 1), (19, 1), (20, 0)):
        before = bench.counters.event_count
        assert bench.ask(request(6, address, 5), 0) is None
        assert bench.counters.event_count == before + events, address


def test_event_count_wraps():
    bench = Bench()
    bench.counters.event_count = 0xFFFF
    assert bench.ask(b"\x0b") == request(11, 0, 0xFFFF)
    assert bench.counters.event_count == 0xFFFF
    bench.ask(_READ)
    assert bench.ask(b"\x0b") == request(11, 0, 0)
    assert bench.counters.event_count == 0
    bench.counters.event_count = 0xFFFF
    bench.ask(request(6, 0, 1), 0)
    assert bench.counters.event_count == 0


def test_errors_of_one_line_are_no_events_of_another():
    """Whichever has more, and however they take turns."""
    bench = Bench()
    other = Link(serial=True)
    bench.ask(_EMPTY_LOG)
    bench.counters.bus_communication_error_count = 5
    bench.ask(_READ)
    ask(bench.server, _READ, 1, other)
    other.counters.bus_communication_error_count += 1
    ask(bench.server, _READ, 1, other)
    wanted = b"\x40\x80\x82" + b"\x40\x80" + b"\x40\x80" + b"\x82" * 5 + b"\x00"
    assert bench.events() == b"\x80" + wanted
    assert bench.events() == b"\x80\x40\x80" + wanted


def test_errors_wrap():
    for logged, count, errors in ((0xFFFF, 1, 2), (0xFFFE, 0xFFFE, 0), (0xFFFE, 3, 5), (9, 8, 63)):
        bench = Bench()
        bench.counters.bus_communication_error_count = count
        bench.counters.logged_error_count = logged
        assert bench.events().count(b"\x82") == errors, (logged, count)


def test_events():
    bench = Bench()
    bench.ask(_EMPTY_LOG)
    wanted = b"\x00"
    for code, event in ((1, 1), (2, 1), (3, 1), (4, 2), (5, 4), (6, 4), (7, 8), (8, 0), (11, 0)):
        bench.fail(code)
        wanted = bytes((0x40 | event, 0x80)) + wanted
    bench.ask(_READ)
    assert bench.events() == b"\x80\x40\x80" + wanted
    assert bench.ask(_LOG + b"\x00") == b"\x8c\x03"


def test_events_of_the_line():
    bench = Bench()
    bench.ask(_EMPTY_LOG)
    bench.counters.bus_communication_error_count += 2
    bench.ask(request(6, 0, 1), 0)
    bench.counters.bus_communication_error_count += 1
    assert bench.events() == b"\x80\x82\xc0\x82\x82\x00"
    assert bench.events() == b"\x80\x40" + b"\x80\x82\xc0\x82\x82\x00"


def test_cleared_counters_are_no_events():
    """An error count that goes down is no error."""
    for pdu in (_CLEAR, _RESTART, _EMPTY_LOG):
        bench = Bench()
        bench.ask(_EMPTY_LOG)
        bench.counters.bus_communication_error_count = 3
        bench.ask(pdu)
        assert bench.events().count(b"\x82") == (0 if pdu == _EMPTY_LOG else 3)
        assert bench.events().count(b"\x82") == (0 if pdu == _EMPTY_LOG else 3)


def test_64_events():
    bench = Bench()
    bench.ask(_EMPTY_LOG)
    for n in range(100):
        events = bench.events()
        assert len(events) == min(2 * n + 2, 64)
        assert events[:3] == (b"\x80\x00" if n == 0 else b"\x80\x40\x80")
    bench.counters.bus_communication_error_count += 1000
    assert bench.events() == b"\x80" + b"\x82" * 63


def test_the_log_begins_with_the_first_request():
    for first in (_RESTART, request(8, 0, 0), b"\x0b", b"\x07", _CLEAR):
        bench = Bench()
        bench.ask(_READ)
        assert bench.ask(first)[:1] == first[:1]
        bench.ask(_READ)
        after = b"\x00\x40\x80" if first == _RESTART else b"\x40\x80"
        assert bench.events() == b"\x80\x40\x80" + after + b"\x40\x80", first


def test_a_reply_leaves_before_the_restart():
    bench = Bench()
    bench.ask(_EMPTY_LOG)
    assert bench.events() == b"\x80\x00"
    bench.ask(_RESTART)
    assert bench.events() == b"\x80\x00\x40\x80\x40\x80\x00"


def test_listen_only():
    bench = Bench()
    bench.ask(_EMPTY_LOG)
    assert bench.ask(_LISTEN) is None and bench.link.listen_only
    for pdu in (
        _READ,
        request(6, 0, 9),
        b"\x07",
        b"\x0b",
        b"\x41",
        b"\x08",
        raw("08 0000 0000"),
        raw("08 0001 1234"),
        raw("08 0001"),
        raw("08 0005 0000"),
        _LISTEN,
        _CLEAR,
    ):
        assert bench.ask(pdu) is None, pdu
    assert bench.ask(request(6, 0, 9), 0) is None
    assert bench.ask(request(6, 0, 9), 99) is None
    assert bench.ask(_RESTART) is None and not bench.link.listen_only
    assert bench.ask(_READ) == raw("03 02 0000")
    assert bench.events() == b"\x80\x40\x80\x00\xa0\xe0" + b"\xa0" * 12 + b"\x04\x80\x00"


def test_a_restart_without_its_log_ends_listen_only_mode():
    bench = Bench()
    bench.ask(_LISTEN)
    assert bench.ask(_EMPTY_LOG) is None
    assert bench.events() == b"\x80\x00"


def test_lines_are_not_mixed_up():
    bench = Bench()
    other = Link(serial=True)
    bench.ask(_LISTEN)
    assert ask(bench.server, _READ, 1, other) == raw("03 02 0000")
    assert ask(bench.server, _CLEAR, 1, other) == _CLEAR
    assert other.counters.server_message_count == 0
    assert bench.ask(_READ) is None


class Delimited(Link):
    """A line of Modbus ASCII."""

    delimiter = 10

    def __init__(self):
        super().__init__(serial=True)
        self.line = self.frame = self


def test_delimiter():
    bench = Bench()
    bench.link = link = Delimited()
    bench.counters = link.counters
    assert bench.ask(raw("08 0003 2100")) == raw("08 0003 2100")
    assert link.delimiter == 0x21
    for wrong in ("08 0003 2101", "08 0003 21", "08 0003", "08 0003 210000", "08 0003 3a00"):
        assert bench.ask(raw(wrong)) == b"\x88\x03", wrong
    assert link.delimiter == 0x21


def test_a_line_without_diagnostics_of_its_own():
    """Function codes 7, 8, 11 and 12 are offered by who is given Diagnostics, and nobody else."""
    link = Link(serial=True)
    for code in (7, 8, 11, 12):
        for pdu in (bytes((code,)), request(code, 0, 0), request(code, 1, 0), request(code, 4, 0)):
            expect(Server(Store(1)), pdu, bytes((code | 0x80, 1)), link=link)
    assert not link.listen_only


def test_status_and_register_that_are_no_numbers():
    told = Told()
    diagnostics = Diagnostics()
    server = Server(functions=(diagnostics,), on_error=told)
    diagnostics.exception_status = diagnostics.diagnostic_register = None
    link = Link(serial=True)
    expect(server, b"\x07", "87 04", link=link)
    expect(server, request(8, 2, 0), "88 04", link=link)
    assert len(told.calls) == 2


def test_networks():
    for code in (7, 8, 11, 12):
        pdu = bytes((code,)) + (bytes(4) if code == 8 else b"")
        expect(Server(), pdu, bytes((code | 0x80, 1)))
        got = ask(Server(functions=(Diagnostics(networks=True),)), pdu)
        assert got[0] == code
