"""Clients: what asks the slaves of serial lines and of hosts."""

from ..drivers import open_serial


class Clients:
    """The clients of an Application, each made when it is asked for first."""

    def __init__(self, application):
        self._application = application
        self._made = {}  # line, or (host, port): its client

    def get(self, target):
        """Return the client for an object with the settings line, host and port.

        Raises what the port raises.
        """
        host = target["host"]
        key = (host, target["port"]) if host else target["line"]
        if key not in self._made:
            self._made[key] = self._to_host(key) if host else self._on_line(key)
        return self._made[key]

    def _options(self):
        settings = self._application.settings
        return {key: settings[key] for key in ("timeout_ms", "retries", "pause_ms")}

    def _to_host(self, address):
        from umb.client.tcp import TCPClient

        return TCPClient(address, **self._options())

    def _on_line(self, number):
        from umb.client.rtu import RTUClient

        def make(options):
            options.update(self._options())
            return RTUClient(**options)

        return open_serial(self._application, number, make)
