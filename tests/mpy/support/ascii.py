"""What speaks and hears Modbus ASCII without umb: frames, and a driver for umb.frame.ascii."""

import binascii

from umb.frame.ascii import ASCII
from umb.frame.rtu import REQUEST

_AT = 6  # where a decoded frame stands in its buffer


def text(data):
    """The characters of a frame for these bytes (slave id and PDU)."""
    lrc = bytes((-sum(data) & 0xFF,))
    return b":" + binascii.hexlify(data + lrc).upper() + b"\r\n"


def serves(slave_id):
    return slave_id == 17


class Receiver:
    """A frame with its driver: what comes is put where it asks for it, `most` at a time."""

    def __init__(self, table=REQUEST, most=2):
        self.adu = bytearray(262)
        self.ascii = ASCII(self.adu, table, serves)
        self.most = most
        self.found = []

    def hear(self, data):
        while data:
            one = self.ascii
            n = min(one.need, one.piece_size, len(data), self.most)
            assert n > 0, "it asks for nothing"
            assert _AT + one.have + one.need <= 262, "no room for what it asks for"
            self.adu[_AT + one.have : _AT + one.have + n] = data[:n]
            data = data[n:]
            size = one.received(n)
            if size:
                self.found.append(bytes(self.adu[_AT : _AT + size - 2]))
        return self
