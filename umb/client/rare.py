"""The less common function codes as a client needs them: requests, and the values of responses.

A Client loads this module when one of these calls is made for the first time. The PDU stands at
adu[7].
"""

from micropython import const

from ..check import wrong
from ..store import Registers

MORE = "more"  # what decode() returns if the device has more objects; objects[MORE] is the next id
_PDU = const(7)
_REFERENCE_TYPE = const(6)  # of every record of a file (AP 6.14)


def _is_in(value, least, most):
    """Return whether a value is an integer within limits."""
    return isinstance(value, int) and least <= value <= most


def _put_word(adu, at, value, name):
    if not _is_in(value, 0, 65535):
        raise wrong(name, value, "0..65535")
    adu[at] = value >> 8
    adu[at + 1] = value & 0xFF


def build(adu, code: int, address, quantity, values) -> int:
    """Write the request PDU of FC 7, 8, 11, 12, 17, 20, 21, 24 or 43. Returns its length.

    address   FC 8: the sub-function; FC 24: the address of the queue; FC 43: the ReadDevId code
    quantity  FC 43: the first object id
    values    FC 8: the data; FC 20 and 21: the records

    Raises ValueError for an argument that is out of range or of the wrong kind.
    """
    adu[_PDU] = code
    if code == 8:
        return _build_diagnostics(adu, address, values)
    if code in (20, 21):
        return _build_records(adu, code, values)
    if code == 24:
        _put_word(adu, 8, address, "address")
        return 3
    if code == 43:
        if not (_is_in(address, 1, 4) and _is_in(quantity, 0, 255)):
            raise wrong("code, object_id", (address, quantity), "1..4 and 0..255")
        adu[8] = 14  # the MEI type of device identification (AP 6.21)
        adu[9] = address
        adu[10] = quantity
        return 4
    return 1


def _build_diagnostics(adu, sub_function, data):
    """Write the request PDU of FC 8 (AP 6.8). Returns its length."""
    _put_word(adu, 8, sub_function, "sub_function")
    if isinstance(data, int):
        _put_word(adu, 10, data, "data")
        return 5
    if not (isinstance(data, (bytes, bytearray, memoryview)) and 2 <= len(data) <= 250):
        raise wrong("data", data, "0..65535, or 2..250 bytes")
    adu[10 : 10 + len(data)] = data
    return 3 + len(data)


def _build_records(adu, code, records):
    """Write the sub-requests of FC 20 or 21 (AP 6.14, 6.15). Returns the PDU's length."""
    try:
        return _put_records(adu, code, records)
    except (TypeError, LookupError):
        raise wrong("records", records, "a list of (file, record, length), or of values instead")


def _put_records(adu, code, records):
    at = 9
    response = 0  # bytes of the response to FC 20; that to FC 21 is its request
    for i in range(len(records)):
        part = records[i]
        if len(part) != 3:
            raise TypeError
        file, number, what = part
        length = what if code == 20 else len(what)
        if not (_is_in(file, 1, 65535) and _is_in(number, 0, 9999) and _is_in(length, 1, 124)):
            raise wrong("file, record, length", part, "1..65535, 0..9999 and 1..124")
        response += 2 + 2 * length
        end = at + 7 + (2 * length if code == 21 else 0)
        if end > 260 or (code == 20 and response > 245):
            raise wrong("records", records, "so few that they fit into a request and its response")
        adu[at] = _REFERENCE_TYPE
        _put_word(adu, at + 1, file, "file")
        _put_word(adu, at + 3, number, "number")
        _put_word(adu, at + 5, length, "length")
        at += 7
        if code == 21:
            for k in range(length):
                Registers.encode(adu, at + 2 * k << 3, what[k])
            at = end
    if at == 9:
        raise wrong("records", records, "one or more")
    adu[8] = at - 9
    return at - _PDU


def _registers(adu, at, quantity):
    return [adu[i] << 8 | adu[i + 1] for i in range(at, at + 2 * quantity, 2)]


