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
_IDLE_REST_MS = const(50)  # the same, if nothing is polled: so long may shutdown() take
_MOST_ROUNDS = const(320)  # in vain, after which the longest sleep is reached
_HOMES = {"AsyncRTUClient": "rtu", "AsyncTCPClient": "tcp", "AsyncUDPClient": "udp"}


def __getattr__(name):
    """Return a client class, loaded from its file."""
    if name not in _HOMES:
        raise AttributeError(name)
    module = "umb.aio." + _HOMES[name]
    return getattr(__import__(module, None, None, (name,)), name)


def sleep_time_ms(nap_ms: int, rounds: int) -> int:
    """Return how long a task that polls may sleep, after so many rounds in vain.

    That grows with the time that has passed, to 5 ms, and is nap_ms at most, or 1 ms if that is 0.
    """
    return min(max(nap_ms, 1), rounds >> 6, _LONGEST_REST_MS)


async def serve(*drivers, every=None) -> None:
    """Serve with all these drivers until one is shut down, or the task is cancelled.

    every   (milliseconds, function): call function() that often, too, see umb.serve.serve

    Serial servers are started in the background, where the port can do that, and stopped at the
    end: see umb.server.rtu.RTUServer.start(). Their hooks are called between two steps of any
    task. The other drivers are polled in this task.

    An exception of a driver that is polled or of the function ends serve(). On every way out
    frames that are being sent leave first, so that no direction pin stays at transmit.

    Raises ValueError without drivers, or if `every` is of the wrong kind.
    """
    if not drivers:
        raise ValueError("serve() needs at least one driver")
    if every is not None:
        from ..serve import check  # 1.2 KB that most programs do without

        check(drivers, every)
    started = []
    polled = []
    try:
        for driver in drivers:
            driver.stopping = False
            (started if _starts(driver) else polled).append(driver)
        await _poll(polled, drivers, every)
    finally:
        for driver in started:
            driver.stop()
        _finish(polled)


def _starts(driver):
    """Start a driver in the background if it can be. Returns whether it has been started."""
    if getattr(driver, "background", driver) is None:
        try:
            driver.start()
        except (ImportError, ValueError):  # no timer, or a gateway
            return False
        return True
    return False


async def _poll(polled, drivers, every):
    """Poll some of the drivers until one of all is shut down."""
    if every is not None:
        from ..serve import call_if_due  # 1.2 KB that most programs do without
    lines = 0
    for driver in polled:
        for one in (driver, getattr(driver, "gateway", None)):
            lines += getattr(one, "lines", 0)
    for driver in polled:
        driver.alone = lines < 2
    due_ms = ticks_ms()
    rounds = 0
    while True:
        nap_ms = 1000 if polled else _IDLE_REST_MS
        if every is not None:
            due_ms = call_if_due(every, due_ms)
            nap_ms = max(0, min(nap_ms, ticks_diff(due_ms, ticks_ms())))
        done = 0
        for driver in polled:
            done += driver.poll()
            nap_ms = min(nap_ms, driver.nap_ms())
        for driver in drivers:
            if driver.stopping:
                return
        rounds = 0 if done else min(rounds + 1, _MOST_ROUNDS)
        await asyncio.sleep_ms(sleep_time_ms(nap_ms, rounds) if polled else nap_ms)


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
