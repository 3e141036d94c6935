"""RTUServer: a Modbus slave on a serial line, with the times of SL 2.5.1.1 kept."""

from time import sleep_ms, ticks_diff, ticks_us

from micropython import const

from ..check import integer, wrong
from ..frame.rtu import REQUEST, RTU
from ..port.line import Line
from . import Driver

_SHORTEST = const(4)
_LATER = const(-1)  # LATER of umb.server

# What the driver is doing.
_LISTENING = const(0)  # following the line
_HELD = const(1)  # waiting for a handler that returned LATER
_WAITING = const(2)  # waiting for the silence before the reply
_REPLYING = const(3)
_LONGEST_PAUSE = const(500_000)  # milliseconds: ticks_us() tells no longer times apart
_SPIN_US = const(2500)  # this close to a deadline poll() stays,
_SHARED_SPIN_US = const(500)  # or this close, if it is run together with other lines
_IDLE_NAP_MS = const(1000)  # nothing has to be polled
_FAST_X64 = const(16000)  # as in umb.port.line
_MOST_OFTEN = const(8)  # so long are most requests


class RTUServer(Driver):
    """A Modbus slave on a serial line.

    uart           a UART's number; or a machine.UART, or an object like one, whose format has to
                   be given here as well
    server         a Server, a Gateway or whatever has handle(); None: a Server of its own
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx         pins, for ports that let them be chosen
    de             the direction pin: a number, a Pin, a Signal, a callable or a PioPin
    de_active=1    its level while sending
    idle           a PioIdle: what tells start() that the line has fallen silent, None: the UART
    turnaround_us=0   extra time between the pin's edges and the frame, on either side
    hold_ms=20     poll() stays until a reply has been sent if that takes no longer than this. A
                   longer one is sent while the program goes on, which then has to call poll()
                   again before the last bit has left, or the direction pin falls late
    gap_ms=20      the longest pause inside a frame that is tolerated, if this is longer than
                   t3.5. On a TTY the time of 64 characters is added, which USB adapters deliver
                   at once
    framer=RTU     the frames; umb.frame.ascii.ASCII for Modbus ASCII, where silence means nothing

    Raises ValueError for a wrong format or argument. Of two drivers with the number of one UART
    the one that was made first raises RuntimeError when it is served.
    """

    serial = True
    lines = 1

    def __init__(
        self,
        uart,
        server=None,
        *,
        baudrate,
        bits=8,
        parity=None,
        stop=1,
        tx=None,
        rx=None,
        de=None,
        de_active=1,
        idle=None,
        turnaround_us=0,
        hold_ms=20,
        gap_ms=20,
        framer=RTU,
    ):
        super().__init__(server)
        self.alone = self.gateway is None
        integer("hold_ms", hold_ms, 0, _LONGEST_PAUSE)
        self._hold_us = hold_ms * 1000
        if isinstance(idle, type) or not (idle is None or hasattr(idle, "watch_silence")):
            raise wrong("idle", idle)
        self.idle = idle
        self.line = Line(
            REQUEST,
            # A handler that does not tell whom it serves is asked about every frame: {}.get()
            # returns None, so none is looked for in noise.
            getattr(self.server, "serves", {}.get),
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
        )
        self.background = None  # what start() has made
        self.state = _LISTENING
        self.size = 0  # of the reply

    def poll(self, wait_ms=0):
        """Follow the line; with wait_ms, sleep that long at most until something comes.

        Stays for the rest of a request for this slave, and from there until its reply has left,
        each if that takes no longer than hold_ms. Returns how many requests were answered.
        """
        if self.background is not None:
            sleep_ms(wait_ms)
            return 0
        if self.gateway is not None:
            self.gateway.poll()
        if self.state == _LISTENING:
            self._listen(wait_ms)
        elif self.state == _HELD and wait_ms:
            sleep_ms(min(wait_ms, self.nap_ms()))
        return self._reply() if self.state > _HELD else 0

    def _listen(self, wait_ms):
        """Follow the line until a request has been handled that is going to be answered.

        It is handled while the silence behind it runs.
        """
        line = self.line
        frame = line.frame
        counters = self.counters
        n = line.any()
        if not n and wait_ms and not frame.have:
            n = line.sleep(wait_ms)
        begin_us = ticks_us()
        if (
            n
            and self.alone
            and line.character_x64 < _FAST_X64
            and not (line.waiting or frame.have)
        ):
            # A program that polls without a pause has noticed the first byte at once, so that the
            # time of the last one is exact. After a sleep there is none to lose.
            line.wait_for(_SHORTEST if wait_ms else _MOST_OFTEN)
            n = line.waiting
        while n or frame.have:
            n = line.receive(n, ticks_us())
            if frame.rejected:
                self.count_errors(frame)
            if n:
                counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
                n = self.server.handle(frame.adu, n - 3, self)
                self.prepare(n)
                if self.state:
                    return
            # It stays for more of a request for this slave: the time of its last byte is exact, if
            # little is done before it waits.
            elif not (
                frame.for_us
                and (frame.need - line.waiting) * line.character_x64 >> 6 <= self._hold_us
                and ticks_diff(line.last_us, begin_us) <= self._hold_us  # noise may never end
                and self.alone
                and line.wait_for(frame.need)
            ):
                return
            n = line.waiting

    def count_errors(self, frame):
        """Count what a frame has given up."""
        counters = self.counters
        counters.bus_communication_error_count += frame.rejected
        counters.bus_communication_error_count &= 0xFFFF
        frame.rejected = 0

    def answer(self, n):
        """Have a response of n bytes sent, 0: none. For handlers that returned LATER."""
        self.prepare(n)
        if self.background is not None:
            self.background.go_on()

    def prepare(self, n):
        """Go on to the state that a response of n bytes leads to; it is not sent yet."""
        state = _LISTENING
        if n == _LATER:
            state = _HELD
        elif n:
            frame = self.line.frame
            self.size = frame.seal(frame.adu, n)
            state = _WAITING
        self.state = state

    def _reply(self):
        """Go on with the reply. Returns 1 when it has left."""
        line = self.line
        longest_us = max(self._hold_us, _SPIN_US) if self.alone else _SHARED_SPIN_US
        if self.state == _WAITING:
            left_us = line.reply_delay_us - min(longest_us, _SPIN_US)
            if left_us > 0:  # else it stays in any case: looking would take time
                line.look()
                if (
                    0 <= ticks_diff(ticks_us(), line.last_us) < left_us
                    and line.waiting < _SHORTEST
                    and line.reply_delay_us + line.time_us(self.size) > longest_us
                ):
                    return 0
            self.state = _LISTENING  # if the UART raises, it listens from then on
            if not line.send(self.size):
                return 0  # others have sent: the reply would disturb them
            self.state = _REPLYING
        if line.sending_us() > longest_us:
            return 0
        self.state = _LISTENING
        line.flush()
        if line.exact_times:
            line.discard_input()  # what came while it sent is its echo
        return 1

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        line = self.line
        nap_ms = line.nap_ms()
        if self.background is not None:
            nap_ms = _IDLE_NAP_MS
        elif self.state == _HELD:
            nap_ms = 1
        elif self.state or line.waiting or line.frame.have:
            nap_ms = 0
        return min(nap_ms, super().nap_ms())

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        if self.background is None:
            self.line.watch(poller)
        super().watch(poller)

    def finish(self):
        """Stay until a reply that is due has left; one in the background leaves by itself."""
        super().finish()  # a gateway answers what it gives up
        while self.background is None and self.state > _HELD:
            self._reply()

    def start(self, timer=None):
        """Serve in the background from now on, whatever the program does: nobody has to poll.

        timer   a machine.Timer that nothing else uses; None: a virtual one

        Requests are handled by MicroPython's scheduler: hooks and functions of the program are
        called between two steps of what it is doing then, and should be as brief as interrupt
        handlers. What they raise is reported as ever. See Store.frozen() for values that belong
        together. The direction pin is switched within interrupts, so a `de` that is a callable
        must not allocate memory.

        The slave goes on when the program ends, until stop() or a soft reset. Raises ValueError if
        its server is a gateway, ImportError where machine has no Timer.
        """
        from .background import Background

        self.background = Background(self, timer)

    def stop(self):
        """End what start() has begun, and stay until a reply that is due has left."""
        if self.background is not None:
            self.background.stop()
        self.finish()

    def server_close(self):
        """Stop serving, and set the direction pin to receive. The UART itself stays as it is."""
        if self.background is not None:
            self.background.stop()
        self.line.release()
