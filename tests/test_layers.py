"""Who may import whom, in umb/: a module imports from rows above its own only, never sideways."""

import ast

import pytest

from tools.env import ROOT

# From the top: what stands in one row knows nothing of each other, nor of any row below.
PURE_ROWS = (  # never wait, read a clock or touch a device
    {"umb"},
    {"errors", "conf", "_thumb", "_viper", "_plain", "late", "faults", "counters", "bits"},
    {"crc"},  # chooses between a plain module and its faster twin
    {"pdu", "blocks", "words"},
    {"store"},
    {
        "routes",
        "diagnostics",
        "identity",
        "files",
        "combined",
        "calls",
    },  # optional: loaded when asked for
    {"extras", "loop"},  # second halves of Server and Driver; they load of the row above
    {"frame.mbap", "frame.rtu", "frame.ascii"},
    {"frame.stream"},  # RTU frames without silence, on a network
    {"server", "client"},
)
ROWS = (
    *PURE_ROWS,
    {"port.sock", "port.tty", "port.counted", "port.delayed", "port.unsure", "port.wait"},
    {"port.dial"},  # how clients get their sockets
    {"line"},  # a port and a frame, for both roles on a serial line
    {"line_loop", "net_loop"},  # second halves of RTUServer and TCPServer
    {"uart"},  # what a line needs once
    {"client.functional"},  # optional: uModbus's functions, which the drivers offer as their own
    {"server.tcp", "server.udp", "server.rtu", "client.tcp", "client.udp", "client.rtu"},
    {"aio", "gateway", "utils"},
)
_PURE_IMPORTS = {"micropython", "struct", "sys"}
_MAY_PRINT = {"utils"}


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
    """Yield every import of a module: (line, dotted name), modules of umb without the "umb."."""
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
            yield node.lineno, one.removeprefix("umb.")


def faults(root, rows=ROWS):
    """Yield a sentence for each import, print or unplaced module that breaks the rule."""
    found = modules(root)
    rank = {name: number for number, row in enumerate(rows) for name in row}
    for name, tree in found.items():
        if name not in rank:
            yield f"{name} is in no row of tests/test_layers.py"
            continue
        for line, other in imports(name, tree, found):
            if other in rank:
                if rank[other] >= rank[name]:
                    yield f"{name}:{line} must not import umb.{other}"
            elif rank[name] < len(PURE_ROWS) and other not in _PURE_IMPORTS:
                yield f"{name}:{line} must not import {other}"
        if name not in _MAY_PRINT:
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
        ("pdu", "from .store import Store", "pdu:1 must not import umb.store"),
        ("pdu", "from umb.server import Server", "pdu:1 must not import umb.server"),
        ("pdu", "def f():\n    import time", "pdu:2 must not import time"),
        ("pdu", "from . import gateway", "pdu:1 must not import umb.gateway"),
        ("server/tcp", "from .rtu import x", "server.tcp:1 must not import umb.server.rtu"),
        ("server/tcp", "from ..aio import x", "server.tcp:1 must not import umb.aio"),
        ("server/tcp", "print(1)", "server.tcp:1 must not print"),
        ("server/__init__", "from .tcp import x", "server:1 must not import umb.server.tcp"),
        ("server/__init__", "from time import sleep", "server:1 must not import time"),
        ("stray", "", "stray is in no row of tests/test_layers.py"),
    ],
)
def test_a_fault_is_found(tmp_path, module, text, fault):
    for name in ("store", "gateway", "aio", "server/__init__", "server/rtu", module):
        path = tmp_path / "umb" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == module else "")
    assert list(faults(tmp_path)) == [fault]


def test_what_is_allowed_is_no_fault(tmp_path):
    good = {
        "pdu": "from micropython import const\nfrom . import conf\nfrom .errors import E",
        "errors": "",
        "conf": "",
        "server/__init__": "from ..pdu import check",
        "server/tcp": "import select\nfrom . import Server",
    }
    for name, text in good.items():
        path = tmp_path / "umb" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert list(faults(tmp_path)) == []


def test_constants_that_differ_are_found(tmp_path):
    (tmp_path / "umb").mkdir()
    (tmp_path / "umb" / "pdu.py").write_text("_SIZE = const(1 << 8)\n_N = const(1)")
    (tmp_path / "umb" / "store.py").write_text("_SIZE = const(255)\n_N = const(1)")
    assert private_constants(tmp_path)["_SIZE"] == {256: ["pdu"], 255: ["store"]}
    assert private_constants(tmp_path)["_N"] == {1: ["pdu", "store"]}
