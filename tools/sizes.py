"""dev.py sizes: what each part of umb takes, as the table of README.md, held against budgets."""

import argparse
import ast
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.build import ARCHITECTURES, compiled, make_tree, settle
from tools.env import Trouble, micropython
from tools.packages import PARTS, WHOLE, Library

_FLASH_ARCH = "armv6m"  # whose machine code is counted: a Raspberry Pi Pico's
_ASK = "import sys; print(64 if sys.maxsize >> 32 else 32, getattr(sys.implementation, '_mpy', 0))"

# What a program does with a part that it has imported, until it serves, or is ready to ask.
_SERVER = "server = umb.server.Server(umb.store.Store(holding_registers=100))\n"
_CLIENT = "client = umb.client.rtu.RTUClient(UART(), baudrate=19200)\n"
_HERE = "('127.0.0.1', 0)"
USES = {
    "server-rtu": f"{_SERVER}driver = umb.server.rtu.RTUServer(UART(), server, baudrate=19200)",
    "server-tcp": f"{_SERVER}driver = umb.server.tcp.TCPServer({_HERE}, server)",
    "server-udp": f"{_SERVER}driver = umb.server.udp.UDPServer({_HERE}, server)",
    "client-rtu": _CLIENT,
    "client-tcp": f"client = umb.client.tcp.TCPClient({_HERE})",
    "client-udp": f"client = umb.client.udp.UDPClient({_HERE})",
    "aio": f"client = umb.aio.AsyncTCPClient({_HERE})",
    "gateway": f"{_CLIENT}gateway = umb.gateway.Gateway(client)\n"
    f"driver = umb.server.tcp.TCPServer({_HERE}, gateway)",
    "ascii": "",
    "tty": "",
}
# {0} is what is imported, {1} a use of it. What ports bring (a UART) costs umb nothing.
_MEASURE = """
import gc
class UART:
    any = readinto = write = txdone = irq = lambda *_: 0
gc.collect()
before = gc.mem_alloc()
import {0}
gc.collect()
imported = gc.mem_alloc()
{1}
if "driver" in globals():
    driver.poll()
gc.collect()
print(imported - before, gc.mem_alloc() - before)
"""
# Says which modules are loaded, those too that are let go of when they have done their work.
_WATCH = """
import builtins, sys
seen = set()
load = builtins.__import__
def watch(*words):
    module = load(*words)
    seen.update(sys.modules)
    return module
builtins.__import__ = watch
{}
print([name for name in sorted(seen) if name.startswith("umb")])
"""


class Size(NamedTuple):
    """Files of a part; bytes of its .mpy, of those that a use loads; RAM of import, and of use."""

    files: int
    flash: int
    loaded: int = None
    imported: int = None
    used: int = None


class Budget(NamedTuple):
    """Bytes that a part may take: of .mpy that are loaded, of RAM after import and in use."""

    loaded: int
    imported: int
    used: int


BUDGETS = {
    "server-rtu": Budget(8_400, 10_250, 18_450),
    "server-tcp": Budget(7_000, 15_150, 16_800),
    "server-udp": Budget(5_950, 13_450, 15_300),
    "client-rtu": Budget(14_050, 27_100, 33_000),
    "client-tcp": Budget(10_200, 26_800, 28_050),
    "client-udp": Budget(9_350, 25_750, 26_550),
    "aio": Budget(14_950, 40_300, 41_600),
    "gateway": Budget(21_750, 45_450, 53_100),
    "ascii": Budget(1_050, 3_100, 3_150),
    "tty": Budget(1_200, 3_400, 3_450),
}
# Bytes of .mpy: of all that is not on this list, and of each that is.
OPTIONAL = ("frame.ascii", "server.udp", "client.udp", "client.functional")
OPTIONAL_BUDGET = 4096
EVERYTHING_BUDGET = 43_500


