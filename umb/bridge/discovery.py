"""Discovery: describes devices and their points to Home Assistant, by its MQTT discovery.

    bridge = Bridge(poller, mqtt, name="plant", discovery=Discovery())

One retained message a device, made anew from the keys of its points whenever it is sent, and sent
point by point: it is never in memory as a whole.
"""

import json

from micropython import const

from .. import __version__
from ..check import wrong
from .pieces import Pieces
from .topics import is_level, level

_MOST_LETTERS = const(255)  # of a state in Home Assistant
_PERIODS = const(3)  # a value is given up that was not published for so many periods
_LEAST_STEP = 0.001  # of a number
_FARTHEST = 1e9  # the limit of a number that has none, because it is a float
# What only text can be, and what a switch can be, of Home Assistant's device classes.
_TEXT_CLASSES = ("date", "timestamp", "enum")
_SWITCH_CLASSES = ("outlet", "switch")
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


class Discovery:
    """What Home Assistant is told.

    prefix   of the topics, as Home Assistant is configured
    """

    def __init__(self, prefix: str = "homeassistant"):
        if not is_level(prefix):
            raise wrong("prefix", prefix, "text without /, + and #")
        self.prefix = prefix
        self.status_topic = prefix + "/status"
        self._place = 0  # the device that is to be described next
        self._count = 1  # how many there are, as far as is known
        self._counted = None  # the Pieces of its message, which are counted

    # --- for the Bridge

    def restart(self) -> None:
        """Describe everything again: the broker, or Home Assistant, may know nothing."""
        self._place = 0
        self._counted = None

    def has_news(self) -> bool:
        """Return whether there is something to be published."""
        return self._place < self._count

    def publish(self, bridge) -> bool:
        """Go on describing the devices of this Bridge. Returns False if there was no room.

        The bytes of a message are counted before it is sent.
        """
        self._count = len(bridge.devices)
        device = bridge.devices[self._place]
        if self._counted is None:
            self._counted = Pieces(describe(bridge, device), False)
        if not self._counted.go_on():
            return True
        names = (self.prefix, topic_id(bridge.name), topic_id(device.name))
        topic = "%s/device/%s/%s/config" % names
        if not bridge.mqtt.stream(topic, self._counted.size, describe(bridge, device)):
            return False
        self._counted = None
        self._place += 1
        return True


def topic_id(name: str) -> str:
    """Return a name with the letters that Home Assistant allows in topics of discovery.

    Others become their number in hex between two "-". Different names stay different.
    """
    return "".join([c if c.lower() in _ID_LETTERS else "-%x-" % ord(c) for c in name])


def describe(bridge, device):
    """Yield the message of a device, as bytes, piece by piece."""
    about = device.points.about
    topic = "%s/%s" % (bridge.topic, device.name)
    head = {"ids": topic, "name": "%s %s" % (bridge.name, device.name)}
    if "manufacturer" in about:
        head["mf"] = about["manufacturer"]
    if "model" in about:
        head["mdl"] = about["model"]
    yield b'{"dev":' + json.dumps(head).encode()
    yield b',"o":' + json.dumps({"name": "umb", "sw": __version__}).encode()
    states = [{"t": bridge.topic + "/state"}, {"t": topic + "/state"}]
    yield b',"avty_mode":"all","avty":' + json.dumps(states).encode()
    yield b',"cmps":'
    before = "{"
    for name in device.points:
        # A space would end the key for Home Assistant.
        key = level(name).replace("%", "%25").replace(" ", "%20")
        entity = component(bridge, topic, device.points[name])
        yield ("%s%s:%s" % (before, json.dumps(key), json.dumps(entity))).encode()
        before = ","
    yield b"}}" if before == "," else b"{}}"


def component(bridge, topic, point) -> dict:
    """Return what Home Assistant is told of a point of the device with this topic.

    point   a dict of its keys, as Points has it
    """
    name = point["name"]
    own_topic = "%s/%s" % (topic, level(name))
    entity = {"name": name, "uniq_id": own_topic, "stat_t": own_topic}
    if bridge.json:
        entity["stat_t"] = topic
        entity["val_tpl"] = "{{value_json[%s]}}" % json.dumps(name)
    if "writable" in point:
        entity["cmd_t"] = own_topic + "/set"
    elif bridge.period_ms is not None:
        entity["exp_aft"] = _PERIODS * -(-bridge.period_ms // 1000)
    if "data_type" not in point or "bit" in point:
        _add_bit(entity, point)
    elif point["data_type"] == "string":
        _add_text(entity, point)
    else:
        _add_number(entity, point)
    return entity


def _add_bit(entity, point):
    """Add what is told of a coil, a discrete input or a bit."""
    entity["p"] = "switch" if "writable" in point else "binary_sensor"
    entity["pl_on"] = "1"
    entity["pl_off"] = "0"
    kind = point.get("device_class")
    if kind is not None and ("writable" not in point or kind in _SWITCH_CLASSES):
        entity["dev_cla"] = kind


def _add_text(entity, point):
    """Add what is told of a string."""
    if "writable" in point:
        entity["p"] = "text"
        entity["max"] = min(2 * point["count"], _MOST_LETTERS)
        return
    entity["p"] = "sensor"
    if point.get("device_class") in _TEXT_CLASSES:
        entity["dev_cla"] = point["device_class"]


def _add_number(entity, point):
    """Add what is told of a number."""
    if "unit_of_measurement" in point:
        entity["unit_of_meas"] = point["unit_of_measurement"]
    if point.get("device_class", _TEXT_CLASSES[0]) not in _TEXT_CLASSES:
        entity["dev_cla"] = point["device_class"]
    if "writable" in point:
        entity["p"] = "number"
        entity["mode"] = "box"
        entity["min"], entity["max"] = limits(point)
        entity["step"] = max(_step(point), _LEAST_STEP)
        return
    entity["p"] = "sensor"
    if "state_class" in point:
        entity["stat_cla"] = point["state_class"]
    if "precision" in point:
        entity["sug_dsp_prc"] = point["precision"]


def _step(point):
    """Return by how much a number changes at least."""
    if "float" in point["data_type"] or "scale_factor" in point:
        return 10 ** -point.get("precision", 3)
    return abs(point.get("scale", 1))


def limits(point):
    """Return the least and the greatest value that a number can be written as."""
    kind = point["data_type"]
    if "float" in kind or "scale_factor" in point:
        low, high = -_FARTHEST, _FARTHEST
    else:
        bits = int(kind[-2:])
        low, high = 0, (1 << bits) - 1
        if kind.startswith("bcd"):
            high = 10 ** (bits >> 2) - 1
        elif kind.startswith("int"):
            low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        low *= point.get("scale", 1)
        high *= point.get("scale", 1)
        low, high = (
            min(low, high) + point.get("offset", 0),
            max(low, high) + point.get("offset", 0),
        )
    return point.get("min_value", low), point.get("max_value", high)
