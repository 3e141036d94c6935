"""Manifests: what they freeze, that nothing is missing, and that all of it compiles."""

import ast
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support.manifest import Manifest
from tools.board_libraries import folder
from tools.build import compile_file
from tools.env import ROOT
from tools.packages import FOLDER, PARTS

_PORTS = "$(PORT_DIR)/boards/manifest.py"
_BOARDS = "$(BOARD_DIR)/manifest.py"
# (port, what it tells mpy-cross of its machine code, the manifest that it would use for the board)
BOARDS = {
    "RPI_PICO": ("rp2", "armv6m", _PORTS),
    "RPI_PICO_W": ("rp2", "armv6m", _BOARDS),
    "RPI_PICO2": ("rp2", "armv7m", _PORTS),
    "RPI_PICO2_W": ("rp2", "armv7m", _BOARDS),
    "ESP32_GENERIC": ("esp32", "xtensawin", _PORTS),
    "ESP32_GENERIC_S3": ("esp32", "xtensawin", _PORTS),
    "ESP32_GENERIC_C3": ("esp32", "rv32imc", _PORTS),
    "ESP8266_GENERIC": ("esp8266", "xtensa", "$(BOARD_DIR)/manifest_2MiB.py"),
    "W5500_EVB_PICO": ("rp2", "armv6m", _BOARDS),
    "WT32_ETH01": ("esp32", "xtensawin", _PORTS),
    "OLIMEX_ESP32_POE": ("esp32", "xtensawin", _PORTS),
    "WAVESHARE_ESP32_S3_RELAY_6CH": ("esp32", "xtensawin", _PORTS),
    "unix": ("unix", None, "$(PORT_DIR)/variants/standard/manifest.py"),
}
BUILT_IN = {  # what firmware may bring, in one port or another
    *("array", "asyncio", "binascii", "collections", "errno", "esp", "esp32", "gc", "hashlib"),
    *("io", "json", "machine", "math", "micropython", "network", "ntptime", "os", "random", "re"),
    *("rp2", "select", "socket", "ssl", "struct", "sys", "termios", "time", "vfs", "webrepl"),
}
MICRODOT = {"microdot/__init__.py", "microdot/microdot.py"}
LIBRARIES = {"microdot"}  # which optional parts look for, and say if they are missing
THUMB = {"umb/fast/thumb.py"}
VIPER = {"umb/fast/viper.py", "umb/fast/values_viper.py"}
WHOLE = {path.relative_to(ROOT).as_posix() for path in (ROOT / "umb").rglob("*.py")}


def frozen(path, **options):
    """Return {what a file is called on the board: where it is} of what a manifest freezes."""
    files = Manifest(ROOT / path, **options).files
    found = {file.target: file.source.relative_to(ROOT).as_posix() for file in files}
    assert len(found) == len(files)
    return found


def targets(path, **options):
    """Return what a manifest freezes, by its name on the board."""
    return set(frozen(path, **options))


def installed(*parts):
    """Return {where it goes: where it is} of what these parts install on all boards."""
    found = {}
    for part in parts:
        place = ROOT / FOLDER / f"{part}.json"
        for target, address in json.loads(place.read_text())["urls"]:
            found[target] = (place.parent / address).resolve().relative_to(ROOT).as_posix()
    return {
        target: source
        for target, source in found.items()
        if target not in THUMB and target.endswith(".py")  # a page is not frozen
    }


def files_of(*parts):
    """Return what the package files of these parts install on all boards."""
    return set(installed(*parts))


def test_the_version_is_that_of_the_package():
    init = (ROOT / "umb" / "__init__.py").read_text()
    version = re.search(r'^__version__ = "(.+)"$', init, re.M)[1]
    assert Manifest(ROOT / "manifest.py").metadata["version"] == version


def test_without_options_all_of_umb_is_frozen():
    """But for what only some processors can run."""
    assert targets("manifest.py") == WHOLE - THUMB
    assert targets("manifest.py", thumb=True) == WHOLE


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ("client tcp udp", "client-tcp client-udp"),
        ("server", "server-rtu server-tcp server-udp"),
        ("tcp", "server-tcp client-tcp"),
        ("server client rtu", "server-rtu client-rtu"),
        ("server tcp aio", "server-tcp aio"),
        ("client tcp aio", "client-tcp aio-client-tcp"),
        ("tcp aio", "server-tcp client-tcp aio-client-tcp"),
        ("client rtu ascii", "client-rtu ascii"),
        ("umodbus server rtu", "umodbus server-rtu"),
    ],
)
def test_options_ask_for_parts(asked, parts):
    wanted = dict.fromkeys(asked.split(), True)
    assert frozen("manifest.py", **wanted) == installed(*parts.split())


@pytest.mark.parametrize("part", PARTS)
def test_every_part_can_be_asked_for(part):
    wanted = dict.fromkeys(part.split("-"), True)
    assert frozen("manifest.py", **wanted) == installed(part)


def test_umodbus_is_a_package_of_its_own_if_it_is_asked_for():
    names = targets("manifest.py", umodbus=True)
    assert {"umodbus/__init__.py", "umodbus/client/tcp.py", "socketserver.py"} <= names
    assert not [name for name in names if name.startswith("umb/umodbus")]
    assert not [name for name in targets("manifest.py") if not name.startswith("umb/")]


