"""Interrupts for a line that is served in the background: RTUServer.start() alone loads this.

What ports have (MicroPython 1.24 to 1.29), by their C sources:

port              IRQ_RXIDLE comes so long after the last byte       handlers  machine.Timer
rp2               32 bit times, if a byte is left in its FIFO        hard      of 1 us, hard
esp32             1 to 2 times 20 bit times or 500 us                soft      of 1 us, soft
stm32             1 character                                        hard      of 1 ms, hard
mimxrt            3 characters: 4 from the last start bit on         hard      of 1 ms, hard
alif              the whole ms of 2 characters, and up to 1 ms       hard      of 1 ms, hard
samd, renesas-ra  1 to 2 times 13000 // baudrate + 1 ms              soft      of 1 ms, hard
esp8266, zephyr   there is none                                                of 1 ms

Where the time varies, the least counts: then an answer is late rather than early. Hard handlers
run within the interrupt, where Python code must not allocate memory. Soft ones are run by the
scheduler, when the main program comes to a jump: if a frame ends meanwhile, which a program has to
be away for some characters for, its silence seems to have begun before that.
"""

import sys
from time import ticks_add, ticks_us

from machine import Timer
from micropython import const, heap_lock, heap_unlock, schedule

from ..check import wrong
from ..fast import copy, crc16
from ..frame.rtu import REQUEST, rtu_size

_START = const(6)  # where in the ADU buffer the bytes of a frame are put
_SHORTEST = const(4)
_LONGEST = const(256)
_SHORT = const(8)  # the length of the requests of function codes 1 to 6
_COUNTED_CODES = const(7)  # from here on some requests count their bytes
_PIECE = const(32)  # the most that a Line reads at once
_MHZ = const(1_000_000)
_HARD_LEAD_US = const(200)  # what it takes to set a timer, and to have its handler run
_ONE_SHOT = Timer.ONE_SHOT
_SOFT_LEAD_US = const(700)
_LEAD_MS_US = const(1300)  # a timer that counts milliseconds cannot be asked for less than one
_TICK_LEAD_US = const(2200)


