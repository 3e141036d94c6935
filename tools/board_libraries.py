"""Libraries of other projects that boards load, for MicroPython on this PC: PyPI has them, too."""

import importlib.util
import re
import sys
from pathlib import Path

from tools.env import ROOT, Trouble, Venv, requirements

# The package that programs import: the file of requirements that names it.
LIBRARIES = {"microdot": "panel"}


def folders(program):
    """Return the folders for MICROPYPATH that a program's text needs. Installs what is missing."""
    named = [name for name in LIBRARIES if re.search(rf"^(from|import) {name}\b", program, re.M)]
    return [str(folder(name)) for name in named]


def folder(name):
    """Return a folder that has nothing but this package. Raises Trouble.

    The folder that Python has it in is no use: MicroPython would find packages there that are not
    for it.
    """
    source, home = _find(name, Path(sys.prefix)), Path(sys.prefix)
    if source is None:
        home = ROOT / ".venv"
        Venv(home).provide(requirements(LIBRARIES[name]), f"{name} for boards")
        source = next(home.glob(f"lib/python*/site-packages/{name}"), None)
    if source is None:
        raise Trouble(f"{name} was installed, and is not there")
    place = home / "board-libraries" / name
    place.mkdir(parents=True, exist_ok=True)
    link = place / name
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return place


def _find(name, prefix):
    """Return the folder of a package that this Python has below `prefix`, or None."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin or prefix not in Path(spec.origin).parents:
        return None
    return Path(spec.origin).parent
