"""Makes a life that shows a difference as short as it can be."""

import io
import sys

from fuzz.rng import Difference

_MOST = 3000  # tries


def difference(play, setup, events):
    """The difference that a life shows, as (expected, got), or None."""
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
    """Leave out events as long as a difference remains. Returns the events that are needed."""
    tries = 0
    size = len(events) // 2
    while size and tries < _MOST:
        at = 0
        while at < len(events) and tries < _MOST:
            fewer = events[:at] + events[at + size :]
            tries += 1
            if difference(play, setup, fewer):
                events = fewer
            else:
                at += size
        size = min(size // 2, len(events) // 2) if size > 1 else 0
    return events