def decode(adu, n: int, code: int, values, strict=True):
    """Return the value of the response PDU of n bytes, or None if it does not fit the request.

    values    FC 8, 20 and 21: as in the request; FC 43: the dict that takes the objects
    strict    False: the response to FC 17 may be without its byte count

    FC 7: an int. FC 8: the data, an int or bytes like those sent. FC 11: (status, events). FC 12:
    (status, events, messages, log). FC 17: bytes. FC 20: a list of values for each record. FC 21:
    the number of records. FC 24: a list. FC 43: {object id: bytes}, or MORE.
    """
    if code == 43:
        return _decode_objects(adu, n, values)
    if code == 8:
        return _decode_diagnostics(adu, n, values)
    if code == 24:
        return _decode_queue(adu, n)
    if code == 7:
        return adu[8] if n == 2 else None
    if code == 11:
        return tuple(_registers(adu, 8, 2)) if n == 5 else None
    if n < 2 or n != 2 + adu[8]:  # the byte count of all others
        return bytes(adu[8 : _PDU + n]) if code == 17 and not strict else None
    if code == 12:
        return _decode_log(adu, n)
    if code == 20:
        return _decode_records(adu, n, values)
    if code == 21:
        return len(values) if _are_written(adu, n, values) else None
    return bytes(adu[9 : _PDU + n])


def _decode_diagnostics(adu, n, data):
    """Return the data of FC 8, of the kind that was sent."""
    if isinstance(data, int):
        return adu[10] << 8 | adu[11] if n == 5 else None
    returned = bytes(adu[10 : _PDU + n])
    return returned if returned == bytes(data) else None  # it is a loopback


def _decode_queue(adu, n):
    """Return the values in the queue (AP 6.18)."""
    quantity = adu[11]
    if n != 5 + 2 * quantity or adu[9] != 2 + 2 * quantity or adu[8] or adu[10]:
        return None
    return _registers(adu, 12, quantity)


def _decode_log(adu, n):
    """Return the event log (AP 6.10)."""
    if n < 8:
        return None
    status, events, messages = _registers(adu, 9, 3)
    return status, events, messages, bytes(adu[15 : _PDU + n])


def _decode_records(adu, n, records):
    """Return the values of each record that FC 20 asked for."""
    at = 9
    end = _PDU + n
    found = []
    for _, _, length in records:
        if at + 2 > end or adu[at] != 1 + 2 * length or adu[at + 1] != _REFERENCE_TYPE:
            return None
        found.append(_registers(adu, at + 2, length))
        at += 2 + 2 * length
    return found if at == end else None


def _are_written(adu, n, records):
    """Return whether a response of FC 21 names these records with these values, and no others."""
    at = 9
    for file, number, values in records:
        end = at + 7 + 2 * len(values)
        if end > _PDU + n or adu[at] != _REFERENCE_TYPE:
            return False
        if _registers(adu, at + 1, 3) != [file, number, len(values)]:
            return False
        if _registers(adu, at + 7, len(values)) != [value & 0xFFFF for value in values]:
            return False
        at = end
    return at == _PDU + n


def _decode_objects(adu, n, objects):
    """Add the objects of a response of FC 43/14 to `objects`. Returns them, or MORE (AP 6.21)."""
    if n < 7 or adu[8] != 14:
        return None
    last = -1
    at = 14
    end = _PDU + n
    for _ in range(adu[13]):
        if at + 2 > end or at + 2 + adu[at + 1] > end:
            return None
        last = adu[at]
        objects[last] = bytes(adu[at + 2 : at + 2 + adu[at + 1]])
        at += 2 + adu[at + 1]
    if at != end:
        return None
    objects.pop(MORE, None)
    if adu[11] != 0xFF:
        return objects
    if adu[12] <= last or last < 0:
        return None  # a device that does not advance would be asked for ever
    objects[MORE] = adu[12]
    return MORE
