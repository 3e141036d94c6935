"""Fixtures, and the collection of the tests that run in MicroPython."""

import pytest

from tests.support.mpy import FOLDER, MpyFile
from tests.support.service import Slave
from tools.env import find_micropython
from tools.pty_line import PtyLine

pytest_plugins = (
    "tests.conformance.summary",
    "tests.pico.options",
    "tests.support.long",
    "tests.support.order",
)


def pytest_configure(config):
    """Find the MicroPython that everything here uses."""
    config.micropython = find_micropython()
    if config.micropython is None:
        raise pytest.UsageError("no micropython here; python3 tools/dev.py test brings one")


def pytest_pycollect_makemodule(module_path, parent):
    """Take over the files of tests/mpy, which this Python could not import."""
    if FOLDER in module_path.parents:
        return MpyFile.from_parent(parent, path=module_path)
    return None


@pytest.fixture(scope="session")
def micropython(pytestconfig):
    """Path of the MicroPython unix port."""
    return pytestconfig.micropython


@pytest.fixture
def pty_pair():
    """A PtyLine: server_path and client_path are the two ends of a serial line."""
    with PtyLine() as line:
        yield line


@pytest.fixture(scope="module")
def slave(micropython):
    """The remote-I/O slave on TCP (host, port) and RTU (device), with slave_id 1."""
    with PtyLine() as line:
        running = Slave(micropython, serial=line.server_path)
        running.device = line.client_path
        yield running
        running.end()
