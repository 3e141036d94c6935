"""The first request of every kind takes no memory: it is answered where there is none left."""

import os
import subprocess

import pytest

from tools.env import ROOT

_PROGRAM = ROOT / "tests" / "mpy" / "first_requests.py"
_KINDS = 140  # of requests, or more


@pytest.mark.parametrize("how", ["full", "locked", "counted"])
@pytest.mark.parametrize("transport", ["RTU", "ASCII", "TCP", "GATEWAY"])
def test_every_kind(micropython, transport, how):
    """In a process of its own, so that nothing of it has been loaded or used before."""
    done = subprocess.run(
        [micropython, "-X", "heapsize=700K", _PROGRAM, transport, how],
        env={**os.environ, "MICROPYPATH": f"{ROOT}:{_PROGRAM.parent}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    right, _, count, *_ = lines[-1].split()
    assert right == count and int(count) > _KINDS, done.stdout
