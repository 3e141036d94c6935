"""One end of a serial line: a UART, its direction pin, and the frames received and sent.

What the ports of MicroPython (1.24 to 1.29) differ in:
* readinto() may block unless as many bytes are there as asked for: n <= any() always.
* any() is only 0 or 1 on esp8266, and says so late.
* write() blocks for the whole frame (stm32, alif), until it fits (esp8266), or not at all, and
  may take only a part.
* txdone() is exact where UARTs have irq(); elsewhere it may come a character early.
* No port lets the format be read back: programs have to give it again.
"""

import select
import sys
from errno import ETIMEDOUT
from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from ..check import integer, wrong
from ..fast import copy
from ..frame import ADU_SIZE
from ..frame.rtu import REQUEST, RESPONSE

_FRAME = const(6)  # where in the buffer an RTU frame begins
_SHORTEST = const(4)  # the shortest RTU frame
_PIECE = const(32)  # the most bytes that are read from the UART at once
_UART_NAP_MS = const(1)  # the longest sleep that does not lose the time of a byte
_TTY_NAP_MS = const(1000)  # a TTY wakes the poller
_FAST_X64 = const(16000)  # character_x64 below which 8 characters take less than 2 ms
_FAST_NAP_US = const(200)
_WRITE_US = const(1000)  # the longest from the call of write() to the first start bit
_PIN_LEAD_US = const(40)  # how long before a reply its direction pin rises
_STUCK_US = const(100_000)  # so much longer than its time a frame may take to be taken
_ASCII_GAP_US = const(1_000_000)  # the longest between two characters of ASCII (SL 2.5.2.1)
_RECEIVE_RING = const(512)
_TRANSMIT_RING_ESP32 = const(1024)  # the default does not hold a frame and write() would block
_MOST_BAUD = const(100_000_000)
_LONGEST_PAUSE = const(500_000)  # milliseconds: ticks_us() tells no longer times apart


owners = {}  # by a UART's number the Line that was made for it last: a UART has one


