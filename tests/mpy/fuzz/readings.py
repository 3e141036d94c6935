"""What a Modbus RTU slave may make of bytes between two silences: SL 2.5.1.1, written for tests.

A reading is (certain, slave id, PDU, begin, end). The request has to be answered (True), or has to
be if the silence behind it is seen (BY_SILENCE), or may be (False). Where it begins and ends is
counted from the beginning of the last piece.

What noise may do to a frame is a matter of judgement:
* up to two bytes of noise on either side of a frame do no harm;
* a CRC that is right stays right when zeros follow: the shortest frame counts;
* what follows a frame without silence may cost its answer.
"""

from fuzz.frames import crc, ends

BY_SILENCE = 2
_NOISE = 2  # bytes
_MOST_NOISE = 4  # of more than that nobody makes a frame
_LONGEST = 256
# Bytes of a whole frame by function code; (where the byte that counts stands, what it adds to).
REQUEST = {
    1: 8,
    2: 8,
    3: 8,
    4: 8,
    5: 8,
    6: 8,
    7: 4,
    8: 8,
    11: 4,
    12: 4,
    15: (6, 9),
    16: (6, 9),
    17: 4,
    20: (2, 5),
    21: (2, 5),
    22: 10,
    23: (10, 13),
    24: 6,
    43: 7,
}
_RESPONSE = {
    1: (2, 5),
    2: (2, 5),
    3: (2, 5),
    4: (2, 5),
    5: 8,
    6: 8,
    7: 5,
    8: 8,
    11: 8,
    12: (2, 5),
    15: 8,
    16: 8,
    17: (2, 5),
    20: (2, 5),
    21: (2, 5),
    22: 10,
    23: (2, 5),
}


def length(table, data, at):
    """How long the frame at data[at:] is, as its function code says; None: that cannot be told."""
    n = len(data) - at
    if n < 2:
        return None
    code = data[at + 1]
    if code & 0x80:
        return 5 if table is _RESPONSE else None
    size = table.get(code)
    if isinstance(size, tuple):
        place, more = size
        return data[at + place] + more if n > place else None
    return size


def _whole(table, data, at):
    """How long the frame at data[at:] is, if all of it is there and its CRC is right; or None."""
    size = length(table, data, at)
    if size and at + size <= len(data) and size <= _LONGEST and crc(data[at : at + size]) == 0:
        return size
    return None


def _embedded(data, ids, first):
    """Requests that begin behind data[first - 1]: (certain, at, size) each."""
    found = []
    certain = first == 1
    for at in range(first, len(data) - 3):
        if data[at] in ids or data[at] == 0:
            size = _whole(REQUEST, data, at)
            certain = certain and size and at <= _NOISE and len(data) - at - size <= _NOISE
            for one in (size,) if size else _possible(data, at):
                found.append((at, one))
    return [(certain and len(found) == 1, at, size) for at, size in found]


def _possible(data, at):
    """Lengths of frames at data[at:] that silence may have ended, with a little noise behind."""
    found = []
    for end in range(max(at + 4, len(data) - _MOST_NOISE), len(data) + 1):
        if end - at <= _LONGEST and crc(data[at:end]) == 0:
            found.append(end - at)
    return found


def _right_sizes(data):
    """At which lengths these bytes are a frame when zeros behind it do not count, shortest first.

    Data of FC 8 are an even number of bytes (AP 6.8), and so are its frames.
    """
    if not 4 <= len(data) <= _LONGEST + _NOISE or crc(data):
        return []
    sizes = [len(data)]
    for k in range(len(data) - 1, 3, -1):
        if data[k]:
            break
        if crc(data[:k]) == 0:
            sizes.insert(0, k)
    even = [size for size in sizes if not size & 1]
    return even if data[1] == 8 and even else sizes


def _ended_by_silence(data):
    """The shortest frame that these bytes are when zeros behind it do not count, or None."""
    sizes = _right_sizes(data)
    return sizes[0] if sizes and sizes[0] <= _LONGEST else None