@pytest.mark.parametrize(
    ("refused", "gone"),
    [
        ("tty", "umb/port/tty.py"),
        ("ascii", "umb/frame/ascii.py"),
        ("udp", "umb/aio/udp.py umb/client/udp.py umb/server/udp.py"),
        (
            "gateway",
            "umb/client/forward.py umb/gateway/__init__.py umb/gateway/cache.py"
            " umb/gateway/path.py umb/gateway/unit_ids.py",
        ),
        ("umodbus", " ".join(sorted(name for name in WHOLE if name.startswith("umb/umodbus/")))),
    ],
)
def test_options_that_are_false_take_away(refused, gone):
    assert WHOLE - targets("manifest.py", **{refused: False}) == THUMB | set(gone.split())
    rest = targets("manifest.py", server=True, rtu=True, **{refused: False})
    assert rest == files_of("server-rtu")


def test_machine_code_can_be_left_out():
    assert WHOLE - targets("manifest.py", native=False) == THUMB | VIPER
    rest = targets("manifest.py", server=True, rtu=True, native=False)
    assert files_of("server-rtu") - rest == {"umb/fast/viper.py"}


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_gets_its_ports_own_umb_and_the_application(board):
    manifest = Manifest(ROOT / "boards" / board / "manifest.py")
    assert manifest.outside == [BOARDS[board][2]]
    names = {file.target for file in manifest.files}
    assert len(names) == len(manifest.files)
    names -= MICRODOT  # which is there if somebody has built firmware from this checkout
    assert {file.opt for file in manifest.files} == {3}
    architecture = BOARDS[board][1] or ""
    native = set() if architecture else VIPER
    native |= set() if architecture == "armv6m" else THUMB
    assert {name for name in names if name.startswith("umb/")} == WHOLE - native
    boards = ROOT / "boards"
    application = {path.relative_to(boards).as_posix() for path in boards.glob("app/**/*.py")}
    own = {path.name for path in (ROOT / "boards" / board).glob("*.py")} - {"manifest.py"}
    assert names - WHOLE == application | own | {"main.py"}
    assert "board.py" in own


def test_microdot_is_frozen_where_pip_has_put_it(tmp_path):
    """As docs/how-to/freeze.md does it: only what boards need of it."""
    (tmp_path / "umb").symlink_to(ROOT / "umb")
    (tmp_path / "manifest.py").symlink_to(ROOT / "manifest.py")
    shutil.copytree(
        ROOT / "boards", tmp_path / "boards", ignore=shutil.ignore_patterns("libraries")
    )
    path = tmp_path / "boards" / "RPI_PICO_W" / "manifest.py"
    without = {file.target for file in Manifest(path).files}
    shutil.copytree(folder("microdot"), tmp_path / "boards" / "libraries")
    assert (tmp_path / "boards" / "libraries" / "microdot" / "session.py").is_file()
    files = Manifest(path).files
    assert {file.target for file in files} - without == MICRODOT
    assert {file.opt for file in files} == {3}


@pytest.mark.parametrize("board", BOARDS)
def test_nothing_that_is_imported_is_missing(board):
    files = Manifest(ROOT / "boards" / board / "manifest.py").files
    there = {file.target.removesuffix(".py").replace("/", ".") for file in files}
    there |= {name.removesuffix(".__init__") for name in there}
    for file in files:
        if not file.target.startswith(("umb/", "microdot/")):  # of which there is everything
            missing = imported(file) - there - BUILT_IN - LIBRARIES
            assert missing == set(), file.target


def imported(file):
    """Return the modules that a program imports, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(file.source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = file.target.split("/")[: -node.level] if node.level else []
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {".".join([*above, name]) for name in names}
    return found


@pytest.mark.parametrize("architecture", {arch: 0 for _, arch, _ in BOARDS.values()})
def test_every_file_compiles_as_firmware_would_have_it(architecture, tmp_path):
    boards = [board for board in BOARDS if BOARDS[board][1] == architecture]
    manifests = [Manifest(ROOT / "boards" / board / "manifest.py") for board in boards]
    files = {file for manifest in manifests for file in manifest.files}
    assert len(files) >= len(WHOLE - THUMB)
    for file in files:
        compile_file(file.source, tmp_path / "out.mpy", file.target, architecture)
        assert (tmp_path / "out.mpy").read_bytes()[:2] == b"M\x06"


def micropythons_own():
    """Return MicroPython's module manifestfile, of the checkout that MPY_DIR names."""
    path = Path(os.environ["MPY_DIR"]) / "tools" / "manifestfile.py"
    spec = importlib.util.spec_from_file_location("manifestfile", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif("MPY_DIR" not in os.environ, reason="MPY_DIR names no MicroPython checkout")
@pytest.mark.parametrize("board", BOARDS)
def test_micropython_resolves_it_alike(board):
    theirs = micropythons_own()
    top = os.path.abspath(os.environ["MPY_DIR"])
    places = {"MPY_DIR": top, "MPY_LIB_DIR": f"{top}/lib/micropython-lib"}
    places["PORT_DIR"] = f"{top}/ports/{BOARDS[board][0]}"
    places["BOARD_DIR"] = f"{places['PORT_DIR']}/boards/{board}"
    manifest = theirs.ManifestFile(theirs.MODE_FREEZE, places)
    path = ROOT / "boards" / board / "manifest.py"
    manifest.execute(str(path))
    found = [(Path(f.full_path), f.target_path, f.opt) for f in manifest.files()]
    ours = [one for one in found if not one[0].is_relative_to(top)]
    assert sorted(ours) == sorted(map(tuple, Manifest(path).files))
    assert len(found) > len(ours)
