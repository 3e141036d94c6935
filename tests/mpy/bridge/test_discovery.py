"""Discovery messages, against the rules of Home Assistant's MQTT discovery (2026.2).

The rules are those of its sources, homeassistant/components/mqtt: discovery.py, schemas.py,
abbreviations.py, sensor.py, binary_sensor.py, switch.py, number.py and text.py.
"""

import json
import re

from support import spread
from support.broker import Broker, SteppedBridge
from support.umb import raises

from umb.bridge.discovery import Discovery, describe, limits, topic_id
from umb.points import Points, PointStore
from umb.points.rows import TYPES

_TOPIC = re.compile("^homeassistant/device/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config$")


def is_text(value):
    return isinstance(value, str)


def is_topic(value):
    """valid_subscribe_topic, valid_publish_topic: no wildcards, no control characters."""
    return is_text(value) and value and not any(c in "+#\x7f" or c < " " for c in value)


def is_positive(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0


_DATES = ("date", "timestamp", "enum")
_COMMON = {"name": is_text, "uniq_id": is_text, "stat_t": is_topic, "val_tpl": is_text}
_EXPIRES = {"exp_aft": is_positive}
_ON_OFF = {"pl_on": is_text, "pl_off": is_text}
_COMMAND = {"cmd_t": is_topic}
# What each platform may have; everything else is refused.
_PLATFORMS = {
    "sensor": (
        _EXPIRES,
        {"unit_of_meas": is_text, "dev_cla": is_text, "stat_cla": is_text},
        {"sug_dsp_prc": is_positive},
    ),
    "binary_sensor": (_EXPIRES, _ON_OFF, {"dev_cla": is_text}),
    "switch": (_COMMAND, _ON_OFF, {"dev_cla": lambda value: value in ("outlet", "switch")}),
    "number": (
        _COMMAND,
        {"unit_of_meas": is_text, "dev_cla": lambda value: value not in _DATES},
        {"min": is_number, "max": is_number, "mode": lambda value: value in ("auto", "box")},
        {"step": lambda value: is_number(value) and value >= 0.001},
    ),
    "text": (_COMMAND, {"max": lambda value: is_positive(value) and 0 < value <= 255}),
}
_REQUIRED = {
    "sensor": ("stat_t",),
    "binary_sensor": ("stat_t",),
    "switch": ("stat_t", "cmd_t", "pl_on", "pl_off"),
    "number": ("stat_t", "cmd_t", "min", "max"),
    "text": ("stat_t", "cmd_t"),
}
_TOP = ("dev", "o", "avty", "avty_mode", "cmps")


def check(message, bridge, device):
    """Check a message; return its components, {point name: component}."""
    found = json.loads(message)
    assert sorted(found) == sorted(_TOP)
    assert all(key in ("ids", "name", "mf", "mdl") for key in found["dev"])
    assert is_text(found["dev"]["ids"]) and all(is_text(v) for v in found["dev"].values())
    assert sorted(found["o"]) == ["name", "sw"]
    assert found["avty_mode"] == "all"
    assert [each["t"] for each in found["avty"]] == [
        bridge.topic + "/state",
        bridge.topic + "/" + device.name + "/state",
    ]
    components = {}
    ids = set()
    for key, component in found["cmps"].items():
        assert " " not in key, key  # what is behind a space is lost
        platform = component.pop("p")
        assert component["uniq_id"] not in ids
        ids.add(component["uniq_id"])
        allowed = dict(_COMMON)
        for some in _PLATFORMS[platform]:
            allowed.update(some)
        for name, value in component.items():
            assert name in allowed, (platform, name)
            assert allowed[name](value), (platform, name, value)
        for name in _REQUIRED[platform] + ("uniq_id", "name"):
            assert name in component, (platform, name)
        if platform == "number":
            assert component["min"] <= component["max"]
        if "stat_cla" in component or "unit_of_meas" in component:
            assert component.get("dev_cla") not in _DATES
        component["p"] = platform
        components[component["name"]] = component
    return components


def bridged(points, name="b", about=None, **named):
    """A SteppedBridge of these points, with discovery, and its broker."""
    points = Points(points)
    points.about.update(about or {})
    broker = Broker()
    bridge = SteppedBridge(PointStore(points), broker, name=name, discovery=Discovery(), **named)
    broker.accept()
    return bridge, broker


def kinds():
    """Points of every kind: area, type, what can be written, and keys for Home Assistant."""
    points = []
    address = 0
    for extra in (
        {},
        {"unit_of_measurement": "V", "device_class": "voltage", "state_class": "measurement"},
        {"unit_of_measurement": "\u00b0C"},
        {"device_class": "outlet"},
        {"device_class": "timestamp"},
        {"device_class": "enum"},
    ):
        for area in ("coil", "discrete_input", "input", "holding"):
            for writable in (False, True) if area in ("coil", "holding") else (False,):
                types = (None,) if area in ("coil", "discrete_input") else TYPES + ("bit",)
                for kind in types:
                    point = {"name": "p%d" % len(points), "address": address, "input_type": area}
                    point.update(extra)
                    address += 4
                    if writable:
                        point["writable"] = True
                    if kind == "bit":
                        point["bit"] = 5
                    elif kind is not None:
                        point["data_type"] = kind
                    if kind == "string":
                        point["count"] = 4
                    points.append(point)
    return points


def test_every_kind_of_point():
    """In pieces of 60 points, as one file has 255 different values of keys at most."""
    points = kinds()
    for json_option in (False, True):
        for period_ms in (None, 1000, 59_001):
            for first in range(0, len(points), 60):
                some = points[first : first + 60]
                bridge, broker = bridged(some, json=json_option, period_ms=period_ms)
                bridge.run(100)
                topic = "homeassistant/device/b/io/config"
                assert _TOPIC.match(topic)
                components = check(broker.retained[topic], bridge, bridge.devices[0])
                assert sorted(components) == sorted(point["name"] for point in some)
                for point in some:
                    check_component(components[point["name"]], point, bridge, broker)


def check_component(component, point, bridge, broker):
    """Check what depends on the point: its platform, topics and payloads."""
    is_bit = "bit" in point or point["input_type"] in ("coil", "discrete_input")
    is_string = point.get("data_type") == "string"
    writable = "writable" in point
    platform = (
        ("switch" if writable else "binary_sensor")
        if is_bit
        else ("text" if writable else "sensor")
        if is_string
        else ("number" if writable else "sensor")
    )
    assert component["p"] == platform, (point, component)
    own = "umb/b/io/" + point["name"]
    if bridge.json:
        assert component["stat_t"] == "umb/b/io"
        assert component["val_tpl"] == '{{value_json["' + point["name"] + '"]}}'
    else:
        assert component["stat_t"] == own and "val_tpl" not in component
        assert own in broker.retained
        if is_bit:
            assert broker.retained[own] in (component["pl_on"], component["pl_off"])
    assert component.get("cmd_t") == (own + "/set" if writable else None)
    expires = platform in ("sensor", "binary_sensor") and bridge.period_ms is not None
    assert ("exp_aft" in component) == expires
    if expires:  # three periods, rounded up
        assert component["exp_aft"] * 1000 >= 3 * bridge.period_ms
    if platform == "sensor" and not is_string:
        assert component.get("unit_of_meas") == point.get("unit_of_measurement")
        assert component.get("stat_cla") == point.get("state_class")


def test_numbers_that_can_be_written():
    for kind, low, high in (
        ("int16", -32768, 32767),
        ("uint16", 0, 65535),
        ("int32", -(1 << 31), (1 << 31) - 1),
        ("uint32", 0, (1 << 32) - 1),
        ("int48", -(1 << 47), (1 << 47) - 1),
        ("uint48", 0, (1 << 48) - 1),
        ("int64", -(1 << 63), (1 << 63) - 1),
        ("uint64", 0, (1 << 64) - 1),
        ("bcd16", 0, 9999),
        ("bcd32", 0, 99_999_999),
        ("bcd48", 0, 10**12 - 1),
        ("bcd64", 0, 10**16 - 1),
    ):
        point = {"name": "x", "data_type": kind}
        assert limits(point) == (low, high), kind
        point["scale"] = -2
        point["offset"] = 7
        assert limits(point) == (-2 * high + 7, -2 * low + 7), kind
        point["min_value"] = 3
        assert limits(point) == (3, -2 * low + 7)
        point["max_value"] = 4
        assert limits(point) == (3, 4)
    bridge, broker = bridged(
        [
            {"name": "a", "address": 0, "writable": True, "scale": 0.5},
            {"name": "b", "address": 1, "writable": True, "scale": 0.00001},
            {"name": "c", "address": 2, "writable": True, "data_type": "float32", "precision": 1},
            {"name": "d", "address": 4, "writable": True, "scale_factor": "e"},
            {"name": "e", "address": 5},
        ]
    )
    bridge.run(100)
    found = check(broker.retained["homeassistant/device/b/io/config"], bridge, bridge.devices[0])
    assert [found[name]["step"] for name in "abcd"] == [0.5, 0.001, 0.1, 0.001]
    assert found["d"]["min"] < -32768 and found["d"]["max"] > 32767


def test_texts_that_can_be_written():
    for count in spread(range(1, 124), 10):
        bridge, broker = bridged(
            [{"name": "x", "address": 0, "data_type": "string", "count": count, "writable": True}]
        )
        bridge.run(100)
        found = check(
            broker.retained["homeassistant/device/b/io/config"], bridge, bridge.devices[0]
        )
        assert found["x"]["max"] == 2 * count


def test_what_a_file_says_of_the_device():
    about = {"manufacturer": "Acme", "model": "M1", "source": "manual"}
    bridge, broker = bridged([{"name": "x", "address": 0}], about=about)
    bridge.run(100)
    device = json.loads(broker.retained["homeassistant/device/b/io/config"])["dev"]
    assert device == {"ids": "umb/b/io", "name": "b io", "mf": "Acme", "mdl": "M1"}


def test_names():
    """Whatever a name is, the message is JSON and its topic is legal; ids stay different."""
    names = ("a b", "a_b", "a%20b", 'a"b', "\u00fcber", "a\\b", "{{x}}", "a/b", "-", "a-b ")
    bridge, broker = bridged([{"name": n, "address": i} for i, n in enumerate(names)], "p 1")
    bridge.run(100)
    topics = [topic for topic in broker.retained if topic.startswith("homeassistant")]
    assert topics == ["homeassistant/device/p-20-1/io/config"]
    found = json.loads(broker.retained[topics[0]])["cmps"]
    assert len(found) == len(names)
    check(broker.retained[topics[0]], bridge, bridge.devices[0])
    ids = [topic_id(name) for name in names]
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert re.match("^[a-zA-Z0-9_-]+$", one), one


def test_when_it_is_sent():
    bridge, broker = bridged([{"name": "x", "address": 0}], period_ms=None)
    assert broker.subscriptions[1] == "homeassistant/status"
    bridge.run(2000)
    topic = "homeassistant/device/b/io/config"
    assert [one for one, _ in broker.taken()].count(topic) == 1
    bridge.run(5000)
    assert broker.taken() == []
    for text, times in (("offline", 0), ("online", 1), ("", 0)):
        broker.send("homeassistant/status", text)
        bridge.run(100)
        assert [one for one, _ in broker.taken()] == [topic] * times
    broker.send("homeassistant/status", "online", is_retained=True)
    bridge.run(100)
    assert [one for one, _ in broker.taken()] == [topic]
    broker.lose()
    broker.accept()
    bridge.run(100)
    assert topic in broker.retained
    other = Discovery("ha")
    assert other.status_topic == "ha/status"
    raises(ValueError, Discovery, "a/b")
    raises(ValueError, Discovery, "")


def test_it_waits_for_room():
    bridge, broker = bridged([{"name": "x", "address": 0}], period_ms=None)
    for room in (0, 1, 1, 1, 1):
        broker.room = room
        bridge.run(100)
    assert "homeassistant/device/b/io/config" in broker.retained


def test_it_comes_in_small_pieces():
    """No piece is much longer than what one point needs, however many points there are."""
    points = [{"name": "point %d" % n, "address": n, "scale": 0.1} for n in range(100)]
    bridge, _ = bridged(points)
    pieces = [len(piece) for piece in describe(bridge, bridge.devices[0])]
    assert len(pieces) > 100 and max(pieces) < 250 and sum(pieces) > 10_000


def test_a_device_without_points():
    bridge, broker = bridged([])
    bridge.run(100)
    message = broker.retained["homeassistant/device/b/io/config"]
    assert check(message, bridge, bridge.devices[0]) == {}
