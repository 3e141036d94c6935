"""The viewers of umb.panel: who is told of changes, and who has to wait for a place."""

import asyncio
import json

from umb.panel import viewers
from umb.panel.messages import pieces
from umb.panel.source import Source
from umb.panel.viewers import Viewers


class Numbers(Source):
    """A Source of points with these values."""

    def __init__(self, *values):
        self.values = list(values)

    def count(self):
        return len(self.values)

    def describe(self, i):
        return {"name": str(i), "value": self.values[i]}

    def value(self, i):
        return self.values[i]

    def state(self, i):
        return ""


class Clock:
    """The clock of umb.panel.viewers, which stands still until it is set forward."""

    def __init__(self):
        self.now_ms = 1000
        viewers.ticks_ms = lambda: self.now_ms
        viewers.ticks_diff = lambda later, earlier: later - earlier


def event(viewer):
    """Return the next event that is sent to a viewer."""
    return asyncio.run(viewer.__anext__())


def test_a_further_one_is_refused_and_the_others_go_on():
    Clock()
    one = Viewers(Numbers(1, 2), 2)
    told = [one.open() for _ in range(2)]
    for _ in range(5):
        assert one.open() is None
    for viewer in told:
        assert event(viewer) == b'data: [[0, 1, ""], [1, 2, ""]]\n\n'
    one.close(told[0])
    one.close(told[0])
    assert one.open() is not None and one.open() is None


def test_none_at_all():
    Clock()
    assert Viewers(Numbers(1), 0).open() is None


def test_who_has_gone_without_a_word_leaves_its_place():
    """As when the memory was exhausted while something was sent. Clocks wrap, too."""
    for passed_ms in (29_999, 30_000, 10**9, -1, -(10**9)):
        clock = Clock()
        one = Viewers(Numbers(1), 1)
        viewer = one.open()
        event(viewer)
        clock.now_ms += passed_ms
        assert (one.open() is None) == (passed_ms == 29_999), passed_ms


def test_who_takes_events_keeps_its_place():
    clock = Clock()
    source = Numbers(1)
    one = Viewers(source, 1)
    viewer = one.open()
    for k in range(20):
        clock.now_ms += 10_000
        source.values[0] = k
        event(viewer)
        assert one.open() is None


def test_pieces_are_the_json_of_a_value():
    for value in (
        None,
        {},
        [],
        {"a": {}},
        {"a": []},
        [{}],
        {"a": [1, "é", None, 1.5, True], "b": {"c": [{"d": [[1]]}, {}]}},
        [{"name": "x" * 400, "value": i} for i in range(20)],
    ):
        parts = list(pieces(value))
        assert json.loads("".join(parts)) == value, value
        assert all(len(part) < 1000 for part in parts)


def test_iterators_are_arrays():
    for n in (0, 1, 2, 100):
        rows = ({"i": i} for i in range(n))
        found = json.loads("".join(pieces({"a": rows})))
        assert found == {"a": [{"i": i} for i in range(n)]}
    rows = Viewers(Numbers(float("inf"), 2), 1).rows()
    assert json.loads("".join(pieces(rows)))[0]["value"] is None
