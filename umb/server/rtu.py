"""RTUServer: a Modbus slave on a serial line, with the times of SL 2.5.1.1 kept."""

from time import ticks_diff, ticks_us

from micropython import const

from ..pdu import REQUEST, RESPONSE, rtu_size
from . import Driver

_SHORTEST = const(4)
_LATER = const(-1)  # LATER of umb.server
_BUS_MESSAGES = const(0)  # where in Driver.counts, see umb.counters
_ERRORS = const(1)

_LISTEN = const(0)  # what the driver is doing: following the line,
_HELD = const(1)  # waiting for a handler that said LATER,
_READY = const(2)  # waiting for the silence before the reply,
_SEND = const(3)  # sending it.
_SPIN_US = const(2500)  # this close to a deadline poll() stays
_FAST = const(16000)  # Line.char, where 8 characters take less than 2 ms


class RTUServer(Driver):
    """A Modbus RTU slave.

    uart           a UART's number, or a machine.UART or its like, whose format is then repeated:
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx         pins, for ports that let them be chosen
    de             the direction pin: a number, a Pin, a Signal or a callable
    de_active=1    its level while sending
    turnaround_us=0   extra time between the pin's edges and the frame, on either side
    hold_ms=20     poll() stays until a reply has left if that takes no longer than this
    framer="rtu"   or "ascii": Modbus ASCII, where nothing depends on silence
    gap_ms=20      a hole that may tear a frame, where that is longer than t3.5

    Raises ValueError for a format that is none.
    """

    serial = True

    def __init__(self, uart, handler=None, **line):
        from ..uart import attach

        super().__init__(handler)
        self._hold_us = line.pop("hold_ms", 20) * 1000
        self.serves = getattr(self.handler, "serves", {}.get)
        self.line = attach(self, uart, **line)
        self.state = _LISTEN
        self.match = False  # what comes is for us

    def sizes(self, buf, at, n):
        """Where a frame at buf[at:] may end: the smallest length >= n, see frame.rtu.RTU."""
        size = rtu_size(REQUEST, buf, at, n)
        self.match = self.serves(buf[at])
        if buf[at] and not self.match:
            other = rtu_size(RESPONSE, buf, at, n)  # other slaves' answers are on the line too
            if not size or 0 < other < size:
                return other
        return size

    def poll(self, wait_ms=0):
        """Follow the line; with wait_ms, sleep that long at most until something comes.

        Stays for the rest of a request for us, and from there until its reply has left, each if
        that takes no longer than hold_ms. Returns how many requests were answered.
        """
        if self.state:
            return self.step()
        line = self.line
        frame = line.frame
        n = line.any()
        if n:
            if line.char < _FAST and not (line.seen or frame.have):
                line.listen(8)  # most requests are that long: they come too fast to look twice
                n = line.seen
        elif wait_ms and not frame.have:
            n = self.sleep(wait_ms)
        while n or frame.have:
            size = line.feed(n)
            counts = self.counts
            if frame.bad:
                counts[_ERRORS] = counts[_ERRORS] + frame.bad & 0xFFFF
                frame.bad = 0
            if size:
                counts[_BUS_MESSAGES] = counts[_BUS_MESSAGES] + 1 & 0xFFFF
                # The request is executed while the silence after it runs.
                self.answer(self.handler.handle(frame.adu, size - 3, self))
                if self.state:
                    return self.step()
            # For the rest of a request for us it stays: the last byte's time is exact then.
            elif not (
                frame.have
                and self.match
                and line.time_us(frame.need - line.seen) <= self._hold_us
                and line.listen(frame.need)
            ):
                break
            n = line.seen
        return 0

    def answer(self, n):
        """Have a response of n bytes sent, 0: none. For handlers that said LATER."""
        state = _LISTEN
        if n == _LATER:
            state = _HELD
        elif n:
            frame = self.line.frame
            self.size = frame.seal(frame.adu, n)
            state = _READY
        self.state = state

    def step(self):
        """Continue with what is under way. Returns 1 when a reply has left."""
        if self.state == _HELD:
            return 0
        line = self.line
        hold = line.time_us(self.size) + line.turn_us <= self._hold_us
        if self.state == _READY:
            n = line.any()
            if n != line.seen:
                line.last_us = ticks_us()
                line.seen = n
            left_us = line.turn_us - ticks_diff(ticks_us(), line.last_us)
            if n < _SHORTEST and not hold and left_us > _SPIN_US:
                return 0
            self.state = _LISTEN  # where it stays should the UART raise
            frame = line.frame
            if not line.send(frame.out, frame.start, self.size, _SHORTEST):
                return 0  # those were no stray bytes: the line has moved on without us
            self.state = _SEND
        if not hold and ticks_diff(line.end_us, ticks_us()) > _SPIN_US:
            return 0
        self.state = _LISTEN
        line.flush()
        if line.paced:
            line.discard()  # what came while it sent is its echo
        return 1

    def __getattr__(self, name):
        """Load the second half: server_close(), and what serve() needs."""
        from ..line_loop import load

        load(RTUServer)
        return getattr(self, name)


def __getattr__(name):
    """get_server(): uModbus's way to make a server."""
    if name != "get_server":
        raise AttributeError(name)
    from ..line_loop import get_server

    return get_server
