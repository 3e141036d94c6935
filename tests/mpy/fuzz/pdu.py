"""Kind "pdu": Server.handle() alone, without a line: all function codes, slave ids and links."""

from fuzz import device
from fuzz.frames import shown
from fuzz.heap import heap
from fuzz.model import Link
from fuzz.requests import OPTIONAL, STANDARD, USER
from fuzz.rng import Difference, Rng

_EVENTS = 60
_CODES = STANDARD * 2 + OPTIONAL + USER + (8, 8, 11, 12)


class _Link:
    """What a driver shows a Server."""

    gone = False
    peer = None

    def __init__(self, serial):
        from umb.server import Counters

        self.serial = serial
        self.listen_only = False
        self.counters = Counters()


def draw(seed):
    """A case: its set-up and (link, slave id, PDU) each; link 3 and 4: an error on line 0 or 1."""
    rng = Rng(seed)
    setup = device.draw(rng)
    twins = device.Twins(setup)
    writer = twins.writer(rng)
    events = []
    ids = tuple(setup["ids"])
    links = rng.choice(((0,), (0, 0, 3), (0, 2), (0, 0, 2, 2, 3), (0, 0, 0, 1, 2, 2, 3, 4)))
    for _ in range(_EVENTS):
        link = rng.choice(links)
        slave_id = rng.choice(ids * 4 + (0, 0, 255, 18, rng.below(256)))
        events.append((link, slave_id, writer.pdu(_CODES) if link < 3 else b""))
    return setup, events


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    twins = device.Twins(setup)
    links = [_Link(True), _Link(True), _Link(False)]
    models = [Link(True), Link(True), Link(False)]
    adu = bytearray(262)
    for number, slave_id, pdu in events:
        if number > 2:
            links[number - 3].counters.bus_communication_error_count += 1
            models[number - 3].errors += 1
            continue
        answer = twins.model.request(slave_id, pdu, models[number])
        _ask(twins, links[number], adu, slave_id, pdu, answer)
        twins.compare()
    return len(events)


def _ask(twins, link, adu, slave_id, pdu, answer):
    n = len(pdu)
    adu[6] = slave_id
    adu[7 : 7 + n] = pdu
    link.counters.bus_message_count += 1
    server = twins.server
    heap.wanted = twins.setup["locked"]
    with heap:
        n = server.handle(adu, n, link)
    got = bytes(adu[7 : 7 + n]) if n else None
    if (got is not None if answer is None else not answer.fits(got)) or adu[6] != slave_id:
        where = "a serial line" if link.serial else "a network"
        raise Difference(
            "to {} for {} on {}: {!r}".format(shown(pdu), slave_id, where, answer or "silence"),
            shown(got),
        )
