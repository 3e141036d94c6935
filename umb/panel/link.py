"""PageLink: where the request PDUs of a Panel come from, as a handler sees it."""

import asyncio

from micropython import const

from ..frame import ADU_SIZE
from ..server import LATER, Counters

_PDU = const(7)
# Function codes that only read. All others need a session, but for what changes() says.
_READS = b"\x01\x02\x03\x04\x07\x0b\x0c\x11\x14\x18"
_DIAGNOSTICS = const(8)
_IDENTIFICATION = const(43)
_READS_IDENTITY = const(14)  # the type of an encapsulated request that reads (AP 6.21)
_LOOK_MS = const(2)  # how often an answer that comes later is looked for


class PageLink:
    """The browsers, as one network client of a handler.

    handler   a Server, a Gateway or whatever has handle(adu, n, link)
    """

    serial = False
    gone = False

    def __init__(self, handler):
        self.peer = None
        self.counters = Counters()
        self.listen_only = False
        self._handler = handler
        self._adu = bytearray(ADU_SIZE)
        self._lock = asyncio.Lock()  # one request at a time is in the buffer
        self._size = LATER  # of the response PDU

    async def ask(self, body, peer=None):
        """Have the handler answer a request. Returns the response PDU, b"" if there is none.

        body   the slave id and the request PDU, 2 to 254 bytes
        peer   (host, port) of who asks
        """
        async with self._lock:
            adu = self._adu
            n = len(body) - 1
            adu[_PDU - 1 : _PDU + n] = body
            self.peer = peer
            self._size = LATER
            counters = self.counters
            counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
            n = self._handler.handle(adu, n, self)
            while n == LATER:
                await asyncio.sleep_ms(_LOOK_MS)
                n = self._size
            return bytes(adu[_PDU : _PDU + n])

    def answer(self, n):
        """Take the response of n bytes of a handler that has returned LATER."""
        self._size = n


def changes(body):
    """Return whether a request, slave id and PDU, may change something.

    Of function code 8 it is all but the echo and the counters (AP 6.8), of function code 43 all
    but the identification: CANopen's requests, which a gateway passes on, can write.
    """
    code = body[1] if len(body) > 1 else 0
    if code == _DIAGNOSTICS:
        reads = len(body) > 3 and body[2] == 0 and (body[3] == 0 or 11 <= body[3] <= 18)
    elif code == _IDENTIFICATION:
        reads = len(body) > 2 and body[2] == _READS_IDENTITY
    else:
        reads = code in _READS or len(body) < 2
    return not reads
