"""dev.py packages: the package files of mip, one for all of umb and one a part.

Each lists every file that its part needs, without dependencies: so it installs from any fork, tag
or folder. mip resolves no addresses: it puts a relative one behind the folder of the package file
and asks for that, "mip/../umb/serve.py". A folder and most servers of files understand it; whether
GitHub does is not known. So package.json, which is for repositories, stands in the root above all
its files. The parts in mip/ are for a checkout; dev.py dist puts them above their files, too.
"""

import argparse
import ast
import functools
import json
import os
import re
from typing import NamedTuple

from tools.env import ROOT

WHOLE = "package"
FOLDER = "mip"  # where the package files of the parts are


class Part(NamedTuple):
    """What a package file installs: modules of umb, and all that these import, early or late."""

    imports: tuple  # modules that programs import
    brings: tuple = ()  # modules that programs may import, too, and no other one of the part does
    moves: tuple = ()  # (prefix of a file's path, what takes its place on the board)
    data: tuple = ()  # files below umb that are no modules


_VALUES = ("words", "sunspec")
_SERVER = ("errors", *_VALUES)
_UMODBUS = (
    ("umb/umodbus/socket.", "socket."),
    ("umb/umodbus/socketserver.", "socketserver."),
    ("umb/umodbus/", "umodbus/"),
)
# The words of a part's name are the options of manifest.py that ask for it.
PARTS = {
    "server-rtu": Part(("server", "server.rtu", "store"), (*_SERVER, "frame.lengths", "port.pio")),
    "server-tcp": Part(("server", "server.tcp", "store"), (*_SERVER, "frame.rtu_stream")),
    "server-udp": Part(("server", "server.udp", "store"), _SERVER),
    "client-rtu": Part(("client.rtu",), (*_VALUES, "frame.lengths")),
    "client-tcp": Part(("client.tcp",), (*_VALUES, "frame.rtu_stream")),
    "client-udp": Part(("client.udp",), _VALUES),
    "gateway": Part(("gateway", "client.rtu", "server.tcp")),
    "functions": Part(("functions.diagnostics", "functions.files", "functions.identity")),
    "points": Part(("points", "points.store"), ("errors",)),
    "poller": Part(("poller",), ("poller.mirror",)),
    "panel": Part(
        ("panel", "panel.passwords"), ("panel.web", "records"), (), ("panel/page.html.gz",)
    ),
    "bridge": Part(
        ("bridge", "points.store"), ("bridge.discovery", "bridge.mqtt", "bridge.umqtt")
    ),
    "sparkplug": Part(("sparkplug", "points.store"), ("bridge.mqtt",)),
    "ascii": Part(("frame.ascii",)),
    "tty": Part(("port.tty",)),
    "aio": Part(("aio",)),
    "aio-client-rtu": Part(("aio", "aio.rtu"), (*_VALUES, "frame.lengths")),
    "aio-client-tcp": Part(("aio", "aio.tcp"), (*_VALUES, "frame.rtu_stream")),
    "aio-client-udp": Part(("aio", "aio.udp"), _VALUES),
    "umodbus": Part(
        ("umodbus", "umodbus.server.tcp", "umodbus.socketserver", "umodbus.utils"),
        (
            "umodbus.client.tcp",
            "umodbus.client.serial.rtu",
            "umodbus.exceptions",
            "umodbus.server.serial.rtu",
            "umodbus.socket",
        ),
        _UMODBUS,
    ),
}


