"""Frames of all transports, and bytes that bring a CRC to any value one likes.

Written from SL V1.02 2.5, 6.2 and the TCP Guide 3.1; nothing here comes from umb.
"""

import binascii


def _entry(index):
    for _ in range(8):
        index = index >> 1 ^ 0xA001 if index & 1 else index >> 1
    return index


_TABLE = [_entry(i) for i in range(256)]
_BY_HIGH = {_TABLE[i] >> 8: i for i in range(256)}  # the high byte of an entry tells which it is


def crc(data, state=0xFFFF):
    """The CRC-16 over these bytes (SL 6.2.2), or after them, beginning in another state."""
    table = _TABLE
    for byte in data:
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    return state


def crc_bytes(data):
    """The CRC of these bytes as it follows them: low byte first."""
    value = crc(data)
    return bytes((value & 0xFF, value >> 8))


def ends(data):
    """At which lengths these bytes have the CRC of an RTU frame."""
    found = []
    table = _TABLE
    state = 0xFFFF
    for i, byte in enumerate(data):
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]
        if state == 0 and i > 2:
            found.append(i + 1)
    return found


def steer(state, wanted):
    """The two bytes that bring the CRC from one state to another."""
    second = _BY_HIGH[wanted >> 8]
    high = (wanted ^ _TABLE[second]) & 0xFF  # of the state between the two
    first = _BY_HIGH[high]
    between = state >> 8 ^ _TABLE[first]
    return bytes(((first ^ state) & 0xFF, (second ^ between) & 0xFF))


def rtu(slave_id, pdu):
    """The RTU frame that carries a PDU."""
    data = bytes((slave_id,)) + pdu
    return data + crc_bytes(data)


def ascii(slave_id, pdu, end=b"\n"):
    """The ASCII frame that carries a PDU."""
    data = bytes((slave_id,)) + pdu
    data += bytes((-sum(data) & 0xFF,))
    return b":" + binascii.hexlify(data).upper() + b"\r" + end


def mbap(transaction, slave_id, pdu):
    """The Modbus TCP frame that carries a PDU."""
    n = len(pdu) + 1
    head = bytes((transaction >> 8, transaction & 0xFF, 0, 0, n >> 8, n & 0xFF, slave_id))
    return head + pdu


def shown(data):
    """Bytes as hexadecimal digits, for messages."""
    return "nothing" if data is None else binascii.hexlify(data).decode()
