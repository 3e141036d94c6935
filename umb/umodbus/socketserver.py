"""socketserver for uModbus's programs: the classes that get_server() is given, for Modbus alone.

mip/umodbus.json installs it as `socketserver`, which no firmware has.
"""

from umb.server.tcp import TCPServer as _TCPServer


class ThreadingMixIn:
    """Nothing to mix in: a TCPServer serves its clients at once, in one thread."""


class TCPServer(_TCPServer):
    """umb.server.tcp.TCPServer, whose parameters it has, as uModbus's programs use it.

    Make it with umodbus.server.tcp.get_server(). Raises TypeError for a class of handlers of
    other protocols, OSError where the address cannot be had.
    """

    allow_reuse_address = True  # as it always is

    def __init__(self, server_address, server, **options):
        if isinstance(server, type):
            raise TypeError("this socketserver is for Modbus: use umodbus.server.tcp.get_server()")
        super().__init__(server_address, server, **options)
        self.server_address = server_address

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.server_close()

    def serve_forever(self, poll_interval: float = 0.5):
        """Serve until shutdown() is called, asleep while nothing comes."""
        super().serve_forever()


ThreadingTCPServer = TCPServer
