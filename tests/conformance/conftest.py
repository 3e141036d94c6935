"""One server for the whole suite, asked over each transport."""

import contextlib
import functools

import pytest

from tests.conformance.bench import run_bench
from tests.conformance.clients import client as run_client
from tests.conformance.shell import Shell


@pytest.fixture(scope="session")
def bench(micropython):
    with run_bench(micropython) as running:
        yield running


@pytest.fixture
def new_bench(micropython):
    """What makes a Bench of one's own: `with new_bench() as bench`."""
    return functools.partial(run_bench, micropython)


@pytest.fixture(scope="session")
def shell(micropython):
    with Shell(micropython) as running:
        yield running


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


@pytest.fixture(params=["TCP", "UDP"])
def network(bench, request):
    """A master on each network transport in turn."""
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


@pytest.fixture(scope="session")
def clients(micropython):
    """What gives the client of a name, with its slave, as it was at the beginning."""
    with contextlib.ExitStack() as running:
        known = {}

        def get(name):
            if name not in known:
                known[name] = running.enter_context(run_client(micropython, name))
            known[name].reset()
            return known[name]

        yield get


def _client(clients, request):
    return clients(request.param.split()[0])


@pytest.fixture(params=["TCP client", "UDP client", "RTU client", "ASCII client"])
def client(clients, request):
    """A client on each transport in turn."""
    return _client(clients, request)


@pytest.fixture(params=["TCP client", "UDP client"])
def network_client(clients, request):
    """A client on each network transport in turn."""
    return _client(clients, request)


@pytest.fixture(params=["RTU client", "ASCII client"])
def serial_client(clients, request):
    """A client on each serial transport in turn."""
    return _client(clients, request)
