"""What goes onto a board: the application and what it needs of umb, compiled for its processor."""

import ast
import functools
import hashlib
import runpy
import shutil
from pathlib import PurePosixPath

from boards.app.parts import OPTIONAL, ROLES
from tools import board_libraries
from tools.build import ARCHITECTURES, NATIVE, compile_file, compile_module, module_name, source_of
from tools.env import ROOT, Trouble
from tools.packages import Library, data

_BOARDS = ROOT / "boards"
_MPY_VERSION = 6
_NATIVE_VERSION = 3  # the sub-version of .mpy files with machine code
# Files of the application, and modules of umb, that boards without a network do without.
_OF_NETWORK = ("network", "tasks.py")
_UMB_OF_NETWORK = ("umb.server.tcp", "umb.server.udp", "umb.client.tcp", "umb.aio")
# The parts of the application that need a network, or two serial lines, and those that ask slaves.
_PARTS_OF_NETWORK = ("poller", *OPTIONAL)
_PARTS_OF_TWO_LINES = ("gateway",)
_PARTS_WITH_SLAVES = ("gateway", "poller")
_FOR_SLAVES = "masters"  # the folder that these need
# The libraries of other projects that optional parts need.
_LIBRARIES = {"mqtt": "chumicro_mqtt", "panel": "microdot"}
# The files of theirs that boards need; where a library is not named here, all but those of tests.
_FILES = {"microdot": ("__init__.py", "microdot.py")}
_OF_TESTS = "testing.py"
# The processors of the boards, for a --dry-run, which asks no board.
ARCHITECTURE_OF = {
    "RPI_PICO": "armv6m",
    "RPI_PICO_W": "armv6m",
    "RPI_PICO2": "armv7emsp",
    "RPI_PICO2_W": "armv7emsp",
    "ESP32_GENERIC": "xtensawin",
    "ESP32_GENERIC_S3": "xtensawin",
    "ESP32_GENERIC_C3": "rv32imc",
    "ESP8266_GENERIC": "xtensa",
    "W5500_EVB_PICO": "armv6m",
    "WT32_ETH01": "xtensawin",
    "OLIMEX_ESP32_POE": "xtensawin",
    "WAVESHARE_ESP32_S3_RELAY_6CH": "xtensawin",
}


def architecture(mpy):
    """Return the architecture of a board's machine code, None if it takes none.

    mpy   its sys.implementation._mpy
    """
    if mpy & 0xFF != _MPY_VERSION:
        raise Trouble(
            "this MicroPython is too old for umb, or too new: put another one on the board with "
            "--firmware stable"
        )
    number = mpy >> 10 & 0xF
    if mpy >> 8 & 3 != _NATIVE_VERSION or not 0 < number <= len(ARCHITECTURES):
        return None
    return ARCHITECTURES[number - 1]


def parts(network, lines, settings):
    """Return the folders of the application that a board with so many serial lines loads."""
    found = {settings.get("role", ROLES[0]), *filter(settings.get, OPTIONAL)}
    if not network:
        found.difference_update(_PARTS_OF_NETWORK)
        if lines < 2:
            found.difference_update(_PARTS_OF_TWO_LINES)
    if found.intersection(_PARTS_WITH_SLAVES):
        found.add(_FOR_SLAVES)
    return found


def application(network, chosen):
    """Return the sources of the application with the chosen parts."""
    left_out = {*ROLES, *OPTIONAL, _FOR_SLAVES} - chosen
    if not network:
        left_out.update(_OF_NETWORK)
    return [
        source
        for source in sorted(_BOARDS.glob("app/**/*.py"))
        if source.relative_to(_BOARDS / "app").parts[0] not in left_out
    ]


def umb_imports(files, network):
    """Return the modules of umb that these sources import, without the "umb."."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    wanted = {name for name in found if network or name not in _UMB_OF_NETWORK}
    return sorted(name.removeprefix("umb.") for name in wanted if name.startswith("umb."))


def libraries(chosen):
    """Return the folders of libraries of other projects that the chosen parts need."""
    return [
        board_libraries.folder(name) / name for part, name in _LIBRARIES.items() if part in chosen
    ]


@functools.cache
def _library():
    """Return umb's modules: what each of them imports takes a while to read."""
    return Library()


