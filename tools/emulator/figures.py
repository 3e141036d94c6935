"""Measures the tables of docs/why/figures.md on an emulated Pico, and the exchange drawn there."""

import argparse
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.build import compile_file
from tools.drawings import IMAGES, Shown, exchange
from tools.env import ROOT

from .firmware import find_firmware
from .heap import CODE, CONSTANTS, MADE, NAMES, OBJECTS, REST, Heap
from .image import program_files
from .line import Line, Station
from .master import Master, efficiency
from .page_figures import panel_table
from .pico import Pico
from .pio import Levels
from .polling import PROGRAM as POLLER
from .polling import POINTS, SITUATIONS
from .polling import measure as measure_poller
from .polling import ram as poller_ram
from .wire import US, Format, read_registers, registers_reply, write_registers

PAGE = ROOT / "docs" / "why" / "figures.md"
PAGES = {"panel": ROOT / "docs" / "how-to" / "panel.md"}  # tables that stand elsewhere
BAUDRATES = (9600, 19200, 115200)
_LIMIT_MS = 20_000
_COUNT = 12  # requests in a row; a quarter of them if they take long
_PHASES = 16
_SETTLING_NS = 50e6  # until a program that has begun to serve sleeps
_PHASE_NS = 67.3 * US  # so much later each time: the slave is met in another part of its loop
_CALLED_PIN = 4
_RETURNED_PIN = 3
_REST_MS = 20  # after which a line is silent

_LINE = "baudrate={}, parity=0, tx=0, rx=1, de=2"
_PIO_LINE = _LINE.replace("de=2", "de=PioPin(2, tx=0)")
_STORE = "Store(coils=8, holding_registers=100)"
_SLAVE = f"""
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

slave = RTUServer(0, Server({_STORE}), {_LINE.format(19200)})
"""
_FUNCTIONS = f"""
from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

functions = (Diagnostics(), Identity({{0: "Acme", 1: "M1", 2: "1.0"}}))
slave = RTUServer(0, Server({_STORE}, functions=functions), {_LINE.format(19200)})
"""
_MASTER = f"""
from umb.client.rtu import RTUClient
from umb.errors import ModbusError

bus = RTUClient(0, {_LINE.format(19200)})
"""
_AIO_MASTER = f"""
import asyncio

from umb.aio import AsyncRTUClient

bus = AsyncRTUClient(0, {_LINE.format(19200)})
"""
_PIO_SLAVE = """
from umb.port.pio import PioIdle, PioPin
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

line = dict(baudrate=19200, parity=0, tx=0, rx=1, de=PioPin(2, tx=0), idle=PioIdle(1))
slave = RTUServer(0, Server(Store(coils=8, holding_registers=100)), **line)
"""
_FOUR_AREAS = "Store(coils=8, discrete_inputs=8, input_registers=4, holding_registers=100)"
PROGRAMS = {
    "RTU slave with 8 coils and 100 holding registers": _SLAVE,
    "the same with `Diagnostics` and `Identity`": _FUNCTIONS,
    "the slave in the background": _SLAVE + "slave.start()",
    "the slave in the background with `PioPin` and `PioIdle`": _PIO_SLAVE + "slave.start()",
    "the slave under asyncio": "import asyncio\nfrom umb.aio import serve\n" + _SLAVE,
    "RTU master": _MASTER,
    "RTU master under asyncio": _AIO_MASTER,
}
_RAM = """
import gc
gc.collect()
start = gc.mem_alloc()
import program
gc.collect()
print(gc.mem_alloc() - start, gc.mem_free())
"""
_SERVE = """
from machine import Pin
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
slave = RTUServer(0, Server(Store(holding_registers=100)), %s)
Pin(22)(1)
slave.serve_forever()
"""
# The same, while the main program computes.
_BACKGROUND = """
from machine import Pin
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store
slave = RTUServer(0, Server(Store(holding_registers=100)), %s)
slave.start()
Pin(22)(1)
n = 0
try:
    while True:
        n = n + 1 & 0xFFFF
finally:
    slave.stop()
"""
# The same, with state machines.
_PIO = _BACKGROUND.replace(
    "slave = RTUServer(",
    "from umb.port.pio import PioIdle, PioPin\nslave = RTUServer(",
).replace("%s)", "%s, idle=PioIdle(1))")
_ASK = """
from time import sleep_ms
from machine import Pin
from umb.client.rtu import RTUClient
called = Pin(4, Pin.OUT, value=0)
returned = Pin(3, Pin.OUT, value=0)
values = [0] * 10
bus = RTUClient(0, %s)
Pin(22)(1)
for _ in range(%d):
    sleep_ms(%d)
    called(1)
    bus.read_holding_registers(1, 0, 10, %s)
    returned(1)
    returned(0)
    called(0)
"""
# The same slave with micropython-modbus.
_OTHER_RAM = """
import gc
gc.collect()
start = gc.mem_alloc()
from umodbus.serial import ModbusRTU
slave = ModbusRTU(addr=1, baudrate=19200, parity=0, pins=(0, 1), ctrl_pin=2, uart_id=0)
registers = {"A": {"register": 0, "len": 100, "val": [0] * 100}}
slave.setup_registers(registers={"HREGS": registers})
gc.collect()
print(gc.mem_alloc() - start, gc.mem_free())
"""
_OTHER_SERVE = """
from machine import Pin
from umodbus.serial import ModbusRTU
slave = ModbusRTU(addr=1, baudrate=%d, parity=0, pins=(0, 1), ctrl_pin=2, uart_id=0)
registers = {"A": {"register": 0, "len": 100, "val": [0] * 100}}
slave.setup_registers(registers={"HREGS": registers})
Pin(22)(1)
while True:
    slave.process()
"""
_REQUESTS = {
    "FC 3 x 10": read_registers(1, 10),
    "FC 3 x 100": read_registers(1, 100),
    "FC 16 x 10": write_registers(1, [0] * 10),
}


