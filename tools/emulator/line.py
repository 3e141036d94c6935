"""An RS-485 pair with emulated boards on it: what one sends, the others receive."""

from bisect import bisect_right

from .wire import Char


class Station:
    """One UART of a board, with a transceiver that the direction pin `de` switches.

    The receiver is off while the driver is on, unless `echo`: then it receives its own frames.
    Without a direction pin (`de=None`) the driver is always on.
    """

    def __init__(self, pico, uart=0, de=2, echo=False):
        self.pico, self.uart, self.echo = pico, pico.uarts[uart], echo
        self.de = None if de is None else pico.trace(de)
        self.skew_ns = 0.0  # the board's clock minus the line's
        self.line = None
        self.sending = None  # the last character whose start bit it sent

    @property
    def driving(self):
        return self.de is None or self.de.level == 1

    def connect(self, line, skew_ns):
        """Connect to this line, and disconnect from the one before."""
        self.line, self.skew_ns = line, skew_ns
        self.uart.unplug()
        self.uart.on_start = self._sends
        self.uart.deaf = None if self.echo or self.de is None else lambda: self.driving
        if self.de is not None:
            self.de.on_change = self._switches

    def receive(self, char, errors=0):
        """Receive a character from the line, at its times there."""
        start_ns, end_ns, byte = char
        self.uart.receive(Char(start_ns + self.skew_ns, end_ns + self.skew_ns, byte), errors)

    def edges(self, level, since_ns=0.0):
        """The times on the line at which the direction pin went to `level`."""
        edges = self.de.edges(level, since_ns + self.skew_ns)
        return [ns - self.skew_ns for ns in edges]

    def _sends(self, char):
        start_ns, end_ns, byte = char
        char = self.sending = Char(start_ns - self.skew_ns, end_ns - self.skew_ns, byte)
        if self.driving:
            self.line.carry(char, self)
        else:
            self.line.damaged.append(char)

    def _switches(self, ns, level):
        self.line.switched(self, ns - self.skew_ns, level)


class Line:
    """The pair and the time on it, which is the first board's time.

    `chars` holds (Char, station) in the order of the start bits, the station None for what the
    bench itself put on.  `damaged` holds the characters whose sender's driver was off at some
    time while they were sent, and those that collided: no receiver gets these right.
    """

    def __init__(self, form, *stations):
        self.form, self.stations = form, stations
        self.chars, self.damaged = [], []
        self.on_char = None  # on_char(char, station)
        self.on_switch = None  # on_switch(ns, level, station)
        self._picos = []
        first = stations[0].pico
        for station in stations:
            skew_ns = station.pico.now - first.now
            station.connect(self, skew_ns)
            if (station.pico, skew_ns) not in self._picos:
                self._picos.append((station.pico, skew_ns))
        self._halted = False
        # A character is received a little later than this after its start bit.  Boards that
        # take turns in steps of this never miss one.
        self._step_ns = (form.char_bits - form.stop) * form.bit_ns

    # -- time

    @property
    def now(self):
        return self._picos[0][0].now

    def run_until(self, ns):
        """Let all boards run until `ns`; true if halt() ended it before."""
        self._halted = False
        alone = len(self._picos) == 1
        while not self._halted and self.now < ns:
            step_ns = ns if alone else min(ns, self.now + self._step_ns)
            for pico, skew_ns in self._picos:
                while pico.run_until(step_ns + skew_ns) and not (alone and self._halted):
                    pass  # halted by its console, which does not concern the line
        return self._halted

    def run_for(self, ns):
        """Let all boards run for `ns` more; true if halt() ended it before."""
        return self.run_until(self.now + ns)

    def halt(self):
        """End run_until(): at once with one board on the line, else within a character's time."""
        self._halted = True
        if len(self._picos) == 1:
            self._picos[0][0].halt()

    @property
    def free_ns(self):
        """From when on a new frame may begin: now, or t3.5 after what was sent last."""
        if not self.chars:
            return self.now
        return max(self.now, self.chars[-1][0].end_ns + self.form.t35_ns)

    # -- characters

    def put(self, data, at_ns=None, pauses=None, errors=None):
        """Send `data` from outside all boards, from `at_ns` on; returns its (start, end).

        pauses: {index: ns of silence before that byte}; errors: {index: FRAMING, PARITY, BREAK}.
        """
        start_ns = at = self.free_ns if at_ns is None else at_ns
        for index, byte in enumerate(data):
            at += (pauses or {}).get(index, 0)
            char = Char(at, at + self.form.char_ns, byte)
            self.carry(char, None, (errors or {}).get(index, 0))
            at = char.end_ns
        return start_ns, at

    def carry(self, char, source, errors=0):
        """Put a character on the pair: every station but its source receives it."""
        at = bisect_right(self.chars, char.start_ns, key=lambda entry: entry[0].start_ns)
        for other, _ in self.chars[max(at - 1, 0) : at + 1]:
            if other.end_ns > char.start_ns + 1 and other.start_ns + 1 < char.end_ns:
                self.damaged += [other, char]
        self.chars.insert(at, (char, source))
        for station in self.stations:
            if station is not source or station.echo:
                station.receive(char, errors)
        if self.on_char:
            self.on_char(char, source)

    def switched(self, station, ns, level):
        """A station's direction pin has changed."""
        if level != 1 and station.sending and station.sending.end_ns > ns:
            self.damaged.append(station.sending)
        if self.on_switch:
            self.on_switch(ns, level, station)
