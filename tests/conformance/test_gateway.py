"""A gateway (TCP Messaging Implementation Guide 4.4.2; Application Protocol V1.1b3, 7)."""

import os
import struct
from pathlib import Path

import pytest

from tests.conformance import peers
from tests.conformance.slaves import SerialSlave, good, right
from tests.conformance.test_general import words
from tests.support.service import Service, free_port
from tools.env import ROOT
from tools.pty_line import PtyLine

pytestmark = pytest.mark.transport("gateway")

_PROGRAM = Path(__file__).with_name("gateway_program.py")
_READ = words(3, 10, 2)
_ANSWER = words(3) + b"\x04\0\x46\0\x4d"


class Bench:
    """A gateway with a slave behind it that answers for every id but 9."""

    def __init__(self, port, slave):
        self.port = port
        self.slave = slave
        self.reset()

    def reset(self):
        """Make the slave a good one."""
        self.slave.script = lambda request: good(request) if request.slave_id != 9 else ()
        self.slave.requests.clear()

    def master(self):
        """Return a client of the gateway."""
        return peers.TCP(self.port)


@pytest.fixture(scope="module")
def running(micropython):
    with PtyLine() as line, SerialSlave(peers.RTU, line.server_path) as slave:
        port = free_port()
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        service = Service([micropython, _PROGRAM, port, line.client_path], env=env)
        try:
            service.wait_for("ready")
            yield Bench(port, slave)
        finally:
            service.end()


@pytest.fixture
def bench(running):
    running.reset()
    return running


@pytest.fixture
def master(bench):
    one = bench.master()
    yield one
    one.close()


def test_012_141_no_path_and_no_answer(bench, master):
    for unit in (10, 50, 247, 248):
        assert master.ask(_READ, unit) == b"\x83\x0a"
    assert not bench.slave.requests
    assert master.ask(_READ, 9) == b"\x83\x0b"
    assert master.ask(_READ, 5) == _ANSWER


def test_141_answers_and_exceptions_are_passed_on(bench, master):
    for unit in (1, 8):
        for pdu in (_READ, words(6, 1, 7), words(1, 0, 2000), words(3, 0, 125)):
            assert master.ask(pdu, unit) == right(pdu)
    for code in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 99):
        bench.slave.script = lambda request, code=code: [request.reply(bytes([0x83, code]))]
        assert master.ask(_READ, 5) == bytes([0x83, code])
    assert {request.slave_id for request in bench.slave.requests} == {1, 5, 8}


def test_141_transaction_ids_come_back(master):
    numbers = (0, 0xFFFF, 0x1234)
    for number in numbers:
        master.put(struct.pack(">HHHB", number, 0, 6, 5) + _READ)
    for number in numbers:
        assert master.receive() == struct.pack(">HHHB", number, 0, 7, 5) + _ANSWER


def test_141_broadcasts(bench, master):
    """A write to unit 0 goes to everybody on the line, and is answered by nobody (policy)."""
    bench.slave.script = lambda request: () if request.slave_id == 0 else good(request)
    master.put(master.frame(words(6, 1, 7), 0))
    assert master.ask(_READ, 5) == _ANSWER
    asked = [(request.slave_id, request.pdu) for request in bench.slave.requests]
    assert asked == [(0, words(6, 1, 7)), (5, _READ)]


def test_140_more_than_can_wait(bench):
    def slow(request):
        yield 0.2
        yield from good(request)

    bench.slave.script = slow
    masters = [bench.master() for _ in range(5)]
    for master in masters:
        master.put(master.frame(_READ, 5))
    answers = [master.answer(5) for master in masters]
    assert sorted(answers) == [_ANSWER] * 2 + [b"\x83\x06"] * 3
    assert masters[0].ask(_READ, 5) == _ANSWER
    for master in masters:
        master.close()
