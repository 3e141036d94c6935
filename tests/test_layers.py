"""Who may import whom, in umb/: a module imports from rows above its own only, never sideways."""

import ast

import pytest

from tools.env import ROOT

# From the top, the rows of the house: what stands in one knows nothing of each other, nor of any
# row below.
ROWS = (
    {"umb"},
    {
        *("errors", "conf", "mistakes", "slices"),
        *(
            "fast.bytecode",
            "fast.thumb",
            "fast.viper",
            "fast.values_bytecode",
            "fast.values_viper",
        ),
    },
    {"fast", "check"},  # fast chooses one of the first three
    {"frozen", "blocks", "words", "fast.values"},
    {"sunspec"},
    {"store"},
    {"frame"},
    {"frame.rtu", "frame.mbap"},
    {"frame.ascii", "frame.lengths", "frame.rtu_stream"},
    {"functions.diagnostics", "functions.files", "functions.identity"},
    {
        "port.ctrl_c",
        "port.errnos",
        "port.hosts",
        "port.listen_errors",
        "port.quirks",
        "port.pio",
        "port.tty",
    },
    {"port.line", "port.sockets"},
    {"port.idle"},
    {"serve", "records"},
    {"server.standard", "server.routes"},
    {"server.functions", "server.permit"},
    {"server"},
    {"server.background"},
    {"server.rtu", "server.tcp", "server.udp"},
    {"client.rare", "client.late", "client.pauses", "client.status", "client.other_masters"},
    {"client.expected", "client.request"},
    {"client.slave"},
    {"client"},
    {"client.reply_search", "client.forward", "client.network"},
    {"client.rtu", "client.tcp", "client.udp"},
    {"aio"},
    {"aio.slave"},
    {"aio.client"},
    {"aio.rtu", "aio.tcp", "aio.udp"},
    {"gateway.cache", "gateway.path", "gateway.unit_ids"},
    {"gateway"},
    {"points.exponents", "points.numbers", "points.reader", "points.rows"},
    {"points"},
    {"points.limits"},
    {"points.store"},
    {"poller.failures", "poller.options", "poller.ticks", "poller.writing"},
    {"poller.counters", "poller.plan", "poller.values"},
    {"poller.schedule"},
    {"poller.choice", "poller.device", "poller.mirror"},
    {"poller"},
    {"bridge.attempts", "bridge.history", "bridge.pieces", "bridge.tls", "bridge.topics"},
    {"bridge.transport"},
    {"bridge.commands", "bridge.devices", "bridge.discovery", "bridge.mqtt", "bridge.umqtt"},
    {"bridge.uplink"},
    {"bridge"},
    {"sparkplug.payload"},
    {"sparkplug"},
    {"panel.link", "panel.messages", "panel.page", "panel.passwords", "panel.responses"},
    {"panel.areas", "panel.sessions", "panel.source", "panel.viewers"},
    {"panel.sources"},
    {"panel", "panel.web"},
    # uModbus's names for all of this, of which nothing above knows.
    {"umodbus", "umodbus.client", "umodbus.client.serial", "umodbus.socket"},
    {"umodbus.exceptions", "umodbus.log", "umodbus.socketserver"},
    {"umodbus.functions", "umodbus.utils", "umodbus.client.serial.redundancy_check"},
    {"umodbus.client.tcp", "umodbus.client.serial.rtu", "umodbus.server"},
    {"umodbus.server.tcp", "umodbus.server.serial", "umodbus.server.serial.rtu"},
)
# The core never waits, reads a clock or touches a device: all down to the functions, and the
# classes Server and Client.
_LAST_CORE_ROW = "functions.identity"
_CORE_BELOW = {
    "server",
    "server.standard",
    "server.routes",
    "server.functions",
    "server.permit",
    "client",
    "client.expected",
    "client.other_masters",
    "client.rare",
    "client.request",
    "client.slave",
    "client.status",
    "client.reply_search",
}
_CORE_IMPORTS = {"array", "micropython", "struct", "sys"}


def core(rows=ROWS):
    """Return the names of the core's modules."""
    last = next(number for number, row in enumerate(rows) if _LAST_CORE_ROW in row)
    return set().union(*rows[: last + 1]) | _CORE_BELOW


def modules(root):
    """Return {dotted name below umb: syntax tree}; the package itself is "umb"."""
    found = {}
    for path in sorted((root / "umb").rglob("*.py")):
        parts = path.relative_to(root / "umb").with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts) or "umb"] = ast.parse(path.read_text(), str(path))
    return found


def is_package(name, names):
    """Does this module live in an __init__.py?"""
    return name == "umb" or any(other.startswith(name + ".") for other in names)


def absolute(node, name, package):
    """Return the dotted name, "umb" and all, that a `from X import y` takes X to be."""
    if not node.level:
        return node.module
    inside = ("umb." + name if name != "umb" else name).split(".")
    base = inside[: len(inside) - node.level + package]
    return ".".join(base + ([node.module] if node.module else []))


