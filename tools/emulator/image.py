"""What goes onto the board's flash: a program and what it needs of `umb`, in a littlefs image."""

import ast
import re
import tempfile
from pathlib import Path

from littlefs import LittleFS, UserContext

from tools.build import compile_file, compile_module, compiled, source_of
from tools.env import ROOT

ARCH = "armv6m"  # the RP2040's Cortex-M0+
_DISK_VERSION = 0x00020000  # littlefs 2.0: every firmware can mount it
_PROG_SIZE = 256  # a flash page


def program_files(*sources):
    """{path on the board: bytes} of programs and all of `umb` that they import, compiled."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        files = {}
        for source in sources:
            compile_file(source, out, source.stem)
            files[f"/{source.stem}.mpy"] = out.read_bytes()
        for module in library_of(sources):
            file = module.relative_to(ROOT).as_posix()
            if source_of(file, ARCH):
                compile_module(file, out, ARCH)
                files["/lib/" + compiled(file, ARCH)] = out.read_bytes()
        return files


def library_of(sources):
    """The files of `umb` that the programs import, at once or later, and what those import."""
    found, unread = set(), list(sources)
    while unread:
        for module in _imported(unread.pop()) - found:
            found.add(module)
            unread.append(module)
    return sorted(found)


def _imported(source):
    """The files of `umb` whose modules, or names out of them, are imported in `source`."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = source.parents[node.level - 1].relative_to(ROOT).parts if node.level else ()
            parts = (*base, *node.module.split(".")) if node.module else base
            names |= {parts, *((*parts, alias.name) for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
    files = set()
    for parts in names:
        if parts[0] == "umb":
            for end in range(1, len(parts) + 1):
                at = ROOT.joinpath(*parts[:end])
                files |= {at.with_suffix(".py"), at / "__init__.py"}
            files |= _homes(ROOT.joinpath(*parts[:-1]), parts[-1])
    return {file for file in files if file.is_file()}


def _homes(package, name):
    """The files in which a package may have a name that it loads when it is first used."""
    init = package / "__init__.py"
    if not init.is_file() or "def __getattr__" not in init.read_text():
        return set()
    text = init.read_text()
    if re.search(rf"^(async )?(def|class) {name}\b|^{name} =", text, re.M):
        return set()
    defined = re.compile(rf"^class {name}\b|^{name} =", re.M)
    return {path for path in package.glob("*.py") if defined.search(path.read_text())}


def littlefs(files, block_size, block_count):
    """A littlefs image with `files` ({absolute path: bytes}) in it."""
    fs = LittleFS(
        context=UserContext(buffsize=block_size * block_count),
        block_size=block_size,
        block_count=block_count,
        prog_size=_PROG_SIZE,
        disk_version=_DISK_VERSION,
    )
    for path, data in files.items():
        folder = path.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        with fs.open(path, "wb") as file:
            file.write(data)
    fs.unmount()
    return bytes(fs.context.buffer)
