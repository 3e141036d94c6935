"""Request PDUs by the dozen, a link without a line, and one call that hands a request over."""

import binascii

from umb.server import Counters


def raw(text):
    """The bytes that a string of hexadecimal digits stands for; spaces do not count."""
    return binascii.unhexlify(text.replace(" ", ""))


def shown(data):
    """Bytes as hexadecimal digits, for messages."""
    return "nothing" if data is None else binascii.hexlify(data, " ").decode()


def words(*values):
    """16-bit values, big-endian."""
    return b"".join(bytes((value >> 8 & 0xFF, value & 0xFF)) for value in values)


def packed(bits):
    """Bits as they travel: the first one lowest, the rest of the last byte 0."""
    data = bytearray((len(bits) + 7) // 8)
    for i in range(len(bits)):
        data[i // 8] |= bits[i] << i % 8
    return bytes(data)


def request(function_code, *fields):
    """A PDU of a function code and 16-bit fields."""
    return bytes((function_code,)) + words(*fields)


def write_bits(address, bits):
    """An FC 15 request PDU."""
    data = packed(bits)
    return request(15, address, len(bits)) + bytes((len(data),)) + data


def write_registers(address, values):
    """An FC 16 request PDU."""
    return request(16, address, len(values)) + bytes((2 * len(values),)) + words(*values)


def read_write(read_address, quantity, address, values):
    """An FC 23 request PDU."""
    head = request(23, read_address, quantity, address, len(values))
    return head + bytes((2 * len(values),)) + words(*values)


class Link:
    """What a driver shows a handler, without a line behind it."""

    listen_only = False
    gone = False
    peer = None

    def __init__(self, serial=False):
        self.serial = serial
        self.counters = Counters()
        self.answers = []

    def answer(self, n):
        self.answers.append(n)


def ask(handler, pdu, slave_id=1, link=None, rest=0xA5):
    """Hand a request PDU over: the response PDU, or None for silence. rest fills the buffer."""
    adu = bytearray([rest] * 262)
    adu[6] = slave_id
    adu[7 : 7 + len(pdu)] = pdu
    n = handler.handle(adu, len(pdu), link or Link())
    assert adu[6] == slave_id, "the slave id became {}".format(adu[6])
    assert 0 <= n <= 253, "a response of {} bytes".format(n)
    return bytes(adu[7 : 7 + n]) if n else None


def expect(handler, pdu, response, slave_id=1, link=None):
    """Hand a request over and compare; PDUs may be hexadecimal. A response of None: silence."""
    pdu = raw(pdu) if isinstance(pdu, str) else pdu
    wanted = raw(response) if isinstance(response, str) else response
    got = ask(handler, pdu, slave_id, link)
    assert got == wanted, "{} to {}: got {}, not {}".format(
        shown(pdu), slave_id, shown(got), shown(wanted)
    )
