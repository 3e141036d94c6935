"""The server under test at work, and where it listens."""

import contextlib
import os
import struct
from pathlib import Path

from tests.conformance import peers
from tests.support.service import Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

_PROGRAM = Path(__file__).with_name("server.py")


class Bench:
    """The server under test, started anew on these two lines, and where it listens."""

    def __init__(self, micropython, rtu, ascii_line):
        self.port, stream_port = free_port(), free_port()
        lines = (rtu.server_path, ascii_line.server_path)
        command = [micropython, _PROGRAM, self.port, stream_port, *lines]
        self.service = Service(command, env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"})
        self.service.wait_for("ready")
        self.where = {
            "TCP": self.port,
            "UDP": self.port,
            "RTU": rtu.client_path,
            "ASCII": ascii_line.client_path,
        }
        self.stream_port = stream_port
        self.counts_at_start = {name: self._counts(name) for name in self.where}
        self.register_at_start = self._diagnose("TCP", 2)[0]

    def _counts(self, name):
        """Return the counters of a transport, each asked for once."""
        return self._diagnose(name, *range(11, 19))

    def _diagnose(self, name, *sub_functions):
        """Return the data of FC 8."""
        master = self.peer(name)
        answers = [master.ask(struct.pack(">BHH", 8, i, 0)) for i in sub_functions]
        master.close()
        return [int.from_bytes(answer[3:], "big") for answer in answers]

    def peer(self, name):
        """Return a master on this transport."""
        return getattr(peers, name)(self.where[name])


@contextlib.contextmanager
def run_bench(micropython, before=b""):
    """Run a Bench; `before` it is there, something has come on its RTU line."""
    with PtyLine() as rtu, PtyLine() as ascii_line:
        if before:
            descriptor = os.open(rtu.client_path, os.O_RDWR | os.O_NOCTTY)
            os.write(descriptor, before)
            os.close(descriptor)
        running = Bench(micropython, rtu, ascii_line)
        yield running
        running.service.end()
