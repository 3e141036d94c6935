"""asyncio: serve() for any number of drivers in one task, and clients whose calls are awaited.

    from umb.aio import AsyncRTUClient, AsyncTCPClient, AsyncUDPClient, serve

Each client is in a file of its own and loaded when its name is first used: a server under asyncio
loads none, and no part of this needs a network but the clients of one. Waiting is done with
asyncio.sleep_ms alone, which allocates nothing.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_LONGEST_REST_MS = const(5)  # the longest sleep: nothing wakes a task that polls
_MOST_ROUNDS = const(320)  # in vain, after which the longest sleep is reached
_HOMES = {"AsyncRTUClient": "rtu", "AsyncTCPClient": "tcp", "AsyncUDPClient": "udp"}


def __getattr__(name):
    """Return a client class, loaded from its file."""
    if name not in _HOMES:
        raise AttributeError(name)
    module = "umb.aio." + _HOMES[name]
    return getattr(__import__(module, None, None, (name,)), name)


def rest_ms(nap_ms: int, rounds: int) -> int:
    """Return how long a task that polls may sleep, after so many rounds in vain.

    That grows with the time that has passed, to 5 ms, and is nap_ms at most, or 1 ms if that is 0.
    """
    return min(max(nap_ms, 1), rounds >> 6, _LONGEST_REST_MS)


async def serve(*drivers, every=None) -> None:
    """Serve with all these drivers until one is shut down, or the task is cancelled.

    every   (milliseconds, function): call function() that often, too, see umb.serve.serve

    An exception of a driver or of the function ends serve(). On every way out frames that are
    being sent leave first, so that no direction pin stays at transmit.

    Raises ValueError without drivers, or if `every` is of the wrong kind.
    """
    if not drivers:
        raise ValueError("serve() needs at least one driver")
    if every is not None:
        from ..serve import call_if_due, check  # 1.2 KB that most programs do without

        check(drivers, every)
    lines = 0
    for driver in drivers:
        for one in (driver, getattr(driver, "gateway", None)):
            lines += getattr(one, "lines", 0)
    for driver in drivers:
        driver.stopping = False
        driver.alone = lines < 2
    due_ms = ticks_ms()
    rounds = 0
    try:
        while True:
            nap_ms = 1000
            if every is not None:
                due_ms = call_if_due(every, due_ms)
                nap_ms = max(0, min(nap_ms, ticks_diff(due_ms, ticks_ms())))
            done = 0
            for driver in drivers:
                done += driver.poll()
                if driver.stopping:
                    return
                nap_ms = min(nap_ms, driver.nap_ms())
            rounds = 0 if done else min(rounds + 1, _MOST_ROUNDS)
            await asyncio.sleep_ms(rest_ms(nap_ms, rounds))
    finally:
        _finish(drivers)


def _finish(drivers):
    """Finish all drivers, also if one raises an exception."""
    failure = None
    for driver in drivers:
        try:
            driver.finish()
        except Exception as error:  # noqa: BLE001 - it is raised again
            failure = error
    if failure is not None:
        raise failure
