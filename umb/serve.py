"""serve(): the loop that runs drivers. It imports nothing of umb. A driver is what has:

poll(wait_ms=0)   do what can be done; with wait_ms, sleep until there is something to do, so long
                  at most. Returns how many requests were answered
nap_ms()          return for how many milliseconds poll() need not be called, unless the poller
                  reports something
watch(poller)     use this select.poll from now on: it wakes the loop when something comes
finish()          end what must not be left half-done, such as a frame that is being sent
server_close()    let go of lines and sockets
stopping          true to end the loop; shutdown() sets it
lines             how many serial lines it keeps the times of. If there are several in a loop,
                  `alone` is set to False, and poll() has to return soon. May be missing
"""

import select
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_LONGEST_NAP_MS = const(500)  # so long may shutdown() take
_LONGEST_PERIOD_MS = const((1 << 29) - 1)  # half of the time after which ticks_ms() wraps


def serve(*drivers, every=None) -> None:
    """Run these drivers until one is shut down, asleep while nothing comes.

    every   (milliseconds, function): function() is called that often, the first time at once. If
            a call comes late, the next one comes when it was due. Calls that were missed are left
            out

    An exception of a driver or of the function ends serve(). On every way out frames that are
    being sent leave first, so that no direction pin stays at transmit.

    Raises ValueError without drivers, or if `every` is of the wrong kind.
    """
    check(drivers, every)
    poller = select.poll()
    lines = 0
    for driver in drivers:
        for one in (driver, getattr(driver, "gateway", None)):
            lines += getattr(one, "lines", 0)
    for driver in drivers:
        driver.stopping = False
        driver.alone = lines < 2
        driver.watch(poller)
    try:
        _run(drivers, every)
    finally:
        finish(drivers)


def check(drivers, every):
    """Raise ValueError if these are no arguments for serve()."""
    if not drivers:
        raise ValueError("serve() needs at least one driver")
    for driver in drivers:
        if isinstance(driver, type) or not hasattr(driver, "poll"):
            raise ValueError("serve(driver, ...) takes drivers, not %r" % (driver,))
    if every is not None and not (
        isinstance(every, (tuple, list))
        and len(every) == 2
        and isinstance(every[0], int)
        and 0 < every[0] <= _LONGEST_PERIOD_MS
        and callable(every[1])
    ):
        raise ValueError("every must be (milliseconds, function), not %r" % (every,))


def _run(drivers, every):
    # A single driver that has just answered need not be asked for its nap_ms() each time.
    alone = len(drivers) == 1 and getattr(drivers[0], "gateway", None) is None
    due_ms = ticks_ms()
    done = 0
    nap_ms = 0
    while True:
        if not (alone and done):
            nap_ms = _LONGEST_NAP_MS
            for driver in drivers:
                nap_ms = min(nap_ms, driver.nap_ms())
        wait_ms = nap_ms
        if every is not None:
            due_ms = call_if_due(every, due_ms)
            wait_ms = max(0, min(nap_ms, ticks_diff(due_ms, ticks_ms())))
        done = 0
        for driver in drivers:
            done += driver.poll(wait_ms)  # the first one waits for all: they share its poller
            if driver.stopping:
                return
            wait_ms = 0


def call_if_due(every, due_ms):
    """Call the function of `every` if it is due, see serve(). Returns when it is due next."""
    period_ms, function = every
    now_ms = ticks_ms()
    late_ms = ticks_diff(now_ms, due_ms)
    if late_ms < 0:
        return due_ms
    function()
    return ticks_add(now_ms, period_ms - late_ms % period_ms)


def finish(drivers):
    """Finish all drivers, even if one of them raises an exception."""
    failure = None
    for driver in drivers:
        try:
            driver.finish()
        except Exception as error:  # noqa: BLE001 - it is raised again
            failure = error
    if failure is not None:
        raise failure
