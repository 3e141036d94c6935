"""What RTUServer.start() makes: a slave that is served from interrupts, beside any program."""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const, heap_lock, heap_unlock

from ..frozen import frozen
from ..port.idle import BufferedUART, Idle
from ..port.line import owners

_SHORTEST = const(4)
_RECENT_US = const(1_000_000)
_AFTER_ERROR_US = const(20_000)
_RISE_US = const(60)

# States of the RTUServer.
_LISTENING = const(0)
_WAITING = const(2)
_REPLYING = const(3)


class Background(Idle):
    """Serves the line of an RTUServer from its interrupts.

    A request is handled by the scheduler, between two steps of the main program, as soon as the
    line has fallen silent. The reply begins and the direction pin falls when a timer says so, on
    most ports within its interrupt. While the RTUServer is not listening, the timer alone changes
    its state; what comes meanwhile is looked at afterwards.
    """

    def __init__(self, rtu, timer):
        line = rtu.line
        if line.number is not None and owners[line.number] is not line:
            raise RuntimeError("UART %d was given to another driver since" % line.number)
        self._rtu = rtu
        self._error = None  # what was raised within an interrupt
        super().__init__(line, timer, rtu.idle)
        # A pin that falls by itself needs nobody to wait for the frame's end.
        self._end_lead_us = 0 if hasattr(line.de, "watch_frames") else self.lead_us
        self._reply = self._send_reply  # bound once: a bound method is an allocation
        self._due_us = 0  # when the reply is to begin,
        self._expected = 0  # and what any() returns then, if nobody else has sent
        self._buffered = None
        if hasattr(line.uart, "take_frame"):  # it was served like this before
            self._buffered = line.uart
        elif line.frame.timed and not self.ticks:
            self._buffered = BufferedUART(line)
        self._write = line.uart.write
        self._at = line.frame.start  # where the reply begins in frame.out
        frozen.lines.append(self)
        self.look_soon()

    def stop(self):
        """Leave the line to poll()."""
        super().stop()
        frozen.lines.remove(self)
        self._rtu.background = None

    def __enter__(self):
        pass

    def __exit__(self, _, error, traceback):
        if error is not None:
            self._error = error
            self.give_up()
        return True

    def give_up(self):
        """Give up a reply, and listen again."""
        self.line.de(self.line.idle)
        self._rtu.state = _LISTENING
        self.after(_AFTER_ERROR_US)  # what was raised may be raised again and again

    def answered(self):
        """Go on after a handler that had returned LATER: see RTUServer.answer()."""
        with self:
            if self._rtu.state == _WAITING:
                self._begin()
            elif self._rtu.state == _LISTENING:
                self.look_soon()  # something may have come meanwhile

    def look(self):
        """Follow the line, and have a request handled."""
        rtu = self._rtu
        line = self.line
        if frozen.depth:
            frozen.missed = True
            return
        if self._error is not None:
            self._raise()
        if rtu.state or rtu.background is not self:
            if self.fell_silent:  # a reply that waits for the silence has to wait for all of it
                self.fell_silent = False
                line.last_us = self.last_us
            return
        n = self._receive(line)
        while n:
            counters = rtu.counters
            counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
            n = rtu.server.handle(line.frame.adu, n - 3, rtu)
            if n:
                rtu.prepare(n)
                self._begin()
                return
            n = line.any()
            if n:
                n = line.receive(n, ticks_us())
        if line.frame.rejected:
            rtu.count_errors(line.frame)
        if line.frame.have or line.waiting:
            self.after(_rest_us(line))

    def _receive(self, line):
        """Take what has come. Returns the length of a whole frame at adu[6], or 0."""
        if self.armed:
            self.cancel()
        buffered = self._buffered
        if buffered is None:
            n = line.any()
            now_us = ticks_us()
        else:
            n = self.any()
            # If more have come since the line was silent, they are as old as this look.
            now_us = self.last_us if self.fell_silent and n <= self.count else ticks_us()
            self.fell_silent = False
            if buffered.left:
                n += buffered.left
            elif buffered.take_frame(n):
                line.last_us = now_us
                return n
        if -_RECENT_US < ticks_diff(now_us, line.last_us) < 0:
            now_us = line.last_us  # look() was last called after the last byte had come
        return line.receive(n, now_us)

    def due(self):
        """Do what the timer was set for."""
        state = self._rtu.state
        if state == _WAITING:
            if self.ticks:  # it comes every millisecond
                self._begin()
            else:
                heap_lock()
                self._start(0)
        elif state == _REPLYING:
            self._end()
        else:
            self.look_soon()

    def _begin(self):
        """Begin to send if the line has been silent for long enough, or set the timer."""
        rtu = self._rtu
        if rtu.state != _WAITING:
            return  # a handler has returned LATER, and answers by answered()
        line = self.line
        if line.waiting >= _SHORTEST:  # others have sent: the reply would disturb them
            rtu.state = _LISTENING
            self.look_soon()
            return
        self._expected = line.waiting
        if self._buffered is not None:
            self._expected -= self._buffered.left
        now_us = ticks_us()
        us = ticks_diff(now_us, line.last_us)
        us = line.reply_delay_us - us if us >= 0 else 0
        self._due_us = ticks_add(now_us, us)
        heap_lock()  # see Idle.after()
        self._start(us - self.lead_us)

    def _start(self, us):
        """Send the reply when it is due, in an interrupt that comes in so many microseconds.

        The heap has to be locked, and is unlocked.
        """
        try:
            if us <= 0:
                self._send_reply(None)
            elif not self.ticks:
                self.start_timer(us, self._reply if self.hard else self._due)
        finally:
            heap_unlock()

    def _send_reply(self, _):
        """Begin to send the reply when it is due, unless others send, or have sent.

        The timer calls this within its interrupt, where it keeps other lines waiting: what can be
        prepared is. The pin rises at most _RISE_US before the reply: it may take so long. The heap
        has to be locked.
        """
        self.armed = False
        rtu = self._rtu
        line = self.line
        try:
            any_ = line.any if self._buffered is None else self.any
            expected = self._expected
            due_us = self._due_us
            write = self._write
            de = line.de
            level = 1 - line.idle
            out = line.frame.out
            at = self._at
            n = rtu.size
            size = min(n, line.first_size)
            rise_us = ticks_add(due_us, -_RISE_US)
            while any_() == expected:
                if ticks_diff(rise_us, ticks_us()) <= 0:
                    de(level)
                    while ticks_diff(due_us, ticks_us()) > 0:
                        pass
                    line.end_us = ticks_us()
                    line.write_rest(n, write(out, at, size))
                    rtu.state = _REPLYING
                    self._end()
                    return
            line.look()  # others have sent: all of the silence has to come again
            self._begin()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is seen
            self.__exit__(None, error, None)

    def _end(self):
        """Switch to receive if the reply has left, or set the timer."""
        line = self.line
        us = line.sending_us()
        if us > self._end_lead_us:
            self.after(us - self._end_lead_us)
            return
        line.flush()
        if line.exact_times:
            line.discard_input()  # what came while it sent is its echo
        self._rtu.state = _LISTENING

    def _raise(self):
        """Raise what was raised within an interrupt."""
        error = self._error
        self._error = None
        raise error


def _rest_us(line):
    """Return in how many microseconds the silence is long enough to decide something more."""
    us = ticks_diff(ticks_us(), line.last_us)
    if us < line.t35_us:
        return line.t35_us - us
    return (line.gap_us if us < line.gap_us else line.abandon_us) - us
