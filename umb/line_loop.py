"""The second half of RTUServer: what umb.loop and umb.aio need of it, and server_close()."""

from micropython import const

from . import late
from .port.wait import share

_HELD = const(1)  # see umb.server.rtu


class Rest:
    """See umb.server.rtu.RTUServer."""

    gone = False  # as the links of networks have it
    peer = None

    def join(self, first):
        """Use the first driver's poller from now on, see serve()."""
        share(self.line, None if first is self else first.poller)
        self.poller = self.line.poller

    def nap_ms(self):
        """How long serve() may sleep without missing when a byte comes."""
        line = self.line
        if self.state == _HELD:
            return 1
        return 0 if self.state or line.seen or line.frame.have else line.nap_ms

    def settle(self):
        """Stay until a reply that is due has left."""
        while self.state > _HELD:
            self.step()

    def server_close(self):
        """Let go of the line: the pin is at receive."""
        self.line.release()


def complete(server_class):
    """Give RTUServer this half."""
    late.join(server_class, Rest)
