"""dev.py release: what does not agree is found; what it builds is whole, and can be installed."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from cyclonedx.model.bom import Bom

from tests.support.web import served
from tools import release
from tools.env import ROOT
from tools.packages import PARTS, WHOLE, version

MIP = """
import mip
mip.install({name!r}, index={index!r}, target={target!r}, mpy={mpy})
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a release, for one architecture beside those of all boards."""
    folder = tmp_path_factory.mktemp("release") / "made"
    release.build(folder, (release.ANY, "armv6m"))
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A folder with the files that name a version, as those of a release."""
    for name in ("umb/__init__.py", "manifest.py", f"{WHOLE}.json", "mip/server-rtu.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGES.md").write_text(f"# Changes\n\n## {version()} (2026-11-28)\n\n* One.\n")
    return tmp_path


# --- checks


def test_versions_that_agree(checkout):
    assert release.version_faults(checkout) == []


@pytest.mark.parametrize(
    ("name", "pattern", "new", "fault"),
    [
        ("manifest.py", 'version=".*?"', 'version="9.9.9"', "manifest.py has version 9.9.9"),
        ("mip/server-rtu.json", '"version": ".*?"', '"version": "9.9.9"', "mip/server-rtu.json"),
        ("CHANGES.md", r"## \S+", "## 9.9.9", "newest section of CHANGES.md is 9.9.9"),
        ("CHANGES.md", r"\(.*\)", "(not released)", "no date"),
        ("umb/__init__.py", r'"\d.*"', '"9.9.9"', "umb/__init__.py has 9.9.9"),
    ],
)
def test_versions_that_do_not_agree(checkout, name, pattern, new, fault):
    path = checkout / name
    text = re.sub(pattern, new, path.read_text(), count=1)
    assert text != path.read_text()
    path.write_text(text)
    assert fault in "\n".join(release.version_faults(checkout))


def test_files_that_are_not_committed(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    assert release.tree_faults() == []
    (tmp_path / "new.py").write_text("")
    assert release.tree_faults() == ["not committed: new.py"]


def test_generated_files_are_looked_at(monkeypatch):
    monkeypatch.setattr(release.docs, "build", lambda _: ["a broken link"])
    monkeypatch.setattr(release.packages, "package_files", lambda _: [("new.json", "{}")])
    assert release.generated_faults() == ["new.json is stale: dev.py packages", "a broken link"]


# --- what is built


def test_checksums(built):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", release.SUMS],
        cwd=built,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    named = {line.split("  ")[1] for line in (built / release.SUMS).read_text().splitlines()}
    there = {path.relative_to(built).as_posix() for path in release.files_in(built)}
    assert named == there - {release.SUMS}


def test_the_sources(built):
    name = f"umb-{version()}"
    with tarfile.open(built / f"{name}.tar.gz") as archive:
        found = set(archive.getnames())
    for file in (
        "README.md",
        "LICENSE",
        "umb/server/rtu.py",
        "tools/dev.py",
        "docs/start/slave.md",
    ):
        assert f"{name}/{file}" in found


@pytest.mark.parametrize("architecture", [release.ANY, "armv6m"])
def test_the_compiled_files(built, architecture):
    with zipfile.ZipFile(built / f"umb-{version()}-{architecture}.zip") as archive:
        names = set(archive.namelist())
        assert {f"{part}.json" for part in (WHOLE, *PARTS)} <= names
        assert archive.read("umb/server/rtu.mpy")[:2] == b"M\x06"
        fast = archive.read("umb/fast/__init__.mpy")
        assert (fast[2] >> 2 != 0) == (architecture != release.ANY)  # machine code
    assert (built / f"umb-{version()}-{architecture}.romfs").stat().st_size > 10_000


def test_an_archive_is_the_same_again(built, tmp_path):
    for name in ("one.zip", "two.zip"):
        release.write_zip(tmp_path / name, built / "index" / release.ANY / "package")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_bill_of_materials(built):
    bom = Bom.from_json(json.loads((built / release.BOM).read_text()))
    assert bom.metadata.component.name == "umb"
    assert bom.metadata.component.version == version()
    found = {one.name: next(iter(one.hashes)).content for one in bom.components}
    assert f"umb-{version()}.tar.gz" in found
    for name, digest in found.items():
        assert digest == hashlib.sha256((built / name).read_bytes()).hexdigest()
    assert [tool.name for tool in bom.metadata.tools.components] == ["mpy-cross"]


def install(micropython, built, target, name, mpy=True):
    """Have MicroPython's own mip install a package from the index; return the files."""
    with served(built) as address:
        index = f"{address}/index/{release.ANY}"
        program = MIP.format(name=name, index=index, target=str(target), mpy=mpy)
        done = subprocess.run(
            [micropython, "-c", program], cwd=target, capture_output=True, text=True, check=False
        )
    assert "Done" in done.stdout, done.stdout + done.stderr
    return {path.relative_to(target).as_posix() for path in release.files_in(target)}


@pytest.mark.parametrize("mpy", [True, False], ids=["mpy", "py"])
@pytest.mark.parametrize("part", [WHOLE, *PARTS])
def test_mip_installs_a_part(micropython, built, tmp_path, part, mpy):
    name = "umb" if part == WHOLE else f"umb-{part}"
    files = install(micropython, built, tmp_path, name, mpy)
    kind = "6" if mpy else "py"
    text = (built / f"index/any/package/{kind}/{name}/latest.json").read_text()
    assert files == {target for target, _ in json.loads(text)["hashes"]}
    assert any(file.endswith(".mpy") for file in files) == mpy


def test_what_is_installed_runs(micropython, built, tmp_path):
    install(micropython, built, tmp_path, "umb-server-tcp")
    program = "from umb.server import Server; from umb.store import Store; import umb.server.tcp\n"
    program += "print(umb.server.tcp.__file__, Server(Store(coils=8)).serves(1))"
    done = subprocess.run(
        [micropython, "-c", program],
        env={"MICROPYPATH": f"{tmp_path}:.frozen"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["umb/server/tcp.mpy", "True"]


def test_the_index_lists_its_packages(built):
    index = json.loads((built / "index" / release.ANY / "index.json").read_text())
    names = [package["name"] for package in index["packages"]]
    assert names == sorted(["umb", *(f"umb-{part}" for part in PARTS)])
    assert all(set(package["versions"]) == {"6", "py"} for package in index["packages"])


def test_two_files_with_one_hash_are_noticed(tmp_path):
    (tmp_path / "one").write_text("1")
    digits = release.put_file(tmp_path / "index", tmp_path / "one")
    (tmp_path / "index" / "file" / digits[:2] / digits).write_text("2")
    with pytest.raises(release.Trouble, match="hash of another file"):
        release.put_file(tmp_path / "index", tmp_path / "one")
