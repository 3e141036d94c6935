"""History: values of points with `history`, kept with their times until the broker has them."""

import json

from support import spread
from support.broker import Broker, SteppedBridge

from umb.bridge.history import History, clock
from umb.points import Points, PointStore

_POINTS = [
    {"name": "energy", "address": 0, "data_type": "uint16", "history": True},
    {"name": "other", "address": 1},
]


def bridged(size=64):
    """A PointStore, a SteppedBridge with a history of this size, and a broker."""
    store = PointStore(Points(_POINTS))
    broker = Broker()
    bridge = SteppedBridge(store, broker, name="b", interval_ms=0, period_ms=None, history=size)
    bridge.time = 1_800_000_000
    bridge.history.clock = lambda: bridge.time and (bridge.time + bridge.passed_ms // 1000, 25)
    return store, broker, bridge


def told(broker):
    """What the broker has received of the history, as [(time, value)]."""
    found = []
    for topic, text, qos, retain in broker.messages:
        if topic.endswith("/history"):
            assert topic == "umb/b/io/energy/history" and qos == 1 and not retain
            message = json.loads(text)
            found.append((message["time"], message["value"]))
    broker.messages.clear()
    return found


def test_what_happens_while_the_broker_is_away():
    store, broker, bridge = bridged()
    for n in range(1, 6):
        store["energy"] = n
        store["other"] = n
        bridge.run(1000)
    broker.accept()
    bridge.run(200)
    found = told(broker)
    assert [value for _, value in found] == [1, 2, 3, 4, 5]
    times = [int(time) - 1_800_000_000 for time, _ in found]
    assert all(abs(time - n) <= 1 for n, time in enumerate(times)), times
    bridge.run(2000)
    assert told(broker) == []  # once
    store["energy"] = 9
    bridge.run(200)
    assert [value for _, value in told(broker)] == [9]


def test_the_oldest_make_room():
    for size in spread(range(1, 20), 4):
        store, broker, bridge = bridged(size)
        for n in range(1, 31):
            store["energy"] = n
            bridge.run(200)
        broker.accept()
        bridge.run(200)
        assert [value for _, value in told(broker)] == list(range(31 - size, 31))
        assert bridge.history.lost == 30 - size


def test_what_was_not_acknowledged_is_sent_again():
    store, broker, bridge = bridged()
    broker.accept()
    bridge.run(200)
    broker.acks = False
    store["energy"] = 1
    bridge.run(200)
    store["energy"] = 2
    bridge.run(200)
    assert [value for _, value in told(broker)] == [1]  # one at a time
    broker.lose()
    broker.accept()
    bridge.run(200)
    assert [value for _, value in told(broker)] == []  # first the birth is to be acknowledged
    broker.unacknowledged = 0
    broker.acks = True
    bridge.run(200)
    assert [value for _, value in told(broker)] == [1, 2]


def test_none_is_lost_that_was_not_sent():
    """A value that makes room while it is under way does not take the next one along."""
    store, broker, bridge = bridged(2)
    broker.accept()
    bridge.run(200)
    broker.acks = False
    for n in range(1, 6):
        store["energy"] = n
        bridge.run(200)
    broker.acks = True
    broker.unacknowledged = 0
    bridge.run(200)
    assert [value for _, value in told(broker)] == [1, 4, 5]


def test_the_clock_is_set_later():
    store, broker, bridge = bridged()
    bridge.time = None
    for n in range(1, 4):
        store["energy"] = n
        bridge.run(10_000)
    bridge.time = 1_800_000_000
    broker.accept()
    bridge.run(200)
    times = [int(time) - 1_800_000_000 for time, _ in told(broker)]
    assert all(abs(time - 10 * n) <= 1 for n, time in enumerate(times)), times
    bridge.time = None
    store["energy"] = 9
    bridge.run(200)
    assert told(broker) == [(None, 9)]


def test_the_ring():
    """Every size, and every number of values put and taken."""
    for size in spread(range(1, 12), 4):
        history = History(size, 0, lambda: None)
        expected = []
        for n in range(60):
            for _ in range(n % 4):
                history.put(n, n)
                expected.append(n)
                expected[:-size] = []
            assert len(history) == len(expected)
            for _ in range(min(n % 3, len(expected))):
                assert history.oldest()[3] == expected.pop(0)
                history.drop()


def test_the_clock():
    seconds, ms = clock()
    assert seconds > 1_700_000_000 and 0 <= ms < 1000
