"""A slave built with `umb` on an emulated board, and the master that talks to it."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.pico.cases import READ_10, STANDARD
from tools.emulator.image import program_files
from tools.emulator.line import Line, Station
from tools.emulator.master import Master
from tools.emulator.pico import READY_PIN, BoardError, Pico
from tools.emulator.wire import MS, Format

__all__ = [
    "ONBOARD",
    "BoardError",
    "Pico",
    "boot",
    "flash_files",
    "heap_bytes",
    "main_speed",
    "program_files",
    "ram",
    "start",
    "start_alone",
]

ONBOARD = Path(__file__).parent / "onboard"
_START_LIMIT_MS = 2000
_COUNT_MS = 400  # how long a main program counts

_RAM_FORM = Format(115200)
# Prints the heap bytes of an import, of that and a slave with four areas, and of all of that after
# so many requests; then how many names are interned.
_RAM_CODE = f"""
import gc, micropython
imported = made = answered = 0
gc.collect()
start = gc.mem_alloc()
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
gc.collect()
imported = gc.mem_alloc() - start
server = Server(Store(coils=8, discrete_inputs=8, input_registers=4, holding_registers=100))
form = dict(baudrate={_RAM_FORM.baudrate}, parity={_RAM_FORM.parity}, stop={_RAM_FORM.stop})
slave = RTUServer(0, server, tx=0, rx=1, de=2, **form)
gc.collect()
made = gc.mem_alloc() - start
Pin({READY_PIN})(1)
while answered < {len(STANDARD)}:
    answered += slave.poll()
gc.collect()
print(imported, made, gc.mem_alloc() - start)
micropython.qstr_info()
del slave
"""


class Ram(NamedTuple):
    """Heap bytes of an import, with a slave, after requests; and how many names are interned."""

    imported: int
    made: int
    used: int
    names: int


def flash_files():
    """{path: bytes} of onboard/slaves.py and of what it needs of the library."""
    return program_files(ONBOARD / "slaves.py")


def boot(firmware, files=None):
    """Return a Pico with the library on it."""
    return Pico(firmware, flash_files() if files is None else files)


def start(pico, form, slave_id=1, program="serve"):
    """Start a slave on UART 0 of the board, instead of what ran there; returns its Station."""
    pico.interrupt()
    arguments = f"{form.baudrate}, {form.parity}, {form.stop}, {slave_id}"
    pico.start(f"import slaves; slaves.{program}({arguments})", _START_LIMIT_MS)
    return Station(pico)


def start_alone(pico, form, slave_id=1, program="serve"):
    """Start a slave that has the line for itself; returns the Master on it."""
    return Master(Line(form, start(pico, form, slave_id, program)))


def main_speed(pico, program):
    """Return the speed of a main program whose line is never at rest: 1 is what it has alone.

    Both are programs of onboard/slaves.py that count(); the line has 19200 baud.
    """
    form = Format(19200)
    line = start_alone(pico, form, program="compute_alone").line
    since_ns = pico.now
    line.run_for(_COUNT_MS * MS)
    alone = _rounds_a_ms(pico, since_ns)
    master = start_alone(pico, form, program=program)
    since_ns = pico.now
    exchanges = master.ask_all([READ_10.request] * (_COUNT_MS // 22))
    assert exchanges[-1].reply == READ_10.reply
    return _rounds_a_ms(pico, since_ns) / alone


def _rounds_a_ms(pico, since_ns):
    """How many hundreds the main program has counted since then, and ends."""
    lasted_ns = pico.now - since_ns
    pico.interrupt()
    return int(pico.exec("print(slaves.hundreds[0])")) * MS / lasted_ns


def ram(pico):
    """Return the Ram of a slave with four areas, on a fresh board.

    It is asked for one of every standard kind.
    """
    pico.start(_RAM_CODE, _START_LIMIT_MS)
    exchanges = Master(Line(_RAM_FORM, Station(pico))).ask_all(STANDARD)
    assert [exchange.reply[1] for exchange in exchanges] == [request[1] for request in STANDARD]
    figures, names = pico.finish(_START_LIMIT_MS).splitlines()
    return Ram(*map(int, figures.split()), int(re.search(r"n_qstr=(\d+)", names)[1]))


def heap_bytes(pico, form, requests, program="count_heap"):
    """(exchanges, heap bytes that `requests`, frames, took, heap bytes of serving nobody)."""
    pico.interrupt()
    arguments = f"{form.baudrate}, {form.parity}, {form.stop}"
    call = f"slaves.{program}({len(requests)}, {arguments})"
    pico.start(f"import slaves; {call}", _START_LIMIT_MS)
    exchanges = Master(Line(form, Station(pico))).ask_all(requests)
    served, idle = pico.finish().split()
    return exchanges, int(served), int(idle)
