"""umb.bridge.Bridge at a broker in memory: what it publishes, and when."""

import json
import random
from time import ticks_add

from support import spread
from support.broker import Broker, SteppedBridge
from support.heap import allocated, kept
from support.polling import polling
from support.umb import raises

from umb.bridge import Bridge
from umb.points import Points, PointStore
from umb.server import Server

_POINTS = [
    {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
    {"name": "power", "address": 1, "input_type": "input", "data_type": "int32", "deadband": 5},
    {"name": "setpoint", "address": 0, "writable": True, "scale": 0.5, "min_value": 0},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    {"name": "text", "address": 5, "data_type": "string", "count": 4},
]


def bridged(points=_POINTS, **named):
    """A PointStore, a broker that has accepted its SteppedBridge, and that Bridge."""
    store = PointStore(Points(points))
    broker = Broker()
    bridge = SteppedBridge(store, broker, name="b", **named)
    broker.accept()
    return store, broker, bridge


def test_a_session_begins():
    store, broker, bridge = bridged()
    store["voltage"] = 231.2
    store["text"] = "Acme"
    assert broker.client_id == "umb-b"
    assert broker.will == ("umb/b/state", "offline", True)
    assert broker.subscriptions == ["umb/b/+/+/set"]
    bridge.settle()
    assert broker.messages == [
        ("umb/b/state", "online", 1, True),
        ("umb/b/io/state", "online", 1, True),
        ("umb/b/io/voltage", "231.2", 0, True),
        ("umb/b/io/power", "0", 0, True),
        ("umb/b/io/setpoint", "0.0", 0, True),
        ("umb/b/io/relay", "0", 0, True),
        ("umb/b/io/text", "Acme", 0, True),
    ]
    assert broker.messages[0][0] == "umb/b/state"
    store["voltage"] = 230
    bridge.run(1500)
    broker.lose()
    assert broker.retained["umb/b/state"] == "offline"
    store["voltage"] = 229
    broker.accept()
    bridge.run(500)
    assert broker.retained == {
        "umb/b/state": "online",
        "umb/b/io/state": "online",
        "umb/b/io/voltage": "229.0",
        "umb/b/io/power": "0",
        "umb/b/io/setpoint": "0.0",
        "umb/b/io/relay": "0",
        "umb/b/io/text": "Acme",
    }
    bridge.server_close()
    assert broker.closed and broker.retained["umb/b/state"] == "offline"


def test_only_changes_are_published():
    store, broker, bridge = bridged(period_ms=None)
    bridge.run(5000)
    broker.taken()
    bridge.run(5000)
    assert broker.taken() == []
    store["voltage"] = 5
    bridge.run(200)
    assert broker.taken() == [("umb/b/io/voltage", "5.0")]
    store["power"] = 4  # within the deadband
    bridge.run(1000)
    assert broker.taken() == []
    store["power"] = 5
    bridge.run(1000)
    store["power"] = 1
    bridge.run(1000)
    store["power"] = 0
    bridge.run(1000)
    assert broker.taken() == [("umb/b/io/power", "5"), ("umb/b/io/power", "0")]


def test_a_point_that_goes_on_changing():
    """It is published once an interval; the first time at once, the last value always."""
    for interval_ms in (0, 100, 1000, 3000):
        store, broker, bridge = bridged(interval_ms=interval_ms, period_ms=None)
        bridge.run(6000)
        broker.taken()
        for n in range(600):
            store["voltage"] = n
            bridge.run(10)
        most = 6000 // max(interval_ms, 100) + 2  # the store is looked at every 100 ms
        told = broker.taken()
        assert most - 3 <= len(told) <= most, (interval_ms, len(told))
        bridge.run(interval_ms + 200)
        assert broker.retained["umb/b/io/voltage"] == "599.0"


def test_all_is_published_again_each_period():
    _, broker, bridge = bridged(period_ms=5000, interval_ms=100)
    bridge.run(4900)
    assert len(broker.taken()) == 7
    bridge.run(10_000)
    assert sorted(topic for topic, _ in broker.taken()) == sorted(
        2 * ["umb/b/io/" + point["name"] for point in _POINTS]
    )


def test_there_is_not_always_room():
    """Whatever the broker takes, and whenever: the last values arrive, and nothing else."""
    random.seed(20)
    for _ in spread(range(200), 20):
        store, broker, bridge = bridged(interval_ms=random.choice((0, 20, 500)))
        given = {"umb/b/io/voltage": {"0.0"}, "umb/b/io/power": {"0"}}
        for _ in range(60):
            broker.room = random.randrange(4)
            if random.randrange(20) == 0:
                broker.lose()
            elif not broker.connected:
                broker.accept()
            n = random.randrange(1000)
            store["voltage"] = n
            store["power"] = n
            given["umb/b/io/voltage"].add(str(float(n)))
            given["umb/b/io/power"].add(str(n))
            bridge.run(random.randrange(100))
            for topic, text in broker.taken():
                assert text in given.get(topic, (text,)), (topic, text)
        broker.room = None
        if not broker.connected:
            broker.accept()
        bridge.run(700)
        assert broker.retained["umb/b/io/voltage"] == str(store["voltage"])
        assert abs(int(broker.retained["umb/b/io/power"]) - store["power"]) < 5
        assert broker.retained["umb/b/state"] == "online"


def test_points_take_turns():
    """One that changes all the time does not keep the others back."""
    for places in spread(range(5), 3):
        store, broker, bridge = bridged(interval_ms=0, period_ms=None)
        bridge.run(100)
        broker.taken()
        broker.room = 0
        names = ("voltage", "power", "setpoint", "relay")
        for i in range(4):
            store[names[(i + places) % 4]] = 1 if names[(i + places) % 4] == "relay" else 50
        bridge.run(100)
        found = []
        for n in range(4):
            store["voltage"] = n
            broker.room = 1
            bridge.run(100)
            found += [topic for topic, _ in broker.taken()]
        assert sorted(found) == ["umb/b/io/power", "umb/b/io/relay", "umb/b/io/setpoint"] + [
            "umb/b/io/voltage"
        ]


def test_one_object_a_device():
    store, broker, bridge = bridged(json=True, interval_ms=1000)
    store["text"] = 'a "b"\n'
    bridge.run(100)
    assert [topic for topic, _ in broker.taken()] == ["umb/b/state", "umb/b/io/state", "umb/b/io"]
    assert json.loads(broker.retained["umb/b/io"]) == {
        "voltage": 0.0,
        "power": 0,
        "setpoint": 0.0,
        "relay": 0,
        "text": 'a "b"\n',
    }
    store["voltage"] = 5
    store["relay"] = 1
    bridge.run(1100)
    assert len(broker.taken()) == 1
    assert json.loads(broker.retained["umb/b/io"])["relay"] == 1


def test_what_json_has_no_number_for():
    for value in ("inf", "-inf", "nan"):
        store, broker, bridge = bridged(
            [{"name": "x", "address": 0, "data_type": "float32"}], json=True
        )
        store["x"] = float(value)
        bridge.run(100)
        assert broker.retained["umb/b/io"] == '{"x":null}'


def meter(**named):
    """A Poller with a device, the store that it reads, a broker and a SteppedBridge."""
    store = PointStore(Points(_POINTS))
    poller, told = polling({7: Server(store, slave_ids=(7,))})
    device = poller.device(7, Points(_POINTS), interval_ms=100)
    broker = Broker()
    bridge = SteppedBridge(poller, broker, name="b", interval_ms=0, period_ms=None, **named)
    broker.accept()
    return store, poller, told, device, broker, bridge


def run(poller, bridge, ms):
    """Let both run."""
    for _ in range(0, ms, 10):
        poller.run(10)
        bridge.run(10)


def test_a_poller():
    store, poller, told, _, broker, bridge = meter()
    bridge.settle()
    # Nothing is known of it yet: what the broker may have kept is left as it is.
    assert broker.taken() == [("umb/b/state", "online"), ("umb/b/7/state", "offline")]
    store["voltage"] = 231.2
    run(poller, bridge, 500)
    assert broker.retained["umb/b/7/state"] == "online"
    assert broker.retained["umb/b/7/voltage"] == "231.2"
    assert broker.retained["umb/b/7/relay"] == "0"
    assert (7, "voltage", 231.2) in told.changes  # its own hook is called, too
    broker.taken()
    store["voltage"] = 230
    run(poller, bridge, 300)
    assert broker.taken() == [("umb/b/7/voltage", "230.0")]


def test_a_device_that_falls_silent():
    store, poller, _, device, broker, bridge = meter(devices=None)
    store["voltage"] = 231.2
    run(poller, bridge, 500)
    server = poller.client.devices.pop(7)
    run(poller, bridge, 6000)
    assert device.state == "offline"
    assert broker.retained["umb/b/7/state"] == "offline"
    assert broker.retained["umb/b/7/voltage"] == "231.2"
    broker.taken()
    poller.client.devices[7] = server
    run(poller, bridge, 12_000)
    told = broker.taken()
    assert told[0] == ("umb/b/7/state", "online")
    assert ("umb/b/7/voltage", "231.2") in told  # all values again


def test_devices_have_names():
    store = PointStore(Points(_POINTS))
    server = Server(store, slave_ids=(7, 8, 9))
    poller, _ = polling({7: server, 8: server, 9: server})
    first = poller.device(7, Points(_POINTS[:1]))
    second = poller.device(8, Points(_POINTS[1:]))
    poller.device(9, Points(_POINTS))  # not published
    broker = Broker()
    bridge = SteppedBridge(poller, broker, name="b", devices={"one": first, "two": second})
    broker.accept()
    run(poller, bridge, 2000)
    assert "umb/b/one/voltage" in broker.retained and "umb/b/two/relay" in broker.retained
    assert len(broker.retained) == 1 + 2 + len(_POINTS)
    third = polling({})[0].device(8, Points(_POINTS))
    raises(ValueError, Bridge, poller, broker, name="b", devices={"x": third})


def test_wrong_arguments():
    store = PointStore(Points(_POINTS))
    broker = Broker()
    for named in (
        {"name": ""},
        {"name": "a/b"},
        {"name": "a+"},
        {"name": 5},
        {"name": "b", "prefix": "#"},
        {"name": "b", "interval_ms": -1},
        {"name": "b", "interval_ms": "1"},
        {"name": "b", "period_ms": 999},
        {"name": "b", "history": 0},
        {"name": "b", "devices": {"state": store}},
        {"name": "b", "devices": {"a/b": store}},
        {"name": "b", "devices": {"a": None}},
        {"name": "b", "devices": {"a": store, "b": store}},
    ):
        raises(ValueError, Bridge, store, broker, **named)
    raises(ValueError, Bridge, None, broker, name="b")
    raises(ValueError, Bridge, store, None, name="b")
    points = [{"name": "a/b", "address": 0}, {"name": "a+b", "address": 1}]
    raises(ValueError, Bridge, PointStore(Points(points)), broker, name="b")


def test_the_clock_wraps():
    """Intervals and periods are kept wherever the clock is, and when it wraps."""
    for start in spread((0, (1 << 28) - 50, (1 << 29) - 50, (1 << 30) - 50, (1 << 60) - 50), 3):
        store = PointStore(Points(_POINTS))
        broker = Broker()
        SteppedBridge.passed_ms = ticks_add(start, 0)
        try:
            bridge = SteppedBridge(store, broker, name="b", period_ms=1000, interval_ms=100)
        finally:
            SteppedBridge.passed_ms = 0
        bridge.passed_ms = ticks_add(start, 0)
        broker.accept()
        bridge.run(3500)
        assert len(broker.taken()) == 7 + 3 * 5, start


def test_why_there_is_no_connection():
    told = []
    _, broker, bridge = bridged(on_error=told.append)
    bridge.run(100)
    assert told == []
    for error in ("gone", "refused", "refused"):
        broker.lose(error)
        bridge.run(100)
    assert told == ["gone", "refused"]
    broker.accept()
    bridge.run(100)
    broker.lose("refused")
    bridge.run(100)
    assert told == ["gone", "refused", "refused"]


def test_without_an_interval_it_sleeps():
    """However long a poll() takes: there is nothing that would keep it awake."""
    for interval_ms in (0, 1000):
        _, _, bridge = bridged(interval_ms=interval_ms, period_ms=None)
        bridge.run(500)
        assert bridge.nap_ms() > 50
        bridge.passed_ms += 50
        bridge.poll()
        assert bridge.nap_ms() > 0


class _Idle:
    def __init__(self, bridge):
        self.bridge = bridge

    def __call__(self, n):
        for _ in range(n):
            self.bridge.poll()
            self.bridge.nap_ms()


def test_no_heap_is_taken_while_nothing_changes():
    _, broker, bridge = bridged(period_ms=None)
    bridge.run(3000)
    broker.is_logging = False
    idle = _Idle(bridge)
    idle(10)
    assert allocated(idle, 500) == 0


def test_no_heap_is_left_behind():
    store, broker, bridge = bridged(interval_ms=0, period_ms=None)
    broker.is_logging = False
    bridge.run(100)

    def publish(n):
        for i in range(n):
            store["voltage"] = i % 3000
            bridge.passed_ms += 100
            bridge.settle()

    publish(20)
    assert kept(publish, 10_000) == 0
