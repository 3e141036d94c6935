"""tools/flash.py makes a gateway of a Pico W, and clients read a slave behind it.

To copy all files takes four minutes of a processor. So most of them are there already, as if
flash.py had been interrupted, and are found to be good.
"""

import sys

import pytest

from tests.support.service import Service, free_port
from tools.emulator.network import BOARD
from tools.env import ROOT

pytestmark = pytest.mark.long_pico

METER, OWN = 7, 100
REGISTERS = {0: 2301, 1: 499}
LIMIT_S = 600  # of the board's time
SLOW = 60  # the emulator hangs on what else this machine does
PORT = free_port()  # 502 is not for everyone
MISSING = ("/lib/app/gateway/part.mpy", "/board.py", "/main.py", "/umb.json")


@pytest.fixture(scope="module")
def flashed(pico_w, wireless):
    """(Board, what flash.py printed) of a gateway with a meter behind it."""
    settings = {"role": "gateway", "ssid": wireless.SSID, "password": wireless.PASSWORD}
    files = wireless.board_files(settings, frozen=pico_w.frozen)
    pico_w.put({path: data for path, data in files.items() if path not in MISSING})
    wireless.Slave(pico_w.line(), METER, REGISTERS)
    pico_w.forward.listen(PORT, (BOARD, PORT))
    command = [sys.executable, ROOT / "tools" / "flash.py", "--port", pico_w.usb.url]
    command += ["--role", "gateway", "--ssid", wireless.SSID, "--password", wireless.PASSWORD]
    command += ["--slave-id", OWN, "--tcp-port", PORT, "--slow", SLOW]
    flash = Service(command)
    pico_w.forward.run(lambda: flash.process.poll() is not None, LIMIT_S)
    assert flash.wait() == 0, "\n".join(flash.lines)
    return pico_w, flash.lines


def test_flash_checks_it_over_the_network(flashed):
    _, lines = flashed
    assert f"      umb: WiFi is up: Modbus TCP on {BOARD}:{PORT}" in lines
    assert lines[-1].startswith("done: umb RPI_PICO_W ")
    assert lines[-1].endswith(f"answers: Modbus TCP on {BOARD}:{PORT}, slave id {OWN}")


def test_a_client_reads_a_slave_behind_it(flashed):
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415

    board, _ = flashed

    def read():
        with ModbusTcpClient(BOARD, port=PORT, timeout=LIMIT_S, retries=0) as client:
            return client.read_holding_registers(0, count=2, device_id=METER)

    assert board.forward.call(read).registers == list(REGISTERS.values())
