"""What a request does to the device: broadcasts, the settings, the fail-safe, the counters."""

from support.app import clock, use

from app.application import Application
from app.check import Checked
from app.hardware import Hardware
from app.keeper import PERIOD_MS
from umb.client.tcp import TCPClient
from umb.gateway import Gateway
from umb.server import Counters

OURS = 7
SETTINGS = {
    "slave_id": OURS,
    "outputs": [6, 7],
    "inputs": [14],
    "analogues": [26],
    "pwms": [16, {"pin": 17, "full": 100}],
}
SAVE_AND_RESTART, RESTART = b"\x5a\xfe", b"\xb0\x07"
WRITABLE = (0, 15, 32, 33)


class Link:
    """A serial line, or a network, as handlers see it."""

    listen_only = gone = False
    peer = None

    def __init__(self, serial=True):
        self.serial = serial
        self.counters = Counters()


class Config:
    """What Application writes its settings with; compose() raises `error`, if there is one.

    write() raises `write_error`.
    """

    def __init__(self):
        self.composed = []
        self.written = []
        self.error = self.write_error = None

    def compose(self, changes):
        if self.error is not None:
            raise self.error
        self.composed.append(changes)
        return b"new"

    def write(self, data):
        if self.write_error is not None:
            raise self.write_error
        self.written.append(data)


class Driver:
    """What the Keeper asks of one; `busy` while something is on its line."""

    busy = True
    stopping = False

    def nap_ms(self):
        return 0 if self.busy else 1

    def shutdown(self):
        self.stopping = True


