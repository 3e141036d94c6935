"""uModbus's servers over TCP: rules, what becomes of what they do, handlers, and the log."""

import io
import sys

from support.heap import free_of_heap
from support.pdu import Link, raw, read_write, request, words, write_bits, write_registers
from support.tcp import Bench, frame, free_port
from support.umb import Signed, raises

from umb import errors
from umb.server.tcp import TCPServer as PlainTCPServer
from umb.server.udp import UDPServer
from umb.umodbus import exceptions, log, socketserver, utils
from umb.umodbus.server import Dispatcher
from umb.umodbus.server.tcp import RequestHandler, get_server

_HERE = "127.0.0.1"


class App(Bench):
    """`with App() as app`: what get_server() makes, and clients that go with it."""

    def __init__(self, handler=RequestHandler, kind=socketserver.TCPServer, **options):
        def listen(port):
            return get_server(kind, (_HERE, port), handler, **options)

        self.tcp, self.port = free_port(listen)
        self.answered = 0
        self.peers = []

    def route(self, *rule, **named):
        return self.tcp.route(*rule, **named)

    def ask(self, pdu, slave_id=1):
        """The response PDU to a request, in hexadecimal or as bytes."""
        peer = self.client()
        try:
            return peer.ask(raw(pdu) if isinstance(pdu, str) else pdu, slave_id)
        finally:
            peer.close()


class Data:
    """Endpoints that keep what they are told, and give it back."""

    def __init__(self):
        self.values = {}
        self.calls = []

    def read(self, **named):
        self.calls.append(named)
        return self.values.get(named["address"], 0)

    def write(self, **named):
        self.calls.append(named)
        self.values[named["address"]] = named["value"]
        return "this is ignored"


def routed(app, **rule):
    """Let Data answer for what the rule says, with the other half left open. Returns it."""
    data = Data()
    app.route(function_codes=[1, 2, 3, 4], **rule)(data.read)
    app.route(function_codes=[5, 6, 15, 16], **rule)(data.write)
    return data


class Logged:
    """`with Logged(...) as log`: log_to_stream into a text, undone afterwards."""

    def __init__(self, **options):
        self.stream = io.StringIO()
        self._options = options

    def __enter__(self):
        utils.log_to_stream(self.stream, **self._options)
        return self

    def __exit__(self, *_):
        log.handlers.clear()

    def lines(self):
        return self.stream.getvalue().splitlines()


# --- rules


def test_endpoints_get_keywords_once_per_address():
    with App() as app:
        data = routed(app, slave_ids=[1], addresses=range(10))
        assert app.ask("0300020003") == raw("0306000000000000")
        assert data.calls == [
            {"slave_id": 1, "function_code": 3, "address": address} for address in (2, 3, 4)
        ]
        data.calls.clear()
        assert app.ask(write_registers(4, [7, 8])) == raw("1000040002")
        assert data.calls == [
            {"slave_id": 1, "function_code": 16, "address": 4, "value": 7},
            {"slave_id": 1, "function_code": 16, "address": 5, "value": 8},
        ]
        assert app.ask("0400030003") == b"\x04\x06" + words(0, 7, 8)


def test_containers_of_every_kind():
    for kind in (list, tuple, set, frozenset):
        with App() as app:
            data = Data()
            app.route(kind([1, 5]), kind([3]), kind([2, 4]))(data.read)
            for slave_id in (1, 5):
                for address in range(6):
                    wanted = raw("03020000") if address in (2, 4) else raw("8302")
                    assert app.ask(request(3, address, 1), slave_id) == wanted
            assert app.ask("0400020001") == raw("8402")


def test_what_is_left_out_matches_everything():
    """Each of the three, and every unit id: 0 and 255 as well."""
    with App() as app:
        data = Data()
        assert app.route()(data.read) == data.read
        for slave_id in range(256):
            for code in (3, 4):
                assert app.ask(request(code, 65535, 1), slave_id) == bytes((code, 2, 0, 0))
        assert {call["slave_id"] for call in data.calls} == set(range(256))


