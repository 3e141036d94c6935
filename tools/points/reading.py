"""Whether umb reads a file of points, as a board would."""

import os
import subprocess

from tools.env import ROOT, micropython

_PROGRAM = "from umb.points import Points\nPoints.load({!r})\n"


def refusal(file):
    """Return the line in which umb refuses a file of points, None if it reads it."""
    done = subprocess.run(
        [micropython(), "-c", _PROGRAM.format(str(file))],
        env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return None
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1] if said else f"MicroPython ended with status {done.returncode}"
