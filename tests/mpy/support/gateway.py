"""A Gateway between askers without a network and lines without a wire, by a clock of its own.

Import this, or support.loop, before anything of umb.
"""

from support.bus import Bus  # comes first: by the clock of support.uart
from support.pdu import Link
from support.uart import clock

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.server import LATER, Server
from umb.store import Store

TIMEOUT_MS = 100
_KEPT = 100  # answers
_POLL_NS = 50_000


class Asker(Link):
    """A connection as a TCPServer has it: one buffer, one request at a time."""

    def __init__(self):
        super().__init__()
        self.adu = bytearray(262)
        self.waits = False
        self._slave_id = 0
        self.answers = []  # the last PDUs, b"" for none,
        self.times_us = []  # and when they came

    def ask(self, gateway, slave_id, pdu):
        """Hand a request over. Returns the answer if there is one at once, else None."""
        assert not self.waits, "one at a time"
        self.adu[:6] = b"\xbe\xef\0\0\0\0"
        self.adu[6] = slave_id
        self.adu[7 : 7 + len(pdu)] = pdu
        self.waits = True
        self._slave_id = slave_id
        n = gateway.handle(self.adu, len(pdu), self)
        if n == LATER:
            return None
        self.answer(n)
        return self.answers[-1]

    def answer(self, n):
        assert self.waits, "a second answer"
        assert self.adu[:2] == b"\xbe\xef", "the transaction id was lost"
        assert self.adu[6] == self._slave_id, "the slave id was lost"
        self.waits = False
        if len(self.answers) == _KEPT:
            self.answers.pop(0)
            self.times_us.pop(0)
        self.answers.append(bytes(self.adu[7 : 7 + n]))
        self.times_us.append(clock.now_us())


class Bench:
    """A Gateway to one or more lines.

    lines    (Bus, slave ids) each
    retries, baudrate, form   of every line
    options  keywords of Gateway
    """

    def __init__(self, *lines, retries=0, local=None, baudrate=115200, form=None, **options):
        self.buses = [bus for bus, _ in lines]
        self.gateway = None
        for bus, slave_ids in lines:
            named = {"parity": 0, "retries": retries, "timeout_ms": 1}
            named.update(form or {})
            line = RTUClient(bus, baudrate=baudrate, de=bus.pin, **named)
            if self.gateway is None:
                self.gateway = Gateway(line, slave_ids, TIMEOUT_MS, local, **options)
            else:
                self.gateway.add(line, slave_ids, TIMEOUT_MS)
        self.longest_us = 0  # that poll() took

    def poll(self):
        """Let the gateway work, and a little time pass."""
        begin_us = clock.now_us()
        done = self.gateway.poll()
        self.longest_us = max(self.longest_us, clock.now_us() - begin_us)
        clock.now_ns += _POLL_NS
        return done

    def run(self, for_ms):
        """Let the gateway work for so long. Returns how many it says it has answered."""
        end_us = clock.now_us() + for_ms * 1000
        done = 0
        while clock.now_us() < end_us:
            done += self.poll()
        return done

    def until_answered(self, *askers):
        """Let the gateway work until none of them waits. Returns how long that took, in us."""
        begin_us = clock.now_us()
        for asker in askers:
            while asker.waits:
                assert clock.now_us() < begin_us + 10_000_000, "somebody is never answered"
                self.poll()
        return clock.now_us() - begin_us

    def ask(self, asker, slave_id, pdu):
        """The answer to a request, waited for; b"" for none."""
        asker.ask(self.gateway, slave_id, pdu)
        self.until_answered(asker)
        return asker.answers[-1]

    def is_clean(self):
        for bus in self.buses:
            bus.is_clean()


def bench(slave_ids=None, *, bus=None, **options):
    """A Bench with one line."""
    return Bench((bus or Bus(), slave_ids), **options)


def device(values=(), slave_ids=(100,)):
    """A local Server and its store."""
    store = Store(coils=8, holding_registers=200)
    for address, value in values:
        store.holding_registers[address] = value
    return Server(store, slave_ids), store
