"""One end of a serial line: a UART, its direction pin, and the frames that come and go."""

import select
from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from ..fast import copy

_FRAME = const(6)  # where in the ADU buffer an RTU frame begins
_PIECE = const(32)  # the most that is read from the UART at once
_NAP_MS = const(1)  # so long may one sleep without losing the time of a byte on a machine.UART
_NAP_TTY_MS = const(1000)  # a TTY wakes the poller


class Line:
    """Brings what arrives to a frame, with the time that passed in between, and sends frames.

    umb.port.uart.open_line() makes it and sets, besides what is set here:

    frame           the umb.frame.rtu.RTU or its like
    uart, any       the UART, and its method any()
    de              called with a level: the direction pin
    idle            the pin's level while others send
    character_x64   a character's time in 1/64 us, small enough for 256 of them not to allocate
    t35_us          the silence that ends a frame
    reply_delay_us  from the moment the last byte is seen to the answer
    abandon_us      the silence after which the beginning of a frame is given up
    """

    def __init__(self):
        self.paced = True  # whether the port tells when the last bit has left, or it can be told
        self.idle = 0
        self.waiting = 0  # bytes that wait in the UART and have been counted
        self.last_us = ticks_us()  # when the last of them came
        self.end_us = self.last_us  # when the last byte that was sent will have left
        self.piece = bytearray(_PIECE)
        self.poller = None
        self._wakes = False  # whether the UART wakes the poller

    def time_us(self, n):
        """Return how long n characters take."""
        return n * self.character_x64 + 63 >> 6

    def receive(self, n):
        """Go on with the n bytes that any() tells of. Returns the length of a whole frame, or 0.

        The frame is at adu[6]; what came behind it stays in the UART.
        """
        now_us = ticks_us()
        frame = self.frame
        fresh = n - self.waiting
        silent_us = self.t35_us
        quiet_us = ticks_diff(now_us, self.last_us)
        size = 0
        if fresh:
            # The new bytes took their time. If there is more between the two looks, there was
            # silence, maybe right before them.
            if quiet_us >= silent_us and quiet_us - self.time_us(fresh) >= silent_us:
                size = self.move_bytes(True)
                frame.gap()
            self.last_us = now_us
            self.waiting += fresh
        elif quiet_us >= silent_us:
            size = self.move_bytes(True)
            if n == 1 and self.any():  # there is more than it said: this UART says 0 or 1
                from .quirks import count_bytes

                count_bytes(self)
            else:
                size = size or frame.quiet()
                if quiet_us >= self.abandon_us:
                    frame.clear()
        return size or self.move_bytes(False)

    def move_bytes(self, all):
        """Move what waits to the frame, piece by piece, as much as it needs: True: a rest, too.

        Returns the length of a frame that this has completed, or 0.
        """
        frame = self.frame
        waiting = self.waiting
        size = 0
        while not size:
            n = min(frame.need, _PIECE)
            if waiting < n:
                if not all or not waiting:
                    break
                n = waiting
            self.uart.readinto(self.piece, n)
            copy(frame.adu, _FRAME + frame.have, self.piece, 0, n)
            waiting -= n
            size = frame.push(n)
            if waiting < frame.need and not (size or all):
                fresh = self.any()
                if fresh != waiting:
                    waiting = fresh
                    self.last_us = ticks_us()
        self.waiting = waiting
        return size

    def wait_for(self, n):
        """Stay until n bytes wait, or 32, or the line has been silent for reply_delay_us.

        Returns whether they do. The time of the last byte is then exact to some microseconds.
        """
        any_ = self.any
        waiting = self.waiting
        last_us = self.last_us
        silent_us = self.reply_delay_us
        n = min(n, _PIECE)
        while waiting < n:
            now = any_()
            if now != waiting:
                last_us = self.last_us = ticks_us()
                waiting = now
            elif ticks_diff(ticks_us(), last_us) >= silent_us:
                break
        self.waiting = waiting
        return waiting >= n

    def discard_input(self):
        """Throw away what waits in the UART, and what was half a frame."""
        while True:
            n = min(self.any(), _PIECE)
            if not n:
                break
            self.uart.readinto(self.piece, n)
        self.waiting = 0
        self.frame.reset()

    def send(self, adu, at, n, threshold=0):
        """Switch to transmit and begin to send n bytes at adu[at]; flush() has to follow.

        threshold=k   only after reply_delay_us of silence, and not if k bytes wait before that.
        Returns whether it sends.
        """
        frame_us = self.time_us(n)
        if threshold and self.wait_for(threshold):
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

    def nap_ms(self):
        """Return for how long one may sleep without missing when a byte comes."""
        return _NAP_MS if self.paced else _NAP_TTY_MS

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
