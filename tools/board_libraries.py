"""Libraries of other projects that boards load, for MicroPython on this PC: PyPI has them, too."""

import importlib.util
import re
import sys
from pathlib import Path

from tools.env import ROOT, Trouble, Venv, requirements

# The package that programs import: the file of requirements that names it.
LIBRARIES = {"microdot": "panel", "chumicro_mqtt": "mqtt"}
# Modules of umb that import one.
_IMPORTERS = {"chumicro_mqtt": "umb.bridge.mqtt"}
_OLDEST = {"mqtt": (3, 11)}  # the Python that these requirements need


def folders(program):
    """Return the folders for MICROPYPATH that a program's text needs. Installs what is missing."""
    named = []
    for name in LIBRARIES:
        modules = f"{name}|{re.escape(_IMPORTERS.get(name, name))}"
        if re.search(rf"^(from|import) ({modules})\b", program, re.M):
            named.append(name)
    return [str(folder(name)) for name in named]


def runs_here(name):
    """Return whether this Python is new enough for a library."""
    return sys.version_info >= _OLDEST.get(LIBRARIES[name], (3,))


def pins():
    """Return the pins of the requirements that this Python is new enough for, but not any one."""
    some = [name for name in _OLDEST if sys.version_info >= _OLDEST[name]]
    return [pin for name in some for pin in requirements(name)]


def folder(name):
    """Return a folder that has nothing but this package. Raises Trouble.

    The folder that Python has it in is no use: MicroPython would find packages there that are not
    for it.
    """
    source, home = _find(name, Path(sys.prefix)), Path(sys.prefix)
    if source is None:
        if not runs_here(name):
            needed = ".".join(map(str, _OLDEST[LIBRARIES[name]]))
            raise Trouble(f"{name} needs Python {needed} or later")
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
