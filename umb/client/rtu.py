"""RTUClient: the calls of umb.client over a serial line, with the times of SL 2.5.1.1 kept."""

from time import sleep_ms, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from ..frame.rtu import RESPONSE, RTU, rtu_size
from ..port.uart import open_line
from . import BAD_REPLY, NO_REPLY, PENDING, Client

_FRAME = const(6)  # where in the buffer an RTU frame begins
_CHUNK = const(16)

_QUIET = const(0)  # what the client is doing: waiting for the line to be silent,
_OWED = const(1)  # waiting for the answer that a caller did not wait for,
_SENDING = const(2)  # sending,
_ECHO = const(3)  # reading back what it sent,
_REPLY = const(4)  # waiting for the reply,
_TURNAROUND = const(5)  # giving everyone time after a broadcast.
_NAP_MS = const(10)  # how late a time-out may be seen
_SPIN_US = const(2500)  # this close to the end of the transmission it stays


class RTUClient(Client):
    """A client on a serial line.

    uart           a UART's number, or a machine.UART or its like, whose format is then repeated:
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx, de, de_active, turnaround_us, gap_ms   as RTUServer has them
    timeout_ms     how long a call waits for the answer, from the end of the request
    retries        how many times it asks again when no answer comes, or none that is right
    turnaround_ms  how long a broadcast takes (SL 2.4.1: 100 to 200)
    framer=RTU     or umb.frame.ascii.ASCII
    echo           the line brings back what is sent (a USB adapter with its receiver always on);
                   it is compared. A machine.UART's echo is thrown away without being asked
    """

    serial = True

    def __init__(
        self,
        uart,
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
        gap_ms=20,
        framer=RTU,
        timeout_ms=1000,
        retries=0,
        turnaround_ms=100,
        echo=False,
    ):
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
        super().__init__(self.line.frame.adu, timeout_ms, retries)
        self._turnaround_ms = turnaround_ms
        self._echo = bytearray(_CHUNK) if echo else None
        self._state = _QUIET
        self._size = 0  # of the request
        self._done = 0  # bytes of it that have come back
        self._came = False  # something came that was no answer
        self._deadline_ms = 0
        self._owed_ms = None  # until when the answer to an abandoned request may still come

    @staticmethod
    def sizes(buf, at, n):
        """Where a response at buf[at:] may end, see frame.rtu.RTU."""
        return rtu_size(RESPONSE, buf, at, n)

    def serves(self, slave_id):
        """Is this the slave that was asked? Frames of others are not searched for."""
        return slave_id == self._slave_id

    def close(self):
        """Let go of the line: the pin is at receive."""
        self.line.release()

    def clear(self):
        self._hush()
        return False

    def forward(self, n):
        """Set out to send the request PDU of n bytes that is in the buffer. Returns its status."""
        self._slave_id = self._adu[_FRAME]
        self._broadcast = self._slave_id == 0
        self._hush()
        return self.start(n)

    def response_size(self):
        """The length of the response PDU that status 0 told of; 0: it was a broadcast."""
        return self._n

    def _hush(self):
        """Throw away what is on the line. Returns whether there was something."""
        line = self.line
        if line.any():
            line.discard_input()
            line.last_us = ticks_us()
            if self._echo is None:
                self._owed_ms = None  # that was the answer; it may be no more than an echo else
            return True
        return False

    def start(self, n):
        self._n = n
        self._size = self.line.frame.seal(self._adu, n)
        self._came = False
        self._state = _QUIET if self._owed_ms is None else _OWED
        self._expire_in(self.timeout_ms)
        frame = self.line.frame
        frame.reset()
        frame.rejected = 0
        return self.advance()

    def abandon(self):
        """Give up a call: what is being sent leaves, and the next call waits for its answer."""
        if self._state == _SENDING:
            self._sent()
        if self._state > _SENDING:
            self._owed_ms = self._deadline_ms
        self._state = _QUIET

    def lend(self, adu):
        """Send from and receive into this buffer from now on.

        For gateways: a request and its reply stay where they are.
        """
        self._adu = adu
        frame = self.line.frame
        if frame.out is frame.adu:  # where it is sent from, too
            frame.out = adu
        frame.adu = adu

    def _expire_in(self, time_ms):
        self._deadline_ms = ticks_add(ticks_ms(), time_ms)

    def _expired(self):
        return ticks_diff(self._deadline_ms, ticks_ms()) <= 0

    def nap_ms(self):
        """How long one may sleep without missing when a byte comes or something is to be done."""
        line = self.line
        if self._state == _SENDING or self._state == _TURNAROUND:
            return 1
        if self._state == _REPLY and not line.waiting and not line.frame.have:
            return min(line.nap_ms(), _NAP_MS)
        return 0

    def wait(self):
        """Sleep as long as nothing can be missed; stay while the reply is coming."""
        longest_ms = self.nap_ms()
        if self._state == _REPLY:
            line = self.line
            if not longest_ms or line.sleep(longest_ms):
                line.wait_for(line.frame.need)
        elif longest_ms:
            sleep_ms(longest_ms)

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        return self._hear() if self._state == _REPLY else self._go_on()

    def _go_on(self):
        line = self.line
        if self._state == _OWED:
            self._hush()
            if self._owed_ms is not None and ticks_diff(self._owed_ms, ticks_ms()) > 0:
                return PENDING
            self._owed_ms = None
            self._state = _QUIET
            self._expire_in(self.timeout_ms)
        if self._state == _QUIET:
            quiet_us = ticks_diff(ticks_us(), line.last_us)
            if self._hush() or 0 <= quiet_us < line.reply_delay_us:
                return NO_REPLY if self._expired() else PENDING
            frame = line.frame
            line.send(frame.out, frame.start, self._size)
            self._state = _SENDING
        if self._state == _SENDING:
            if ticks_diff(line.end_us, ticks_us()) > _SPIN_US:
                if self._echo is None:
                    self._drain()
                return PENDING
            self._sent()
        if self._state == _ECHO and not self._heard_echo():
            return self._give_up()
        if self._state == _TURNAROUND:
            return 0 if self._expired() else PENDING
        return self._hear()

    def _drain(self):
        """Throw away the echo as it comes: where any() is 0 or 1 that takes long at the end."""
        try:
            self.line.discard_input()
        except OSError:
            self.line.flush()  # the pin must not stay
            raise

    def _sent(self):
        """The request has left: what comes now is its echo, or the reply."""
        line = self.line
        line.flush()
        line.last_us = ticks_us()
        self._done = 0
        late_ms = 0 if line.paced else line.time_us(self._size) // 1000  # it is still under way
        if self._echo:
            self._state = _ECHO
            self._expire_in(self.timeout_ms + late_ms)
            return
        if line.paced:
            line.discard_input()
        self._after(late_ms)

    def _after(self, late_ms):
        self._state = _REPLY
        wait_ms = self.timeout_ms
        if self._broadcast:
            self._n = 0
            self._state = _TURNAROUND
            wait_ms = self._turnaround_ms
        self._expire_in(wait_ms + late_ms)

    def _heard_echo(self):
        """Compare what comes back with what was sent. Returns whether all of it has come."""
        line = self.line
        echo = self._echo
        sent = line.frame.out
        n = line.any()
        while n and self._done < self._size:
            n = min(n, self._size - self._done, _CHUNK)
            line.uart.readinto(echo, n)
            at = line.frame.start + self._done
            for i in range(n):
                if echo[i] != sent[at + i]:
                    self._came = True
            self._done += n
            n = line.any()
        if self._done < self._size:
            return False
        line.last_us = ticks_us()
        self._after(0)
        return True

    def _hear(self):
        line = self.line
        size = line.receive(line.any())
        if size:
            if self._adu[_FRAME] == self._slave_id:
                self._n = size - 3
                return 0
            self._came = True
        return self._give_up()

    def _give_up(self):
        """Is the time up? Then why there is no answer, else that it is pending."""
        if not self._expired():
            return PENDING
        frame = self.line.frame
        came = self._came or frame.have or frame.rejected or 0 < self._done < self._size
        frame.rejected = 0
        frame.reset()
        return BAD_REPLY if came else NO_REPLY

