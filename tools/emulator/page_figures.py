"""Measures what the page of umb.panel takes of a Pico's memory, for docs/how-to/panel.md."""

import tempfile
from pathlib import Path

from tools.flashing.files import Files

from .image import ARCH, program_files
from .pico import Pico

_BOARD = "RPI_PICO_W"
_NETWORK = 4  # TCP clients of that board
_LIMIT_MS = 20_000
# The firmware that others measure with has no network. Nobody connects here.
_SOCKET = b"socket = getaddrinfo = None\nSOL_SOCKET = SO_REUSEADDR = AF_INET = SOCK_STREAM = 0\n"
_HASH = f"2000:0011223344556677:{'ab' * 32}"
# What is measured, and what the board does then, one after another.
_STEPS = (
    (
        "",  # what a program with a network has anyway
        "import asyncio, json\n"
        "from umb.server import Server\n"
        "from umb.store import Store\n"
        "server = Server(Store(holding_registers=100))",
    ),
    ("microdot", "from microdot import Microdot\napp = Microdot()"),
    ("`umb.panel`", "from umb.panel import Panel"),
    (
        "`umb.panel.web` with a `WebServer`",
        "from umb.panel.web import WebServer\nweb = WebServer(app, ('0.0.0.0', 80))",
    ),
    (
        "a `Panel` with a password, after its first requests",
        f"panel = Panel(app, server, password={_HASH!r})\nask('/info')\nask('/nothing')",
    ),
    (
        "`umb.records` with a `BusRecord` of 32 slaves",
        "from umb.records import BusRecord\nrecord = BusRecord(slaves=32)",
    ),
    (
        "`umb.points` with a `PointStore` of 20 points",
        "from umb.points import Points, PointStore\n"
        "points = [{'name': 'point %d' % i, 'address': i} for i in range(20)]\n"
        "store = PointStore(Points(points))\n"
        "del points",
    ),
    (
        "a `Panel` that has them, more than one without",
        "app = Microdot()\n"
        "server = Server(store)\n"
        "panel = Panel(app, server, points=store)\n"
        "ask('/info')\nask('/nothing')",
    ),
    (
        "the first browser that shows them",
        "one = panel._viewers.open()\nasyncio.run(one.__anext__())",
    ),
    ("one more", "two = panel._viewers.open()\nasyncio.run(two.__anext__())"),
)
_BEGIN = """
import gc

class Stream:
    def __init__(self, path):
        self.lines = [b"GET %s HTTP/1.0" % path.encode(), b"Host: x", b""]
    def get_extra_info(self, _):
        return ("10.0.0.1", 50000)
    async def readline(self):
        return self.lines.pop(0)
    async def awrite(self, data):
        pass
    async def aclose(self):
        pass

def ask(path):
    stream = Stream(path)
    asyncio.run(app.handle_request(stream, stream))

def measure():
    gc.collect()
    print(gc.mem_alloc())

measure()
"""


def panel_table(firmware):
    """Return the lines of the table of the page's memory."""
    steps = "".join(f"\n{code}\nmeasure()\n" for _, code in _STEPS)
    pico = Pico(firmware, _files(steps))
    taken = [int(text) for text in pico.exec(_BEGIN + steps, _LIMIT_MS).split()]
    lines = ["| what | RAM |", "| --- | ---: |"]
    for (name, _), before, after in zip(_STEPS, taken, taken[1:], strict=False):
        if name:
            lines.append(f"| {name} | {after - before} |")
    return lines


def _files(steps):
    """Return {path: bytes} of a board with the page, and with what these steps import."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(steps)
        files = program_files(program)
        made = Files(Path(folder), _BOARD, _NETWORK, ARCH, {"panel": {"port": 80}}).made
        files.update((path, file.read_bytes()) for path, file in made.items())
    del files["/main.py"]
    return {**files, "/lib/socket.py": _SOCKET}
