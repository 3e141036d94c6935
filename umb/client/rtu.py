"""RTUClient: the calls of umb.client over a serial line, with the times of SL 2.5.1.1 kept."""

import sys
from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from ..check import integer
from ..fast import copy, crc16
from ..frame.rtu import RESPONSE, RTU
from ..port.line import Line
from . import LONGEST_MS, Client, boolean
from .late import LateReplies, fingerprint_of
from .other_masters import goes_both_ways, is_request
from .status import BAD_REPLY, LATE_REPLY, NO_CONNECTION, NO_REPLY, PENDING, REWRITE

_FRAME = const(6)  # where in the buffer an RTU frame begins
_CRC = const(2)  # bytes of a CRC
_ENDS = const(3)  # by how much a frame is longer than its PDU
_PIECE = const(32)  # the most that is read from the UART at once
_ECHO_PIECE = const(16)  # how much of an echo is read at once
_SHORTEST = const(4)  # slave id, function code, CRC
_SHORTEST_REPLY = const(5)  # an exception response
_NOISE = const(3)  # bytes before a frame, and behind it, that do not count
_LONGEST = const(256)  # SL 2.5.1.1
_LONGEST_CHARACTERS = const(513)  # of a frame of ASCII
_SILENT_CHARACTERS = const(4)

_ON_THE_WAY = ("_new_read", "_call", "begin", "_start", "start", "_send", "_take_reply", "release")
# What the client is doing.
_IDLE = const(0)  # no request is under way
_AWAITING = const(1)  # waiting for a late reply
_SILENCE = const(2)  # waiting for the line to be silent
_SENDING = const(3)
_ECHO = const(4)  # reading back what it sent
_REPLY = const(5)  # waiting for the reply
_TURNAROUND = const(6)  # giving every slave its time after a broadcast
_POLL_MS = const(10)  # how late a time-out may be noticed
_INEXACT_MS = const(10)  # the error of times in milliseconds
# A Pico's UART wakes nobody for a few bytes: while one sleeps for a millisecond, a reply as short
# as this comes and goes, and nobody knows when its silence began.
_WAKES_LATE = sys.platform == "rp2"
_SHORT_REPLY_US = const(1500)
_SHORT_NAP_US = const(100)
_SHORT_NAPS = const(10)
_SPIN_US = const(2500)  # this close to the end of the transmission it stays


