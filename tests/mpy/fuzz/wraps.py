"""Kinds "wraps-...": a short case again and again, with clocks that wrap elsewhere each time.

Nothing that happens may depend on where ticks_us() and ticks_ms() wrap: not a byte, nor when it is
sent, but for what a look at the clock more or less takes.
Events are ("us" or "ms", how long after the beginning that clock wraps).
"""

from fuzz.rng import Difference, Rng, journal

_EVENTS = 5  # of the case
_FAR = 1 << 29  # no case is as long
_MOST = 60  # wraps of either clock
_LONGEST_US = 5_000_000  # of a pause


class Wraps:
    """draw() and play() over those of another kind."""

    def __init__(self, kind, slack_us):
        self._kind = kind
        self._slack_us = slack_us  # by so much times may differ

    def _played(self, setup, events):
        """The journal of the case, and how many checks it had."""
        del journal[:]
        n = 0
        try:
            n = self._kind.play(setup, events)
        except Exception as error:  # noqa: BLE001 - what is wrong without a wrap, others find
            journal.append((journal[-1][0] if journal else 0, type(error).__name__))
        return list(journal), n

    def _begin(self, seed):
        """Set-up and events of a short case without long pauses; its clocks do not wrap."""
        setup, events = self._kind.draw(seed)
        events = [event for event in events if not _is_long(event)][:_EVENTS]
        return dict(setup, wrap_us=_FAR, wrap_ms=_FAR), events

    def draw(self, seed):
        """Where the clocks wrap: around everything that happens, and in between."""
        setup, events = self._begin(seed)
        told, _ = self._played(setup, events)
        rng = Rng(seed)
        times = [0, 1]
        for time_us, _ in told:
            times += [time_us - 1, time_us, time_us + 1 + rng.below(3000)]
        if told:
            last = told[-1][0]
            times += [rng.below(last + 1) for _ in range(_MOST)]
        while len(times) > _MOST:
            times.pop(rng.below(len(times)))
        wraps = [("us", max(0, time_us)) for time_us in times]
        wraps += [("ms", max(0, time_us) // 1000) for time_us in times[::3]]
        return {"seed": seed}, wraps

    def play(self, setup, wraps):
        """Play the case once for every wrap. Returns how many checks there were."""
        seed = setup["seed"]
        setup, events = self._begin(seed)
        wanted, n = self._played(setup, events)
        for clock, until in wraps:
            other = dict(setup)
            other["wrap_" + clock] = until
            got, _ = self._played(other, events)
            if not _alike(got, wanted, self._slack_us):
                raise Difference(
                    "as without a wrap: {}".format(wanted),
                    "ticks_{}() wraps at {}: {}".format(clock, until, got),
                )
        return max(n, 1) * (1 + len(wraps))


def _alike(journal_a, journal_b, slack_us):
    """Return whether the same has happened at the same times."""
    if len(journal_a) != len(journal_b):
        return False
    for (time_a, what_a), (time_b, what_b) in zip(journal_a, journal_b):
        if not _same(what_a, what_b, slack_us) or abs(time_a - time_b) > slack_us:
            return False
    return True


def _same(a, b, slack_us):
    """Return whether two things are the same; frames that were sent have times in ns."""
    if not (isinstance(a, list) and a and isinstance(a[0], tuple)):
        return a == b
    if not isinstance(b, list) or len(a) != len(b):
        return False
    for i in range(len(a)):
        if a[i][2] != b[i][2] or abs(a[i][0] - b[i][0]) > slack_us * 1000:
            return False
    return True


def _is_long(event):
    """Return whether an event has a pause that is longer than a case here."""
    for field in event:
        if isinstance(field, int) and field > _LONGEST_US:
            return True
        if isinstance(field, tuple) and any(_is_long((part,)) for part in field):
            return True
    return False
