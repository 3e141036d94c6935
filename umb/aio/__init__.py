"""asyncio: serve() for any number of drivers in one task, and clients whose calls are awaited.

    from umb.aio import AsyncRTUClient, AsyncTCPClient, serve

Each client is in a file of its own and loaded when its name is first used: a server under asyncio
loads none. Waiting is done with asyncio.sleep_ms alone, which allocates nothing.
"""

import asyncio

from .wait import MOST_ROUNDS, rest_ms

_HOMES = {"AsyncRTUClient": "rtu", "AsyncTCPClient": "tcp", "AsyncUDPClient": "udp"}


def __getattr__(name):
    """Return a client class, loaded from its file."""
    if name not in _HOMES:
        raise AttributeError(name)
    module = "umb.aio." + _HOMES[name]
    return getattr(__import__(module, None, None, (name,)), name)


async def serve(*drivers):
    """Serve with all these drivers until one is shut down, or the task is cancelled.

    Frames that are being sent then leave first, so that no direction pin stays at transmit. Raises
    ValueError without drivers.
    """
    if not drivers:
        raise ValueError("serve() needs at least one driver")
    for driver in drivers:
        driver.stopping = False
    rounds = 0
    try:
        while True:
            done = 0
            nap_ms = 1000
            for driver in drivers:
                if driver.stopping:
                    return
                done += driver.poll()
                nap_ms = min(nap_ms, driver.nap_ms())
            rounds = 0 if done else min(rounds + 1, MOST_ROUNDS)
            await asyncio.sleep_ms(rest_ms(nap_ms, rounds))
    finally:
        for driver in drivers:
            driver.finish()
