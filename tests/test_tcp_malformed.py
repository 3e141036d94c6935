"""What a well-known server got wrong over TCP, good requests and bad ones, and umb's answers."""

import os
import resource
import time
from pathlib import Path

import pytest

from tests.interop.probe import CLOSED, RawClient, frame, probe_server

_SLAVE_ID = 7
_WATCH_S = 0.6


@pytest.fixture(scope="module")
def server(micropython):
    with probe_server(micropython, _SLAVE_ID) as running:
        yield running


@pytest.fixture
def client(server):
    with RawClient(server.address) as connected:
        yield connected


def ask(client, pdu):
    """Send one PDU or several after each other; return the last response."""
    got = None
    for one in pdu if isinstance(pdu, list) else [pdu]:
        got = client.ask(one.replace(" ", ""), _SLAVE_ID, 0x10AB)
    return got


_EXAMPLE = "0f 0013 0013 03 cd6b05"  # the coils of AP 6.1

_GOOD = {
    "FC3 x10": ("03 0000 000a", "0314" + "0000" * 10),
    "FC3 x125": ("03 0032 007d", "03fa" + "0000" * 125),
    "FC5 on": ("05 0064 ff00", "050064ff00"),
    "FC6 40000": (["06 0014 9c40", "03 0014 0001"], "03029c40"),
    "FC16 x2": (["10 0015 0002 04 000a 0102", "03 0015 0002"], "0304000a0102"),
    "FC1 example": ([_EXAMPLE, "01 0013 0013"], "0103cd6b05"),
    "FC2 19 bits": ("02 0000 0013", "0203499204"),
    "FC1 of 1 0 0": (["0f 0100 0003 01 01", "01 0100 0003"], "010101"),
    "FC15 10 coils": (["0f 0110 000a 02 cd01", "01 0110 000a"], "0102cd01"),
    "FC16 x58": ("10 0032 003a 74" + "0000" * 58, "100032003a"),
    "FC16 x100": ("10 0032 0064 c8" + "0000" * 100, "1000320064"),
    "FC16 x123": ("10 0032 007b f6" + "0000" * 123, "100032007b"),
    "FC15 x1968": ("0f 0020 07b0 f6" + "ff" * 246, "0f002007b0"),
    "FC22": (["06 001e 0012", "16 001e 00f2 0025", "03 001e 0001"], "03020017"),
    "FC23": ("17 001f 0002 001f 0001 02 00ff", "170400ff0000"),
}

_BAD = {
    "FC1 quantity 0": ("01 0000 0000", "8103"),
    "FC1 quantity 2001": ("01 0000 07d1", "8103"),
    "FC2 quantity 0": ("02 0000 0000", "8203"),
    "FC3 quantity 0": ("03 0000 0000", "8303"),
    "FC3 quantity 126": ("03 0000 007e", "8303"),
    "FC4 quantity 126": ("04 0000 007e", "8403"),
    "FC5 bad value": ("05 0000 1234", "8503"),
    "FC16 quantity 0": ("10 0000 0000 00", "9003"),
    "FC3 unknown address": ("03 01f4 0001", "8302"),
    "FC6 unknown address": ("06 01f4 0001", "8602"),
    "FC3 past the end": ("03 00c3 000a", "8302"),
    "FC16 past the end": ("10 00c6 0004 08 0001 0002 0003 0004", "9002"),
    "FC16 wrong byte count": ("10 0000 0002 03 000a 01", "9003"),
    "FC16 quantity and byte count": ("10 0000 0003 04 000a 0102", "9003"),
    "FC15 wrong byte count": ("0f 0000 000a 01 cd", "8f03"),
    "FC15 data short": ("0f 0000 000a 02 cd", "8f03"),
    "FC6 without value": ("06 0000", "8603"),
    "FC3 short": ("03 0000 00", "8303"),
    "FC3 function code alone": ("03", "8303"),
    "FC3 trailing byte": ("03 0000 0001 00", "8303"),
    "FC7": ("07", "8701"),
    "FC11": ("0b", "8b01"),
    "FC17": ("11", "9101"),
    "FC8": ("08 0000 1234", "8801"),
    "FC24": ("18 0000", "9801"),
    "FC43": ("2b 0e 01 00", "ab01"),
    "FC0": ("00 0000 0001", "8001"),
    "FC 0x64": ("64 0000 0001", "e401"),
    "FC 0x83": ("83 0000 0001", "8301"),
    "hook fails to read": ("03 03e8 0001", "8304"),
    "hook fails to write": ("06 03e8 0001", "8604"),
}


@pytest.mark.parametrize(("pdu", "response"), _GOOD.values(), ids=_GOOD)
def test_good_request(client, pdu, response):
    assert ask(client, pdu) == response


