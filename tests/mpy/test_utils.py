"""umb.umodbus.utils.log_to_stream: where it writes, what, and that a server does no less for it."""

import io

from support_pdu import raw, read_write
from support_tcp import Bench, free_port
from support_umb import raises

from umb.client.tcp import TCPClient
from umb.errors import IllegalDataAddressError
from umb.server import Driver, Server
from umb.server.tcp import RequestHandler, TCPServer, get_server
from umb.store import Registers, Store
from umb.umodbus.utils import log_to_stream

_silent = Driver.__init__


class Logged:
    """`with Logged(...) as stream`: log_to_stream into a text, undone afterwards."""

    def __init__(self, **options):
        self.stream = io.StringIO()
        self._options = options

    def __enter__(self):
        log_to_stream(self.stream, **self._options)
        return self

    def __exit__(self, *_):
        Driver.__init__ = _silent

    def lines(self):
        return self.stream.getvalue().splitlines()


def fail(_address, _quantity):
    raise RuntimeError("this hook always fails")


def ask(pdu, handler=None, **options):
    """The lines about a request and its response."""
    with Logged(**options) as log:
        if handler is None:
            handler = Server(Store(holding_registers=9))
        with Bench(handler) as bench:
            log.response = bench.client().ask(pdu)
    return log.lines()


def test_requests_and_responses():
    lines = ask(raw("0300010002"))
    assert lines == [
        "DEBUG:uModbus:<-- 127.0.0.1 - 010300010002",
        "DEBUG:uModbus:--> 127.0.0.1 - 01030400000000",
    ]


def test_the_stream_is_used():
    """uModbus has forgotten it."""
    with Logged() as log:
        with Bench(Server(Store(4))) as bench:
            bench.client().ask(raw("0100000001"))
        assert len(log.lines()) == 2


def test_format():
    lines = ask(raw("0300010002"), fmt="%(levelname)s/%(message)s!")
    assert lines == [
        "DEBUG/<-- 127.0.0.1 - 010300010002!",
        "DEBUG/--> 127.0.0.1 - 01030400000000!",
    ]


def test_failing_hooks_are_errors():
    store = Store(holding_registers=Registers(0, 9, on_read=fail))
    for level in (0, 10, 20, 40):
        lines = ask(raw("0300010002"), Server(store), level=level)
        errors = [line for line in lines if line.startswith("ERROR:uModbus:")]
        assert len(errors) == 1 and "this hook always fails" in errors[0]
        assert len(lines) == (3 if level <= 10 else 1)
    assert ask(raw("0300010002"), Server(store), level=50) == []


def test_on_error_of_the_program_stays():
    told = []
    store = Store(holding_registers=Registers(0, 9, on_read=fail))
    lines = ask(raw("0300010002"), Server(store, on_error=told.append), level=40)
    assert lines == [] and len(told) == 1


def test_nothing_unless_asked_for():
    with Logged() as log:
        pass
    with Bench(Server(Store(4))) as bench:
        bench.client().ask(raw("0100000001"))
    assert log.lines() == []


def test_the_longest_request():
    lines = ask(read_write(0, 8, 0, [1] * 9))
    assert len(lines[0]) == len("DEBUG:uModbus:<-- 127.0.0.1 - ") + 2 * (1 + 10 + 18)


def test_routes():
    with Logged() as log, Bench() as bench:
        bench.tcp.route(slave_ids=[1], function_codes=[3], addresses=[5])(lambda **_: 7)
        assert bench.client().ask(raw("0300050001")) == raw("03020007")
    assert [line[-12:] for line in log.lines()] == ["010300050001", "- 0103020007"]


def test_get_server():
    """uModbus's way to make one."""
    app, port = free_port(lambda port: get_server(TCPServer, ("localhost", port), RequestHandler))
    data = {}

    @app.route(slave_ids=[1], function_codes=[3, 4], addresses=list(range(10)))
    def read(slave_id, function_code, address):
        return data.get((slave_id, function_code, address), 0)

    @app.route(slave_ids=[1], function_codes=[6, 16], addresses=list(range(10)))
    def write(slave_id, function_code, address, value):
        data[slave_id, 3, address] = value + function_code

    client = Driven(("127.0.0.1", port))
    client.server = app
    assert client.write_multiple_registers(1, 2, [100, 200]) == 2
    assert client.read_holding_registers(1, 1, 4) == [0, 116, 216, 0]
    assert client.read_input_registers(1, 1, 4) == [0] * 4
    raises(IllegalDataAddressError, client.read_holding_registers, 1, 9, 2)
    client.close()
    app.server_close()


class Driven(TCPClient):
    """A client that lets a server in the same process work while it waits."""

    def wait(self):
        self.server.poll()
        TCPClient.wait(self)
