"""The RTU frame: slave id, PDU and CRC-16 from adu[6] on (SL 2.5.1.1), and how long frames are.

A frame ends when as many bytes were received as its function code announces and the CRC is right.
The function code alone does not always announce the length: in some requests a later byte is the
count of the rest, and nothing is decided until that byte was received. A frame whose length is not
announced, or differs from that, ends with the silence after it.

Silence alone is not reliable: programs that poll seldom do not notice it, and USB adapters make
pauses inside of frames. So bytes received after a silence are tried as a frame of their own first,
and then as the rest of the bytes before.
"""

from micropython import const

from ..fast import copy, crc16, seal

_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)  # slave id, function code, CRC
_LONGEST = const(256)  # SL 2.5.1.1
_COUNTED = const(0x80)
_BY_OBJECTS = const(0xFF)
_DIAGNOSTICS = const(8)
_DEVICE_IDENTIFICATION = const(14)  # of the MEI types of FC 43
_BEFORE_OBJECTS = const(8)  # bytes of a frame up to the one that counts its objects
# Transceivers add noise, at most so many bytes, when the direction of the bus changes.
_NOISE = const(3)

# The length of the PDU by function code (AP 6): a number of bytes; or _COUNTED + the index of the
# byte that is the count of the rest; or _BY_OBJECTS. 0: its beginning does not announce it.
# umb.frame.lengths adds what a program knows of other codes.
# Made from lists, which are gone after the import: bytes would stay in RAM beside the bytearray.
REQUEST = bytearray(
    [0, 5, 5, 5, 5, 5, 5, 1]  # from function code 0 on
    + [5, 0, 0, 1, 1, 0, 0, _COUNTED + 5]  # from 8 on
    + [_COUNTED + 5, 1, 0, 0, _COUNTED + 1, _COUNTED + 1, 7, _COUNTED + 9]  # from 16 on
    + ([3] + [0] * 18 + [4])  # from 24 to 43
)
RESPONSE = bytearray(
    [0, _COUNTED + 1, _COUNTED + 1, _COUNTED + 1, _COUNTED + 1, 5, 5, 2]
    + [5, 0, 0, 5, _COUNTED + 1, 0, 0, 5]
    + [5, _COUNTED + 1, 0, 0, _COUNTED + 1, _COUNTED + 1, 7, _COUNTED + 1]
    + ([_COUNTED + 2] + [0] * 18 + [_BY_OBJECTS])
)


def _objects_size(buf, at, n):
    """As rtu_size(), of a response of FC 43, whose objects have their lengths (AP 6.21)."""
    if n > 2 and buf[at + 2] != _DEVICE_IDENTIFICATION:
        return 0
    size = _BEFORE_OBJECTS
    if n < size:
        return size
    left = buf[at + size - 1]
    while left:
        left -= 1
        size += 2  # its id and its length
        if n < size:
            return size
        size += buf[at + size - 1]
    return size + 2


def rtu_size(table, buf, at, n):
    """Return the length of the RTU frame at buf[at:], of which n >= 2 bytes were received.

    A result of more than n is how many bytes are needed before the length is known, or the frame
    is whole. 0: its length is not announced. table is REQUEST or RESPONSE.
    """
    code = buf[at + 1]
    size = table[code] if code < len(table) else 0
    if size == _BY_OBJECTS:
        return _objects_size(buf, at, n)
    if size >= _COUNTED:
        size -= _COUNTED - 2  # the bytes of the frame up to the one that is the count
        return size if n < size else size + buf[at + size - 1] + 2
    if code & 0x80 and table is RESPONSE:
        size = 2  # an exception response (AP 7)
    return size + 3 if size else 0


