"""Interrupts by the clock of support.uart: a UART's own event, timers, and the scheduler.

Import this before anything of umb: it stands in for what `machine` and `micropython` have of it.
A hard handler runs as soon as its time has come, whatever runs then; a soft one when the main
program gives way: see Interrupts.run(). Both run with the heap locked: they cannot allocate.
"""

import sys

import micropython
from support.machine import machine
from support.rtu import Bench
from support.uart import UART, Output, Trace, clock, system

from umb.frozen import frozen

_NEVER_NS = 1 << 60
_MS = 1_000_000


class Interrupts:
    """What may interrupt: sources with next_ns, when they do, and fire()."""

    def __init__(self):
        self.depth = 8  # of the scheduler's queue
        self.lock = True  # soft handlers run with the heap locked, too
        self.reset()

    def reset(self):
        self.sources = []
        self.queue = [None] * 16
        self.queued = 0
        self.lost = 0
        self.errors = []  # what scheduled functions have raised
        self._busy = False

    def next_ns(self):
        """When the next source interrupts."""
        first_ns = _NEVER_NS
        for source in self.sources:
            first_ns = min(first_ns, source.next_ns)
        return first_ns

    def check(self):
        """Let every source interrupt whose time has come; no interrupt interrupts another."""
        if not self._busy:
            now_ns = clock.now_ns  # nearly always there is nothing to do: see to that quickly
            for source in self.sources:
                if source.next_ns <= now_ns:
                    break
            else:
                return
            self._busy = True
            micropython.heap_lock()
            self._check()
            micropython.heap_unlock()
            self._busy = False

    def _check(self):
        for source in self.sources:
            while source.next_ns <= clock.now_ns:
                source.fire()

    def call(self, handler, argument, hard):
        """Call a handler: now, in the interrupt, or have the scheduler call it."""
        if hard:
            handler(argument)
        elif self.queued < self.depth:
            self.schedule(handler, argument)
        else:
            self.lost += 1

    def schedule(self, function, argument):
        """As micropython.schedule()."""
        if self.queued >= self.depth:
            raise RuntimeError("schedule queue full")
        self.queue[2 * self.queued] = function
        self.queue[2 * self.queued + 1] = argument
        self.queued += 1

    def run(self):
        """Let the scheduler run what it has: the main program gives way."""
        while self.queued:
            function, argument = self.queue[0], self.queue[1]
            self.queued -= 1
            for i in range(2 * self.queued):
                self.queue[i] = self.queue[i + 2]
            if self.lock:
                micropython.heap_lock()
            try:
                function(argument)
            except BaseException as error:  # noqa: BLE001 - MicroPython prints it
                self.errors.append(error)
            if self.lock:
                micropython.heap_unlock()

    def next_timer_ns(self):
        """When the next timer is up; None: no timer runs."""
        first_ns = _NEVER_NS
        for source in self.sources:
            if isinstance(source, Timer):
                first_ns = min(first_ns, source.next_ns)
        return None if first_ns == _NEVER_NS else first_ns

    def pass_us(self, us):
        """Let so much time pass in which the main program does not give way."""
        until_ns = clock.now_ns + us * 1000
        due_ns = self.next_ns()
        while due_ns <= until_ns:
            clock.now_ns = max(clock.now_ns, due_ns)
            self.check()
            due_ns = self.next_ns()
        clock.now_ns = max(clock.now_ns, until_ns)


interrupts = Interrupts()
clock.interrupts = interrupts


class Micropython:
    """Stands for the module micropython."""

    schedule = staticmethod(interrupts.schedule)

    def __getattr__(self, name):
        return getattr(micropython, name)


sys.modules["micropython"] = Micropython()