def silent_us(line):
    """Return for how long the line has been silent when this port's IRQ_RXIDLE comes, at least.

    The silence begins when the UART has taken a byte, in the middle of its first stop bit.
    """
    platform = sys.platform
    baudrate = line.baudrate
    if platform == "rp2":
        return 32_000_000 // baudrate
    if platform == "esp32":
        return max(500, 20_000_000 // baudrate)
    if platform == "mimxrt":
        return line.time_us(3)
    if platform == "pyboard":
        return line.time_us(1)
    if platform in ("samd", "renesas-ra"):
        return (13_000 // baudrate + 1) * 1000
    if platform == "alif":
        return line.time_us(2) // 1000 * 1000
    return 0


class Idle:
    """Interrupts of a Line: calls look() when it has fallen silent, and due() when a time is up.

    It is a base class, whose subclasses have these methods:

    look()        called by the scheduler when the line has fallen silent, and after look_soon()
    due(_)        called when the time given to after() is up, in the interrupt if the port can do
                  that; every millisecond where there is no event of silence
    give_up(error)   called with what an interrupt has raised, for look() to raise, and with None
                  when look() has raised something

    due() sets `armed` to False, and must not raise anything. Its `try` ends with a `return`:
    MicroPython raises KeyboardInterrupt at jumps, and one follows the last statement of a `try`.

    line     the Line, whose UART is asked for its event
    any      any() of that UART itself
    timer    a machine.Timer to use; None: a virtual one
    event    a PioIdle in the place of the UART's event, or None

    count     how many bytes any() reported when the line fell silent; -1 is set when that is known
    last_us   when the last of these bytes had been received
    lead_us   how long before its time due() has to be asked for, to be in time
    armed     whether due() is going to be called
    hard      whether that will be within an interrupt, where the heap is locked
    ticks     whether the port has no event, so that due() is called every millisecond
    """

    def __init__(self, line, timer, event):
        self.line = line
        self._event = event
        self.last_us = line.last_us
        self.count = -1
        self.armed = self.scheduled = False
        if timer is None:
            timer = _virtual_timer()
        elif isinstance(timer, type) or not hasattr(timer, "init"):
            raise wrong("timer", timer)
        self.timer = timer
        self._init_timer = timer.init
        fine = sys.platform in ("rp2", "esp32")  # others have timers that count milliseconds
        self.lead_us = _SOFT_LEAD_US if fine else _LEAD_MS_US
        self.hard = False
        if not hasattr(line.de, "turnaround_us"):  # it sleeps, which is not done in an interrupt
            try:
                timer.init(mode=_ONE_SHOT, period=1000, callback=bool, hard=True)
                timer.deinit()
                self.hard = True
                # A PioPin takes an eighth of a bit to rise; a slow line has time for some more.
                self.lead_us = _HARD_LEAD_US + line.time_us(1) // 32 if fine else _LEAD_MS_US
            except (TypeError, ValueError):
                pass
        self._due = self.due if self.hard else locked(self.due)
        uart = line.uart
        while hasattr(uart, "raw"):  # see umb.port.quirks
            uart = uart.raw
        self._uart = uart
        self.any = uart.any
        self.ticks = event is None and not hasattr(uart, "IRQ_RXIDLE")
        if event is not None:
            self._silent_us = event.watch_silence(
                line.baudrate, line.bits, line.stop, self._on_silence
            )
            return
        self._silent_us = silent_us(line)
        if self.ticks:
            self.lead_us = _TICK_LEAD_US
            timer.init(mode=Timer.PERIODIC, period=1, callback=locked(self.due))
            return
        handler = self._on_silence
        if sys.platform != "rp2":  # others may refuse hard handlers, or ignore `hard`
            handler = locked(handler)
        try:
            uart.irq(handler, uart.IRQ_RXIDLE, True)
        except ValueError:
            uart.irq(handler, uart.IRQ_RXIDLE)

    def stop(self):
        """Call nothing any more."""
        if self._event is not None:
            self._event.stop()
        elif not self.ticks:
            self._uart.irq(None, 0)
        self.timer.deinit()
        self.armed = False

    def _on_silence(self, _):
        """Have look() called: the line has fallen silent."""
        try:
            self.last_us = ticks_add(ticks_us(), -self._silent_us)
            self.count = self.any()
            if not self.scheduled:  # as look_soon(), which takes longer
                schedule(_look, self)
                self.scheduled = True
            return
        except RuntimeError:  # the scheduler's queue is full
            self.after(1000)
        except BaseException as error:  # noqa: BLE001 - look() raises it
            self.give_up(error)

    def look_soon(self):
        """Have the scheduler call look()."""
        if not self.scheduled:
            try:
                schedule(_look, self)
                self.scheduled = True
            except RuntimeError:  # its queue is full
                self.after(1000)

    def after(self, us):
        """Have due() called in so many microseconds, and not at the time given before."""
        heap_lock()  # see locked()
        try:
            self.start_timer(us)
        finally:
            heap_unlock()

    def start_timer(self, us, handler=None):
        """As after(), or have handler(_) called then. The heap has to be locked."""
        if self.ticks:  # due() is called every millisecond
            return
        self.armed = True
        us = max(us, 1)
        if handler is None:
            handler = self._due
        if self.hard:
            self._init_timer(mode=_ONE_SHOT, period=us, tick_hz=_MHZ, callback=handler, hard=True)
        else:
            self._init_timer(mode=_ONE_SHOT, period=us, tick_hz=_MHZ, callback=handler)

    def cancel(self):
        """Have due() not called, so that it does not come between two steps of the caller."""
        self.armed = False
        if self.hard:
            self.timer.deinit()


def _look(idle):
    """The scheduler calls this, and prints what it raises."""
    idle.scheduled = False
    try:
        return idle.look()
    except KeyboardInterrupt:
        idle.give_up(None)
        from .ctrl_c import send

        return send()  # no jump may follow
    except BaseException:
        idle.give_up(None)
        raise


def locked(handler):
    """Return a function that calls handler(_) with the heap locked, as interrupts do.

    MicroPython puts the frame of a function that needs more than 11 words for its variables and
    its stack on the heap, if that is not locked.
    """

    def handle(_):
        heap_lock()
        handler(_)
        heap_unlock()

    return handle


def _virtual_timer():
    """Return a timer that no one else uses."""
    try:
        return Timer(-1)
    except ValueError:
        return Timer(1)  # esp32 before 1.29 has none, and uses number 0 for IRQ_RXIDLE


class BufferedUART:
    """A UART of which a whole frame can be taken at once, from now on in the place of a Line's.

    What it has read and not found to be one frame, the Line gets from it as if it still waited.
    """

    def __init__(self, line):
        self.line = line
        self.raw = uart = line.uart
        self._any = line.any
        self._readinto = uart.readinto
        self.frame = memoryview(line.frame.adu)[_START:]
        self.data = bytearray(_LONGEST + _PIECE)
        self._at = 0  # where in `data` the bytes begin that were read, but not taken by the Line
        self.left = 0  # how many these are
        self.write = uart.write
        self.txdone = uart.txdone
        line.uart = self
        line.any = self.any

    def any(self):
        """Return how many bytes wait."""
        return self.left + self._any()

    def readinto(self, buf, n):
        """Put n of the bytes that any() has told of into buf, at most _PIECE."""
        more = n - self.left
        if more == n:
            self._readinto(buf, n)
            return
        if more > 0:  # they come behind those that are here
            self._readinto(buf, more)
            copy(self.data, self._at + self.left, buf, 0, more)
            self.left = n
        copy(buf, 0, self.data, self._at, n)
        self._at += n
        self.left -= n

    def take_frame(self, n):
        """If the n bytes that wait are one whole frame, put them at adu[6] of the Line's frame.

        Returns its length, or 0: then the Line has to follow what comes piece by piece.
        """
        line = self.line
        frame = line.frame
        if line.waiting or frame.have or not _SHORTEST <= n <= _LONGEST:
            return 0
        self._readinto(self.frame, n)
        adu = frame.adu
        # For requests of 8 bytes rtu_size() would return the same, but take longer.
        if not crc16(adu, _START, n) and (
            (n == _SHORT and 0 < adu[_START + 1] < _COUNTED_CODES)
            or rtu_size(REQUEST, adu, _START, n) == n
        ):
            return n
        copy(self.data, 0, adu, _START, n)
        self._at = 0
        self.left = n
        return 0
