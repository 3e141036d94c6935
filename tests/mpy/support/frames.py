"""Slaves without a line: a frame and a Server, driven as RTUServer and TCPServer drive them.

No time passes and nothing is sent, so that every value there is can be asked for.
"""

import binascii

from umb.server import Counters
from umb.fast import crc16
from umb.frame.ascii import ASCII
from umb.frame.rtu import REQUEST, RTU
from umb.frame.rtu_stream import RTUStream

_AT = 6  # where the slave id is
_PIECE = 32  # the most that a line reads at once


class Link:
    """What the Server is told of a line."""

    serial = True
    listen_only = gone = False
    peer = None

    def __init__(self):
        self.counters = Counters()


class _Slave:
    """A frame of `framer` and a Server. ask() takes the bytes of a request, id and PDU."""

    def __init__(self, server):
        self.server = server
        self.link = Link()
        self.adu = bytearray(262)

    def _handle(self, n):
        """The response to the PDU of n bytes that has come: id and PDU, b"" for silence."""
        n = self.server.handle(self.adu, n, self.link)
        return bytes(self.adu[_AT : _AT + 1 + n]) if n else b""


class RTUSlave(_Slave):
    """On a serial line, RTU."""

    framer = RTU

    def __init__(self, server):
        super().__init__(server)
        self.frame = self.framer(self.adu, REQUEST, server.serves)
        self._buf = bytearray(262)

    def encoded(self, data):
        n = len(data)
        self._buf[:n] = data
        crc = crc16(self._buf, 0, n)
        self._buf[n] = crc & 0xFF
        self._buf[n + 1] = crc >> 8
        return self._buf[: n + 2]

    def ask(self, data):
        """The response; None if the frame is not seen to be whole."""
        return self.hear(self.encoded(data))

    def hear(self, frame):
        at = size = 0
        while at < len(frame) and not size:
            n = min(self.frame.need, len(frame) - at, _PIECE)
            put = _AT + self.frame.have
            self.adu[put : put + n] = frame[at : at + n]
            at += n
            size = self.frame.received(n)
        size = size or self.frame.silence()
        assert at == len(frame), "{} bytes were taken for the frame {}".format(at, bytes(frame))
        return self._handle(size - 3) if size else None


class ASCIISlave(RTUSlave):
    """On a serial line, ASCII."""

    framer = ASCII

    def encoded(self, data):
        lrc = bytes((-sum(data) & 0xFF,))
        return b":" + binascii.hexlify(data + lrc).upper() + b"\r\n"


class StreamSlave(RTUSlave):
    """On a TCP connection, RTU frames."""

    def __init__(self, server):
        super().__init__(server)
        self.frame = RTUStream(REQUEST)

    def hear(self, frame):
        stream = self.frame
        have = 0
        size = min(stream.first_read, len(frame))
        while size > have:
            assert size <= len(frame), "{} asks for more".format(bytes(frame))
            self.adu[_AT + have : _AT + size] = frame[have:size]
            have = size
            size = stream.size(self.adu, have)
        return self._handle(size - stream.wrapping) if size == len(frame) else None


SLAVES = (RTUSlave, ASCIISlave, StreamSlave)
