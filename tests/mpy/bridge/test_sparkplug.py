"""umb.sparkplug at a broker in memory: which messages come in which order, and commands."""

from support.broker import Broker, stepped
from support.polling import polling
from support.umb import raises

from umb.points import Points, PointStore
from umb.server import Server
from umb.sparkplug import Sparkplug, payload

_POINTS = [
    {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
    {"name": "count", "address": 1, "data_type": "uint32", "writable": True, "history": True},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    {"name": "text", "address": 5, "data_type": "string", "count": 4, "writable": True},
    {"name": "none", "address": 20, "nan_value": 0},
]
SteppedSparkplug = stepped(Sparkplug)


def fields(data):
    """{field number: value} of a payload, without its metrics."""
    reader = payload._Reader(data)
    found = {}
    field = reader.field()
    while field is not None:
        if field[0] != 2:
            found[field[0]] = field[1]
        field = reader.field()
    return found


def told(broker):
    """What the broker has received, as [(kind and device, seq, {name: value})]."""
    found = []
    for topic, data, qos, retain in broker.messages:
        levels = topic.split("/")
        assert levels[0] == "spBv1.0" and levels[1] == "g" and levels[3] == "n"
        assert not retain and qos == (1 if levels[2] == "NDEATH" else 0)
        what = " ".join([levels[2]] + levels[4:])
        found.append((what, fields(data).get(3), dict(payload.read_metrics(data))))
    broker.messages.clear()
    return found


def node(points=_POINTS, **named):
    """A PointStore, a broker that has accepted its node, and that node."""
    store = PointStore(Points(points))
    broker = Broker()
    one = SteppedSparkplug(store, broker, group="g", name="n", interval_ms=0, **named)
    one.clock = lambda: (1_800_000_000 + one.passed_ms // 1000, one.passed_ms % 1000)
    if one.history is not None:
        one.history.clock = one.clock
    broker.accept()
    return store, broker, one


def test_births():
    store, broker, one = node()
    store["voltage"] = 231.2
    assert broker.subscriptions == ("spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/+")
    assert broker.client_id == "umb-g-n"
    topic, death, retain = broker.will
    assert topic == "spBv1.0/g/NDEATH/n" and not retain and 3 not in fields(death)
    one.settle()
    assert dict(payload.read_metrics(death)) == {"bdSeq": 0}
    assert told(broker) == [
        ("NBIRTH", 0, {"bdSeq": 0, "Node Control/Rebirth": 0}),
        (
            "DBIRTH io",
            1,
            {"voltage": 231.2, "count": 0, "relay": 0, "text": "", "none": None},
        ),
    ]
    store["voltage"] = 230
    store["count"] = 5
    one.run(200)
    assert told(broker) == [("DDATA io", 2, {"voltage": 230.0, "count": 5})]
    one.run(5000)
    assert told(broker) == []


def test_numbers_go_round():
    """seq after 255, bdSeq after 255; the will always has the bdSeq of the next NBIRTH."""
    store, broker, one = node()
    one.settle()
    assert [seq for _, seq, _ in told(broker)] == [0, 1]
    for n in range(2, 600):
        store["count"] = n
        one.run(100, 100)
        assert [seq for _, seq, _ in told(broker)] == [n & 0xFF]
    for n in range(1, 300):
        broker.lose()
        told(broker)
        broker.accept()
        one.settle()
        found = told(broker)
        assert found[0][0] == "NBIRTH" and found[0][1] == 0
        assert found[0][2]["bdSeq"] == n & 0xFF
        assert dict(payload.read_metrics(broker.will[1]))["bdSeq"] == n & 0xFF


def test_rebirth():
    _, broker, one = node()
    one.settle()
    told(broker)
    for value in (False, True):
        data = payload.metric("Node Control/Rebirth", payload.BOOLEAN, value, 1)
        broker.send("spBv1.0/g/NCMD/n", data)
        one.settle()
        found = told(broker)
        if value:
            assert [(what, seq) for what, seq, _ in found] == [("NBIRTH", 0), ("DBIRTH io", 1)]
            assert found[0][2]["bdSeq"] == 0  # it is the same session
        else:
            assert found == []


def test_commands():
    errors = []
    store, broker, one = node(on_error=errors.append)
    one.settle()
    told(broker)
    for name, kind, value, expected in (
        ("count", payload.UINT32, 4_000_000_000, 4_000_000_000),
        ("count", payload.INT64, 7, 7),
        ("count", payload.DOUBLE, 8.0, 8),
        ("relay", payload.BOOLEAN, True, 1),
        ("text", payload.STRING, "h\u00e9", "h\u00e9"),
    ):
        broker.send("spBv1.0/g/DCMD/n/io", payload.metric(name, kind, value, 1))
        one.run(200)
        assert store[name] == expected
        assert told(broker)[0][2] == {name: expected}
    assert errors == []
    for n, (device, name, kind, value) in enumerate(
        (
            ("io", "voltage", payload.DOUBLE, 5.0),
            ("io", "count", payload.INT32, -1),
            ("io", "count", payload.DOUBLE, None),
            ("io", "relay", payload.STRING, "on"),
            ("io", "nobody", payload.INT32, 1),
            ("nobody", "count", payload.INT32, 1),
        )
    ):
        broker.send("spBv1.0/g/DCMD/n/" + device, payload.metric(name, kind, value, 1))
        assert len(errors) == n + 1, (name, errors)
    for data in (b"\x12\xff", b"\x12\x02\x0a\x05", b"\xff" * 20, b"\x13"):
        broker.send("spBv1.0/g/DCMD/n/io", data)
    assert len(errors) == 10
    one.run(200)
    assert told(broker) == []


def test_whatever_hooks_raise_ends_nothing():
    told_errors = []

    def on_error(text):
        told_errors.append(text)
        raise OSError(5)

    store, broker, one = node(on_error=on_error)
    one.settle()
    for error in (OSError(5), KeyError("pin"), ZeroDivisionError(), MemoryError(), ValueError()):

        def failing(*_, error=error):
            raise error

        for block in (store.areas[6], store.areas[3]):
            block.on_write = failing
        broker.send("spBv1.0/g/DCMD/n/io", payload.metric("count", payload.UINT32, 7, 1))
        one.run(200)
        assert told_errors.pop(), error
    broker.send("spBv1.0/g/DCMD/n/io", b"\xff")
    assert len(told_errors) == 1


def test_retained_commands_are_from_another_time():
    store, broker, one = node()
    one.settle()
    told(broker)
    for is_retained in (True, False):
        data = payload.metric("count", payload.UINT32, 7, 1)
        broker.send("spBv1.0/g/DCMD/n/io", data, is_retained)
        data = payload.metric("Node Control/Rebirth", payload.BOOLEAN, True, 1)
        broker.send("spBv1.0/g/NCMD/n", data, is_retained)
        one.run(200)
        assert store["count"] == (0 if is_retained else 7)
        assert bool(told(broker)) != is_retained


def test_a_device_that_falls_silent():
    store = PointStore(Points(_POINTS))
    poller, _ = polling({7: Server(store, slave_ids=(7,))})
    poller.device(7, Points(_POINTS), interval_ms=100)
    broker = Broker()
    one = SteppedSparkplug(poller, broker, group="g", name="n", interval_ms=0)
    broker.accept()

    def run(ms):
        for _ in range(0, ms, 10):
            poller.run(10)
            one.run(10)

    one.settle()
    assert [what for what, _, _ in told(broker)] == ["NBIRTH"]  # nothing is known of it yet
    run(500)
    assert told(broker)[0][0] == "DBIRTH 7"
    server = poller.client.devices.pop(7)
    run(6000)
    found = told(broker)
    assert found[-1][0] == "DDEATH 7" and found[-1][2] == {}
    poller.client.devices[7] = server
    run(12_000)
    assert told(broker)[0][0] == "DBIRTH 7"


def test_while_the_broker_is_away():
    """Values of points with history come with their times, marked so, behind the births."""
    store, broker, one = node()
    one.settle()
    broker.lose()
    for n in range(1, 4):
        store["count"] = n
        store["voltage"] = n
        one.run(1000)
    told(broker)
    broker.accept()
    one.settle()
    messages = [data for _, data, _, _ in broker.messages]
    found = told(broker)
    assert [what for what, _, _ in found] == ["NBIRTH", "DBIRTH io"] + 3 * ["DDATA io"]
    assert [values for what, _, values in found if what == "DDATA io"] == [
        {"count": 1},
        {"count": 2},
        {"count": 3},
    ]
    for data in messages[2:]:
        assert b"\x28\x01" in data  # is_historical
    one.run(1000)
    assert told(broker) == []


def test_there_is_not_always_room():
    for room in range(4):
        store, broker, one = node()
        one.settle()
        told(broker)
        broker.room = room
        for n in range(1, 6):
            store["count"] = n
            one.run(100, 100)
        broker.room = None
        one.run(200)
        found = told(broker)
        assert found[-1][2] == {"count": 5}
        assert [seq for _, seq, _ in found] == [2 + n for n in range(len(found))]


def test_without_a_clock():
    """Times are what Sparkplug is about: nothing is published before there is one."""
    _, broker, one = node()
    one.clock = lambda: None
    one.run(1000)
    assert broker.messages == []
    one.clock = lambda: (1_800_000_000, 0)
    one.run(100)
    assert [what for what, _, _ in told(broker)] == ["NBIRTH", "DBIRTH io"]


def test_wrong_arguments():
    store = PointStore(Points(_POINTS))
    for named in (
        {"group": "", "name": "n"},
        {"group": "a/b", "name": "n"},
        {"group": "g", "name": "+"},
        {"group": "g", "name": "n", "devices": {"a#": store}},
        {"group": "g", "name": None},
    ):
        raises(ValueError, Sparkplug, store, Broker(), **named)
