"""Request PDUs of every function code: right ones, ones at every limit, and damaged ones."""

from fuzz.frames import crc, steer
from fuzz.model import wide

BITS = (
    ((0, 200),),
    ((3, 21), (24, 9), (40, 1), (41, 2100), (65530, 6)),
    ((0, 1), (1, 1), (2, 1), (3, 1)),
    ((65000, 536),),
)
REGISTERS = (
    ((0, 200),),
    ((0, 10), (10, 5), (20, 300), (65530, 6)),
    ((0, 1), (1, 2), (4, 1)),
    ((65400, 136),),
)
FORBIDDEN = 0xDEAD  # a value that holding registers may refuse
STANDARD = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23)
OPTIONAL = (7, 8, 11, 12, 17, 20, 21, 24, 43)
USER = (65, 66, 100, 110)
_SUB_FUNCTIONS = (0, 0, 1, 2, 3, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 256)
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 15: 1968, 16: 123, 23: 125}
_WORDS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFEFF, 0xFF00, 0xFFFF, FORBIDDEN)


def edges(layout):
    """Addresses where blocks begin and end, and the ends of the address space."""
    found = [0, 65535]
    for start, quantity in layout:
        found += [max(0, start - 1), start, start + quantity - 1, min(start + quantity, 65535)]
    return found


