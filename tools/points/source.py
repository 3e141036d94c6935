"""What all formats have in common: where a mistake is, and the points that were found."""

import re

from tools.env import Trouble


class Mistake(Trouble):
    """Something wrong in a file, told with its line and, if there is one, the key."""

    def __init__(self, path, line, key, text):
        where = f"{path}, line {line}" if line else f"{path}"
        super().__init__(f"{where}: {key}: {text}" if key else f"{where}: {text}")


class Found:
    """The points of a file, and what it says of the whole device.

    path    the file
    about   keys such as manufacturer, for the head of the result
    notes   what was left out, a sentence each
    """

    def __init__(self, path):
        self.path = path
        self.about = {}
        self.points = []
        self.lines = []  # where each point was found
        self.notes = []
        self._by_name = {}

    def add(self, point, line):
        """Add a point that begins in this line. Raises Mistake if its name is taken."""
        name = point.get("name")
        if not isinstance(name, str) or not name:
            raise Mistake(self.path, line, "name", "it is missing")
        if name in self._by_name:
            text = f"{name!r} is the name of line {self._by_name[name]}, too"
            raise Mistake(self.path, line, "name", text)
        self._by_name[name] = line
        self.points.append(point)
        self.lines.append(line)

    def note(self, line, text):
        """Note that something was left out."""
        self.notes.append(f"{self.path}, line {line}: {text}")


def line_of(text, pattern, number=1):
    """Return in which line of a text the `number`th match of a regular expression is, or 0."""
    for found in re.finditer(pattern, text):
        number -= 1
        if not number:
            return text.count("\n", 0, found.start()) + 1
    return 0
