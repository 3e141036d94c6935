"""mpremote puts a part of umb onto the board, and what it installed is a slave that answers."""

import json
import sys

import pytest

from tests.pico.cases import reading
from tools.emulator.line import Line, Station
from tools.emulator.master import Master
from tools.emulator.port import Port
from tools.emulator.wire import Format, write_registers
from tools.build import make_dist

_PATIENCE_S = 600  # the emulator is up to 25 times slower than the board
_LIMIT_MS = 5000
_FILES = """
import os
def walk(path):
    for name, kind, _, size in os.ilistdir(path):
        if kind == 0x4000:
            walk(path + "/" + name)
        else:
            print(path + "/" + name, size)
walk("/lib")
"""
_SLAVE = """
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
store = Store(holding_registers=100)
for address in range(100):
    store.holding_registers[address] = address * 257
slave = RTUServer(0, Server(store), baudrate=19200, parity=0, tx=0, rx=1, de=2)
Pin(22)(1)
while True:
    slave.poll()
"""


@pytest.mark.long_pico
def test_mip_installs_a_slave_that_answers(emulator, firmware, tmp_path):
    make_dist(tmp_path, "armv6m")
    pico = emulator.Pico(firmware)
    port = Port(pico)
    mpremote = [sys.executable, "-m", "mpremote", "connect", port.address]
    said = port.call([*mpremote, "mip", "install", f"{tmp_path}/server-rtu.json"], _PATIENCE_S)
    assert said.splitlines()[-1] == "Done"
    program = "import umb.server.rtu; print(umb.server.rtu.__file__)"
    said = port.call([*mpremote, "exec", program], _PATIENCE_S)
    assert said.strip() == "/lib/umb/server/rtu.mpy"
    port.close()
    found = dict(line.split() for line in pico.exec(_FILES, _LIMIT_MS).splitlines())
    listed = [file for file, _ in json.loads((tmp_path / "server-rtu.json").read_text())["urls"]]
    assert found == {f"/lib/{file}": str((tmp_path / file).stat().st_size) for file in listed}
    check_slave(pico)


def check_slave(pico):
    """Start a slave of what is installed, and ask it."""
    pico.start(_SLAVE, _LIMIT_MS)
    master = Master(Line(Format(19200), Station(pico)))
    case = reading(10, 150)
    exchange = master.ask(case.request)
    assert exchange.reply == case.reply
    assert exchange.late_us >= 0
    assert 0 <= exchange.release_us <= 20
    master.ask(write_registers(1, [4711], 7))
    assert pico.interrupt() == ""
    assert pico.exec("print(store.holding_registers[7])").strip() == "4711"