class Line:
    """Moves received bytes to a frame, notes the silence between them, and sends frames.

    table, serves   what its frames are made with, see umb.frame.rtu.RTU
    uart            a UART's number, a machine.UART, or its like

    The other parameters are those of umb.server.rtu.RTUServer.

    frame   an umb.frame.rtu.RTU, or its like
    uart    a machine.UART, or its like
    number  the UART's number, if that was given; None: a UART was given
    de      called with a level: the direction pin
    idle    the pin's level while others send
    bits    those of a whole character, with `stop` stop bits
    character_x64   a character's time in 1/64 us, small enough for 256 of them not to allocate
    t35_us          the silence that ends a frame
    gap_us          the longest silence inside of any frame
    abandon_us      the silence after which even a frame of known length is discarded
    reply_delay_us  from the moment the last byte is noticed to the reply
    abort_size      a frame is not sent if so many bytes are received first; 0: it is always sent

    Raises ValueError for a format that does not exist, or that the port's UART does not have.
    """

    poller = None
    _wakes = False  # whether the UART wakes the poller

    def __init__(
        self,
        table,
        serves,
        uart,
        baudrate,
        bits,
        parity,
        stop,
        tx,
        rx,
        de,
        de_active,
        turnaround_us,
        gap_ms,
        framer,
    ):
        for name, value, low, high in (
            ("baudrate", baudrate, 1, _MOST_BAUD),
            ("bits", bits, 7, 8),
            ("stop", stop, 1, 2),
            ("de_active", de_active, 0, 1),
            ("turnaround_us", turnaround_us, 0, _LONGEST_PAUSE),
            ("gap_ms", gap_ms, 0, _LONGEST_PAUSE),
        ):
            integer(name, value, low, high)
        if parity not in (None, 0, 1):
            raise wrong("parity", parity)
        if not hasattr(framer, "timed"):
            raise wrong("framer", framer)
        self.number = None
        if isinstance(uart, int):
            self.number = uart
            uart = _open(uart, baudrate, bits, parity, stop, tx, rx)
        elif isinstance(uart, type) or not (hasattr(uart, "any") and hasattr(uart, "readinto")):
            raise wrong("uart", uart)
        self.uart = uart
        self.any = uart.any
        self.baudrate = baudrate
        self.stop = stop
        self.bits = bits = bits + 1 + (parity is not None) + stop  # with the start bit
        self.idle = 1 - de_active
        if hasattr(de, "watch_frames"):  # a PioPin
            de.watch_frames(baudrate, bits, self.idle)
        self.de = _pin(de, self.idle)
        owners[self.number] = self
        self.frame = framer(bytearray(ADU_SIZE), table, serves)
        self.piece = bytearray(_PIECE)
        # Whether txdone() or the time tells when the last bit has left. Adapters hide that.
        self.exact_times = getattr(uart, "exact_times", True)
        self.waiting = 0  # bytes in the UART that have been counted
        self.last_us = ticks_us()  # when the last of them was received
        self.end_us = self.last_us  # when the last byte that was sent will have left
        self.frame_us = 0  # how long the last frame sent takes
        self.taken = 0  # how many bytes of it the UART took at once; None: none
        # How many bytes write() is given first. That of rp2 copies all of them before it sends
        # one; some others wait until all have left.
        self.first_size = 32 if sys.platform == "rp2" else 513
        self.start = self.frame.start  # where in frame.out a frame begins
        # A slave that is late must not send while the next request comes. Four bytes may be one.
        self.abort_size = _SHORTEST if table is REQUEST else 0
        self.character_x64 = character = -(-bits * 64_000_000 // baudrate)
        # Above 19200 baud the silence is fixed (SL 2.5.1.1).
        self.t35_us = 1750 if baudrate > 19200 else character * 7 + 127 >> 7
        # A byte may be seen in the middle of its first stop bit; the silence begins with its end.
        self.reply_delay_us = self.t35_us + (character * (2 * stop - 1) // bits + 127 >> 7)
        self.abandon_us = self.gap_us = max(self.t35_us, gap_ms * 1000)
        if table is RESPONSE:
            self.gap_us = self.t35_us  # only masters put silence into frames
        if not framer.timed:
            self.t35_us = self.reply_delay_us = 0
            self.abandon_us = self.gap_us = _ASCII_GAP_US
        if turnaround_us or not (
            self.exact_times and hasattr(uart, "txdone") and hasattr(uart, "irq")
        ):
            from .quirks import adapt

            adapt(self, turnaround_us, table)

    def time_us(self, n):
        """Return how long n characters take."""
        return n * self.character_x64 + 63 >> 6

    def receive(self, n, now_us):
        """Receive: n is the result of any() at now_us.

        Returns the length of a whole frame, which is at adu[6], or 0. Bytes after it stay in the
        UART.
        """
        silent_us = ticks_diff(now_us, self.last_us)
        if silent_us < 0:
            silent_us = self.abandon_us  # the last call is so long ago that the ticks have wrapped
        size = 0
        n -= self.waiting
        if n:
            self.last_us = now_us
            # The new bytes took some time. If more has passed since the last call, there was
            # silence, perhaps right before them.
            if silent_us - self.time_us(n) >= self.t35_us:
                size = self._move(True)
                self.frame.gap()
            self.waiting += n
        elif silent_us >= self.t35_us:
            size = self._move(True) or self.frame.silence(silent_us >= self.gap_us)
            if silent_us >= self.abandon_us and not size:
                self.frame.clear()
        return size or self._move(False)

    def _move(self, rest):
        """Move bytes from the UART to the frame, as many as it needs; rest: or fewer.

        Returns the length of a frame that this has completed, or 0.
        """
        frame = self.frame
        while True:
            n = frame.need
            n = min(n, frame.piece_size)
            if n > self.waiting and rest:
                n = self.waiting
            if not 0 < n <= self.waiting:
                return 0
            self.uart.readinto(self.piece, n)
            copy(frame.adu, _FRAME + frame.have, self.piece, 0, n)
            self.waiting -= n
            size = frame.received(n)
            if size:
                return size
            if self.waiting < frame.need and not rest:
                n = self.any()  # as look(), which takes longer
                if n != self.waiting:
                    self.waiting = n
                    self.last_us = ticks_us()
                if n < frame.need and n < frame.piece_size:
                    return 0

    def look(self):
        """Count the bytes in the UART, and note the time if there are more than before."""
        n = self.any()
        if n != self.waiting:
            self.waiting = n
            self.last_us = ticks_us()

    def wait_for(self, n):
        """Wait until n bytes, at most 32, are in the UART, or there is silence for reply_delay_us.

        Returns whether there are n. The time of the last byte is then exact to some microseconds.
        """
        any_ = self.any
        waiting = self.waiting
        last_us = self.last_us
        delay_us = self.reply_delay_us
        n = min(n, _PIECE)
        while waiting < n:
            now = any_()
            if now != waiting:
                last_us = self.last_us = ticks_us()
                waiting = now
            # Less than 0: so long ago that the ticks have wrapped.
            elif not 0 <= ticks_diff(ticks_us(), last_us) < delay_us:
                break
        self.waiting = waiting
        return waiting >= n

    def discard_input(self):
        """Discard the bytes in the UART, and the beginning of a frame."""
        n = self.any()
        while n:
            self.uart.readinto(self.piece, min(n, _PIECE))
            n = self.any()
        self.waiting = 0
        self.frame.reset()

    def send(self, n):
        """Switch to transmit and begin to send a frame of n bytes; flush() has to follow.

        The frame's seal() has put them at frame.out[frame.start:]. If `abort_size` is set, it
        waits until the line has been silent for reply_delay_us, and does not send if so many bytes
        were received first. Returns whether it sends.

        Raises OSError if the UART does not take the frame in the time that this takes, as with
        hardware flow control where CTS stays inactive.
        """
        try:  # with one variable more, this frame would be on the heap, which takes 10 to 30 us
            if not self.abort_size:
                self.de(1 - self.idle)
            elif not self._take_turn():
                return False
            # From here to write() everything takes time from the master's next request.
            self.end_us = ticks_us()
            self.taken = self.uart.write(
                self.frame.out, self.start, n if n < self.first_size else self.first_size
            )
            self.write_rest(n, self.taken)
        except BaseException:
            self.release()
            raise
        return True

    def _take_turn(self):
        """Wait until the line has been silent for reply_delay_us, then be at transmit.

        The pin rises _PIN_LEAD_US earlier: that takes time, too. Returns False if `abort_size`
        bytes have been received before: others send.
        """
        any_ = self.any
        last_us = self.last_us
        early_us = self.reply_delay_us - _PIN_LEAD_US
        n = self.waiting
        while n < self.abort_size:
            n = any_()
            if n != self.waiting:
                last_us = self.last_us = ticks_us()
                self.waiting = n
            # Less than 0: so long ago that the ticks have wrapped.
            elif not 0 <= ticks_diff(ticks_us(), last_us) < early_us:
                self.de(1 - self.idle)
                while 0 <= ticks_diff(ticks_us(), last_us) < self.reply_delay_us:
                    pass
                return True
        return False

    def write_rest(self, n, size):
        """Give the UART the rest of a frame of n bytes, of which it has taken `size`, or None."""
        self.frame_us = n * self.character_x64 + 63 >> 6 if self.exact_times else 0
        taken = size or 0
        while taken < n:  # the UART may take it in parts
            if not size and ticks_diff(ticks_us(), self.end_us) > self.time_us(n) + _STUCK_US:
                raise OSError(ETIMEDOUT, "the UART takes no bytes: does it wait for CTS?")
            size = self.uart.write(self.frame.out, self.frame.start + taken, n - taken)
            taken += size or 0
        self.end_us = ticks_add(self.end_us, self.frame_us)

    def sending_us(self):
        """Return how long the frame of send() will still be leaving, 0 if it has left."""
        left_us = ticks_diff(self.end_us, ticks_us())
        # More than the whole frame: the ticks have wrapped, long after it has left.
        return left_us if 0 < left_us <= self.frame_us else 0

    def flush(self):
        """Wait until the last stop bit has left, then switch to receive."""
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
        try:
            sleep_us(self.sending_us())
            # write() takes some time before the first start bit. But a UART may be stuck.
            begin_us = ticks_us()
            while not self.uart.txdone() and ticks_diff(ticks_us(), begin_us) < _WRITE_US:
                pass
        finally:
            self.de(self.idle)

    def nap_ms(self):
        """Return the longest sleep in which no byte's time is missed."""
        return _UART_NAP_MS if self.exact_times else _TTY_NAP_MS

    def watch(self, poller):
        """Use this select.poll for sleep() from now on. Other objects may use it, too.

        Raises RuntimeError if another driver was made for the same UART later.
        """
        if poller is self.poller:
            return
        self.check_owner()
        self.poller = poller
        # A poller keeps a broken entry if registering fails, so another one tries it first.
        self._wakes = self.register(select.poll()) and self.register(poller)

    def check_owner(self):
        """Raise RuntimeError if another driver was made for the same UART later."""
        if self.number is not None and owners[self.number] is not self:
            from ..mistakes import UART_TAKEN

            raise RuntimeError(UART_TAKEN % self.number)

    def register(self, poller):
        """Have this poller report what the UART receives. Returns whether it can."""
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
            if self.character_x64 < _FAST_X64 and sys.platform == "rp2":
                # A Pico's UART wakes nobody before 24 bytes have come, or 32 bits of silence. So
                # short a sleep notices a fast request while it comes: the time of its last byte is
                # exact then.
                sleep_us(_FAST_NAP_US)
                longest_ms = 0
            if self._wakes:
                for _ in self.poller.ipoll(longest_ms):
                    wait_ms = 0
            else:
                sleep_ms(longest_ms)


def _pin(de, value):
    """Return the direction pin as something to be called with a level, set to `value`."""
    if de is None:
        return bool  # takes a level and does nothing
    if isinstance(de, int):
        from machine import Pin

        de = Pin(de)
    if hasattr(de, "init"):
        de.init(de.OUT, value=value)
    elif not callable(de):
        raise wrong("de", de)
    de(value)
    return de


def _open(number, baudrate, bits, parity, stop, tx, rx):
    """Return the machine.UART of this number with this format. Raises ValueError."""
    from machine import UART

    options = {"bits": bits, "parity": parity, "stop": stop, "rxbuf": _RECEIVE_RING}
    if sys.platform == "esp32":
        options["txbuf"] = _TRANSMIT_RING_ESP32
    if tx is not None:
        options["tx"] = tx
    if rx is not None:
        options["rx"] = rx
    try:
        return UART(number, baudrate, timeout=0, timeout_char=0, **options)
    except TypeError:  # this port does not have all of these
        from .quirks import open_uart

        return open_uart(number, baudrate, options)
