"""The package files of mip equal what the sources need, part by part."""

import json
import re
from pathlib import PurePath

import pytest

from tools import packages
from tools.env import ROOT
from tools.packages import ON_REQUEST, PARTS, WHOLE, Library

NAMES = (WHOLE, *PARTS)
WANTED = re.compile(r"^ *from (\.+)([\w.]*) import ([\w, ]+|\([^)]+\))", re.M)


@pytest.fixture(scope="module")
def library():
    return Library()


def listed(name):
    """Return {what a package file installs: from where}."""
    return dict(json.loads((ROOT / f"{name}.json").read_text())["urls"])


def wanted(file):
    """Return the files that the imports of a file of umb name, packages included."""
    found = set()
    for dots, module, names in WANTED.findall((ROOT / file).read_text()):
        folder = (ROOT / file).parents[len(dots) - 1].joinpath(*filter(None, module.split(".")))
        places = [folder, *(folder / name for name in re.findall(r"\w+", names))]
        found |= {place.with_suffix(".py") for place in places}
        found |= {place / "__init__.py" for place in places}
    found |= {parent / "__init__.py" for path in found for parent in path.parents}
    return {path.relative_to(ROOT).as_posix() for path in found if path.is_file()}


def test_they_are_what_the_generator_writes(library):
    stale = [n for n, text in packages.package_files(library) if (ROOT / n).read_text() != text]
    assert stale == [], "python3 tools/dev.py packages writes them anew"


def test_there_are_no_others():
    found = {path.stem for path in ROOT.glob("*.json")}
    assert found == set(NAMES)


def test_the_whole_is_the_whole():
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "umb").rglob("*.py")}
    assert set(listed(WHOLE)) == files


def test_every_module_is_in_a_part(library):
    assert set().union(*map(library.part, PARTS)) == set(library.paths)


@pytest.mark.parametrize("name", NAMES)
def test_its_addresses_work_for_mip(name):
    """Relative and at or below the package file, or mip would look elsewhere; nothing else."""
    content = json.loads((ROOT / f"{name}.json").read_text())
    assert content.keys() == {"version", "urls"}
    assert content["version"] == packages.version()
    for target, source in content["urls"]:
        assert target == source
        assert (ROOT / source).is_file()
        assert source.startswith("umb/")
        assert ".." not in source


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_what_its_files_import(name):
    """By another way of looking for it than the generator's."""
    files = set(listed(name))
    on_request = {f"umb/{module.replace('.', '/')}.py" for module in ON_REQUEST}
    for file in files:
        assert wanted(file) - on_request <= files, file


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_nothing_superfluous(name, library):
    """Each file is what users import, or what the table says it brings, or imported by another."""
    part, files = PARTS[name], set(listed(name))
    stated = {library.paths[module] for module in part.imports + part.brings}
    imported = {file for one in files for file in wanted(one)}
    folders = {str(parent) for file in files for parent in PurePath(file).parents}
    packages_of = {file for file in files if file.removesuffix("/__init__.py") in folders}
    assert files - stated - imported - packages_of == set()
    assert not library.closure(part.imports) & set(part.brings)


@pytest.mark.parametrize(
    ("name", "has_not"),
    [
        ("server-rtu", "client/ socket sock.py tcp.py mbap.py aio.py ascii.py udp.py tty.py"),
        ("server-tcp", "client/ uart.py line.py server/rtu.py aio.py ascii.py udp.py tty.py"),
        ("client-rtu", "server/ routes.py sock.py tcp.py aio.py ascii.py udp.py tty.py"),
        ("client-tcp", "server/ routes.py uart.py line.py client/rtu.py aio.py udp.py tty.py"),
        ("aio", "server/ gateway.py ascii.py udp.py tty.py"),
        ("gateway", "server/rtu.py aio.py ascii.py udp.py tty.py"),
    ],
)
def test_a_part_is_without_what_it_is_not_for(name, has_not):
    for file in listed(name):
        assert not [word for word in has_not.split() if word in file], file


def test_the_command_writes_what_is_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    assert packages.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"{name}.json is stale" for name in NAMES]
    assert not list(tmp_path.iterdir())
    assert packages.main([]) == 0
    assert packages.main(["--check"]) == 0
    for name in NAMES:
        assert (tmp_path / f"{name}.json").read_text() == (ROOT / f"{name}.json").read_text()
    (tmp_path / "aio.json").write_text("{}")
    capsys.readouterr()
    assert packages.main(["--check"]) == 1
    assert capsys.readouterr().out == "aio.json is stale\n"


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