def _places(data, ids):
    """Where in a row of bytes there may be requests for these slave ids, or for all.

    A list of (certain, at, size).
    """
    if len(data) < 4:
        return []
    if data[0] not in ids and data[0] != 0:
        if crc(data) == 0 and len(data) <= _LONGEST:
            return []
        size = _whole(REQUEST, data, 0) or _whole(_RESPONSE, data, 0)
        return _embedded(data, ids, size or 1)
    size = _whole(REQUEST, data, 0)
    whole = _ended_by_silence(data)
    if size:
        rest = len(data) - size
        if whole and whole > size:  # a longer one, too: of a code whose length is not fixed
            return [(False, 0, size), (False, 0, whole)]
        if rest <= _NOISE:
            return [(True, 0, size)]
        return [(False, 0, size)] + _embedded(data, ids, size)
    if whole and whole < len(data) >= _LONGEST:
        return [(False, 0, whole), (False, 0, _LONGEST)]  # no frame is longer than that one
    if whole and whole < len(data) and data[1] in REQUEST and (data[1] != 8 or len(data) < 8):
        return [(False, 0, whole), (False, 0, len(data))]  # the wrong length for its code, anyway
    if whole:
        return [(BY_SILENCE if len(data) - whole <= _NOISE else False, 0, whole)]
    return [(False, 0, size) for size in _possible(data, 0)] + _embedded(data, ids, 1)


def _is_other(data, cut):
    """Return whether these bytes begin with a frame of another slave that ends behind `cut`."""
    if 4 <= len(data) <= _LONGEST and crc(data) == 0:
        return True
    for table in (REQUEST, _RESPONSE):
        size = _whole(table, data, 0)
        if size and size > cut:
            return True
    return False


def _requests(places, row, cut=0):
    """The readings at these places of a row whose last piece begins at row[cut]."""
    return [
        (certain, row[at], row[at + 1 : at + size - 2], at - cut, at + size - cut)
        for certain, at, size in places
    ]


def takes_from(one, other):
    """Return whether the first reading has bytes of the other, and begins or ends before it."""
    _, _, _, begin, end = one
    _, _, _, other_begin, other_end = other
    return begin < other_end and other_begin < end and (begin < other_begin or end < other_end)


def uncertain(found):
    """The same readings, none of which has to be answered."""
    return [(False,) + reading[1:] for reading in found]


def anywhere(row, ids, cut):
    """Requests that begin at any byte of a row, and end in its last piece, which is row[cut:].

    Polls that are rare may take a pause of their own for the silence of the line, on either side
    of a request.
    """
    places = []
    for at in range(len(row) - 3):
        if row[at] in ids or row[at] == 0:
            for size in ends(row[at : at + _LONGEST]):
                if at + size > cut:
                    places.append((False, at, size))
    return _requests(places, row, cut)


def readings(data, ids):
    """What requests for these slave ids, or for all, there may be in a row of bytes."""
    return _requests(_places(data, ids), data)


def joined(pieces, ids, torn=False):
    """What requests end in the last of these pieces, which silences part.

    The last one counts as a frame of its own first, then as the end of what began before. torn: a
    silence among them may have been too long for that.
    """
    alone = readings(pieces[-1], ids)
    if len(pieces) > 1 and alone and alone[0][0] == BY_SILENCE and pieces[-1][1] in REQUEST:
        # Too short or too long for its code: it may as well go on with what came before.
        alone = uncertain(alone)
    longer = []  # frames that end here but began earlier; None for one of another slave
    for j in range(len(pieces) - 1):
        row = b"".join(pieces[j:])
        cut = len(row) - len(pieces[-1])
        if row[0] not in ids and row[0] and _is_other(row, cut):
            longer.append(None)
            continue
        sure = j == 0 and not torn
        for certain, at, n in _places(row, ids):
            if at < cut < at + n:
                longer += _requests([(sure and certain is True, at, n)], row, cut)
        if row[0] in ids and row[1] not in REQUEST:
            places = [(False, 0, n) for n in _possible(row, 0) if n > cut]
            longer += _requests(places, row, cut)
    if not longer:
        return alone
    inner = any(_is_other(piece, 3) for piece in pieces[1:])
    if alone or inner or len(longer) > 1 or longer[0] is None:
        return uncertain([reading for reading in alone + longer if reading])
    return longer
