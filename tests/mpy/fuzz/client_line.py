"""Kinds "client-rtu", "client-ascii": a client on a line whose slaves do what they should not.

Events are (pause in us, call, scripts): a call of fuzz/calls.py, and what is said to each of its
requests (fuzz/slaves.py). A request beyond its scripts is answered as it should be.
"""

from support.uart import UART, Output, _Incoming, clock

from fuzz import calls, slaves
from fuzz.frames import ascii, crc, ends, rtu, shown
from fuzz.heap import heap
from fuzz.rng import Difference, Rng, journal

_EVENTS = 25
_RATES = (1200, 9600, 19200, 115200, 921600)
_SLAVES = (1, 2, 3, 17, 247)
_NOBODY = 33  # who is never asked
_LIMIT_US = 30_000_000  # no call takes that long
_LAST = 2  # calls at the end that have to succeed
_NOISE = (b"\0", b"\xff", b"\0\0", b"\xf0\0", b"\xff\xff")
# Speeches that end a request's time for its answer, whatever comes behind them.
_DECIDES = ("good", "around", "double", "exception")
# Others' frames: they have to be passed over.
_PASSED = ("id", "other", "request")


class _Mixed(_Incoming):
    """Characters in the order of their times; those that overlap spoil one another.

    lump_ns   they are seen at multiples of that only, as through an adapter; 0: at once
    """

    def __init__(self, char_ns, lump_ns):
        super().__init__()
        self._char_ns = char_ns
        self._lump_ns = lump_ns
        self.spoilt = False  # whether two have overlapped

    def take(self):
        byte = super().take()
        self._deliver()
        return byte

    def add(self, time_ns, byte):
        self._mix(time_ns, byte)
        self._deliver()

    def _deliver(self):
        """Have the next character seen when the adapter passes it on."""
        if self._lump_ns and self.next_ns != _NEVER_NS:
            self.next_ns += -self.next_ns % self._lump_ns

    def _mix(self, time_ns, byte):
        trace = self._trace
        at = trace.n
        while self.next_ns != _NEVER_NS and at > self._next and trace.times_ns[at - 1] > time_ns:
            at -= 1
        if at == trace.n or self.next_ns == _NEVER_NS:
            if at > self._next and time_ns - trace.times_ns[at - 1] < self._char_ns - 1:
                self._spoil(at - 1, byte)
                return
            super().add(time_ns, byte)
            return
        for near in (at - 1, at):
            if self._next <= near and abs(trace.times_ns[near] - time_ns) < self._char_ns - 1:
                self._spoil(near, byte)
                return
        self._insert(at, time_ns, byte)

    def _spoil(self, at, byte):
        """A second character comes at the same time as one that is there.

        They never become 00: a frame that is short of a byte has a right CRC with one behind it.
        """
        values = self._trace.values
        values[at] = values[at] & byte or 0xFF
        self.spoilt = True

    def _insert(self, at, time_ns, byte):
        trace = self._trace
        trace.add(time_ns, byte)
        for i in range(trace.n - 1, at, -1):
            trace.times_ns[i] = trace.times_ns[i - 1]
            trace.values[i] = trace.values[i - 1]
        trace.times_ns[at] = time_ns
        trace.values[at] = byte
        self.next_ns = trace.times_ns[self._next]


_NEVER_NS = 1 << 60


