"""Function codes 43/14 and 17: who this device is (AP 6.21, 6.13)."""

from micropython import const

from ..check import wrong
from ..fast import copy

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)
_READ_DEVICE_ID = const(14)  # the MEI type; 13 is CANopen's
_OBJECTS = const(14)  # where in the buffer the objects of a response begin
_END = const(260)  # and where the longest PDU ends
_OBJECT_MOST = const(244)
_SERVER_ID_MOST = const(250)  # a PDU of 253 without function code, byte count, run indicator


def _bytes(name, value):
    """Return an argument of this name, text or bytes, as bytes. Raises ValueError."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise wrong(name, value)


class Identity:
    """Function code 43/14 for Server(functions=...).

    objects   {object id: text or bytes}

    0 VendorName, 1 ProductCode and 2 MajorMinorRevision are mandatory; 3 VendorUrl, 4 ProductName,
    5 ModelName, 6 UserApplicationName; 0x80..0xFF as one likes. Their ids make the conformity
    level.

    Raises ValueError for an id that is reserved or missing, more than 244 bytes, or values that
    are neither text nor bytes.
    """

    codes = b"\x2b"

    def __init__(self, objects: dict):
        if not isinstance(objects, dict):
            raise wrong("objects", objects)
        for i in range(3):
            if i not in objects:
                raise wrong("objects", objects)
        for i in objects:
            if not (isinstance(i, int) and (0 <= i <= 6 or 0x80 <= i <= 0xFF)):
                raise wrong("object_id", i)
        self._ids = bytes(sorted(objects))
        self._values = [_bytes("object", objects[i]) for i in self._ids]
        for value in self._values:
            if len(value) > _OBJECT_MOST:
                raise wrong("object", value)
        last = self._ids[-1]
        self._conformity = 0x80 | (3 if last > 6 else 2 if last > 2 else 1)

    def handle(self, adu, n, link) -> int:
        """Answer FC 43 in place: the response's length, or minus an exception code."""
        if n > 1 and adu[8] != _READ_DEVICE_ID:
            return -_ILLEGAL_FUNCTION
        if n != 4 or not 1 <= adu[9] <= 4:
            return -_ILLEGAL_VALUE
        # The highest id that is asked for.
        last = adu[10] if adu[9] == 4 else b"\x00\x02\x06\xff"[adu[9]]
        i = self._find(adu[10])
        if i < 0 or adu[10] > last:
            if adu[9] == 4:
                return -_ILLEGAL_ADDRESS
            i = 0  # in a stream an unknown id starts at the beginning
        adu[10] = self._conformity
        adu[11] = adu[12] = 0
        return self._put(adu, i, last)

    def _find(self, wanted):
        """Return the index of an object id, or -1."""
        i = len(self._ids) - 1
        while i >= 0 and self._ids[i] != wanted:
            i -= 1
        return i

    def _put(self, adu, i, last):
        """Put objects from index i on, up to id `last` or as many as fit; none is split.

        Returns the response's length.
        """
        at = _OBJECTS
        adu[13] = 0  # how many objects there are
        while i < len(self._ids) and self._ids[i] <= last:
            if at + 2 + len(self._values[i]) > _END:
                adu[11] = 0xFF  # more follows,
                adu[12] = self._ids[i]  # from this one on
                break
            adu[at] = self._ids[i]
            at = _put_value(adu, at + 1, self._values[i])
            adu[13] += 1
            i += 1
        return at - 7


def _put_value(adu, at, value):
    """Put the length of a value and the value to adu[at:]. Returns where it ends."""
    adu[at] = len(value)
    at += 1
    copy(adu, at, value, 0, len(value))
    return at + len(value)


class ServerId:
    """Function code 17 for Server(functions=...): id, run indicator, additional data (AP 6.13).

    server_id    text or bytes, as the device's maker defines it
    additional   text or bytes that follow the run indicator
    networks     True: answer over networks, too. The specification has it on serial lines only

    running is the run indicator, True for on: a program may set it.

    Raises ValueError for more than 250 bytes of id and additional data, or what is neither text
    nor bytes.
    """

    codes = b"\x11"

    def __init__(self, server_id, additional=b"", networks: bool = False):
        self._id = _bytes("server_id", server_id)
        self._additional = _bytes("additional", additional)
        if networks not in (False, True):
            raise wrong("networks", networks)
        self._networks = networks
        self.running = True
        if len(self._id) + len(self._additional) > _SERVER_ID_MOST:
            raise wrong("additional", additional)

    def handle(self, adu, n, link) -> int:
        """Answer FC 17 in place: the response's length, or minus an exception code."""
        if not (link.serial or self._networks):
            return -_ILLEGAL_FUNCTION
        if n != 1:
            return -_ILLEGAL_VALUE
        i = _put_value(adu, 8, self._id)
        at = _put_value(adu, i, self._additional)
        adu[i] = 0xFF if self.running else 0x00  # the run indicator, in place of a length
        adu[8] = at - 9
        return at - 7
