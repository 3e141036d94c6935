"""The loop of umb.server.serve(). Optional: loaded by programs that do not poll by themselves."""

from micropython import const

_LONGEST_NAP_MS = const(500)  # the longest sleep: how long shutdown() may take


def serve(drivers):
    """Serve with all these drivers until one is shut down, asleep while nothing comes."""
    for driver in drivers:
        driver.stopping = False
        driver.join(drivers[0])
    try:
        _serve(drivers)
    finally:
        for driver in drivers:
            driver.settle()


def _serve(drivers):
    done = 0
    nap_ms = 0
    others = len(drivers) - 1  # what one answers may be work for another
    while True:
        if others or not done:
            nap_ms = _LONGEST_NAP_MS
            for driver in drivers:
                nap_ms = min(nap_ms, driver.nap_ms())
        wait_ms = nap_ms
        done = 0
        for driver in drivers:
            done += driver.poll(wait_ms)  # the first one sleeps for all: they share its poller
            if driver.stopping:
                return
            wait_ms = 0
