"""docs/how-to/points.md: its examples run, its file is read, its tables are complete."""

import ast
import json
import re

from tests.interop.peer_remote import Remote
from tests.support.sessions import wrong_examples
from tools.env import ROOT

_PAGE = (ROOT / "docs" / "how-to" / "points.md").read_text()
_ROWS = ast.parse((ROOT / "umb" / "points" / "rows.py").read_text())


def constant(name):
    """Return the strings in the tuple that umb.points.rows calls by this name."""
    for node in _ROWS.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return [
                one.value
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
    raise AssertionError(name)


def first_cells():
    """Return what stands in backquotes in the first cell of each row of a table."""
    found = set()
    for line in _PAGE.splitlines():
        if line.startswith("| `"):
            found.update(re.findall(r"`\"?(\w+)\"?`", line.split("|")[1]))
    return found


def test_its_examples(micropython):
    assert wrong_examples(micropython, _PAGE, "docs/how-to/points.md") == []


def test_its_file(micropython, tmp_path):
    text = re.search(r"```json\n(.*?)```", _PAGE, re.S)[1]
    path = tmp_path / "meter.json"
    path.write_text(text)
    with Remote(micropython, "from umb.points import Points") as board:
        names = board.evaluate(f"list(Points.load({str(path)!r}))")
    assert names == [point["name"] for point in json.loads(text)["points"]]


def test_its_tables_have_every_key_and_type():
    known = constant("_KEYS") + constant("POOLED") + constant("TYPES") + constant("SWAPS")
    assert set(known) == first_cells()
