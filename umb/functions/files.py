"""Function codes 20, 21 and 24: file records and FIFO queues (AP 6.14, 6.15, 6.18)."""

from micropython import const

from ..fast import copy
from ..store import Registers

_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)
_REFERENCE = const(6)  # the only reference type
_LAST_RECORD = const(0x270F)
_RESPONSE_MOST = const(0xF5)  # bytes of a response
_QUEUE = const(31)  # registers in a queue


class Files:
    """Function codes 20 and 21 for Server(functions=...).

    files   {file number: Registers}. The numbers are 1..65535; the records of a file are the
            addresses 0..9999 of its block. Hooks are called as for holding registers

    Raises ValueError for a number out of range or a block of another kind.
    """

    codes = b"\x14\x15"

    def __init__(self, files):
        for number in files:
            if not 1 <= number <= 65535:
                raise ValueError("a file number must be 1..65535, not %s" % number)
            if not isinstance(files[number], Registers) or files[number].bits != 16:
                raise ValueError("file %d must be Registers, not %r" % (number, files[number]))
        self._files = files
        self._request = bytearray(253)  # records are read while the response is written

    def handle(self, adu, n, link):
        """Answer FC 20 or 21 in place: the response's length, or minus an exception code."""
        if n < 2 or n != 2 + adu[8]:
            return -_ILLEGAL_VALUE
        return self._read(adu, n) if adu[7] == 20 else self._write(adu, n)

    def _find(self, buf, at):
        """The file of the sub-request at buf[at:] if all of it exists, else None."""
        file = self._files.get(buf[at + 1] << 8 | buf[at + 2])
        record = buf[at + 3] << 8 | buf[at + 4]
        length = buf[at + 5] << 8 | buf[at + 6]
        if buf[at] != _REFERENCE or file is None or record > _LAST_RECORD:
            return None
        return file if length and file.has(record, length) else None

    def _read(self, adu, n):
        count = n - 2
        if count < 7 or count > _RESPONSE_MOST or count % 7:
            return -_ILLEGAL_VALUE
        request = self._request
        copy(request, 0, adu, 7, n)
        size = 0
        for at in range(2, n, 7):
            size += 2 + 2 * (request[at + 5] << 8 | request[at + 6])
        if size > _RESPONSE_MOST:
            return -_ILLEGAL_VALUE
        for at in range(2, n, 7):
            if self._find(request, at) is None:
                return -_ILLEGAL_ADDRESS
        to = 9
        for at in range(2, n, 7):
            file = self._find(request, at)
            record = request[at + 3] << 8 | request[at + 4]
            length = request[at + 6]
            if file.on_read is not None:
                file.on_read(record, length)
            adu[to] = 1 + 2 * length
            adu[to + 1] = _REFERENCE
            file.get(record, length, adu, to + 2)
            to += 2 + 2 * length
        adu[8] = size
        return 2 + size

    def _write(self, adu, n):
        """Check every sub-request, then write them all; the response repeats the request."""
        if not 9 <= n - 2 <= 0xFB:
            return -_ILLEGAL_VALUE
        end = 7 + n
        at = 9
        while at < end:
            if at + 7 > end:
                return -_ILLEGAL_VALUE
            at += 7 + 2 * (adu[at + 5] << 8 | adu[at + 6])
        if at != end:
            return -_ILLEGAL_VALUE
        for writes in (False, True):
            at = 9
            while at < end:
                code = self._put(adu, at, writes)
                if code:
                    return code
                at += 7 + 2 * adu[at + 6]
        return n

    def _put(self, adu, at, writes):
        """Check a sub-request, or write what it brings. Returns 0, or minus an exception code."""
        file = self._find(adu, at)
        if file is None:
            return -_ILLEGAL_ADDRESS
        record = adu[at + 3] << 8 | adu[at + 4]
        length = adu[at + 6]
        if writes:
            file.put(record, length, adu, at + 7)
            if file.on_write is not None:
                file.on_write(record, length)
        elif file.validate is not None:
            for i in range(length):
                if not file.validate(record + i, file.value(adu, at + 7, i)):
                    return -_ILLEGAL_VALUE
        return 0


class Queues:
    """Function code 24 for Server(functions=...).

    fifo   {FIFO pointer address: sequence of up to 31 values}. Reading leaves them in the queue;
           a queue of more than 31 gets exception 3, as AP 6.18 demands
    """

    codes = b"\x18"

    def __init__(self, fifo):
        self._fifo = fifo

    def handle(self, adu, n, link):
        """Answer FC 24 in place: the response's length, or minus an exception code."""
        if n != 3:
            return -_ILLEGAL_VALUE
        queue = self._fifo.get(adu[8] << 8 | adu[9])
        if queue is None:
            return -_ILLEGAL_ADDRESS
        count = len(queue)
        if count > _QUEUE:
            return -_ILLEGAL_VALUE
        adu[8] = adu[10] = 0
        adu[9] = 2 + 2 * count
        adu[11] = count
        for i in range(count):
            adu[12 + 2 * i] = queue[i] >> 8 & 0xFF
            adu[13 + 2 * i] = queue[i] & 0xFF
        return 5 + 2 * count
