"""serve(), and the second half of a Driver. Optional: for programs that do not poll themselves."""

from micropython import const

from . import late

_LONGEST_NAP_MS = const(500)  # how long shutdown() may take


class Rest:
    """See umb.server.Driver."""

    listen_only = False
    stopping = False

    def __getattr__(self, name):
        if name != "counters":
            raise AttributeError(name)
        from .counters import Counters

        self.counters = Counters(self.counts)
        return self.counters

    def route(self, *arguments, **keywords):
        """Decorator: Server.route of this driver's handler."""
        return self.handler.route(*arguments, **keywords)

    def serve_forever(self):
        """Serve until shutdown() is called, asleep while nothing comes."""
        serve((self,))

    def shutdown(self):
        """End serve_forever() or serve() after the request at hand."""
        self.stopping = True


def load(driver_class):
    """Give Driver this half."""
    late.join(driver_class, Rest)


def serve(drivers):
    """Serve with all these drivers until one is shut down, asleep while nothing comes.

    A driver has poll(wait_ms), join(first) to share the first one's poller, nap_ms(), how long it
    may sleep, and stopping, true to end it all; settle(), if leaving at once would do harm.
    """
    for driver in drivers:
        driver.stopping = False
        driver.join(drivers[0])
    try:
        _serve(drivers)
    finally:
        settle(drivers)


def settle(drivers):
    """Stay until what is under way is over, where leaving it would do harm."""
    for driver in drivers:
        if hasattr(driver, "settle"):
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