class Library:
    """The modules of umb below a folder, by their names without the "umb.", and their imports."""

    def __init__(self, root=ROOT):
        self.paths = {}  # name: path below root
        self._root = root
        self._imported = {}  # what imported_by() has found
        for path in sorted((root / "umb").rglob("*.py")):
            place = path.relative_to(root)
            parts = place.with_suffix("").parts[1:]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            self.paths[name] = place.as_posix()

    def imported_by(self, name):
        """Return the modules that a module imports, at once or when a function of it is called."""
        if name not in self._imported:
            self._imported[name] = self._find_imports(name)
        return self._imported[name]

    def _find_imports(self, name):
        found = set()
        path = self._root / self.paths[name]
        for node in _import_statements(path, path.read_text()):
            if isinstance(node, ast.ImportFrom):
                base = self._base(name, node)
                found.update(f"{base}.{alias.name}" for alias in node.names)
                found.add(base)
            else:
                found.update(alias.name for alias in node.names)
        inside = {one.partition(".")[2] for one in found if one.partition(".")[0] == "umb"}
        return inside & self.paths.keys()

    def _base(self, name, node):
        """Return the dotted name, "umb" and all, of what `from X import y` takes X to be."""
        if not node.level:
            return node.module
        inside = ["umb", *filter(None, name.split("."))]
        if not self.paths[name].endswith("/__init__.py"):
            inside.pop()
        inside = inside[: len(inside) - node.level + 1]
        return ".".join([*inside, node.module] if node.module else inside)

    def closure(self, names):
        """Return names and all that they import, packages included."""
        found, unread = set(), list(names)
        while unread:
            name = unread.pop()
            if name not in found:
                found.add(name)
                unread += self.imported_by(name)
                while name:  # the packages that it is in
                    name = name.rpartition(".")[0]
                    if name in self.paths:
                        unread.append(name)
        return found

    def part(self, name):
        """Return the modules of a part, or of all of umb."""
        if name == WHOLE:
            return set(self.paths)
        return self.closure(PARTS[name].imports + PARTS[name].brings)

    def files(self, name):
        """Return the places below the checkout of a part's files, in order."""
        return sorted([self.paths[module] for module in self.part(name)] + data(name))


@functools.cache
def _import_statements(path, text):
    """Return the imports of a module, which need not be looked for twice in the same text."""
    nodes = ast.walk(ast.parse(text, str(path)))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def data(name):
    """Return the places below the checkout of a part's files that are no modules, in order."""
    parts = PARTS.values() if name == WHOLE else [PARTS[name]]
    return sorted({f"umb/{file}" for part in parts for file in part.data})


def version(root=ROOT):
    """Return umb's version."""
    return re.search(r'__version__ = "(.+)"', (root / "umb" / "__init__.py").read_text())[1]


def target(name, file):
    """Return where below lib/ a part puts a file of umb."""
    for beginning, place in PARTS[name].moves if name in PARTS else ():
        if file.startswith(beginning):
            return place + file.removeprefix(beginning)
    return file


def package_file(targets, folder=""):
    """Return the text of a package file in a folder of the checkout.

    targets   {where a file is installed: where it is below the checkout}
    """
    pairs = [[to, os.path.relpath(file, folder or ".")] for to, file in sorted(targets.items())]
    urls = ",\n".join(f"    {json.dumps(pair)}" for pair in pairs)
    return f'{{\n  "version": "{version()}",\n  "urls": [\n{urls}\n  ]\n}}\n'


def package_files(library, rename=str, folder=FOLDER):
    """Yield (place, text) of every package file, those of parts in a folder.

    rename(file) returns the name of a file there, None if it is left out.
    """
    for name in (WHOLE, *PARTS):
        files = filter(None, map(rename, library.files(name)))
        inside = "" if name == WHOLE else folder
        text = package_file({target(name, file): file for file in files}, inside)
        yield os.path.join(inside, f"{name}.json"), text


def main(args):
    """Write the package files anew; with --check return 1 if that would change one."""
    parser = argparse.ArgumentParser(prog="dev.py packages", description="mip's package files")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what is stale")
    check = parser.parse_args(args).check
    stale = 0
    for name, text in package_files(Library()):
        path = ROOT / name
        if not path.exists() or path.read_text() != text:
            stale += 1
            print(f"{name} {'is stale' if check else 'written'}")
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    return 1 if check and stale else 0
