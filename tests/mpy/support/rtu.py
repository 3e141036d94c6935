"""An RTU slave on the line of support.uart, the program around it, and what it must never do.

Import this before anything of umb.
"""

from support.uart import UART, Output, clock  # comes first: it stands in for the module time

from array import array

from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

OURS = 17  # slave ids: the one that is served, and one that is not
OTHER = 18


def _crc_of_one(value):
    """The CRC's next value bit by bit, as SL 6.2.2 describes it."""
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_CRCS = array("H", [_crc_of_one(byte) for byte in range(256)])


def crc(data):
    """The CRC, low byte first."""
    value = 0xFFFF
    crcs = _CRCS
    for byte in data:
        value = value >> 8 ^ crcs[(value ^ byte) & 0xFF]
    return bytes((value & 0xFF, value >> 8))


def frame(slave_id, pdu):
    """The frame that carries a PDU."""
    data = bytes((slave_id,)) + pdu
    return data + crc(data)


class Bench:
    """An RTUServer whose program polls it, on a line whose characters have exact times.

    line     keywords of support.uart.UART
    wrap_us  when the ticks wrap
    options  keywords of RTUServer; de is an Output unless given
    """

    uart_class = UART

    def __init__(
        self,
        baudrate=19200,
        bits=8,
        parity=0,
        stop=1,
        *,
        handler=None,
        line=None,
        wrap_us=50_000,
        **options,
    ):
        frame_bits = 1 + bits + (parity is not None) + stop
        self.char_us = -(-frame_bits * 1_000_000 // baudrate)
        named = {"cost_us": max(2, self.char_us // 50)}
        named.update(line or {})
        self.cost_us = named["cost_us"]
        clock.reset(wrap_us, self.cost_us)
        self.uart = self.uart_class(baudrate, bits, parity, stop, **named)
        self.t35_us = 1750 if baudrate > 19200 else 3_500_000 * frame_bits // baudrate
        self.pin = options.pop("de", None)
        if self.pin is None:
            self.pin = Output()
        self._active = options.get("de_active", 1)
        self._turnaround_us = options.get("turnaround_us", 0)
        self.store = Store(200, 200, 200, 200)
        self.rtu = RTUServer(
            self.uart,
            handler or Server(self.store, (OURS,)),
            baudrate=baudrate,
            bits=bits,
            parity=parity,
            stop=stop,
            de=self.pin,
            **options,
        )
        self.late = "lump" in named  # it cannot know in time that others speak
        self.heard = []  # when each piece of what comes begins and ends
        self.line_us = 1000  # when the line falls silent, by what has been placed
        self.answered = 0

    def hear(self, data, after_us=None):
        """Let data come after a silence, of five characters unless told. Returns when it ends."""
        if after_us is None:
            after_us = max(2000, 5 * self.char_us)
        begin_us = max(self.line_us, clock.now_us()) + after_us
        self.line_us = self.uart.hear(begin_us, data)
        self.heard.append((begin_us, self.line_us))
        return self.line_us

    def run(self, for_us=60_000, every_us=0):
        """Poll every so often until the line has been silent for so long, from now on at least.

        Without every_us that is three times a character, every 20 us at most; but a tenth as often
        in silence, before anything comes and 0.5 ms and two t3.5 after the last character.
        """
        now_us = clock.now_us()
        often_us = max(every_us, self.char_us // 3, 20)
        seldom_us = every_us or 10 * often_us
        first_us = self.heard[0][0] - seldom_us if self.heard else 0
        heard_us = self.line_us + 2 * self.t35_us + 500
        uart, turn, more_us = self.uart, self.turn, 2 * self.t35_us + 500
        until_us = max(self.line_us, now_us) + for_us
        while True:
            sent_us = uart.end_ns() // 1000
            now_us = clock.now_ns // 1000
            if now_us >= until_us and now_us >= sent_us + for_us:
                break
            busy = first_us <= now_us and (now_us <= heard_us or now_us <= sent_us + more_us)
            turn(often_us if busy else seldom_us)

    def turn(self, us):
        """Poll once, and do something else for so long."""
        self.answered += self.rtu.poll()
        clock.now_ns += us * 1000

    def ask(self, pdu, slave_id=OURS, **named):
        """Send a request and return the frames of the answers to it."""
        before = len(self.replies())
        self.hear(frame(slave_id, pdu))
        self.run(**named)
        return self.replies()[before:]

    def replies(self):
        """The frames that it has sent."""
        return [data for _, _, data in self.transmissions()]

    def transmissions(self):
        """What it has sent without a break: (begin, end, bytes) each, in ns."""
        sent = self.uart.sent
        found = []
        begin = 0
        for i in range(1, sent.n + 1):
            if i < sent.n and sent.times_ns[i] - sent.times_ns[i - 1] <= self.uart.char_ns + 1:
                continue
            data = bytes(sent.values[begin:i])
            end_ns = sent.times_ns[begin] + self.uart.chars_ns(i - begin)
            found.append((sent.times_ns[begin], end_ns, data))
            begin = i
        return found

    def keeps_its_promises(self):
        """Check every edge of the pin and every silence before an answer (design section 6)."""
        edges, sent = spans(self.pin.trace, self._active), self.transmissions()
        assert len(edges) == len(sent), "%d transmissions, %d pulses" % (len(sent), len(edges))
        extra_ns = self._turnaround_us * 1000
        for (up_ns, down_ns), (begin_ns, end_ns, _) in zip(edges, sent):
            lead_ns = begin_ns - up_ns - extra_ns
            assert lead_ns >= 0, "the pin rises %d ns late" % -lead_ns
            hold_ns = down_ns - end_ns - extra_ns
            assert 0 <= hold_ns <= self.uart.char_ns, "the pin falls after %d ns" % hold_ns
            for first_us, last_us in () if self.late else self.heard:
                busy = first_us + self.char_us < begin_ns // 1000 < last_us + self.t35_us - 1
                assert not busy, "at %d us it speaks %d us after others" % (
                    begin_ns // 1000,
                    begin_ns // 1000 - last_us,
                )

    def clear(self):
        """Forget what was sent and heard."""
        level = self.pin.level()
        self.pin.trace.clear()
        self.pin.trace.add(clock.now_ns, level)
        self.uart.sent.clear()
        self.heard.clear()


def spans(trace, active):
    """The times (up, down) at which a pin went to a level and left it; it starts at the other."""
    assert trace.n and trace.values[0] == 1 - active, "the pin is not at receive from the start"
    found = []
    up_ns = None
    for i in range(1, trace.n):
        if trace.values[i] == active:
            assert up_ns is None, "the pin was active already"
            up_ns = trace.times_ns[i]
        elif up_ns is not None:
            found.append((up_ns, trace.times_ns[i]))
            up_ns = None
    assert up_ns is None, "the pin is stuck"
    return found
