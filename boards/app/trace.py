"""Trace: a line for each transaction. Loaded if the setting "log" is "all".

What is printed is kept until the Keeper is due. Both take memory.
"""

from time import ticks_diff, ticks_ms, ticks_us

from micropython import const

from umb.frame import ADU_SIZE

_LATER = const(-1)  # LATER of umb.server
_PENDING = const(-1)  # PENDING of umb.client
_PDU = const(7)  # where in a buffer the PDU begins
_MOST_KEPT = const(40)
_MOST_VALUES = const(8)  # of a transaction
_NAMES = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
    5: "write coil",
    6: "write register",
    15: "write coils",
    16: "write registers",
    22: "mask register",
    23: "read and write registers",
}


class Trace:
    """Keeps transactions, and prints them with say(text).

    A line has the time in seconds since the start, who has asked, the slave id, what was asked,
    what came of it, and how long that took.
    """

    def __init__(self, say):
        self._say = say
        self._begin_ms = ticks_ms()
        self._kept = []
        self._left_out = 0

    def keep(self, who, request, response, us):
        """Keep a transaction: the bytes of its slave id and PDUs; b"" for no answer."""
        if len(self._kept) == _MOST_KEPT:
            self._left_out += 1
        else:
            at_ms = ticks_diff(ticks_ms(), self._begin_ms)
            self._kept.append((at_ms, who, request, response, us))

    def print(self):
        """Print all that were kept."""
        kept = self._kept
        if not kept:
            return
        self._kept = []
        for at_ms, who, request, response, us in kept:
            text = "{:4d}.{:03d}  {}  id {}  {}  {}  {}.{:02d} ms"
            self._say(
                text.format(
                    at_ms // 1000,
                    at_ms % 1000,
                    who,
                    request[0],
                    asked(request),
                    answered(request, response),
                    us // 1000,
                    us // 10 % 100,
                )
            )
        if self._left_out:
            self._say("  {} more were left out".format(self._left_out))
            self._left_out = 0


class TracedHandler:
    """Stands before a Server or Gateway, and has a Trace keep all that it answers."""

    def __init__(self, handler, trace):
        self._handler = handler
        self._trace = trace
        self._links = {}  # link: the _Link in its place
        self.serves = handler.serves
        self.route = handler.route
        self.stores = getattr(handler, "stores", {})  # see umb.panel.areas
        if hasattr(handler, "report"):
            self.report = handler.report
        if hasattr(handler, "poll"):  # a Gateway: it is a driver that is run along
            self.lines = handler.lines
            self.poll = handler.poll
            self.nap_ms = handler.nap_ms
            self.watch = handler.watch
            self.finish = handler.finish

    def handle(self, adu, n, link):
        """Answer a request, see umb.server.Server.handle()."""
        if link not in self._links:
            self._links[link] = _Link(link, self._trace)
        traced = self._links[link]
        traced.begin(adu, n)
        n = self._handler.handle(adu, n, traced)
        if n != _LATER:
            traced.keep(n)
        return n


class _Link:
    """A link, whose requests a Trace keeps."""

    def __init__(self, link, trace):
        self._link = link
        self._trace = trace
        self.serial = link.serial
        self.counters = link.counters
        self._adu = None
        self._request = b""
        self._begin_us = 0

    @property
    def peer(self):
        return self._link.peer

    @property
    def gone(self):
        return self._link.gone

    @property
    def listen_only(self):
        return self._link.listen_only

    @listen_only.setter
    def listen_only(self, value):
        self._link.listen_only = value

    def begin(self, adu, n):
        self._adu = adu
        self._request = bytes(adu[6 : 7 + n])
        self._begin_us = ticks_us()

    def keep(self, n):
        peer = self._link.peer
        who = "serial" if peer is None else "{}:{}".format(*peer)
        us = ticks_diff(ticks_us(), self._begin_us)
        self._trace.keep(who, self._request, bytes(self._adu[7 : 7 + n]), us)

    def answer(self, n):
        self.keep(n)
        self._link.answer(n)


def asked(request):
    """Return what a request asks for, as a text; request: its slave id and PDU."""
    code = request[1]
    if code not in _NAMES or len(request) < 6:
        return "FC {}".format(code)
    what = "{} {}".format(_NAMES[code], word(request, 2))
    last = word(request, 4)
    if code == 5:
        return "{} = {}".format(what, 1 if last else 0)
    if code == 6:
        return "{} = {}".format(what, last)
    if len(request) > 7:
        if code == 15:
            return "{} = {}".format(what, bits(request, 7, last))
        if code == 16:
            return "{} = {}".format(what, words(request, 7))
        if code == 22:
            return "{} and {:#x} or {:#x}".format(what, last, word(request, 6))
        if code == 23:
            return "{} x {}, {} = {}".format(what, last, word(request, 6), words(request, 11))
    return "{} x {}".format(what, last)


def answered(request, response):
    """Return what a request was answered with, as a text; b"" for nothing."""
    code = request[1]
    if not response:
        return "no answer"
    if response[0] & 0x80:
        return "exception {}".format(response[1])
    if code in (1, 2):
        return "-> " + bits(response, 2, word(request, 4))
    if code in (3, 4, 23):
        return "-> " + words(response, 2)
    return "ok"


def word(data, at):
    return data[at] << 8 | data[at + 1]


def words(data, at):
    """Return the first words of data[at:] as a text."""
    values = [str(word(data, i)) for i in range(at, len(data) - 1, 2)]
    return shortened(values)


def bits(data, at, quantity):
    """Return the first of so many bits of data[at:] as a text."""
    quantity = min(quantity, 8 * (len(data) - at))
    return shortened([str(data[at + (i >> 3)] >> (i & 7) & 1) for i in range(quantity)])


def shortened(values):
    text = " ".join(values[:_MOST_VALUES])
    return text + " ..." if len(values) > _MOST_VALUES else text


def trace_client(client, who, trace):
    """Have a Trace keep what a Poller asks through this client.

    It takes the place of the two calls that a Poller uses.
    """
    begin, go_on = client.begin, client.go_on
    data = bytearray(ADU_SIZE)
    begin_us = 0

    def traced_begin(request):
        nonlocal begin_us
        begin_us = ticks_us()
        return ended(request, begin(request))

    def traced_go_on(request, wait):
        return ended(request, go_on(request, wait))

    def ended(request, status):
        if status != _PENDING:
            us = ticks_diff(ticks_us(), begin_us)
            trace.keep(who, _request(request), _response(client, request, status, data), us)
        return status

    client.begin = traced_begin
    client.go_on = traced_go_on


def _request(request):
    """Return slave id and PDU of a client's Request, without the values of long writes."""
    code, last = request.function_code, request.quantity
    if code in (5, 6) and isinstance(request.values, int):
        last = request.values & 0xFFFF
    address = request.address
    return bytes((request.slave_id, code, address >> 8, address & 0xFF, last >> 8, last & 0xFF))


def _response(client, request, status, data):
    """Return the response PDU that this status stands for; b"" for none."""
    if status:
        return bytes((request.function_code | 0x80, status)) if status > 0 else b""
    client.copy_response(data)
    return bytes(data[_PDU : _PDU + client.response_size()])
