"""What is printed of what is going on, and that nothing is loaded where nobody wants it."""

import sys

import support.app
from support.app import clock, use
from support.pdu import Link, ask, raw, read_write, request, write_bits, write_registers

from app import config
from app.application import Application
from app.check import Checked
from app.hardware import Hardware
from app.keeper import PERIOD_MS
from app.state import THE_PAGE
from umb.gateway.path import LineCounters

OURS = 7
KEPT = ": order 0x5AFE in holding register 110 saves that, a restart undoes it"


class Device:
    """An Application with this log, whose updates are called as serve() does."""

    def __init__(self, log, **raw):
        board = use("RPI_PICO")
        raw.update({"log": log, "slave_id": OURS, "outputs": [6, 7], "pwms": [10]})
        checked = Checked(raw, board)
        assert checked.problems == []
        self.said = []
        self.one = Application(board, Hardware(), checked.settings, [], config, self.said.append)
        self.line = Link(serial=True)
        self.one.serve_with(self.line, 0)
        self.one.drivers.clear()  # the Keeper asks no driver
        self.front = self.one.front()
        self._update = self.one.keeper.update
        if self.one.log is not None:
            self._update = self.one.log.update_after(self._update)

    def run(self, ms):
        for _ in range(ms // PERIOD_MS):
            clock.sleep_ms(PERIOD_MS)
            self._update()

    def told(self):
        """Return what was said since the last time."""
        self.run(PERIOD_MS)
        told = list(self.said)
        self.said.clear()
        return told

    def ask(self, pdu, slave_id=OURS):
        return ask(self.front, pdu, slave_id, self.line)


def test_nothing_is_loaded_where_nobody_wants_it():
    assert "app.log" not in sys.modules
    device = Device("quiet")
    device.ask(request(5, 0, 0xFF00))
    assert device.told() == []
    assert device.front is device.one.server
    assert "app.log" not in sys.modules and "app.trace" not in sys.modules
    Device("events")
    assert "app.log" in sys.modules and "app.trace" not in sys.modules
    Device("all")
    assert "app.trace" in sys.modules


def test_outputs_that_change():
    device = Device("events")
    assert device.told() == []
    device.ask(write_bits(0, [1, 1]))
    assert device.told() == ["coil 0: 1", "coil 1: 1"]
    device.ask(request(5, 1, 0))
    device.ask(request(6, 32, 500))
    assert device.told() == ["coil 1: 0", "holding register 32: 500"]
    device.ask(request(5, 1, 0))  # as it is already
    device.ask(request(6, 3, 5))  # no output
    assert device.told() == []
    device.one.keeper._make_safe()
    assert device.told() == ["coil 0: 0", "holding register 32: 0"]


def test_settings_that_change():
    """Who it was, what it is, and how it is kept."""
    for peer, who in (
        (None, "a master on the serial line"),
        (("10.0.0.5", 5010), "10.0.0.5:5010"),
    ):
        device = Device("all" if peer else "events")
        device.line.peer = peer
        for pdu, text in (
            (request(6, 104, 30), "has changed failsafe_s to 30" + KEPT),
            (
                write_registers(100, [9, 96]),
                "has changed baudrate to 9600, failsafe_s to 30, slave_id to 9" + KEPT,
            ),
            (write_registers(100, [OURS, 192, 2, 1, 0]), "has undone the changes of settings"),
            (request(6, 110, 0xB007), "has ordered a restart"),
        ):
            device.told()
            device.ask(pdu)
            assert "%s %s" % (who, text) in device.told(), text
        device = Device("events")
        device.line.peer = peer
        device.ask(request(6, 110, 0x5AFE))
        assert device.told() == [who + " has ordered to save the settings, and a restart"]
    device = Device("events")
    device.one.state.changed(THE_PAGE)
    assert "settings were saved on the page: they hold after a restart" in device.told()


def warnings(device, ms, each=lambda: None):
    """Return what is said within so long; each() is called every 100 ms."""
    device.told()
    for _ in range(ms // 100):
        each()
        device.run(100)
    return device.told()


def test_a_wrong_baud_rate():
    device = Device("events")
    counters = device.line.counters

    def garbage():
        counters.bus_communication_error_count = (
            counters.bus_communication_error_count + 1 & 0xFFFF
        )

    counters.bus_communication_error_count = 0xFFF0
    warnings(device, 150_000)  # that is told, and so is the silence
    told = warnings(device, 11_000, garbage)
    assert len(told) == 1
    assert told[0].startswith("serial line: ")
    assert told[0].endswith(" frames with wrong CRC in 10 s: baud rate or parity?")
    assert 90 <= int(told[0].split()[2]) <= 110
    assert len(warnings(device, 120_000, garbage)) == 2  # once a minute


def test_noise_on_a_good_line_is_no_wrong_baud_rate():
    device = Device("events")
    counters = device.line.counters

    def traffic():
        counters.bus_message_count += 2
        counters.bus_communication_error_count += 1

    assert warnings(device, 60_000, traffic) == []


def test_a_line_on_which_nothing_is_heard():
    device = Device("events")
    told = warnings(device, 200_000)
    assert told == ["serial line: nothing was received for 60 s: no master, or A and B swapped?"]


def test_slaves_that_do_not_answer():
    device = Device("events")
    counters = LineCounters()
    device.one.log.watch_client_line("line 2", counters)

    def silence():
        counters.request_count += 1
        counters.no_reply_count += 1

    told = [text for text in warnings(device, 12_000, silence) if "line 2" in text]
    assert len(told) == 1
    assert told[0].endswith("requests without an answer in 10 s: wiring, baud rate or parity?")

    def most_answer():
        silence()
        counters.reply_count += 1

    warnings(device, 60_000)
    assert not [text for text in warnings(device, 60_000, most_answer) if "line 2" in text]


class Polled:
    """What is counted of a device that is polled."""

    answer_count = wrong_reply_count = timeout_count = 0


class Polling:
    def __init__(self):
        self.devices = [Polled(), Polled()]


def test_polled_devices_that_do_not_answer_or_wrongly():
    device = Device("events")
    poller = Polling()
    device.one.log.watch_poller("line 1", poller)
    first, second = poller.devices

    def told(traffic):
        return [text for text in warnings(device, 12_000, traffic) if "line 1" in text]

    def silence():
        first.timeout_count += 1
        second.timeout_count += 1

    found = told(silence)
    assert len(found) == 1
    assert found[0].endswith("requests without an answer in 10 s: wiring, baud rate or parity?")
    warnings(device, 60_000)

    def garbage():
        second.wrong_reply_count += 1

    found = told(garbage)
    assert len(found) == 1
    assert found[0].endswith("frames with wrong CRC in 10 s: baud rate or parity?")
    warnings(device, 60_000)

    def one_answers():
        silence()
        second.answer_count += 1

    assert told(one_answers) == []


def test_a_line_that_is_polled_is_watched_and_a_host_is_not():
    devices = [
        {"slave_id": 9, "points": [{"name": "a", "address": 0}]},
        {"slave_id": 10, "points": [{"name": "a", "address": 0}]},
        {"slave_id": 11, "host": "10.0.0.1", "points": [{"name": "a", "address": 0}]},
    ]
    settings = Checked({"role": "poller", "log": "events", "devices": devices}, use("RPI_PICO_W"))
    assert settings.problems == []
    said = []
    one = Application(use("RPI_PICO_W"), Hardware(), settings.settings, [], config, said.append)
    line = next(poller for poller in one.parts[0].pollers if len(poller.devices) == 2)
    update = one.log.update_after(one.keeper.update)
    for _ in range(12_000 // PERIOD_MS):
        clock.sleep_ms(PERIOD_MS)
        line.devices[0].timeout_count += 1
        for poller in one.parts[0].pollers:
            if poller is not line:
                poller.devices[0].timeout_count += 1
        update()
    assert len([text for text in said if text.startswith("line 1: ")]) == 1, said
    assert len([text for text in said if "in 10 s" in text]) == 1, said


def test_a_line_for_each_transaction():
    device = Device("all")
    for pdu, text in (
        (request(1, 0, 2), "read coils 0 x 2  -> 0 0"),
        (request(2, 0, 1), "read discrete inputs 0 x 1  -> 1"),
        (request(3, 100, 5), "read holding registers 100 x 5  -> 7 192 2 1 0"),
        (request(4, 102, 1), "read input registers 102 x 1  -> 4"),
        (request(5, 1, 0xFF00), "write coil 1 = 1  ok"),
        (request(6, 3, 500), "write register 3 = 500  ok"),
        (write_bits(0, [1, 0]), "write coils 0 = 1 0  ok"),
        (write_registers(0, list(range(10))), "write registers 0 = 0 1 2 3 4 5 6 7 ...  ok"),
        (request(22, 3, 0xFF, 0x100), "mask register 3 and 0xff or 0x100  ok"),
        (
            read_write(0, 2, 5, [8, 9]),
            "read and write registers 0 x 2, 5 = 8 9  -> 0 1",
        ),
        (raw("2b 0e 01 00"), "FC 43  ok"),
        (raw("41"), "FC 65  exception 1"),
        (raw("03 00"), "FC 3  exception 3"),
        (request(3, 9000, 1), "read holding registers 9000 x 1  exception 2"),
    ):
        device.ask(pdu)
        told = [line for line in device.told() if "serial" in line]
        assert len(told) == 1, told
        assert "  serial  id 7  " + text + "  0." in told[0], (text, told)
        assert told[0].endswith(" ms"), told
    assert device.ask(request(6, 3, 1), 0) is None
    assert "  serial  id 0  write register 3 = 1  no answer" in device.told()[0]


def test_requests_that_come_faster_than_they_are_printed():
    device = Device("all")
    device.told()
    for _ in range(50):
        device.ask(request(3, 0, 1))
    told = device.told()
    assert len(told) == 41
    assert told[-1] == "  10 more were left out"


def test_any_request_can_be_printed():
    """Every function code, cut off anywhere."""
    device = Device("all")
    for code in range(1, 128):
        pdu = bytes((code, 0, 1, 0, 2, 4)) + bytes(12)
        for n in range(1, len(pdu)):
            device.ask(pdu[:n])
            assert len([line for line in device.told() if "  serial  " in line]) == 1
    assert support.app.chip is not None
