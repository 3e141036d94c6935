"""Gateway.line_counters: what is counted of each line."""

from support.gateway import Asker, bench  # comes first: by the clock of support.uart
from support.bus import Bus, answer
from support.pdu import request
from support.rtu import frame

READ = request(3, 100, 2)
NAMES = ("request", "reply", "exception", "no_reply", "bad_reply", "retry", "busy", "cached")


def counted(one, line=0):
    """Return what is not 0."""
    counters = one.gateway.line_counters[line]
    found = {name: getattr(counters, name + "_count") for name in NAMES}
    return {name: found[name] for name in found if found[name]}


def test_replies_and_exceptions():
    one = bench(range(1, 9))
    asker = Asker()
    for _ in range(3):
        one.ask(asker, 1, READ)
    assert counted(one) == {"request": 3, "reply": 3}
    one.ask(asker, 1, request(65, 0, 0))
    assert asker.answers[-1] == b"\xc1\x01"
    assert counted(one) == {"request": 4, "reply": 4, "exception": 1}
    one.ask(asker, 99, READ)  # nobody has it
    assert counted(one)["request"] == 4


def test_silence_and_retries():
    one = bench(range(1, 9), bus=Bus(absent=(2,)), retries=2)
    one.ask(Asker(), 2, READ)
    assert counted(one) == {"request": 3, "no_reply": 3, "retry": 2}


def test_wrong_replies():
    def wrong(slave_id, pdu):
        data = frame(slave_id, answer(slave_id, pdu))
        return 500, data[:-1] + bytes((data[-1] ^ 1,))

    one = bench(range(1, 9), bus=Bus(replies=wrong))
    one.ask(Asker(), 2, READ)
    assert counted(one) == {"request": 1, "bad_reply": 1}


def test_broadcasts():
    one = bench(range(1, 9))
    one.ask(Asker(), 0, request(6, 1, 2))
    one.run(200)
    assert counted(one) == {"request": 1}


def test_too_many_at_once():
    one = bench(range(1, 9), queue=2)
    askers = [Asker() for _ in range(4)]
    for asker in askers:
        asker.ask(one.gateway, 1, READ)
    one.until_answered(*askers)
    assert counted(one) == {"request": 2, "reply": 2, "busy": 2}


def test_the_cache():
    one = bench(range(1, 9), cache_ms=10_000)
    askers = [Asker() for _ in range(3)]
    for asker in askers:
        asker.ask(one.gateway, 1, READ)
    one.until_answered(*askers)
    assert counted(one) == {"request": 1, "reply": 1, "cached": 2}
    one.ask(askers[0], 1, READ)
    assert counted(one)["cached"] == 3


def test_they_wrap():
    one = bench(range(1, 9))
    one.gateway.line_counters[0].request_count = 0xFFFF
    one.ask(Asker(), 1, READ)
    assert counted(one) == {"reply": 1}