class Bus(UART):
    """A UART with a line behind it. `asked(data, end_us)` is told of every request that left."""

    def __init__(self, setup, asked):
        baudrate, parity, stop = setup["format"]
        cost_us = max(10, setup["char_us"] // 20)
        ring = 4096 if setup["lump_us"] else 512
        super().__init__(baudrate, 8, parity, stop, cost_us=cost_us, ring=ring, **setup["line"])
        self._line = _Mixed(self.char_ns, setup["lump_us"] * 1000)
        if setup["lump_us"]:
            self._own = self._line  # an echo and what follows it may be in one lump
        if not setup["exact_times"]:
            self.exact_times = False
        self._asked = asked
        self._part = b""
        self.speech_us = 0  # when all that is going to be said has been
        self.spoilt_us = -_NEVER_NS  # when the last speech ends that another one spoils
        self.awaited = []  # (slave id, function code, when it ends) of every answer

    def write(self, buf, at, n):
        with heap.opened:
            self.sent.clear()
            done = super().write(buf, at, n) or 0
            self._part += bytes(buf[at : at + done])
            if done == n:
                data, self._part = self._part, b""
                self._asked(data, self.end_ns() // 1000)
        return done or None

    def is_awaited(self, slave_id, code, now_us):
        """Return whether an answer of this slave is still to come, of 3 or of this code.

        Nobody can tell it from what the slave says to another master.
        """
        for one_id, one_code, end_us in self.awaited:
            if one_id == slave_id and one_code in (3, code) and end_us >= now_us:
                return True
        return False

    def say(self, begin_us, data):
        """Let data come. Returns when they end."""
        end_us = self.hear(begin_us, data)
        self.speech_us = max(self.speech_us, end_us)
        if self._line.spoilt:
            self._line.spoilt = False
            self.spoilt_us = self.speech_us
        return end_us


def draw_line(rng):
    """The set-up of a client's line."""
    baudrate = rng.choice(_RATES)
    parity = rng.choice((None, 0, 1))
    stop = rng.choice((1, 2)) if parity is None else 1
    char_us = -(-(10 + stop - 1 + (parity is not None)) * 1_000_000 // baudrate)
    echo = rng.one_in(5)
    exact_times = not rng.one_in(5) and not echo
    gap_ms = rng.choice((20, 20, 5))
    return {
        "format": (baudrate, parity, stop),
        "char_us": char_us,
        "line": {"echo": True} if echo or (exact_times and rng.one_in(5)) else {},
        "exact_times": exact_times,
        "echo": echo,
        "timeout_ms": max(rng.choice((50, 200, 500)), 20 + 8 * char_us // 1000),
        "retries": rng.choice((0, 0, 1, 2)),
        "turnaround_ms": rng.choice((100, 20)),
        "gap_ms": gap_ms,
        "lump_us": 0 if exact_times or rng.one_in(2) else 800 * gap_ms,
        "wrap_us": rng.below(10 ** rng.between(4, 8)),
        "wrap_ms": rng.below(10 ** rng.between(1, 5)),
        "ascii": False,
    }


class Script:
    """Draws what is said to requests.

    t35_us     a silence that ends a frame, seen for sure
    late_us    how much later than its time an answer may come
    """

    def __init__(self, rng, setup):
        self.rng = rng
        self.timeout_us = setup["timeout_ms"] * 1000
        self.t35_us = max(4_000, 6 * setup["char_us"])
        self.late_us = self.timeout_us * 19 // 10  # three time-outs are what a client reckons with

    def draw(self, slave_id):
        """A script for one request."""
        rng = self.rng
        kind = rng.below(16)
        soon = rng.choice((self.t35_us, self.t35_us, 10_000, 30_000, self.timeout_us // 2))
        if kind < 5:
            return [(soon, "good", None)]
        if kind == 5:
            return []
        if kind == 6:
            return [(self.timeout_us + rng.between(1000, self.late_us), "good", None)]
        if kind == 7:
            return [(soon, "exception", rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 11, 255)))]
        if kind == 8:
            edges = (rng.choice(_NOISE + (b"",)), rng.choice(_NOISE + (b"",)))
            return [(soon, "around", edges)]
        if kind == 9:
            return [(soon, "double", None)]
        if kind < 12:
            one = self._passed(slave_id)
            return [(soon,) + one] + [(self.t35_us, "good", None)]
        bad = self._bad()
        if rng.one_in(2):
            return [(soon,) + bad]
        # A slave that speaks twice does so at once: nobody can tell whether it will.
        return [(soon,) + bad, (0, "good", None)]

    def _passed(self, slave_id):
        rng = self.rng
        kind = rng.choice(_PASSED)
        other = rng.choice([i for i in _SLAVES if i != slave_id])
        return kind, other

    def _bad(self):
        rng = self.rng
        kind = rng.choice(("crc", "cut", "code", "short", "long", "echo", "noise"))
        detail = rng.below(16)
        if kind == "code":
            detail = rng.choice((3, 4, 1, 0x41, 0x84, 16))
        elif kind == "noise":
            detail = rng.data(rng.choice((1, 2, 3, 8, 60, 256, 300)))
        return kind, detail


def draw(seed, draw_setup=draw_line):
    """A case of a client."""
    rng = Rng(seed)
    setup = draw_setup(rng)
    script = Script(rng, setup)
    events = []
    late = None  # the call whose answer is still to come
    for number in range(_EVENTS):
        slave_id = rng.choice(_SLAVES)
        call = calls.draw(rng, slave_id, number)
        pause = pause_us(rng, setup)
        if late and not rng.one_in(4):
            call, pause = calls.alike(late, number) or call, 0
        scripts = []
        if rng.one_in(20):
            call = calls.broadcast(rng, number)
        elif not rng.one_in(4):
            scripts = [script.draw(call[1]) for _ in range(setup["retries"] + 1)]
        late = call if is_late(scripts, script.timeout_us) else None
        events.append((pause, call, scripts))
    for number in range(_EVENTS, _EVENTS + _LAST):
        call = calls.draw(rng, rng.choice(_SLAVES), number)
        events.append((5 * script.timeout_us + 3_000_000, call, []))
    return setup, events


def late_reply_us(setup):
    """For how long a client may wait for an answer that does not come."""
    return 4000 * setup["timeout_ms"] + 200_000


def is_late(scripts, timeout_us):
    """Return whether an answer to the last try comes after its time."""
    return bool(scripts and scripts[-1] and scripts[-1][0][0] > timeout_us)


def pause_us(rng, setup):
    """How long the program does not call."""
    if rng.one_in(25):
        return rng.choice(
            ((1 << 29) + 500, (1 << 30) - 60_000_000, (1 << 29) * 1000 + 500_000, 900_000_000_000)
        )
    timeout_us = setup["timeout_ms"] * 1000
    return rng.choice((0, 0, 0, 1000, 20_000, timeout_us // 2, timeout_us, 3 * timeout_us))


class Verdict:
    """What has to come out of a call.

    certain   the only outcome, ("value", it), ("exception", code) or ("none",); None: not wrong
    tries     how many requests that takes
    """

    def __init__(self, certain, tries=0):
        self.certain = certain
        self.tries = tries


def decide(call, scripts, timeout_us, retries, char_us=0, sharp=True):
    """The Verdict on a call that finds everything at rest. sharp: silences are seen."""
    if call[1] == 0:
        return Verdict(("value", None), 1)
    for i in range(retries + 1):
        script = scripts[i] if i < len(scripts) else [(0, "good", None)]
        if script:
            return Verdict(_decided(call, script, timeout_us, char_us, sharp), i + 1)
    return Verdict(("none",), retries + 1)


def _decided(call, script, timeout_us, char_us, sharp):
    begin_us = 0
    for delay_us, kind, detail in script:
        begin_us += delay_us
        if begin_us > timeout_us - 12_000 - 2 * char_us:  # by then it is seen to have begun
            return None
        if kind == "exception":
            return "exception", detail
        if kind in _DECIDES:
            silent_end = call[0] == 65  # nothing but silence tells where these end
            if silent_end and (kind == "double" or (kind == "around" and detail[1])):
                return None
            if silent_end and len(script) > 1 and not sharp:
                return None
            return "value", calls.result(call)
        if kind not in _PASSED or call[0] in (15, 16) + slaves.SAME_BOTH_WAYS or kind == "other":
            return None  # what repeats the request cannot be told from an answer to it
        if kind == "request" and not sharp:
            return None  # only silence ends it: the beginning of the answer may pass for noise
        begin_us += 600 * char_us  # no frame, not even of ASCII, takes longer
    return None


class Record:
    """A call, how its requests are answered, and what has become of them."""

    def __init__(self, call, scripts):
        self.call = call
        self.scripts = scripts
        self.requests = 0
        self.spoken = []  # (when it began, "good" or an exception code)

    def may_come_late(self, answered):
        """Return whether a client may have to wait for a reply that it has not heard.

        What a slave says right behind something else cannot always be told from it.
        """
        one_of_several = max([len(script) for script in self.scripts[: self.requests]] + [0]) > 1
        return self.requests > len(self.spoken) or (one_of_several and not answered)

    def next_script(self, usual):
        """What is said to the next request."""
        self.requests += 1
        return self.scripts[self.requests - 1] if self.requests <= len(self.scripts) else usual


class Game:
    """Plays the calls of a case and compares what comes out with what may."""

    passed_on = False

    def __init__(self, setup):
        self.setup = setup
        clock.reset(setup["wrap_us"], max(10, setup["char_us"] // 20), setup["wrap_ms"])
        self.bus = Bus(setup, self.asked)
        self.pin = Output()
        self.client = self.make()
        self.record = None  # of the call at hand
        self.late_until_us = {}  # {slave id: until when it may answer an earlier request}

    def make(self):
        """The client."""
        from umb.client.rtu import RTUClient

        return self.make_from(RTUClient)

    def make_from(self, kind):
        """A client of this class."""

        setup = self.setup
        baudrate, parity, stop = setup["format"]
        options = {}
        if setup["ascii"]:
            from umb.frame.ascii import ASCII

            options["framer"] = ASCII
        return kind(
            self.bus,
            baudrate=baudrate,
            parity=parity,
            stop=stop,
            de=self.pin,
            gap_ms=setup["gap_ms"],
            timeout_ms=setup["timeout_ms"],
            retries=setup["retries"],
            turnaround_ms=setup["turnaround_ms"],
            echo=setup["echo"],
            **options,
        )

    def frame(self, slave_id, pdu):
        """A frame as this line has it."""
        return ascii(slave_id, pdu) if self.setup["ascii"] else rtu(slave_id, pdu)

    def unframe(self, data):
        """Slave id and PDU of a request that left."""
        if self.setup["ascii"]:
            data = bytes([int(data[i : i + 2], 16) for i in range(1, len(data) - 2, 2)])
            if sum(data) & 0xFF:
                raise Difference("a right LRC", shown(data))
            return data[0], data[1:-1]
        if crc(data):
            raise Difference("a right CRC", shown(data))
        return data[0], data[1:-2]

    def asked(self, data, end_us):
        """Answer a request as its script says."""
        slave_id, pdu = self.unframe(data)
        record = self.record_of(pdu)
        if record is None or slave_id != record.call[1] or pdu != calls.request(record.call):
            raise Difference("a request of {}".format(record and record.call), shown(data))
        script = record.next_script([(2000 + 4 * self.setup["char_us"], "good", None)])
        if slave_id:
            self.speak(record, script, slave_id, pdu, end_us)

    def record_of(self, _pdu):
        """The record of the call that this request is from."""
        return self.record

    def speak(self, record, script, slave_id, pdu, end_us):
        """Let it all be said; only the last of it if all has another frame in it by chance."""
        speeches = [self.drawn(row, slave_id, pdu, end_us) for row in script]
        if not self.setup["ascii"]:
            rows = [data for data, _ in speeches]
            if any(slaves.crosses(rows[:i], rows[i], slave_id) for i in range(1, len(rows))):
                speeches, script = speeches[-1:], script[-1:]
        for (data, what), (delay_us, _, _) in zip(speeches, script):
            if what is not None:
                record.spoken.append((end_us + delay_us, what))
            end_us = self.bus.say(end_us + delay_us, data)
            self.bus.awaited.append((slave_id, pdu[0], end_us))

    def drawn(self, row, slave_id, pdu, end_us):
        """The characters of a row of a script, and "good" or an exception code if that counts."""
        _, kind, detail = row
        seen, about, what = kind, detail, None
        if kind == "request" and (pdu[0] >= 65 or pdu[0] in slaves.SAME_BOTH_WAYS):
            seen = "id"  # nobody can tell it from an answer
        if seen in ("id", "other") and self.bus.is_awaited(detail, pdu[0], end_us):
            about = _NOBODY
        if kind == "double" and self.setup["ascii"] and self.setup["echo"]:
            seen = "good"  # no silence parts the second one from the next request's echo
        if kind in _DECIDES:
            what = detail if kind == "exception" else "good"
        elif not slaves.can_be_seen(kind, pdu[0], self.passed_on):
            seen = "crc"
        good = slaves.answer(slave_id, pdu)
        return self.speech(seen, about, slave_id, pdu, good), what

    def speech(self, kind, detail, slave_id, pdu, good):
        """The characters of a speech."""
        frame = self.frame
        if kind in ("crc", "cut", "noise"):
            return self._spoilt(kind, detail, frame(slave_id, good))
        if kind == "good":
            return frame(slave_id, good)
        if kind == "around":
            return self._whole_once(detail[0], frame(slave_id, good), detail[1])
        if kind == "double":
            return self._whole_once(b"", frame(slave_id, good), frame(slave_id, good))
        if kind == "id":
            return frame(detail, slaves.answer(detail, pdu))
        if kind == "other":
            return frame(detail, b"\x03\0\x01\0\x02") + frame(detail, b"\x03\x04\0\x01\0\x02")
        if kind == "request":
            return frame(slave_id, slaves.other_request(slave_id, pdu))
        return frame(slave_id, slaves.wrong(kind, detail, pdu, good))

    def _whole_once(self, before, data, behind):
        """A frame between others or noise; alone if there is another frame in that by chance."""
        said = before + data + behind
        if self.setup["ascii"] or slaves.is_whole_once(said, data):
            return said
        return data

    def _spoilt(self, kind, detail, data):
        """Characters that are no frame."""
        if kind == "noise":
            return detail
        if kind == "cut":
            n = 1 + detail % (len(data) - 1)
            while n in ends(data):  # by chance the CRC is right there
                n -= 1
            return data[:n]
        at = len(data) - (3 if self.setup["ascii"] else 2)
        return data[:at] + bytes((data[at] ^ 1 << (detail & 3),)) + data[at + 1 :]

    def outcome(self):
        """What comes out of the call at hand."""
        code, slave_id, arguments = self.record.call
        clock.limit_ns = clock.now_ns + _LIMIT_US * 1000
        try:
            return "value", calls.method(self.client, code)(slave_id, *arguments)
        except Exception as error:  # noqa: BLE001 - it is looked at
            return outcome_of(error)
        finally:
            clock.limit_ns = _NEVER_NS

    def play(self, pause, call, scripts):
        """Make a call. Returns how many requests it took."""
        clock.now_ns += pause * 1000
        now_us = clock.now_us()
        at_rest = now_us > max(self.bus.speech_us + 40_000, self.late_until_us.get(call[1], 0))
        # Nobody has heard what was spoilt: it may still be waited for.
        at_rest = at_rest and now_us > self.bus.spoilt_us + late_reply_us(self.setup)
        self.record = Record(call, scripts)
        verdict = self.verdict(call, scripts)
        begin_us = clock.now_us()
        got = self.outcome()
        journal.append((clock.now_us(), got))
        if call[1] and self.record.may_come_late(got[0] in ("value", "exception")):
            self.late_until_us[call[1]] = clock.now_us() + late_reply_us(self.setup)
        self.check(got, verdict if at_rest else Verdict(None))
        self.check_time(begin_us)
        if self.pin.level() != 0:
            raise Difference("the pin at receive after a call", "it transmits")
        self.bus.sent.clear()
        self.pin.trace.clear()
        self.pin.trace.add(clock.now_ns, 0)
        return max(1, self.record.requests)

    def verdict(self, call, scripts):
        """What has to come out of a call that finds everything at rest."""
        setup = self.setup
        timeout_us = setup["timeout_ms"] * 1000 - setup["lump_us"]
        sharp = setup["exact_times"] or setup["ascii"]
        return decide(call, scripts, timeout_us, setup["retries"], setup["char_us"], sharp)

    def check(self, got, verdict):
        """Check an outcome against the only one, or against what was said."""
        record = self.record
        wanted = verdict.certain
        if wanted is not None:
            if got != wanted:
                raise Difference("{} from {}".format(wanted, record.call), repr(got))
            if record.requests != verdict.tries:
                raise Difference("{} requests".format(verdict.tries), repr(record.requests))
            return
        check_spoken(record.call, got, record.spoken, clock.now_us())

    def check_time(self, begin_us):
        """No call may last longer than its tries can, the answer to an earlier one among them."""
        setup = self.setup
        frame_us = setup["char_us"] * (540 if setup["ascii"] else 260)
        one_us = 5 * setup["timeout_ms"] * 1000 + 3 * frame_us + 150_000
        one_us += 1_100_000 if setup["ascii"] else 0  # characters may be a second apart
        took_us = clock.now_us() - begin_us
        longest_us = one_us * (setup["retries"] + 1)
        if took_us > longest_us:
            raise Difference("no more than {} us".format(longest_us), "{} us".format(took_us))


def outcome_of(error):
    """What an exception of a call tells."""
    code = getattr(error, "error_code", None)
    if code is not None:
        return "exception", code
    if type(error).__name__ == "NoReplyError":
        return ("none",)
    if type(error).__name__ in ("BadReplyError", "NoConnectionError"):
        return ("bad",)
    raise error


def check_spoken(call, got, spoken, now_us, network=False):
    """What a call returns has to have been said, to this very call."""
    wanted = calls.result(call, network)
    if got[0] == "value" and got[1] != wanted:
        raise Difference("{} or an error from {}".format(wanted, call), repr(got[1]))
    if got[0] in ("value", "exception"):
        wanted = "good" if got[0] == "value" else got[1]
        said = [what == wanted and begin_us <= now_us for begin_us, what in spoken]
        if (call[1] or network) and not any(said):
            raise Difference("an error from {}: nobody answered it".format(call), repr(got))


def play(setup, events):
    """Play a case. Returns how many requests there were."""
    game = Game(setup)
    n = 0
    for event in events:
        n += game.play(*event)
    return n
