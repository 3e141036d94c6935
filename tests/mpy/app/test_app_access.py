"""What networks may do: the lock of the settings, read_only, and what is counted."""

import support.app
from support.pdu import Link, ask, raw, read_write, request, write_bits, write_registers

from app import config
from app.access import Access
from app.application import Application
from app.check import Checked
from app.hardware import Hardware
from app.state import DeviceState

OURS, OTHER = 7, 8
POWER, RESET, WATCHDOG = 1, 2, 3
READS = (1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43)
WRITES = (5, 6, 15, 16, 22, 23)


def access(cause=POWER, **settings):
    wanted = {"slave_id": OURS, "read_only": False, "settings": "locked"}
    wanted.update(settings)
    state = DeviceState()
    return Access(wanted, state, cause), state


def test_two_minutes_after_a_power_up_settings_are_locked():
    for cause in range(6):
        one, state = access(cause)
        for uptime_s in (0, 119, 120, 86_400, 1 << 29):
            state.uptime_s = uptime_s
            denied = state.denied
            may = one.permits(OURS, 6, 104, 1, Link())
            assert may == (cause in (POWER, RESET) and uptime_s < 120), (cause, uptime_s)
            assert state.denied - denied == (not may)


def test_the_lock_has_these_registers_alone():
    """Every range around them, for every function code that writes."""
    one, state = access(WATCHDOG)
    for code in WRITES:
        for address in range(80, 130):
            for quantity in (1, 2, 5, 11, 30):
                if quantity > 1 and code in (5, 6, 22):
                    continue
                inside = address <= 110 and address + quantity > 100 and code not in (5, 15)
                assert one.permits(OURS, code, address, quantity, Link()) != inside
                assert one.permits(OTHER, code, address, quantity, Link())
    assert not one.permits(OURS, 16, 0, 123, Link())
    assert one.permits(OURS, 16, 0, 100, Link())
    assert one.permits(OURS, 16, 111, 123, Link())
    assert state.denied > 0


def test_serial_lines_may_do_everything():
    one, state = access(WATCHDOG, read_only=True)
    for code in range(1, 128):
        for address in (None, 0, 104, 110):
            assert one.permits(OURS, code, address, 1, Link(serial=True))
    assert state.denied == 0


def test_open():
    one, _ = access(WATCHDOG, settings="open")
    assert one.permits(OURS, 16, 100, 11, Link())


def test_read_only():
    one, state = access(read_only=True)
    for code in range(1, 128):
        for slave_id in (OURS, OTHER, 0):
            address = 0 if code in READS[:4] + WRITES else None
            assert one.permits(slave_id, code, address, 1, Link()) == (code in READS), code
    assert state.denied == 3 * (127 - len(READS))


def test_a_device_in_a_network():
    board = support.app.use("RPI_PICO_W")
    checked = Checked({"slave_id": OURS, "outputs": [6]}, board)
    one = Application(board, Hardware(), checked.settings, [], config, None, networked=True)
    net, line = Link(), Link(serial=True)
    one.serve_with(net, 1)
    one.state.uptime_s = 500
    for pdu in (
        request(6, 100, 5),
        request(6, 110, 0xB007),
        write_registers(96, [0] * 10),
        request(22, 104, 0, 5),
        read_write(0, 1, 104, [5]),
    ):
        assert ask(one.server, pdu, OURS, net) == bytes((pdu[0] | 0x80, 1))
        assert ask(one.server, pdu, 0, net) == bytes((pdu[0] | 0x80, 1))
        assert ask(one.server, pdu, 255, net) == bytes((pdu[0] | 0x80, 1))
    assert ask(one.server, request(4, 121, 4), OURS, net) == raw("04 08 0000 0000 000f 0000")
    assert ask(one.server, write_bits(0, [1]), OURS, net)[0] == 15
    assert ask(one.server, request(6, 3, 5), OURS, net)[0] == 6
    assert ask(one.server, request(6, 104, 5), OURS, line)[0] == 6
    assert ask(one.server, request(4, 121, 4), OURS, net) == raw("04 08 0000 0000 000f 0001")
    assert not one.state.restarting
