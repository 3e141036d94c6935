"""What RTUServer.start() makes: a slave that is served from interrupts, beside any program."""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const, heap_lock, heap_unlock

from ..frozen import frozen
from ..port.idle import BufferedUART, Idle

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
        if rtu.gateway is not None:
            raise ValueError("a gateway is not served in the background: see umb.serve.serve()")
        rtu.stop()
        line = rtu.line
        line.check_owner()
        self._rtu = rtu
        self._error = None  # what was raised within an interrupt
        super().__init__(line, timer, rtu.idle)
        # A pin that falls by itself needs nobody to wait for the frame's end.
        self._end_lead_us = 0 if hasattr(line.de, "watch_frames") else self.lead_us
        self._buffered = None
        if hasattr(line.uart, "take_frame"):  # it was served like this before
            self._buffered = line.uart
        elif line.frame.timed and not self.ticks:
            self._buffered = BufferedUART(line)
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
            self._begin()
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
        due_us = ticks_us()
        us = ticks_diff(due_us, line.last_us)
        us = line.reply_delay_us - us if us >= 0 else 0
        if us > self.lead_us:
            self.after(us - self.lead_us)
            return
        heap_lock()  # see Idle.after()
        if self._send(ticks_add(due_us, us)):
            rtu.state = _REPLYING
            self._end()
        else:  # others have sent meanwhile: all of the silence has to come again
            line.look()
            self.after(line.reply_delay_us - self.lead_us)

    def _send(self, due_us):
        """Begin to send the reply then. Returns whether it does: not if others send, or have sent.

        What can be done before is, so that little is left to do when the time has come. The pin
        rises at most _RISE_US before: it may take so long.
        """
        try:
            line = self.line
            n = self._rtu.size
            frame = line.frame
            out = frame.out
            at = frame.start
            size = min(n, line.first_size)
            uart = line.uart
            de = line.de
            level = 1 - line.idle
            rise_us = ticks_add(due_us, -_RISE_US)
            any_ = line.any
            waiting = line.waiting
            if self._buffered is not None:
                any_ = self.any
                waiting -= self._buffered.left
            while any_() == waiting:
                if ticks_diff(rise_us, ticks_us()) <= 0:
                    de(level)
                    while ticks_diff(due_us, ticks_us()) > 0:
                        pass
                    line.end_us = ticks_us()
                    line.write_rest(n, uart.write(out, at, size))
                    return True
            return False
        finally:
            heap_unlock()

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
