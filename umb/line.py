"""One end of a serial line: a port and a frame wired together, for servers and clients alike."""

import select
from time import sleep_ms, ticks_diff, ticks_ms, ticks_us

from micropython import const

from .port.uart import LAG, UARTPort

_ADU = const(262)
_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)
_CHUNK = const(16)


class Line(UARTPort):
    """A UARTPort that brings what arrives to a frame, with the time that passed in between.

    make_frame(adu)  makes the frame that takes the bytes, see umb.frame.rtu.RTU
    gap_ms           a hole that may tear a frame, where that is longer than t3.5
    """

    def __init__(self, uart, make_frame, gap_ms=20, **port):
        super().__init__(uart, **port)
        self.adu = bytearray(_ADU)
        self.frame = make_frame(self.adu)
        self.seen = 0  # bytes that wait in the UART and are known to
        self.last_us = ticks_us()  # when the last byte was seen to have come
        self._head = memoryview(self.adu)[_FRAME:]
        self._rest = memoryview(self.adu)[_FRAME + _SHORTEST :]
        self._chunk = bytearray(_CHUNK)
        self._give_up_us = max(self.t35_us + self.time_us(LAG), gap_ms * 1000)
        self._counts = False  # any() has been seen to count
        self._quiet = True  # what this silence of t3.5 ends has been dealt with
        self._size = 0  # of a frame that _pull found
        # Asleep for a millisecond nothing is missed if the shortest frame takes longer.
        self.nap_ms = 1000 if not self.paced else 1 if self.time_us(_SHORTEST) > 2000 else 0
        self.share(select.poll())

    def use(self, adu, head, rest):
        """Put what comes into this buffer from now on; head and rest: views from 6 and 10 on."""
        self.adu = self.frame.adu = adu
        self._head = head
        self._rest = rest

    def hear(self, n):
        """any() says n. Returns the length of a frame that has come and is at adu[6], or 0.

        What came behind it stays in the UART. Nothing is read while nobody calls.
        """
        frame = self.frame
        if n != self.seen:
            now_us = ticks_us()
            if ticks_diff(now_us, self.last_us) >= self.t35_us:
                while self.seen:
                    n -= self._pull(self.seen)
                frame.gap()
            self.last_us = now_us
            self._quiet = False
            self.seen = n
            if n > 1:
                self._counts = True
        elif not n or self._counts and n < frame.need:
            return self._still(n)
        self._size = 0
        while n and not self._size:
            if self._counts and n < frame.need:
                break
            n -= self._pull(n)
            if n == 0 and frame.have:
                n = self.any()
                if n:
                    self.last_us = ticks_us()
        self.seen = n
        return self._size

    def _pull(self, n):
        """Read up to n of the bytes that wait, what the frame needs at most. Returns how many."""
        frame = self.frame
        n = min(n, frame.need)
        if frame.have == 0:
            self.readinto(self._head, n)
        elif frame.have == _SHORTEST:
            self.readinto(self._rest, n)
        else:
            n = min(n, _CHUNK)
            self.readinto(self._chunk, n)
            at = _FRAME + frame.have
            for i in range(n):
                self.adu[at + i] = self._chunk[i]
        self.seen -= n
        self._size = frame.push(n)
        return n

    def _still(self, n):
        """Nothing has come since, though something is there: is that silence?"""
        quiet_us = ticks_diff(ticks_us(), self.last_us)
        if not self._quiet and quiet_us >= self.t35_us:
            self._quiet = True
            while n:
                n -= self._pull(n)
            return self.frame.quiet()
        if quiet_us >= self._give_up_us:
            self.frame.drop()
        return 0

    def discard(self):
        """Throw away what waits in the UART, and what was half a frame. The buffer stays."""
        n = self.any()
        while n:
            self.readinto(self._chunk, min(n, _CHUNK))
            n = self.any()
        self.seen = 0
        self.frame.reset()

    def share(self, poller):
        """Sleep with this poller from now on, which others may use too."""
        self.poller = poller
        self._watched = True
        try:
            if hasattr(self.uart, "register"):
                self.uart.register(poller)
            else:
                poller.register(self.uart, select.POLLIN)
        except (OSError, TypeError):  # this UART cannot be polled
            self._watched = False

    def sleep(self, wait_ms):
        """Wait until the poller sees something or time is up. Returns what any() says."""
        begin_ms = ticks_ms()
        nap_ms = min(wait_ms, self.nap_ms)
        while True:
            n = self.any()
            if n or ticks_diff(ticks_ms(), begin_ms) >= wait_ms:
                return n
            if self._watched:
                for _ in self.poller.ipoll(nap_ms):
                    wait_ms = 0
            else:
                sleep_ms(nap_ms)
