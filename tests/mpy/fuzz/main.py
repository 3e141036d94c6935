"""Plays cases of one kind: micropython main.py KIND FIRST_SEED STEP SECONDS [CASES].

Without arguments it prints the names of all kinds.

It ends when the time is over, or so many cases are. It prints "N cases M checks" then. A
difference is printed with its seed, its set-up and events as Python has them, what was expected
and what came; the exit status is 1 then.
"""

import gc
import sys
from time import ticks_diff, ticks_ms  # the real ones: kinds bring a clock of their own

from fuzz import shrink

# Kinds whose cases are also played with wraps of the clocks everywhere.
WRAPPED = (
    "rtu",
    "ascii",
    "tcp",
    "client-rtu",
    "client-ascii",
    "client-aio",
    "client-tcp",
    "client-udp",
    "gateway",
    "gateway-tcp",
)
_WRAPS = "wraps-"  # before the name of a kind: its cases, with wraps everywhere
_TEXT = 400  # characters of a message
# kind: (module, name of its draw(seed)); the module has play(setup, events)
KINDS = {
    "pdu": ("fuzz.pdu", "draw"),
    "rtu": ("fuzz.server_line", "draw"),
    "rtu-rare": ("fuzz.server_line", "draw_rare"),
    "ascii": ("fuzz.server_ascii", "draw"),
    "client-rtu": ("fuzz.client_line", "draw"),
    "client-ascii": ("fuzz.client_ascii", "draw"),
    "client-aio": ("fuzz.client_aio", "draw"),
    "client-aio-tcp": ("fuzz.client_aio", "draw_tcp"),
    "gateway": ("fuzz.gateway", "draw"),
    "gateway-tcp": ("fuzz.gateway_net", "draw"),
    "gateway-rtu-tcp": ("fuzz.gateway_net", "draw_rtu"),
    "gateway-udp": ("fuzz.gateway_net", "draw_udp"),
    "tcp": ("fuzz.server_net", "draw"),
    "rtu-tcp": ("fuzz.server_net", "draw_rtu"),
    "udp": ("fuzz.server_net", "draw_udp"),
    "client-tcp": ("fuzz.client_net", "draw"),
    "client-rtu-tcp": ("fuzz.client_net", "draw_rtu"),
    "client-udp": ("fuzz.client_net", "draw_udp"),
}


class Kind:
    """A kind of cases: draw(seed) returns set-up and events, play(setup, events) plays them."""

    def __init__(self, name):
        if name.startswith(_WRAPS):
            from fuzz.wraps import Wraps

            kind = name[len(_WRAPS) :]
            # A server of networks may look after its clients in one poll or in the next, which
            # is 5 ms later and some looks at sockets.
            wraps = Wraps(Kind(kind), 6000 if kind == "tcp" else 100)
            self.draw, self.play = wraps.draw, wraps.play
            return
        module, draw = KINDS[name]
        module = __import__(module, None, None, (draw,))
        self.draw = getattr(module, draw)
        self.play = module.play


def play(name, seed):
    """Play the case of this seed. Returns (checks, None) or (0, text of the difference)."""
    kind = Kind(name)
    setup, events = kind.draw(seed)
    gc.collect()
    try:
        return kind.play(setup, events), None
    except Exception:  # noqa: BLE001 - it is played again, and looked at then
        return 0, told(kind, name, seed, setup, events)


def told(kind, name, seed, setup, events):
    """What a difference is, and the shortest case that shows it."""
    first = shrink.difference(kind.play, setup, events)
    if first is None:
        return "{} seed {}: a difference that does not come again".format(name, seed)
    events = shrink.shorter(kind.play, setup, events)
    expected, got = [short(text) for text in shrink.difference(kind.play, setup, events)]
    case = "\n  ".join(["{!r},".format(event) for event in events])
    return "kind {} seed {}\nset-up {!r}\nevents [\n  {}\n]\nexpected {}\ngot      {}".format(
        name, seed, setup, case, expected, got
    )


def short(text):
    """The beginning and the end of a long text."""
    return text if len(text) < _TEXT else text[: _TEXT // 2] + " ... " + text[-_TEXT // 2 :]


def main(name, seed, step, seconds, most=0):
    """Play cases for so long, at least one, or so many."""
    begin_ms = ticks_ms()
    cases = checks = 0
    while True:
        n, difference = play(name, seed)
        cases += 1
        checks += n
        if difference:
            print("{} cases {} checks".format(cases, checks))
            print(difference)
            return 1
        seed += step
        if cases == most or (not most and ticks_diff(ticks_ms(), begin_ms) >= seconds * 1000):
            print("{} cases {} checks".format(cases, checks))
            return 0


def names():
    """The names of all kinds."""
    return list(KINDS) + [_WRAPS + name for name in WRAPPED]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print("\n".join(names()))
        sys.exit(0)
    name, numbers = sys.argv[1], [float(text) for text in sys.argv[3:]]
    sys.exit(main(name, int(sys.argv[2]), int(numbers[0]), *numbers[1:]))
