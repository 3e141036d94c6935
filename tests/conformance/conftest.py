"""One server for the whole suite, asked over each transport; and the table of results."""

import os
import struct

import pytest

from tests.conformance import peers, results
from tests.support.service import Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

_PROGRAM = ROOT / "tests" / "conformance" / "server.py"


class Bench:
    """The server under test, started anew on these two lines, and where it listens."""

    def __init__(self, micropython, rtu, ascii_line):
        self.port = free_port()
        command = [micropython, _PROGRAM, self.port, rtu.server_path, ascii_line.server_path]
        self.service = Service(command, env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"})
        self.service.wait_for("ready")
        self.where = {
            "TCP": self.port,
            "UDP": self.port,
            "RTU": rtu.client_path,
            "ASCII": ascii_line.client_path,
        }
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


@pytest.fixture(scope="session")
def bench(micropython):
    with PtyLine() as rtu, PtyLine() as ascii_line:
        running = Bench(micropython, rtu, ascii_line)
        yield running
        running.service.end()


def _master(bench, name):
    master = bench.peer(name)
    yield master
    master.close()


@pytest.fixture(params=["TCP", "UDP", "RTU", "ASCII"])
def master(bench, request):
    """A master on each transport in turn."""
    yield from _master(bench, request.param)


@pytest.fixture(params=["RTU", "ASCII"])
def serial(bench, request):
    """A master on each serial transport in turn."""
    yield from _master(bench, request.param)


@pytest.fixture
def tcp(bench):
    yield from _master(bench, "TCP")


@pytest.fixture
def udp(bench):
    yield from _master(bench, "UDP")


@pytest.fixture
def rtu(bench):
    yield from _master(bench, "RTU")


@pytest.fixture
def ascii_master(bench):
    yield from _master(bench, "ASCII")


def pytest_configure(config):
    config.addinivalue_line("markers", "transport(*names): what the table of results calls them")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.path.parent.name == "conformance":
        results.note(item, report)
    return report


def pytest_terminal_summary(terminalreporter, config):
    if not results.results:
        return
    path = os.environ.get("UMB_CONFORMANCE")
    if path:
        (ROOT / path).write_text(results.document())
    terminalreporter.section("conformance")
    for line in results.table():
        if config.option.verbose > 0 or "**not met**" in line:
            terminalreporter.write_line(line)
    met = sum(results.results.values())
    terminalreporter.write_line(
        f"{met} of {len(results.results)} results are as they should be (-v shows the table)"
    )
