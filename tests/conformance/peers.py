"""Masters that know nothing of `umb`: one PDU out, one PDU back, over each transport."""

import os
import select
import socket
import struct
import time
import tty

from tests.conformance.device import SLAVE_ID

PATIENCE_S = 5.0  # for an answer that has to come
SILENCE_S = 0.12  # without one, nobody is going to answer
_BETWEEN_S = 0.005  # longer than t3.5


def crc16(data):
    """The CRC of SL 6.2.2, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)


def lrc(data):
    """The LRC of SL 6.2.1."""
    return bytes([-sum(data) & 0xFF])


class _Peer:
    """What the masters of all transports can do. `file` is what they read from and write to."""

    def silent(self):
        """Does nothing come?"""
        return not select.select([self.file], [], [], SILENCE_S)[0]

    def drain(self):
        """Throw away what comes, until nothing does."""
        while not self.silent():
            self.receive()

    def refused(self):
        """Is what was sent last answered by nobody?"""
        return self.silent()


class _Network(_Peer):
    """A master with MBAP frames."""

    serial = False
    transaction = 0

    def __init__(self, port):
        self.file = socket.socket(socket.AF_INET, self.kind)
        self.file.settimeout(PATIENCE_S)
        self.file.connect(("127.0.0.1", port))

    def close(self):
        """Hang up."""
        self.file.close()

    def put(self, data):
        """Send bytes as they are."""
        self.file.sendall(data)

    def frame(self, pdu, slave_id=SLAVE_ID):
        """The next frame of this master."""
        self.transaction = self.transaction + 1 & 0xFFFF
        return struct.pack(">HHHB", self.transaction, 0, len(pdu) + 1, slave_id) + pdu

    def ask(self, pdu, slave_id=SLAVE_ID):
        """The response PDU."""
        self.put(self.frame(bytes(pdu), slave_id))
        return self.answer(slave_id)

    def answer(self, slave_id=SLAVE_ID):
        """The next response PDU, its header checked; None where the connection was closed."""
        adu = self.receive()
        if adu is None:
            return None
        transaction, protocol, size, unit = struct.unpack(">HHHB", adu[:7])
        assert (transaction, protocol, unit) == (self.transaction, 0, slave_id)
        assert size == len(adu) - 6
        return adu[7:]


class TCP(_Network):
    """Modbus TCP."""

    name = "TCP"
    kind = socket.SOCK_STREAM

    def __init__(self, port):
        super().__init__(port)
        self.file.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self):
        """The next frame; None where the connection was closed."""
        header = self.read(6)
        return header and header + self.read(int.from_bytes(header[4:], "big"))

    def read(self, n):
        """The next n bytes; None where the connection was closed."""
        data = b""
        while len(data) < n:
            try:
                more = self.file.recv(n - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            data += more
        return data

    def refused(self):
        """Is the connection closed, without a word?"""
        return self.read(1) is None


class UDP(_Network):
    """Modbus over UDP."""

    name = "UDP"
    kind = socket.SOCK_DGRAM

    def receive(self):
        """The next datagram."""
        return self.file.recv(512)


class _Serial(_Peer):
    """A master at one end of a pseudo-terminal."""

    serial = True

    def __init__(self, device):
        self.file = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.file)
        while select.select([self.file], [], [], 0)[0]:
            self.receive()  # what came too late for the test before

    def close(self):
        """Hang up."""
        os.close(self.file)

    def receive(self):
        """Return what has come."""
        return os.read(self.file, 4096)

    def put(self, data):
        """Send bytes as they are, after a silence."""
        time.sleep(_BETWEEN_S)
        os.write(self.file, data)

    def ask(self, pdu, slave_id=SLAVE_ID):
        """The response PDU, None where nobody answers."""
        self.put(self.frame(bytes(pdu), slave_id))
        return self.answer(slave_id)

    def answer(self, slave_id=SLAVE_ID):
        """The next response PDU, its frame checked; None where none comes."""
        data = b""
        while not self.whole(data) and select.select([self.file], [], [], PATIENCE_S)[0]:
            data += self.receive()
        return self.pdu(data, slave_id) if data else None


class RTU(_Serial):
    """Modbus RTU."""

    name = "RTU"

    @staticmethod
    def frame(pdu, slave_id=SLAVE_ID):
        """A frame with this PDU."""
        data = bytes([slave_id]) + pdu
        return data + crc16(data)

    @staticmethod
    def whole(data):
        """Is this a frame?"""
        return len(data) > 3 and crc16(data) == b"\0\0"

    @staticmethod
    def pdu(data, slave_id):
        """The PDU of a frame, which is checked."""
        assert data[0] == slave_id
        assert crc16(data) == b"\0\0", data.hex()
        return data[1:-2]


class ASCII(_Serial):
    """Modbus ASCII. `delimiter` ends frames in both directions."""

    name = "ASCII"
    delimiter = b"\n"

    @classmethod
    def frame(cls, pdu, slave_id=SLAVE_ID, delimiter=b"\n"):
        """A frame with this PDU."""
        data = bytes([slave_id]) + pdu
        return b":" + (data + lrc(data)).hex().upper().encode() + b"\r" + delimiter

    def whole(self, data):
        """Is this a frame?"""
        return data.endswith(self.delimiter)

    def pdu(self, data, slave_id):
        """The PDU of a frame, which is checked."""
        assert data[:1] == b":", data
        assert data[-2:] == b"\r" + self.delimiter, data
        assert data == data.upper()
        raw = bytes.fromhex(data[1:-2].decode())
        assert raw[0] == slave_id
        assert sum(raw) & 0xFF == 0
        return raw[1:-1]