class Sizes:
    """Measures umb as this MicroPython and a Raspberry Pi Pico would have it."""

    def __init__(self, port, folder):
        self._port = os.path.abspath(port)
        self._library = Library()
        self._known = {}  # what of() has measured
        self._flash = folder / "flash"
        self._memory = folder / "memory"
        self._memory.mkdir()
        self.word_bits, number = map(int, self.run(_ASK).split())
        arch = ("", *ARCHITECTURES)[number >> 10 & 0xF]
        make_tree(self._flash, _FLASH_ARCH)
        make_tree(self._memory, arch or None)

    def run(self, program):
        """Return what a program prints in MicroPython with the compiled umb at hand."""
        env = {**os.environ, "MICROPYPATH": ".frozen"}
        command = [self._port, "-c", program]
        where = {"env": env, "cwd": self._memory}  # the first place it looks for modules
        done = subprocess.run(command, **where, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Trouble(f"MicroPython: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def bytes_of(self, modules):
        """Return the bytes of these modules' .mpy files."""
        return sum((self._flash / file).stat().st_size for file in self._files(modules))

    def _files(self, modules):
        """Return the .mpy files of these modules: there are none of what was not chosen."""
        files = (compiled(self._library.paths[module], _FLASH_ARCH) for module in modules)
        return [file for file in files if file]

    def loaded(self, part):
        """Return the modules that a use of a part loads."""
        names = ast.literal_eval(self.run(_WATCH.format(_program(part))).splitlines()[-1])
        return {name.partition(".")[2] for name in names} & self._library.paths.keys()

    def of(self, part):
        """Return the Size of a part, or of all of umb."""
        if part not in self._known:
            self._known[part] = self._measure(part)
        return self._known[part]

    def _measure(self, part):
        modules = self._library.part(part)
        if part == WHOLE:
            return Size(len(self._files(modules)), self.bytes_of(modules))
        loaded = self.bytes_of(self.loaded(part))
        imported, used = map(int, self.run(_program(part)).split())
        return Size(len(self._files(modules)), self.bytes_of(modules), loaded, imported, used)

    def faults(self):
        """Yield a sentence for each budget that is exceeded."""
        for part, budget in BUDGETS.items():
            for name, limit in budget._asdict().items():
                if name == "loaded" or self.word_bits == 64:
                    yield from over(f"{part}, {name}", getattr(self.of(part), name), limit)
        everything = self._library.part(WHOLE) - set(OPTIONAL)
        yield from over("everything", self.bytes_of(everything), EVERYTHING_BUDGET)
        for module in OPTIONAL:
            yield from over(module, self.bytes_of([module]), OPTIONAL_BUDGET)


def _program(part):
    """Return the program that imports a part, uses it, and prints what that takes of the RAM."""
    names = ", ".join(f"umb.{name}" for name in PARTS[part].imports)
    return _MEASURE.format(names, USES[part])


def over(what, size, budget):
    """Yield a sentence if size exceeds its budget."""
    if size > budget:
        yield f"{what}: {size} bytes, {size - budget} more than its budget"


def table(sizes):
    """Yield the lines of the README's table."""
    yield "| package file | files | `.mpy` | of that loaded | RAM after import | RAM in use |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for part in (*PARTS, WHOLE):
        cells = ("" if cell is None else str(cell) for cell in sizes.of(part))
        yield f"| `{part}.json` | {' | '.join(cells)} |"


def main(args):
    """Print the table; with --check return 1 if a budget is exceeded, and say which."""
    parser = argparse.ArgumentParser(prog="dev.py sizes", description="what each part takes")
    parser.add_argument("--check", action="store_true", help="hold it against the budgets, too")
    check = parser.parse_args(args).check
    settle("sizes", *args)
    with tempfile.TemporaryDirectory() as folder:
        sizes = Sizes(micropython(), Path(folder))
        print("\n".join(table(sizes)))
        print(f"Bytes; RAM on a {sizes.word_bits}-bit machine.")
        faults = list(sizes.faults()) if check else ()
    for fault in faults:
        print(fault)
    return 1 if faults else 0
