"""The file of settings, /umb.json: read and written. loading.py makes settings of it.

CPython runs it, too, for tests and for boards/unix.
"""

import json
import os
from errno import EIO, ENOENT

FILE = "/umb.json"
_NEW = ".new"  # the suffix of a new file until it replaces the old one
_PIECE = 64
_ENOSPC = 28  # which the module errno of MicroPython lacks


def read(path=FILE):
    """Return the object in the file at path, None if there is no file.

    Raises ValueError if it holds something else, OSError or MemoryError if it cannot be read.
    """
    try:
        os.stat(path)
    except OSError as error:
        if error.errno != ENOENT:
            raise
        # Where renaming over a file takes two steps (FAT), a reset may leave only the new one.
        # If that is incomplete or missing, no file was ever saved.
        try:
            return _parse(path + _NEW)
        except (OSError, ValueError):
            return None
    return _parse(path)


def _parse(path):
    with open(path) as file:
        try:
            raw = json.load(file)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - MicroPython raises others than ValueError, too
            raise ValueError(str(error))
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    return raw


def compose(changes, path=FILE, replace=False):
    """Return the file at path with these changes, as bytes. Nothing is written.

    changes   a dict; None takes a setting out of the file
    replace   whether `changes` are all that shall be in it, None as a null

    A file that is no object is replaced. Raises OSError or MemoryError if the old file cannot be
    read, ValueError if JSON cannot hold what is in it (MicroPython reads 1e999, and writes inf).
    """
    try:
        raw = {} if replace else read(path) or {}
    except ValueError:
        raw = {}
    for key in changes:
        if changes[key] is None and not replace:
            raw.pop(key, None)
        else:
            raw[key] = changes[key]
    text = json.dumps(raw)
    if json.loads(text) != raw:
        raise ValueError("JSON cannot hold all of {}".format(path))
    data = text.encode()
    disk = os.statvfs(path.rpartition("/")[0] or "/")
    if disk[1] * disk[3] < len(data):
        raise OSError(_ENOSPC)
    return data


def write(data, path=FILE):
    """Write the file at path anew. Raises OSError if that cannot be done.

    A reset at any moment leaves the old file or the new one: this is compared before it takes the
    other's place.
    """
    new = path + _NEW
    try:
        with open(new, "wb") as file:
            file.write(data)
        if not _holds(new, data):
            raise OSError(EIO)
    except Exception:
        remove(new)  # the part of it that was written
        raise
    os.rename(new, path)


def _holds(path, data):
    """Return whether this is all that is in the file at path."""
    at = 0
    with open(path, "rb") as file:
        piece = file.read(_PIECE)
        while piece:
            if data[at : at + len(piece)] != piece:
                return False
            at += len(piece)
            piece = file.read(_PIECE)
    return at == len(data)


def remove(path):
    """Remove a file if it is there."""
    try:
        os.remove(path)
    except OSError:
        pass
