"""What RTUServer.start() makes: a slave that is served from interrupts, beside any program."""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const, heap_lock, heap_unlock

from ..frozen import frozen
from ..port.idle import BufferedUART, Idle, locked

_SHORTEST = const(4)
_RECENT_US = const(1_000_000)
_AFTER_ERROR_US = const(20_000)
_RISE_US = const(110)

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
        self._handle = rtu.server.handle  # bound here: to look a method up takes 10 us
        self._seal = line.frame.seal
        self._error = None  # what was raised within an interrupt
        self._due_us = 0  # when the reply is to begin
        self._taken = 0  # how many bytes of it the UART has taken at once; None: none
        self._begun = False  # whether _end() still has to see to the others, and to the timer
        self._echoes = True  # whether the line has brought back the last reply; at first it may
        super().__init__(line, timer, rtu.idle)
        # A pin that falls by itself needs nobody to wait for the frame's end.
        self._falls_alone = hasattr(line.de, "watch_frames")
        self._end_lead_us = 0 if self._falls_alone else self.lead_us
        self._shortest_us = line.time_us(_SHORTEST)
        self._reply = self._send if self.hard else locked(self._send)
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
        # No jump may follow until the line is left: the scheduler might call look() there.
        begun = self._begun
        self._begun = False
        frozen.lines.remove(self)
        self._rtu.background = None
        if begun:  # the Line has to know when the reply will have left
            self.line.write_rest(self._rtu.size, self._taken)

    def give_up(self, error):
        """Give up a reply, and listen again. If there is an error, look() raises it then."""
        self._error = error
        self._begun = False
        self.line.de(self.line.idle)
        self._rtu.state = _LISTENING
        self.after(_AFTER_ERROR_US)  # what was raised may be raised again and again

    def go_on(self):
        """Do at once what due() does: for what _send() has left, and for RTUServer.answer()."""
        heap_lock()
        self.due(None)
        heap_unlock()

    def look(self):
        """Follow the line, and have a request handled."""
        rtu = self._rtu
        line = self.line
        if self._begun:
            self.go_on()
        if frozen.depth:
            frozen.missed = True
            return
        if self._error is not None:
            raise self._error  # give_up(None) forgets it
        if rtu.state or rtu.background is not self:
            self.count = -1
            return
        n = self._receive(line)
        while n:
            counters = rtu.counters
            counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
            adu = line.frame.adu
            n = self._handle(adu, n - 3, rtu)
            if n > 0:  # as rtu.prepare() has it, which takes longer
                rtu.size = self._seal(adu, n)
                rtu.state = _WAITING
                heap_lock()
                self._begin()
                return
            if n:
                rtu.prepare(n)
                return
            n = line.any()
            if n:
                n = line.receive(n, ticks_us())
        self._listen(line)

    def _listen(self, line):
        """Count what was no frame, and see to what is left of it when its silence is longer."""
        if line.frame.rejected:
            self._rtu.count_errors(line.frame)
        if line.frame.have or line.waiting:
            self.after(_rest_us(line))

    def _receive(self, line):
        """Take what has come. Returns the length of a whole frame at adu[6], or 0."""
        if self.armed:
            self.cancel()
        buffered = self._buffered
        n = self.any() if buffered is not None else line.any()
        # If more have come since the line was silent, they are as old as this look.
        now_us = self.last_us if n <= self.count else ticks_us()
        self.count = -1
        if buffered is not None:
            if buffered.left:
                n += buffered.left
            elif buffered.take_frame(n):
                line.last_us = now_us
                return n
        if -_RECENT_US < ticks_diff(now_us, line.last_us) < 0:
            now_us = line.last_us  # look() was last called after the last byte had come
        return line.receive(n, now_us)

    def due(self, _):
        """Do what the timer was set for, or go on after a handler that has answered."""
        try:
            self.armed = False
            state = self._rtu.state
            if state == _WAITING:
                heap_lock()
                self._begin()
            elif state == _REPLYING:
                self._end()
            elif state == _LISTENING:
                self.look_soon()
            return
        except BaseException as error:  # noqa: BLE001 - look() raises it
            self.give_up(error)

    def _begin(self):
        """Begin to send if the line has been silent for long enough, or set the timer.

        The heap has to be locked, and is unlocked.
        """
        try:
            line = self.line
            if line.waiting >= _SHORTEST:  # others have sent: the reply would disturb them
                self._rtu.state = _LISTENING
                self.look_soon()
                return
            self._due_us = due_us = ticks_add(line.last_us, line.reply_delay_us)
            us = ticks_diff(due_us, ticks_us())
            if self.lead_us < us <= line.reply_delay_us:
                self.start_timer(us - self.lead_us, self._reply)
                return
            if us > line.reply_delay_us:  # so long ago that the ticks have wrapped
                self._due_us = ticks_us()
            self._send(None)
        finally:
            heap_unlock()

    def _send(self, _):
        """Send the reply when it is due, unless others send, or have sent.

        The timer calls this within its interrupt, where it keeps other lines waiting. The pin
        rises at most _RISE_US before the reply: it may take so long. The heap has to be locked.
        """
        try:
            self.armed = False
            rtu = self._rtu
            line = self.line
            frame = line.frame
            out = frame.out
            at = frame.start
            n = rtu.size
            size = n if n < line.first_size else line.first_size
            uart = line.uart
            due_us = self._due_us
            any_ = self.any
            while not any_() or line.any() == line.waiting:
                if ticks_diff(due_us, ticks_us()) <= _RISE_US:
                    line.de(1 - line.idle)
                    now_us = ticks_us()
                    while ticks_diff(due_us, now_us) > 0:
                        now_us = ticks_us()
                    line.end_us = now_us
                    self._taken = uart.write(out, at, size)
                    rtu.state = _REPLYING
                    self._begun = True
                    if self._falls_alone and self._taken == n:
                        self.look_soon()  # the rest need not keep other lines waiting
                    else:
                        self._end()
                    return
            line.look()  # others have sent: all of the silence has to come again
            heap_lock()
            self._begin()
            return
        except BaseException as error:  # noqa: BLE001 - look() raises it
            self.give_up(error)

    def _end(self):
        """Switch to receive if the reply has left, or set the timer. The heap has to be locked."""
        line = self.line
        if self._begun:
            self._begun = False
            line.write_rest(self._rtu.size, self._taken)
        us = ticks_diff(line.end_us, ticks_us()) - self._end_lead_us
        if 0 < us <= line.frame_us:  # more: so long ago that the ticks have wrapped
            self.start_timer(us)
            return
        line.flush()
        # No request can have come yet, so what is there is an echo; unless the program has kept
        # the interrupt or the scheduler waiting.
        if ticks_diff(ticks_us(), line.end_us) < self._shortest_us:
            self._echoes = line.any() > 0
        if self._echoes:
            line.discard_input()
        self._rtu.state = _LISTENING


def _rest_us(line):
    """Return in how many microseconds the silence is long enough to decide something more."""
    us = ticks_diff(ticks_us(), line.last_us)
    if us < line.t35_us:
        return line.t35_us - us
    return (line.gap_us if us < line.gap_us else line.abandon_us) - us
