"""The less common function codes as a client needs them: requests and the values of responses.

Optional: a Client takes it when one of these calls is made for the first time.
"""

from micropython import const

MORE = "more"  # what decode returns when the device has more objects: ask for `values[MORE]`
_REFERENCE = const(6)  # the reference type of file records (AP 6.14)


def _word(adu, at, value, name="value"):
    if not 0 <= value <= 65535:
        raise ValueError("%s must be 0..65535" % name)
    adu[at] = value >> 8
    adu[at + 1] = value & 0xFF


def build(adu, code, a, b, values):
    """Write the PDU of FC 7, 8, 11, 12, 17, 20, 21, 24 or 43 to adu[7]; returns its length.

    Raises ValueError where an argument is out of range.
    """
    adu[7] = code
    if code == 8:
        return _diagnostics(adu, a, values)
    if code == 20 or code == 21:
        return _records(adu, code, values)
    if code == 24:
        _word(adu, 8, a, "address")
        return 3
    if code == 43:
        if not (1 <= a <= 4 and 0 <= b <= 255):
            raise ValueError("code must be 1..4, object_id 0..255")
        adu[8] = 14
        adu[9] = a
        adu[10] = b
        return 4
    return 1


def _diagnostics(adu, sub_function, data):
    _word(adu, 8, sub_function, "sub_function")
    if isinstance(data, int):
        _word(adu, 10, data, "data")
        return 5
    if not 2 <= len(data) <= 250:
        raise ValueError("data must be 0..65535 or 2..250 bytes")
    adu[10 : 10 + len(data)] = data
    return 3 + len(data)


def _records(adu, code, records):
    """Sub-requests (file, record, length) to read, (file, record, values) to write."""
    at = 9
    answer = 0
    for file, record, what in records:
        length = what if code == 20 else len(what)
        if not (1 <= file <= 65535 and 0 <= record <= 9999 and 1 <= length <= 124):
            raise ValueError("a record needs file 1..65535, number 0..9999, 1..124 registers")
        answer += 2 + 2 * length
        end = at + 7 + (2 * length if code == 21 else 0)
        if end > 260 or (code == 20 and answer > 245):  # the response of FC 21 is the request
            raise ValueError("these records do not fit into one request and its response")
        adu[at] = _REFERENCE
        _word(adu, at + 1, file)
        _word(adu, at + 3, record)
        _word(adu, at + 5, length)
        at += 7
        if code == 21:
            for value in what:
                if not -32768 <= value <= 65535:
                    raise ValueError("a register holds -32768..65535")
                _word(adu, at, value & 0xFFFF)
                at += 2
    if at == 9:
        raise ValueError("at least one record is needed")
    adu[8] = at - 9
    return at - 7


def _values(adu, at, n):
    return [adu[i] << 8 | adu[i + 1] for i in range(at, at + 2 * n, 2)]


def decode(adu, n, code, values, asked=None):
    """The value of the response PDU of n bytes at adu[7], or None where it makes no sense.

    asked: what followed the function code in the request; the sub-function has to be the same.
    7: an int. 8: the data, as an int or bytes like those sent. 11: (status, events).
    12: (status, events, messages, log). 17: bytes. 20: a list of values a record. 21: the number
    of records. 24: a list. 43: {object id: bytes}, or MORE.
    """
    if code == 43:
        return _objects(adu, n, values)
    if code == 8:
        return _data(adu, n, values, asked)
    if code == 24:
        return _queue(adu, n)
    if code == 7:
        return adu[8] if n == 2 else None
    if code == 11:
        return tuple(_values(adu, 8, 2)) if n == 5 else None
    return _counted(adu, n, code, values) if n > 1 and n == 2 + adu[8] else None


def _data(adu, n, values, asked):
    """The data of FC 8, of the kind that was sent."""
    if asked is not None and (adu[8] != asked[0] or adu[9] != asked[1]):
        return None
    if isinstance(values, int):
        return adu[10] << 8 | adu[11] if n == 5 else None
    return bytes(adu[10 : 7 + n]) if n == 3 + len(values) else None


def _queue(adu, n):
    """The values of FC 24."""
    count = adu[11]
    good = n == 5 + 2 * count and adu[9] == 2 + 2 * count and adu[8] == adu[10] == 0
    return _values(adu, 12, count) if good else None


def _counted(adu, n, code, values):
    """What a response with a byte count tells."""
    if code == 12:
        if n < 8:
            return None
        status, events, messages = _values(adu, 9, 3)
        return status, events, messages, bytes(adu[15 : 7 + n])
    if code == 20:
        return _answers(adu, n, values)
    if code == 21:
        return len(values) if _repeats(adu, n, values) else None
    return bytes(adu[9 : 7 + n])


def _answers(adu, n, records):
    """The values of each record that FC 20 asked for."""
    at = 9
    found = []
    for _, _, length in records:
        if at + 2 > 7 + n or adu[at] != 1 + 2 * length or adu[at + 1] != _REFERENCE:
            return None
        found.append(_values(adu, at + 2, length))
        at += 2 + 2 * length
    return found if at == 7 + n else None


def _repeats(adu, n, records):
    """Does a response say that these records, and no others, were written?"""
    at = 9
    for file, record, what in records:
        end = at + 7 + 2 * len(what)
        if end > 7 + n or adu[at] != _REFERENCE:
            return False
        if _values(adu, at + 1, 3) != [file, record, len(what)]:
            return False
        if _values(adu, at + 7, len(what)) != [value & 0xFFFF for value in what]:
            return False
        at = end
    return at == 7 + n


def _objects(adu, n, objects):
    """Add the objects of a response to `objects`. Returns them, or MORE, or None."""
    last = -1
    if n < 7 or adu[8] != 14:
        return None
    at = 14
    for _ in range(adu[13]):
        if at + 2 > 7 + n or at + 2 + adu[at + 1] > 7 + n:
            return None
        last = adu[at]
        objects[last] = bytes(adu[at + 2 : at + 2 + adu[at + 1]])
        at += 2 + adu[at + 1]
    if at != 7 + n:
        return None
    objects.pop(MORE, None)
    if adu[11] != 0xFF:
        return objects
    if adu[12] <= last or last < 0:
        return None  # it would go on for ever
    objects[MORE] = adu[12]
    return MORE
