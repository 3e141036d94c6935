"""New settings of the serial line hold only if somebody asks over it within a minute."""

import support.app
from support.app import clock, use
from support.pdu import Link, ask, request

from app.application import Application
from app.check import Checked
from app.hardware import Hardware
from app.keeper import PERIOD_MS


class Config:
    """Keeps what is composed and written."""

    def __init__(self, error=None):
        self.composed = []
        self.written = []
        self.error = error

    def compose(self, changes):
        if self.error is not None:
            raise self.error
        self.composed.append(changes)
        return b"%d" % len(self.composed)

    def write(self, data):
        self.written.append(data)


class Device:
    def __init__(self, error=None, **raw):
        board = use("RPI_PICO")
        checked = Checked(raw, board)
        assert checked.problems == []
        self.config = Config(error)
        self.said = []
        self.one = Application(
            board, Hardware(), checked.settings, [], self.config, self.said.append
        )
        self.line = Link(serial=True)
        self.one.serve_with(self.line, 0)
        self.one.drivers.clear()  # the Keeper asks no driver
        self.state = self.one.state

    def run(self, s):
        for _ in range(s * 1000 // PERIOD_MS):
            clock.sleep_ms(PERIOD_MS)
            self.one.keeper.update()


def test_an_answer_over_the_line_confirms():
    device = Device(slave_id=9, previous={"slave_id": 1})
    device.run(30)
    assert device.config.composed == []
    assert ask(device.one.server, request(3, 0, 1), 9, device.line)[0] == 3
    device.run(2)
    assert device.config.composed == [{"previous": None}]
    assert device.config.written == [b"1"]
    assert not device.state.restarting
    device.run(120)
    assert len(device.config.written) == 1
    assert device.said == ["the new settings of the serial line are confirmed"]


def test_without_one_the_old_settings_return():
    device = Device(baudrate=9600, previous={"baudrate": 19200, "parity": "N"})
    device.run(59)
    assert device.config.composed == []
    device.run(2)
    assert device.config.composed == [{"baudrate": 19200, "parity": "N", "previous": None}]
    assert device.config.written == [b"1"]
    assert device.state.restarting


def test_what_does_not_confirm():
    """Other slaves' requests, broadcasts, what was refused, and networks."""
    device = Device(slave_id=9, previous={"slave_id": 1})
    for slave_id, pdu, link in (
        (1, request(3, 0, 1), device.line),
        (0, request(6, 0, 1), device.line),
        (9, request(3, 60_000, 1), device.line),
        (9, request(3, 0, 1), Link()),
    ):
        ask(device.one.server, pdu, slave_id, link)
    device.run(61)
    assert device.config.composed == [{"slave_id": 1, "previous": None}]


def test_another_change_within_the_minute_returns_to_the_first_settings():
    device = Device(slave_id=9, previous={"slave_id": 1})
    ask(device.one.server, request(6, 101, 96), 9, Link())
    ask(device.one.server, request(6, 100, 11), 9, Link())
    ask(device.one.server, request(6, 110, 0x5AFE), 9, Link())
    device.run(1)
    changes = {"slave_id": 11, "baudrate": 9600, "previous": {"slave_id": 1, "baudrate": 19200}}
    assert device.config.composed == [changes]
    device.run(61)
    assert len(device.config.composed) == 1  # it restarts with these
    assert device.state.restarting


def test_a_file_that_cannot_be_written_is_told_once():
    device = Device(OSError(28), slave_id=9, previous={"slave_id": 1})
    device.run(200)
    assert not device.state.restarting
    assert len([text for text in device.said if "cannot be written" in text]) == 1


def test_without_a_serial_line_nothing_returns():
    device = Device(rtu=False, slave_id=9, previous={"slave_id": 1})
    device.run(100)
    assert device.config.composed == []
    ask(device.one.server, request(6, 101, 96), 9, Link())
    ask(device.one.server, request(6, 110, 0x5AFE), 9, Link())
    device.run(1)
    assert device.config.composed == [{"baudrate": 9600}]


def test_other_settings_are_not_tried():
    device = Device()
    ask(device.one.server, request(6, 104, 30), 1, Link())
    ask(device.one.server, request(6, 110, 0x5AFE), 1, Link())
    device.run(1)
    assert device.config.composed == [{"failsafe_s": 30}]
    assert support.app.chip is not None
