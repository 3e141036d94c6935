"""Raw probes over TCP on which Modbus stacks differ, and the answers that umb decided on."""

import time

import pytest

from tests.interop.probe import CLOSED, RawClient, frame, probe_server


@pytest.fixture(scope="module")
def server(micropython):
    with probe_server(micropython) as running:
        yield running


@pytest.fixture
def client(server):
    with RawClient(server.address) as connected:
        yield connected


_READ = "03 0000 0001"
_VALUE = "03020000"

_ANSWERS = {
    "1 byte short": ("03 0000 00", "8303"),
    "1 trailing byte": ("03 0000 0001 00", "8303"),
    "FC3 q0": ("03 0000 0000", "8303"),
    "FC3 q126": ("03 0000 007e", "8303"),
    "FC1 q2001": ("01 0000 07d1", "8103"),
    "65535 q2": ("03 ffff 0002", "8302"),
    "coils 65535 q2": ("01 ffff 0002", "8102"),
    "unmapped": ("03 0190 0001", "8302"),
    "q126 and bad address": ("03 ffff 007e", "8303"),
    "FC5 value 0001": ("05 0000 0001", "8503"),
    "FC15 q0": ("0f 0000 0000 00", "8f03"),
    "FC15 byte count": ("0f 0000 0008 02 ffff", "8f03"),
    "FC16 q0": ("10 0000 0000 00", "9003"),
    "FC16 byte count": ("10 0000 0002 02 0001", "9003"),
    "FC16 q124": ("10 0000 007c f6" + "0001" * 123, "9003"),
    "FC22": ("16 0005 00f2 0025", "16000500f20025"),
    "FC23": ("17 0006 0002 0006 0001 02 00aa", "170400aa0000"),
    "FC23 write 122": ("17 0000 0001 0000 007a f2" + "0001" * 121, "9703"),
    "FC 0": ("00", "8001"),
    "FC 0x41": ("41", "c101"),
    "FC 0x83": ("83 0000 0001", "8301"),
    "FC8/0": ("08 0000 1234", "8801"),
    "FC43/14 without an identity": ("2b 0e 01 00", "ab01"),
}


@pytest.mark.parametrize(("pdu", "response"), _ANSWERS.values(), ids=_ANSWERS)
def test_answer(client, pdu, response):
    assert client.ask(pdu.replace(" ", "")) == response
    assert client.ask(_READ.replace(" ", "")) == _VALUE


@pytest.mark.parametrize("slave_id", [0, 255])
def test_unit_of_the_device_itself(client, slave_id):
    assert client.ask(_READ.replace(" ", ""), slave_id) == _VALUE


def test_unit_that_nobody_serves(client):
    assert client.ask(_READ.replace(" ", ""), 77) == "830b"
    assert client.ask(_READ.replace(" ", "")) == _VALUE


def test_one_byte_every_2_ms(client):
    for byte in frame(_READ):
        client.send(bytes((byte,)))
        time.sleep(0.002)
    assert client.receive()[7:].hex() == _VALUE


def test_three_requests_in_one_segment(client):
    client.send(b"".join(frame(_READ, 1, i) for i in (7, 5, 6)))
    for transaction in (7, 5, 6):
        assert client.receive() == frame(_VALUE, 1, transaction)


_CLOSING = {
    "protocol id 1": (1, 6),
    "length 0": (0, 0),
    "length 1": (0, 1),
    "length 255": (0, 255),
    "length 65535": (0, 65535),
}


@pytest.mark.parametrize(("protocol", "length"), _CLOSING.values(), ids=_CLOSING)
def test_header_that_closes_the_connection(client, server, protocol, length):
    header = b"".join(field.to_bytes(2, "big") for field in (9, protocol, length))
    client.send(header + bytes.fromhex("01" + _READ))
    assert client.receive() == CLOSED
    with RawClient(server.address) as another:
        assert another.ask(_READ.replace(" ", "")) == _VALUE


def test_connections_come_and_go(server):
    for i in range(24):
        with RawClient(server.address) as client:
            assert client.ask(_READ.replace(" ", ""), transaction=i) == _VALUE
