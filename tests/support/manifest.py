"""Manifests, resolved by the rules that MicroPython's documentation gives for manifest files."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple


class Frozen(NamedTuple):
    """A file that a manifest freezes."""

    source: Path
    target: str  # what it is called on the board
    opt: int  # mpy-cross -O


@contextlib.contextmanager
def _inside(folder):
    """Relative paths are relative to the manifest that names them."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class _Options:
    """What an included manifest finds as `options`."""

    def __init__(self, given):
        self._given, self._defaults = given, {}

    def defaults(self, **defaults):
        self._defaults = defaults

    def __getattr__(self, name):
        return self._given.get(name, self._defaults.get(name))


class Manifest:
    """A manifest and all that it includes: `files`, `metadata`, and `outside`.

    The latter are the manifests of MicroPython itself, "$(PORT_DIR)/...", which are left alone.
    """

    def __init__(self, path, **options):
        self.files, self.metadata, self.outside = [], {}, []
        self._seen = set()
        self._include(str(path), **options)

    def _include(self, path, **options):
        if not isinstance(path, str):
            for one in path:
                self._include(one, **options)
        elif path.startswith("$("):
            self.outside.append(path)
        else:
            place = Path(path).resolve()
            place = place / "manifest.py" if place.is_dir() else place
            if place not in self._seen:  # a second time it does nothing, whatever the options
                self._seen.add(place)
                with _inside(place.parent):
                    exec(compile(place.read_text(), place, "exec"), self._names(options))

    def _names(self, options):
        return {
            "include": self._include,
            "metadata": lambda **told: self.metadata.update(told),
            "module": self._module,
            "options": _Options(options),
            "package": self._package,
        }

    def _module(self, path, base_path=".", opt=None):
        self._add(Path(base_path), path, opt)

    def _package(self, path, files=None, base_path=".", opt=None):
        base = Path(base_path)
        if files is None:
            files = [str(one.relative_to(base / path)) for one in (base / path).rglob("*.py")]
        for file in files:
            self._add(base, os.path.join(path, file), opt)

    def _add(self, base, file, opt):
        source = (base / file).resolve(strict=True)
        assert source.suffix == ".py", source
        self.files.append(Frozen(source, file, opt))
