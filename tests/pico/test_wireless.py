"""The application on an emulated Pico W, with clients in its network and slaves at its line."""

import json
import re
import socket
import struct
from http.client import HTTPConnection

import pytest

from tools.env import ROOT

pytestmark = pytest.mark.long_pico

PAGE = ROOT / "umb" / "panel" / "page.html.gz"
METER, DEAD, OWN = 7, 8, 100
TIMEOUT_S = 600  # the emulator may be a hundred times slower than the board
GATEWAY = {"role": "gateway", "slave_id": OWN, "timeout_ms": 200, "baudrate": 19200}
# What has to stay free: the goal of both is 60 KB; with the page the code has to be frozen.
FREE = FREE_WITH_PAGE = 60 * 1024
UP = "WiFi is up: Modbus TCP on 127.0.0.2:502"
PANEL = {"panel": {"port": 80}}


def free_bytes(board):
    """Return how much memory is free, as the board says next."""
    board.usb.text.clear()
    found = []

    def has_said():
        found[:] = re.findall(rb"free: (\d+)\r\n", board.usb.text)
        return found

    board.forward.run(has_said)
    return int(found[0])


def call_page(board, address, method, path, body=None):
    """Return (status, body) of a request of a browser, whose page is from the board."""

    def ask():
        connection = HTTPConnection(*address, timeout=TIMEOUT_S)
        origin = {"Origin": "http://{}:{}".format(*address)}
        connection.request(method, path, body, origin)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, content

    return board.forward.call(ask)


class TestGateway:
    @pytest.fixture(scope="class")
    def gateway(self, pico_w, wireless):
        """(Board, Slave, (host, port) of its Modbus TCP) of a gateway with a meter behind it."""
        slave = wireless.Slave(pico_w.line(), METER, {0: 2301, 1: 499, 9: 65535})
        pico_w.run(GATEWAY, say_memory=True)
        pico_w.wait_for(UP)
        return pico_w, slave, pico_w.forward.listen(502)

    @pytest.fixture
    def client(self, gateway):
        from pymodbus.client import ModbusTcpClient  # noqa: PLC0415

        board, _, (host, port) = gateway
        client = ModbusTcpClient(host, port=port, timeout=TIMEOUT_S, retries=0)
        assert board.forward.call(client.connect)
        yield client
        client.close()

    @pytest.fixture
    def ask(self, gateway):
        """ask(data): what comes back for bytes that a client sends at once, so many as wanted."""
        board, _, address = gateway

        def exchange(data, wanted):
            with socket.create_connection(address, TIMEOUT_S) as sock:
                sock.sendall(data)
                received = b""
                while len(received) < wanted:
                    received += sock.recv(wanted - len(received))
                return received

        return lambda data, wanted: board.forward.call(exchange, data, wanted)

    def test_registers_of_a_slave_behind_it(self, gateway, client):
        board, slave, _ = gateway
        read = board.forward.call(
            lambda: client.read_holding_registers(0, count=10, device_id=METER)
        )
        assert read.registers == [2301, 499, 0, 0, 0, 0, 0, 0, 0, 65535]
        assert slave.requests[-1][:6] == bytes([METER, 3, 0, 0, 0, 10])

    def test_its_own_registers(self, gateway, client):
        board, *_ = gateway
        read = board.forward.call(
            lambda: client.read_input_registers(110, count=13, device_id=OWN)
        )
        state, _, high, low, *address = read.registers[:6]
        assert state == 0  # it is in the network, and nothing is wrong
        assert address == [127 << 8, 2]
        assert 60_000 < (high << 16 | low) < 200_000  # bytes of memory that are free

    def test_a_slave_that_does_not_answer(self, gateway, client):
        board, *_ = gateway
        read = board.forward.call(
            lambda: client.read_holding_registers(0, count=1, device_id=DEAD)
        )
        assert read.isError() and read.exception_code == 11

    def test_requests_one_after_another(self, ask):
        """All in one segment: each is answered, with its transaction id, in the same order."""
        requests, replies = b"", b""
        for number in (1, 2, 0xFFFF):
            pdu = struct.pack(">BBHH", METER, 4, number % 3, 1)
            requests += struct.pack(">HHH", number, 0, len(pdu)) + pdu
            value = (2301, 499, 0)[number % 3]
            replies += struct.pack(">HHHBBBH", number, 0, 5, METER, 4, 2, value)
        assert ask(requests, len(replies)) == replies

    def test_memory(self, gateway, figures):
        free = free_bytes(gateway[0])
        figures.note("Pico W, gateway: bytes of memory free", free)
        assert free >= FREE


class TestGatewayWithPage:
    @pytest.fixture(scope="class")
    def gateway(self, pico_w, wireless):
        """(Board, (host, port) of its page) of a gateway with a meter behind it."""
        if not pico_w.frozen:
            pytest.skip("firmware with the application frozen in: docs/how-to/freeze.md")
        wireless.Slave(pico_w.line(), METER, {0: 2301})
        pico_w.run({**GATEWAY, **PANEL}, say_memory=True)
        pico_w.wait_for(UP)
        return pico_w, pico_w.forward.listen(80)

    def test_the_page(self, gateway):
        status, page = call_page(*gateway, "GET", "/")
        assert status == 200
        assert page == PAGE.read_bytes()

    def test_a_request_to_a_slave(self, gateway):
        """The page is a client: the slave behind the gateway answers it."""
        pdu = bytes([METER, 3, 0, 0, 0, 1])
        status, answer = call_page(*gateway, "POST", "/pdu", pdu)
        assert (status, answer) == (200, struct.pack(">BBH", 3, 2, 2301))

    def test_the_overview(self, gateway):
        status, content = call_page(*gateway, "GET", "/info")
        about = dict(json.loads(content)["about"])
        assert status == 200
        assert about["Address"] == "127.0.0.2" and about["Board"] == "RPI_PICO_W"

    def test_memory(self, gateway, figures):
        free = free_bytes(gateway[0])
        figures.note("Pico W, gateway with the page: bytes of memory free", free)
        assert free >= FREE_WITH_PAGE


class TestGatewayWithoutMemoryForPage:
    @pytest.fixture(scope="class")
    def board(self, pico_w, wireless):
        """A Board whose settings ask for the page, too, and whose code is in files."""
        if pico_w.frozen:
            pytest.skip("firmware without the application")
        wireless.Slave(pico_w.line(), METER, {0: 2301})
        pico_w.run({**GATEWAY, **PANEL}, say_memory=True)
        pico_w.wait_for(UP)
        return pico_w

    def test_it_says_so(self, board):
        assert b"umb: problem: panel: too little memory: freeze the application" in board.usb.text

    def test_slaves_are_reached(self, board):
        request = struct.pack(">HHHBBHH", 1, 0, 6, METER, 3, 0, 1)
        reply = struct.pack(">HHHBBBH", 1, 0, 5, METER, 3, 2, 2301)
        address = board.forward.listen(502)

        def ask():
            with socket.create_connection(address, TIMEOUT_S) as sock:
                sock.sendall(request)
                return sock.recv(len(reply))

        assert board.forward.call(ask) == reply

    def test_memory(self, board):
        assert free_bytes(board) >= FREE
