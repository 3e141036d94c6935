"""uModbus's servers on serial lines: get_server(), what they answer, and the log."""

from support.uart import clock  # comes first: it stands in for the time

import io

from support.heap import free_of_heap
from support.pdu import raw, request, write_registers
from support.rtu import OTHER, OURS, Bench, frame
from support.umb import raises

from umb.umodbus import log, utils
from umb.umodbus.server.serial import get_server
from umb.umodbus.server.serial.rtu import RTUServer


class App(Bench):
    """What get_server() makes, on the line of support.rtu."""

    def __init__(self, **form):
        super().__init__(**form)
        self.rtu = get_server(
            RTUServer, self.uart, baudrate=form.get("baudrate", 19200), parity=0, de=self.pin
        )
        self.values = {}

    def serve(self, slave_ids, addresses=None):
        """Answer for these slave ids with what was written."""
        self.rtu.route(slave_ids, [3, 4], addresses)(self._read)
        self.rtu.route(slave_ids, [6, 16], addresses)(self._write)

    def _read(self, slave_id, function_code, address):
        return self.values.get((slave_id, address), 0)

    def _write(self, slave_id, function_code, address, value):
        self.values[slave_id, address] = value


class Logged:
    """`with Logged(...) as told`: log_to_stream into a text, undone afterwards."""

    def __init__(self, level=0):
        self.stream = io.StringIO()
        self._level = level

    def __enter__(self):
        utils.log_to_stream(self.stream, self._level)
        return self

    def __exit__(self, *_):
        log.handlers.clear()

    def lines(self):
        return self.stream.getvalue().splitlines()


def reply(text, slave_id=OURS):
    """The frames of an answer."""
    return [frame(slave_id, raw(text))]


def test_get_server():
    for baudrate in (1200, 9600, 19200, 115200):
        app = App(baudrate=baudrate)
        assert isinstance(app.rtu, RTUServer)
        app.serve([OURS], range(10))
        assert app.ask(request(6, 4, 77)) == [frame(OURS, request(6, 4, 77))]
        assert app.ask(raw("0300040002")) == reply("0304004d0000")
        assert app.ask(raw("0300090002")) == reply("8302")
        app.keeps_its_promises()


def test_the_format_has_to_be_told():
    app = App()
    error = raises(TypeError, get_server, RTUServer, app.uart)
    assert "baudrate" in str(error)


def test_requests_for_others_are_theirs():
    """Every slave id but the one with rules, whatever is asked."""
    app = App(baudrate=115200)
    app.serve([OURS])
    for slave_id in range(1, 256):
        if slave_id != OURS:
            assert app.ask(raw("0300000001"), slave_id, for_us=5000) == []
    assert app.ask(raw("4100"), OTHER) == app.ask(raw("8302"), OTHER) == []
    assert app.ask(raw("0300000001")) == reply("03020000")


def test_broadcasts_are_done_and_not_answered():
    app = App()
    app.serve([OURS, 20])
    for pdu, value in ((request(6, 3, 5), 5), (write_registers(3, [6]), 6)):
        assert app.ask(pdu, 0) == []
        assert app.values == {(OURS, 3): value, (20, 3): value}
    assert app.ask(raw("0300030001"), 0) == []
    assert app.ask(raw("0300030001")) == reply("03020006")


def test_a_rule_for_every_slave_id():
    app = App(baudrate=115200)
    app.serve(None)
    for slave_id in (1, OURS, 247):
        assert app.ask(request(6, 3, slave_id), slave_id) == [
            frame(slave_id, request(6, 3, slave_id))
        ]
        assert app.values[slave_id, 3] == slave_id
        assert app.ask(raw("4100"), slave_id) == reply("c101", slave_id)
    assert app.ask(request(6, 3, 9), 0) == []
    assert 9 in app.values.values()


def test_garbled_frames_are_never_answered():
    """Each bit of a request turned over: silence, and a line in the log."""
    good = frame(OURS, raw("0300000001"))
    for i in range(8 * len(good)):
        with Logged(40) as told:
            app = App()
            app.serve([OURS])
            bad = bytearray(good)
            bad[i >> 3] ^= 1 << (i & 7)
            app.hear(bytes(bad))
            app.run()
            assert app.replies() == [], i
            assert app.rtu.counters.bus_communication_error_count == len(told.lines()) == 1, i
            assert told.lines()[0].startswith("ERROR:uModbus:")
            assert app.ask(raw("0300000001")) == reply("03020000")
            assert len(told.lines()) == 1


def test_the_log():
    with Logged() as told:
        app = App()
        app.serve([OURS])
        app.ask(raw("0300040001"))
        app.ask(request(6, 4, 5), 0)
    lines = ["DEBUG:uModbus:" + line for line in ("<-- %s", "--> %s", "<-- %s")]
    frames = (
        frame(OURS, raw("0300040001")),
        frame(OURS, raw("03020000")),
        frame(0, request(6, 4, 5)),
    )
    assert told.lines() == [lines[i] % frames[i].hex() for i in range(3)]


def test_errors_of_endpoints():
    with Logged(40) as told:
        app = App()

        @app.rtu.route([OURS], [3])
        def read(**_):
            raise RuntimeError("this endpoint always fails")

        assert app.ask(raw("0300000001")) == reply("8304")
        assert "this endpoint always fails" in told.stream.getvalue()


def test_serve_once():
    app = App()
    app.serve([OURS])
    app.hear(frame(OTHER, raw("0300000001")))
    app.hear(frame(OURS, raw("0300000001")))
    app.rtu.serve_once()
    assert app.replies() == reply("03020000")
    app.hear(frame(OURS, raw("0300000002")))
    app.rtu.serve_once()
    assert app.replies() == reply("03020000") + reply("030400000000")


def test_serve_forever_and_shutdown():
    app = App()
    app.rtu.route([OURS], [3])(lambda **_: app.rtu.shutdown() or 7)
    app.hear(frame(OURS, raw("0300000001")))
    app.rtu.serve_forever(0.5)
    assert app.replies() == reply("03020007")


def test_no_request_allocates():
    app = App(line={"cost_us": 100})
    app.rtu.route([OURS], [6])(keep)
    free_of_heap("requests on a line", Asked.work, Asked(app))


def keep(slave_id, function_code, address, value):
    """Be an endpoint that allocates nothing."""


class Asked:
    """A request, its answer, and one for somebody else."""

    def __init__(self, app):
        self.faults = 0
        self._app = app
        self._frames = frame(OURS, raw("0600010002")), frame(OTHER, raw("0600010002"))

    def work(self):
        uart = self._app.uart
        uart.sent.n = self._app.pin.trace.n = 0
        at_us = clock.now_us()
        for data in self._frames:
            at_us = uart.hear(at_us + 20_000, data)
        while clock.now_us() < at_us + 20_000:
            self._app.rtu.poll()
        if uart.sent.n != len(self._frames[0]):
            self.faults += 1
