"""Gateways to servers in networks, between pymodbus's masters and pymodbus's devices."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.pc import PC, answer
from tests.support.service import free_port

_DEVICES = {
    1: {"bits": [True] * 20, "registers": [1000 + i for i in range(100)]},
    2: {"bits": [False] * 20, "registers": [2000 + i for i in range(100)]},
}
_HEAD = """
from umb.client.rtu import RTUClient
from umb.client.tcp import TCPClient
from umb.gateway import Gateway
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer

there = TCPClient(("127.0.0.1", PEER), timeout_ms=400)
"""
_TCP = _HEAD + 'TCPServer(("127.0.0.1", PORT), Gateway(there, OPTIONS)).serve_forever()\n'
_RTU = _HEAD + "RTUServer(0, Gateway(there, OPTIONS), baudrate=19200).serve_forever()\n"
_BUS = """
from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.server.tcp import TCPServer

bus = RTUClient(0, baudrate=19200, timeout_ms=400)
TCPServer(("127.0.0.1", PORT), Gateway(bus, OPTIONS)).serve_forever()
"""


@pytest.fixture
def pc(micropython, tmp_path):
    with PC(micropython, tmp_path) as one:
        yield one


class Place:
    """A gateway program at work, and what it asks."""

    def __init__(self, pc, text, options="", peer=True):
        self.pc = pc
        self.port, self.peer_port = free_port(), free_port()
        if peer:
            pc.peer("tcp", self.peer_port, _DEVICES)
        for name, value in (("PEER", self.peer_port), ("PORT", self.port), ("OPTIONS", options)):
            text = text.replace(name, str(value))
        self.service = pc.start(text)

    @contextlib.contextmanager
    def master(self):
        """Yield a client of the gateway's network."""
        with self.pc.tcp_master(self.port) as client:
            answer(self.service, lambda: client.read_coils(0, count=1, device_id=1))
            yield client

    def connections(self):
        """Return how many connections to the peer there are on this machine."""
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        return sum(row[2].endswith(f":{self.peer_port:04X}") and row[3] == "01" for row in rows)


def registers(client, slave_id, address=0, count=2):
    response = client.read_holding_registers(address, count=count, device_id=slave_id)
    return response.exception_code if response.isError() else response.registers


def test_many_masters_and_one_connection(pc):
    place = Place(pc, _TCP, "slave_ids=(1, 2)")
    with contextlib.ExitStack() as stack:
        masters = [stack.enter_context(place.master()) for _ in range(4)]

        def work(number):
            for i in range(40):
                slave_id = 1 + (number + i) % 2
                wanted = [1000 * slave_id + 10 * number + k for k in range(5)]
                assert registers(masters[number], slave_id, 10 * number, 5) == wanted
            return True

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [True] * 4
        assert place.connections() == 1
        assert not masters[0].write_registers(5, [7, 8], device_id=2).isError()
        assert registers(masters[1], 2, 5) == [7, 8]
        assert registers(masters[2], 3) == 10
        assert masters[3].read_holding_registers(500, count=1, device_id=1).exception_code == 2


def test_other_unit_ids(pc):
    place = Place(pc, _TCP, "slave_ids=(), unit_ids={255: 1, 0: 1, 7: 2, 1: 1}")
    with place.master() as client:
        for slave_id, first in ((255, 1000), (0, 1000), (7, 2000)):
            assert registers(client, slave_id) == [first, first + 1]
        assert not client.write_register(3, 4711, device_id=0).isError()
        assert registers(client, 255, 3) == [4711, 1004]
        assert registers(client, 2) == 10


def test_a_master_on_a_serial_line(pc):
    """The board is slaves 41 and 42 there, and nobody else."""
    place = Place(pc, _RTU, "slave_ids=(), unit_ids={41: 1, 42: 2}")
    with pc.serial_master(0) as client:
        answer(place.service, lambda: client.read_coils(0, count=1, device_id=41))
        for _ in range(5):
            assert registers(client, 41, 0, 100) == [1000 + i for i in range(100)]
            assert registers(client, 42) == [2000, 2001]
        assert not client.write_registers(5, list(range(60)), device_id=42).isError()
        assert registers(client, 42, 5, 60) == list(range(60))
        assert client.read_holding_registers(500, count=1, device_id=41).exception_code == 2
        with pytest.raises(Exception, match=r"[Nn]o response"):
            client.read_coils(0, count=1, device_id=1)
        assert registers(client, 41) == [1000, 1001]


def test_a_cache(pc):
    """What another master writes to the device is seen when the reply is old enough."""
    place = Place(pc, _TCP, "cache_ms=1500")
    with place.master() as client, pc.tcp_master(place.peer_port) as beside:
        assert registers(client, 1) == [1000, 1001]
        assert not beside.write_register(0, 5, device_id=1).isError()
        assert registers(client, 1) == [1000, 1001]
        time.sleep(1.6)
        assert registers(client, 1) == [5, 1001]
        assert not client.write_register(1, 6, device_id=1).isError()
        assert registers(client, 1) == [5, 6], "what was written through it is read back at once"


def test_a_server_that_comes_late_and_goes(pc):
    place = Place(pc, _TCP, peer=False)
    with place.master() as client:
        assert registers(client, 1) == 11
        pc.peer("tcp", place.peer_port, _DEVICES)
        deadline = time.monotonic() + 20
        while registers(client, 1) == 11:
            assert time.monotonic() < deadline
        assert registers(client, 2) == [2000, 2001]
    assert "Traceback" not in "\n".join(place.service.lines)


def test_broadcasts_that_are_answered(pc):
    pc.peer("serial", pc.far_end(0), _DEVICES)
    place = Place(pc, _BUS, "answer_broadcasts=True", peer=False)
    with place.master() as client:
        for response in (
            client.write_register(7, 99, device_id=0),
            client.write_registers(8, [98, 97], device_id=0),
            client.write_coil(3, False, device_id=0),
            client.write_coils(4, [False] * 9, device_id=0),
        ):
            assert response is not None
            assert not response.isError()
