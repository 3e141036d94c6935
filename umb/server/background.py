"""What RTUServer.start() makes: a slave that is served from interrupts, beside any program."""

from time import ticks_diff, ticks_us

from micropython import const

from ..port.idle import Ahead, Idle
from . import print_error

_SHORTEST = const(4)
_RECENT_US = const(1_000_000)
_AFTER_ERROR_US = const(20_000)

# States of the RTUServer.
_LISTENING = const(0)
_WAITING = const(2)
_REPLYING = const(3)


class Background:
    """Serves the line of an RTUServer from its interrupts, see umb.port.idle.

    A request is handled by the scheduler, between two steps of the main program, as soon as the
    line has fallen silent. The reply begins and the direction pin falls when a timer says so, on
    most ports within its interrupt. While the RTUServer is not listening, the timer alone changes
    its state; what comes meanwhile is looked at afterwards.

    It is a context manager, too: what is raised in its block, even by Ctrl-C, ends what is being
    done, and is reported. An exception must not end the interrupts.
    """

    def __init__(self, rtu, timer):
        self.rtu = rtu
        self._line = line = rtu.line
        self._error = None  # what was raised, to be reported
        self.idle = Idle(line, _look, self, timer)
        self._ahead = None
        if hasattr(line.uart, "take_frame"):  # it was served like this before
            self._ahead = line.uart
        elif line.frame.timed and not self.idle.ticks:
            self._ahead = Ahead(line)
        self.idle.look_soon()

    def stop(self):
        """Leave the line to poll()."""
        self.idle.stop()
        self.rtu.background = None

    def __enter__(self):
        pass

    def __exit__(self, _, error, traceback):
        if error is not None:
            self.fail(error)
        return True

    def fail(self, error):
        """Give up a reply, and listen again; have the error reported."""
        self._error = error
        line = self._line
        line.de(line.idle)
        self.rtu.state = _LISTENING
        self.idle.after(_AFTER_ERROR_US)  # it may be raised again and again

    def answered(self):
        """Go on after a handler that had returned LATER: see RTUServer.answer()."""
        with self:
            if self.rtu.state == _WAITING:
                self._begin()
            elif self.rtu.state == _LISTENING:
                self.idle.look_soon()  # something may have come meanwhile

    def look(self):
        """Follow the line, and have a request handled: this is called by the scheduler."""
        rtu = self.rtu
        line = self._line
        if self._error is not None:
            self._report()
        if rtu.state:
            if self.idle.heard:  # a reply that waits for the silence has to wait for all of it
                self.idle.heard = False
                line.last_us = self.idle.last_us
            return
        size = self._receive(line)
        while size:
            rtu.counters.bus_message_count = rtu.counters.bus_message_count + 1 & 0xFFFF
            size = rtu.server.handle(line.frame.adu, size - 3, rtu)
            rtu.prepare(size)
            if rtu.state:
                break
            size = line.receive(line.any(), ticks_us())
        if line.frame.rejected:
            self._count_errors(line.frame)
        self._go_on(line)

    def _go_on(self, line):
        """Do what comes next, or set the timer."""
        if self.rtu.state == _WAITING:
            self._begin()
        elif self.rtu.state == _LISTENING and (line.frame.have or line.waiting):
            self.idle.after(_rest_us(line))

    def _receive(self, line):
        """Take what has come. Returns the length of a whole frame at adu[6], or 0."""
        idle = self.idle
        idle.cancel()
        n = line.any()
        now_us = ticks_us()
        ahead = self._ahead
        if ahead is not None:
            # If more have come since the line was silent, they are as old as this look.
            if idle.heard and n - ahead.left <= idle.count:
                now_us = idle.last_us
            idle.heard = False
            if ahead.take_frame(n):
                line.last_us = now_us
                return n
        if -_RECENT_US < ticks_diff(now_us, line.last_us) < 0:
            now_us = line.last_us  # the last look was after the last byte
        return line.receive(n, now_us)

    def _count_errors(self, frame):
        counters = self.rtu.counters
        counters.bus_communication_error_count += frame.rejected
        counters.bus_communication_error_count &= 0xFFFF
        frame.rejected = 0

    def due(self):
        """Do what the timer was set for: this is called within its interrupt, if it can be."""
        state = self.rtu.state
        if state == _REPLYING:
            self._end()
        elif state == _WAITING:
            self._begin()
        elif self.idle.ticks:
            _look(self)
        else:
            self.idle.look_soon()

    def _begin(self):
        """Begin to send if the line has been silent for long enough, or set the timer."""
        line = self._line
        if line.any() != line.waiting:
            line.look()
            if line.waiting >= _SHORTEST:  # a master has moved on
                self._listen_again()
                return
        silent_us = ticks_diff(ticks_us(), line.last_us)
        left_us = line.reply_delay_us - silent_us if silent_us >= 0 else 0
        if left_us > self.idle.lead_us:
            self.idle.after(left_us - self.idle.lead_us)
        elif line.send(self.rtu.size):
            self.rtu.state = _REPLYING
            self._end()
        else:
            self._listen_again()

    def _end(self):
        """Switch to receive if the reply has left, or set the timer."""
        line = self._line
        left_us = line.sending_us()
        if left_us > self.idle.lead_us:
            self.idle.after(left_us - self.idle.lead_us)
            return
        line.flush()
        if line.paced:
            line.discard_input()  # what came while it sent is its echo
        self.rtu.state = _LISTENING

    def _listen_again(self):
        self.rtu.state = _LISTENING
        self.idle.look_soon()

    def _report(self):
        error = self._error
        self._error = None
        getattr(self.rtu.server, "report", print_error)(error, self.rtu)


def _look(background):
    """Follow the line of a Background: the scheduler calls this."""
    background.idle.scheduled = False
    if background.rtu.background is background:
        with background:
            background.look()


def _rest_us(line):
    """Return in how many microseconds the silence is long enough to decide something more."""
    silent_us = ticks_diff(ticks_us(), line.last_us)
    if silent_us < line.t35_us:
        return line.t35_us - silent_us
    if silent_us < line.gap_us:
        return line.gap_us - silent_us
    return line.abandon_us - silent_us
