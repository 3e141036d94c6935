"""Kinds "rtu", "rtu-rare": an RTUServer on a bus, by an exact clock, amid all that is said there.

A case's events are (gap in us, bytes, stall): a chunk that comes so long after the line fell
silent. A stall is None or (us after the chunk, for how many us): the program does not poll then.
"""

from support.boards import BOARDS
from support.rtu import spans
from support.uart import UART, Output, clock

from fuzz import device
from fuzz.frames import crc, rtu, shown
from fuzz.heap import heap
from fuzz.model import Link
from fuzz.readings import anywhere, joined, takes_from, uncertain
from fuzz.requests import OPTIONAL, STANDARD, USER
from fuzz.rng import Difference, Rng, journal
from fuzz.traffic import Others, pieces
from fuzz.ways import ways

_RATES = (1200, 9600, 19200, 38400, 115200, 921600)
_CODES = STANDARD + STANDARD + OPTIONAL + USER
_EVENTS = 30
_LIMIT_NS = 10_000_000_000  # no poll() may take that long

_PAUSES_US = (
    1_000_000,
    (1 << 29) - 1000,
    (1 << 29) + 1000,
    (1 << 30) - 1_000_000,
    (1 << 30) + 1_000_000,
    (1 << 29) * 1000 - 500_000,
    (1 << 29) * 1000 + 500_000,
    (1 << 30) * 1000 + 5_000_000,
)


