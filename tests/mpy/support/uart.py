"""A clock of its own, and a UART and pins that live by it.

Import this before anything of umb: it stands in for the modules time and sys. Times inside are
whole nanoseconds since the clock's start; nothing here allocates while it runs.
"""

import sys
from array import array

from micropython import const

_TICKS_PERIOD = const(1 << 30)  # where most boards' ticks wrap
_TICKS_HALF = const(1 << 29)
_NEVER_NS = const(1 << 60)
_ROOM = const(4096)  # characters and edges that are kept
_ZEROS = bytes(8 * _ROOM)  # making these anew for each trace takes longer than many a test


class Clock:
    """Stands for the module time: every look at it takes step_us.

    limit_ns     a look later than that fails: whoever waits, waits too long
    interrupts   see support.interrupts: told of every look
    """

    def __init__(self):
        self.interrupts = None  # an attribute of the class would take longer to find
        # `from time import ticks_us` finds no methods of an instance in MicroPython before 1.27.
        for name in ("ticks_us", "ticks_ms", "ticks_add", "ticks_diff", "sleep_us", "sleep_ms"):
            setattr(self, name, getattr(self, name))
        self.reset()

    def reset(self, until_wrap_us=50_000, step_us=1, until_wrap_ms=_TICKS_PERIOD):
        """Begin anew; ticks_us and ticks_ms wrap around so much later."""
        self.now_ns = 0
        self.step_ns = step_us * 1000
        self._ahead_us = _TICKS_PERIOD - until_wrap_us
        self._ahead_ms = _TICKS_PERIOD - until_wrap_ms
        self.limit_ns = _NEVER_NS

    def now_us(self):
        return self.now_ns // 1000

    def _waits_too_long(self):
        self.limit_ns = _NEVER_NS
        raise AssertionError("it waits too long")

    def ticks_us(self):
        # Programs that wait call this all the time, and ticks_ms(): each attribute counts.
        self.now_ns = now_ns = self.now_ns + self.step_ns
        if self.interrupts is not None:
            self.interrupts.check()
            now_ns = self.now_ns
        if now_ns > self.limit_ns:
            self._waits_too_long()
        return now_ns // 1000 + self._ahead_us & _TICKS_PERIOD - 1

    def ticks_ms(self):
        self.now_ns = now_ns = self.now_ns + self.step_ns
        if now_ns > self.limit_ns:
            self._waits_too_long()
        return now_ns // 1_000_000 + self._ahead_ms & _TICKS_PERIOD - 1

    def ticks_add(self, ticks, delta):
        return ticks + delta & _TICKS_PERIOD - 1

    def ticks_diff(self, later, earlier):
        return (later - earlier + _TICKS_HALF & _TICKS_PERIOD - 1) - _TICKS_HALF

    def sleep_us(self, n):
        self.now_ns += n * 1000

    def sleep_ms(self, n):
        self.now_ns += n * 1_000_000


clock = Clock()
sys.modules["time"] = clock


class System:
    """Stands for the module sys: on another platform, if need be."""

    platform = sys.platform

    def __getattr__(self, name):
        return getattr(sys, name)


system = System()
sys.modules["sys"] = system


class Trace:
    """What happened when: small numbers with a time each."""

    def __init__(self):
        self.times_ns = array("l", _ZEROS)  # "q" would allocate
        self.values = bytearray(_ROOM)
        self.n = 0

    def add(self, time_ns, value):
        n = self.n
        assert n < _ROOM, "it does not stop"
        self.times_ns[n] = time_ns
        self.values[n] = value
        self.n = n + 1

    def clear(self):
        self.n = 0


