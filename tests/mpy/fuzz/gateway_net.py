"""Kinds "gateway-tcp", "gateway-rtu-tcp", "gateway-udp": a Gateway to a server with faults.

By an exact clock, on the network of net.py. Events are (asker, pause in us, call, scripts, leaves
after us or None, connections), as those of gateway.py and client_net.py.
"""

from fuzz import client_net  # comes first: it stands in for the modules socket, select and time

from support.uart import clock

from fuzz import calls, slaves
from fuzz.client_line import Record, is_late
from fuzz.frames import shown
from fuzz.gateway import Asker
from fuzz.rng import Difference, Rng, journal

_ASKERS = 4
_EVENTS = 25
_SLAVES = (1, 2, 17)
_OTHER_IDS = {255: 1, 0: 2, 200: 17, 3: 1}
_NOBODY = 99
_STEP_US = 500
_LONGEST_US = 60_000_000  # nobody waits that long
_CODES = calls.COMMON + (20, 24, 43, 12)


def draw(seed, framer="MBAP"):
    """A case of a gateway."""
    rng = Rng(seed)
    setup = client_net.draw_setup(rng, framer)
    setup["calm"] = rng.one_in(4)  # the server answers everything at once, nobody leaves
    setup["cache_ms"] = rng.choice((0, 0, 5, 1000))
    setup["queue"] = rng.choice((8, 8, 2))
    script = client_net.NetScript(rng, setup)
    late = [None] * _ASKERS
    events = []
    for number in range(_EVENTS):
        asker = rng.below(_ASKERS)
        call = calls.draw(rng, rng.choice(_SLAVES), number, _CODES)
        pause = rng.choice((0, 0, 0, 1000, 30_000, 2 * script.timeout_us, 10 * script.timeout_us))
        if late[asker] and not rng.one_in(4):
            call, pause = calls.alike(late[asker], number) or call, 0
        elif events and rng.one_in(6):
            code, _, arguments = rng.choice(events)[2]
            call = (code, rng.choice(_SLAVES), arguments)  # once more, maybe of another slave
        elif rng.one_in(20):
            call = (3, _NOBODY, (number, 1))
        scripts, connections, leaves = [], [], None
        if not setup["calm"]:
            if not rng.one_in(4):
                scripts = [script.draw() for _ in range(setup["retries"] + 1)]
            connections = script.connections()
            leaves = rng.below(2 * script.timeout_us) if rng.one_in(12) else None
        late[asker] = call if is_late(scripts, script.timeout_us) else None
        asked_id = rng.choice(
            [i for i in (call[1], 255, 0, 200, 3) if _OTHER_IDS.get(i, i) == call[1]]
        )
        events.append((asker, pause, call, asked_id, scripts, leaves, connections))
    return setup, events


def draw_rtu(seed):
    """A case of a gateway to RTU over TCP."""
    return draw(seed, "RTU")


def draw_udp(seed):
    """A case of a gateway to UDP."""
    return draw(seed, "UDP")


class _Asker(Asker):
    """An asker that may know the slave by another id."""

    asked_id = 0

    def answer(self, n):
        if self.record is None or self.response is not None:
            raise Difference("one answer", "a second one of {} bytes".format(n))
        if self.adu[:2] != bytes((0xBE, self.number)) or self.adu[6] != self.asked_id:
            raise Difference("transaction and slave id as they were", shown(self.adu[:7]))
        self.response = bytes(self.adu[7 : 7 + n])


