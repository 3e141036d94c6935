"""RTUClient over a serial device of a Unix machine, umb.port.tty: against umb's own slave."""

import os

import pytest

from tests.interop.peer_remote import rtu_client
from tools.pty_line import PtyLine


@pytest.fixture(scope="module")
def client(micropython, slave):
    with rtu_client(micropython, slave.device, timeout_ms=10_000) as remote:
        yield remote


def test_remote_io(client):
    assert client.call("write_multiple_coils(1, 0, [1, 0] * 4)") == 8
    assert client.call("read_coils(1, 0, 8)") == [1, 0] * 4
    values = list(range(60000, 60016))
    assert client.call(f"write_multiple_registers(1, 0, {values})") == 16
    assert client.call("read_holding_registers(1, 0, 16)") == values
    assert client.outcome("read_holding_registers(1, 0, 17)") == "IllegalDataAddressError"
    assert client.outcome("request(1, b'\\x64')") == "IllegalFunctionError"


def test_requests_are_counted(client):
    first = client.call("read_input_registers(1, 102, 1)")[0]
    for i in range(50):
        assert client.call(f"write_single_register(1, {i % 16}, {i})") == i
    assert client.call("read_input_registers(1, 102, 1)") == [first + 51]


def test_another_slave(client):
    client.run("client.timeout_ms = 150")
    assert client.outcome("read_coils(2, 0, 1)") == "NoReplyError"
    client.run("client.timeout_ms = 10_000")
    assert client.call("write_single_coil(1, 0, 1)") == 1


def test_broadcast(client):
    assert client.call("write_single_register(0, 3, 333)") is None
    assert client.call("read_holding_registers(1, 3, 1)") == [333]


def test_nobody_on_the_line(micropython):
    with PtyLine() as line, rtu_client(micropython, line.client_path, timeout_ms=150) as client:
        got, took_s = client.timed("read_coils(1, 0, 1)")
        assert got == "NoReplyError" and 0.14 < took_s < 10


_REQUEST = b"\1\3\0\x0a\0\2\xe4\t"
_REPLY = b"\1\3\4\0F\0G[\xd4"


@pytest.mark.parametrize(
    ("echo", "reply", "wanted"),
    [
        (_REQUEST, _REPLY, [70, 71]),
        (_REQUEST, b"", "NoReplyError"),
        (_REQUEST[:-1] + b"\0", b"", "BadReplyError"),
        (_REQUEST[:3], b"", "BadReplyError"),
    ],
)
def test_an_echo(micropython, echo, reply, wanted):
    """Of an adapter whose receiver is always on."""
    with PtyLine() as line:
        far = os.open(line.server_path, os.O_RDWR | os.O_NOCTTY)
        with rtu_client(micropython, line.client_path, timeout_ms=10_000, echo=True) as client:
            if not reply:
                client.run(f"client.timeout_ms = {200 if wanted == 'NoReplyError' else 3000}")
            client.start("read_holding_registers(1, 10, 2)")
            data = b""
            while len(data) < len(_REQUEST):
                data += os.read(far, 256)
            assert data == _REQUEST
            os.write(far, echo + reply)
            assert client.finish() == wanted
        os.close(far)
