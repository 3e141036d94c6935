"""Makes a case that shows a difference as short as it can be."""

import io
import sys

from fuzz.rng import Difference

_MOST = 3000  # tries


def difference(play, setup, events):
    """The difference that a case shows, as (expected, got), or None."""
    try:
        play(setup, events)
    except Difference as error:
        return tuple([str(arg) for arg in error.args])
    except Exception as error:  # noqa: BLE001 - whatever it is, umb must not raise it
        return "no exception", traceback(error)
    return None


def traceback(error):
    """The traceback of an exception, as text."""
    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue()


def shorter(play, setup, events):
    """Leave out what can be spared while a difference remains. Returns the events that are left.

    First whole events, then items of the lists that they have.
    """
    events = _fewer(lambda some: difference(play, setup, some), events)
    for i in range(len(events)):
        for j in range(len(events[i])):
            if isinstance(events[i][j], list):
                events = _shorter_field(play, setup, events, i, j)
    return events


def _shorter_field(play, setup, events, i, j):
    """The events, with field j of event i as short as it can be."""
    items = _fewer(
        lambda some: difference(play, setup, _with(events, i, j, some)),
        events[i][j],
    )
    return _with(events, i, j, items)


def _with(events, i, j, items):
    """The events, with these items as field j of event i."""
    event = events[i][:j] + (items,) + events[i][j + 1 :]
    return events[:i] + [event] + events[i + 1 :]


def _fewer(shows, items):
    """Leave out items as long as shows(items) remains true."""
    tries = 0
    size = len(items)
    while size and tries < _MOST:
        at = 0
        while at < len(items) and tries < _MOST:
            some = items[:at] + items[at + size :]
            tries += 1
            if shows(some):
                items = some
            else:
                at += size
        size = min(size // 2, len(items) // 2) if size > 1 else 0
    return items
