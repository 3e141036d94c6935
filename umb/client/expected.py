"""ExpectedReply: what the response to a request has to be like (AP 6)."""

from micropython import const

from ..fast import copy
from ..frame import WRITES
from .status import BAD_REPLY, ODD_REPLY

_PDU = const(7)  # where in the buffer the PDU begins
_HEAD = const(7)  # the most bytes of a response PDU that are compared
_DIAGNOSTICS = const(8)
_READ_FILE = const(20)
_READ_WRITE = const(23)
_IDENTIFICATION = const(43)
# By function code: how many bytes behind it a response repeats from its request, and how long a
# response PDU is, whatever the request; 0: it varies (AP 6).
_REPEATED = const(b"\0\0\0\0\0\4\4\0\2\0\0\0\0\0\0\4\4\0\0\0\0\6\6")
_SIZES = const(b"\0\0\0\0\0\5\5\2\0\0\0\5\0\0\0\5\5\0\0\0\0\0\7")
_ECHOED = const(b"\x08\x15")  # codes whose response is as long as the request


def reply_size(head):
    """Return how long the PDU of a normal response is, 0 if that is not known.

    head   the first 7 bytes of the request PDU
    """
    code = head[0]
    quantity = head[3] << 8 | head[4]
    if code in (1, 2):
        return 2 + (quantity + 7 >> 3)
    if code in (3, 4, _READ_WRITE):
        return 2 + 2 * quantity
    return _SIZES[code] if code < len(_SIZES) else 0


def repeated_size(code):
    """Return how many bytes behind this function code a response repeats from its request."""
    if code == _IDENTIFICATION:
        return 1  # the MEI type
    return _REPEATED[code] if code < len(_REPEATED) else 0


class ExpectedReply:
    """What the reply to the request under way has to be like.

    slave_id   the slave that was asked
    broadcast  whether it was a broadcast, which is not answered
    any_id     whether the reply may come with any slave id
    strict     whether the response to a write has to repeat the request
    any_size   whether nothing but slave id and function code is known of the response
    as_bytes   whether it may have any length, as long as its byte count is that of its bytes

    prepare() sets these:

    head       how the response PDU is to begin
    head_size  how many bytes of `head` are compared
    size       how long the response PDU is to be, 0: it is not known
    """

    def __init__(self):
        self.slave_id = 0
        self.broadcast = False
        self.any_id = False
        self.strict = True
        self.any_size = False
        self.as_bytes = False
        self.head = bytearray(_HEAD)
        self.head_size = 1
        self.size = 0

    def prepare(self, adu, n):
        """Note what the response to the request PDU of n bytes at adu[7] is to be like."""
        head = self.head
        copy(head, 0, adu, _PDU, _HEAD)
        code = head[0]
        if self.any_size or self.as_bytes:
            self.size = 0
            self.head_size = 1
            return
        self.size = n if code in _ECHOED else reply_size(head)
        self.head_size = 1 + repeated_size(code)
        if 0 < code < 5 or code == _READ_WRITE:
            head[1] = self.size - 2 & 0xFF  # the byte count
            self.head_size = 2
        elif code == _READ_FILE:
            self._prepare_records(adu, n)
        elif code == _DIAGNOSTICS and not head[1] | head[2]:
            self.head_size = min(n, _HEAD)  # a loopback: all of it is repeated

    def _prepare_records(self, adu, n):
        """Note what the response to the request of FC 20 at adu[7] has to be like."""
        size = 2
        n += 5
        at = 12  # where the length of each record begins
        while at < n:
            size += (adu[at + 2] << 9) + 2 * adu[at + 3] + 2
            at += 7
        self.size = size
        self.head[1] = size - 2 & 0xFF
        self.head[2] = 1 + 2 * adu[15] & 0xFF  # the length of the first one, with its type
        self.head_size = 3

    def status(self, adu, n):
        """Compare the response PDU of n bytes at adu[7] with what is expected.

        Returns 0 if it answers the request, the exception code if it refuses it, ODD_REPLY if only
        the function code is right, or BAD_REPLY.
        """
        head = self.head
        if adu[7] != head[0]:
            return (adu[8] or BAD_REPLY) if n == 2 and adu[7] == head[0] | 0x80 else BAD_REPLY
        if not self.strict and head[0] in WRITES:  # the echo of a write has no other meaning
            return 0
        if self.as_bytes:
            return 0 if n > 1 and n == 2 + adu[8] else ODD_REPLY
        i = self.head_size
        if n < i or (self.size and n != self.size):
            return ODD_REPLY
        while i > 1:
            i -= 1
            if adu[_PDU + i] != head[i]:
                return ODD_REPLY
        return 0

    def mismatches(self, adu, at, n):
        """Return in how many of its first 3 bytes the frame adu[at:] is not the reply.

        n   how many of its bytes have come
        """
        head = self.head
        count = 0 if self.any_id or adu[at] == self.slave_id else 1
        if n > 1 and adu[at + 1] != head[0]:
            return count if adu[at + 1] == head[0] | 0x80 else count + 1
        if n > 2 and self.head_size > 1 and adu[at + 2] != head[1]:
            count += 1
        return count
