"""Function codes 20, 21 and 24: file records and FIFO queues (AP 6.14, 6.15, 6.18)."""

from micropython import const

from ..fast import copy
from ..store import Registers

_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)
_BUSY = const(6)
_REFERENCE = const(6)  # the only reference type
_LAST_RECORD = const(0x270F)
_PDU_MOST = const(253)
_RESPONSE_MOST = const(0xF5)  # bytes of a response
_QUEUE_MOST = const(31)  # registers in a queue


def _word(buf, at):
    return buf[at] << 8 | buf[at + 1]


class Files:
    """Function codes 20 and 21 for Server(functions=...).

    files   {file number: Registers}. The numbers are 1..65535; the records of a file are those of
            the addresses 0..9999 that its block has. Hooks are called as for holding registers

    Raises ValueError for a number out of range or a block of another kind, TypeError for another
    argument.
    """

    codes = b"\x14\x15"

    def __init__(self, files: dict):
        if not isinstance(files, dict):
            raise TypeError("files must be {file number: Registers}, not %r" % (files,))
        for number, file in files.items():
            if not (isinstance(number, int) and 1 <= number <= 65535):
                raise ValueError("a file number must be 1..65535, not %r" % (number,))
            if not isinstance(file, Registers) or file.bits != 16:
                raise ValueError("file %d must be Registers, not %r" % (number, file))
        self._files = files
        self._request = bytearray(_PDU_MOST)  # records are read while the response is written
        self._reads = 0  # how often _request was filled

    def handle(self, adu, n, link) -> int:
        """Answer FC 20 or 21 in place: the response's length, or minus an exception code."""
        if n < 2 or n != 2 + adu[8]:
            return -_ILLEGAL_VALUE
        if adu[7] == 20:
            return self._check_read(adu, n) or self._read(adu, n)
        return self._check_write(adu, n) or self._write(adu, n)

    def _find(self, buf, at):
        """Return the file of the sub-request at buf[at:] if all of it exists, else None."""
        number = _word(buf, at + 1)
        file = self._files.get(number)
        record = _word(buf, at + 3)
        length = _word(buf, at + 5)
        if buf[at] != _REFERENCE or file is None or record > _LAST_RECORD:
            return None
        return file if length and file.has(record, length) else None

    def _check_read(self, adu, n):
        """Check a request of FC 20. Returns 0, or minus an exception code."""
        if n < 9 or (n - 2) % 7:
            return -_ILLEGAL_VALUE
        n += 7  # where the request ends
        size = 0
        at = 9
        while at < n:
            size += 2 + (_word(adu, at + 5) << 1)
            at += 7
        if size > _RESPONSE_MOST:
            return -_ILLEGAL_VALUE
        at = 9
        while at < n:
            if self._find(adu, at) is None:
                return -_ILLEGAL_ADDRESS
            at += 7
        return 0

    def _read(self, adu, n):
        """Answer a request of FC 20. Returns the response's length, or minus an exception code."""
        at = 9
        while at < n + 7:
            _call_on_read(self._find(adu, at), adu, at)
            at += 7
        # The response is longer than the request, and begins where that does.
        copy(self._request, 0, adu, 7, n)
        self._reads = reads = self._reads + 1 & 0xFFFF
        n = self._get_records(adu, n)
        if reads != self._reads:
            return -_BUSY  # an interrupt has served another line, which used the same buffer
        return n

    def _get_records(self, adu, n):
        """Write the response to the request of n bytes in _request. Returns its length."""
        to = 9
        at = 2
        while at < n:
            to = _get_record(self._find(self._request, at), self._request, at, adu, to)
            at += 7
        adu[8] = to - 9
        return to - 7

    def _check_write(self, adu, n):
        """Check every sub-request of FC 21. Returns 0, or minus an exception code."""
        if n < 11:
            return -_ILLEGAL_VALUE
        n += 7  # where the request ends
        at = 9
        while at < n:
            if at + 7 > n:
                return -_ILLEGAL_VALUE
            at += 7 + (_word(adu, at + 5) << 1)
        if at != n:
            return -_ILLEGAL_VALUE
        at = 9
        while at < n:
            exception_code = _check_record(self._find(adu, at), adu, at)
            if exception_code:
                return -exception_code
            at += 7 + 2 * adu[at + 6]
        return 0

    def _write(self, adu, n):
        """Store what a request of FC 21 brings. The response repeats the request."""
        at = 9
        while at < n + 7:
            _put_record(self._find(adu, at), adu, at)
            at += 7 + 2 * adu[at + 6]
        return n


def _call_on_read(file, adu, at):
    """Call the hook of a file that the sub-request at adu[at:] is about to read."""
    if file.on_read is not None:
        file.on_read(_word(adu, at + 3), adu[at + 6])


def _get_record(file, request, at, adu, to):
    """Put the answer to the sub-request at request[at:] to adu[to:]. Returns where it ends."""
    adu[to] = 1 + 2 * request[at + 6]
    adu[to + 1] = _REFERENCE
    to += 2
    file.get(_word(request, at + 3), adu[to - 2] >> 1, adu, to)
    return to + adu[to - 2] - 1


def _check_record(file, adu, at):
    """Check the sub-request at adu[at:], which brings values. Returns 0, or an exception code."""
    if file is None:
        return _ILLEGAL_ADDRESS
    record = _word(adu, at + 3)
    return 0 if file.accepts(record, adu[at + 6], adu, at + 7) else _ILLEGAL_VALUE


def _put_record(file, adu, at):
    """Store the values that the sub-request at adu[at:] brings."""
    record = _word(adu, at + 3)
    length = adu[at + 6]
    at += 7
    file.put(record, length, adu, at)
    if file.on_write is not None:
        file.on_write(record, length)


class Queues:
    """Function code 24 for Server(functions=...).

    queues   {FIFO pointer address: sequence of up to 31 values}, such as lists that the program
             fills. Reading leaves the values in the queue; a queue of more than 31 gets exception
             3, as AP 6.18 demands

    Raises ValueError for an address out of 0..65535 or a queue that is no sequence, TypeError for
    another argument.
    """

    codes = b"\x18"

    def __init__(self, queues: dict):
        if not isinstance(queues, dict):
            raise TypeError("queues must be {address: list of values}, not %r" % (queues,))
        for address, queue in queues.items():
            if not (isinstance(address, int) and 0 <= address <= 65535):
                raise ValueError("a FIFO pointer address must be 0..65535, not %r" % (address,))
            try:
                len(queue)
                good = not isinstance(queue, (str, dict, set))
            except TypeError:
                good = False
            if not good:
                raise ValueError("queue %d must be a list, not %r" % (address, queue))
        self._queues = queues

    def handle(self, adu, n, link) -> int:
        """Answer FC 24 in place: the response's length, or minus an exception code."""
        if n != 3:
            return -_ILLEGAL_VALUE
        queue = self._queues.get(_word(adu, 8))
        if queue is None:
            return -_ILLEGAL_ADDRESS
        n = len(queue)
        if n > _QUEUE_MOST:
            return -_ILLEGAL_VALUE
        adu[8] = adu[10] = 0
        adu[9] = 2 + 2 * n
        adu[11] = n
        n = 0
        while n < adu[11]:
            Registers.encode(adu, (6 + n) << 4, queue[n])
            n += 1
        return 5 + 2 * n