class Device:
    """The application, and requests to it."""

    def __init__(self, link=None, handler=None):
        checked = Checked(SETTINGS, use("RPI_PICO"))
        assert checked.problems == []
        self.config = Config()
        board = use("RPI_PICO")
        self.said = []
        one = Application(board, Hardware(), checked.settings, [], self.config, self.said.append)
        self.application, self.state = one, one.state
        self.link = link or Link()
        self.application.serve_with(self.link, 0)
        self.store = self.application.server.stores[OURS]
        self.handler = handler(self) if handler else self.application.server

    def run(self, ms, *drivers):
        """Let the Keeper work for so long; it asks these drivers whether their line is silent."""
        self.application.keeper.drivers = drivers
        for _ in range(ms // PERIOD_MS):
            clock.sleep_ms(PERIOD_MS)
            self.application.keeper.update()

    def ask(self, slave_id, pdu):
        """Return the response to a request, b"" for none."""
        adu = bytearray(262)
        adu[6] = slave_id
        adu[7 : 7 + len(pdu)] = pdu
        n = self.handler.handle(adu, len(pdu), self.link)
        return bytes(adu[7 : 7 + n])

    def carried_out(self, slave_id, pdu):
        """Return how many requests this one was, for the fail-safe."""
        before = self.state.carried_out
        self.ask(slave_id, pdu)
        return self.state.carried_out - before

    def holding(self):
        """Return the values of all holding registers."""
        found = []
        for address in range(120):
            if self.store.holding_registers.has(address, 1):
                found.append(self.store.holding_registers[address])
        return found


def word(value):
    return bytes((value >> 8, value & 0xFF))


def writes(address, value):
    """Every kind of request that writes this value to a holding register."""
    one = word(address)
    yield b"\x06" + one + value
    yield b"\x10" + one + b"\x00\x01\x02" + value
    yield b"\x16" + one + b"\x00\x00" + value
    yield b"\x17" + one + b"\x00\x01" + one + b"\x00\x01\x02" + value


def orders():
    """Every request that changes settings of the device, or orders a restart."""
    for address, value in ((100, 5), (101, 96), (102, 0), (103, 2), (104, 7)):
        for pdu in writes(address, word(value)):
            yield pdu
    for value in (SAVE_AND_RESTART, RESTART):
        for pdu in writes(110, value):
            yield pdu
    yield b"\x10\x00\x64\x00\x05\x0a\x00\x05\x00\x60\x00\x00\x00\x02\x00\x07"


def test_no_broadcast_writes_the_settings():
    device = Device()
    before = device.holding()
    for pdu in orders():
        assert device.ask(0, pdu) == b""
        assert device.holding() == before, pdu
        assert not device.state.restarting
        assert not device.state.unsaved
    assert device.config.composed == []
    assert device.state.carried_out == 0


def test_no_broadcast_through_a_gateway_writes_them():
    """It does not come over a serial line here, and is a broadcast all the same."""
    nowhere = TCPClient(("127.0.0.1", 1))  # nobody polls the gateway, so it never connects
    device = Device(Link(serial=False), lambda one: Gateway(nowhere, local=one.application.server))
    before = device.holding()
    for pdu in orders():
        if pdu[0] != 0x17:  # which is no broadcast and gets its answer
            device.ask(0, pdu)
            assert device.holding() == before, pdu
            assert not device.state.restarting
    device.ask(0, b"\x06\x00\x00\x00\x05")
    assert device.store.holding_registers[0] == 5


def test_the_same_requests_for_this_device_do():
    for pdu in orders():
        device = Device()
        assert device.ask(OURS, pdu)[0] < 0x80, pdu
        if pdu[2] == 110:
            assert device.state.restarting
            device.run(500)
            assert device.config.written == ([b"new"] if SAVE_AND_RESTART in pdu else [])


def test_over_networks_0_is_this_device():
    device = Device(Link(serial=False))
    assert device.ask(0, b"\x06\x00\x64\x00\x05") == b"\x06\x00\x64\x00\x05"
    assert device.store.holding_registers[100] == 5


def test_an_order_composes_what_has_changed():
    device = Device()
    device.ask(OURS, b"\x06\x00\x66\x00\x00")
    device.ask(OURS, b"\x06\x00\x65\x00\x60")
    device.ask(OURS, b"\x06\x00\x6e" + SAVE_AND_RESTART)
    device.run(500)
    previous = {"baudrate": 19200, "parity": "E"}
    changes = {"baudrate": 9600, "parity": "N", "previous": previous}
    assert device.config.composed == [changes]
    assert device.config.written == [b"new"]
    assert device.state.changes == 3


def test_another_order_takes_it_back():
    device = Device()
    device.ask(OURS, b"\x06\x00\x66\x00\x00")
    device.ask(OURS, b"\x06\x00\x6e" + SAVE_AND_RESTART)
    device.ask(OURS, b"\x06\x00\x6e" + RESTART)
    device.run(500)
    assert device.config.composed == device.config.written == []
    assert device.state.restarting


def test_what_somebody_else_saves_is_written_before_any_restart():
    """A page or a trial has just saved when an order comes, or saves after it."""
    for order, written in ((RESTART, [b"page"]), (SAVE_AND_RESTART, [b"page", b"new"])):
        for pdu in writes(110, order):
            for is_first in (True, False):
                for delay_ms in (0, 50, 400):
                    device = Device()
                    driver = Driver()
                    if not is_first:
                        device.ask(OURS, pdu)
                    device.state.new_settings = b"page"
                    device.run(delay_ms, driver)
                    if is_first:
                        device.ask(OURS, pdu)
                    driver.busy = False
                    device.run(200, driver)
                    assert device.config.written == written, (pdu, is_first, delay_ms)
                    device.run(600, driver)
                    assert driver.stopping


def test_what_somebody_else_cannot_save_keeps_it_from_restarting():
    for order in (RESTART, SAVE_AND_RESTART):
        device = Device()
        device.config.write_error = OSError(28)
        device.state.new_settings = b"page"
        device.ask(OURS, b"\x06\x00\x6e" + order)
        device.run(500)
        assert device.said == ["the settings are not saved: 28"]
        assert device.state.save_problem == "28"
        assert not device.state.restarting
        assert device.config.composed == []


def test_an_order_is_answered_before_the_file_is_looked_at():
    for pdu in writes(110, SAVE_AND_RESTART):
        device = Device()
        assert device.ask(OURS, pdu)[0] < 0x80
        assert device.config.composed == []
        device.run(500)
        assert device.config.composed == [{}]
        assert device.config.written == [b"new"]


def test_an_order_that_cannot_be_carried_out_is_told_and_no_restart():
    for error in (MemoryError("too little"), OSError(28), ValueError("inf")):
        device = Device()
        device.config.error = error
        order = b"\x06\x00\x6e" + SAVE_AND_RESTART
        assert device.ask(OURS, order) == order
        assert device.state.restarting
        device.run(500)
        assert not device.state.restarting
        assert device.config.written == []
        assert device.said == ["the settings are not saved: {}".format(error)]
        assert device.state.bits() & 4
        device.config.error = None  # and the next order is carried out
        device.ask(OURS, order)
        device.run(500)
        assert device.config.written == [b"new"]


def test_a_broadcast_that_writes_holds_the_fail_safe_off():
    device = Device()
    for address in WRITABLE:
        for pdu in writes(address, b"\x00\x03"):
            if pdu[0] != 0x17:
                assert device.carried_out(0, pdu) == 1, pdu
    assert device.carried_out(0, b"\x05\x00\x01\xff\x00") == 1
    assert device.carried_out(0, b"\x0f\x00\x00\x00\x02\x01\x03") == 1


def test_a_broadcast_that_does_nothing_does_not():
    device = Device()
    for code in range(256):
        for data in (b"", b"\x00\x50\x00\x01", b"\x00\x50\x00\x01\x02\x00\x00", b"\x00\x00"):
            pdu = bytes((code,)) + data
            assert device.carried_out(0, pdu) == 0, pdu
    for pdu in (
        b"\x05\x00\x02\xff\x00",  # no such coil
        b"\x05\x00\x00\xff\x01",  # no such value
        b"\x06\x00\x21\x00\x65",  # beyond full
        b"\x10\x00\x00\x00\x01\x03\x00\x00\x00",
        b"\x03\x00\x00\x00\x01",  # reading
        b"\x01\x00\x00\x00\x01",
        b"\x17\x00\x00\x00\x01\x00\x00\x00\x01\x02\x00\x05",
        b"\x2b\x0e\x01\x00",
    ):
        assert device.carried_out(0, pdu) == 0, pdu


def test_of_requests_for_this_device_those_without_exception_count():
    device = Device()
    for pdu, count in (
        (b"\x01\x00\x00\x00\x02", 1),
        (b"\x01\x00\x00\x00\x03", 0),
        (b"\x04\x00\x6e\x00\x0b", 1),
        (b"\x06\x00\x00\x00\x05", 1),
        (b"\x06\x00\x64\x00\x00", 0),
        (b"\x08\x00\x00\x00\x00", 1),
        (b"\x2b\x0e\x01\x00", 1),
        (b"\x11", 1),
        (b"\x41", 0),
        (b"\x85\x02", 0),
        (b"\x06", 0),
    ):
        assert device.carried_out(OURS, pdu) == count, pdu


def test_requests_for_others_do_not_count():
    for serial in (True, False):
        device = Device(Link(serial))
        for slave_id in (1, 6, 8, 247, 250):
            assert device.carried_out(slave_id, b"\x01\x00\x00\x00\x02") == 0
            assert device.carried_out(slave_id, b"\x06\x00\x00\x00\x02") == 0


def test_the_count_wraps():
    device = Device()
    device.state.carried_out = 65535
    device.ask(OURS, b"\x01\x00\x00\x00\x02")
    assert device.state.carried_out == 0


def test_state_and_silence_and_memory_are_reported():
    device = Device()
    state = device.state

    def read(address, quantity):
        response = device.ask(OURS, b"\x04" + word(address) + word(quantity))
        return [response[2 * i + 2] << 8 | response[2 * i + 3] for i in range(quantity)]

    assert read(110, 2) == [0, 0]
    assert not state.free_wanted
    state.fail_safe = state.network_down = state.unsaved = True
    state.problems.append("one")
    state.silence_ms = 70_000_000
    state.free_bytes = 0x12345
    state.address = (192 << 8 | 168, 7 << 8 | 20)
    assert read(110, 2) == [15, 65535]
    assert read(113, 3) == [0x2345, 0xC0A8, 0x0714]
    assert state.free_wanted
    state.uptime_s = 0x12345
    assert read(100, 2) == [1, 0x2345]
    counters = device.link.counters
    for i, name in enumerate(
        (
            "bus_message_count",
            "bus_communication_error_count",
            "bus_exception_error_count",
            "server_message_count",
            "server_no_response_count",
            "server_nak_count",
            "server_busy_count",
            "bus_character_overrun_count",
        )
    ):
        setattr(counters, name, 100 * i)
    assert read(130, 8) == [0, 100, 200, 301, 400, 500, 600, 700]
    assert read(140, 8) == [0] * 8
