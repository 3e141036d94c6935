"""As much of argparse as programs with an option that has a value and a default need."""

import sys


class ArgumentParser:
    """Parses `-x VALUE` and `--name VALUE`."""

    def __init__(self):
        self._options = {}

    def add_argument(self, short, name, default):
        """Add an option by its two names."""
        self._options[short] = self._options[name] = name[2:], default

    def parse_args(self):
        """Return an object that has the options' values."""
        found = _Arguments()
        for name, default in self._options.values():
            setattr(found, name, default)
        words = sys.argv[1:]
        while words:
            setattr(found, self._options[words.pop(0)][0], words.pop(0))
        return found


class _Arguments:
    """The values."""
