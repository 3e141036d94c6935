"""The second half of TCPServer: what serve() needs of it, and server_close().

get_server() of umb.server.tcp is here, too, and what makes frames that are not MBAP's.
"""

from micropython import const

from . import late

_IN = const(1)  # select.POLLIN
_SWEEP_MS = const(250)  # see umb.server.tcp


class Rest:
    """See umb.server.tcp.TCPServer."""

    def join(self, first):
        """Use the first driver's poller from now on, see serve()."""
        if self.poller is not first.poller:
            self.poller = first.poller
            self.poller.register(self._listener, _IN)
            for connection in self._connections:
                if not connection.gone:
                    self.poller.register(connection.sock, connection.events)

    def nap_ms(self):
        """How long serve() may sleep: the poller wakes it."""
        return _SWEEP_MS

    def server_close(self):
        """Close the listening socket and every connection."""
        for connection in self._connections:
            if not connection.gone:
                self._drop(connection)
        if self._listener is not None:
            self.poller.unregister(self._listener)
            self._listener.close()
            self._listener = None


def load(server_class):
    """Give TCPServer this half."""
    late.join(server_class, Rest)


def frame_of(framer):
    """What finds frames of this kind in a stream, where they are not MBAP's."""
    if framer != "rtu":
        raise ValueError("framer must be 'mbap' or 'rtu'")
    from .frame.stream import RTUStream
    from .pdu import REQUEST

    return RTUStream(REQUEST)


def get_server(server_class, server_address, request_handler_class=None):
    """A server at (host, port) to hang routes on, as uModbus makes it."""
    handler = request_handler_class() if request_handler_class else None
    return server_class(server_address, handler)