def test_a_wildcard_beside_ids():
    with App() as app:
        named, other = Data(), Data()
        named.values[1] = 1
        other.values[1] = 2
        app.route([7], [3], [1])(named.read)
        app.route(None, [3], [1])(other.read)
        assert app.ask("0300010001", 7) == raw("03020001")
        assert app.ask("0300010001", 8) == raw("03020002")
        assert app.ask("0300020001", 8) == raw("8302")
        assert app.ask("0600010001", 200) == raw("8602")


def test_one_function_under_several_rules():
    with App() as app:
        data = Data()
        for codes, addresses in (([3], [1]), ([4], [2])):
            assert app.route([1], codes, addresses)(data.read) == data.read
        answers = [app.ask(request(code, address, 1)) for code in (3, 4) for address in (1, 2)]
        assert answers == [raw(pdu) for pdu in ("03020000", "8302", "8402", "04020000")]


def test_the_first_rule_wins():
    with App() as app:
        app.route([1], [3], [5])(lambda **_: 1)
        app.route([1], [3])(lambda **_: 2)
        assert app.ask("0300040003") == b"\x03\x06" + words(2, 1, 2)


def test_ids_that_cannot_be():
    with App() as app:
        for wrong in ([0], [248], [300], [-1], [1, 256]):
            raises(ValueError, app.route, wrong, [3], [1])


# --- what becomes of it


def fail(error):
    def endpoint(**_):
        raise error

    return endpoint


def test_errors_of_endpoints():
    for code, kind in exceptions.error_code_to_exception_map.items():
        with App() as app:
            app.route([1], [3, 6])(fail(kind()))
            assert app.ask("0300000001") == bytes((0x83, code))
            assert app.ask("0600000001") == bytes((0x86, code))


def test_other_errors_of_endpoints():
    for error in (
        RuntimeError("broken"),
        KeyError(1),
        OSError(5),
        ValueError(),
        errors.NoReplyError(),
    ):
        with Logged(level=40) as told, App() as app:
            app.route([1], [3, 6])(fail(error))
            assert app.ask("0300000001") == raw("8304")
            assert app.ask("0600000001") == raw("8604")
            text = told.stream.getvalue()
            assert text.count("ERROR:uModbus:") == 2
            assert text.count(type(error).__name__) == 2 and "Traceback" in text


def test_a_bug_is_seen_without_a_log():
    """As everywhere in umb: on standard output."""
    with App() as app:
        app.route([1], [3])(fail(RuntimeError("this is printed by the test")))
        assert app.ask("0300000001") == raw("8304")


def test_the_order_of_checks():
    """Function code, quantity, address (AP 7)."""
    with App() as app:
        data = routed(app, slave_ids=[1], addresses=range(10))
        for pdu, wanted in (
            ("4100", "c101"),
            ("0700", "8701"),
            ("80", "8001"),
            ("83", "8301"),
            ("ff00", "ff01"),
            ("0300000000", "8303"),
            ("03ffff007e", "8303"),
            ("0100ff07d1", "8103"),
            ("03000a0001", "8302"),
            ("03", "8303"),
            ("03000000", "8303"),
            ("030000000100", "8303"),
            ("0500010001", "8503"),
            ("0500011234", "8503"),
            ("10000000020600010002", "9003"),
            ("100000000206000100020003", "9003"),
            ("0f0000000302ff00", "8f03"),
        ):
            assert app.ask(pdu) == raw(wanted), pdu
        assert data.calls == []


def test_all_addresses_or_none():
    with App() as app:
        data = routed(app, slave_ids=[1], addresses=range(10))
        assert app.ask(write_registers(8, [1, 2, 3, 4])) == raw("9002")
        assert app.ask(write_bits(8, [1, 1, 1])) == raw("8f02")
        assert app.ask(request(3, 8, 4)) == raw("8302")
        assert data.calls == []


def test_padding_bits_are_no_coils():
    for quantity in range(1, 17):
        with App() as app:
            data = routed(app, slave_ids=[1])
            size = (quantity + 7) // 8
            pdu = request(15, 0, quantity) + bytes((size,)) + b"\xff" * size
            assert app.ask(pdu) == request(15, 0, quantity)
            assert data.values == dict.fromkeys(range(quantity), 1)
            bits = (1 << quantity) - 1
            assert app.ask(request(1, 0, 16)) == b"\x01\x02" + bytes((bits & 0xFF, bits >> 8))


