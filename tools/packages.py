"""dev.py packages: the package files of mip, package.json for all of umb and one file a part.

Each lists every file that its part needs: mip joins addresses as text, so that a package file has
to stand above its files, and a list without dependencies installs from any fork, tag or folder.
"""

import argparse
import ast
import json
import re
from typing import NamedTuple

from tools.env import ROOT

WHOLE = "package"


class Part(NamedTuple):
    """What a package file installs: these modules of umb and all that they import, ever."""

    imports: tuple  # what its users import
    brings: tuple = ()  # what they may want besides, and nothing here imports


_SERVER = ("errors", "utils", "words")
# A name is the option of manifest.py that asks for it, or a role and a transport: two options.
PARTS = {
    "server-rtu": Part(("server", "server.rtu", "store"), _SERVER),
    "server-tcp": Part(("server", "server.tcp", "store"), _SERVER),
    "server-udp": Part(("server", "server.udp", "store"), _SERVER),
    "client-rtu": Part(("client.rtu",), ("words",)),
    "client-tcp": Part(("client.tcp",), ("words",)),
    "client-udp": Part(("client.udp",), ("words",)),
    "aio": Part(("aio",), ("words",)),
    "gateway": Part(("gateway", "client.rtu", "server.tcp"), ("utils",)),
    "ascii": Part(("frame.ascii",)),
    "tty": Part(("port.tty",)),
}
# Who wants these installs their part: others do not bring them for being able to load them.
ON_REQUEST = ("frame.ascii",)


class Library:
    """The modules of umb below a folder, by their names without the "umb.", and their imports."""

    def __init__(self, root=ROOT):
        self.paths = {}  # name: path below root
        self._trees = {}
        for path in sorted((root / "umb").rglob("*.py")):
            place = path.relative_to(root)
            parts = place.with_suffix("").parts[1:]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            self.paths[name] = place.as_posix()
            self._trees[name] = ast.parse(path.read_text(), str(path))

    def imported_by(self, name):
        """Return the modules that a module imports, at once or when a function of it is called."""
        found = set()
        for node in ast.walk(self._trees[name]):
            if isinstance(node, ast.ImportFrom):
                base = self._base(name, node)
                found.update(f"{base}.{alias.name}" for alias in node.names)
                found.add(base)
            elif isinstance(node, ast.Import):
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

    def closure(self, names, without=()):
        """Return names and all that they import, packages included, but nothing of `without`."""
        found, unread = set(), list(names)
        while unread:
            name = unread.pop()
            if name not in found:
                found.add(name)
                unread += self.imported_by(name) - set(without)
                while name:  # the packages that it is in
                    name = name.rpartition(".")[0]
                    if name in self.paths:
                        unread.append(name)
        return found

    def part(self, name):
        """Return the modules of a part, or of all of umb."""
        if name == WHOLE:
            return set(self.paths)
        wanted = PARTS[name].imports + PARTS[name].brings
        return self.closure(wanted, set(ON_REQUEST) - set(wanted))

    def files(self, name):
        """Return the places below the checkout of a part's files, in order."""
        return sorted(self.paths[module] for module in self.part(name))


def version(root=ROOT):
    """Return umb's version."""
    return re.search(r'__version__ = "(.+)"', (root / "umb" / "__init__.py").read_text())[1]


def package_file(files):
    """Return the text of a package file that installs files, from beside it to where they are."""
    urls = ",\n".join(f"    {json.dumps([file, file])}" for file in files)
    return f'{{\n  "version": "{version()}",\n  "urls": [\n{urls}\n  ]\n}}\n'


def package_files(library, rename=str):
    """Yield (name, text) of every package file.

    rename(file) is what a file is called there, None if it is not.
    """
    for name in (WHOLE, *PARTS):
        files = map(rename, library.files(name))
        yield f"{name}.json", package_file([file for file in files if file])


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
                path.write_text(text)
    return 1 if check and stale else 0