class Memory(NamedTuple):
    """What a program takes, in bytes."""

    flash: int  # the compiled files of umb
    ram: int
    free: int  # RAM that is left


def files_of(text):
    """Return {path: bytes} of a program and of what it needs of umb."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(text)
        return program_files(path)


def memory(firmware, text):
    """Measure the Memory of a program, on a board of its own."""
    files = files_of(text)
    flash = sum(len(data) for path, data in files.items() if path.startswith("/lib/"))
    pico = Pico(firmware, files, pio="umb.port.pio" in text)
    ram, free = pico.exec(_RAM, _LIMIT_MS).split()
    return Memory(flash, int(ram), int(free))


def start(pico, text, form):
    """Start a program on the board, and return the Line with it."""
    pico.interrupt()
    pico.start(text, _LIMIT_MS)
    line = Line(form, Station(pico))
    line.run_for(_SETTLING_NS)
    return line


def times(pico, baudrate, program=None, names=tuple(_REQUESTS)):
    """Yield (request, us after t3.5 at most, requests a second, efficiency) of a slave."""
    form = Format(baudrate)
    master = Master(start(pico, program or _SERVE % _LINE.format(baudrate), form))
    for name in names:
        request = _REQUESTS[name]
        share = 4 if "x 100" in name else 1
        late_us = max(
            master.ask(request, master.line.free_ns + phase * share * _PHASE_NS).late_us
            for phase in range(_PHASES // share)
        )
        done = master.ask_all([request] * (_COUNT // share))
        if not done[-1].complete:
            raise AssertionError(f"no answer to {name} at {baudrate} baud")
        took_ns = done[-1].chars[-1].end_ns + form.t35_ns - done[0].start_ns
        yield name, late_us, len(done) * 1e9 / took_ns, efficiency(done, form)


class Calls(NamedTuple):
    """When calls were made, what was on the line, and when they returned, all in ns."""

    called: list
    asked: list  # start bits of requests
    answered: list  # ends of replies
    returned: list


def calls(pico, form, into="values", rest_ms=0):
    """Return the Calls of a master that reads 10 registers.

    into     an existing list for the values, or None for a new one
    rest_ms  how long it rests before each call
    """
    called, returned = pico.trace(_CALLED_PIN), pico.trace(_RETURNED_PIN)
    pico.interrupt()
    text = _ASK % (_LINE.format(form.baudrate), _COUNT, rest_ms, into)
    pico.start(text, _LIMIT_MS)
    line = Line(form, Station(pico))
    since_ns = line.now
    reply = registers_reply(1, [7] * 10)
    asked, starts_ns, ends_ns = [], [], []

    def heard(char, station):
        if station is None:
            return
        asked.append(char)
        if len(asked) == 8:
            starts_ns.append(asked[0].start_ns)
            ends_ns.append(line.put(reply, char.end_ns + form.t35_ns)[1])
            asked.clear()

    line.on_char = heard
    pico.finish(_LIMIT_MS)
    return Calls(called.edges(1, since_ns), starts_ns, ends_ns, returned.edges(1, since_ns))


def at_most_us(later, earlier):
    """Return the longest time between two events, of all but the first call."""
    times_us = [(end - begin) / US for begin, end in zip(earlier, later, strict=True)]
    return max(times_us[1:])


def shown(pico, baudrate=19200):
    """Return an exchange at this speed, as it is drawn."""
    form = Format(baudrate)
    line = start(pico, _SERVE % _LINE.format(baudrate), form)
    one = Master(line).ask(read_registers(1, 2), line.now + 1e6)
    origin_ns = one.start_ns
    chars = [(char, station) for char, station in line.chars if char.start_ns >= origin_ns]
    rise_ns = one.station.edges(1, one.end_ns)[0]
    fall_ns = one.station.edges(0, rise_ns)[0]
    return Shown(
        str(form),
        [(c.start_ns - origin_ns, c.end_ns - origin_ns, c.byte, s is None) for c, s in chars],
        rise_ns - origin_ns,
        fall_ns - origin_ns,
        form.t35_ns,
    )


def memory_table(firmware):
    """Return the lines of the table of memory."""
    lines = ["| program | flash | RAM | RAM left free |", "| --- | ---: | ---: | ---: |"]
    for name, text in PROGRAMS.items():
        one = memory(firmware, text)
        lines.append(f"| {name} | {one.flash} | {one.ram} | {one.free} |")
    return lines


def heap_table(firmware):
    """Return the lines of the table of what takes the memory of a slave with four areas."""
    text = _SLAVE.replace(_STORE, _FOUR_AREAS)
    taken = Heap(Pico(firmware, files_of(text)), text, "slave").taken
    kinds = (CODE, OBJECTS, CONSTANTS)
    modules = {
        name: [taken[name, kind] for kind in kinds] for name in {name for name, _ in taken if name}
    }
    lines = [
        "| | code | functions and classes | tables and constants | all |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, counts in sorted(modules.items(), key=lambda one: -sum(one[1])):
        lines.append(f"| `{name}` | {' | '.join(map(str, counts))} | {sum(counts)} |")
    sums = " | ".join(str(sum(counts[i] for counts in modules.values())) for i in range(3))
    for name, kind in (
        ("names", NAMES),
        ("what the program made: driver, line, frame, server, store, buffers", MADE),
        ("the rest: rings of the UART, table of modules, the program", REST),
    ):
        lines.append(f"| {name} |  |  |  | {taken['', kind]} |")
    return [*lines, f"| all | {sums} | {taken.total()} |"]


def slave_table(firmware, program=_SERVE, line=_LINE):
    """Return the lines of the table of a slave's times; draw an exchange of one that serves."""
    pio = program is _PIO
    pico = Pico(firmware, files_of(program % line.format(19200)), pio)
    if pio:
        Levels(pico, 0, 0, 1)
    lines = [
        "| baud | request | reply later than t3.5, us | requests a second | line efficiency |",
        "| ---: | --- | ---: | ---: | ---: |",
    ]
    for baudrate in BAUDRATES:
        for name, late_us, rate, share in times(pico, baudrate, program % line.format(baudrate)):
            lines.append(f"| {baudrate} | {name} | {late_us:.0f} | {rate:.1f} | {share:.3f} |")
    if program is _SERVE:
        (IMAGES / "exchange.svg").write_text(exchange(shown(pico)))
    return lines


