"""serve() costs next to no processor time while nothing comes, whatever has come before."""

import socket
import time

import pytest

from tests.interop.bus import RawMaster, frame
from tests.support.service import Slave
from tools.pty_line import PtyLine

_SETTLE_S = 0.3
_WATCH_S = 1
_MOST = 0.05  # of a processor


@pytest.fixture(scope="module")
def line():
    with PtyLine() as one:
        yield one


@pytest.fixture(scope="module")
def both(micropython, line):
    """A slave behind a serial line and a network."""
    running = Slave(micropython, "--parity", "N", serial=line.server_path)
    yield running
    running.end()


@pytest.fixture
def master(line):
    with RawMaster(line.client_path) as one:
        yield one


def rests(service):
    """Does it hardly compute?"""
    time.sleep(_SETTLE_S)
    return service.cpu_share(_WATCH_S) <= _MOST


def answers(master):
    answer = frame(1, "03 02 0000")
    return master.ask(frame(1, "03 0000 0001"), len(answer)) == answer


def test_at_the_start(both):
    assert rests(both)


def test_after_requests_and_noise(both, master):
    assert answers(master)
    for data in (
        b"\xff",
        frame(1, "03 0000 0001")[:5],
        bytes(300),
        frame(2, "41 00"),
        b"\x01\x10",
    ):
        master.say(data)
        time.sleep(0.05)
    assert rests(both)
    assert answers(master)


def test_with_clients_that_come_and_go(both, master):
    address = (both.host, both.port)
    with socket.create_connection(address) as silent, socket.create_connection(address) as half:
        half.sendall(b"\x00\x01\x00")
        assert answers(master)
        assert rests(both)
        silent.shutdown(socket.SHUT_WR)
        assert rests(both)
    assert rests(both)
    assert answers(master)
