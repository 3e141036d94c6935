"""serve(): the loop that runs drivers. It imports nothing of umb: a driver is what has the methods.

poll(wait_ms=0)   do what can be done; with wait_ms, wait at most so long until there is something.
                  Returns how many requests were answered
nap_ms()          for how many milliseconds poll() need not be called, unless the poller reports
                  something
watch(poller)     use this select.poll from now on: it wakes the loop when something comes
finish()          end what must not be left half-done, such as a frame that is being sent
server_close()    let go of lines and sockets
stopping          true to end the loop; shutdown() sets it
"""

import select
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_LONGEST_NAP_MS = const(500)  # so long may shutdown() take


def serve(*drivers, every=None):
    """Run these drivers until one is shut down, asleep while nothing comes.

    every   (ms, function): call function() every so many milliseconds, too

    On every way out frames that are being sent leave first, so that no direction pin stays at
    transmit. Raises ValueError without drivers.
    """
    if not drivers:
        raise ValueError("serve() needs at least one driver")
    poller = select.poll()
    for driver in drivers:
        driver.stopping = False
        driver.watch(poller)
    try:
        _run(drivers, every)
    finally:
        for driver in drivers:
            driver.finish()


def _run(drivers, every):
    due_ms = ticks_ms()
    done = 0
    nap_ms = 0
    while True:
        # With a single driver that is busy there is no need to ask each time.
        if len(drivers) > 1 or not done:
            nap_ms = _LONGEST_NAP_MS
            for driver in drivers:
                nap_ms = min(nap_ms, driver.nap_ms())
        wait_ms = nap_ms
        if every is not None:
            wait_ms = max(0, min(wait_ms, ticks_diff(due_ms, ticks_ms())))
        done = 0
        for driver in drivers:
            done += driver.poll(wait_ms)  # the first one waits for all: they share its poller
            if driver.stopping:
                return
            wait_ms = 0
        if every is not None and ticks_diff(due_ms, ticks_ms()) <= 0:
            due_ms = ticks_add(ticks_ms(), every[0])
            every[1]()
