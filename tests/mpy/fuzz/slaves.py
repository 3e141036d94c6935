"""Slaves whose every value tells who was asked what, and what goes wrong with their answers.

A script is what follows a request: speeches (delay in us, kind, detail). Delays count from the end
of the request, or of the speech before.
"""

from fuzz.frames import ends, rtu
from fuzz.model import wide, word

OBJECTS = 3


def tag(slave_id, code, address):
    """A 16-bit value that no other question has nearby."""
    value = (slave_id * 0x9E37 + code * 0x1F35 + address * 0x6F4F) & 0xFFFF
    value ^= value >> 7
    return (value * 0x2545 + 0x1235) & 0xFFFF


def tags(slave_id, code, address, quantity):
    """Values of a row of addresses."""
    return [tag(slave_id, code, address + i) for i in range(quantity)]


def bits(slave_id, code, address, quantity):
    """Bits of a row of addresses."""
    return [tag(slave_id, code, address + i) >> 5 & 1 for i in range(quantity)]


def packed(values):
    """Bits as they travel."""
    data = bytearray((len(values) + 7) // 8)
    for i in range(len(values)):
        data[i >> 3] |= values[i] << (i & 7)
    return bytes(data)


def words(values):
    """Registers as they travel."""
    return b"".join([wide(value) for value in values])


def text(slave_id, code, n):
    """n bytes of a slave's own."""
    return bytes([tag(slave_id, code, i) & 0xFF for i in range(n)])


def answer(slave_id, pdu):
    """The response PDU of a slave that has everything."""
    code = pdu[0]
    if code in (1, 2):
        data = packed(bits(slave_id, code, word(pdu, 1), word(pdu, 3)))
        return bytes((code, len(data))) + data
    if code in (3, 4, 23):
        data = words(tags(slave_id, code, word(pdu, 1), word(pdu, 3)))
        return bytes((code, len(data))) + data
    if code in (15, 16):
        return pdu[:5]
    if code in (7, 11, 12, 17):
        data = text(slave_id, code, {7: 1, 11: 4, 12: 9, 17: 6}[code])
        return bytes((code,)) + (bytes((len(data),)) if code > 11 else b"") + data
    if code == 20:
        return _records(slave_id, pdu)
    if code == 24:
        values = tags(slave_id, 24, word(pdu, 1), word(pdu, 1) % 32)
        return b"\x18" + wide(2 + 2 * len(values)) + wide(len(values)) + words(values)
    if code == 43:
        data = b""
        for i in range(OBJECTS):
            data += bytes((i, 4 + i)) + text(slave_id, 43 + i, 4 + i)
        return b"\x2b\x0e" + pdu[2:3] + b"\x01\0\0" + bytes((OBJECTS,)) + data
    if code >= 65:
        return _own(slave_id, pdu)
    return pdu


def _own(slave_id, pdu):
    """The response PDU of a function code of the slave's own.

    Its frame ends where its CRC is right first: it is not right earlier, by chance or because the
    frame ends with 00.
    """
    head, data = pdu[:1] + bytes((slave_id,)), bytes(reversed(pdu[1:]))
    answer = head + data
    more = 0
    while len(ends(rtu(slave_id, answer))) > 1:
        answer = head + bytes((more,)) + data
        more += 1
    return answer


def is_whole_once(said, frame):
    """Return whether no row of these bytes has a right CRC but this frame, and zeros behind it."""
    for at in range(len(said) - 3):
        for n in ends(said[at:]):
            one = said[at : at + n]
            if one[: len(frame)] != frame or any(one[len(frame) :]):
                return False
    return True


def crosses(before, data, slave_id):
    """Return whether a frame of this slave begins in what was said before and ends in these bytes.

    That is so by chance: before is a list of frames, or of what is none.
    """
    begin = b"".join(before)
    row = begin + data
    for at in range(len(begin)):
        if row[at] == slave_id:
            for n in ends(row[at : at + 256]):
                if at + n > len(begin):
                    return True
    return False


def other_request(slave_id, pdu):
    """A request as this one that no client can take for the answer to it.

    To a client its address is a byte count, one that fits no answer to this request. No beginning
    of its frame is an answer, either.
    """
    for change in range(0x55, 0x100):
        other = pdu
        if pdu[0] == 20:  # another file: what comes first in it is a byte count and a type
            other = pdu[:4] + bytes((pdu[4] ^ change,)) + pdu[5:]
        elif len(pdu) > 4:
            other = bytes((pdu[0], 2, pdu[2] ^ change)) + pdu[3:]
        if len(ends(rtu(slave_id, other))) == 1:
            break
    return other


def _records(slave_id, pdu):
    data = b""
    for at in range(2, len(pdu), 7):
        file, record, length = word(pdu, at + 1), word(pdu, at + 3), word(pdu, at + 5)
        data += bytes((1 + 2 * length, 6)) + words(tags(slave_id, file, record, length))
    return bytes((20, len(data))) + data


SAME_BOTH_WAYS = (5, 6, 8, 21, 22)  # requests of these codes have the form of their answers
FIXED = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23)  # the length of the answer is in the request


def can_be_seen(kind, code, passed_on=False):
    """Return whether one can tell that a response PDU is wrong in this way.

    passed_on   by a gateway, which knows what the request says of the answer's length and echo
    """
    if kind == "echo":
        return code in (5, 6, 8, 15, 16, 22) or (code == 21 and not passed_on)
    if kind in ("short", "long"):
        return code in FIXED if passed_on else code < 65
    return True


def wrong(kind, detail, pdu, good):
    """A response PDU that is not the right one, or is the right one for another question."""
    code = pdu[0]
    if kind == "code":
        refuses = detail == code | 0x80 and len(good) == 2  # a right exception response
        return bytes((code ^ 1 if refuses or detail == code else detail,)) + good[1:]
    if kind == "exception":
        return bytes((code | 0x80, detail))
    if kind == "short":
        if code in (1, 2, 3, 4, 23) and len(good) > 4:
            return bytes((code, good[1] - 2)) + good[2:-2]
        return good[:-1] if len(good) > 2 else good + b"\x55"
    if kind == "long":
        if code in (1, 2, 3, 4, 23) and len(good) < 250:
            return bytes((code, good[1] + 2)) + good[2:] + b"\x55\xaa"
        return good + b"\x55\xaa"  # one byte might be the beginning of the CRC
    # "echo": one of the fields that have to come back is another
    at = 1 + detail % (len(good) - 1)
    return good[:at] + bytes((good[at] ^ 1 << detail % 8,)) + good[at + 1 :]
