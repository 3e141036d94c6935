"""A line's life at random: what must be answered is, once, and nothing else ever is."""

import random

from support.pdu import request, shown
from support.rtu import OTHER, OURS, Bench, frame
from support.traffic import exchanges, exchanges_with_us_inside, garbage

_RATES = (2400, 9600, 19200, 38400, 115200)
_EVERY_US = (100, 1000, 2000, 5000, 15_000)  # how often the program polls
_EVENTS = 40
_GIVE_UP_US = 20_000  # a beginning may still become a frame until then (gap_ms)


class Life:
    """A line's life, drawn from a seed.

    make       Bench, or what makes one that serves otherwise; `line` is handed on to it
    every_us   how often the program may poll, or give way: one of these
    """

    def __init__(self, seed, make=Bench, every_us=_EVERY_US, **line):
        random.seed(
            seed * 0x9E3779B1 & 0x3FFFFFFF
        )  # seeds that are near make lives that are alike
        # Without a count, silence is seen in a frame by a program that polls less often than that.
        self.every_us = random.choice(every_us[:2] if "any_" in line else every_us)
        line["echo"] = random.choice((False, True)) and "lump" not in line
        hold_ms = 20 if self.every_us <= 2000 else 200  # so rare polls cannot see to the pin
        wrap_us = random.randrange(1_000_000)
        self.bench = make(random.choice(_RATES), line=line, wrap_us=wrap_us, hold_ms=hold_ms)
        self.title = (seed, self.bench.char_us, self.every_us, line)
        self.story = []
        # Where nothing may be torn, or be taken for a frame when it is: requests to us inside.
        self.plain = exchanges()
        self.others = self.plain + exchanges_with_us_inside()
        self.garbage = garbage()
        self.may, self.must = [], []  # the answers to expect
        self.broadcast = 0
        self.n = 0

    def legal_us(self):
        """A silence between frames, the shortest or longer."""
        return self.bench.t35_us + self.bench.char_us + random.choice((0, 300, 3000, 30_000))

    def apart_us(self):
        """A silence after which whatever came before has been given up."""
        return self.bench.t35_us + _GIVE_UP_US + 2 * self.every_us + random.randrange(5000)

    def request(self):
        """A correct request to us, unlike any before; its answer is the same."""
        self.n += 1
        return frame(OURS, request(6, self.n, 0x1100 + self.n))

    def hear(self, data, after_us, torn=False):
        """Let it come, with a hole or two if torn."""
        if torn:
            self.story.append("torn")
        while torn and len(data) > 1 and random.getrandbits(1):
            at = random.randrange(1, len(data))
            self.say(data[:at], after_us)
            data, after_us = data[at:], random.choice((1000, 3000, 10_000))
        self.say(data, after_us)

    def say(self, data, after_us):
        end_us = self.bench.hear(data, after_us)
        self.story.append("%d us: %s" % (end_us, shown(data)))

    def rest(self):
        """The client waits for an answer, or for its time to be over."""
        self.bench.run(40_000 + 2 * self.every_us, self.every_us)
        self.check()
        del self.story[:-3]

    # what may happen

    def we_are_asked(self):
        self.must.append(self.request())
        self.hear(self.must[-1], self.apart_us(), torn=True)
        self.rest()

    def we_are_asked_soon(self):
        self.may.append(self.request())
        self.hear(self.may[-1], random.choice((0, 500, self.legal_us())))
        self.rest()

    def we_are_asked_and_not_waited_for(self):
        self.may.append(self.request())
        self.hear(self.may[-1], self.apart_us())
        self.hear(random.choice(self.plain)[0], random.choice((0, 2)) * self.bench.char_us)

    def all_are_told(self):
        self.broadcast += 1
        self.hear(frame(0, request(6, 0, self.broadcast)), self.apart_us(), torn=True)
        self.rest()
        assert self.bench.store.holding_registers[0] == self.broadcast, self.told("ignored")

    def others_talk(self):
        ask, reply = random.choice(self.others)
        self.hear(ask, self.legal_us())
        self.hear(reply, self.legal_us())

    def others_are_torn(self):
        ask, reply = random.choice(self.plain)
        self.hear(ask, self.legal_us(), torn=True)
        self.hear(reply, self.legal_us(), torn=True)
        self.rest()

    def others_are_absent(self):
        self.hear(random.choice(self.others)[0], self.legal_us())
        self.rest()

    def others_repeat(self):
        again = frame(OTHER, request(3, 0, 4))
        for _ in range(random.randrange(1, 5)):
            self.hear(again, self.legal_us())

    def it_crackles(self):
        n = random.choice((1, 2, 3, 8, 30, 256, 300))
        data = bytes(random.getrandbits(8) for _ in range(n))
        self.hear(data, random.choice((0, 1000, 30_000)))

    def it_is_spoilt(self):
        self.hear(random.choice(self.garbage)[1], random.choice((0, self.legal_us())), torn=True)

    def live(self):
        for _ in range(_EVENTS):
            random.choice(_EVENTS_OF_LIFE)(self)
        self.we_are_asked()

    def check(self):
        left = self.bench.replies()
        for answer in self.must:
            assert left.count(answer) == 1, self.told("must be answered once: " + shown(answer))
            left.remove(answer)
        for answer in left:
            assert answer in self.may, self.told("must not be said: " + shown(answer))
            self.may.remove(answer)
        try:
            self.bench.keeps_its_promises()
        except AssertionError as error:
            raise AssertionError(self.told(str(error)))
        self.bench.clear()
        self.must.clear()
        self.may.clear()

    def told(self, what):
        return "%s\n%s %s" % ("\n".join(self.story[-12:]), what, self.title)


_EVENTS_OF_LIFE = (
    Life.we_are_asked,
    Life.we_are_asked,
    Life.we_are_asked_soon,
    Life.we_are_asked_and_not_waited_for,
    Life.all_are_told,
    Life.others_talk,
    Life.others_talk,
    Life.others_are_torn,
    Life.others_are_absent,
    Life.others_repeat,
    Life.it_crackles,
    Life.it_is_spoilt,
)


def live(seeds, **named):
    """Live with each of the seeds."""
    for seed in seeds:
        Life(seed, **named).live()
