"""A serial adapter that is plugged into this machine, and pulled out of it, by the tests."""

from tools.pty_line import PtyLine


class PluggedAdapter:
    """`path` is the device while the adapter is plugged in; client_path the line's other end."""

    def __init__(self, folder):
        self.path = folder / "ttyUSB0"
        self.client_path = ""
        self._line = None

    def __enter__(self):
        self.plug()
        return self

    def __exit__(self, *exc):
        if self._line is not None:
            self.pull()

    def plug(self):
        """Plug it in: its device appears, on a line of its own."""
        self._line = PtyLine().__enter__()
        self.client_path = self._line.client_path
        self.path.symlink_to(self._line.server_path)

    def pull(self):
        """Pull it out: its device is gone, and whoever has it open is told of a hang-up."""
        self.path.unlink()
        self._line.__exit__()
        self._line = None
