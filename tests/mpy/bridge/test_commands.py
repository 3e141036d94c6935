"""Commands of umb.bridge: every kind of point, every kind of text, and who answers what."""

from support.broker import Broker, SteppedBridge
from support.polling import polling
from support.umb import raises

from umb.bridge.topics import as_json, is_level, level, parse, payload
from umb.points import Points, PointStore
from umb.server import Server

_POINTS = [
    {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
    {"name": "setpoint", "address": 0, "writable": True, "scale": 0.5, "max_value": 30},
    {"name": "count", "address": 1, "data_type": "uint32", "writable": True},
    {"name": "large", "address": 10, "data_type": "int64", "writable": True},
    {"name": "ratio", "address": 3, "data_type": "float32", "writable": True},
    {"name": "text", "address": 5, "data_type": "string", "count": 4, "writable": True},
    {"name": "bit", "address": 20, "bit": 3, "writable": True},
    {"name": "other", "address": 20, "bit": 4, "writable": True},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    {"name": "fixed", "address": 4, "input_type": "coil"},
    {"name": "a/b state", "address": 30, "writable": True},
    {"name": "state", "address": 31, "writable": True},
]
# (point, text of the command, value of the point then)
_GOOD = (
    ("setpoint", "20.5", 20.5),
    ("setpoint", " 20 ", 20.0),
    ("setpoint", "20.3", 20.5),
    ("setpoint", "-1e1", -10.0),
    ("setpoint", "30", 30.0),
    ("count", "4294967295", 4294967295),
    ("count", "1e3", 1000),
    ("large", "-9223372036854775808", -9223372036854775808),
    ("ratio", "0.25", 0.25),
    ("text", "", ""),
    ("text", "12", "12"),
    ("text", "h\u00e9llo", "h\u00e9llo"),
    ("bit", "1", 1),
    ("bit", "true", 1),
    ("bit", "off", 0),
    ("relay", "ON", 1),
    ("relay", "0", 0),
    ("relay", "True", 1),
    ("relay", "False", 0),
    ("a-b state", "5", 5),
    ("state-", "6", 6),
)
_BAD = (
    ("setpoint", "30.5"),
    ("setpoint", ""),
    ("setpoint", "x"),
    ("setpoint", "1_0"),
    ("setpoint", "nan"),
    ("setpoint", "inf"),
    ("setpoint", "1,5"),
    ("setpoint", "None"),
    ("setpoint", "40000"),
    ("count", "-1"),
    ("count", "4294967296"),
    ("ratio", "nan"),
    ("ratio", "1e99"),
    ("text", "123456789"),
    ("bit", "2"),
    ("bit", ""),
    ("relay", "1.0"),
    ("relay", "yes"),
    ("relay", "255"),
    ("voltage", "5"),
    ("fixed", "1"),
    ("nobody", "1"),
    ("a/b state", "5"),
)


def topics_of(names):
    """{topic: name} of points at device io."""
    return {"umb/b/io/" + level(name): name for name in names}


def test_every_kind_of_point():
    changes = []
    store = PointStore(Points(_POINTS), on_change=lambda *change: changes.append(change))
    names = topics_of(store.points)
    broker = Broker()
    bridge = SteppedBridge(store, broker, name="b", interval_ms=0, period_ms=None)
    broker.accept()
    bridge.run(100)
    for topic, text, value in _GOOD:
        broker.taken()
        changes.clear()
        name = names["umb/b/io/" + topic]
        before = store[name]
        broker.send("umb/b/io/" + topic + "/set", text)
        assert store[name] == value, (topic, text, store[name])
        # It is as if a Modbus client had written it.
        assert changes == ([] if before == value else [(name, value)]), (topic, text, changes)
        bridge.run(200)
        expected = str(value)
        assert broker.taken()[0] == ("umb/b/io/" + topic, expected), (topic, text)
        assert store["other"] == 0
    for topic, text in _BAD:
        everything = [store[name] for name in store.points]
        broker.send("umb/b/io/" + topic + "/set", text)
        assert [store[name] for name in store.points] == everything, (topic, text)
        bridge.run(200)
        told = broker.taken()
        if "/" in topic:  # no topic that this board subscribes to
            assert told == []
            continue
        assert len(told) == 1 and told[0][0] == "umb/b/io/" + topic + "/error", (topic, text, told)
        assert told[0][1], (topic, text)


def test_bytes_that_are_no_text():
    for kind in ("string", "int16"):
        point = {"name": "x", "data_type": kind}
        raises(ValueError, parse, point, b"\xff\xfe")


def _connected():
    """A store, and a broker with all that its bridge publishes at first taken away."""
    store = PointStore(Points(_POINTS))
    broker = Broker()
    bridge = SteppedBridge(store, broker, name="b", period_ms=None)
    broker.accept()
    bridge.run(2000)
    broker.taken()
    return store, broker, bridge


def test_what_is_no_command():
    store, broker, bridge = _connected()
    broker.send("umb/b/io/count/set", "5", is_retained=True)
    broker.send("umb/b/io/count/get", "5")
    broker.send("umb/b/io/count", "5")
    broker.send("umb/b/io", "5")
    bridge.run(100)
    assert store["count"] == 0 and broker.taken() == []
    broker.send("umb/b/nobody/count/set", "5")
    bridge.run(100)
    assert broker.taken() == [("umb/b/nobody/count/error", "there is no device 'nobody'")]


def test_many_wrong_commands():
    """While there is no room the last eight answers are kept."""
    _, broker, bridge = _connected()
    broker.room = 0
    for n in range(100):
        broker.send("umb/b/io/count/set", "x%d" % n)
        bridge.poll()
    broker.room = None
    bridge.run(100)
    told = broker.taken()
    assert len(told) == 8 and told[-1][1].endswith("'x99'")


def polled(handler):
    """A Poller whose device answers writes by `handler`, its Bridge and the broker."""
    poller, told = polling({7: handler})
    poller.device(7, Points(_POINTS[1:2]), interval_ms=100)
    broker = Broker()
    bridge = SteppedBridge(poller, broker, name="b", interval_ms=0, period_ms=None)
    broker.accept()
    for _ in range(40):
        poller.run(10)
        bridge.run(10)
    broker.taken()
    return poller, told, broker, bridge


def test_a_device_on_a_bus():
    store = PointStore(Points(_POINTS))
    poller, _, broker, bridge = polled(Server(store, slave_ids=(7,)))
    for text, value in (("20.5", 20.5), ("20.5", 20.5), ("3", 3.0)):
        broker.send("umb/b/7/setpoint/set", text)
        assert broker.taken() == []
        for _ in range(30):
            poller.run(10)
            bridge.run(10)
        assert store["setpoint"] == value
        assert broker.taken() == [("umb/b/7/setpoint", str(value))]  # as it was read back
    broker.send("umb/b/7/setpoint/set", "31")
    bridge.run(10)
    topic, text = broker.taken()[0]
    assert topic == "umb/b/7/setpoint/error" and "30" in text


def test_a_device_that_refuses():
    def handler(pdu):
        if pdu[0] == 6:
            return bytes((0x86, 4))
        return bytes((pdu[0], 2, 0, 1))

    poller, told, broker, bridge = polled(handler)
    broker.send("umb/b/7/setpoint/set", "5")
    for _ in range(30):
        poller.run(10)
        bridge.run(10)
    # The value that the device goes on having is told, too.
    assert [topic for topic, _ in broker.taken()] == ["umb/b/7/setpoint/error", "umb/b/7/setpoint"]
    assert len(told.errors) == 1  # its own hook is called, too


def test_a_device_that_is_offline():
    poller, _, broker, bridge = polled(None)
    for _ in range(700):
        poller.run(10)
        bridge.run(10)
    broker.taken()
    broker.send("umb/b/7/setpoint/set", "5")
    bridge.run(10)
    topic, text = broker.taken()[0]
    assert topic == "umb/b/7/setpoint/error" and "offline" in text


def test_names_as_topics():
    for name, topic in (
        ("voltage", "voltage"),
        ("L1 voltage", "L1 voltage"),
        ("a/b", "a-b"),
        ("a+b#c", "a-b-c"),
        ("\n", "-"),
        ("\x7f", "-"),
        ("state", "state-"),
        ("States", "States"),
        ("set", "set"),
        ("\u00fcber", "\u00fcber"),
    ):
        assert level(name) == topic, name
        assert is_level(level(name))
    for name in ("", None, 5, "a/b", "+", "#", "\0"):
        assert not is_level(name), name


def test_values_as_text():
    for value, text in (
        (0, "0"),
        (-5, "-5"),
        (1 << 63, "9223372036854775808"),
        (0.0, "0.0"),
        (231.0, "231.0"),
        (8.300000000000001, "8.3"),
        (0.1 + 0.2, "0.3"),
        (-429496729.5, "-429496729.5"),
        (0.07000000000000001, "0.07"),
        (1e-7, "1e-07"),
        (1e20, "1e+20"),
    ):
        assert payload(value) == as_json(value) == text, (value, payload(value))
    assert payload(None) == "None" and as_json(None) == "null"
    assert payload("a") == "a" and as_json("a") == '"a"'
    for value in ("inf", "-inf", "nan"):
        assert payload(float(value)) == value and as_json(float(value)) == "null"
    for number in range(1000):  # of one decimal, whatever the arithmetic leaves in the last place
        assert payload(round(number * 0.1, 1)) == "%d.%d" % (number // 10, number % 10)
