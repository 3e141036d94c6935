"""dev.py dist: the .mpy tree, its package files and the ROMFS image, looked into and used."""

import json
import os
import subprocess
import sys

import pytest
from pymodbus.client import ModbusTcpClient

from tests.support.service import Service, free_port
from tools import build, dist
from tools.build import ARCHITECTURES, NATIVE, ROMFS
from tools.env import ROOT, Trouble
from tools.packages import FOLDER, PARTS, WHOLE, data, version

PROGRAM = ROOT / "tests" / "install" / "server_tcp.py"
BOARDS = ("armv6m", "armv7m", "xtensa", "xtensawin", "rv32imc", "x64")
SOURCES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "umb").rglob("*.py")}
# Mounts the image the way a board does, and runs argv[2] with the arguments after it.
ON_ROM = """
import sys, vfs
vfs.mount(vfs.VfsRom(open(sys.argv[1], "rb").read()), "/rom")
sys.path = ["/rom/lib", ".frozen", sys.argv[2].rsplit("/", 1)[0]]
import umb.server.tcp
print(umb.server.tcp.__file__)
del sys.argv[:2]
exec(open(sys.argv[0]).read())
"""
WALK = """
import os, sys, vfs
vfs.mount(vfs.VfsRom(open(sys.argv[1], "rb").read()), "/rom")
def walk(path):
    for name, kind, *_ in os.ilistdir(path):
        if kind == 0x4000:
            walk(path + "/" + name)
        else:
            with open(path + "/" + name, "rb") as file:
                print(path + "/" + name, file.read().hex())
walk("/rom")
"""


def files_in(folder):
    """Return {place below folder: content} of all files."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder as it is made for any board."""
    folder = tmp_path_factory.mktemp("dist")
    build.make_dist(folder)
    return folder


@pytest.fixture(scope="module")
def tree(made):
    """The files below umb, by their places below the folder."""
    return {f"umb/{name}": data for name, data in files_in(made / "umb").items()}


def test_all_is_compiled_but_the_machine_code(tree):
    modules = {name.replace(".mpy", ".py") for name in tree} - set(data(WHOLE))
    assert modules == SOURCES
    assert sorted(name for name in tree if name.endswith(".py")) == sorted(NATIVE)
    for name, content in tree.items():
        if not name.endswith(".mpy"):
            assert content == (ROOT / name).read_bytes()
        else:
            assert content[:2] == b"M\x06", name
            assert content[2] >> 2 == 0, name  # for any processor


@pytest.mark.parametrize("arch", BOARDS)
def test_an_architecture_has_its_machine_code_instead_of_a_choice(tmp_path, tree, arch):
    loops = build.THUMB if arch.startswith("armv") else build.VIPER
    native = {}
    for file, chosen in ((build.CHOICE, loops), (build.VALUES_CHOICE, build.VALUES)):
        path = tmp_path / "native.mpy"
        build.compile_file(ROOT / chosen, path, build.module_name(file), arch)
        native[file.replace(".py", ".mpy")] = code = path.read_bytes()
        assert code[:2] == b"M\x06"
        assert code[2] >> 2 == ARCHITECTURES.index(arch) + 1
        path.unlink()
    build.make_tree(tmp_path, arch)
    gone = {name.replace(".py", ".mpy") for name in build.CHOSEN} | set(NATIVE)
    rest = {name: data for name, data in tree.items() if name not in gone}
    assert files_in(tmp_path) == {**rest, **native}


@pytest.mark.parametrize("name", (WHOLE, *PARTS))
def test_package_files_list_the_compiled_files(made, tree, name):
    """As in the checkout, but beside their files."""

    def renamed(file):
        return file if file in NATIVE else file.replace(".py", ".mpy")

    place = ROOT / ("" if name == WHOLE else FOLDER) / f"{name}.json"
    there = json.loads(place.read_text())["urls"]
    here = json.loads((made / f"{name}.json").read_text())
    assert here["urls"] == [[renamed(to), renamed(at.removeprefix("../"))] for to, at in there]
    assert here["version"] == version()
    assert {file for _, file in here["urls"]} <= set(tree)


