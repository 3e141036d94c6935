"""The master on a line: sends requests at exact times and measures the replies."""

from dataclasses import dataclass, field

from .wire import MS, US, reply_length

_TIMEOUT_NS = 50 * MS


@dataclass
class Exchange:
    """A request and its reply; times in ns on the line, measures in microseconds."""

    request: bytes
    t35_ns: float
    start_ns: float = 0.0
    end_ns: float = 0.0
    chars: list = field(default_factory=list)
    station: object = None

    @property
    def reply(self):
        return bytes(char.byte for char in self.chars)

    @property
    def complete(self):
        return len(self.chars) == reply_length(self.reply)

    @property
    def late_us(self):
        """How long after t3.5 the reply began."""
        return (self.chars[0].start_ns - self.end_ns - self.t35_ns) / US

    @property
    def lead_us(self):
        """How long before the first start bit the direction pin rose."""
        return (self.chars[0].start_ns - self._edge(1)) / US

    @property
    def release_us(self):
        """How long after the last stop bit the direction pin fell."""
        return (self._edge(0) - self.chars[-1].end_ns) / US

    def _edge(self, level):
        """The direction pin's rise after the request, or its fall after that."""
        rises = self.station.edges(1, self.end_ns)
        if not rises:
            raise AssertionError("the direction pin did not rise")
        if level:
            return rises[0]
        falls = self.station.edges(0, rises[0])
        if not falls:
            raise AssertionError("the direction pin did not fall")
        return falls[0]


def efficiency(exchanges, form):
    """Return ideal over measured time of exchanges back to back.

    The ideal is the time of the characters of both frames, and a t3.5 after each frame.
    """
    chars = sum(len(exchange.request) + len(exchange.chars) for exchange in exchanges)
    ideal_ns = chars * form.char_ns + 2 * len(exchanges) * form.t35_ns
    last_ns = exchanges[-1].chars[-1].end_ns + form.t35_ns
    return ideal_ns / (last_ns - exchanges[0].start_ns)


class Master:
    """Sends requests to the stations of `line`, one at a time."""

    def __init__(self, line):
        self.line = line
        self._exchange = None
        line.on_char = self._received
        line.on_switch = lambda _ns, level, _station: level or line.halt()

    def ask(self, request, at_ns=None, timeout_ns=_TIMEOUT_NS, pauses=None):
        """Send a request and wait for the reply and the direction pin's fall.

        Without `at_ns` it begins t3.5 after the last character.  Characters that do not follow
        each other within `timeout_ns` are missing from the Exchange.
        """
        exchange = self._ask(request, at_ns, timeout_ns, pauses)
        if exchange.complete:
            self._await_release(exchange)
        return exchange

    def ask_all(self, requests, timeout_ns=_TIMEOUT_NS):
        """Ask back to back, each request t3.5 after the reply before; stops at one unanswered."""
        exchanges = []
        for request in requests:
            exchanges.append(self._ask(request, None, timeout_ns))
            if not exchanges[-1].complete:
                return exchanges
        self._await_release(exchanges[-1])
        return exchanges

    def _ask(self, request, at_ns, timeout_ns, pauses=None):
        exchange = self._exchange = Exchange(request, self.line.form.t35_ns)
        exchange.start_ns, exchange.end_ns = self.line.put(request, at_ns, pauses)
        while not exchange.complete:
            last_ns = exchange.chars[-1].end_ns if exchange.chars else exchange.end_ns
            if self.line.now >= last_ns + timeout_ns:
                break
            self.line.run_until(last_ns + timeout_ns)
        return exchange

    def _await_release(self, exchange):
        """Wait until the direction pin has fallen, t3.5 at most."""
        limit_ns = exchange.chars[-1].end_ns + exchange.t35_ns
        while exchange.station.driving and self.line.run_until(limit_ns):
            pass

    def _received(self, char, station):
        exchange = self._exchange
        if station and exchange and char.start_ns >= exchange.end_ns:
            exchange.chars.append(char)
            exchange.station = station
            if exchange.complete:
                self.line.halt()
