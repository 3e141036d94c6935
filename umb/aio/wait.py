"""How long a task that polls may sleep: nobody wakes it."""

from micropython import const

_LONGEST_MS = const(5)
MOST_ROUNDS = 5 << 6  # after so many rounds in which nothing came, the longest sleep is reached


def rest_ms(nap_ms, rounds):
    """Return how long to sleep, nap_ms at most, after so many rounds in which nothing came.

    It grows with the time that has passed. If nap_ms is more than 0, it ends at 5 ms.
    """
    return min(max(nap_ms, 1), rounds >> 6, _LONGEST_MS)