class RTU:
    """Finds the frames in the bytes received from a line.

    adu     the ADU buffer. The driver puts n more bytes, at most `need`, at adu[6 + have] and
            calls received(n). As `need` never exceeds a frame, the bytes after it stay in the UART
    table   REQUEST: requests are received, and responses of other slaves. RESPONSE: responses
    serves  serves(slave_id) returns whether frames of this slave id are of interest. Only those,
            and broadcasts, are looked for in noise

    received() and silence() return the length of a whole frame, which is at adu[6] then, or 0.
    """

    start = _FRAME  # where in `out` a sealed frame begins
    timed = True  # silence ends frames
    piece_size = 32  # the most bytes that are read at once
    seal = staticmethod(seal)  # puts the CRC behind the PDU of n bytes at adu[7], see umb.fast

    def __init__(self, adu, table, serves):
        self.adu = self.out = adu
        self.table = table
        self.serves = serves
        self.rejected = 0  # how many times bytes were discarded; who reads it resets it
        self.reset()

    def reset(self):
        """Discard what was received: the next byte begins a frame."""
        self.have = 0  # bytes at adu[6:] that belong to no frame yet
        self.need = _SHORTEST  # how many more are needed before anything is decided
        self.open = True  # whether more bytes can complete a frame of announced length
        self.for_us = False  # whether serves() is true of the slave id that was received
        self._begin = 0  # the first byte after the last silence is at adu[6 + _begin]
        # What silence() was called for since the last byte: 1 t3.5, 2 final, 0 neither.
        self._judged = 0

    def clear(self):
        """Discard what was received, and count it as rejected."""
        if self.have:
            self.rejected += 1
        self.reset()

    def gap(self):
        """Note a silence after what was received: the next byte may begin a frame."""
        self._begin = self.have
        self.need = min(self.need, _SHORTEST)

    def received(self, n):
        """Take the n <= need bytes at adu[6 + have]. Returns the length of a whole frame, or 0."""
        self._judged = 0
        self.have += n
        self.need -= n
        return 0 if self.need else self._find()

    def _find(self):
        """Return the length of the frame that is whole now, or 0 and set what is needed."""
        self.need = _LONGEST - self.have
        self.open = False
        at = self._begin
        while not self._is_whole(at):
            if at:
                at = 0  # the last bytes may continue those before the silence
            elif self.need:
                return 0
            else:  # longer than any frame
                begin = self._begin
                at = self._next(1, begin or _LONGEST - 1)
                if begin and at > _NOISE:
                    at = begin
                self.have = self._take(at, _LONGEST - at)
                self._begin = max(0, begin - at)
                return self._find()
        return self._take(at, self.have - at)

    def _is_whole(self, at):
        """Return whether a frame begins at adu[6 + at] and is whole. If not, set what it needs."""
        n = self.have - at
        at += _FRAME
        if n < _SHORTEST:
            self.open = True
            self.need = min(self.need, _SHORTEST - n)
            return False
        table = self.table
        self.for_us = self.serves(self.adu[at])
        if not self.for_us and not self._is_other(at):
            return False
        while True:
            size = rtu_size(table, self.adu, at, n)
            if (size == n or n == _LONGEST) and not crc16(self.adu, at, n):
                return True
            if size > n:
                self.open = True
                self.need = min(self.need, size - n)
            if table is RESPONSE or self.for_us or not self.adu[at]:
                return False
            table = RESPONSE  # responses of other slaves are on the bus, too

    def _is_other(self, at):
        """Return whether a frame that is not of interest may begin at adu[at].

        An exception response with code 0, which does not exist, is none: values of -1 and 0 have a
        right CRC as such a response of slave 255, FF FF 00 00 00.
        """
        return not self.adu[at + 1] & 0x80 or self.adu[at + 2] > 0

    def _next(self, at, end):
        """Return where, from adu[6 + at] on, a frame of interest may begin, or `end`.

        Its length is announced, and does not end before the last byte received.
        """
        table = self.table
        while at < end:
            code = self.adu[_FRAME + 1 + at] & 0x7F
            if (
                code < len(table)
                and table[code]
                and rtu_size(table, self.adu, _FRAME + at, self.have - at) >= self.have - at
                and (self.adu[_FRAME + at] == 0 or self.serves(self.adu[_FRAME + at]))
            ):
                break
            at += 1
        return at

    def _take(self, at, n):
        """Move n bytes from adu[6 + at] to adu[6], discard the rest, and reset. Returns n."""
        if n < self.have:
            self.rejected += 1
        copy(self.adu, _FRAME, self.adu, _FRAME + at, n)
        self.reset()
        return n

    def silence(self, final=False):
        """Note a silence of t3.5. Returns the length of a frame that it ends, or 0.

        final   the silence is longer than a pause inside a frame. What was received is discarded,
                unless it is shorter than announced: that is kept until clear() is called

        There may be noise on both sides of a frame, three bytes at most, or any number of zeros
        after it; and any bytes before a frame of interest whose length is announced.
        """
        judged = self._judged
        if judged > final:
            return 0
        self._judged = 1 + final
        begin = self._begin
        at = 0
        while at + _SHORTEST <= self.have:
            n = self._ended(at)
            if n:
                return self._take(at, n)
            if judged:
                break
            at += 1
            if at > _NOISE and not 0 <= at - begin <= _NOISE:
                at = self._next(at, begin if at < begin else self.have)
        if final and not self.open:
            self.clear()
        else:
            self.gap()
        return 0

    def _ended(self, at):
        """Return the length of the frame at adu[6 + at:] that silence has ended, or 0."""
        free = at == 0 or at == self._begin  # a frame for any slave, of any length
        noise = _NOISE if at <= _NOISE or 0 <= at - self._begin <= _NOISE else 0
        n = self.have - at
        at += _FRAME
        if self.adu[at] and not self.serves(self.adu[at]) and not (free and self._is_other(at)):
            return 0
        size = rtu_size(self.table, self.adu, at, n)
        if size > n:
            # Shorter than announced: a wrong length for its function code, or only the beginning.
            return self._shortest(at, n, n) if free and self._judged > 1 else 0
        if free or (noise and not size):
            return self._shortest(at, size, n)
        return self._shortest(at, size, size) if size and n - size <= noise else 0

    def _shortest(self, at, size, n):
        """Return the least length from `size` to n of a frame with a right CRC at adu[at:].

        0: there is none. The least noise is the likeliest, but for zeros: a right CRC stays right
        when they follow. Data of FC 8 are an even number of bytes (AP 6.8), so one zero behind
        them is no part of the frame, and one at its end is.
        """
        size = max(size, _SHORTEST)
        least = max(size, n - _NOISE)
        while n < size or crc16(self.adu, at, n):
            n -= 1
            if n < least:
                return 0
        while True:
            step = 1 if n & 1 or self.adu[at + 1] != _DIAGNOSTICS else 2
            if n - step < size or crc16(self.adu, at, n - step):
                return n
            n -= step
