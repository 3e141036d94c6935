"""Function codes 7, 8, 11 and 12: what a master can ask about a serial line (AP 6.7-6.10).

Optional: a Server takes it when it is first asked one of them, or at once with serial_codes=True.
The event log begins then, the counters are the driver's and began with it.
"""

from micropython import const

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_VALUE = const(3)
_EVENTS = const(64)
_COLON = const(0x3A)  # begins an ASCII frame: it cannot end one

_BUS_MESSAGES = const(0)  # where in Driver.counts, see umb.counters
_ERRORS = const(1)
_EXCEPTIONS = const(2)
_MESSAGES = const(3)
_OVERRUNS = const(7)
_LOG = const(8)
_RESTARTED = const(0x00)  # events (AP 6.10)
_LISTENS_ONLY = const(0x04)
_SENT = const(0x40)
_RECEIVED = const(0x80)
_COMMUNICATION_ERROR = const(0x02)
_IN_LISTEN_ONLY = const(0x20)
_BROADCAST = const(0x40)


def _word(adu, at, value):
    adu[at] = value >> 8 & 0xFF
    adu[at + 1] = value & 0xFF


def _ascii(link):
    """The frame of a line of Modbus ASCII, None of any other."""
    frame = getattr(getattr(link, "line", None), "frame", None)
    return frame if hasattr(frame, "delimiter") else None


class EventLog:
    """The last 64 events of a line, as FC 12 reports them."""

    def __init__(self, counts):
        self._counts = counts
        self._errors = counts[_ERRORS]
        self._events = bytearray(_EVENTS)  # a ring, the newest before _at
        self._at = 0
        self._has_sent = False  # the response that is about to leave is in it already
        self.count = 0
        self.fetches = 0  # how often FC 11 was asked

    def clear_counters(self):
        """Clear the driver's counters, and what is derived from them."""
        for i in range(_LOG):
            self._counts[i] = 0
        self._errors = self.fetches = 0

    def add(self, event):
        self._events[self._at] = event
        self._at = (self._at + 1) % _EVENTS
        self.count = min(self.count + 1, _EVENTS)

    def received(self, link, broadcast):
        """A request for this server came; and before it, perhaps, what was none."""
        errors = self._counts[_ERRORS]
        for _ in range(min(errors - self._errors & 0xFFFF, _EVENTS)):
            self.add(_RECEIVED | _COMMUNICATION_ERROR)
        self._errors = errors
        event = _RECEIVED | (_IN_LISTEN_ONLY if link.listen_only else 0)
        self.add(event | (_BROADCAST if broadcast else 0))

    def sent(self, link, adu):
        """The response at adu[7] is about to leave."""
        if self._has_sent:
            self._has_sent = False
            return
        code = adu[8] if adu[7] & 0x80 else 0
        event = b"\x00\x01\x01\x01\x02\x04\x04\x08"[code] if code < 8 else 0
        self.add(_SENT | event | (_IN_LISTEN_ONLY if link.listen_only else 0))

    def restarted(self, link, adu, clears):
        """The line is restarted, once the response to that has left if there is one (AP 6.8)."""
        if not link.listen_only:
            self.sent(link, adu)
            self._has_sent = True
        if clears:
            self.count = 0
        self.add(_RESTARTED)

    def get(self, adu, at):
        """Put the events into adu[at:], the newest first."""
        for i in range(self.count):
            adu[at + i] = self._events[(self._at - 1 - i) % _EVENTS]


class Diagnostics:
    """Answers for a Server, which has exception_status and diagnostic_register."""

    def __init__(self, server):
        self._server = server

    def handle(self, adu, n, link):
        """Answer FC 7, 8, 11 or 12 in place: the response's length, or minus an exception code."""
        code = adu[7]
        counts = link.counts
        if counts[_LOG] is None:
            counts[_LOG] = EventLog(counts)
            counts[_LOG].received(link, False)  # this very request
        if code == 8:
            return self._diagnose(adu, n, link)
        if n != 1:
            return -_ILLEGAL_VALUE
        if code == 7:
            adu[8] = self._server.exception_status & 0xFF
            return 2
        log = counts[_LOG]
        at = 8 if code == 11 else 9
        _word(adu, at, 0)  # status: nothing is being worked on
        # What was done with success before this, but for the fetching of this counter (AP 6.9).
        events = counts[_MESSAGES] - 1 - counts[_EXCEPTIONS]
        _word(adu, at + 2, events - log.fetches)
        if code == 11:
            log.fetches += 1
            return 5
        adu[8] = 6 + log.count
        _word(adu, 13, counts[_BUS_MESSAGES])
        log.get(adu, 15)
        return 8 + log.count

    def _diagnose(self, adu, n, link):
        """FC 8. In listen-only mode a restart is all that is heard, and it is not answered."""
        sub_function = adu[8] << 8 | adu[9] if n > 2 else -1
        data = adu[10] << 8 | adu[11] if n == 5 else -1
        if sub_function == 1 and (data == 0 or data == 0xFF00):
            return self._restart(adu, data, link)
        if link.listen_only:
            return 0
        if n < 3:
            return -_ILLEGAL_VALUE
        if sub_function == 0:
            return n  # whatever the data are, they go back
        frame = _ascii(link) if sub_function == 3 else None
        if frame is not None:
            if adu[11] or n != 5 or adu[10] == _COLON:
                return -_ILLEGAL_VALUE
            frame.delimiter = adu[10]
            return 5
        if not (sub_function in (1, 2, 4, 10, 20) or 11 <= sub_function <= 18):
            return -_ILLEGAL_FUNCTION
        return self._report(adu, sub_function, link) if data == 0 else -_ILLEGAL_VALUE

    @staticmethod
    def _restart(adu, data, link):
        """Sub-function 1: the response has left before, and is not counted either."""
        log = link.counts[_LOG]
        n = 0 if link.listen_only else 5
        log.restarted(link, adu, data)
        log.clear_counters()
        link.listen_only = False
        return n

    def _report(self, adu, sub_function, link):
        """Sub-functions 2, 4, 10, 11 to 18 and 20: what the server knows, or forgets."""
        counts = link.counts
        if sub_function == 2:
            _word(adu, 10, self._server.diagnostic_register)
        elif sub_function == 4:
            link.listen_only = True
            counts[_LOG].add(_LISTENS_ONLY)
            return 0
        elif sub_function == 10:
            counts[_LOG].clear_counters()
            self._server.diagnostic_register = 0
        elif sub_function == 20:
            counts[_OVERRUNS] = 0
        else:
            _word(adu, 10, counts[sub_function - 11])
        return 5