class Timer:
    """machine.Timer as one port or another has it: see PORTS."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, number=-1):
        if number == -1 and not Port.now.virtual:
            raise ValueError("invalid Timer number")
        self.number = number
        self.next_ns = _NEVER_NS
        self.used = False
        self._period_ns = 0
        self._hard = self._periodic = self._callback = None
        interrupts.sources.append(self)

    def init(self, *, mode=PERIODIC, period, tick_hz=1000, callback=None, hard=False):
        port = Port.now
        self.used = True
        if hard and not port.hard_timer:
            raise port.hard_timer_error("hard Timers are not implemented")
        period_ns = period * 1_000_000_000 // tick_hz
        self._hard = hard
        self._callback = callback
        self._periodic = mode == self.PERIODIC
        begin_ns = clock.now_ns
        if port.timer_ms:
            period_ns = max(1, period_ns // _MS) * _MS
            begin_ns = begin_ns // _MS * _MS
        self._period_ns = period_ns
        self.next_ns = begin_ns + period_ns

    def deinit(self):
        self.next_ns = _NEVER_NS

    def fire(self):
        self.next_ns = self.next_ns + self._period_ns if self._periodic else _NEVER_NS
        interrupts.call(self._callback, self, self._hard)


machine.Timer = Timer


class Port:
    """What a port's UART tells of silence, and what its timers can do.

    event        when IRQ_RXIDLE comes: "fifo": after 32 bit times, if the FIFO keeps a byte;
                 "characters": after so many; "first": the same, and after the first one, too;
                 "periods": at the second tick of a timer of so many ns that the first byte starts;
                 "restarted": by a timer that each byte starts anew; "watched": when a PioIdle
                 says so, after half a character; None: never
    hard         whether its handler may be a hard one; if not, `refuses` or ignores that
    timer_ms     whether timers count milliseconds
    hard_timer   whether their handlers may be hard
    virtual      whether there are timers without a number
    """

    now = None

    def __init__(
        self,
        platform,
        event,
        n=0,
        *,
        hard=True,
        refuses=False,
        timer_ms=True,
        hard_timer=True,
        hard_timer_error=TypeError,
        virtual=True,
        **line,
    ):
        self.platform, self.event, self.n = platform, event, n
        self.hard, self.refuses = hard, refuses
        self.timer_ms, self.hard_timer, self.virtual = timer_ms, hard_timer, virtual
        self.hard_timer_error = hard_timer_error
        self.line = line


PORTS = {
    "rp2": Port("rp2", "fifo", timer_ms=False, sampled=True),
    "rp2, soft timers": Port("rp2", "fifo", timer_ms=False, hard_timer=False, sampled=True),
    "rp2, PIO": Port("rp2", "watched", timer_ms=False, sampled=True),
    "esp32": Port(
        "esp32",
        "periods",
        lambda baudrate: max(500_000, 20_000_000_000 // baudrate + 1),
        hard=False,
        refuses=True,
        timer_ms=False,
        hard_timer=False,
        hard_timer_error=ValueError,
        virtual=False,
        transmit_ring=1024,
    ),
    "stm32": Port("pyboard", "characters", 1, write="blocks", txdone="true"),
    "stm32 F4": Port("pyboard", "first", 1, write="blocks", txdone="true"),
    "mimxrt": Port("mimxrt", "characters", 3, transmit_ring=256),
    "alif": Port(
        "alif",
        "restarted",
        lambda baudrate: (2000 * 11 // baudrate + 1) * _MS,
        write="blocks",
        txdone="true",
    ),
    "samd": Port("samd", "periods", lambda baudrate: (13_000 // baudrate + 1) * _MS, hard=False),
    "renesas-ra": Port(
        "renesas-ra",
        "periods",
        lambda baudrate: (13_000 // baudrate + 1) * _MS,
        hard=False,
        hard_timer=False,
    ),
    "zephyr": Port("zephyr", None, write="fits", transmit_ring=128, irq=False),
    "unknown": Port("something", "characters", 2),
}


class EventUART(UART):
    """A UART with the event of Port.now."""

    def __init__(self, baudrate, bits=8, parity=None, stop=1, **line):
        super().__init__(baudrate, bits, parity, stop, **line)
        port = Port.now
        self._bit_ns = 1_000_000_000 // baudrate
        self._event, self._n = port.event, port.n
        if callable(port.n):
            self._n = port.n(baudrate)
        self.next_ns = _NEVER_NS
        self._handler = None
        self._coming = Trace()  # when characters are seen
        self._seen = 0  # how many of them have been
        self._last_ns = 0
        self._fifo = 0
        self._state = 0  # of "periods": 0 waits for a byte, 1 has had one, 2 has had none since
        self._tick_ns = self._event_ns = _NEVER_NS
        if port.event is not None:
            self.IRQ_RXIDLE = 1
            self.irq = self._irq
        interrupts.sources.append(self)
        EventUART.last = self

    def watch(self, handler):
        """Call a hard handler at each event; None: no longer."""
        self._handler, self._hard = handler, True

    def _irq(self, handler=None, trigger=0, hard=False):
        if self._event == "watched":
            raise AssertionError("a PioIdle is there")
        if hard and Port.now.refuses:
            raise ValueError("hard IRQ is not supported")
        self._handler, self._hard = (handler if trigger else None), hard and Port.now.hard

    def hear(self, at_us, data):
        if self._seen == self._coming.n:
            self._coming.clear()
            self._seen = 0
        for i in range(len(data)):
            self._coming.add(self._seen_ns(at_us * 1000, i), 0)
        self._plan()
        return super().hear(at_us, data)

    def _hear_itself(self, n):
        """The last n characters of what is being sent come in, too, among what else comes."""
        coming = self._coming
        first_ns = self.end_ns() - self.chars_ns(n)
        for i in range(n):
            seen_ns = self._seen_ns(first_ns, i)
            coming.add(seen_ns, 0)
            at = coming.n - 1
            while at > self._seen and coming.times_ns[at - 1] > seen_ns:
                coming.times_ns[at] = coming.times_ns[at - 1]
                at -= 1
            coming.times_ns[at] = seen_ns
        self._plan()

    def any(self):
        interrupts.check()
        n = super().any()
        self._fifo = 0  # it takes what is there out of it
        if self._event == "fifo":
            self._event_ns = _NEVER_NS
            self._plan()
        return n

    def write(self, buf, at, n):
        interrupts.check()
        taken = super().write(buf, at, n)
        if self._echo and taken:
            self._hear_itself(taken)
        return taken

    def _next_seen_ns(self):
        """When the next character is seen."""
        coming = self._coming
        return coming.times_ns[self._seen] if self._seen < coming.n else _NEVER_NS

    def _plan(self):
        self.next_ns = min(self._next_seen_ns(), self._event_ns)

    def fire(self):
        """A character is seen, or the event's time has come."""
        if self._next_seen_ns() <= self._event_ns:
            self._seen += 1
            self._see(self.next_ns)
        else:
            self._come()
        self._plan()

    def _see(self, now_ns):
        first = now_ns - self._last_ns > 20 * self.char_ns
        self._last_ns = now_ns
        kind = self._event
        if kind == "fifo":
            self._fifo += 1
            if self._fifo == 24:
                self._fifo = 1
            self._event_ns = now_ns + 32 * self._bit_ns
        elif kind in ("characters", "first", "watched"):
            silent_ns = self.char_ns // 2 if kind == "watched" else self._n * self.char_ns
            self._event_ns = now_ns + silent_ns
            if self._next_seen_ns() - self.char_ns < self._event_ns:
                self._event_ns = _NEVER_NS  # a start bit comes first
            if kind == "first" and first:
                self._tell()
        elif kind == "restarted":
            self._event_ns = (now_ns // _MS) * _MS + self._n
        elif kind == "periods":
            if not self._state:
                self._event_ns = now_ns + self._n
            self._state = 1

    def _come(self):
        if self._event == "periods" and self._state == 1:
            self._state = 2
            self._event_ns += self._n
            return
        self._state = 0
        self._event_ns = _NEVER_NS
        if self._event != "fifo" or self._fifo:
            self._fifo = 0
            self._tell()

    def _tell(self):
        if self._handler is not None:
            interrupts.call(self._handler, self, self._hard)


class Watcher:
    """Stands for umb.port.pio.PioIdle, on the EventUART that was made last."""

    def __init__(self):
        self.formats = []  # of each start

    def watch_silence(self, baudrate, bits, stop, handler):
        EventUART.last.watch(handler)
        self.formats.append((baudrate, bits, stop))
        return 500_000 * bits // baudrate

    def stop(self):
        EventUART.last.watch(None)


class FallingPin(Output):
    """Stands for umb.port.pio.PioPin, on the EventUART that was made last: it falls by itself."""

    def watch_frames(self, baudrate, bits, idle):
        self._idle = idle
        self._raised_ns = _NEVER_NS
        interrupts.sources.append(self)

    def __call__(self, level):
        self._raised_ns = _NEVER_NS if level == self._idle else clock.now_ns
        super().__call__(level)

    @property
    def next_ns(self):
        """When a frame will have left that was sent since the pin rose."""
        end_ns = EventUART.last.end_ns()
        return end_ns if end_ns > self._raised_ns else _NEVER_NS

    def fire(self):
        self.trace.add(self.next_ns, self._idle)
        self._raised_ns = _NEVER_NS


class BackgroundBench(Bench):
    """The same where the slave serves in the background, and the main program never polls.

    port   one of PORTS; run(every_us=...) says how often the main program gives way
    """

    def __init__(self, *form, port="rp2", line=None, **named):
        self._choose(port)
        line = dict(Port.now.line, **(line or {}))
        if Port.now.event == "watched":
            named["idle"] = Watcher()
            named.setdefault("de", FallingPin())
        super().__init__(*form, line=line, **named)
        # A frame may end between a silence and a soft handler, which believes it was before.
        self.late = not Port.now.hard
        self.rtu.start()

    @staticmethod
    def _choose(port):
        interrupts.reset()
        frozen.lines.clear()  # of benches that are no more
        Port.now = PORTS[port]
        system.platform = Port.now.platform

    uart_class = EventUART

    def turn(self, us):
        interrupts.run()
        interrupts.pass_us(us)

    def poll_for(self, us):
        """Poll for so long, as a program does that has called stop()."""
        begin_us = clock.now_us()
        while clock.now_us() < max(begin_us, self.line_us, self.uart.end_ns() // 1000) + us:
            self.rtu.poll()
            interrupts.pass_us(self.char_us // 2)