def imports(name, tree, names):
    """Yield every import of a module: (line, dotted name, whether a function makes it).

    Modules of umb come without the "umb.".
    """
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, name, is_package(name, names))
            inner = [f"{base}.{alias.name}" for alias in node.names]
            wanted = [one if one.removeprefix("umb.") in names else base for one in inner]
        else:
            continue
        for one in wanted:
            yield node.lineno, one.removeprefix("umb."), id(node) in inside


def faults(root, rows=ROWS):
    """Yield a sentence for each import, print or unplaced module that breaks the rule."""
    found = modules(root)
    rank = {name: number for number, row in enumerate(rows) for name in row}
    for name, tree in found.items():
        if name not in rank:
            yield f"{name} is in no row of tests/test_layers.py"
            continue
        for line, other, by_function in imports(name, tree, found):
            if other in rank:
                allowed = rank[other] < rank[name]
                # What a method of the core imports when a program calls it may wait.
                if name in core(rows) and other not in core(rows):
                    allowed = allowed and by_function
            else:
                allowed = name not in core(rows) or other in _CORE_IMPORTS
            if not allowed:
                full_name = f"umb.{other}" if other in rank else other
                yield f"{name}:{line} must not import {full_name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "print":
                yield f"{name}:{node.lineno} must not print"


def private_constants(root):
    """Return {name: {value: [modules]}} of every `_NAME = const(value)`."""
    found = {}
    for module, tree in modules(root).items():
        for node in ast.walk(tree):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(func=ast.Name(id="const"), args=[value]),
                ) if name.startswith("_"):
                    number = eval(compile(ast.Expression(value), module, "eval"), {})
                    found.setdefault(name, {}).setdefault(number, []).append(module)
    return found


def test_every_module_keeps_to_its_row():
    assert list(faults(ROOT)) == []


def test_private_constants_agree():
    assert {n: seen for n, seen in private_constants(ROOT).items() if len(seen) > 1} == {}


@pytest.mark.parametrize(
    ("module", "text", "fault"),
    [
        ("blocks", "from .store import Store", "blocks:1 must not import umb.store"),
        ("blocks", "from umb.server import Server", "blocks:1 must not import umb.server"),
        ("blocks", "def f():\n    import time", "blocks:2 must not import time"),
        ("blocks", "from . import gateway", "blocks:1 must not import umb.gateway"),
        ("blocks", "import machine", "blocks:1 must not import machine"),
        ("frame/rtu", "from ..port.tty import x", "frame.rtu:1 must not import umb.port.tty"),
        ("server/tcp", "from .rtu import x", "server.tcp:1 must not import umb.server.rtu"),
        ("server/tcp", "from ..aio import x", "server.tcp:1 must not import umb.aio"),
        ("server/tcp", "print(1)", "server.tcp:1 must not print"),
        ("server/__init__", "from .tcp import x", "server:1 must not import umb.server.tcp"),
        ("server/__init__", "from time import sleep", "server:1 must not import time"),
        ("server/__init__", "from ..serve import x", "server:1 must not import umb.serve"),
        ("gateway", "from .umodbus import x", "gateway:1 must not import umb.umodbus"),
        ("stray", "", "stray is in no row of tests/test_layers.py"),
    ],
)
def test_a_fault_is_found(tmp_path, module, text, fault):
    names = ("store", "gateway", "aio", "serve", "server/__init__", "server/rtu", "port/tty")
    for name in (*names, "umodbus/__init__", module):
        path = tmp_path / "umb" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == module else "")
    assert list(faults(tmp_path)) == [fault]


def test_what_is_allowed_is_no_fault(tmp_path):
    good = {
        "blocks": "from micropython import const\nfrom . import conf\nfrom .errors import E",
        "errors": "",
        "conf": "",
        "serve": "import select, time",
        "server/__init__": "from ..blocks import x\ndef f():\n    from ..serve import serve",
        "server/tcp": "import select\nfrom . import Server",
    }
    for name, text in good.items():
        path = tmp_path / "umb" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert list(faults(tmp_path)) == []


def test_what_the_core_is():
    assert {"store", "frame.rtu", "functions.files", "server", "client"} <= core()
    assert not core() & {"port.line", "serve", "server.rtu", "client.tcp", "gateway"}
    assert core() <= set().union(*ROWS)


def test_constants_that_differ_are_found(tmp_path):
    (tmp_path / "umb").mkdir()
    (tmp_path / "umb" / "frame.py").write_text("_SIZE = const(1 << 8)\n_N = const(1)")
    (tmp_path / "umb" / "store.py").write_text("_SIZE = const(255)\n_N = const(1)")
    assert private_constants(tmp_path)["_SIZE"] == {256: ["frame"], 255: ["store"]}
    assert private_constants(tmp_path)["_N"] == {1: ["frame", "store"]}
