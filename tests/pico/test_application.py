"""The remote-I/O application on an emulated Pico: its times from the first request on."""

import pytest

from tests.pico.cases import PHASE_NS
from tools.emulator.master import Master
from tools.emulator.wire import MS, Format, frame, read_registers, write_registers

pytestmark = pytest.mark.long_pico

FORM = Format(19200)
FAST = Format(115200)
ORDER, SAVE_AND_RESTART, SLAVE_ID = 110, 0x5AFE, 100
# A request PDU of every kind that the application answers, and points of every kind.
KINDS = {
    "coils": [1, 0, 0, 0, 8],
    "discrete inputs": [2, 0, 0, 0, 8],
    "registers": [3, 0, 0, 0, 16],
    "settings": [3, 0, 100, 0, 5],
    "analogue inputs": [4, 0, 0, 0, 4],
    "uptime": [4, 0, 100, 0, 3],
    "state and memory": [4, 0, 110, 0, 11],
    "counters": [4, 0, 130, 0, 8],
    "one coil": [5, 0, 1, 0xFF, 0],
    "one register": [6, 0, 0, 0, 7],
    "a setting": [6, 0, 104, 0, 5],
    "diagnostics": [8, 0, 0, 0x12, 0x34],
    "event counter": [11],
    "several coils": [15, 0, 0, 0, 8, 1, 0x55],
    "several registers": [16, 0, 0, 0, 2, 4, 1, 2, 3, 4],
    "mask": [22, 0, 0, 0, 1, 0, 2],
    "write and read": [23, 0, 0, 0, 2, 0, 0, 0, 1, 2, 0, 9],
    "server id": [17],
    "wrong address": [3, 1, 0, 0, 1],
    "unknown function code": [65],
}
# Prints what the application takes until it serves.
_RAM_CODE = """
import gc
gc.collect()
start = gc.mem_alloc()
import board
from app import main
application = main.start(board)
gc.collect()
print(gc.mem_alloc() - start)
"""
# Checks the file of settings, as the first start after a change does.
_KEEP_CODE = "import board; from app.loading import keep; print(keep(board))"
_LIMIT_MS = 30_000
# Bytes that it takes, and a few more: the goal is 30 KB. It is as much with a file of settings,
# which has been checked before. With a 621st name another table of names takes 3.8 KB.
_RAM_LIMITS = {"defaults": 61_000, "a file of settings": 61_000}
# The Keeper looks after the device every 50 ms; a request that ends then waits for it.
_LATE_US = 500


@pytest.fixture(scope="module")
def board(emulator, firmware):
    """(Master, UsbPort) of a board that has just been switched on."""
    assert emulator
    from tools.emulator import watch  # noqa: PLC0415 - only where the emulator is installed

    usb, line = watch.start(firmware, FORM, 1)
    yield Master(line), usb
    usb.close()


def test_every_first_request_is_answered_as_any_other(board):
    """No import, no collection: the very first one, then one of each kind, then all again."""
    master, _ = board
    late_us = [{}, {}]
    for found in late_us:
        for kind, pdu in KINDS.items():
            exchange = master.ask(frame(1, pdu))
            assert exchange.complete, kind
            found[kind] = exchange.late_us
    for kind, first_us in late_us[0].items():
        assert 0 <= first_us <= late_us[1][kind] + _LATE_US, (kind, late_us)
    assert late_us[0][next(iter(KINDS))] <= 300, late_us


# Requests for points of every kind, few and as many as there are.
POINTS = {
    "coils": [[1, 0, 0, 0, 1], [1, 0, 0, 0, 8]],
    "discrete inputs": [[2, 0, 0, 0, 1], [2, 0, 0, 0, 8]],
    "analogue inputs": [[4, 0, 0, 0, 1], [4, 0, 3, 0, 1], [4, 0, 0, 0, 4]],
    "state": [[4, 0, at, 0, 1] for at in range(100, 148, 5)],
    "much of the state": [[4, 0, 100, 0, 10], [4, 0, 110, 0, 11], [4, 0, 130, 0, 10]],
    "registers": [[3, 0, 0, 0, 1], [3, 0, 0, 0, 10], [3, 0, 100, 0, 11]],
    "switching": [[5, 0, 1, 0xFF, 0], [15, 0, 0, 0, 8, 1, 0x55], [6, 0, 3, 0, 7]],
}
# Each is answered so soon after t3.5, even if the Keeper is due in between; and what it does not
# delay within the goal, whenever the request meets the naps of the loop.
_SOON_US = 300
_GOAL_US = 150
_SEVERAL_COILS = 15  # the function code whose request ends while its first half is taken apart


def test_points_of_any_kind_are_answered_soon(emulator, firmware, figures):
    """At 115200 baud, where the silence leaves the least time."""
    assert emulator
    from tools.emulator import watch  # noqa: PLC0415 - only where the emulator is installed

    usb, line = watch.start(firmware, FAST, 1)
    master = Master(line)
    worst_us = {}
    for pdus in POINTS.values():
        master.ask(frame(1, pdus[0]))
    for kind, pdus in POINTS.items():
        for pdu in pdus:
            exchanges = [
                master.ask(frame(1, pdu), line.free_ns + phase * PHASE_NS) for phase in range(3)
            ]
            assert all(exchange.complete for exchange in exchanges), pdu
            late_us = [exchange.late_us for exchange in exchanges]
            worst_us[kind] = max(worst_us.get(kind, 0), min(late_us))
            assert max(late_us) <= _SOON_US, (kind, late_us)
            if pdu[0] != _SEVERAL_COILS:
                assert sorted(late_us)[1] <= _GOAL_US, (kind, late_us)
    usb.close()
    figures.note("remote I/O at 115200 baud: reply after t3.5, us", max(worst_us.values()))


def test_an_order_is_answered_before_the_flash_is_written(board):
    """While it is, the chip is deaf for some 50 ms."""
    master, usb = board
    pico = usb.pico
    before = bytes(pico.mcu.flash)
    assert master.ask(write_registers(1, [9], SLAVE_ID)).complete
    order = master.ask(write_registers(1, [SAVE_AND_RESTART], ORDER))
    assert order.reply == frame(1, [16, 0, ORDER, 0, 1])
    assert order.late_us <= _LATE_US  # the old file has not been read either
    assert bytes(pico.mcu.flash) == before
    limit_ns = pico.now + 20_000 * MS
    usb.serve(lambda: pico.resets or pico.now > limit_ns)
    assert pico.resets == 1
    assert bytes(pico.mcu.flash) != before
    began = len(usb.text)
    usb.serve(lambda: b"umb: serving" in usb.text[began:] or pico.now > limit_ns)
    usb.pico.run_for(100 * MS)
    assert master.ask(read_registers(9, 1, SLAVE_ID)).reply == frame(9, [3, 2, 0, 9])


@pytest.mark.parametrize("settings", _RAM_LIMITS)
def test_ram(emulator, firmware, figures, settings):
    from tools.emulator import watch  # noqa: PLC0415 - only where the emulator is installed

    files = watch.board_files(FORM, 1)
    del files["/main.py"]
    if settings == "defaults":
        del files["/umb.json"]
    pico = emulator.Pico(firmware, files)
    if settings != "defaults":
        assert pico.exec(_KEEP_CODE, _LIMIT_MS).strip() == "True"
        pico.soft_reset(_LIMIT_MS)
    taken = int(pico.exec(_RAM_CODE, _LIMIT_MS).splitlines()[-1])
    figures.note(f"RAM, the remote-I/O application with {settings}, .mpy, bytes", taken)
    assert taken <= _RAM_LIMITS[settings]
