"""Settings that outlive a restart of the application: in a file, or in memory alone."""

from app import config
from app.check import Checked


class Kept:
    """The file at `path`, None: memory. `given`, the command line, holds until it is changed."""

    def __init__(self, path, given):
        self._path = path
        self._memory = {}
        keys = ("slave_id", "baudrate", "parity")
        self._given = {key: given[key] for key in keys if key in given}

    def load(self, board):
        """As app.config.load()."""
        if self._path:
            settings, faults, note = config.load(board, self._path)
        else:
            settings, faults, note = Checked(self._memory, board).settings, [], None
        settings.update(self._given)
        return settings, faults, note

    def save(self, changes):
        """Keep these settings for the next load(). Raises OSError if that cannot be done."""
        if self._path:
            config.save(changes, self._path)
        else:
            self._memory.update(changes)
        for key in changes:
            self._given.pop(key, None)