class RTUClient(Client):
    """A client on a serial line.

    uart           a UART's number; or a machine.UART, or an object like one, whose format has to
                   be given here as well
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx, de, de_active, turnaround_us, gap_ms   as RTUServer has them
    framer=RTU     or umb.frame.ascii.ASCII
    timeout_ms     how long a call waits until the reply begins, from the end of the request. A
                   reply that is arriving then is received to its end
    retries, pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    broadcast      whether slave id 0 is everybody (SL 2.1); False: a device, which may answer with
                   any slave id
    turnaround_ms  how long a broadcast takes (SL 2.4.1: 100 to 200)
    echo           whether the line brings back what is sent, as a USB adapter does whose receiver
                   is always on: it is read and compared. The echo on a machine.UART is thrown away
                   in any case

    A value that is returned belongs to the request: umb.client.late.LateReplies says how, and what
    that costs. Raises ValueError for a wrong format or argument.
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
        pause_ms=0,
        busy_pause_ms=0,
        strict=True,
        broadcast=True,
        turnaround_ms=100,
        echo=False,
    ):
        self.line = line = Line(
            RESPONSE,
            self.serves,
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
        super().__init__(line.frame.adu, timeout_ms, retries, pause_ms, busy_pause_ms, strict)
        integer("turnaround_ms", turnaround_ms, 0, LONGEST_MS)
        boolean("broadcast", broadcast)
        boolean("echo", echo)
        self.broadcast = broadcast
        self.connected = True
        self._own_adu = self._adu  # _adu may be the buffer of a gateway's client, see forward()
        self._last_adu = None  # the buffer with the last request that was sent
        self._overwritten = False  # a late reply has overwritten the request PDU
        inexact_ms = _INEXACT_MS + line.time_us(1) // 1000 + (0 if line.exact_times else gap_ms)
        self._late = LateReplies(line.time_us(_LONGEST_CHARACTERS) // 1000, inexact_ms)
        # ASCII asks for no silence, but others may be in the middle of a frame.
        self._silence_us = line.reply_delay_us or line.time_us(_SILENT_CHARACTERS)
        self._pause_us = max(gap_ms * 1000, line.gap_us)  # the longest inside a reply
        self._turnaround_ms = turnaround_ms
        self._echo = bytearray(_ECHO_PIECE) if echo else None
        self._state = _IDLE
        self._size = 0  # of the request frame
        self._echoed = 0  # how many of its bytes have come back
        self._rejected = False  # something was received that is no reply to this request
        self._reply_size = 0  # how long the reply's frame is, 0: that cannot be told
        self._known_id = -1  # the slave that was the last to answer, -1: somebody did not since
        # The way from a call to the wire, and back, bound here: to look a method up in an object
        # with so many attributes, and then in its classes, takes 15 to 30 us.
        for name in _ON_THE_WAY:
            setattr(self, name, getattr(self, name))
        self._send_frame = line.send

    def serves(self, slave_id):
        """Return whether this slave was asked: frames of others are not searched for."""
        return self._expected.any_id or slave_id == self._expected.slave_id

    def open(self):
        """Return the status: the line is open from the start."""
        self.connected = True
        return 0

    def close(self):
        """Let go of the line: the direction pin is at receive. The next call takes it again.

        A call that is under way ends with NoConnectionError.
        """
        self._stop_retries()
        self.abandon()
        self.line.release()
        self.connected = False

    def failure(self):
        """Return why a call could not do its work, for an error's text."""
        if not self.connected:
            return "the serial line was closed meanwhile"
        return "the serial line failed: error %d" % self._errno

    def clear(self):
        """Discard what was received without a request. Returns False.

        Where that overwrites the request PDU, advance() returns REWRITE later.
        """
        if self._late.count:
            self._take_late()
        elif self.line.any():
            self._discard_input()
        return False

    def start(self, n):
        """Set out to send the request PDU of n bytes at adu[7]. Returns its status."""
        line = self.line
        self._n = n
        self.connected = True
        if self._late.count:
            return self._start_later(n)
        if line.any():
            self._discard_input()
        self._size = line.frame.seal(self._adu, n)
        if not 0 <= ticks_diff(ticks_us(), line.last_us) < self._silence_us:
            return self._send()
        return self._await_silence()

    def _start_later(self, n):
        """Set out to send a request after what may be a late reply. Returns its status."""
        self._prepare_reply(n)
        self._overwritten = False
        self._state = _AWAITING
        self._expire_in(self._busy_ms())
        return self.advance()

    def _await_silence(self):
        """Set out to send the request frame after silence. Returns PENDING."""
        self._prepare_reply(self._n)
        self._state = _SILENCE
        self._expire_in(self._busy_ms())
        return PENDING

    # --- for gateways, whose requests and replies stay where they are

    def forward(self, adu, n, timeout_ms, broadcast):
        """Set out to send the request PDU of n bytes at adu[7] to the slave adu[6].

        Returns the status as advance() does. With 0 or an exception code the response PDU of
        response_size() bytes is at adu[7], too.
        """
        self._adu = adu
        expected = self._expected
        expected.slave_id = adu[_FRAME]
        expected.broadcast = broadcast
        expected.any_id = not self.strict or (adu[_FRAME] == 0 and not self.broadcast)
        expected.strict = self.strict
        expected.any_size = expected.as_bytes = False
        self._timeout_ms = timeout_ms
        self._forwarding = True
        self._last_adu = adu
        return self.start(n)

    def forwards(self, adu):
        """Return whether the last request that was sent is the one in this buffer."""
        return self._last_adu is adu

    def late_ms(self, slave_id, now_ms):
        """Return for how many milliseconds a late reply of this slave may come at most."""
        return self._late.wait_ms(slave_id, now_ms) if self._late.count else 0

    def is_sending(self):
        """Return whether a request is leaving."""
        return self._state == _SENDING

    def abandon(self):
        """Give up a request: what is being sent leaves, and the next call awaits its reply."""
        if self._state == _SENDING:
            try:
                self._sent()
            except OSError:
                self._listen(0)
        if self._state > _SENDING:
            replies = 0 if self._expected.broadcast else 1
            if self._state == _ECHO and not (self._echoed or is_request(self._adu, self._n)):
                replies += 1  # the echo will be taken for one
            self._late.timed_out(replies)
            self._late.abandoned_id = self._expected.slave_id
        self._end(0)  # the beginning of the reply stays: its rest is going to come

    # --- time

    def _busy_ms(self):
        """Return for how long a line that is not silent is waited for.

        A broadcast that is not sent is not noticed: it waits for the longest frame to end.
        """
        wait_ms = self._timeout_ms
        if self._expected.broadcast:
            wait_ms = max(wait_ms, self.line.time_us(_LONGEST_CHARACTERS) // 1000)
        return wait_ms + self._silence_us // 1000 + 1

    def _expire_in(self, wait_ms, leaving_ms=0):
        """Set the time-out: wait_ms from the end of the request, which leaves in leaving_ms."""
        self._late.timeout_ms = wait_ms
        self._late.deadline_ms = ticks_add(ticks_ms(), wait_ms + leaving_ms)

    def _left_ms(self):
        return ticks_diff(self._late.deadline_ms, ticks_ms())

    def took_ms(self):
        """Return how many milliseconds ago the request was sent."""
        return max(0, self._late.timeout_ms - self._left_ms())

    def nap_ms(self):
        """Return for how long one may sleep without missing a byte, or what is to be done."""
        line = self.line
        state = self._state
        if state in (_SENDING, _TURNAROUND):
            return 1
        if state in (_SILENCE, _ECHO) or line.waiting or line.frame.have:
            return 0
        return min(line.nap_ms(), _POLL_MS)

    def watch(self, poller):
        """Use this select.poll for sleeping from now on."""
        self.line.watch(poller)

    def sleep(self, wait_ms):
        """Sleep so long, or until the select.poll reports something."""
        self.line.sleep(wait_ms)

    def wait(self):
        """Sleep as long as nothing can be missed, stay while the reply is coming; then advance."""
        line = self.line
        state = self._state
        if state == _REPLY:
            frame = line.frame
            if frame.have or line.waiting or self._sleep_until_bytes():
                n = frame.need
                if frame.have + n == self._reply_size and _CRC <= n <= _PIECE:
                    return self._await_end(n)
                if line.wait_for(n) and line.waiting >= n == _SHORTEST and self._reply_size:
                    return self._receive_begin()
            return self._receive()
        if state == _SILENCE and line.frame.timed:
            if not line.wait_for(line.waiting + 1):
                return self._send()
        elif state == _AWAITING:
            line.sleep(self.nap_ms())
        else:
            sleep_ms(self.nap_ms())
        return self.advance()

    def _sleep_until_bytes(self):
        """Sleep until the reply may have begun. Returns how many bytes wait."""
        line = self.line
        if _WAKES_LATE and line.time_us(self._reply_size or _LONGEST) < _SHORT_REPLY_US:
            naps = _SHORT_NAPS
            while naps and not line.any():
                sleep_us(_SHORT_NAP_US)
                naps -= 1
            return line.any()
        return line.sleep(min(line.nap_ms(), _POLL_MS))

    # --- what is done in each state

    def advance(self):
        """Go on with what can be done without waiting. Returns the request's status."""
        state = self._state
        if state == _REPLY:
            return self._receive()
        if state == _AWAITING:
            return self._await_late()
        if state == _SILENCE:
            return self._send_if_silent()
        if state == _SENDING:
            return self._go_on_sending()
        if state == _ECHO:
            return self._read_echo()
        if state == _IDLE:
            return NO_CONNECTION  # closed meanwhile
        return PENDING if self._left_ms() > 0 else self._end(0)

    def _end(self, status):
        """End the request under way with this status. Returns the status."""
        self._state = _IDLE
        frame = self.line.frame
        if status < 0:  # else a whole frame was received last
            frame.reset()
            frame.rejected = 0
        if frame.adu is not self._own_adu:
            copy(self._own_adu, _FRAME, frame.adu, _FRAME, frame.have)
            if frame.out is frame.adu:
                frame.out = self._own_adu
            frame.adu = self._own_adu
        self._adu = self._own_adu
        self._forwarding = False
        return status

    def _take_late(self):
        """Receive late replies, note which slaves sent them, and discard them."""
        line = self.line
        n = line.any()
        if n or line.frame.have:
            self._overwritten = self._adu is self._own_adu
        n = line.receive(n, ticks_us())
        while n:
            self._note_late(self._own_adu, n - _ENDS)
            n = line.receive(line.any(), ticks_us())
        line.frame.rejected = 0

    def _note_late(self, adu, n):
        """Note the PDU of n bytes at adu[7], which does not answer the request under way."""
        has_form = self._late.has_form(adu, n)
        if not is_request(adu, n) and (has_form or not goes_both_ways(adu, n)):
            self._late.received(adu[_FRAME], ticks_ms(), has_form)
            if self._pauses is not None:
                self._pauses.note(adu[_FRAME], 0)

    def _await_late(self):
        """Wait for a late reply of the slave, and for what is arriving to end."""
        line = self.line
        now_us = ticks_us()
        self._take_late()
        if self.pause_left_ms(self._expected.slave_id, ticks_ms()):
            self._expire_in(self._busy_ms())  # the time-out begins when the slave can be asked
            return PENDING
        if line.frame.have:  # the beginning of what may be a late reply
            silent_us = ticks_diff(now_us, line.last_us)  # less than 0: more has come
            if silent_us < max(self._silence_us, line.gap_us) and self._left_ms() > 0:
                return PENDING
            if silent_us < self._silence_us:
                return self._end(NO_REPLY)
        if self._overwritten:
            self._overwritten = False
            return self._end(REWRITE)
        self._size = line.frame.seal(self._adu, self._n)
        return self._await_silence()

    def _send_if_silent(self):
        """Send the request frame if the line has been silent. Returns the status."""
        line = self.line
        if line.any():
            if self._late.count:
                self._state = _AWAITING
                return PENDING
            self._discard_input()
        if self._is_silent():
            return self._send()
        return PENDING if self._left_ms() > 0 else self._end(NO_REPLY)

    def _is_silent(self):
        """Return whether the line has been silent for so long that a request may be sent."""
        return not 0 <= ticks_diff(ticks_us(), self.line.last_us) < self._silence_us

    def _discard_input(self):
        """Throw away what is on the line."""
        line = self.line
        if line.any():
            line.discard_input()
            line.last_us = ticks_us()

    def _send(self):
        """Send the request frame. Returns the status."""
        frame = self.line.frame
        adu = self._adu
        if frame.adu is not adu:
            if frame.out is frame.adu:  # a frame of RTU is sent from the buffer, one of ASCII not
                frame.out = adu
            frame.adu = adu
        self._send_frame(self._size)
        self._state = _SENDING
        # While it leaves there is time for what is needed then.
        frame.reset()
        frame.rejected = 0
        self._rejected = False
        self._prepare_reply(self._n)
        late = self._late
        late.form = self._expected.head[0] << 8 | self._expected.size
        crc = crc16(adu, _FRAME, self._n + 1)
        late.fingerprint = fingerprint_of(adu, self._n, crc)
        return self._go_on_sending()

    def _prepare_reply(self, n):
        """As Client._prepare_reply(); note how long the frame of the reply is."""
        super()._prepare_reply(n)
        self._last_adu = self._adu
        self._late.slave_id = self._expected.slave_id
        size = self._expected.size + _ENDS
        self._reply_size = size if _ENDS < size <= _LONGEST and self.line.frame.timed else 0

    def _go_on_sending(self):
        line = self.line
        if line.sending_us() > _SPIN_US:
            if self._echo is None:
                self._drain()
            return PENDING
        self._sent()
        return self.advance()

    def _drain(self):
        """Discard the echo as it arrives: where any() is 0 or 1, it takes too long at the end."""
        try:
            self.line.discard_input()
        except OSError:
            self.line.flush()  # the pin must not stay at transmit
            raise

    def _sent(self):
        """The request was sent: wait for its echo, or for the reply."""
        line = self.line
        line.flush()
        line.last_us = ticks_us()
        leaving_us = 0 if line.exact_times else line.time_us(self._size)
        leaving_ms = leaving_us // 1000
        self._begin_pause(leaving_us)
        if self._echo:
            self._echoed = 0
            self._state = _ECHO
            self._expire_in(self._timeout_ms, leaving_ms)
            return
        if line.exact_times:
            line.discard_input()
        self._listen(leaving_ms)

    def _listen(self, leaving_ms):
        """Wait for the reply, or for the time that a broadcast takes."""
        wait_ms = self._timeout_ms
        self._state = _REPLY
        if self._expected.broadcast:
            self._n = 0
            self._state = _TURNAROUND
            wait_ms = self._turnaround_ms
        self._expire_in(wait_ms, leaving_ms)

    def _read_echo(self):
        """Read back what was sent, and compare it. Returns the status."""
        line = self.line
        while self._echoed < self._size:
            n = min(line.any(), self._size - self._echoed, _ECHO_PIECE)
            if not n:
                return self._time_out(self._echoed)
            line.uart.readinto(self._echo, n)
            at = line.frame.start + self._echoed
            for i in range(n):
                if self._echo[i] != line.frame.out[at + i]:
                    self._rejected = True
            self._echoed += n
        line.last_us = ticks_us()
        if self._rejected:  # another device sent at the same time: a reply cannot be trusted
            self.abandon()
            return BAD_REPLY
        self._listen(0)
        return self.advance()

    def _receive(self):
        """Go on with receiving the reply. Returns the status."""
        line = self.line
        frame = line.frame
        rejected = frame.rejected
        now_us = ticks_us()
        n = line.any()
        arrived = frame.have + n
        n = line.receive(n, now_us)
        if n:
            return self._received(n - _ENDS)
        if frame.have:
            arrived = frame.have if self._has_stopped(now_us) else 0
        else:
            arrived = arrived - line.waiting if frame.rejected != rejected else 0
        if self._is_damaged_reply(arrived):
            self._late.answered()
            return self._end(BAD_REPLY)
        return self._time_out(frame.have or frame.rejected)

    # Nearly every reply comes by way of these, which do what a frame and a line do for any.

    def _receive_begin(self):
        """Take the first bytes of what may be the reply. Returns PENDING."""
        frame = self.line.frame
        adu = self._adu
        if frame.have:
            return self._receive()
        self._take(_SHORTEST)
        if adu[_FRAME] == self._expected.slave_id and adu[7] == self._expected.head[0]:
            frame.need = self._reply_size - _SHORTEST
        else:
            frame.have = 0
            frame.need = _SHORTEST
            frame.received(_SHORTEST)
        return PENDING

    def _take(self, n):
        """Move n bytes that wait to the frame, which has to come behind them."""
        line = self.line
        frame = line.frame
        line.uart.readinto(line.piece, n)
        copy(self._adu, _FRAME + frame.have, line.piece, 0, n)
        line.waiting -= n
        frame.have += n
        frame.need -= n

    def _await_end(self, n):
        """Wait for the last n bytes of what is as long as the reply. Returns the status."""
        line = self.line
        if n > _CRC:
            if not line.wait_for(n - _CRC):
                return self._receive()
            self._take(n - _CRC)
        # Until the CRC has come there is time for what need not be done after it.
        crc = self._crc_of_reply(self._adu, self._expected)
        piece = line.piece
        if not line.wait_for(_CRC) or line.waiting > _CRC or crc < 0:
            return self._receive()
        line.uart.readinto(piece, _CRC)
        line.waiting = 0
        if piece[1] << 8 | piece[0] == crc:
            return self._take_reply()
        n = self._reply_size - _CRC
        copy(self._adu, _FRAME + n, piece, 0, _CRC)
        n = line.frame.received(_CRC)
        return self._received(n - _ENDS) if n else PENDING

    def _crc_of_reply(self, adu, expected):
        """Return the CRC of the frame at adu[6], of which only the CRC is missing.

        -1: it is not the reply.
        """
        if adu[_FRAME] != expected.slave_id or self._late.count:
            return -1
        n = self._reply_size
        # What status() would say of nearly every reply: a call more takes too long here.
        right = (
            expected.head_size == 2 and adu[8] == expected.head[1] and adu[7] == expected.head[0]
        )
        if not right and expected.status(adu, n - _ENDS):
            return -1
        return crc16(adu, _FRAME, n - _CRC)

    def _take_reply(self):
        """The reply was received. Returns the status."""
        frame = self.line.frame
        frame.have = 0  # as reset() leaves it
        frame.need = _SHORTEST
        self._n = self._reply_size - _ENDS
        self._state = _IDLE
        if self._known_id != self._expected.slave_id:
            self._late.answered()
            self._known_id = self._expected.slave_id
        if self._pauses is not None:
            self._begin_pause(ticks_diff(self.line.last_us, ticks_us()))
        return self._end(0) if self._forwarding else 0

    # --- whether what has come is the reply

    def _received(self, n):
        """Look at a frame with a PDU of n bytes. Returns the status."""
        self._n = n
        slave_id = self._adu[_FRAME]
        status = BAD_REPLY
        if self._may_answer(slave_id, n):
            status = self._expected.status(self._adu, n)
        if status < 0 and not self._is_bad_reply(slave_id, n):
            self._rejected = True
            return self._time_out(True)
        if status >= 0 and self._may_be_late(self._expected.slave_id, n, self._late.fingerprint):
            status = LATE_REPLY
        self._late.answered()
        self._begin_pause()
        return self._end(status)

    def _may_answer(self, slave_id, n):
        """Return whether a PDU of n bytes of this slave may be the reply, whatever it says."""
        if slave_id != self._expected.slave_id and not (
            self._expected.any_id and not self._may_be_late(slave_id, n, None)
        ):
            return False
        # If the form of the reply is not known, a frame may be another master's request.
        if self._expected.size or (self._expected.as_bytes and n == 2 + self._adu[8]):
            return True
        return not is_request(self._adu, n)

    def _may_be_late(self, slave_id, n, fingerprint):
        """Return whether a reply with a PDU of n bytes may answer another request than this."""
        late = self._late
        return late.count and late.expects(slave_id, self._began_ms(n), fingerprint)

    def _is_bad_reply(self, slave_id, n):
        """Return whether a frame is the reply, if a wrong one: then no other is going to come."""
        adu = self._adu
        if slave_id != self._expected.slave_id:
            self._note_late(adu, n)
            return False
        if is_request(adu, n):
            return False  # another master asks
        if goes_both_ways(adu, n) and (adu[7] < 3 or adu[7] != self._expected.head[0]):
            return False  # probably another master, too
        if not self._may_be_late(slave_id, n, None):
            return True
        # The right one may follow. This one may be damaged, not late: then one may still come.
        self._late.received(slave_id, ticks_ms(), False)
        return False

    def _has_stopped(self, now_us):
        """Return whether a frame that has begun will not go on, as receive() saw it at now_us.

        Never where an adapter is used, which may still hold the rest.
        """
        line = self.line
        silent_us = ticks_diff(now_us, line.last_us)
        return line.exact_times and line.frame.timed and silent_us >= self._pause_us

    def _is_damaged_reply(self, n):
        """Return whether n bytes that were discarded are the reply, with an error in it.

        Then the slave is not going to say more (SL 2.4.1).
        """
        if n < _SHORTEST_REPLY:
            return False
        expected = self._expected
        return expected.mismatches(self._adu, _FRAME, n) <= (n == expected.size + _ENDS)

    def _reply_us(self):
        """Return how long the reply takes at most, from its first byte until it is found.

        Noise before it is received with it, and noise behind it has to end by silence.
        """
        size = self._expected.size
        n = min(size + _ENDS, _LONGEST) if size else _LONGEST
        return self._frame_us(n + 2 * _NOISE) + self._pause_us + self._silence_us

    def _frame_us(self, n):
        """Return how long a frame takes that is n bytes long as one of RTU."""
        line = self.line
        return line.time_us(n if line.frame.timed else 2 * n + _ENDS)

    def _began_ms(self, n):
        """Return when the frame with a PDU of n bytes began that is whole now."""
        return ticks_add(ticks_ms(), -self._frame_us(n + _ENDS) // 1000)

    def _is_arriving(self):
        """Return whether the reply has begun and is not over."""
        line = self.line
        end = (
            line.frame.have if line.frame.timed else line.frame.have - 1
        )  # ASCII counts the colon
        if end <= 0:
            return line.frame.have > 0 or line.waiting > 0
        end += _FRAME
        at = min(end, _FRAME + _NOISE)
        while at > _FRAME:  # there may be noise before it
            at -= 1
            if not self._expected.mismatches(self._adu, at, end - at):
                return True
        return False

    def _time_out(self, anything_received):
        """Return PENDING, or when the time is up why there is no reply."""
        left_ms = self._left_ms()
        if left_ms > 0 or (self._is_arriving() and -1000 * left_ms <= self._reply_us()):
            return PENDING
        self._known_id = -1
        if not self._expected.broadcast:
            self._late.timed_out(1)
        return self._end(BAD_REPLY if anything_received or self._rejected else NO_REPLY)