def test_signed_values():
    with App() as app, Signed():
        data = routed(app, slave_ids=[1])
        for value in (-32768, -1337, -1, 0, 1, 32767):
            assert app.ask(request(6, 0, value & 0xFFFF)) == request(6, 0, value & 0xFFFF)
            assert app.ask(write_registers(1, [value, value]))[0] == 16
            assert data.values == {0: value, 1: value, 2: value}
            for code in (3, 4):
                assert app.ask(request(code, 0, 3)) == bytes((code, 6)) + words(*[value] * 3)


def test_unit_ids():
    """0 and 255 are the device itself; an id without rules is nobody's."""
    with App() as app:
        routed(app, slave_ids=[5], addresses=[0])
        for slave_id in range(256):
            wanted = "03020000" if slave_id in (0, 5, 255) else "830b"
            assert app.ask("0300000001", slave_id) == raw(wanted), slave_id


def test_requests_leave_nothing_behind():
    """However many different ones there are; and none takes memory on its way."""
    dispatcher = Dispatcher(0)
    dispatcher.route([1], [6])(keep)
    subject = Requests(dispatcher)
    free_of_heap("a thousand requests", Requests.work, subject)


def keep(slave_id, function_code, address, value):
    """Be an endpoint that allocates nothing."""


class Requests:
    """A thousand requests, no two of them the same."""

    def __init__(self, dispatcher):
        self.faults = 0
        self._dispatcher = dispatcher
        self._adu = bytearray(262)
        self._link = Link()

    def work(self):
        adu = self._adu
        for i in range(1000):
            adu[6] = 1
            adu[7] = 6
            adu[8] = i >> 8
            adu[9] = i & 0xFF
            adu[10] = adu[11] = i & 0xFF
            if self._dispatcher.handle(adu, 5, self._link) != 5:
                self.faults += 1


# --- the server


def test_several_requests_in_a_segment():
    with App() as app:
        routed(app, slave_ids=[1])
        peer = app.client()
        peer.send(b"".join(frame(request(6, i, i), 1, i) for i in range(5)))
        assert [peer.frame() for _ in range(5)] == [(i, 1, request(6, i, i)) for i in range(5)]


def test_several_clients():
    """A silent one, and one in the middle of a request, hold up nobody."""
    with App() as app:
        routed(app, slave_ids=[1])
        silent, half, whole = app.client(), app.client(), app.client()
        message = frame(raw("0300000001"), 1, 7)
        half.send(message[:8])
        assert whole.ask(raw("0300000001")) == raw("03020000")
        half.send(message[8:])
        assert half.frame() == (7, 1, raw("03020000"))
        assert silent.ask(raw("0300000001")) == raw("03020000")


def test_what_is_no_request():
    """Another protocol, an impossible length: closed, and the others are served on."""
    for wrong in ("000100010006010300000001", "00010000ffff010300000001", "000100000000010300"):
        with App() as app:
            routed(app, slave_ids=[1])
            bad, good = app.client(), app.client()
            bad.send(raw(wrong))
            assert bad.closed()
            assert good.ask(raw("0300000001")) == raw("03020000")


class Reusing(socketserver.TCPServer):
    allow_reuse_address = True


