"""Files of points that the devices of a poller name: found on this PC, and put onto the board."""

import re
from pathlib import Path

from tools.env import ROOT, Trouble
from tools.points.reading import refusal

FOLDER = "/profiles"  # on the board


def collect(wanted, is_there):
    """Return {path on the board: file on this PC}, and let the settings name the former.

    wanted    the settings that are asked for; those of `devices` are changed in place
    is_there  is_there(path) says whether the board has a file already

    Raises Trouble for a file that is in neither place, or has no points.
    """
    found = {}
    devices = wanted.get("devices")
    for i, device in enumerate(devices if isinstance(devices, list) else ()):
        points = device.get("points") if isinstance(device, dict) else None
        if not isinstance(points, str) or not points:
            continue  # a list of points, or something that check() refuses
        file = _on_pc(points)
        if file is None:
            if is_there(points):
                continue
            raise Trouble(f"devices[{i}].points: there is no file {points}")
        _check(file)
        device["points"] = _place(file, found)
    return found


def named(settings):
    """Return the paths of files of points that settings name."""
    devices = settings.get("devices")
    devices = devices if isinstance(devices, list) else ()
    paths = [device.get("points") for device in devices if isinstance(device, dict)]
    return [path for path in paths if isinstance(path, str)]


def _on_pc(path):
    """Return the file of this name, relative to this folder or to the checkout; None for none."""
    for folder in (Path(), ROOT):
        file = folder / path
        if file.is_file():
            return file.resolve()
    return None


def _place(file, found):
    """Return the path on the board for a file, a new one unless it is in `found` already."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", file.stem)
    number = 1
    path = f"{FOLDER}/{stem}.json"
    while found.get(path, file) != file:
        number += 1
        path = f"{FOLDER}/{stem}_{number}.json"
    found[path] = file
    return path


def _check(file):
    """Raise Trouble unless umb reads this file as a board would."""
    said = refusal(file)
    if said:
        raise Trouble(said.removeprefix("ValueError: "))
