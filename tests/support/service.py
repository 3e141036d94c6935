"""Programs that serve: started, waited for until they listen, and ended, by the tests."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tools.env import ROOT

MAIN = ROOT / "boards" / "unix" / "main.py"
_READY_S = 60
_END_S = 30


class _Ports:
    """Ports of 127.0.0.1 that nobody uses, below those that Linux gives to connections.

    So none is taken by a connection before a program listens there. Each process of pytest-xdist
    has a range of its own; within that the ports come in turn, from a place that is another one
    for each run.
    """

    _FIRST, _LAST = 10_000, 32_000
    _PROCESSES = 8

    def __init__(self):
        number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        self._size = (self._LAST - self._FIRST) // self._PROCESSES
        self._begin = self._FIRST + number % self._PROCESSES * self._size
        self._next = int.from_bytes(os.urandom(4), "big") % self._size

    def take(self, count):
        """Return the first of so many free ports in a row."""
        while True:
            if self._next + count > self._size:
                self._next = 0
            port = self._begin + self._next
            self._next += count
            if all(map(self._is_free, range(port, port + count))):
                return port

    @staticmethod
    def _is_free(port):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True


_ports = _Ports()


def free_port(count=1):
    """Return a TCP port of 127.0.0.1 that nobody uses; the first of so many in a row."""
    return _ports.take(count)


class Service:
    """A running program whose output is collected line by line."""

    def __init__(self, command, **named):
        self.lines = []
        self._grown = threading.Condition()
        named.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            text=True,
            **named,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._grown:
                self.lines.append(line.rstrip("\n"))
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()

    def wait_for(self, text, timeout_s=_READY_S):
        """Return the first line that contains text, waiting for it to be printed."""
        deadline = time.monotonic() + timeout_s
        with self._grown:
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._reader.is_alive():
                    printed = "\n".join(self.lines)
                    raise AssertionError(f"{text!r} was not printed; this was:\n{printed}")
                self._grown.wait(min(left_s, 1))

    def count(self, text):
        """Return how many lines with this text have been printed."""
        return sum(text in line for line in list(self.lines))

    def cpu_s(self):
        """Return how much time it has taken of a processor."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_share(self, duration_s):
        """Watch it for so long. Return which share of a processor it takes."""
        used_s, start_s = self.cpu_s(), time.monotonic()
        time.sleep(duration_s)
        return (self.cpu_s() - used_s) / (time.monotonic() - start_s)

    def wait(self, timeout_s=_END_S):
        """Wait for its end and return the exit status; the whole output is in lines then."""
        status = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return status

    def end(self, signum=signal.SIGINT):
        """Send a signal and return the exit status; the whole output is in lines then."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        try:
            status = self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._reader.join(_END_S)
        return status


class Slave(Service):
    """boards/unix/main.py at work: TCP on host and port and, given a device, RTU as well."""

    def __init__(self, micropython, *arguments, serial=None, slave_id=1):
        self.host, self.port, self.slave_id = "127.0.0.1", free_port(), slave_id
        command = [micropython, MAIN, "--port", self.port, "--slave-id", slave_id, *arguments]
        super().__init__([*command, "--serial", serial] if serial else command)
        self.wait_for("Ctrl-C")


def dev(*arguments, **named):
    """Return tools/dev.py, started with arguments, as a Service."""
    env = {**os.environ, **named.pop("env", {})}
    return Service([sys.executable, ROOT / "tools" / "dev.py", *arguments], env=env, **named)
