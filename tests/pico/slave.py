"""A slave built with `umb` on an emulated board, and the master that talks to it."""

from pathlib import Path

from tools.emulator.image import program_files
from tools.emulator.line import Line, Station
from tools.emulator.master import Master
from tools.emulator.pico import BoardError, Pico

__all__ = [
    "ONBOARD",
    "BoardError",
    "Pico",
    "boot",
    "flash_files",
    "heap_bytes",
    "program_files",
    "ram_bytes",
    "start",
    "start_alone",
]

ONBOARD = Path(__file__).parent / "onboard"
_START_LIMIT_MS = 2000

# Prints the heap bytes of an import and of that and a slave with 100 registers.
_RAM_CODE = """
import gc
gc.collect()
start = gc.mem_alloc()
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
gc.collect()
imported = gc.mem_alloc()
server = Server(Store(holding_registers=100))
slave = RTUServer(0, server, baudrate=9600, parity=0, tx=0, rx=1, de=2)
gc.collect()
print(imported - start, gc.mem_alloc() - start)
del slave
"""


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


def ram_bytes(pico):
    """(bytes of the import, bytes of that and a slave with 100 registers) on a fresh board."""
    imported, whole = pico.exec(_RAM_CODE, _START_LIMIT_MS).split()
    return int(imported), int(whole)


def heap_bytes(pico, form, requests, idle_polls=50):
    """(exchanges, heap bytes that `requests`, frames, took, heap bytes of polling in vain)."""
    pico.interrupt()
    arguments = f"{form.baudrate}, {form.parity}, {form.stop}"
    call = f"slaves.count_heap({len(requests)}, {idle_polls}, {arguments})"
    pico.start(f"import slaves; {call}", _START_LIMIT_MS)
    exchanges = Master(Line(form, Station(pico))).ask_all(requests)
    served, idle = pico.finish().split()
    return exchanges, int(served), int(idle)
