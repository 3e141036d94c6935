"""Settings that stay after a restart of the application: in a file, or in memory alone."""

from app import config
from app.check import Checked
from app.loading import load

_OPTIONS = ("role", "slave_id", "baudrate", "parity")


class StoredSettings:
    """The settings in the file at `path`; None: in memory. It has the calls of app.config.

    given   options of the command line. They hold until a client changes them
    line2   the setting line2, if there is none in the file; None: there is none
    """

    def __init__(self, path, given, line2=None):
        self._path = path
        self._memory = {}
        self._given = {key: given[key] for key in _OPTIONS if key in given}
        self._line2 = line2
        self._is_verbose = given.get("verbose", False)
        self._changes = {}  # the last arguments of compose()
        self._replace = False

    def load(self, board):
        """Return what app.config.load() returns."""
        if self._path:
            return load(board, self._path, self._amend)
        raw = dict(self._memory)
        self._amend(raw)
        checked = Checked(raw, board)
        return checked.settings, ["{}: {}".format(*one) for one in checked.problems], None

    def _amend(self, raw):
        """Put the options of the command line in the place of settings."""
        raw.update(self._given)
        if self._is_verbose:
            raw["log"] = "all"
        raw.setdefault("log", "events")
        if self._line2 is not None:
            raw.setdefault("line2", self._line2)

    def read(self):
        """Return what was saved, see app.config.read()."""
        return config.read(self._path) if self._path else dict(self._memory)

    def compose(self, changes, replace=False):
        """Return what is to be written for these changes, see app.config.compose()."""
        self._changes = changes
        self._replace = replace
        return config.compose(changes, self._path, replace) if self._path else b""

    def write(self, data):
        """Keep what compose() has returned for the next load(). Raises OSError."""
        if self._path:
            config.write(data, self._path)
        else:
            if self._replace:
                self._memory = {}
            self._memory.update(self._changes)
        for key in self._changes:
            self._given.pop(key, None)
