"""docs/how-to/points.md: its examples run, its file is read, its tables are complete."""

import json
import re

from tests.interop.peer_remote import Remote
from tests.support.sessions import wrong_examples
from tools.env import ROOT

_PAGE = (ROOT / "docs" / "how-to" / "points.md").read_text()


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


def test_its_tables_have_every_key_and_type(micropython):
    setup = "import umb.points.reader\nfrom umb.points import reader, rows"
    with Remote(micropython, setup) as board:
        known = board.evaluate(
            "list(rows._KEYS) + [key for key, _ in rows.POOLED] + list(rows.TYPES + rows.SWAPS)"
            " + list(reader._TEXTS + reader._NUMBERS) + ['ranges']"
        )
    assert set(known) == first_cells()
