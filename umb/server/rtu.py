"""RTUServer: a Modbus slave on a serial line, with the times of SL 2.5.1.1 kept."""

from time import ticks_diff, ticks_us

from micropython import const

from ..frame.rtu import RTU, seal
from ..line import Line
from ..pdu import REQUEST, RESPONSE, rtu_size
from . import LATER, Driver

_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)

_LISTEN = const(0)  # what the driver is doing: following the line,
_HELD = const(1)  # waiting for a handler that said LATER,
_READY = const(2)  # waiting for the silence before the reply,
_SEND = const(3)  # sending it.
_SPIN_US = const(2500)  # this close to a deadline poll() stays


class RTUServer(Driver):
    """A Modbus RTU slave.

    uart           a UART's number, or a machine.UART or its like, whose format is then repeated:
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx         pins, for ports that let them be chosen
    de             the direction pin: a number, a Pin, a Signal or a callable
    de_active=1    its level while sending
    turnaround_us=0   extra time between the pin's edges and the frame, on either side
    hold_ms        poll() stays until a reply has left if that takes no longer than this
    gap_ms=20      a hole that may tear a frame, where that is longer than t3.5

    Raises ValueError for a format that is none.
    """

    serial = True
    gone = False
    peer = None

    def __init__(self, uart, handler=None, *, hold_ms=20, framer="rtu", **line):
        super().__init__(handler)
        if framer != "rtu":
            raise ValueError("framer must be 'rtu'")
        self._serves = getattr(self.handler, "serves", _nobody)
        self._line = Line(uart, self._make_frame, **line)
        self._any = self._line.any
        self._frame = self._line.frame
        self._hold_us = hold_ms * 1000
        self._state = _LISTEN
        self._size = 0  # of the reply
        self._stay = False  # it leaves within hold_ms

    def _make_frame(self, adu):
        return RTU(adu, self._sizes, self._serves)

    def _sizes(self, buf, at, n):
        """Where a frame at buf[at:] may end: the smallest length >= n, see frame.rtu.RTU."""
        size = rtu_size(REQUEST, buf, at, n)
        if buf[at] and not self._serves(buf[at]):
            other = rtu_size(RESPONSE, buf, at, n)  # other slaves' answers are on the line too
            if not size or 0 < other < size:
                return other
        return size

    @property
    def poller(self):
        return self._line.poller

    def poll(self, wait_ms=0):
        """Follow the line; with wait_ms, sleep that long at most until something comes.

        Stays from a complete request for us until its reply has left, if that takes no longer
        than hold_ms. Returns how many requests were answered.
        """
        if self._state:
            return self._go_on()
        n = self._any()
        if not n and not self._frame.have:
            if not wait_ms:
                return 0
            n = self._line.sleep(wait_ms)
            if not n:
                return 0
        line = self._line
        size = line.hear(n)
        while size:
            counters = self.counters
            counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
            # The request is executed while the silence after it runs.
            self.answer(self.handler.handle(line.adu, size - 3, self))
            if self._state:
                return self._go_on()
            size = line.hear(self._any()) if line.seen else 0
        if self._frame.bad:
            counters = self.counters
            bad = counters.bus_communication_error_count + self._frame.bad
            counters.bus_communication_error_count = bad & 0xFFFF
            self._frame.bad = 0
        return 0

    def answer(self, n):
        """Have a response of n bytes sent, 0: none. For handlers that said LATER."""
        self._state = _LISTEN
        if n == LATER:
            self._state = _HELD
        elif n:
            line = self._line
            self._size = seal(line.adu, n)
            takes_us = line.time_us(self._size) + line.t35_us - ticks_diff(ticks_us(), line.last_us)
            self._stay = takes_us <= self._hold_us
            self._state = _READY

    def _go_on(self):
        """Continue with what is under way. Returns 1 when a reply has left."""
        line = self._line
        if self._state == _HELD or self._state == _READY and not self._await_turn():
            return 0
        if not self._stay and ticks_diff(line.end_us, ticks_us()) > _SPIN_US:
            return 0
        self._state = _LISTEN
        line.finish()
        if line.paced:
            line.discard()  # what came while it sent is its echo
        return 1

    def _await_turn(self):
        """Begin to send when the line has been silent for t3.5. Returns whether it has begun."""
        line = self._line
        any_ = self._any
        seen = line.seen
        last_us = line.last_us
        t35_us = line.t35_us
        while True:
            n = any_()
            if n != seen:
                last_us = ticks_us()
                line.last_us = last_us
                line.seen = seen = n
                if n >= _SHORTEST:  # no stray bytes: the line has moved on without us
                    self._state = _LISTEN
                    return False
            left_us = t35_us - ticks_diff(ticks_us(), last_us)
            if left_us <= 0:
                break
            if not self._stay and left_us > _SPIN_US:
                return False
        if n:
            line.discard()
        self._state = _LISTEN  # should the UART raise
        line.send(line.adu, _FRAME, self._size)
        self._state = _SEND
        return True

    def join(self, first):
        """Use the first driver's poller from now on, see serve()."""
        if first is not self:
            self._line.share(first.poller)

    def nap_ms(self):
        """How long serve() may sleep without missing when a byte comes."""
        if self._state == _HELD:
            return 1
        return 0 if self._state or self._line.seen or self._frame.have else self._line.nap_ms

    def server_close(self):
        """Let go of the line: the pin is at receive."""
        self._line.release()


def _nobody(slave_id):
    """Stands for the serves() of a handler that has none."""
    return False
