"""Function codes 43/14 and 17: who this device is (AP 6.21, 6.13)."""

from micropython import const

from ..fast import copy

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)
_READ_DEVICE_ID = const(14)  # the MEI type; 13 is CANopen's
_OBJECTS = const(14)  # where in the buffer the objects of a response begin
_END = const(260)  # and where the longest PDU ends
_OBJECT_MOST = const(244)
_SERVER_ID_MOST = const(249)


def _bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


class Identity:
    """Function code 43/14 for Server(functions=...).

    objects   {object id: text or bytes}

    0 VendorName, 1 ProductCode and 2 MajorMinorRevision are mandatory; 3 VendorUrl, 4 ProductName,
    5 ModelName, 6 UserApplicationName; 0x80..0xFF as one likes. Their ids make the conformity
    level. Raises ValueError for an id that is reserved or missing, or more than 244 bytes.
    """

    codes = b"\x2b"

    def __init__(self, objects):
        self._ids = bytes(sorted(objects))
        for i in range(3):
            if i not in self._ids:
                raise ValueError("identity needs the objects 0, 1 and 2")
        self._values = [_bytes(objects[i]) for i in self._ids]
        for i in range(len(self._ids)):
            if 6 < self._ids[i] < 0x80 or len(self._values[i]) > _OBJECT_MOST:
                raise ValueError("object %d is reserved or too long" % self._ids[i])
        last = self._ids[-1]
        self._conformity = 0x80 | (3 if last > 6 else 2 if last > 2 else 1)

    def handle(self, adu, n, link):
        """Answer FC 43 in place: the response's length, or minus an exception code."""
        if n > 1 and adu[8] != _READ_DEVICE_ID:
            return -_ILLEGAL_FUNCTION
        if n != 4 or not 1 <= adu[9] <= 4:
            return -_ILLEGAL_VALUE
        code = adu[9]
        first = adu[10]
        last = first if code == 4 else b"\x00\x02\x06\xff"[code]  # the highest that is asked for
        adu[10] = self._conformity
        adu[11] = adu[12] = 0
        i = 0
        if first in self._ids and first <= last:
            while self._ids[i] != first:
                i += 1
        elif code == 4:
            return -_ILLEGAL_ADDRESS
        # In a stream an unknown id starts at the beginning.
        return self._put(adu, i, last)

    def _put(self, adu, i, last):
        """Objects from number i on, up to id `last` or as many as fit; none is split."""
        at = _OBJECTS
        count = 0
        while i < len(self._ids) and self._ids[i] <= last:
            value = self._values[i]
            size = len(value)
            if at + 2 + size > _END:
                adu[11] = 0xFF  # more follows,
                adu[12] = self._ids[i]  # from this one on
                break
            adu[at] = self._ids[i]
            adu[at + 1] = size
            copy(adu, at + 2, value, 0, size)
            at += 2 + size
            count += 1
            i += 1
        adu[13] = count
        return at - 7


class ServerId:
    """Function code 17 for Server(functions=...): id, run indicator, additional data (AP 6.13).

    server_id    text or bytes, as the device's maker defines it
    additional   text or bytes that follow the run indicator
    networks     True: answer over networks, too. The specification has it on serial lines only

    running tells the run indicator, on or off: a program may set it. Raises ValueError for more
    than 249 bytes of id and additional data.
    """

    codes = b"\x11"

    def __init__(self, server_id, additional=b"", networks=False):
        self._id = _bytes(server_id)
        self._additional = _bytes(additional)
        self._networks = networks
        self.running = True
        if len(self._id) + len(self._additional) > _SERVER_ID_MOST:
            raise ValueError("server_id and additional have %d bytes at most" % _SERVER_ID_MOST)

    def handle(self, adu, n, link):
        """Answer FC 17 in place: the response's length, or minus an exception code."""
        if not (link.serial or self._networks):
            return -_ILLEGAL_FUNCTION
        if n != 1:
            return -_ILLEGAL_VALUE
        at = 9 + len(self._id)
        copy(adu, 9, self._id, 0, len(self._id))
        adu[at] = 0xFF if self.running else 0x00
        copy(adu, at + 1, self._additional, 0, len(self._additional))
        adu[8] = len(self._id) + 1 + len(self._additional)
        return adu[8] + 2