class Writer:
    """Draws request PDUs for devices of one layout.

    unit   the slave id that they go to: what their CRC depends on
    """

    def __init__(self, rng, bits, registers, files=(), queues=()):
        self.rng = rng
        self.bits = edges(bits)
        self.registers = edges(registers)
        self.files = files
        self.queues = queues
        self.unit = 1
        self.room = 1  # the largest quantity that usual requests ask for
        for _, quantity in tuple(bits) + tuple(registers):
            self.room = max(self.room, min(quantity, 60))

    def address(self, at_edges):
        """Mostly near where a block begins or ends."""
        rng = self.rng
        kind = rng.below(8)
        if kind == 0:
            return rng.below(65536)
        spread = (0, 0, 1, 3, 40)[rng.below(5)]
        return min(max(rng.choice(at_edges) + rng.between(-spread, spread), 0), 65535)

    def quantity(self, most):
        """Mostly small and allowed, sometimes at a limit or beyond."""
        rng = self.rng
        kind = rng.below(16)
        if kind < 10:
            return rng.between(1, min(most, self.room))
        if kind < 13:
            return rng.between(1, most)
        return rng.choice((0, 1, 7, 8, 9, most - 1, most, most + 1, 255, 256, 65535))

    def value(self):
        """A register value: often one with a meaning of its own."""
        return self.rng.choice(_WORDS) if self.rng.one_in(3) else self.rng.below(65536)

    def values(self, n):
        """Data of n bytes: random, all alike, or like frames."""
        rng = self.rng
        kind = rng.below(6)
        if kind == 0:
            return bytes((rng.choice((0, 0xFF, self.unit, 3, 0x80)),)) * n
        if kind == 1:
            return (wide(self.value()) * (n // 2 + 1))[:n]
        return rng.data(n)

    def pdu(self, codes):
        """A request of one of these function codes."""
        rng = self.rng
        pdu = self.right(rng.choice(codes))
        kind = rng.below(24)
        if kind == 0:
            pdu = self.damaged(pdu)
        elif kind < 8:
            pdu = self.coincidence(pdu)
        return pdu[:253]

    def right(self, code):
        """A request that has the form of its function code; quantities may be wrong."""
        rng = self.rng
        if code in (1, 2):
            return bytes((code,)) + wide(self.address(self.bits)) + wide(self.quantity(2000))
        if code in (3, 4):
            return bytes((code,)) + wide(self.address(self.registers)) + wide(self.quantity(125))
        if code == 5:
            value = rng.choice((0, 0xFF00, 0, 0xFF00, 0, 0xFF00, 1, 0xFF, 0xFFFF, 0x0100))
            return b"\x05" + wide(self.address(self.bits)) + wide(value)
        if code == 6:
            return b"\x06" + wide(self.address(self.registers)) + wide(self.value())
        if code == 22:
            return b"\x16" + wide(self.address(self.registers)) + self.values(4)
        if code in (15, 16, 23):
            return self._writes(code)
        return self._optional(code)

    def _writes(self, code):
        at = self.bits if code == 15 else self.registers
        head = bytes((code,)) + wide(self.address(at))
        most = _MOST[code]
        if code == 23:
            head += wide(self.quantity(125)) + wide(self.address(at))
            most = 121
        quantity = self.quantity(most)
        size = ((quantity + 7) // 8 if code == 15 else 2 * quantity) & 0xFF
        return head + wide(quantity) + bytes((size,)) + self.values(size)

    def _optional(self, code):
        rng = self.rng
        if code in (7, 11, 12, 17):
            return bytes((code,))
        if code == 8:
            return self._diagnostics()
        if code in (20, 21):
            return self._records(code)
        if code == 24:
            return b"\x18" + wide(rng.choice(self.queues) if self.queues else rng.below(9))
        if code == 43:
            object_id = rng.choice((0, 1, 2, 3, 5, 6, 7, 0x7F, 0x80, 0x81, 0xFF))
            return bytes((43, 14, rng.choice((1, 2, 3, 4, 1, 2, 3, 4, 0, 5)), object_id))
        return bytes((code,)) + self.values(rng.choice((0, 1, 2, 3, 4, 5, 30, 252)))

    def _diagnostics(self):
        rng = self.rng
        sub = rng.choice(_SUB_FUNCTIONS)
        if rng.one_in(30):
            sub = 4  # rare: it takes a restart to end listening only
        if sub == 0:
            return b"\x08\0\0" + self.values(rng.choice((0, 1, 2, 2, 2, 3, 4, 250)))
        data = rng.choice((0, 0, 0, 0, 0, 1, 0x0A00))
        if sub == 1:
            data = rng.choice((0, 0, 0, 0xFF00))
        if sub == 3:
            data = rng.choice((0x0A00, 0x0A00, 0x0A01, 0x3A00, 0x2300))
        return b"\x08" + wide(sub) + wide(data)

    def _records(self, code):
        rng = self.rng
        data = b""
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            file = rng.choice(self.files) if self.files and not rng.one_in(12) else rng.below(9)
            record = rng.choice((0, 0, 1, 5, 9, 10, 99, 9999, 10000, 65535))
            length = rng.choice((1, 1, 2, 3, 10, 0, 117, 119, 120, 122, 128, 256))
            reference = 6 if not rng.one_in(20) else rng.below(256)
            data += bytes((reference,)) + wide(file) + wide(record) + wide(length)
            if code == 21:
                data += self.values(2 * length & 0xFF)
        return bytes((code, len(data) & 0xFF)) + data[:251]

    def damaged(self, pdu):
        """The PDU with a byte changed, cut, added or repeated."""
        rng = self.rng
        at = rng.below(len(pdu))
        kind = rng.below(5)
        if kind == 0:
            return pdu[:at] + rng.data(1) + pdu[at + 1 :]
        if kind == 1:
            return pdu[: max(at, 1)]
        if kind == 2:
            return pdu + rng.choice((b"\0", b"\0\0", rng.data(1), rng.data(7)))
        if kind == 3:
            return pdu[: at + 1] + pdu[at:]
        return bytes((pdu[0] | 0x80,)) + pdu[1:] if len(pdu) > 1 else pdu + b"\0"

    def coincidence(self, pdu):
        """The PDU with data that make a beginning of its RTU frame a frame of its own.

        By construction: two bytes that may have any value become the CRC of what precedes them; or
        the last one becomes its low byte, so that the high one and 00 follow as the CRC.
        """
        rng = self.rng
        free = _free(pdu)
        if free is None:
            return pdu
        head = bytes((self.unit,)) + pdu
        if rng.one_in(2):
            return pdu[:-1] + bytes((crc(head[:-1]) & 0xFF,))
        if len(pdu) - free < 2:
            return pdu
        at = rng.between(free, len(pdu) - 2)
        if rng.one_in(3):
            at = free + (len(pdu) - free & 1)
        return pdu[:at] + steer(crc(head[: at + 1]), 0) + pdu[at + 2 :]


def _free(pdu):
    """Where in a PDU data begin that may have any value, at least one byte of them, or None."""
    code = pdu[0]
    at = {6: 3, 15: 6, 16: 6, 22: 3, 23: 10, 21: 9, 65: 1, 66: 1, 100: 1, 110: 1}.get(code)
    if code == 8 and pdu[1:3] == b"\0\0":
        at = 3
    return at if at is not None and at < len(pdu) else None
