"""ReplySearch: the reply to a request in what a serial device server sends (RTU over TCP).

Such a server passes on the bytes of its line: the reply, noise at the edges of frames, sometimes a
greeting of its own and, on some lines, a copy of the request first, the echo. No silence separates
them, and no transaction id shows which request a reply belongs to.
"""

from micropython import const

from ..fast import copy, crc16
from ..frame.rtu import RESPONSE, rtu_size
from .expected import repeated_size, reply_size

_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)  # slave id, function code, CRC
_LONGEST = const(256)  # SL 2.5.1.1
ROOM = _FRAME + 2 * _LONGEST  # bytes of a buffer that takes an echo and a reply
_ENDS = const(3)  # by how much a frame is longer than its PDU
_KEPT = const(7)  # the bytes of a request PDU that are kept to recognize its copy
_EXCEPTION_SIZE = const(5)
_READ_WRITE = const(23)
_IDENTIFICATION = const(43)
_RETURNED = b"\x08\x15"  # codes whose response is as long as the request

# What ReplySearch._size_at() returns besides a length:
_NOTHING = const(0)  # no frame begins there
_INCOMPLETE = const(-1)  # a frame begins there whose end was not received
_POSSIBLE = const(-2)  # a frame of unknown length may begin there


class ReplySearch:
    """Looks for the reply to one request in the bytes that arrive after it.

    stream  the umb.port.sockets.Stream that they arrive in, whose buffer has ROOM bytes
    echo    whether the line brings back what is sent: True, False, or None, to find out. A reply
            behind a copy of the request shows that it does, a reply alone that it does not. As
            long as neither has happened, the reply to a write may be an echo of the request: it
            counts if nothing else was received when the time-out is over
    """

    def __init__(self, stream, echo):
        self.stream = stream
        self.adu = stream.adu
        self._echo = None if echo is None else bool(echo)
        self._echoes = self._echo  # what is known: True, False, None
        self._request = bytearray(_KEPT)  # how the request PDU begins
        self.begin(_SHORTEST)

    def begin(self, size: int) -> None:
        """Look for the reply to the request frame of `size` bytes at adu[6:] from now on."""
        adu = self.adu
        self.noise = False  # bytes were discarded that are no echo
        self._copied = 0  # the length of the request's copy at adu[6:]; 0: it was not received
        self._size = size
        self._slave_id = adu[_FRAME]
        copy(self._request, 0, adu, _FRAME + 1, _KEPT)
        n = reply_size(self._request)
        self._reply_size = n + _ENDS if n else size if self._request[0] in _RETURNED else 0
        self._crc_low = adu[_FRAME + size - 2]
        self._crc_high = adu[_FRAME + size - 1]

    def room(self) -> int:
        """Return how many more bytes the buffer takes."""
        return 2 * _LONGEST - self.stream.have

    def find(self, last: bool) -> int:
        """Return the length of the reply, which is then at adu[6:], or 0.

        last  whether the time-out is over: then no more bytes are received
        """
        at = self._copied
        kept = -1  # where a frame of unknown length may begin
        while at < self.stream.have:
            size = self._size_at(at, last)
            if size > 0:
                if not self._is_echo(at, size):
                    return self._found(at, size)
                at = self._copied
                kept = -1
                continue
            if size == _INCOMPLETE and not last:
                break
            if size == _POSSIBLE and kept < 0 and not last:
                kept = at
            at += 1
        self._discard(at if kept < 0 else kept)
        if last and self._copied and self._echoes is None:
            return self._copied  # it may be the reply: nothing has shown that the line has an echo
        return 0

    def _size_at(self, at, last):
        """Return the length of the reply, or of the request's copy, at adu[6 + at:]."""
        n = self.stream.have - at
        at += _FRAME
        if self.adu[at] != self._slave_id:
            return _NOTHING
        size = self._copy_size(at, n)
        if size > 0 or (size == _INCOMPLETE and self._echoes is not False and not last):
            return size
        size = self._expected_size(at, n, last)
        if size == _POSSIBLE:
            return self._shortest(at, n)
        if size > _LONGEST:
            return _NOTHING
        if size > n:  # only a length that the request has fixed is worth waiting for
            return _INCOMPLETE if self._reply_size or n < _SHORTEST else _POSSIBLE
        return size if size > 0 and crc16(self.adu, at, size) == 0 else _NOTHING

    def _copy_size(self, at, n):
        """Return the length of a copy of the request at adu[at:], or _INCOMPLETE or _NOTHING."""
        size = self._size
        adu = self.adu
        if self._copied or self._echo is False or not self._repeats(at, min(n, size) - 1):
            return _NOTHING
        if n < size:
            return _INCOMPLETE
        if adu[at + size - 2] != self._crc_low or adu[at + size - 1] != self._crc_high:
            return _NOTHING
        return size if crc16(adu, at, size) == 0 else _NOTHING

    def _repeats(self, at, n):
        """Return whether the n bytes behind a slave id at adu[at:] begin as the request PDU."""
        at += 1
        for i in range(min(n, _KEPT)):
            if self.adu[at + i] != self._request[i]:
                return False
        return True

    def _expected_size(self, at, n, last):
        """Return the length of a reply of which n bytes are at adu[at:].

        _NOTHING: they do not begin one. _POSSIBLE: only its CRC shows where it ends.
        """
        code = self._request[0]
        if n < _SHORTEST:
            return _EXCEPTION_SIZE if n < 2 or not (self.adu[at + 1] ^ code) & 0x7F else _NOTHING
        if self.adu[at + 1] == code | 0x80:
            return _EXCEPTION_SIZE
        if self.adu[at + 1] != code:
            return _NOTHING
        if last or not self._reply_size:  # what it contains is checked later
            return rtu_size(RESPONSE, self.adu, at, n) or _POSSIBLE
        return self._reply_size if self._fits(at, n) else _NOTHING

    def _fits(self, at, n):
        """Return whether the n >= 4 bytes at adu[at:] begin as the reply has to."""
        code = self._request[0]
        if code < 5 or code == _READ_WRITE:
            return self.adu[at + 2] == self._reply_size - _EXCEPTION_SIZE  # the byte count
        repeated = 1 + repeated_size(code)
        return self._repeats(at, min(n - 1, repeated))

    def _shortest(self, at, n):
        """Return the least length at which the CRC at adu[at:] is right, or _POSSIBLE."""
        for size in range(_SHORTEST, min(n, _LONGEST) + 1):
            if crc16(self.adu, at, size) == 0:
                return size
        return _POSSIBLE if n < _LONGEST else _NOTHING

    def _is_echo(self, at, size):
        """Return whether the frame at adu[6 + at:] is the request's copy, as which it is kept.

        It counts as one even if it may be the reply, unless the line is known not to echo.
        """
        if self._copy_size(_FRAME + at, size) != size:
            return False
        is_reply = self._may_be_reply(_FRAME + at, size)
        if is_reply and self._echoes is False:
            return False
        self._discard(at)
        self._copied = size
        if not is_reply:
            self._echoes = True
        return True

    def _may_be_reply(self, at, size):
        """Return whether the request's copy at adu[at:] has the form of a reply to it."""
        if self._reply_size or self._request[0] == _IDENTIFICATION:  # whose reply is always longer
            return self._reply_size == size
        announced = rtu_size(RESPONSE, self.adu, at, _SHORTEST)
        return not announced or announced == size

    def _discard(self, end):
        """Discard what is between the request's copy and adu[6 + end:]."""
        begin = self._copied
        if end > begin:
            self.noise = True
            self.stream.have -= end - begin
            copy(self.adu, _FRAME + begin, self.adu, _FRAME + end, self.stream.have - begin)

    def _found(self, at, size):
        if self._echoes is None and self._copied:
            self._echoes = True
        elif self._echoes is None and not at and not self.noise:
            self._echoes = False
        copy(self.adu, _FRAME, self.adu, _FRAME + at, size)
        return size
