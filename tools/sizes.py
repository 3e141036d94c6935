"""dev.py sizes: what each part of umb takes, as the table of mip/README.md, against budgets."""

import argparse
import ast
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.build import ARCHITECTURES, compiled, make_tree, need_compiler
from tools.env import Trouble, micropython
from tools.packages import PARTS, WHOLE, Library

_FLASH_ARCH = "armv6m"  # whose machine code is counted: a Raspberry Pi Pico's
_ASK = "import sys; print(64 if sys.maxsize >> 32 else 32, getattr(sys.implementation, '_mpy', 0))"

# What a program does with a part after the import, until it can serve, or send a request.
_SERVER = "server = umb.server.Server(umb.store.Store(holding_registers=100))\n"
_CLIENT = "client = umb.client.rtu.RTUClient(UART(), baudrate=19200)\n"
_HERE = "('127.0.0.1', 0)"
_PEER = "('127.0.0.1', 502)"
USES = {
    "server-rtu": f"{_SERVER}driver = umb.server.rtu.RTUServer(UART(), server, baudrate=19200)",
    "server-tcp": f"{_SERVER}driver = umb.server.tcp.TCPServer({_HERE}, server)",
    "server-udp": f"{_SERVER}driver = umb.server.udp.UDPServer({_HERE}, server)",
    "client-rtu": _CLIENT,
    "client-tcp": f"client = umb.client.tcp.TCPClient({_PEER})",
    "client-udp": f"client = umb.client.udp.UDPClient({_PEER})",
    "gateway": f"{_CLIENT}gateway = umb.gateway.Gateway(client)\n"
    f"driver = umb.server.tcp.TCPServer({_HERE}, gateway)",
    "functions": "identity = umb.functions.identity.Identity({0: 'a', 1: 'b', 2: 'c'})\n"
    "diagnostics = umb.functions.diagnostics.Diagnostics()",
    "points": "points = umb.points.Points([{'name': 'x', 'address': 0}])\n"
    "store = umb.points.PointStore(points)",
    "poller": "client = umb.client.Client(bytearray(262), 100, 0)\n"
    "points = umb.points.Points([{'name': 'x', 'address': 0}])\n"
    "device = umb.poller.Poller(client).device(7, points)",
    "panel": "class App:\n    route = lambda *_, **__: lambda handler: handler\n"
    "server = umb.server.Server()\npanel = umb.panel.Panel(App(), server)",
    "bridge": "points = umb.points.Points([{'name': 'x', 'address': 0}])\n"
    "store = umb.points.PointStore(points)\n"
    "class MQTT:\n"
    "    connected = False\n"
    "    error = ''\n"
    "    open = publish = stream = poll = nap_ms = lambda *_: 0\n"
    "driver = umb.bridge.Bridge(store, MQTT(), name='x')",
    "sparkplug": "points = umb.points.Points([{'name': 'x', 'address': 0}])\n"
    "store = umb.points.PointStore(points)\n"
    "class MQTT:\n"
    "    connected = False\n"
    "    error = ''\n"
    "    open = publish = stream = poll = nap_ms = lambda *_: 0\n"
    "driver = umb.sparkplug.Sparkplug(store, MQTT(), group='g', name='x')",
    "ascii": "",
    "tty": "",
    "aio": "",
    "aio-client-rtu": "client = umb.aio.AsyncRTUClient(UART(), baudrate=19200)",
    "aio-client-tcp": f"client = umb.aio.AsyncTCPClient({_PEER})",
    "aio-client-udp": f"client = umb.aio.AsyncUDPClient({_PEER})",
    "umodbus": "kind = umb.umodbus.socketserver.TCPServer\n"
    f"driver = umb.umodbus.server.tcp.get_server(kind, {_HERE})\n"
    "driver.route([1], [3], range(10))(lambda **_: 0)",
}
# {0} is what is imported, {1} a use of it. What ports and other libraries bring (a UART, a
# Microdot) costs umb nothing.
_MEASURE = """
import gc, sys
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
print([name for name in sys.modules if name.startswith("umb")])
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
    "server-rtu": Budget(14_450, 29_600, 32_800),
    "server-tcp": Budget(14_400, 31_050, 33_650),
    "server-udp": Budget(12_400, 27_600, 30_350),
    "client-rtu": Budget(29_400, 60_300, 63_500),
    "client-tcp": Budget(25_050, 54_150, 55_950),
    "client-udp": Budget(20_650, 46_950, 48_100),
    "gateway": Budget(44_550, 94_900, 102_300),
    "functions": Budget(8_050, 19_600, 20_350),
    "points": Budget(20_850, 42_200, 48_600),
    "poller": Budget(46_050, 100_100, 107_850),
    "panel": Budget(13_950, 35_850, 38_850),
    "bridge": Budget(30_450, 67_200, 76_800),
    "sparkplug": Budget(36_850, 79_650, 87_750),
    "ascii": Budget(3_800, 8_750, 8_750),
    "tty": Budget(1_800, 4_550, 4_550),
    "aio": Budget(1_050, 7_100, 7_100),
    "aio-client-rtu": Budget(31_250, 68_300, 71_450),
    "aio-client-tcp": Budget(26_900, 62_400, 64_200),
    "aio-client-udp": Budget(22_500, 54_800, 56_000),
    "umodbus": Budget(22_250, 48_850, 56_100),
}
# Bytes of .mpy: of all that is not on this list, and of each module on it or in a package on it.
OPTIONAL = (
    "aio.slave",
    "bridge",
    "sparkplug",
    "client.forward",
    "client.pauses",
    "client.slave",
    "frame.ascii",
    "gateway.cache",
    "gateway.unit_ids",
    "port.hosts",
    "port.ctrl_c",
    "port.idle",
    "port.pio",
    "port.listen_errors",
    "sunspec",
    "server.background",
    "server.permit",
    "server.udp",
    "client.udp",
    "panel",
    "points",
    "poller",
    "records",
    "umodbus",
)
OPTIONAL_BUDGET = 4_150
EVERYTHING_BUDGET = 81_300


def is_optional(module):
    """Return whether a module is on the list, or in a package that is."""
    return any(module == one or module.startswith(f"{one}.") for one in OPTIONAL)


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
        return self._use(part)[1]

    def _use(self, part):
        """Use a part: the bytes of RAM after import and in use, and the modules loaded by then."""
        figures, names = self.run(_program(part)).splitlines()
        modules = {name.partition(".")[2] for name in ast.literal_eval(names)}
        return list(map(int, figures.split())), modules & self._library.paths.keys()

    def of(self, part):
        """Return the Size of a part, or of all of umb."""
        if part not in self._known:
            self._known[part] = self._measure(part)
        return self._known[part]

    def _measure(self, part):
        modules = self._library.part(part)
        if part == WHOLE:
            return Size(len(self._files(modules)), self.bytes_of(modules))
        (imported, used), loaded = self._use(part)
        flash = self.bytes_of(modules)
        return Size(len(self._files(modules)), flash, self.bytes_of(loaded), imported, used)

    def faults(self):
        """Yield a sentence for each budget that is exceeded."""
        for part, budget in BUDGETS.items():
            for name, limit in budget._asdict().items():
                if name == "loaded" or self.word_bits == 64:
                    yield from over(f"{part}, {name}", getattr(self.of(part), name), limit)
        everything = self._library.part(WHOLE)
        optional = sorted(filter(is_optional, everything))
        needed = self.bytes_of(everything - set(optional))
        yield from over("everything", needed, EVERYTHING_BUDGET)
        for module in optional:
            yield from over(module, self.bytes_of([module]), OPTIONAL_BUDGET)


def _program(part):
    """Return the program that imports a part, uses it, and prints what that takes and loads."""
    names = ", ".join(f"umb.{name}" for name in PARTS[part].imports)
    return _MEASURE.format(names, USES[part])


def over(what, size, budget):
    """Yield a sentence if size exceeds its budget."""
    if size > budget:
        yield f"{what}: {size} bytes, {size - budget} more than its budget"


def table(sizes):
    """Yield the lines of the table of mip/README.md."""
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
    need_compiler("dev.py", "sizes", *args)
    with tempfile.TemporaryDirectory() as folder:
        sizes = Sizes(micropython(), Path(folder))
        print("\n".join(table(sizes)))
        print(f"Bytes; RAM on a {sizes.word_bits}-bit machine.")
        faults = list(sizes.faults()) if check else ()
    for fault in faults:
        print(fault)
    return 1 if faults else 0