class _Incoming:
    """Characters on their way to a receiver, in the order of the times they are seen at."""

    def __init__(self):
        self._trace = Trace()
        self._next = 0
        self.next_ns = _NEVER_NS

    def add(self, time_ns, byte):
        trace = self._trace
        if self.next_ns == _NEVER_NS:
            self._next = 0
            trace.clear()
            self.next_ns = time_ns
        assert trace.n == 0 or trace.times_ns[trace.n - 1] <= time_ns, "two at a time"
        trace.add(time_ns, byte)

    def take(self):
        i, trace = self._next, self._trace
        self._next = i + 1
        self.next_ns = trace.times_ns[i + 1] if i + 1 < trace.n else _NEVER_NS
        return trace.values[i]

    def move(self, n, time_ns):
        """The last n, which nobody has taken yet, are seen at that time instead."""
        trace = self._trace
        for i in range(trace.n - n, trace.n):
            trace.times_ns[i] = time_ns
        if self._next >= trace.n - n:
            self.next_ns = time_ns


class _Fifo(_Incoming):
    """The same behind a FIFO that tells of characters when it holds 16, or after two idle ones."""

    def __init__(self, char_ns):
        super().__init__()
        self._char_ns = char_ns
        self._held = 0  # and nobody knows of them yet
        self._idle_ns = 0  # when two idle characters will have passed

    def add(self, time_ns, byte):
        """Here it is the end of the character."""
        if time_ns - self._char_ns >= self._idle_ns:
            self._held = 0
        self._idle_ns = time_ns + 2 * self._char_ns
        super().add(self._idle_ns, byte)
        self._held += 1
        if self._held < 16:
            self.move(self._held, self._idle_ns)
        else:
            self.move(16, time_ns)
            self._held = 0


