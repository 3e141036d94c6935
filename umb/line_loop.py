"""The second half of RTUServer: what serve() needs of it, and server_close().

get_server() of umb.server.rtu is here, too.
"""

from micropython import const

from . import late
from .port.wait import nap_ms, share

_HELD = const(1)  # see umb.server.rtu


class Rest:
    """See umb.server.rtu.RTUServer."""

    gone = False  # as the links of networks have it
    peer = None

    def sleep(self, wait_ms):
        """Wait until something comes or time is up. Returns how many bytes wait."""
        if not hasattr(self.line, "poller"):
            share(self.line, None)
        return self.line.sleep(wait_ms)

    def join(self, first):
        """Use the first driver's poller from now on, see serve()."""
        share(self.line, None if first is self else first.poller)
        self.poller = self.line.poller

    def nap_ms(self):
        """How long serve() may sleep without missing when a byte comes."""
        line = self.line
        if self.state == _HELD:
            return 1
        return 0 if self.state or line.seen or line.frame.have else nap_ms(line)

    def settle(self):
        """Stay until a reply that is due has left."""
        while self.state > _HELD:
            self.step()

    def server_close(self):
        """Let go of the line: the pin is at receive."""
        self.line.release()


def load(server_class):
    """Give RTUServer this half."""
    late.join(server_class, Rest)


def get_server(server_class, serial_port, **keywords):
    """A server on a serial line to hang routes on, as uModbus has it; keywords as RTUServer's."""
    return server_class(serial_port, **keywords)
