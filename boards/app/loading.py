"""The settings of a board, made of its file.

What checks the file takes a lot of memory. So it is loaded only when the file has changed: what it
has made of the file is kept in a second one, behind a digest of all that it is made of. The board
starts anew then, and has the settings without what has checked them.

CPython runs load(), too, for tests and for boards/unix.
"""

import json
import sys
from hashlib import sha256

import umb

from .config import FILE, read, write
from .defaults import defaults

_KEPT = ".checked"  # the suffix of the second file
_DIGEST_SIZE = 32
_PIECE = 64


def load(board, path=FILE, amend=None):
    """Return (settings, problems, note) of the file at path, complete with the board's defaults.

    amend   amend(raw) changes what the file has before it is checked

    problems is a list of sentences, each about one thing that could not be used; note is a
    sentence about the file, or None. Neither a bad file nor a lack of memory raises an exception.
    """
    problems = []
    note = None
    raw = {}
    try:
        kept = None if amend else _kept(board, path)
        if kept is not None:
            return kept[0], kept[1], None
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


def keep(board, path=FILE):
    """Check the file at path if that has not been done, and keep what comes of it.

    Returns whether it has been kept now, and can be read: then the board is to start anew. Where
    that cannot be, load() checks the file at every start.
    """
    try:
        raw = read(path)
        if not raw or _kept(board, path) is not None:
            return False
        # load() would return defaults if memory is short now, and they would hold at every start.
        problems = []
        found = [_checked(raw, None, board, problems), problems]
        body = json.dumps(found).encode()
        if json.loads(body) != found:  # such as some fractions, which JSON would round
            return False
        write(_digest(board, path, body) + body, path + _KEPT)
        return _kept(board, path) == found
    except Exception:  # noqa: BLE001 - no space, no memory: the board starts without
        return False


def _kept(board, path):
    """Return [settings, problems] as keep() has kept them, None if they are not of this file.

    The digest also tells when they were written half.
    """
    try:
        with open(path + _KEPT, "rb") as file:
            digest = file.read(_DIGEST_SIZE)
            body = file.read()
        return json.loads(body) if digest == _digest(board, path, body) else None
    except OSError:
        return None


def _digest(board, path, body):
    """Return the digest of the file at path, of what checks it, and of what comes of it."""
    digest = sha256(body)
    for what in (umb.__version__, sys.version):
        digest.update(what.encode())
    for name in dir(board):
        if name.isupper():
            digest.update(repr(getattr(board, name)).encode())
    with open(path, "rb") as file:
        piece = file.read(_PIECE)
        while piece:
            digest.update(piece)
            piece = file.read(_PIECE)
    return digest.digest()
