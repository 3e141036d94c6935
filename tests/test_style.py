"""The whole tree passes ruff, as a linter and as a formatter."""

import subprocess
import sys

import pytest

from tools.env import ROOT


@pytest.mark.parametrize("command", [("check",), ("format", "--diff")], ids=("lint", "format"))
def test_ruff(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n" + done.stdout + done.stderr
