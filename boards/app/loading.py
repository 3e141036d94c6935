"""The settings of a board, made of its file.

CPython runs it, too, for tests and for boards/unix.
"""

from .config import FILE, read
from .defaults import defaults


def load(board, path=FILE, amend=None):
    """Return (settings, problems, note) of the file at path, complete with the board's defaults.

    amend   amend(raw) changes what the file has before it is checked

    problems is a list of sentences, each about one thing that could not be used; note is a
    sentence about the file, or None. Neither a bad file nor a lack of memory raises an exception.
    check.py is loaded only if there is a file.
    """
    problems = []
    note = None
    raw = {}
    try:
        raw = read(path)
        if raw is None:
            note = "there is no {}: defaults hold".format(path)
    except Exception as error:  # noqa: BLE001 - a board starts whatever its file is like
        problems.append(_unusable(error))
    try:
        return _checked(raw, amend, board, problems), problems, note
    except Exception as error:  # noqa: BLE001 - as above
        problems.append(_unusable(error))
    raw = None  # its memory is free for what follows
    return defaults(board), problems, None


def _unusable(error):
    return "the file cannot be used ({}): defaults hold".format(str(error) or "no memory")


def _checked(raw, amend, board, problems):
    """Return the settings of a file, None: there is none. Puts what is wrong into problems."""
    if not raw and amend is None:
        return defaults(board)
    from .check import Checked

    raw = raw or {}
    if amend is not None:
        amend(raw)
    checked = Checked(raw, board)
    for what, instead in checked.problems:
        problems.append("{}: {}".format(what, instead))
    return checked.settings