class Game(client_net.Game):
    """A Gateway, its askers, and the server that the scripts make."""

    def __init__(self, setup):
        from umb.gateway import Gateway

        super().__init__(setup)
        self.records = {}  # by slave id and request PDU
        self.line_id = None  # who is asked
        self.split_us = 0  # when all parts of a frame will have come
        self.good_us = {}  # {(slave id, PDU): when it was answered rightly last}
        self.gateway = Gateway(
            self.client,
            _SLAVES,
            unit_ids=_OTHER_IDS,
            cache_ms=setup["cache_ms"],
            cached=3,
            queue=setup["queue"],
            max_wait_ms=100_000,
        )
        self.askers = [_Asker(number) for number in range(_ASKERS)]

    def answer(self, sock, transaction, slave_id, pdu):
        """Do what the script of this request says."""
        self.line_id = slave_id
        super().answer(sock, transaction, slave_id, pdu)

    def record_of(self, pdu):
        """The record of the call that this request is from."""
        return self.records.get((self.line_id, pdu))

    def speak(self, sock, at_us, kind, detail, request):
        """One of the things that a script says. Returns when it is over.

        Several requests are under way at a time. What is said to another one would go on with a
        part of a frame: nothing comes between two parts, nor behind the last that is said.
        """
        at_us = super().speak(sock, max(at_us, self.split_us), kind, detail, request)
        self.flood_us = max(self.flood_us, at_us)
        if kind == "split":
            self.split_us = at_us
        elif self.wants_more(kind) and self.setup["framer"] != "UDP":
            self.dead.append(sock)
        return at_us

    def kind_of(self, kind, pdu):
        """The kind of a speech, or one like it that a gateway can tell from a right one."""
        kind = super().kind_of(kind, pdu)
        bad = kind in ("code", "short", "long", "echo")
        return "cut" if bad and not slaves.can_be_seen(kind, pdu[0], True) else kind

    def poll(self):
        """Let the gateway work once, and time pass."""
        self.gateway.poll()
        clock.now_ns += _STEP_US * 1000
        now_us = clock.now_us()
        for asker in self.askers:
            if asker.response is not None:
                self.check(asker)
            elif asker.record is not None:
                asker.gone = asker.leaves_us is not None and now_us > asker.leaves_us
                if now_us - asker.since_us > _LONGEST_US:
                    raise Difference("an answer, an exception at least", "nothing")

    def run(self, until_us):
        """Let the gateway work until then."""
        while clock.now_us() < until_us:
            self.poll()
            if not any(asker.record for asker in self.askers):
                left_us = until_us - clock.now_us()
                clock.now_ns += max(0, min(left_us, 20_000)) * 1000

    def ask(self, asker, call, asked_id, scripts, leaves_us):
        """Hand a request over."""
        pdu = calls.request(call)
        asker.record = self.records.get((call[1], pdu)) or Record(call, scripts)
        self.records[call[1], pdu] = asker.record
        asker.since_us = clock.now_us()
        asker.leaves_us = None if leaves_us is None else asker.since_us + leaves_us
        asker.gone = False
        asker.response = None
        asker.asked_id = asked_id
        asker.adu[:7] = bytes((0xBE, asker.number, 0, 0, 0, 0, asked_id))
        asker.adu[7 : 7 + len(pdu)] = pdu
        n = self.gateway.handle(asker.adu, len(pdu), asker)
        if n >= 0:
            asker.answer(n)
            self.check(asker)

    def check(self, asker):
        """Check an answer that has come."""
        call = asker.record.call
        got, asker.response = asker.response, None
        record, asker.record = asker.record, None
        journal.append((clock.now_us(), got))
        if not any(other.record is record for other in self.askers):
            del self.records[call[1], calls.request(call)]
        if not asker.gone:
            problem = self.problem(call, got, record)
            if problem:
                asked = "{} {}".format(call[1], shown(calls.request(call)))
                raise Difference("{} for {}".format(problem, asked), shown(got))

    def problem(self, call, got, record):
        """What an answer should have been, or None."""
        code, slave_id, _ = call
        pdu = calls.request(call)
        if slave_id == _NOBODY:
            return None if got == b"\x83\x0a" else "exception 10"
        now_us = clock.now_us()
        right = slaves.answer(slave_id, pdu)
        spoken = [what for begin_us, what in record.spoken if begin_us <= now_us]
        if got == right:
            if "good" in spoken:
                self.good_us[slave_id, pdu] = now_us
                return None
            good_us = self.good_us.get((slave_id, pdu), -_LONGEST_US)
            young = now_us - good_us <= self.setup["cache_ms"] * 1000
            return None if code < 5 and young else "nothing that nobody has said"
        if self.setup["calm"] and self.setup["queue"] >= _ASKERS:
            return shown(right)
        if len(got) == 2 and got[0] == code | 0x80:
            full = got[1] == 6 and self.setup["queue"] < _ASKERS
            if got[1] == 11 or got[1] in spoken or full:
                return None
        return "{} or exception 11".format(shown(right))

    def drain(self):
        """Let everybody be answered."""
        while any(asker.record for asker in self.askers):
            self.poll()


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    game = Game(setup)
    for number, pause, call, asked_id, scripts, leaves_us, connections in events:
        game.run(clock.now_us() + pause)
        asker = game.askers[number]
        while asker.record is not None:
            game.poll()
        game.connections = list(connections)
        game.ask(asker, call, asked_id, scripts, leaves_us)
    game.drain()
    game.connections = []
    game.run(clock.now_us() + 12_000_000 + 5000 * setup["timeout_ms"])
    # A connection that hangs is given up when somebody finds that it does.
    for calm in (False, True):
        game.setup = dict(setup, calm=calm, queue=8)
        for slave_id in _SLAVES:
            game.ask(game.askers[0], (3, slave_id, (9 + slave_id, 2)), slave_id, [], None)
            game.drain()
        game.run(clock.now_us() + 12_000_000)
    return len(events)
