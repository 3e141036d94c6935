"""A second server, as plain as can be, for random comparisons; and random requests for both."""

import random

from support.pdu import packed, request, words

_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 15: 1968, 16: 123, 23: 125}
_LAYOUT_BITS = ((3, 21), (24, 9), (40, 1), (41, 2100), (65530, 6))
_LAYOUT_REGISTERS = ((0, 10), (10, 5), (20, 300), (65530, 6))


class Refused(Exception):
    """The exception code."""


def need(good, code):
    if not good:
        raise Refused(code)


def word(pdu, at):
    return pdu[at] << 8 | pdu[at + 1]


class Model:
    """The clauses of AP 6 over dicts {address: value}."""

    def __init__(self, bits=_LAYOUT_BITS, registers=_LAYOUT_REGISTERS):
        self.coils, self.discrete_inputs = self._zeros(bits), self._zeros(bits)
        self.input_registers, self.holding_registers = (
            self._zeros(registers),
            self._zeros(registers),
        )
        self._work = {
            1: (self._read, self.coils),
            2: (self._read, self.discrete_inputs),
            3: (self._read, self.holding_registers),
            4: (self._read, self.input_registers),
            5: (self._write_single, self.coils),
            6: (self._write_single, self.holding_registers),
            15: (self._write_multiple, self.coils),
            16: (self._write_multiple, self.holding_registers),
            22: (self._mask, self.holding_registers),
            23: (self._read_write, self.holding_registers),
        }

    @staticmethod
    def _zeros(layout):
        return {i: 0 for start, n in layout for i in range(start, start + n)}

    def answer(self, pdu):
        """The response PDU."""
        try:
            need(pdu[0] in self._work, 1)
            work, area = self._work[pdu[0]]
            return work(pdu, area)
        except Refused as refused:
            return bytes((pdu[0] | 0x80, refused.args[0]))

    def _read(self, pdu, area):
        need(len(pdu) == 5, 3)
        address, quantity = word(pdu, 1), word(pdu, 3)
        need(1 <= quantity <= _MOST[pdu[0]], 3)
        values = [area.get(address + i) for i in range(quantity)]
        need(None not in values, 2)
        data = packed(values) if pdu[0] < 3 else words(*values)
        return bytes((pdu[0], len(data))) + data

    def _write_single(self, pdu, area):
        need(len(pdu) == 5, 3)
        address, value = word(pdu, 1), word(pdu, 3)
        need(pdu[0] == 6 or value in (0, 0xFF00), 3)
        need(address in area, 2)
        area[address] = value if pdu[0] == 6 else value >> 15
        return pdu

    def _write_multiple(self, pdu, area):
        need(len(pdu) > 6 and pdu[5] == len(pdu) - 6, 3)
        address, quantity = word(pdu, 1), word(pdu, 3)
        need(1 <= quantity <= _MOST[pdu[0]], 3)
        need(pdu[5] == (2 * quantity if pdu[0] == 16 else (quantity + 7) // 8), 3)
        need(all(address + i in area for i in range(quantity)), 2)
        for i in range(quantity):
            one = word(pdu, 6 + 2 * i) if pdu[0] == 16 else pdu[6 + i // 8] >> i % 8 & 1
            area[address + i] = one
        return pdu[:5]

    def _mask(self, pdu, area):
        need(len(pdu) == 7, 3)
        address, and_mask, or_mask = word(pdu, 1), word(pdu, 3), word(pdu, 5)
        need(address in area, 2)
        area[address] = area[address] & and_mask | or_mask & (0xFFFF ^ and_mask)
        return pdu

    def _read_write(self, pdu, area):
        need(len(pdu) > 10 and pdu[9] == len(pdu) - 10, 3)
        need(1 <= word(pdu, 3) <= 125 and 1 <= word(pdu, 7) <= 121, 3)
        need(pdu[9] == 2 * word(pdu, 7), 3)
        need(all(word(pdu, 1) + i in area for i in range(word(pdu, 3))), 2)
        need(all(word(pdu, 5) + i in area for i in range(word(pdu, 7))), 2)
        self._write_multiple(b"\x10" + pdu[5:], area)
        return b"\x17" + self._read(b"\x03" + pdu[1:5], area)[1:]


def blocks(kind, layout):
    return tuple(kind(start, quantity) for start, quantity in layout)


def store_like_model():
    """A Store with the addresses of Model(), in blocks that touch and blocks that do not."""
    from umb.store import Bits, Registers, Store

    return Store(
        blocks(Bits, _LAYOUT_BITS),
        blocks(Bits, _LAYOUT_BITS),
        blocks(Registers, _LAYOUT_REGISTERS),
        blocks(Registers, _LAYOUT_REGISTERS),
    )


def random_bytes(n):
    return bytes(random.getrandbits(8) for _ in range(n))


def random_address():
    """Mostly near where a block begins or ends."""
    edge = random.choice((0, 3, 10, 15, 20, 24, 33, 40, 41, 320, 2141, 65530, 65535))
    spread = random.choice((0, 3, 40))
    return min(max(edge + random.randint(-spread, spread), 0), 65535)


def random_quantity(most):
    """Mostly allowed, often small, sometimes at or beyond the limit."""
    kind = random.getrandbits(4)
    if kind < 10:
        return random.randint(1, min(most, 40))
    if kind < 14:
        return random.randint(1, most)
    return random.choice((0, most, most + 1, random.getrandbits(16)))


def random_request():
    """A request PDU that has something of a good one, and one time in ten a fault."""
    function_code = random.choice((1, 2, 3, 4, 5, 6, 15, 16, 22, 23))
    address = random_address()
    if function_code < 5:
        pdu = request(function_code, address, random_quantity(_MOST[function_code]))
    elif function_code == 5:
        pdu = request(5, address, random.choice((0, 0xFF00, 0xFF00, 1, 0xFFFF)))
    elif function_code == 6 or function_code == 22:
        pdu = request(function_code, address) + random_bytes(2 if function_code == 6 else 4)
    elif function_code == 23:
        quantity = random_quantity(121)
        pdu = request(23, address, random_quantity(125), random_address(), quantity)
        pdu += bytes((2 * quantity & 0xFF,)) + random_bytes(2 * quantity & 0xFF)
    else:
        quantity = random_quantity(_MOST[function_code])
        size = (2 * quantity if function_code == 16 else (quantity + 7) // 8) & 0xFF
        pdu = request(function_code, address, quantity) + bytes((size,)) + random_bytes(size)
    return damaged(pdu)[:253] if random.getrandbits(4) == 0 else pdu[:253]


def damaged(pdu):
    """The PDU with a byte changed, cut or added."""
    at = random.randint(0, len(pdu) - 1)
    return random.choice(
        (pdu[:at] + random_bytes(1) + pdu[at + 1 :], pdu[: max(at, 1)], pdu + random_bytes(1))
    )