@pytest.mark.parametrize(("pdu", "response"), _BAD.values(), ids=_BAD)
def test_bad_request(client, pdu, response):
    assert ask(client, pdu) == response
    assert ask(client, "04 0001 0001") == "0402012c", "it does not live on"


def test_refused_write_changes_nothing(client):
    before = ask(client, "03 00b4 0014")
    assert ask(client, "10 00c6 0004 08 0001 0002 0003 0004") == "9002"
    assert ask(client, "10 00c6 0002 02 0001") == "9003"
    assert ask(client, "03 00b4 0014") == before
    assert ask(client, "03 00c8 0001") == "8302"


@pytest.mark.parametrize("slave_id", [0, 255])
def test_slave_ids_that_mean_the_device(client, slave_id):
    assert client.ask("0400010001", slave_id) == "0402012c"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("10ab 0001 0006 07 03 0000 0001", id="protocol id 1"),
        pytest.param("10ab 0000 0000 07 03 0000 0001", id="length 0"),
        pytest.param("10ab 0000 0001 07 03 0000 0001", id="length 1"),
        pytest.param("10ab 0000 012c 07 03 0000 0001", id="length 300"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".hex(), id="HTTP"),
        pytest.param("16 0301 0200 0100 01fc 0303", id="TLS"),
    ],
)
def test_what_is_not_modbus_closes_the_connection(client, server, data):
    client.send(bytes.fromhex(data))
    assert client.receive() == CLOSED
    with RawClient(server.address) as another:
        assert ask(another, "04 0001 0001") == "0402012c"


@pytest.mark.parametrize("cuts", [[7], [4], [11], [1, 8], range(1, 12)])
def test_one_frame_in_several_segments(client, cuts):
    data = frame("0400010001", _SLAVE_ID)
    start = 0
    for end in [*cuts, len(data)]:
        client.send(data[start:end])
        start = end
        time.sleep(0.01)  # so that each goes out alone
    assert client.receive()[7:].hex() == "0402012c"


@pytest.mark.parametrize("n", [2, 12])
def test_several_frames_in_one_segment(client, n):
    client.send(b"".join(frame(f"04{i:04x}0001", _SLAVE_ID, i) for i in range(n)))
    for i in range(n):
        assert client.receive()[7:].hex() == f"0402{300 * i:04x}", i


def test_several_clients(server):
    with RawClient(server.address) as first, RawClient(server.address) as second:
        for _ in range(3):
            for client in (first, second):
                assert ask(client, "04 0001 0001") == "0402012c"


def test_silent_clients_hold_nobody_up(server):
    with (
        RawClient(server.address),
        RawClient(server.address) as half,
        RawClient(server.address) as client,
    ):
        half.send(frame("0400010001")[:8])
        for _ in range(100):
            assert ask(client, "04 0001 0001") == "0402012c"


@pytest.mark.parametrize("requests", [0, 1, 20])
def test_half_closed_client_gets_its_answers(client, requests):
    client.send(b"".join(frame("0400010001", _SLAVE_ID, i) for i in range(requests)))
    client.socket.shutdown(1)  # SHUT_WR
    for _ in range(requests):
        assert client.receive()[7:].hex() == "0402012c"
    assert client.receive() == CLOSED


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_idle_server_sleeps_and_closes_what_is_over(server):
    files = open_files(server)
    assert server.cpu_share(_WATCH_S) < 0.2, "with no client"
    with RawClient(server.address) as client:
        assert ask(client, "04 0001 0001") == "0402012c"
        assert open_files(server) == files + 1
        client.send(frame("0400010001")[:5])
        assert server.cpu_share(_WATCH_S) < 0.2, "with a silent client"
        client.socket.shutdown(1)
        assert client.receive() == CLOSED
        assert open_files(server) == files
    assert server.cpu_share(_WATCH_S) < 0.2, "after a client"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_clients_wait_while_the_server_has_no_more_files(micropython):
    """It sleeps meanwhile, and serves who is there; who waits is served as soon as it can."""
    with probe_server(micropython, _SLAVE_ID) as server, RawClient(server.address) as client:
        assert ask(client, "04 0001 0001") == "0402012c"
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        files = open_files(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files, before[1]))
        with RawClient(server.address) as waiting, RawClient(server.address) as another:
            for one in (waiting, another):
                one.send(frame("0400010001", _SLAVE_ID))
            assert server.cpu_share(_WATCH_S) < 0.1
            assert ask(client, "04 0001 0001") == "0402012c"
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
            for one in (waiting, another):
                assert one.receive()[7:].hex() == "0402012c"