def background_table(firmware):
    """Return the lines of the table of a slave that is served in the background."""
    return slave_table(firmware, _BACKGROUND)


def pio_table(firmware):
    """Return the lines of the table of such a slave with state machines."""
    return slave_table(firmware, _PIO, _PIO_LINE)


def master_table(firmware):
    """Return the lines of the table of a master's times."""
    pico = Pico(firmware, files_of(_ASK % (_LINE.format(19200), 1, 0, "values")))
    lines = [
        "| baud | into a new list | into one that exists | call to request | next request |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for baudrate in BAUDRATES:
        form = Format(baudrate)
        new, existing = calls(pico, form, "None"), calls(pico, form)
        rested = calls(pico, form, rest_ms=_REST_MS)
        figures = (
            at_most_us(new.returned, new.answered),
            at_most_us(existing.returned, existing.answered),
            at_most_us(rested.asked, rested.called),
            at_most_us(new.asked[1:], new.answered[:-1]) - form.t35_ns / US,
        )
        lines.append(f"| {baudrate} | " + " | ".join(f"{us:.0f}" for us in figures) + " |")
    return lines


def poller_table(firmware):
    """Yield the lines of the table of a poller's memory and steps, each as soon as it is known."""
    pico = Pico(firmware, files_of(POLLER))
    yield "| what | longest `poll()`, us | heap, bytes |"
    yield "| --- | ---: | ---: |"
    for situation in SITUATIONS:
        steps = measure_poller(pico, situation)
        heap = "" if situation.changing else steps.heap
        yield f"| {situation.name} | {steps.longest_us} | {heap} |"
    yield f"| RAM of {POINTS} points and their device | | {poller_ram(pico)} |"


TABLES = {
    "memory": memory_table,
    "heap": heap_table,
    "slave": slave_table,
    "background": background_table,
    "pio": pio_table,
    "master": master_table,
    "poller": poller_table,
    "panel": panel_table,
}


def other_files(folder):
    """Return {path: bytes} of the package umodbus in a checkout of micropython-modbus."""
    files = {}
    with tempfile.TemporaryDirectory() as out:
        for path in sorted((folder / "umodbus").glob("*.py")):
            target = Path(out) / "module.mpy"
            compile_file(path, target, f"umodbus.{path.stem}")
            files[f"/lib/umodbus/{path.stem}.mpy"] = target.read_bytes()
    return files


def beside(firmware, folder):
    """Return the table with micropython-modbus, in the checkout `folder`, beside umb."""
    ours = memory(firmware, _SLAVE)
    files = other_files(folder)
    ram, free = Pico(firmware, files).exec(_OTHER_RAM, _LIMIT_MS).split()
    theirs = Memory(sum(map(len, files.values())), int(ram), int(free))
    lines = [
        "| slave with 100 holding registers | umb | micropython-modbus 2.3.7 |",
        "| --- | ---: | ---: |",
        f"| flash of the `.mpy` files | {ours.flash} | {theirs.flash} |",
        f"| RAM | {ours.ram} | {theirs.ram} |",
    ]
    our_board, their_board = Pico(firmware, files_of(_SLAVE)), Pico(firmware, files)
    names = tuple(_REQUESTS)[:2]
    for baudrate in BAUDRATES[1:]:
        our_rows = times(our_board, baudrate, None, names)
        their_rows = times(their_board, baudrate, _OTHER_SERVE % baudrate, names)
        for one, other in zip(our_rows, their_rows, strict=True):
            what = f"{baudrate} baud, {one[0]}"
            lines.append(f"| {what}: reply later than t3.5, us | {one[1]:.0f} | {other[1]:.0f} |")
            lines.append(f"| {what}: requests a second | {one[2]:.1f} | {other[2]:.1f} |")
    return lines


def put(page, name, lines):
    """Return a page with these lines in place of the table behind its mark."""
    mark = f"<!-- figures: {name} -->\n"
    pattern = re.escape(mark) + r"\n(\|.*\n)*"
    if not re.search(pattern, page):
        raise ValueError(f"no table {name} in the page")
    return re.sub(pattern, lambda _: mark + "\n" + "\n".join(lines) + "\n", page)


def main():
    parser = argparse.ArgumentParser(
        prog="dev.py figures",
        description="measure on an emulated Pico, and write the tables of the pages in docs",
    )
    parser.add_argument(
        "--beside",
        metavar="FOLDER",
        type=Path,
        help="only compare with micropython-modbus, of which this is a checkout",
    )
    parser.add_argument("--only", choices=TABLES, help="measure this table alone")
    wanted = parser.parse_args()
    firmware = find_firmware()
    if wanted.beside:
        found = {"beside": lambda firmware: beside(firmware, wanted.beside)}
    else:
        found = {wanted.only: TABLES[wanted.only]} if wanted.only else TABLES
    for name, measure in found.items():
        page = PAGES.get(name, PAGE)
        lines = []
        for line in measure(firmware):  # whoever ends this early has the lines so far
            print(line, flush=True)
            lines.append(line)
            page.write_text(put(page.read_text(), name, lines))
        print()


if __name__ == "__main__":
    main()
