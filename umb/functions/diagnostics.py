"""Function codes 7, 8, 11 and 12: what a master can ask about a serial line (AP 6.7 to 6.10)."""

from micropython import const

from ..check import wrong


_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_VALUE = const(3)
_EVENTS = const(64)  # the most that function code 12 reports
_COLON = const(0x3A)  # begins an ASCII frame, so that it cannot end one

# Events (AP 6.10).
_RESTARTED = const(0x00)
_ENTERED_LISTEN_ONLY = const(0x04)
_SENT = const(0x40)
_RECEIVED = const(0x80)
_COMMUNICATION_ERROR = const(0x02)
_IN_LISTEN_ONLY = const(0x20)
_BROADCAST = const(0x40)
_SENT_EXCEPTION = b"\x00\x01\x01\x01\x02\x04\x04\x08"  # by exception code

# The counters of sub-functions 11 to 18 (AP 6.8), in their order.
COUNTERS = (
    "bus_message_count",
    "bus_communication_error_count",
    "bus_exception_error_count",
    "server_message_count",
    "server_no_response_count",
    "server_nak_count",
    "server_busy_count",
    "bus_character_overrun_count",
)


def _put_word(adu, at, value):
    adu[at] = value >> 8 & 0xFF
    adu[at + 1] = value & 0xFF


def _ascii_frame(link):
    """Return the frame of a Modbus ASCII line, None for any other link."""
    frame = getattr(getattr(link, "line", None), "frame", None)
    return frame if hasattr(frame, "delimiter") else None