def test_there_is_nothing_else(made, tree):
    names = {f"{name}.json" for name in (WHOLE, *PARTS)}
    assert set(files_in(made)) == set(tree) | names | {ROMFS}


def test_what_was_there_goes(tmp_path):
    (tmp_path / "umb").mkdir()
    (tmp_path / "umb" / "stale.py").write_text("stale")
    (tmp_path / "mine.txt").write_text("not ours")
    build.make_dist(tmp_path, "armv6m")
    files = files_in(tmp_path)
    assert "umb/stale.py" not in files
    assert not set(NATIVE) & set(files)
    assert "umb/fast/__init__.mpy" in files
    assert files["mine.txt"] == b"not ours"


def test_asserts_and_line_numbers_are_left_out(micropython, tmp_path):
    source = tmp_path / "source.py"
    source.write_text("assert False\n\n\ndef f():\n    raise OSError\n")
    build.compile_file(source, tmp_path / "code.mpy", "shown/name.py")
    program = "import sys, code\ntry: code.f()\nexcept OSError as e: sys.print_exception(e)"
    env = {**os.environ, "MICROPYPATH": str(tmp_path)}
    command = [micropython, "-c", program]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    assert '  File "shown/name.py", line 1, in f' in (done.stdout + done.stderr).splitlines()


def test_a_file_that_does_not_compile_is_told(tmp_path):
    (tmp_path / "bad.py").write_text("def f(:\n")
    with pytest.raises(Trouble, match=r"umb/bad\.py does not compile: SyntaxError"):
        build.compile_file(tmp_path / "bad.py", tmp_path / "bad.mpy", "umb/bad.py")
    with pytest.raises(Trouble, match="invalid arch"):
        build.compile_file(ROOT / build.VIPER, tmp_path / "bad.mpy", "umb.fast.viper")


def test_the_image_holds_the_tree(micropython, made, tree, tmp_path):
    program = tmp_path / "walk.py"
    program.write_text(WALK)
    command = [micropython, program, made / ROMFS]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = dict(line.split(" ") for line in done.stdout.splitlines())
    assert found == {f"/rom/lib/{name}": data.hex() for name, data in tree.items()}


@pytest.mark.parametrize("arch", [None, "x64"])
def test_the_image_runs(micropython, made, tmp_path, arch):
    folder = made
    if arch:
        folder = tmp_path
        build.make_dist(folder, arch)
    program = tmp_path / "rom.py"
    program.write_text(ON_ROM)
    port = free_port()
    env = {**os.environ, "MICROPYPATH": ".frozen"}
    service = Service([micropython, program, folder / ROMFS, PROGRAM, port], env=env)
    service.wait_for("ready")
    assert service.lines[0] == "/rom/lib/umb/server/tcp.mpy"
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
    assert client.connect()
    assert client.read_holding_registers(0, count=2).registers == [1, 0xE240]
    assert client.read_holding_registers(4, count=1, device_id=2).registers == [2304]
    client.close()
    service.end()


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dist.main(["--output", "out", "--arch", "xtensa"]) == 0
    said = capsys.readouterr().out.splitlines()
    files = files_in(tmp_path / "out" / "umb")
    assert said[0] == f"out/umb: {len(files)} files, {sum(map(len, files.values()))} bytes"
    assert said[1].startswith("out/package.json ")
    assert said[2] == f"out/{ROMFS}: {(tmp_path / 'out' / ROMFS).stat().st_size} bytes"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--arch", "z80"], "invalid choice: 'z80'"),
        (["--output", "/dev/null/x"], "cannot write /dev/null/x"),
    ],
)
def test_the_command_says_what_is_wrong(words, complaint):
    command = [sys.executable, str(ROOT / "tools" / "dev.py"), "dist", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
