"""The package files of mip equal what the sources need, part by part."""

import json
import os
import re
from pathlib import PurePath

import pytest

from tools import packages
from tools.env import ROOT
from tools.packages import FOLDER, PARTS, WHOLE, Library

NAMES = (WHOLE, *PARTS)
PLACES = [f"{WHOLE}.json", *(f"{FOLDER}/{part}.json" for part in PARTS)]
WANTED = re.compile(r"^ *from (\.+|umb\.?)([\w.]*) import ([\w, ]+|\([^)]+\))", re.M)


@pytest.fixture(scope="module")
def library():
    return Library()


def place_of(name):
    """Return the path of a package file."""
    return ROOT / PLACES[NAMES.index(name)]


def listed(name):
    """Return {what a package file installs: from where below the checkout}."""
    place = place_of(name)
    urls = json.loads(place.read_text())["urls"]
    folder = place.parent.relative_to(ROOT)
    return {target: os.path.normpath(folder / address) for target, address in urls}


def wanted(file):
    """Return the files that the imports of a file of umb name, packages included."""
    found = set()
    if not file.endswith(".py"):
        return found
    for base, module, names in WANTED.findall((ROOT / file).read_text()):
        above = (ROOT / file).parents[len(base) - 1] if base.startswith(".") else ROOT / "umb"
        folder = above.joinpath(*filter(None, module.split(".")))
        places = [folder, *(folder / name for name in re.findall(r"\w+", names))]
        found |= {place.with_suffix(".py") for place in places}
        found |= {place / "__init__.py" for place in places}
    found |= {parent / "__init__.py" for path in found for parent in path.parents}
    return {path.relative_to(ROOT).as_posix() for path in found if path.is_file()}


def test_they_are_what_the_generator_writes(library):
    made = dict(packages.package_files(library))
    assert list(made) == PLACES
    stale = [place for place, text in made.items() if (ROOT / place).read_text() != text]
    assert stale == [], "python3 tools/dev.py packages writes them anew"


def test_there_are_no_others():
    found = [*ROOT.glob("*.json"), *(ROOT / FOLDER).rglob("*.json")]
    assert sorted(path.relative_to(ROOT).as_posix() for path in found) == sorted(PLACES)


def test_the_whole_is_the_whole():
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "umb").rglob("*.py")}
    files |= set(packages.data(WHOLE))
    assert listed(WHOLE) == {file: file for file in files}


def test_data_is_there():
    assert packages.data(WHOLE)
    assert all((ROOT / file).is_file() for file in packages.data(WHOLE))


def test_every_module_is_in_a_part(library):
    assert set().union(*map(library.part, PARTS)) == set(library.paths)


@pytest.mark.parametrize("name", NAMES)
def test_its_addresses_work_for_mip(name):
    """mip puts an address behind the package file's folder, and resolves nothing."""
    place = place_of(name)
    content = json.loads(place.read_text())
    assert content.keys() == {"version", "urls"}
    assert content["version"] == packages.version()
    targets = [target for target, _ in content["urls"]]
    assert len(set(targets)) == len(targets)
    for target, address in content["urls"]:
        assert os.path.isfile(f"{place.parent}/{address}")
        assert address.startswith("umb/" if name == WHOLE else "../umb/")
        assert ".." not in target and not target.startswith("/")
        assert address.endswith(target)


@pytest.mark.parametrize("name", [part for part in NAMES if part != "umodbus"])
def test_files_are_installed_where_they_are(name):
    for target, file in listed(name).items():
        assert target == file


def test_umodbus_is_installed_by_its_own_name():
    files = listed("umodbus")
    moved = {target: file for target, file in files.items() if target != file}
    assert set(moved.values()) == {file for file in files.values() if "/umodbus/" in file}
    at_the_top = {target for target in moved if not target.startswith("umodbus/")}
    assert at_the_top == {"socket.py", "socketserver.py"}
    for target, file in moved.items():
        assert file == f"umb/umodbus/{target.removeprefix('umodbus/')}"


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_what_its_files_import(name):
    """By another way of looking for it than the generator's."""
    files = set(listed(name).values())
    for file in files:
        assert wanted(file) <= files, file


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_nothing_superfluous(name, library):
    """Each file is what users import, or what the table says it brings, or imported by another."""
    part, files = PARTS[name], set(listed(name).values())
    stated = {library.paths[module] for module in part.imports + part.brings}
    imported = {file for one in files for file in wanted(one)}
    folders = {str(parent) for file in files for parent in PurePath(file).parents}
    packages_of = {file for file in files if file.removesuffix("/__init__.py") in folders}
    assert files - stated - imported - packages_of == set(packages.data(name))
    assert not library.closure(part.imports) & set(part.brings)


@pytest.mark.parametrize(
    ("name", "has_not"),
    [
        ("server-rtu", "client/ sockets.py tcp.py mbap.py aio/ ascii.py udp.py tty.py functions/"),
        ("server-tcp", "client/ uart.py line.py server/rtu.py aio/ ascii.py udp.py functions/"),
        ("client-rtu", "server/ routes.py sockets.py tcp.py aio/ ascii.py udp.py tty.py"),
        ("client-tcp", "server/ routes.py uart.py line.py client/rtu.py aio/ udp.py tty.py"),
        ("aio", "server/ client/ port/ frame/ gateway/"),
        ("aio-client-rtu", "server/ gateway/ sockets.py tcp.py ascii.py udp.py tty.py"),
        ("aio-client-tcp", "server/ gateway/ uart.py line.py client/rtu.py udp.py tty.py"),
        ("gateway", "server/rtu.py aio/ ascii.py udp.py tty.py functions/"),
        ("functions", "server/ client/ port/ frame/ aio/"),
        ("umodbus", "umb/umodbus aio/ gateway/ ascii.py udp.py tty.py words.py functions/"),
    ],
)
def test_a_part_is_without_what_it_is_not_for(name, has_not):
    for file in listed(name):
        assert not [word for word in has_not.split() if word in file], file


def test_the_command_writes_what_is_stale(library, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    monkeypatch.setattr(packages, "Library", lambda: library)  # it reads all of umb, each time
    assert packages.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"{place} is stale" for place in PLACES]
    assert not list(tmp_path.iterdir())
    assert packages.main([]) == 0
    assert packages.main(["--check"]) == 0
    for place in PLACES:
        assert (tmp_path / place).read_text() == (ROOT / place).read_text()
    (tmp_path / FOLDER / "aio.json").write_text("{}")
    capsys.readouterr()
    assert packages.main(["--check"]) == 1
    assert capsys.readouterr().out == f"{FOLDER}/aio.json is stale\n"


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("from .b import x", "b"),
        ("from . import b", " b"),
        ("import umb.b", "b"),
        ("from umb import b", " b"),
        ("from .d.e import x", "d.e"),
        ("def f():\n    from .b import x", "b"),
        ("class C:\n    async def f(self):\n        from .d import e", "d d.e"),
        ("try:\n    from .b import x\nexcept ImportError:\n    from .d import x", "b d"),
        ("import time, struct\nfrom micropython import const", ""),
    ],
)
def test_an_import_is_found(tmp_path, text, imports):
    """A space before the names stands for umb itself."""
    (tmp_path / "umb" / "d").mkdir(parents=True)
    for name in ("__init__", "b", "d/__init__", "d/e"):
        (tmp_path / "umb" / f"{name}.py").write_text("")
    (tmp_path / "umb" / "a.py").write_text(text)
    itself = {""} if imports.startswith(" ") else set()
    assert Library(tmp_path).imported_by("a") == itself | set(imports.split())