class Diagnostics:
    """Function codes 7, 8, 11 and 12 for Server(functions=...).

    networks   True: answer them over networks, too. The specification has them on serial lines
               only

    exception_status is what function code 7 reports, 0..255; diagnostic_register is what function
    code 8 reports, 0..65535. A program sets them. The counters are those of each driver, see
    umb.server.Counters; the event log is this object's: the last 64 events of all lines of its
    server.
    """

    codes = b"\x07\x08\x0b\x0c"
    never_raises = True  # received() and sent(); for a subclass whose own may raise it is False

    def __init__(self, networks: bool = False):
        self.exception_status = 0
        self.diagnostic_register = 0
        if networks not in (False, True):
            raise wrong("networks", networks)
        self._networks = networks
        self._events = bytearray(_EVENTS)  # a ring; the newest event is before _next
        self._next = 0
        self._count = 0  # of events in the ring
        self._response_logged = False  # the response about to leave is in the log already

    def handle(self, adu, n, link) -> int:
        """Answer a request in place: the response's length, or minus an exception code."""
        code = adu[7]
        if not (link.serial or self._networks):
            return -_ILLEGAL_FUNCTION
        if code == 8:
            return self._diagnose(adu, n, link)
        if n != 1:
            return -_ILLEGAL_VALUE
        if code == 7:
            adu[8] = self.exception_status & 0xFF
            return 2
        if code == 11:
            return self._fetch_counter(adu, link.counters)
        return self._fetch_log(adu, link.counters)

    def _fetch_counter(self, adu, counters):
        """FC 11: status and event count (AP 6.9)."""
        _put_word(adu, 8, 0)  # status: no command is still being worked on
        _put_word(adu, 10, counters.event_count)
        counters.event_count -= 1  # the server counts this request, too, which is no event
        return 5

    def _fetch_log(self, adu, counters):
        """FC 12: status, event count, message count, and events, the newest first (AP 6.10)."""
        adu[8] = 6 + self._count
        _put_word(adu, 9, 0)
        _put_word(adu, 11, counters.event_count)
        _put_word(adu, 13, counters.bus_message_count)
        i = 0
        while i < self._count:
            adu[15 + i] = self._events[(self._next - 1 - i) % _EVENTS]
            i += 1
        return 8 + self._count

    def _diagnose(self, adu, n, link):
        """Answer FC 8. In listen-only mode a restart alone is done, and not answered."""
        sub_function = adu[8] << 8 | adu[9] if n > 2 else -1
        data = adu[10] << 8 | adu[11] if n == 5 else -1
        if sub_function == 1 and (data == 0 or data == 0xFF00):
            return self._restart(adu, data, link)
        if link.listen_only:
            return 0
        if n < 3:
            return -_ILLEGAL_VALUE
        if sub_function == 0:
            return n  # the response repeats the data, whatever they are
        if sub_function == 3:
            return self._set_delimiter(adu, n, link)
        if not (sub_function in (1, 2, 4, 10, 20) or 11 <= sub_function <= 18):
            return -_ILLEGAL_FUNCTION
        return self._report(adu, sub_function, link) if data == 0 else -_ILLEGAL_VALUE

    def _restart(self, adu, data, link):
        """Sub-function 1: restart the line, after the response has left; clear the counters."""
        n = 0
        if not link.listen_only:
            n = 5
            self.sent(adu, link)
            self._response_logged = True
        if data:
            self._count = 0
        self._add(_RESTARTED)
        self._clear_counters(link)
        link.listen_only = False
        return n

    @staticmethod
    def _set_delimiter(adu, n, link):
        """Sub-function 3: change what ends a frame of Modbus ASCII, after the response to this."""
        frame = _ascii_frame(link)
        if frame is None:
            return -_ILLEGAL_FUNCTION
        if adu[11] or n != 5 or adu[10] == _COLON:
            return -_ILLEGAL_VALUE
        frame.delimiter = adu[10]
        return 5

    def _report(self, adu, sub_function, link):
        """Sub-functions 2, 4, 10, 11 to 18 and 20: report or clear a value, or listen only."""
        counters = link.counters
        if sub_function == 2:
            _put_word(adu, 10, self.diagnostic_register)
        elif sub_function == 4:
            link.listen_only = True
            self._add(_ENTERED_LISTEN_ONLY)
            return 0
        elif sub_function == 10:
            self._clear_counters(link)
            self.diagnostic_register = 0
        elif sub_function == 20:
            counters.bus_character_overrun_count = 0
        else:
            value = getattr(counters, COUNTERS[sub_function - 11])
            _put_word(adu, 10, value)
        return 5

    @staticmethod
    def _clear_counters(link):
        """Clear the counters, so that they are 0 once the request at hand has been counted."""
        link.counters.clear()
        if not link.listen_only:
            link.counters.event_count = -1

    def _add(self, event):
        """Put an event into the ring."""
        self._events[self._next] = event
        self._next = (self._next + 1) % _EVENTS
        if self._count < _EVENTS:
            self._count += 1

    def received(self, adu, link):
        """Log a request for this server, and the communication errors before it."""
        if not (link.serial or self._networks):
            return
        counters = link.counters
        if counters.bus_communication_error_count != counters.logged_error_count:
            self._add_errors(counters)
        event = _RECEIVED
        if link.listen_only:
            event |= _IN_LISTEN_ONLY
        if adu[6] == 0 and link.serial:
            event |= _BROADCAST
        self._add(event)

    def _add_errors(self, counters):
        """Log the communication errors that are not in the log yet."""
        errors = counters.bus_communication_error_count - counters.logged_error_count & 0xFFFF
        errors = min(errors, _EVENTS)
        while errors:
            self._add(_RECEIVED | _COMMUNICATION_ERROR)
            errors -= 1
        counters.logged_error_count = counters.bus_communication_error_count

    def sent(self, adu, link):
        """Log the response at adu[7], which is about to leave."""
        if not (link.serial or self._networks):
            return
        if self._response_logged:
            self._response_logged = False
            return
        event = _SENT
        if adu[7] & 0x80 and adu[8] < len(_SENT_EXCEPTION):
            event |= _SENT_EXCEPTION[adu[8]]
        if link.listen_only:
            event |= _IN_LISTEN_ONLY
        self._add(event)
