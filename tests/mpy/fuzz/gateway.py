"""Kind "gateway": a Gateway between askers and lines whose slaves do what they should not.

Events are (asker, pause in us, call, scripts, leaves after us or None): a request of one of
several connections, which waits until the same one's earlier request is answered.
"""

from support.uart import Output, clock

from fuzz import calls, client_line, slaves
from fuzz.client_line import Bus, Record, Script, Verdict, decide, is_late, late_reply_us
from fuzz.frames import ascii, crc, rtu, shown
from fuzz.heap import heap
from fuzz.rng import Difference, Rng, journal

_ASKERS = 4
_EVENTS = 30
_LINES = ((1, 2, 3), (17, 247))
_LOCAL = 100  # a slave id that is served by the gateway itself
_NOBODY = 99
_IDLE_US = 20_000
_LIMIT_NS = 5_000_000_000  # no poll() takes that long
_NEVER_NS = 1 << 60
_CODES = calls.COMMON + (20, 24, 43, 12)


def draw(seed):
    """A case of a gateway."""
    rng = Rng(seed)
    setup = client_line.draw_line(rng)
    setup["lines"] = rng.choice((1, 1, 2))
    setup["every_us"] = max(setup["char_us"] // 2, rng.choice((200, 1000)))
    setup["patience_ms"] = rng.choice((5000, 100_000))
    setup["queue"] = rng.choice((8, 2))
    setup["ascii"] = rng.one_in(5)
    setup["retries"] = rng.choice((0, 0, 1))
    setup["locked"] = not rng.one_in(4)
    script = Script(rng, setup)
    present = []
    for ids in _LINES[: setup["lines"]]:
        present += ids
    events = []
    late = [None] * _ASKERS
    for number in range(_EVENTS):
        asker = rng.below(_ASKERS)
        call = calls.draw(rng, rng.choice(present), number, _CODES)
        pause = rng.choice((0, 0, 0, 1000, 30_000, 2 * script.timeout_us, 10 * script.timeout_us))
        kind = rng.below(16)
        if kind == 0:
            call = calls.broadcast(rng, number)
        elif kind == 1:
            call = (3, rng.choice((_LOCAL, 255, 0)), (number % 50, 3))
        elif kind == 2:
            call = (3, _NOBODY, (number, 1))
        late_call = rng.choice(late)
        if late_call and not rng.one_in(4):
            call, pause = calls.alike(late_call, number) or call, 0
        scripts = []
        if call[1] in present and not rng.one_in(4):
            scripts = [script.draw(call[1]) for _ in range(setup["retries"] + 1)]
        leaves = rng.below(2 * script.timeout_us) if rng.one_in(12) else None
        late[asker] = call if is_late(scripts, script.timeout_us) else None
        events.append((asker, pause, call, scripts, leaves))
    return setup, events


class Asker:
    """A connection as a network server has it: one buffer, one request at a time."""

    serial = False
    listen_only = False
    peer = ("10.0.0.1", 1)

    def __init__(self, number):
        from umb.server import Counters

        self.counters = Counters()
        self.adu = bytearray(262)
        self.gone = False
        self.number = number
        self.record = None  # of the request that waits
        self.since_us = self.leaves_us = 0
        self.verdict = Verdict(None)
        self.response = None  # once it has come

    def answer(self, n):
        """A response of n bytes is in the buffer."""
        with heap.opened:
            if self.record is None or self.response is not None:
                raise Difference("one answer", "a second one of {} bytes".format(n))
            if self.adu[:2] != bytes((0xBE, self.number)) or self.adu[6] != self.record.call[1]:
                raise Difference("transaction and slave id as they were", shown(self.adu[:7]))
            self.response = bytes(self.adu[7 : 7 + n])


class Game:
    """A Gateway, its lines and its askers."""

    def __init__(self, setup):
        from umb.gateway import Gateway
        from umb.server import Server
        from umb.store import Store

        self.setup = setup
        clock.reset(setup["wrap_us"], max(10, setup["char_us"] // 20), setup["wrap_ms"])
        heap.wanted = False
        self.records = {}
        self.broadcasts = []  # (line, PDU) of those that were sent
        self.lines = []
        self.buses = []
        self.pins = []
        for number in range(setup["lines"]):
            self.lines.append(self._line(number))
        self.registers = slaves.tags(_LOCAL, 3, 0, 100)  # what the device itself has to hold
        local = Server(Store(holding_registers=self.registers), (_LOCAL,))
        self.gateway = Gateway(
            self.lines[0],
            _LINES[0],
            setup["timeout_ms"],
            local,
            max_wait_ms=setup["patience_ms"],
            queue=setup["queue"],
        )
        for number in range(1, setup["lines"]):
            self.gateway.add(self.lines[number], _LINES[number], setup["timeout_ms"])
        self.late_until_us = {}  # {slave id: until when it may answer an earlier request}
        self.askers = [Asker(number) for number in range(_ASKERS)]

    def _line(self, number):
        from umb.client.rtu import RTUClient

        setup = self.setup
        bus = Bus(setup, lambda data, end_us: self.asked(number, data, end_us))
        pin = Output()
        baudrate, parity, stop = setup["format"]
        options = {}
        if setup["ascii"]:
            from umb.frame.ascii import ASCII

            options["framer"] = ASCII
        self.buses.append(bus)
        self.pins.append(pin)
        return RTUClient(
            bus,
            baudrate=baudrate,
            parity=parity,
            stop=stop,
            de=pin,
            gap_ms=setup["gap_ms"],
            retries=setup["retries"],
            turnaround_ms=setup["turnaround_ms"],
            echo=setup["echo"],
            **options,
        )

    def asked(self, number, data, end_us):
        """Answer a request that came out on a line."""
        slave_id, pdu = self._unframe(data)
        if slave_id == 0:
            self.broadcasts.append((number, pdu))
            return
        record = self.records.get((slave_id, pdu))
        if record is None or slave_id not in _LINES[number]:
            raise Difference("a request of an asker on line {}".format(number), shown(data))
        script = record.next_script([(2000 + 4 * self.setup["char_us"], "good", None)])
        client_line.Game.speak(_Voice(self, number), record, script, slave_id, pdu, end_us)

    def _unframe(self, data):
        if self.setup["ascii"]:
            data = bytes([int(data[i : i + 2], 16) for i in range(1, len(data) - 2, 2)])
            return data[0], data[1:-1]
        if crc(data):
            raise Difference("a right CRC", shown(data))
        return data[0], data[1:-2]

    def poll(self):
        """Let the gateway work once, and time pass."""
        clock.limit_ns = clock.now_ns + _LIMIT_NS
        heap.wanted = self.setup["locked"]
        try:
            with heap:
                self.gateway.poll()
        finally:
            heap.wanted = False
            clock.limit_ns = _NEVER_NS
        clock.now_ns += self.setup["every_us"] * 1000
        for asker in self.askers:
            if asker.response is not None:
                self.check(asker)
            elif asker.record is not None:
                asker.gone = asker.leaves_us is not None and clock.now_us() > asker.leaves_us
                self.check_wait(asker)

    def run(self, until_us):
        """Let the gateway work until then."""
        while clock.now_us() < until_us:
            self.poll()
            if self.idle():  # then it may as well be looked at less often
                left_us = until_us - clock.now_us()
                clock.now_ns += max(0, min(left_us, _IDLE_US)) * 1000

    def idle(self):
        """Return whether nobody waits and nothing is said any more."""
        now_us = clock.now_us()
        for bus in self.buses:
            if bus.speech_us + 40_000 > now_us or bus.end_ns() // 1000 + 40_000 > now_us:
                return False
        return not any(asker.record for asker in self.askers)

    def ask(self, asker, call, scripts, leaves_us):
        """Hand a request over."""
        setup = self.setup
        pdu = calls.request(call)
        asker.verdict = Verdict(None)
        self.let_between(call[1])
        spoilt_us = max([bus.spoilt_us for bus in self.buses])
        at_rest_us = max(self.late_until_us.get(call[1], 0), spoilt_us + late_reply_us(setup))
        if self.idle() and clock.now_us() > at_rest_us:
            timeout_us = setup["timeout_ms"] * 1000 - setup["lump_us"]
            asker.verdict = decide(
                call, scripts, timeout_us, setup["retries"], setup["char_us"], False
            )
        # Askers that want the same at the same time cannot be told apart by their requests.
        asker.record = self.records.get((call[1], pdu)) or Record(call, scripts)
        self.records[call[1], pdu] = asker.record
        asker.since_us = clock.now_us()
        asker.leaves_us = None if leaves_us is None else asker.since_us + leaves_us
        asker.gone = False
        asker.response = None
        asker.adu[:7] = bytes((0xBE, asker.number, 0, 0, 0, 0, call[1]))
        asker.adu[7 : 7 + len(pdu)] = pdu
        if call[1] == 0:
            self.write_own(call[0], *call[2])
        heap.wanted = setup["locked"]
        try:
            with heap:
                n = self.gateway.handle(asker.adu, len(pdu), asker)
                if n >= 0:
                    asker.answer(n)
        finally:
            heap.wanted = False
        if asker.response is not None:
            self.check(asker)

    def let_between(self, slave_id):
        """A request to this slave may come between the tries of those that wait for its line.

        So its slave may be speaking when they are made.
        """
        for asker in self.askers:
            if asker.record is not None and asker.verdict.tries > 1:
                for ids in _LINES:
                    if asker.record.call[1] in ids and (slave_id in ids or slave_id == 0):
                        asker.verdict = Verdict(None)

    def write_own(self, code, address, *values):
        """Do a broadcast for the device itself, too, if it has all of the registers."""
        own = self.registers
        if code == 16 and address + len(values[0]) <= len(own):
            own[address : address + len(values[0])] = values[0]
        elif code == 6 and address < len(own):
            own[address] = values[0]
        elif code == 22 and address < len(own):
            own[address] = own[address] & values[0] | values[1] & ~values[0] & 0xFFFF

    def check(self, asker):
        """Check an answer that has come."""
        call = asker.record.call
        got, asker.response = asker.response, None
        record, asker.record = asker.record, None
        journal.append((clock.now_us(), got))
        if not any(other.record is record for other in self.askers):
            del self.records[call[1], calls.request(call)]
        if record.may_come_late(got[1:] != b"\x0b"):
            self.late_until_us[call[1]] = clock.now_us() + late_reply_us(self.setup)
        if asker.gone:
            return
        problem = self.problem(asker, call, got, record)
        if problem:
            raise Difference(
                "{} for {} {}".format(problem, call[1], shown(calls.request(call))), shown(got)
            )

    def problem(self, asker, call, got, record):
        """What an answer should have been, or None."""
        code, slave_id, _ = call
        pdu = calls.request(call)
        if slave_id in (_LOCAL, 255) or (slave_id == 0 and code == 3):
            address, quantity = call[2]
            wanted = b"\x03\x06" + slaves.words(self.registers[address : address + quantity])
            return None if got == wanted else shown(wanted)
        if slave_id == _NOBODY:
            return None if got == b"\x83\x0a" else "exception 10"
        if slave_id == 0:
            return self._broadcast_problem(pdu, got)
        certain = asker.verdict.certain
        right = slaves.answer(slave_id, pdu)
        spoken = [what for begin_us, what in record.spoken if begin_us <= clock.now_us()]
        if got == right and "good" in spoken:
            return None
        if len(got) == 2 and got[0] == code | 0x80 and got[1] in spoken:
            wanted = ("exception", got[1])
            return None if certain in (None, wanted) else repr(certain)
        # Others may keep the line busy for so long, also if it was free when this one asked.
        if got == b"" and clock.now_us() - asker.since_us > self.setup["patience_ms"] * 1000:
            return None
        if certain is not None and certain[0] != "none":
            return shown(right)
        if got == bytes((code | 0x80, 11)):
            return None
        if got == bytes((code | 0x80, 6)) and self.setup["queue"] < _ASKERS:
            return None
        return "{} or exception 11".format(shown(right))

    def _broadcast_problem(self, pdu, got):
        if got != b"":
            return "nothing"
        for number in range(self.setup["lines"]):
            n = self.broadcasts.count((number, pdu))
            full = self.setup["queue"] < _ASKERS
            if n > 1 or (n == 0 and not full):
                return "one broadcast on line {}, not {}".format(number, n)
        return None

    def check_wait(self, asker):
        """Nobody waits for ever."""
        setup = self.setup
        frame_us = setup["char_us"] * (540 if setup["ascii"] else 260)
        one_us = 5 * setup["timeout_ms"] * 1000 + 3 * frame_us + 150_000
        one_us += 1_100_000 if setup["ascii"] else 0  # characters may be a second apart
        one_us *= setup["retries"] + 1
        if clock.now_us() - asker.since_us > _ASKERS * one_us * 2:
            raise Difference("an answer, an exception at least", "nothing")

    def drain(self):
        """Let everybody be answered."""
        while any(asker.record for asker in self.askers):
            self.poll()


class _Voice:
    """What client_line.Game.speak() takes for a game: one line of a gateway."""

    passed_on = True

    def __init__(self, game, number):
        self.bus = game.buses[number]
        self.setup = game.setup

    def frame(self, slave_id, pdu):
        return ascii(slave_id, pdu) if self.setup["ascii"] else rtu(slave_id, pdu)

    drawn = client_line.Game.drawn
    speech = client_line.Game.speech
    _spoilt = client_line.Game._spoilt
    _whole_once = client_line.Game._whole_once


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    game = Game(setup)
    for number, pause, call, scripts, leaves_us in events:
        game.run(clock.now_us() + pause)
        asker = game.askers[number]
        while asker.record is not None:
            game.poll()
        game.ask(asker, call, scripts, leaves_us)
    game.drain()
    game.run(clock.now_us() + 3_000_000 + 5000 * setup["timeout_ms"])
    for number in range(setup["lines"]):
        for slave_id in _LINES[number]:
            game.ask(game.askers[0], (3, slave_id, (9, 2)), [], None)
            game.drain()
    for pin in game.pins:
        if pin.level() != 0:
            raise Difference("pins at receive in the end", "one transmits")
    return len(events)