def draw_line(rng, rare=False):
    """The set-up of a line: a dict of plain values. rare: it is looked at less than each t3.5."""
    baudrate = rng.choice(_RATES)
    parity = rng.choice((None, 0, 1))
    stop = rng.choice((1, 2)) if parity is None else 1
    char_us = -(-(10 + stop - 1 + (parity is not None)) * 1_000_000 // baudrate)
    every_us = [max(v, char_us // 4) for v in rng.choice(((100,), (1000,), (30, 900, 7)))]
    if rare:
        every_us = [max(5000, 4 * char_us)]
    board = rng.choice(sorted(BOARDS))
    line = dict(BOARDS[board])
    if line.get("any_") == "flag":
        line["irq"] = False  # no port that has that one does not count
    if line.get("any_") == "flag" or line.get("ring"):
        every_us = [min(v, max(1000, char_us // 2)) for v in every_us]
    if rng.one_in(8) and not line:
        line["lump"] = 1000
    elif rng.one_in(4):
        line["echo"] = True
    if rng.one_in(4):
        line["sampled"] = True
    ring = line.get("ring", 512)
    every_us = [min(v, ring * char_us // 4) for v in every_us]
    return {
        "format": (baudrate, parity, stop),
        "char_us": char_us,
        "line": line,
        "every_us": every_us,
        "wait_ms": rng.choice((0, 0, 0, 2)) if ring * char_us > 4000 else 0,
        "hold_ms": 20 if max(every_us) <= 2000 else 5000,
        "gap_ms": rng.choice((20, 20, 20, 5, 60)),
        "de_active": rng.below(2),
        "turnaround_us": rng.choice((0, 0, 0, 50)),
        "counted": line.get("any_") != "flag",
        "wrap_us": rng.below(10 ** rng.between(4, 8)),
        "wrap_ms": rng.below(10 ** rng.between(1, 5)),
    }


class Times:
    """The silences of a line, in us: when one is seen for sure, and when it ends everything."""

    def __init__(self, setup):
        baudrate, parity, stop = setup["format"]
        bits = 9 + (parity is not None) + stop
        self.t35 = 1750 if baudrate > 19200 else -(-3_500_000 * bits // baudrate)
        late = 2 * max(setup["every_us"]) + setup["wait_ms"] * 1000
        late += 2 * setup["line"].get("lump", 0)
        self.late = late + 2 * setup["char_us"] + 300
        self.seen = self.t35 + self.late
        self.sharp = late < self.t35 and setup["counted"]
        self.kept = setup["gap_ms"] * 1000 - self.late  # a hole up to this is tolerated for sure
        self.apart = max(self.t35, setup["gap_ms"] * 1000) + self.late + 2000
        self.rest = self.apart + self.late  # by then all is said
        if setup.get("ascii"):
            self.t35 = 0
            self.seen = self.late + 1000
            self.apart = 1_100_000
            self.rest = 2 * self.late + 2000


class Line:
    """An RTUServer, its UART and its program."""

    def __init__(self, setup, server, framer=None):
        from umb.server.rtu import RTUServer

        baudrate, parity, stop = setup["format"]
        self.setup = setup
        self.times = Times(setup)
        cost_us = max(1, setup["char_us"] // 100)
        clock.reset(setup["wrap_us"], cost_us, setup["wrap_ms"])
        self.uart = UART(baudrate, 8, parity, stop, cost_us=cost_us, **setup["line"])
        self.pin = Output()
        options = {} if framer is None else {"framer": framer}
        self.rtu = RTUServer(
            self.uart,
            server,
            baudrate=baudrate,
            parity=parity,
            stop=stop,
            de=self.pin,
            de_active=setup["de_active"],
            turnaround_us=setup["turnaround_us"],
            hold_ms=setup["hold_ms"],
            gap_ms=setup["gap_ms"],
            **options,
        )
        self.rtu.poll(1)  # the poller for sleeping is made when a program sleeps first
        self.end_us = clock.now_us()  # when the line falls silent
        self.heard = []
        self._turn = 0

    def poll(self):
        """Poll once, and let the program do what else it does."""
        setup = self.setup
        clock.limit_ns = clock.now_ns + _LIMIT_NS
        heap.wanted = setup["locked"]
        with heap:
            self.rtu.poll(setup["wait_ms"])
        every_us = setup["every_us"]
        clock.now_ns += every_us[self._turn] * 1000
        self._turn = (self._turn + 1) % len(every_us)

    def hear(self, gap_us, data):
        """Let data come so long after the line fell silent; poll until they have begun."""
        now_us = clock.now_us()
        begin_us = max(now_us, max(self.end_us, self.uart.end_ns() // 1000) + gap_us)
        soon_us = min(begin_us, now_us + 100_000)
        while clock.now_us() < soon_us:
            self.poll()
        if begin_us > soon_us + 100_000:
            self._idle(begin_us - 50_000)
        while clock.now_us() < begin_us:
            self.poll()
        clock.now_ns = max(clock.now_ns, begin_us * 1000)
        self.end_us = self.uart.hear(begin_us, data)
        self.heard.append((begin_us, self.end_us))

    def _idle(self, until_us):
        """Let a long time pass, days even: the program polls now and then."""
        step_us = min(max(1000, (until_us - clock.now_us()) // 100), 299_999_993)
        while clock.now_us() < until_us:
            self.poll()
            clock.now_ns += max(0, min(step_us, until_us - clock.now_us())) * 1000

    def settle(self, one=False):
        """Poll until all that was to be said must have been; one: until an answer has left."""
        times = self.times
        uart = self.uart
        rest_us = times.rest + self.setup["turnaround_us"] * 4
        while clock.now_us() < max(self.end_us, uart.end_ns() // 1000) + rest_us:
            self.poll()
            if one and uart.sent.n and self.pin.level() != self.setup["de_active"]:
                break

    def stall(self, after_us, for_us):
        """Do not poll for a while that begins so long after the last chunk."""
        while clock.now_us() < self.end_us + after_us:
            self.poll()
        clock.now_ns += for_us * 1000
        self.poll()
        self.end_us = max(self.end_us, clock.now_us())
        idle = 1 - self.setup["de_active"]
        if self.pin.level() != idle and clock.now_ns > self.uart.end_ns() + 1_000_000:
            raise Difference("the pin at receive after the first poll", "it transmits still")

    def transmissions(self):
        """What was sent without a break since the last look: (begin, end, bytes) each, in ns."""
        sent, char_ns = self.uart.sent, self.uart.char_ns
        found = []
        begin = 0
        for i in range(1, sent.n + 1):
            if i < sent.n and sent.times_ns[i] - sent.times_ns[i - 1] <= char_ns + 1:
                continue
            end_ns = sent.times_ns[begin] + self.uart.chars_ns(i - begin)
            found.append((sent.times_ns[begin], end_ns, bytes(sent.values[begin:i])))
            begin = i
        return found

    def check_pin(self, stalled):
        """Check the edges of the pin against what was sent (design: section 6), then forget."""
        sent = self.transmissions()
        try:
            edges = spans(self.pin.trace, self.setup["de_active"])
        except AssertionError as error:
            raise Difference("a pin at receive unless it sends", str(error))
        if len(edges) != len(sent):
            raise Difference(
                "{} pulses of the pin".format(len(sent)), "{} pulses".format(len(edges))
            )
        extra_ns = self.setup["turnaround_us"] * 1000
        for (up_ns, down_ns), (begin_ns, end_ns, _) in zip(edges, sent):
            lead_ns = begin_ns - up_ns - extra_ns
            hold_ns = down_ns - end_ns - extra_ns
            if lead_ns < 0 or hold_ns < 0 or (hold_ns > self.uart.char_ns and not stalled):
                raise Difference(
                    "the pin around the frame",
                    "it rises {} ns before and falls {} ns after it".format(lead_ns, hold_ns),
                )
        level = self.pin.level()
        self.pin.trace.clear()
        self.pin.trace.add(clock.now_ns, level)
        self.uart.sent.clear()
        return sent


def is_answer(data, slave_id, answer):
    """Return whether a frame of RTU is this answer of this slave."""
    return data[0] == slave_id and crc(data) == 0 and answer.fits(data[1:-2])


def draw_rare(seed):
    """A case of a program that looks at its line less often than silences last."""
    return draw(seed, True)


def draw(seed, rare=False):
    """A case on a line of RTU."""
    rng = Rng(seed)
    setup = device.draw(rng)
    setup.update(draw_line(rng, rare))
    setup["noisy"] = not rng.one_in(4)
    return case(rng, setup, Speaker, _NOISY if setup["noisy"] else _CLEAN)


def case(rng, setup, kind, kinds):
    """The set-up, and what a speaker of this kind says."""
    times = Times(setup)
    others = Others(rng, setup["ids"], calm=not setup["noisy"])
    speaker = kind(rng, setup, times, device.Twins(setup).writer(rng), others)
    while len(speaker.events) < _EVENTS:
        rng.choice(kinds)(speaker)
    speaker.asked()
    return setup, speaker.events


class Speaker:
    """Writes down what is said on the line."""

    def __init__(self, rng, setup, times, writer, others):
        self.rng = rng
        self.setup = setup
        self.times = times
        self.writer = writer
        self.others = others
        self.events = []

    def say(self, gap, data, stall=None):
        """One more chunk. On a quiet line none that ends with 00, which might count as noise."""
        if data[-1] == 0 and not self.setup["noisy"]:
            return
        rng = self.rng
        times = self.times
        gap_us = {"apart": times.apart, "silent": times.seen}[gap]
        if gap == "silent":
            gap_us += rng.choice((0, 0, 0, 100, self.setup["char_us"]))
        else:
            gap_us += rng.below(5000)
        if gap == "apart" and rng.one_in(40):
            gap_us += rng.choice(_PAUSES_US)
        self.events.append((gap_us, bytes(data), stall))

    def gap(self):
        return self.rng.choice(("apart", "silent", "silent"))

    def frame(self, slave_id, pdu):
        """A frame as this line has it."""
        return rtu(slave_id, pdu)

    def ask(self):
        """A request frame for us, or for all."""
        self.writer.unit = self.rng.choice(self.setup["ids"])
        if self.rng.one_in(8):
            self.writer.unit = 0
        return self.frame(self.writer.unit, self.writer.pdu(_CODES))

    def asked(self):
        self.say(self.gap(), self.ask())

    def asked_with_noise(self):
        rng = self.rng
        edge = self.others.edge
        frame = self.ask()
        where = rng.below(4)
        if where & 1 or not where:
            frame = edge() + frame
        if where & 2 or not where:
            frame += edge()
        self.say(self.gap(), frame)

    def asked_in_pieces(self):
        gap = "apart"
        for piece in pieces(self.rng, self.ask()):
            self.say(gap, piece)
            gap = "silent"

    def asked_twice_at_once(self):
        self.say(self.gap(), self.ask() + self.ask())

    def broken(self):
        """A frame of which something is wrong, then mostly a right one after a short silence."""
        frame = self.ask() if self.rng.one_in(2) else self.frame(self.others.id, self.others.pdu())
        self.say(self.gap(), self.others.broken(frame))
        if not self.rng.one_in(4):
            self.say("silent", self.ask())

    def noise(self):
        self.say(self.gap(), self.others.noise())
        if not self.rng.one_in(4):
            self.say("silent", self.ask())

    def others_talk(self):
        ask, reply = self.others.exchange()
        self.say(self.gap(), self.frame(self.others.id, ask))
        if reply is not None:
            self.say("silent", self.frame(self.others.id, reply))

    def others_reply_alone(self):
        _, reply = self.others.exchange()
        if reply is not None:
            self.say(self.gap(), self.frame(self.others.id, reply))

    def other_is_absent(self):
        frame = self.frame(self.others.id, self.others.pdu())
        for _ in range(self.rng.between(1, 4)):
            self.say("silent", frame)

    def others_speak_of_us(self):
        self.say(self.gap(), self.others.hides(self.ask()))

    def others_are_torn(self):
        _, reply = self.others.exchange()
        frame = self.frame(self.others.id, reply or b"\x03\x02\0\0")
        gap = self.gap()
        for piece in pieces(self.rng, frame):
            self.say(gap, piece)
            gap = "silent"

    def exception_comes_back(self):
        """An exception of ours, as an adapter may bring it back: it is no request."""
        code = self.rng.choice((0x81, 0x83, 0x90, 0xAB))
        pdu = bytes((code, self.rng.between(1, 11)))
        self.say(self.gap(), self.frame(self.rng.choice(self.setup["ids"]), pdu))

    def program_stalls(self):
        rng = self.rng
        for_us = rng.choice((50_000, 1_000_000) + _PAUSES_US[1:4])
        after_us = rng.below(self.times.t35 + 20 * self.setup["char_us"] + 5000)
        frame = self.ask()
        if rng.one_in(3):
            frame = frame[: rng.between(1, len(frame))]
        self.say("apart", frame, (after_us, for_us))


_CLEAN = (
    Speaker.asked,
    Speaker.asked,
    Speaker.others_talk,
    Speaker.others_reply_alone,
    Speaker.other_is_absent,
)
_NOISY = (
    Speaker.asked,
    Speaker.asked,
    Speaker.asked_with_noise,
    Speaker.asked_with_noise,
    Speaker.asked_in_pieces,
    Speaker.asked_twice_at_once,
    Speaker.broken,
    Speaker.broken,
    Speaker.noise,
    Speaker.noise,
    Speaker.others_talk,
    Speaker.others_reply_alone,
    Speaker.other_is_absent,
    Speaker.others_speak_of_us,
    Speaker.others_are_torn,
    Speaker.exception_comes_back,
    Speaker.program_stalls,
)


class Game:
    """Plays events and compares what umb does with what the model would."""

    def __init__(self, setup, framer=None):
        self.setup = setup
        self.twins = device.Twins(setup)
        self.line = Line(setup, self.twins.server, framer)
        link = Link(True, setup.get("ascii", False))
        link.exact = not setup["noisy"]
        # What may be, as far as could be seen: (model, link) each. There is more than one if noise
        # may have brought a request that shows nothing at once, such as to listen only.
        self.states = [(self.twins.model, link)]
        self.pieces = []  # what has come since the last silence that ends everything
        self.torn = False  # whether there was a hole among them that may be too long

    def found(self, gap_us, data):
        """The readings of the bytes so far, the last of which came after this silence."""
        if gap_us >= self.line.times.apart:
            self.pieces = []
        elif gap_us > self.line.times.kept:
            self.torn = True
        self.torn = self.torn and len(self.pieces) > 0
        self.pieces.append(data)
        found = joined(self.pieces, self.setup["ids"], self.torn)
        if len(self.pieces) > 1 and not self.line.times.sharp:
            # Polls so rare take the time between two of them for silence, inside a frame, too:
            # then a request is found if it is one as it stands, and there is room for more.
            room = sum([len(piece) for piece in self.pieces]) < 256
            found = [
                (reading[0] is True and room and reading[4] - reading[3] == len(data),)
                + reading[1:]
                for reading in found
            ]
        if not self.line.times.sharp and not (len(found) == 1 and found[0][0] is True):
            found = self.found_anywhere(found, len(data))
        return sorted(found, key=lambda reading: reading[3:])

    def found_anywhere(self, found, last):
        """These readings of the pieces, the last of which has so many bytes, and all others.

        None is certain if another one has taken some of its bytes before it is whole.
        """
        row = b"".join(self.pieces)
        known = [reading[1:] for reading in found]
        others = anywhere(row, self.setup["ids"], len(row) - last)
        others = [reading for reading in others if reading[1:] not in known]
        if any(takes_from(other, one) for one in found for other in others):
            found = uncertain(found)
        return found + others

    def is_answer(self, data, slave_id, answer):
        """Return whether these bytes are the frame of this answer."""
        return is_answer(data, slave_id, answer)

    def play(self, gap_us, data, stall):
        """One chunk. Returns how many requests there were in it."""
        found = self.found(gap_us, data)
        line = self.line
        line.hear(gap_us, data)
        if stall is not None:
            found = uncertain(found)
            line.stall(*stall)
            self.pieces = []
        if not found:
            for _, link in self.states:
                link.messages += 1  # known only where nothing is broken
            return 0
        self.pieces = []
        line.settle(len(found) == 1 and found[0][0])
        self.compare(found, data, stall)
        return len(found)

    def compare(self, found, data, stall):
        """Compare what was sent and stored with what follows from the readings."""
        twins = self.twins
        end_ns = self.line.end_us * 1000
        sent = self.line.check_pin(stall is not None)
        journal.append((clock.now_us(), sent))
        if twins.errors:
            raise Difference("no exception in a hook", repr(twins.errors))
        wrong = None
        states = []
        for model, link, count in self.ways(found, sent):
            if count == len(sent):
                wrong = twins.wrong(model)
                if not wrong:
                    _add_state(states, model, link)
        if states:
            self.states = states
            twins.model = states[0][0]
            if self.setup["counted"] and not stall and len(found) == 1:
                self.check_time(sent, end_ns, found[0][0])
            return
        if wrong is None:
            got = ", ".join([shown(row[2]) for row in sent]) or "silence"
            wrong = self.expectation(found), got
        raise Difference("{} after {}".format(wrong[0], shown(data)), wrong[1])

    def ways(self, found, sent):
        """What may have become of these readings, from each state that the server may be in."""

        def answered(i, slave_id, answer):
            return i < len(sent) and self.is_answer(sent[i][2], slave_id, answer)

        some = []
        for model, link in self.states:
            some += ways(model, link, found, answered)
        if self.setup["noisy"]:
            for _, link, _ in some:
                link.exact = False
        return some

    def expectation(self, found):
        """What each of these readings asks for, as text."""
        model, link = self.states[0]
        texts = []
        for certain, slave_id, pdu, _, _ in found:
            answer = model.copy().request(slave_id, pdu, link.copy())
            text = "silence" if answer is None else "slave {}: {!r}".format(slave_id, answer)
            texts.append(text if certain else text + " perhaps")
        return ", ".join(texts)

    def check_time(self, sent, end_ns, certain):
        """An answer comes after t3.5, and hardly later if the request was over before that."""
        times = self.line.times
        if certain is not True:
            return
        for begin_ns, _, _ in sent:
            silent_us = (begin_ns - end_ns) // 1000
            if not times.t35 - 2 <= silent_us <= times.t35 + 2 * times.late:
                raise Difference(
                    "an answer {} us after the request".format(times.t35), "%d us" % silent_us
                )

    def rest(self):
        """Nothing may be said now."""
        self.line.settle()
        sent = self.line.check_pin(True)
        if sent:
            raise Difference("silence", shown(sent[0][2]))
        self.twins.compare()


def _add_state(states, model, link):
    """Add what may be, unless it behaves as one that is there; then its counters are unsure."""
    for _, other in states:
        if other.same_mode(link):
            other.sure = other.exact = False
            return
    states.append((model, link))


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    game = Game(setup)
    n = 0
    for event in events:
        n += game.play(*event)
    game.rest()
    return n
