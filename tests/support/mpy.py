"""Lets pytest collect, run and report test functions that run in MicroPython, one by one.

One MicroPython process serves a file: names of tests go in, outcomes come out (the other side is
tests/mpy/runner.py). When it crashes or hangs, the test that ran is the one that failed,
and the next one gets a new process.
"""

import ast
import linecache
import os
import re
import select
import signal
import subprocess
import time

import pytest

from tools.env import ROOT

FOLDER = ROOT / "tests" / "mpy"
_RUNNER = FOLDER / "runner.py"
_TEST_TIMEOUT_S = 120
_END = re.compile(rb"\x1e(passed|skipped|failed) (\d+)\r?\n")
_FRAME = re.compile(r'  File "([^"]+)", line (\d+), in ')


class MpyFailure(Exception):
    """A test failed inside MicroPython; the text is its traceback, or the process's fate."""


class MpyProcess:
    """A MicroPython that runs the tests of one file."""

    def __init__(self, micropython, path):
        self._output = b""
        self._process = subprocess.Popen(
            [micropython, str(_RUNNER), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "MICROPYPATH": f"{ROOT}:{path.parent}:{FOLDER}:.frozen"},
        )

    def run(self, name, timeout_s=_TEST_TIMEOUT_S):
        """Run a test; return what it printed, its outcome and the text that goes with that.

        Raises MpyFailure when the process is of no more use afterwards.
        """
        self._process.stdin.write(name.encode() + b"\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + timeout_s
        while not (end := _END.search(self._output)):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._process.stdout], [], [], left_s)[0]:
                raise MpyFailure(f"no end after {timeout_s} s; it printed:\n{self._rest()}")
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise MpyFailure(f"{self._fate()}; it printed:\n{self._rest()}")
            self._output += chunk
        printed, self._output = self._output[: end.start()], self._output[end.end() :]
        cut = len(printed) - int(end[2])
        return _decode(printed[:cut]), end[1].decode(), _decode(printed[cut:])

    def stop(self):
        """End the process, whatever it does."""
        self._process.kill()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _rest(self):
        return _decode(self._output) or "(nothing)"

    def _fate(self):
        status = self._process.wait()
        if status < 0:
            return f"MicroPython died of {signal.Signals(-status).name}"
        return f"MicroPython ended with status {status}"


class MpyFile(pytest.File):
    """A file of tests/mpy."""

    _process = None

    def collect(self):
        """Yield an item per function named test_*."""
        for node in ast.parse(self.path.read_text(), str(self.path)).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield MpyItem.from_parent(self, name=node.name, line=node.lineno)

    def run(self, name):
        """Run a test in this file's process."""
        if self._process is None:
            self._process = MpyProcess(self.config.micropython, self.path)
        try:
            return self._process.run(name)
        except (MpyFailure, KeyboardInterrupt):
            self.teardown()
            raise

    def teardown(self):
        """End this file's process."""
        if self._process is not None:
            self._process.stop()
            self._process = None


class MpyItem(pytest.Item):
    """A test function that runs in MicroPython."""

    def __init__(self, *, line, **named):
        super().__init__(**named)
        self._line = line

    def runtest(self):
        """Run it; what it prints is reported with it."""
        printed, outcome, text = self.parent.run(self.name)
        if printed:
            self.add_report_section("call", "stdout", printed)
        if outcome == "skipped":
            pytest.skip(f"{self.name}: {text}")
        if outcome == "failed":
            raise MpyFailure(_with_source(text))

    def repr_failure(self, excinfo, style=None):
        """Show the traceback from inside, none of ours."""
        if isinstance(excinfo.value, MpyFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        """Say where the function stands."""
        return self.path, self._line - 1, self.name


def _decode(data):
    return data.decode(errors="replace")


def _with_source(traceback):
    """Return the traceback with the line that each frame is about under it, ours left out."""
    shown = []
    for line in traceback.splitlines():
        frame = _FRAME.match(line)
        if frame and frame[1] == str(_RUNNER):
            continue
        shown.append(line.replace(f"{ROOT}/", ""))
        if frame:
            shown.append("    " + linecache.getline(frame[1], int(frame[2])).strip())
    return "\n".join([shown[-1], *shown])  # pytest's summary quotes the first line
