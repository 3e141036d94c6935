"""One end of a serial line: a UART, its direction pin, and the frames that come and go."""

from time import sleep_us, ticks_add, ticks_diff, ticks_us

from micropython import const

from .crc import copy

_FRAME = const(6)  # where in the buffer an RTU frame begins
_PIECE = const(32)


class Line:
    """Brings what arrives to a frame, with the time that passed in between, and sends frames.

    umb.uart makes it, with what it has to know: frame, uart, any(), de(), buf (for a piece of what
    comes), char (a character's time in 1/64 us), t35_us, turn_us (from the last byte to the
    answer), give_up_us, seen (bytes that wait and are known to), last_us (when the last one came),
    end_us (when the last one will have left). umb.port.wait adds poller and sleep().
    """

    paced = True  # the port tells when the last bit has left, or it can be told
    idle = 0  # the direction pin's level while others send

    def time_us(self, n):
        """How long n characters take."""
        return n * self.char + 63 >> 6

    def feed(self, n):
        """any() says n. Returns the length of a frame that has come and is at adu[6], or 0.

        What came behind it stays in the UART. Nothing is read while nobody calls.
        """
        now_us = ticks_us()
        frame = self.frame
        fresh = n - self.seen
        silent_us = self.t35_us
        quiet_us = ticks_diff(now_us, self.last_us)
        size = 0
        if fresh:
            # What came since the last look took its time; the rest of it was silence, maybe here.
            if quiet_us >= silent_us and quiet_us - self.time_us(fresh) >= silent_us:
                size = self.pull(True)
                frame.gap()
            self.last_us = now_us
            self.seen += fresh
        elif quiet_us >= silent_us:
            size = self.pull(True)
            if n == 1 and self.any():  # more than it said is there
                from .port import counted

                counted.attach(self)
            else:
                size = size or frame.quiet()
                if quiet_us >= self.give_up_us:
                    frame.clear()
        return size or self.pull(False)

    def pull(self, all):
        """Give the frame what it needs, or even less of what waits. Returns what it says."""
        frame = self.frame
        seen = self.seen
        size = 0
        while not size:
            n = min(frame.need, _PIECE)
            if seen < n:
                if not all or not seen:
                    break
                n = seen
            self.uart.readinto(self.buf, n)
            copy(frame.adu, _FRAME + frame.have, self.buf, 0, n)
            seen -= n
            size = frame.push(n)
            if seen < frame.need and not (size or all):
                fresh = self.any()
                if fresh != seen:
                    seen = fresh
                    self.last_us = ticks_us()
        self.seen = seen
        return size

    def listen(self, n):
        """Stay until n bytes wait, or 32, or the line has been silent for t3.5.

        Returns whether they do. The time of the last byte is then exact to some microseconds.
        """
        any_ = self.any
        seen = self.seen
        last_us = self.last_us
        turn_us = self.turn_us
        n = min(n, _PIECE)
        while seen < n:
            now = any_()
            if now != seen:
                last_us = self.last_us = ticks_us()
                seen = now
            elif ticks_diff(ticks_us(), last_us) >= turn_us:
                break
        self.seen = seen
        return seen >= n

    def discard(self):
        """Throw away what waits in the UART, and what was half a frame. The buffer stays."""
        while True:
            n = min(self.any(), _PIECE)
            if not n:
                break
            self.uart.readinto(self.buf, n)
        self.seen = 0
        self.frame.reset()

    def send(self, adu, at, n, threshold=0):
        """Switch to transmit and begin to send n bytes at adu[at]; flush() has to follow.

        threshold=k  only after t3.5 of silence, and not if k bytes wait before that.
        Returns whether it sends.
        """
        frame_us = self.time_us(n)
        if threshold and self.listen(threshold):
            return False
        try:
            self.de(1 - self.idle)
            begin_us = ticks_us()
            while n:
                put = self.uart.write(adu, at, n) or 0
                at += put
                n -= put
        except BaseException:
            self.release()
            raise
        self.end_us = ticks_add(begin_us, frame_us if self.paced else 0)
        return True

    def flush(self):
        """Stay until the last stop bit has left, then switch to receive."""
        uart = self.uart
        de = self.de
        idle = self.idle
        end_us = self.end_us
        try:
            while ticks_diff(end_us, ticks_us()) > 0:
                pass
            while not uart.txdone():
                pass
            de(idle)
        except BaseException:
            sleep_us(max(0, ticks_diff(end_us, ticks_us())))
            de(idle)
            raise

    def release(self):
        """Switch to receive."""
        self.de(self.idle)
