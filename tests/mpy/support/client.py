"""An RTUClient on the line of support.bus, and calls of it as text.

Import this before anything of umb.
"""

from support.bus import STEP_US, Bus, answer, clock  # comes first: the clock of support.uart

from support.pdu import raw, shown
from support.rtu import frame

from umb.client.rtu import RTUClient


class Bench:
    """`bus` and a `client` on it.

    replies  what is said to a request: replies(slave_id, pdu) -> bytes, (delay_us, bytes) or
             None; a script that speaks for itself calls `say`. None: slaves that have everything
    line     keywords of support.uart.UART
    options  keywords of RTUClient; de is one whose edges are checked, unless given
    """

    def __init__(self, replies=None, baudrate=19200, parity=0, *, line=None, **options):
        self.replies = replies
        self.bus = Bus(baudrate, parity, replies=self._reply, **(line or {}))
        self.char_us = self.bus.chars_ns(1) // 1000 + 1
        self.t35_us = 1750 if baudrate > 19200 else self.bus.chars_ns(7) // 2000
        options.setdefault("de", self.bus.pin)
        self.client = RTUClient(self.bus, baudrate=baudrate, parity=parity, **options)
        self.took_us = 0  # by the last call
        self.values = [9] * 5

    def _reply(self, slave_id, pdu):
        if self.replies is None:
            return self.bus.delay_us, frame(slave_id, answer(slave_id, pdu))
        reply = self.replies(slave_id, pdu)
        return (self.bus.delay_us, reply) if isinstance(reply, bytes) else reply

    def say(self, delay_us, data):
        """Let data come so long after the end of the request that is being answered.

        Returns how long after it they end.
        """
        end_us = self.bus.end_ns() // 1000
        return self.bus.hear(end_us + delay_us, data) - end_us

    def call(self, text):
        """What a call of the client returns."""
        before_us = clock.now_us()
        try:
            return eval("client." + text, {"client": self.client, "values": self.values})
        finally:
            self.took_us = clock.now_us() - before_us

    def outcome(self, text):
        """What a call returns, or the name of what it raises; the line is clean afterwards."""
        try:
            got = self.call(text)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is asked for
            got = type(error).__name__
        self.bus.is_clean()
        return got

    def expect(self, wanted, text):
        """Check a call's outcome."""
        got = self.outcome(text)
        assert got == wanted, "{}: {}, not {}".format(text, got, wanted)

    def works(self):
        """Check that slaves which do as they should are understood from now on."""
        self.replies = None
        self.client.timeout_ms = 1000
        pdu = answer(5, raw("0300100003"))
        wanted = [pdu[i] << 8 | pdu[i + 1] for i in (2, 4, 6)]
        self.expect(wanted, "read_holding_registers(5, 16, 3)")
        self.expect(7, "write_single_register(6, 1, 7)")
        self.expect(wanted[:1], "read_input_registers(5, 16, 1)")

    def be_adapter(self):
        """Make the line one like umb.port.tty: write() returns at once, and nothing tells more."""
        self.bus.pin.faults = _Forgetful()  # an adapter switches by itself
        self.client.line.exact_times = False

    def asked(self):
        """The request PDUs that have left, in hexadecimal."""
        return [shown(pdu).replace(" ", "") for _, pdu in self.bus.asked]


class _Forgetful:
    """Faults of a pin that does not matter."""

    def append(self, fault):
        pass

    def __len__(self):
        return 0


def always(text):
    """A script: every slave answers with this PDU."""
    pdu = raw(text)
    return lambda slave_id, _: frame(slave_id, pdu)


def silent(_slave_id, _pdu):
    """A script: nobody answers."""


def in_turn(*scripts):
    """A script: each of these for one request, the last one from then on."""
    left = list(scripts)

    def script(slave_id, pdu):
        one = left.pop(0) if len(left) > 1 else left[0]
        return one(slave_id, pdu)

    return script


def garbled(script):
    """That script, with a bit of the reply's CRC turned over."""

    def turned(slave_id, pdu):
        data = script(slave_id, pdu)
        return data[:-1] + bytes((data[-1] ^ 0x10,))

    return turned


__all__ = ("STEP_US", "Bench", "always", "clock", "frame", "garbled", "in_turn", "raw", "silent")