def sources(name, network, arch, settings=None):
    """Return {path on the board: source} for a board, sources of .mpy files being .py files.

    arch      the architecture of its machine code; None: it takes none
    settings  those that it has; None: its defaults
    """
    library = _library()
    board = runpy.run_path(str(_BOARDS / name / "board.py"))
    chosen = parts(network, len(board["UARTS"]), settings or {})
    files = application(network, chosen)
    names = umb_imports(files, network)
    found = {}
    for module in sorted(library.closure(names)):
        file = library.paths[module]
        if source_of(file, arch) and file not in NATIVE:
            found[str(PurePosixPath("/lib", file).with_suffix(".mpy"))] = ROOT / file
    for source in files:
        path = source.relative_to(_BOARDS)
        found[str(PurePosixPath("/lib", path).with_suffix(".mpy"))] = source
    for folder in libraries(chosen):
        for source in sorted(folder.glob("*.py")):
            wanted = _FILES.get(folder.name)
            if source.name in wanted if wanted else source.name != _OF_TESTS:
                path = PurePosixPath("/lib", folder.name, source.name)
                found[str(path.with_suffix(".mpy"))] = source
    if "panel" in chosen:
        for file in data("panel"):
            found[f"/lib/{file}"] = ROOT / file
    found["/board.py"] = _BOARDS / name / "board.py"
    found["/main.py"] = _BOARDS / "main.py"  # the last one: it starts the application
    return found


def compile_for_board(source, target, arch):
    """Compile a source of sources() to target."""
    if source.parent.name in _LIBRARIES.values():
        compile_file(source, target, module_name(f"{source.parent.name}/{source.name}"))
        return
    file = source.relative_to(ROOT).as_posix()
    if file.startswith("umb/"):
        compile_module(file, target, arch)
    else:
        compile_file(source, target, module_name(file.removeprefix("boards/")))


class Files:
    """The files of a board, made below `folder`: {path on the board: file}."""

    def __init__(self, folder, name, network, arch, settings=None):
        self.made = {}
        for path, source in sources(name, network, arch, settings).items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix != ".mpy":
                shutil.copyfile(source, target)
            else:
                compile_for_board(source, target, arch)
            self.made[path] = target
        self.folder = folder

    def add(self, files):
        """Add files, {path on the board: file}, in front: /main.py stays the last one."""
        self.made = {**files, **self.made}

    def leave_out(self, packages):
        """Leave out the compiled files of packages that the firmware has already."""
        self.made = {
            path: file
            for path, file in self.made.items()
            if file.suffix != ".mpy" or PurePosixPath(path).parts[2] not in packages
        }

    @property
    def size(self):
        """How many bytes the files have in all."""
        return sum(target.stat().st_size for target in self.made.values())

    def missing(self, there):
        """Return the paths of files that differ from those there: {path: [size, SHA-256]}."""
        return [
            path
            for path, target in self.made.items()
            if there.get(path, [0, ""])[1] != hashlib.sha256(target.read_bytes()).hexdigest()
        ]

    def stale(self, there, kept=()):
        """Return the paths of files that are there and not wanted: they might be imported.

        kept   paths of files that stay, too
        """
        return sorted(set(there) - set(self.made) - set(kept))

    def room(self, paths, there, block):
        """Return how many bytes the board's disk must have free to take these paths."""

        def blocks(size):
            return -(-size // block) * block

        new = sum(blocks(self.made[path].stat().st_size) for path in paths)
        old = sum(blocks(size) for path, (size, _) in there.items() if path not in self.made)
        folders = {str(PurePosixPath(path).parent) for path in paths}
        # A file's old content stays until the new one is whole, one file at a time.
        kept = sum(blocks(there[path][0]) for path in paths if path in there)
        return new + 2 * block * len(folders) - old - kept + 2 * block

    def folders(self):
        """Return the folders that the board has to have, in the order to make them."""
        found = set()
        for path in self.made:
            found.update(str(parent) for parent in PurePosixPath(path).parents)
        return sorted(found - {"/"})
