"""What RTUServer.start() makes: a slave that is served from interrupts, beside any program."""

from time import ticks_diff, ticks_us

from micropython import const

from ..frozen import frozen
from ..port.idle import BufferedUART, Idle
from ..port.line import owners

_SHORTEST = const(4)
_RECENT_US = const(1_000_000)
_AFTER_ERROR_US = const(20_000)

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
        super().__init__(line, timer)
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
            n = line.receive(line.any(), ticks_us())
        if line.frame.rejected:
            rtu.count_errors(line.frame)
        if line.frame.have or line.waiting:
            self.after(_rest_us(line))

    def _receive(self, line):
        """Take what has come. Returns the length of a whole frame at adu[6], or 0."""
        if self.armed:
            self.cancel()
        buffered = self._buffered
        n = line.any() if buffered is None else self.any()
        now_us = ticks_us()
        if buffered is not None:
            # If more have come since the line was silent, they are as old as this look.
            if self.fell_silent and n <= self.count:
                now_us = self.last_us
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
        if state == _REPLYING:
            self._end()
        elif state == _WAITING:
            self._begin()
        else:
            self.look_soon()

    def _begin(self):
        """Begin to send if the line has been silent for long enough, or set the timer."""
        line = self.line
        rtu = self._rtu
        if rtu.state != _WAITING:
            return  # a handler has returned LATER, and answers by answered()
        us = ticks_diff(ticks_us(), line.last_us)
        us = line.reply_delay_us - us if us >= 0 else 0
        if us > 0 and line.any() != line.waiting:
            line.look()  # others have sent meanwhile: all of the silence has to come again
            us = line.reply_delay_us if line.waiting < _SHORTEST else 0
        if us > self.lead_us:
            self.after(us - self.lead_us)
        elif line.send(rtu.size):
            rtu.state = _REPLYING
            self._end()
        else:  # others have sent: the reply would disturb them
            rtu.state = _LISTENING
            self.look_soon()

    def _end(self):
        """Switch to receive if the reply has left, or set the timer."""
        line = self.line
        us = line.sending_us()
        if us > self._end_lead_us:
            self.after(us - self._end_lead_us)
            return
        line.flush()
        if line.paced:
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