class Mixed(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


def test_server_classes():
    socketserver.TCPServer.allow_reuse_address = True
    for kind in (socketserver.ThreadingTCPServer, Reusing, Mixed, PlainTCPServer):
        with App(kind=kind) as app:
            assert isinstance(app.tcp, kind)
            routed(app, slave_ids=[1])
            assert app.ask("0300000001") == raw("03020000")


def test_options_go_to_the_server_class():
    with App(max_clients=1) as app:
        assert app.tcp.max_clients == 1


def test_udp():
    app, _ = free_port(lambda port: get_server(UDPServer, (_HERE, port), RequestHandler))
    app.route([1])(lambda **_: 1)
    app.server_close()


def test_a_class_of_handlers_is_refused():
    """This socketserver is for Modbus alone."""
    error = raises(TypeError, socketserver.TCPServer, (_HERE, 0), RequestHandler)
    assert "get_server" in str(error)


def test_serve_forever_and_shutdown():
    with App() as app:
        app.route([1], [3])(lambda **_: app.tcp.shutdown() or 7)
        peer = app.client()
        peer.send(frame(raw("0300000001"), 1, 9))
        app.tcp.serve_forever(0.1)
        assert peer.frame() == (9, 1, raw("03020007"))
        assert app.tcp.server_address == (_HERE, app.port)


def test_with():
    app, _ = free_port(lambda port: get_server(socketserver.TCPServer, (_HERE, port)))
    with app as same:
        assert same is app
    assert app._listener is None


# --- handlers


class Seeing(RequestHandler):
    """Keeps what passes."""

    def process(self, request_adu):
        response = super().process(request_adu)
        self.server.seen.append((self.client_address[0], request_adu, response))
        return response


def test_a_handler_sees_adus():
    with App(Seeing) as app:
        app.tcp.seen = []
        data = routed(app, slave_ids=[1])
        peer = app.client()
        assert peer.ask(request(6, 2, 77), 1, 0x1234) == request(6, 2, 77)
        assert peer.ask(raw("0300020001"), 1, 0xFFFF) == raw("0302004d")
        assert data.values == {2: 77}
        assert app.tcp.seen == [
            (_HERE, raw("123400000006 01 060002004d"), raw("123400000006 01 060002004d")),
            (_HERE, raw("ffff00000006 01 0300020001"), raw("ffff00000005 01 0302004d")),
        ]


class Changing(RequestHandler):
    """Turns requests to unit 9 into ones to unit 1, and answers FC 65 itself."""

    def execute_route(self, meta_data, request_pdu):
        if request_pdu[0] == 65:
            return b"\x41" + bytes((meta_data["length"],)) * 100
        meta_data["unit_id"] = 1
        return super().execute_route(meta_data, request_pdu)

    def create_response_adu(self, meta_data, response_pdu):
        meta_data["unit_id"] = 9
        return super().create_response_adu(meta_data, response_pdu)


def test_a_handler_changes_what_passes():
    with App(Changing) as app:
        data = routed(app, slave_ids=[1])
        assert app.ask(request(6, 2, 77), 9) == request(6, 2, 77)
        assert data.calls[0]["slave_id"] == 1
        assert app.ask("4101020304", 9) == b"\x41" + b"\x06" * 100
        assert app.ask("0700", 9) == raw("8701")


class Broken(RequestHandler):
    """Gives what no server can send."""

    result = None

    def process(self, request_adu):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_a_handler_that_is_broken():
    for result in (RuntimeError("broken"), None, 5, b"", b"1234567", bytes(261), "text" * 5):
        Broken.result = result
        with Logged(level=40) as told, App(Broken) as app:
            for _ in range(2):
                assert app.ask("0300000001") == raw("8304")
            assert told.stream.getvalue().count("Traceback") == 2
    Broken.result = raw("123400000000 01 0302abcd")
    with App(Broken) as app:
        assert app.ask("0300000001") == raw("0302abcd")


def test_handlers_and_ids_without_rules():
    with App(Seeing) as app:
        app.tcp.seen = []
        routed(app, slave_ids=[5])
        assert app.ask("0300000001", 5) == raw("03020000")
        assert app.ask("0300000001", 6) == raw("830b")
        assert app.ask("0300000001", 255) == raw("03020000")


# --- the log


def ask_logged(pdu, **options):
    """The lines about a request and its response."""
    with Logged(**options) as told, App() as app:
        routed(app, slave_ids=[1], addresses=range(10))
        app.route([1], [3], [20])(fail(RuntimeError("this endpoint always fails")))
        app.ask(pdu)
        return told.lines()


def test_requests_and_responses():
    assert ask_logged("0300010002") == [
        "DEBUG:uModbus:<-- 127.0.0.1 - 123400000006010300010002",
        "DEBUG:uModbus:--> 127.0.0.1 - 12340000000701030400000000",
    ]
    assert ask_logged("03000a0001")[1] == "DEBUG:uModbus:--> 127.0.0.1 - 123400000003018302"


def test_the_longest_request():
    lines = ask_logged(read_write(0, 8, 0, [1] * 121))
    assert len(lines[0]) == len("DEBUG:uModbus:<-- 127.0.0.1 - ") + 2 * (7 + 10 + 242)


def test_levels():
    for level in range(0, 60, 5):
        for pdu, errors_told in (("0300010001", 0), ("0300140001", 1)):
            lines = ask_logged(pdu, level=level)
            told = [line for line in lines if line.startswith("ERROR:uModbus:")]
            shown = [line for line in lines if line.startswith("DEBUG:uModbus:")]
            assert len(told) == (errors_told if level <= 40 else 0), (level, lines)
            assert len(shown) == (2 if level <= 10 else 0), (level, lines)


def test_format():
    lines = ask_logged("0300010002", fmt="%(levelname)s/%(message)s!%(name)s")
    assert lines[0] == "DEBUG/<-- 127.0.0.1 - 123400000006010300010002!uModbus"
    for wrong in ("%(asctime)s", "%(lineno)d %(message)s"):
        raises(ValueError, utils.log_to_stream, io.StringIO(), 0, wrong)
    assert log.handlers == []


def test_several_streams():
    with Logged(level=40) as errors_only, Logged() as all_of_it, App() as app:
        app.route([1])(fail(RuntimeError("broken")))
        app.ask("0300010002")
        assert len(all_of_it.lines()) == len(errors_only.lines()) + 2


class Lost:
    """A stream that has gone."""

    def write(self, text):
        raise OSError(32)


def test_a_stream_that_has_gone():
    utils.log_to_stream(Lost())
    try:
        with App() as app:
            routed(app, slave_ids=[1])
            assert app.ask("0300000001") == raw("03020000")
    finally:
        log.handlers.clear()


def test_it_may_come_after_the_server_and_is_silent_before():
    with App() as app:
        routed(app, slave_ids=[1])
        app.ask("0300000001")
        with Logged() as told:
            app.ask("0300000001")
            assert len(told.lines()) == 2
        app.ask("0300000001")
        assert len(told.lines()) == 2


def test_standard_error_is_the_default():
    utils.log_to_stream()
    assert log.handlers == [(sys.stderr, 0, utils.BASIC_FORMAT)]
    log.handlers.clear()


# --- small parts


def test_mbap():
    header = utils.pack_mbap(8, 0, 6, 1)
    assert header == raw("00080000000601")
    assert utils.unpack_mbap(header) == (8, 0, 6, 1)
    for size in (0, 6, 8):
        raises(ValueError, utils.unpack_mbap, bytes(size))
    for fields in ((0, 0, 0, 0), (65535, 65535, 65535, 255), (1, 2, 3, 4)):
        assert utils.unpack_mbap(utils.pack_mbap(*fields)) == fields


def test_pdus():
    for code in range(1, 128):
        assert utils.pack_exception_pdu(code, 2) == bytes((code | 0x80, 2))
        assert utils.get_function_code_from_request_pdu(bytes((code, 9))) == code


class Pieces:
    """A stream that brings what it is given, piece by piece, and notes what it is asked for."""

    def __init__(self, *pieces):
        self.asked = []
        self._pieces = list(pieces)

    def recv(self, n):
        self.asked.append(n)
        return self._pieces.pop(0)


def test_recv_exactly():
    for sizes in ((7,), (1,) * 7, (3, 4), (6, 1)):
        stream = Pieces(*[bytes(size) for size in sizes])
        assert utils.recv_exactly(stream.recv, 7) == bytes(7)
        assert stream.asked == [7 - sum(sizes[:i]) for i in range(len(sizes))]
    raises(errors.NoConnectionError, utils.recv_exactly, Pieces(b"ab", b"").recv, 3)
    raises(errors.NoReplyError, utils.recv_exactly, Pieces(b"ab", None).recv, 3)
