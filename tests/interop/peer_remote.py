"""Clients of umb in a MicroPython of their own, at the command of tests on the PC."""

import ast
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from tools.env import ROOT

_SHELL = Path(__file__).with_name("peer_shell.py")
_PATIENCE_S = 40


class Failed(Exception):
    """What a call in MicroPython raised: the name of its class, its error_code and its text."""

    def __init__(self, name, error_code, text):
        super().__init__(f"{name}: {text}")
        self.name = name
        self.error_code = error_code
        self.text = text


class Remote:
    """A MicroPython whose namespace has what `setup` makes, `client` among others."""

    def __init__(self, micropython, setup):
        self._output = b""
        self._process = subprocess.Popen(
            [micropython, str(_SHELL)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        )
        self.run(setup)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def run(self, source):
        """Execute statements. Raises Failed."""
        self._do("!", source)

    def evaluate(self, source):
        """Return the value of an expression: numbers, texts, lists of them. Raises Failed."""
        return self._do("?", source)

    def call(self, source):
        """Return what a method of `client` returns. Raises Failed."""
        return self._do("?", "client." + source)

    def outcome(self, source):
        """Return what a method of `client` returns, or the name of what it raises."""
        try:
            return self.call(source)
        except Failed as failure:
            return failure.name

    def timed(self, source):
        """Return the outcome of a call, and how many seconds it took."""
        start = time.monotonic()
        got = self.outcome(source)
        return got, time.monotonic() - start

    def start(self, source):
        """Begin a call of a method of `client`; finish() has to follow."""
        self._send("?", "client." + source)

    def interrupt(self):
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def finish(self):
        """Return the outcome of the call that start() began."""
        try:
            return self._result()
        except Failed as failure:
            return failure.name

    def _do(self, mark, source):
        self._send(mark, source)
        return self._result()

    def _send(self, mark, source):
        self._process.stdin.write((mark + ascii(source) + "\n").encode())
        self._process.stdin.flush()

    def _result(self):
        line = self._line()
        result = ast.literal_eval(line[1:])
        if line.startswith("!"):
            raise Failed(*result)
        return result

    def _line(self):
        """Return the next line that the shell prints."""
        deadline = time.monotonic() + _PATIENCE_S
        while b"\n" not in self._output:
            left_s = max(0, deadline - time.monotonic())
            ready = select.select([self._process.stdout], [], [], left_s)[0]
            chunk = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                self._process.kill()
                raise AssertionError(f"no answer from MicroPython; it printed {self._output!r}")
            self._output += chunk
        line, self._output = self._output.split(b"\n", 1)
        return line.decode()


def tcp_client(micropython, address, **options):
    """Return a Remote whose `client` is a TCPClient of address."""
    named = "".join(f", {name}={value!r}" for name, value in options.items())
    return Remote(
        micropython,
        f"from umb.client.tcp import TCPClient\nclient = TCPClient({tuple(address)!r}{named})",
    )


def rtu_client(micropython, device, **options):
    """Return a Remote whose `client` is an RTUClient of a serial device."""
    named = "".join(f", {name}={value!r}" for name, value in options.items())
    return Remote(
        micropython,
        "from umb.client.rtu import RTUClient\n"
        "from umb.port.tty import TTY\n"
        f"client = RTUClient(TTY({device!r}, 115200), baudrate=115200{named})",
    )
