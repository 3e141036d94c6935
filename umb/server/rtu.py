"""RTUServer: a Modbus slave on a serial line, with the times of SL 2.5.1.1 kept."""

from time import sleep_ms, ticks_diff, ticks_us

from micropython import const

from ..frame.rtu import REQUEST, RESPONSE, RTU, rtu_size
from ..port.uart import open_line
from . import Driver

_SHORTEST = const(4)
_LATER = const(-1)  # LATER of umb.server

# What the driver is doing.
_LISTENING = const(0)  # following the line
_HELD = const(1)  # waiting for a handler that returned LATER
_WAITING = const(2)  # waiting for the silence before the reply
_SENDING = const(3)
_SPIN_US = const(2500)  # this close to a deadline poll() stays
_FAST_X64 = const(16000)  # Line.character_x64 below which 8 characters take less than 2 ms


class RTUServer(Driver):
    """A Modbus slave on a serial line.

    uart           a UART's number, or a machine.UART or its like, whose format is then repeated:
    server         a Server, a Gateway or whatever has handle(); None: a Server of its own
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx         pins, for ports that let them be chosen
    de             the direction pin: a number, a Pin, a Signal or a callable
    de_active=1    its level while sending
    turnaround_us=0   extra time between the pin's edges and the frame, on either side
    hold_ms=20     poll() stays until a reply has left if that takes no longer than this
    gap_ms=20      a pause inside a frame that is tolerated, if it is longer than t3.5
    framer=RTU     or umb.frame.ascii.ASCII: Modbus ASCII, in which nothing depends on silence

    Raises ValueError for a wrong format or argument.
    """

    serial = True

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
        turnaround_us=0,
        hold_ms=20,
        gap_ms=20,
        framer=RTU,
    ):
        super().__init__(server)
        self._hold_us = hold_ms * 1000
        self.serves = getattr(self.server, "serves", {}.get)
        self.line = open_line(
            self,
            uart,
            baudrate=baudrate,
            bits=bits,
            parity=parity,
            stop=stop,
            tx=tx,
            rx=rx,
            de=de,
            de_active=de_active,
            turnaround_us=turnaround_us,
            gap_ms=gap_ms,
            framer=framer,
        )
        self.state = _LISTENING
        self.for_us = False  # whether the frame that is arriving is for this slave
        self._size = 0  # of the reply

    def sizes(self, buf, at, n):
        """Return where a frame at buf[at:] may end: the smallest length >= n, see frame.rtu.RTU."""
        size = rtu_size(REQUEST, buf, at, n)
        self.for_us = self.serves(buf[at])
        if buf[at] and not self.for_us:
            other = rtu_size(RESPONSE, buf, at, n)  # other slaves' answers are on the line, too
            if not size or 0 < other < size:
                return other
        return size

    def poll(self, wait_ms=0):
        """Follow the line; with wait_ms, sleep that long at most until something comes.

        Stays for the rest of a request for this slave, and from there until its reply has left,
        each if that takes no longer than hold_ms. Returns how many requests were answered.
        """
        if self.gateway is not None:
            self.gateway.poll()
        if self.state:
            if self.state == _HELD and wait_ms:
                sleep_ms(min(wait_ms, self.nap_ms()))
            return self._go_on()
        line = self.line
        frame = line.frame
        n = line.any()
        if n:
            if line.character_x64 < _FAST_X64 and not (line.waiting or frame.have):
                line.wait_for(8)  # most requests are that long: they come too fast to look twice
                n = line.waiting
        elif wait_ms and not frame.have:
            n = line.sleep(wait_ms)
        while n or frame.have:
            size = line.receive(n)
            counters = self.counters
            if frame.rejected:
                counters.bus_communication_error_count = (
                    counters.bus_communication_error_count + frame.rejected & 0xFFFF
                )
                frame.rejected = 0
            if size:
                counters.bus_message_count = counters.bus_message_count + 1 & 0xFFFF
                # The request is executed while the silence after it runs.
                self.answer(self.server.handle(frame.adu, size - 3, self))
                if self.state:
                    return self._go_on()
            # It stays for the rest of a request for this slave: then the time of the last byte
            # is exact.
            elif not (
                frame.have
                and self.for_us
                and line.time_us(frame.need - line.waiting) <= self._hold_us
                and line.wait_for(frame.need)
            ):
                break
            n = line.waiting
        return 0

    def answer(self, n):
        """Have a response of n bytes sent, 0: none. For handlers that returned LATER."""
        state = _LISTENING
        if n == _LATER:
            state = _HELD
        elif n:
            frame = self.line.frame
            self._size = frame.seal(frame.adu, n)
            state = _WAITING
        self.state = state

    def _go_on(self):
        """Continue with the reply that is under way. Returns 1 when it has left."""
        if self.state == _HELD:
            return 0
        line = self.line
        hold = line.time_us(self._size) + line.reply_delay_us <= self._hold_us
        if self.state == _WAITING:
            n = line.any()
            if n != line.waiting:
                line.last_us = ticks_us()
                line.waiting = n
            left_us = line.reply_delay_us - ticks_diff(ticks_us(), line.last_us)
            if n < _SHORTEST and not hold and left_us > _SPIN_US:
                return 0
            self.state = _LISTENING  # where it stays if the UART raises
            frame = line.frame
            if not line.send(frame.out, frame.start, self._size, _SHORTEST):
                return 0  # a frame arrives instead of silence: the master has moved on
            self.state = _SENDING
        if not hold and ticks_diff(line.end_us, ticks_us()) > _SPIN_US:
            return 0
        self.state = _LISTENING
        line.flush()
        if line.paced:
            line.discard_input()  # what came while it sent is its echo
        return 1

    def nap_ms(self):
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        line = self.line
        nap_ms = line.nap_ms()
        if self.state == _HELD:
            nap_ms = 1
        elif self.state or line.waiting or line.frame.have:
            nap_ms = 0
        return min(nap_ms, super().nap_ms())

    def watch(self, poller):
        """Use this select.poll from now on, see umb.serve."""
        self.line.watch(poller)
        super().watch(poller)

    def finish(self):
        """Stay until a reply that is due has left."""
        super().finish()  # a gateway answers what it gives up
        while self.state > _HELD:
            self._go_on()

    def server_close(self):
        """Let go of the line: the direction pin goes to receive."""
        self.line.release()
