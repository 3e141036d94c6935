"""A server to be probed over TCP, and a client that sends whatever it is told to."""

import contextlib
import os
import socket
from pathlib import Path

from tests.support.service import Service, free_port
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("tcp_server.py")
_PATIENCE_S = 20

CLOSED = "closed"


class ProbeServer(Service):
    """tcp_server.py at work; address is (host, port)."""

    def __init__(self, micropython, slave_id=1):
        self.address = ("127.0.0.1", free_port())
        self.slave_id = slave_id
        path = {"MICROPYPATH": f"{ROOT}:.frozen"}
        super().__init__(
            [micropython, _PROGRAM, self.address[1], slave_id], env={**os.environ, **path}
        )
        self.wait_for("ready")


@contextlib.contextmanager
def probe_server(micropython, slave_id=1):
    """Run a ProbeServer for as long as the block lasts; it has to live until then."""
    server = ProbeServer(micropython, slave_id)
    try:
        yield server
    finally:
        status = server.end()
    assert status == 0, "\n".join(server.lines)


def frame(pdu, slave_id=1, transaction=0x1234):
    """Return a Modbus TCP frame; the PDU is bytes or hexadecimal."""
    pdu = bytes.fromhex(pdu) if isinstance(pdu, str) else pdu
    header = (transaction, 0, len(pdu) + 1)
    return b"".join(field.to_bytes(2, "big") for field in header) + bytes((slave_id,)) + pdu


class RawClient:
    """A TCP connection on which each frame is read as it should be."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, _PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Send bytes as they are."""
        self.socket.sendall(data)

    def receive(self):
        """Return the next frame whole, or CLOSED; an AssertionError if neither comes."""
        header = self._read(7)
        if header == CLOSED:
            return CLOSED
        assert header[2:4] == b"\0\0", f"protocol id of {header.hex(' ')}"
        return header + self._read(int.from_bytes(header[4:6], "big") - 1)

    def _read(self, n):
        data = b""
        while len(data) < n:
            try:
                more = self.socket.recv(n - len(data))
            except TimeoutError:
                raise AssertionError(f"silence after {data.hex(' ') or 'nothing'}") from None
            except ConnectionResetError:
                more = b""
            if not more:
                assert not data, f"closed after {data.hex(' ')}"
                return CLOSED
            data += more
        return data

    def ask(self, pdu, slave_id=1, transaction=0x1234):
        """Send a request; return its response PDU in hexadecimal, or CLOSED."""
        self.send(frame(pdu, slave_id, transaction))
        got = self.receive()
        if got == CLOSED:
            return CLOSED
        assert got[:2] == transaction.to_bytes(2, "big"), f"transaction id of {got.hex(' ')}"
        assert got[6] == slave_id, f"slave id of {got.hex(' ')}"
        return got[7:].hex()
