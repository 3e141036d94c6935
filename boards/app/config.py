"""The file of settings, /umb.json: read and written atomically. check.py says what may be in it.

Python runs it too, for tools/flash.py.
"""

import json
import os

FILE = "/umb.json"
_NEW = ".new"


def load(board, path=FILE):
    """Return (settings, faults, note) of the file at path, complete with the board's defaults.

    faults is a list of sentences, each about one thing that was not taken; note is a sentence
    about the file, if there is something to tell. A board never fails to start for its settings.
    """
    from .check import Checked

    raw, broken = read(path)
    checked = Checked(raw or {}, board)
    note = None
    if broken:
        checked.faults.append("the file is broken ({}): defaults hold".format(broken))
    elif raw is None:
        note = "there is no {}: defaults hold".format(path)
    return checked.settings, checked.faults, note


def read(path=FILE):
    """Return (the dict in the file at path or None, what is wrong with the file)."""
    try:
        os.stat(path)
    except OSError:
        # Where renaming over a file takes two steps (FAT), a reset may leave only this.
        raw, _ = _parse(path + _NEW)
        return raw, ""  # torn or missing: no save has ever come to its end
    return _parse(path)


def _parse(path):
    try:
        with open(path) as file:
            raw = json.load(file)
    except (OSError, ValueError, MemoryError) as error:
        return None, str(error) or "no memory"
    if not isinstance(raw, dict):
        return None, "not an object"
    return raw, ""


def save(changes, path=FILE):
    """Write the file at path anew with these changes. Raises OSError if that cannot be done.

    A reset at any moment leaves the old file or the new one.
    """
    raw, _ = read(path)
    if raw is None:
        raw = {}
    raw.update(changes)
    new = path + _NEW
    try:
        with open(new, "w") as file:
            json.dump(raw, file)
    except OSError:
        remove(new)  # what there was room for
        raise
    os.rename(new, path)


def remove(path):
    """Remove a file if it is there."""
    try:
        os.remove(path)
    except OSError:
        pass
