"""What is said on a serial line between others, and what is no frame at all.

Some of it is built to be taken for a request: frames of another slave that contain one for us, or
end with one, CRC and all.
"""

from fuzz.frames import crc, rtu, steer
from fuzz.model import Device, Link, Model, RegisterArea, wide
from fuzz.readings import REQUEST, length
from fuzz.requests import OPTIONAL, STANDARD, USER, Writer

_LAYOUT = ((0, 2000),)
_ALL = STANDARD + STANDARD + OPTIONAL + USER
_NOISE = (b"\0", b"\xff", b"\0\0", b"\xff\xff", b"\xf0", b"\x80", b"\xfe\0")


class Others:
    """Other slaves of a line, and a client that talks to them.

    ids    slave ids that are served here
    calm   whether every frame has the length that its function code announces
    """

    def __init__(self, rng, ids, calm=False):
        self.rng = rng
        self._calm = calm
        self.ids = ids
        self.id = rng.choice([i for i in (18, 2, 3, 6, 15, 16, 100, 247, 246, 21) if i not in ids])
        files = {1: RegisterArea(((0, 300),))}
        objects = {0: b"Other", 1: b"O", 2: b"9", 128: b"o" * 100}
        device = Device(_LAYOUT, _LAYOUT)
        self._model = Model({self.id: device}, OPTIONAL, files, {5: [7] * 30}, objects)
        device.holding_registers.data[:] = rng.data(100) * 40
        device.input_registers.data[:] = rng.data(50) * 80
        device.coils.value = device.discrete_inputs.value = 0x5A5A5A11 << 900
        self._link = Link(True)
        self.writer = Writer(rng, _LAYOUT, _LAYOUT, (1,), (5,))
        self.writer.unit = self.id

    def pdu(self):
        """A request PDU for another slave."""
        while True:
            pdu = self.writer.pdu(_ALL)
            if not self._calm or length(REQUEST, rtu(self.id, pdu), 0) == len(pdu) + 3:
                return pdu

    def exchange(self):
        """A request for another slave, and its response if it has one: PDUs."""
        pdu = self.pdu()
        if pdu[0] in USER or pdu[0] & 0x80:
            return pdu, self.rng.choice((pdu, pdu[:1] + self.rng.data(9), pdu[:1]))
        self._link.listen_only = False
        answer = self._model.request(self.id, pdu, self._link)
        if answer is None:
            return pdu, None
        if pdu[0] == 12 and not answer.pdu[0] & 0x80:
            return pdu, b"\x0c\x08" + self.rng.data(8)
        return pdu, answer.pdu

    def hides(self, inner):
        """A frame of another slave that has this frame for us inside its data."""
        rng = self.rng
        before = rng.data(rng.choice((0, 1, 2, 2, 4, 20)))
        behind = rng.data(rng.choice((0, 0, 1, 2, 4)))
        kind = rng.below(6)
        if len(inner) > 220:
            before = behind = b""
            kind = 5
        if kind < 2:  # both CRCs are the same: the outer one is right where the inner one is
            return self._ends_with(inner, kind)
        data = before + inner + behind
        if kind == 2:
            return rtu(self.id, b"\x03" + bytes((len(data),)) + data)
        if kind == 3:
            data += b"\0" * (len(data) & 1)
            head = b"\x10" + wide(3) + wide(len(data) // 2) + bytes((len(data),))
            return rtu(self.id, head + data)
        if kind == 4:
            return rtu(self.id, b"\x41" + data)
        return rtu(self.id, b"\x17" + bytes((len(data) & 0xFF,)) + data)

    def _ends_with(self, inner, kind):
        """A frame whose last bytes, the CRC among them, are a frame for us."""
        pad = self.rng.data(self.rng.choice((0, 2, 6)))
        n = len(pad) + 2 + len(inner) - 2  # bytes of data: the inner CRC is the outer one
        head = bytes((self.id,))
        if kind == 0:
            head += b"\x03" + bytes((n,))
        else:
            head += b"\x10" + wide(0) + wide(n // 2) + bytes((n,))
        head += pad
        return head + steer(crc(head), 0xFFFF) + inner

    def broken(self, frame):
        """A frame of which something is wrong."""
        rng = self.rng
        at = rng.below(len(frame))
        kind = rng.below(8)
        if kind == 0:
            return frame[:at] + bytes((frame[at] ^ 1 << rng.below(8),)) + frame[at + 1 :]
        if kind == 1:
            return frame[:at] + frame[at + 1 :]  # a byte was lost
        if kind == 2:
            return frame[:at] + frame[at : at + 1] + frame[at:]
        if kind == 3:
            return frame[:-1] + bytes((frame[-1] ^ 1 << rng.below(8),))
        if kind == 4:
            return frame[at:]
        return frame[: max(1, at)]

    def noise(self):
        """Bytes of nobody."""
        rng = self.rng
        n = rng.choice((1, 1, 1, 2, 2, 3, 4, 5, 8, 30, 100, 255, 256, 257, 300, 480))
        kind = rng.below(5)
        if kind == 0:
            return bytes((rng.choice((0, 0xFF, rng.choice(self.ids), self.id)),)) * n
        if kind == 1:  # the beginning of something long, that does not come
            head = rng.choice((b"\x10\0\0\0\x7b\xf6", b"\x03\xfa", b"\x17" + b"\0" * 8 + b"\xf2"))
            slave_id = rng.choice((self.id, rng.choice(self.ids), 0))
            return bytes((slave_id,)) + head + rng.data(n)[:9]
        return rng.data(n)

    def edge(self):
        """What a transceiver may spit at the edges of a frame: up to two bytes."""
        rng = self.rng
        return rng.choice(_NOISE) if not rng.one_in(3) else rng.data(rng.between(1, 2))


def pieces(rng, frame):
    """A frame torn into two or three."""
    n = len(frame)
    cuts = {rng.between(1, n - 1), rng.choice((1, 2, 3, 4, 7, n - 1, n - 2, n - 1))}
    cuts = sorted([cut for cut in cuts if 0 < cut < n])
    if rng.one_in(2):
        cuts = cuts[:1]
    found = []
    begin = 0
    for cut in cuts + [n]:
        found.append(frame[begin:cut])
        begin = cut
    return found
