"""A gateway at rest costs next to no processor time, served with serve() or under asyncio."""

import sys
import time

import pytest

from tests.interop.bus import RawMaster, frame
from tests.interop.gateway import gateway
from tests.interop.probe import RawClient
from tools.pty_line import PtyLine

_SETTLE_S = 0.8  # asyncio goes to rest in steps
_WATCH_S = 0.8
_MOST = 0.1  # of a processor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def lines():
    with PtyLine() as far, PtyLine() as near:
        yield far, near


@pytest.fixture(scope="module", params=["serve", "aio"])
def server(request, micropython, lines):
    """A gateway to one line, which is a slave on another."""
    far, near = lines
    with gateway(micropython, request.param, far.client_path, near.server_path) as running:
        yield running


def rests(service):
    """Does it hardly compute?"""
    time.sleep(_SETTLE_S)
    return service.cpu_share(_WATCH_S) <= _MOST


def test_after_requests(server, lines):
    with RawClient(server.address) as client, RawMaster(lines[1].client_path) as master:
        for _ in range(10):
            assert client.ask("03 0000 0001", slave_id=100) == "03020000"
            answer = frame(100, "03 02 0000")
            assert master.ask(frame(100, "03 0000 0001"), len(answer)) == answer
        assert rests(server)


def test_after_noise_and_time_outs(server, lines):
    """On the line that it is the client of: what nobody has asked for has to be fetched."""
    with RawClient(server.address) as client, RawMaster(lines[0].server_path) as slave:
        slave.say(b"\xff\x00\x55" * 50)
        assert client.ask("03 0000 0001", slave_id=9) == "830b"
        slave.say(frame(9, "03 02 0000"))  # too late
        assert rests(server)


def heard(end, size):
    """Return what comes at an end of a line: so much, and what may follow at once."""
    return end.ask(b"", size)


@pytest.mark.usefixtures("server")
def test_a_request_from_line_to_line(lines):
    """It answers for the slaves of the other line, and for nobody else."""
    with RawMaster(lines[0].server_path) as slave, RawMaster(lines[1].client_path) as master:
        ask, answer = frame(5, "03 0000 0002"), frame(5, "03 04 1234 5678")
        for _ in range(3):
            master.say(frame(50, "03 0000 0002"))
            time.sleep(0.05)
            master.say(ask)
            assert heard(slave, len(ask)) == ask
            slave.say(answer)
            assert heard(master, len(answer)) == answer
