"""A bus in memory, whose devices answer, refuse or are silent, its clock, and a Poller on it."""

from umb.client import Client
from umb.client.status import NO_REPLY, PENDING
from umb.poller import Poller
from umb.server import Counters


class Clock:
    """Milliseconds that wrap, as umb.poller.ticks has them."""

    def __init__(self, start=0):
        self.passed = 0
        self._start = start

    def ms(self):
        return self._start + self.passed & (1 << 30) - 1


class _Link:
    serial = False
    peer = None
    listen_only = False
    gone = False

    def __init__(self):
        self.counters = Counters()


class Bus(Client):
    """A client whose devices are in memory: {slave id: handler}, a Server or a function.

    handler(pdu)   returns the response PDU, None for silence, or a negative status

    A request takes `wire_ms` and the device `answer_ms`. `log` has (ms, slave id, request PDU) of
    each request, `busy_ms` how long the bus was in use.
    """

    def __init__(self, clock, devices, timeout_ms=200, wire_ms=20, answer_ms=5):
        super().__init__(bytearray(262), timeout_ms, 0)
        self.clock = clock
        self.devices = devices
        self.wire_ms = wire_ms
        self.answer_ms = answer_ms
        self.log = []
        self.busy_ms = 0
        self.cleared = self.abandoned = 0
        self.is_logging = True
        self._link = _Link()
        self._until = 0
        self._end = 0

    def open(self):
        return 0

    def close(self):
        self.abandon()

    def abandon(self):
        self.abandoned += 1

    def clear(self):
        self.cleared += 1
        return False

    def nap_ms(self):
        return 1

    def wait(self):
        self.clock.passed += 1
        return self.advance()

    def start(self, n):
        self._prepare_reply(n)
        slave_id = self._expected.slave_id
        handler = self.devices.get(slave_id)
        adu = self._adu
        if self.is_logging:
            self.log.append((self.clock.passed, slave_id, bytes(adu[7 : 7 + n])))
        self._end = NO_REPLY
        takes_ms = self._timeout_ms
        if hasattr(handler, "handle"):
            self._n = handler.handle(adu, n, self._link)
            self._end = self._expected.status(adu, self._n) if self._n else NO_REPLY
        elif handler is not None:
            answer = handler(bytes(adu[7 : 7 + n]))
            if isinstance(answer, int):
                self._end = answer
            elif answer is not None:
                adu[7 : 7 + len(answer)] = answer
                self._n = len(answer)
                self._end = self._expected.status(adu, self._n)
        if self._end != NO_REPLY:
            takes_ms = self.answer_ms
        self._until = self.clock.passed + self.wire_ms + takes_ms
        self.busy_ms += self.wire_ms + takes_ms
        return PENDING

    def advance(self):
        return PENDING if self.clock.passed < self._until else self._end


class BusPoller(Poller):
    """A Poller that lives by the clock of its bus."""

    def now_ms(self):
        return self.client.clock.ms()

    def run(self, ms, step_ms=0):
        """Poll for so long, on a board that takes step_ms for each poll().

        Each takes a millisecond more if it has nothing to do.
        """
        clock = self.client.clock
        end = clock.passed + ms
        while clock.passed < end:
            self.poll()
            clock.passed += step_ms
            if self.nap_ms():
                clock.passed += 1


class Told:
    """The hooks of a Poller, which keep what they are told."""

    def __init__(self):
        self.changes = []
        self.states = []
        self.errors = []

    def on_change(self, device, name, value):
        self.changes.append((device.slave_id, name, value))

    def on_state(self, device, state):
        self.states.append((device.slave_id, state))

    def on_error(self, device, name, error):
        self.errors.append((device.slave_id, name, error))


def polling(devices, start=0, **named):
    """A BusPoller of these devices, and what it tells."""
    told = Told()
    bus = Bus(Clock(start), devices, **named)
    poller = BusPoller(
        bus, on_change=told.on_change, on_state=told.on_state, on_error=told.on_error
    )
    return poller, told
