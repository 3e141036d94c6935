"""One end of a serial line: a UART, its direction pin, and the frames that come and go."""

import select
from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from ..fast import copy

_FRAME = const(6)  # where in the buffer an RTU frame begins
_PIECE = const(32)  # the most that is read from the UART at once
_UART_NAP_MS = const(1)  # one may sleep for so long without losing the time of a byte
_TTY_NAP_MS = const(1000)  # a TTY wakes the poller


class Line:
    """Brings what arrives to a frame, with the time that passed in between, and sends frames.

    frame   an umb.frame.rtu.RTU, or its like
    uart    a machine.UART, or its like
    de      called with a level: the direction pin
    idle    the pin's level while others send

    umb.port.uart.open_line() makes it, and sets its times:

    character_x64   a character's time in 1/64 us, small enough for 256 of them not to allocate
    t35_us          the silence that ends a frame
    hole_us         a silence that is no longer than this may be in the middle of any frame
    abandon_us      the silence after which even a frame is given up whose length is known
    reply_delay_us  from the moment the last byte is seen to the answer
    yields_to       so many bytes that come before a frame of ours keep it from being sent; 0: none
    """

    poller = None
    _wakes = False  # whether the UART wakes the poller

    def __init__(self, frame, uart, de, idle):
        self.frame = frame
        self.uart = uart
        self.any = uart.any
        self.de = de
        self.idle = idle
        # Whether the port tells when the last bit has left, or it can be told.
        self.paced = getattr(uart, "paced", True)
        self.waiting = 0  # bytes that wait in the UART and have been counted
        self.last_us = ticks_us()  # when the last of them came
        self.end_us = self.last_us  # when the last byte that was sent will have left
        self.frame_us = 0  # how long the frame was that was sent
        self.piece = bytearray(_PIECE)

    def time_us(self, n):
        """Return how long n characters take."""
        return n * self.character_x64 + 63 >> 6

    def receive(self, n, now_us):
        """Go on with the n bytes that any() told of at now_us.

        Returns the length of a whole frame, which is at adu[6], or 0. What came behind it stays in
        the UART.
        """
        silent_us = ticks_diff(now_us, self.last_us)
        if silent_us < 0:
            silent_us = self.abandon_us  # nobody has looked for so long that the ticks wrapped
        size = 0
        n -= self.waiting
        if n:
            self.last_us = now_us
            # The new bytes took their time. If there is more between the two looks, there was
            # silence, maybe right before them.
            if silent_us - self.time_us(n) >= self.t35_us:
                size = self._move(True)
                self.frame.gap()
            self.waiting += n
        elif silent_us >= self.t35_us:
            size = self._move(True) or self.frame.silence(silent_us >= self.hole_us)
            if silent_us >= self.abandon_us and not size:
                self.frame.clear()
        return size or self._move(False)

    def _move(self, rest):
        """Move bytes from the UART to the frame: as many as it needs; rest: fewer, too.

        Returns the length of a frame that this has completed, or 0.
        """
        frame = self.frame
        size = 0
        while not size:
            n = min(frame.need, frame.piece_size, self.waiting if rest else _PIECE)
            if not 0 < n <= self.waiting:
                break
            self.uart.readinto(self.piece, n)
            copy(frame.adu, _FRAME + frame.have, self.piece, 0, n)
            self.waiting -= n
            size = frame.received(n)
            if not (size or rest) and self.waiting < frame.need:
                self.look()
        return size

    def look(self):
        """Count the bytes that wait in the UART, and note when there are more than before."""
        n = self.any()
        if n != self.waiting:
            self.waiting = n
            self.last_us = ticks_us()

    def wait_for(self, n):
        """Stay until n bytes wait, or 32, or the line has been silent for reply_delay_us.

        Returns whether they do. The time of the last byte is then exact to some microseconds.
        """
        any_ = self.any
        waiting = self.waiting
        last_us = self.last_us
        delay_us = self.reply_delay_us
        n = min(n, _PIECE)
        if ticks_diff(ticks_us(), last_us) < 0:  # so long ago that the ticks have wrapped
            last_us = ticks_add(ticks_us(), -delay_us)
        while waiting < n:
            now = any_()
            if now != waiting:
                last_us = self.last_us = ticks_us()
                waiting = now
            elif ticks_diff(ticks_us(), last_us) >= delay_us:
                break
        self.waiting = waiting
        return waiting >= n

    def discard_input(self):
        """Throw away what waits in the UART, and what has come of a frame."""
        n = self.any()
        while n:
            self.uart.readinto(self.piece, min(n, _PIECE))
            n = self.any()
        self.waiting = 0
        self.frame.reset()

    def send(self, n):
        """Switch to transmit and begin to send a frame of n bytes; flush() has to follow.

        They are what the frame's seal() has put at frame.out[frame.start:]. If `yields_to` is set,
        it stays until the line has been silent for reply_delay_us before, and does not send if so
        many bytes have come first. Returns whether it sends.
        """
        try:
            return self._send(n)
        except BaseException:
            self.release()
            raise

    def _send(self, n):
        frame = self.frame
        at = frame.start
        self.frame_us = self.time_us(n) if self.paced else 0
        if self.yields_to and self.wait_for(self.yields_to):
            return False
        self.de(1 - self.idle)
        self.end_us = ticks_us()
        while n:  # the UART may take it in parts
            taken = self.uart.write(frame.out, at, n) or 0
            at += taken
            n -= taken
        self.end_us = ticks_add(self.end_us, self.frame_us)
        return True

    def sending_us(self):
        """Return for how long what send() began will still be leaving, 0 if it has left."""
        left_us = ticks_diff(self.end_us, ticks_us())
        # It never takes longer than the whole frame: then the ticks have wrapped, long after.
        return left_us if 0 < left_us <= self.frame_us else 0

    def flush(self):
        """Stay until the last stop bit has left, then switch to receive."""
        uart = self.uart
        try:
            if self.sending_us():
                while ticks_diff(self.end_us, ticks_us()) > 0:
                    pass
            while not uart.txdone():
                pass
            self.de(self.idle)
        except BaseException:
            self.release()
            raise

    def release(self):
        """Switch to receive, after what is being sent."""
        sleep_us(self.sending_us())
        self.de(self.idle)

    def nap_ms(self):
        """Return for how long one may sleep without missing when a byte comes."""
        return _UART_NAP_MS if self.paced else _TTY_NAP_MS

    def watch(self, poller):
        """Use this select.poll for sleeping from now on; others may use it, too."""
        if poller is self.poller:
            return
        self.poller = poller
        # A poller keeps a broken entry if registering fails, so another one tries it first.
        self._wakes = self._register(select.poll()) and self._register(poller)

    def _register(self, poller):
        uart = self.uart
        while hasattr(uart, "raw"):  # see umb.port.quirks
            uart = uart.raw
        try:
            if hasattr(uart, "register"):
                uart.register(poller)
            else:
                poller.register(uart, select.POLLIN)
        except (OSError, TypeError):
            return False  # this UART cannot be polled
        return True

    def sleep(self, wait_ms):
        """Sleep until the poller reports something or time is up. Returns what any() says."""
        if self.poller is None:
            self.watch(select.poll())
        begin_ms = ticks_ms()
        longest_ms = min(wait_ms, self.nap_ms())
        while True:
            n = self.any()
            if n or ticks_diff(ticks_ms(), begin_ms) >= wait_ms:
                return n
            if self._wakes:
                for _ in self.poller.ipoll(longest_ms):
                    wait_ms = 0
            else:
                sleep_ms(longest_ms)