class UART:
    """machine.UART as one port or another has it, and the wire behind it.

    txdone  "exact"; "early": true when the last character begins; "true": always; None: missing
    write   "free": whatever the transmit ring takes; "blocks" till the last stop bit has left;
            "fits": blocks until the rest is in the transmit ring
    irq     whether it has that method
    any_    "counts", or "flag": only 0 or 1
    lump    "": every character is seen at once; "fifo": after 16 or two idle characters; a number
            of us: at multiples of that only
    sampled characters are seen in the middle of their first stop bit, as receivers take them
    echo    it hears what it sends
    exact_times   False: like umb.port.tty, nothing tells when a frame has left
    cost_us what a call takes; write() takes three times as much before the first start bit
    """

    def __init__(
        self,
        baudrate,
        bits=8,
        parity=None,
        stop=1,
        *,
        txdone="exact",
        write="free",
        irq=True,
        any_="counts",
        lump="",
        sampled=False,
        echo=False,
        exact_times=True,
        cost_us=1,
        ring=512,
        transmit_ring=512,
    ):
        self._bit_times = 1 + bits + (parity is not None) + stop
        self._baudrate = baudrate
        self._early_ns = (2 * stop - 1) * 500_000_000 // baudrate if sampled else 0
        self.char_ns = self.chars_ns(1)
        self._txdone, self._write_way, self._flag = txdone, write, any_ == "flag"
        if txdone is not None:
            self.txdone = self._is_txdone
        if irq:
            self.irq = None
        self.exact_times = exact_times
        self._echo = echo
        self._step_ns = 0 if lump in ("", "fifo") else lump * 1000
        self._cost_ns = cost_us * 1000
        ways = [_Fifo(self.char_ns) if lump == "fifo" else _Incoming() for _ in range(2)]
        self._line, self._own = ways
        self._ring, self._first, self._count, self._promised = bytearray(ring), 0, 0, 0
        self.lost = 0
        self._transmit_ring = transmit_ring
        self._run_ns = self._run = 0  # when an unbroken row of characters began, how many
        self._end_ns = 0  # and when it ends
        self.sent = Trace()  # each character by its start bit
        self.fail_in = None  # the method that raises,
        self.fail_after = 0  # how many calls of it go well before,
        self.error = OSError  # and what
        self.open = True

    def chars_ns(self, n):
        """How long n characters take."""
        return n * self._bit_times * 1_000_000_000 // self._baudrate

    # the far side of the wire

    def hear(self, at_us, data):
        """Let data come, its first start bit at at_us. Returns when its last stop bit ends."""
        line, begin_ns = self._line, at_us * 1000
        for i in range(len(data)):
            line.add(self._seen_ns(begin_ns, i), data[i])
        return at_us + (self.chars_ns(len(data)) + 999) // 1000

    def _seen_ns(self, begin_ns, i):
        """When character i is seen, the first of them beginning then; a FIFO sees its end."""
        seen_ns = begin_ns + self.chars_ns(i + 1) - self._early_ns
        return seen_ns + -seen_ns % self._step_ns if self._step_ns else seen_ns

    def end_ns(self):
        """When the last stop bit of what write() has taken leaves."""
        return self._end_ns

    # machine.UART

    def any(self):
        # Programs that wait call this all the time: what is in line here saves seconds.
        clock.now_ns = now_ns = clock.now_ns + self._cost_ns
        if self.fail_in is not None:
            self._fail_in("any")
        if self._line.next_ns <= now_ns:
            self._receive(self._line)
        if self._own.next_ns <= now_ns:
            self._receive(self._own)
        n = self._count
        if n and self._flag:
            n = 1
        self._promised = n
        return n

    def readinto(self, buf, n):
        self._spend("readinto")
        assert 0 < n <= self._promised, "readinto(%d) after any() of %d" % (n, self._promised)
        ring, first = self._ring, self._first
        room = len(ring)
        for i in range(n):
            buf[i] = ring[(first + i) % room]
        self._first = (first + n) % room
        self._count -= n
        self._promised -= n
        return n

    def write(self, buf, at, n):
        self._spend("write", 3)
        if clock.now_ns >= self._end_ns:
            self._run_ns = self._end_ns = clock.now_ns
            self._run = 0
        if self._write_way == "free":
            n = min(n, self._free())
        first_ns = self._end_ns
        for i in range(n):
            self.sent.add(self._end_ns, buf[at + i])
            self._run += 1
            self._end_ns = self._run_ns + self.chars_ns(self._run)
            if self._echo:
                self._own.add(self._seen_ns(first_ns, i), buf[at + i])
        room = 0 if self._write_way == "blocks" else self._transmit_ring
        clock.now_ns = max(clock.now_ns, self._end_ns - room * self.char_ns)
        return n or None

    def _is_txdone(self):
        self._spend("txdone")
        early_ns = self.char_ns if self._txdone == "early" else 0
        return self._txdone == "true" or clock.now_ns >= self._end_ns - early_ns

    def deinit(self):
        self.open = False

    def _free(self):
        waiting_ns = max(0, self._end_ns - clock.now_ns)
        return self._transmit_ring - waiting_ns // self.char_ns

    def _spend(self, method, times=1):
        clock.now_ns += times * self._cost_ns
        self._fail_in(method)

    def _fail_in(self, method):
        if self.fail_in == method:
            if self.fail_after:
                self.fail_after -= 1
                return
            self.fail_in = None
            raise self.error(5)

    def _receive(self, incoming):
        now_ns, ring, count = clock.now_ns, self._ring, self._count
        room = len(ring)
        while incoming.next_ns <= now_ns:
            byte = incoming.take()
            if count < room:
                ring[(self._first + count) % room] = byte
                count += 1
            else:
                self.lost += 1
        self._count = count


class Output:
    """A direction pin as a function has it; `trace` has every level with its time."""

    def __init__(self):
        self.trace = Trace()

    def __call__(self, level):
        self.trace.add(clock.now_ns, level)

    def level(self):
        return self.trace.values[self.trace.n - 1]


class Pin(Output):
    """A direction pin as machine has it."""

    IN, OUT = 0, 1

    def __init__(self, number=None, mode=IN, value=None):
        super().__init__()
        self.number = number
        self.init(mode, value)

    def init(self, mode, value=None):
        self.mode = mode
        if value is not None:
            self(value)
