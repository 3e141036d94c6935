"""Sparkplug: points as an edge node of Sparkplug B, for a SCADA system that speaks it.

    node = Sparkplug(poller, MQTT("192.168.1.2"), group="plant", name="board1")
    serve(poller, node)

Version 3.0 of the specification. Every device of the source is a device of the node, every point
a metric of it. docs/how-to/mqtt.md says what there is, and what there is not.
"""

from micropython import const

from ..bridge.history import clock
from ..bridge.pieces import Pieces
from ..bridge.topics import is_level
from ..bridge.uplink import Uplink
from ..check import wrong
from . import payload

_NAMESPACE = "spBv1.0"
_REBIRTH = "Node Control/Rebirth"
_BD_SEQ = "bdSeq"
_MOST_METRICS = const(8)  # of a message with changes
# The data type of numbers as they are in registers, by data_type.
_TYPES = {
    "int16": payload.INT16,
    "int32": payload.INT32,
    "int48": payload.INT64,
    "int64": payload.INT64,
    "uint16": payload.UINT16,
    "uint32": payload.UINT32,
    "uint48": payload.UINT64,
    "uint64": payload.UINT64,
    "bcd16": payload.UINT16,
    "bcd32": payload.UINT32,
    "bcd48": payload.UINT64,
    "bcd64": payload.UINT64,
    "float32": payload.FLOAT,
    "float64": payload.DOUBLE,
    "string": payload.STRING,
}


def datatype(point) -> int:
    """Return the Sparkplug data type of a point, a dict of its keys as Points has it."""
    if "data_type" not in point or "bit" in point:
        return payload.BOOLEAN
    for key in ("scale", "offset", "scale_factor"):
        if key in point:
            return payload.DOUBLE
    return _TYPES[point["data_type"]]


class Sparkplug(Uplink):
    """An edge node of Sparkplug B.

    source, mqtt, devices, interval_ms, on_error   as umb.bridge.Bridge has them
    group, name   of the edge node: no two at one broker may have both the same
    period_ms     so often every value is published again; None: only when it changes, as
                  Sparkplug has it
    history       how many values of points with `history` are kept while the broker is away

    Nothing is published before the board's clock is set. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        source,
        mqtt,
        *,
        group: str,
        name: str,
        devices: "dict | None" = None,
        interval_ms: int = 1000,
        period_ms: "int | None" = None,
        history: int = 64,
        on_error=None,
    ):
        for word, value in (("group", group), ("name", name)):
            if not is_level(value):
                raise wrong(word, value, "text without /, + and #")
        super().__init__(source, mqtt, devices, interval_ms, period_ms, history, on_error)
        for device in self.devices:
            if not is_level(device.name):
                raise wrong("a device's name", device.name, "text without /, + and #")
        self.group = group
        self.name = name
        self.clock = clock
        self._bd_seq = -1
        self._seq = 0
        self._is_born = False
        self._birth = None  # (device, Pieces) of a DBIRTH that is being made
        mqtt.open(
            "umb-%s-%s" % (group, name),
            self._will,
            (self._topic("NCMD"), self._topic("DCMD") + "/+"),
            self._received,
        )

    def _topic(self, kind, device=None):
        topic = "%s/%s/%s/%s" % (_NAMESPACE, self.group, kind, self.name)
        return topic if device is None else "%s/%s" % (topic, device.name)

    def _now_ms(self):
        """Return the time in milliseconds since 1970, None if the clock is not set."""
        now = self.clock()
        return None if now is None else now[0] * 1000 + now[1]

    def _will(self):
        """Return the NDEATH of the next connection. Its bdSeq is that of the NBIRTH to come."""
        self._bd_seq = self._bd_seq + 1 & 0xFF
        return self._topic("NDEATH"), self._death(), False

    def _death(self):
        now_ms = self._now_ms() or 0
        return payload.head(now_ms, None) + self._metric_of_bd_seq(now_ms)

    def _metric_of_bd_seq(self, now_ms):
        return payload.metric(_BD_SEQ, payload.INT64, self._bd_seq, now_ms)

    # --- what an Uplink asks for

    def begin_session(self):
        """The broker has accepted a connection: everything is born again."""
        self._is_born = False
        self._birth = None

    def has_news(self):
        """Return whether there is something to be published now."""
        if self.clock() is None:
            return False
        if not self._is_born:
            return True
        for device in self.devices:
            if device.told_online != device.online:
                return True
            if device.told_online and device.ready() >= 0:
                return True
        return self.history is not None and len(self.history) > 0

    def publish(self):
        """Publish what is most urgent. Returns False if there was no room for it."""
        now_ms = self._now_ms()
        if now_ms is None:
            return True
        if not self._is_born:
            return self._publish_node(now_ms)
        if self._birth is not None and not self._birth[0].online:
            self._birth = None
        for device in self.devices:
            if device.told_online != device.online:
                return self._publish_state(device, now_ms)
        if self.history is not None and len(self.history):
            return self._publish_history(now_ms)
        for device in self.devices:
            if device.told_online and device.ready() >= 0:
                return self._publish_changes(device, now_ms)
        return True

    def refuse(self, device, i, error):
        """Tell why a command could not be carried out: Sparkplug has no message for that."""
        self.tell("%s: %s" % (device.points.name(i), error))

    def changed(self, device, i):
        """Point number i has another value: it is published, or kept while the broker is away."""
        if self.mqtt.connected:
            device.mark(i)
        elif device.points.has_history(i):
            self.history.put((device, i), device.value(i))

    # --- what is published

    def _send(self, topic, seq, now_ms, metrics):
        """Publish a message, with this sequence number. Returns whether there was room for it."""
        pieces = [payload.head(now_ms, seq)]
        pieces.extend(metrics)
        size = 0
        for piece in pieces:
            size += len(piece)
        if not self.mqtt.stream(topic, size, iter(pieces), False):
            return False
        self._seq = seq
        return True

    def _next_seq(self):
        return self._seq + 1 & 0xFF

    def _publish_node(self, now_ms):
        """Publish NBIRTH."""
        metrics = [
            self._metric_of_bd_seq(now_ms),
            payload.metric(_REBIRTH, payload.BOOLEAN, False, now_ms),
        ]
        if not self._send(self._topic("NBIRTH"), 0, now_ms, metrics):
            return False
        self._is_born = True
        self._birth = None
        for device in self.devices:
            device.told_online = False
        return True

    def _publish_state(self, device, now_ms):
        """Go on making a DBIRTH with all values, and publish it; or publish DDEATH."""
        online = device.online
        metrics = ()
        if online:
            if self._birth is None or self._birth[0] is not device:
                self._birth = (device, Pieces(self._make_metrics(device)))
            if not self._birth[1].go_on():
                return True
            metrics = self._birth[1].pieces
        topic = self._topic("DBIRTH" if online else "DDEATH", device)
        if not self._send(topic, self._next_seq(), now_ms, metrics):
            return False
        self._birth = None
        device.told_online = online
        return True

    def _make_metrics(self, device):
        """Yield a metric for each point of a device."""
        for i in range(len(device.points)):
            device.published(i)  # what changes from here on is for DDATA
            yield self._metric(device, i, device.value(i), self._now_ms())

    def _metric(self, device, i, value, time_ms, historical=False):
        name = device.points.name(i)
        kind = datatype(device.points[name])
        return payload.metric(name, kind, value, time_ms, historical)

    def _publish_changes(self, device, now_ms):
        """Publish DDATA with values that have changed."""
        places = []
        i = device.ready()
        while i >= 0 and len(places) < _MOST_METRICS:
            places.append(i)
            device.published(i)
            i = device.ready()
        metrics = [self._metric(device, i, device.value(i), now_ms) for i in places]
        if self._send(self._topic("DDATA", device), self._next_seq(), now_ms, metrics):
            return True
        for i in places:
            device.mark_now(i)
        return False

    def _publish_history(self, now_ms):
        """Publish DDATA with a value from while the broker was away."""
        seconds, ms, (device, i), value = self.history.oldest()
        if device.told_online:  # else the host does not know it
            metric = self._metric(device, i, value, seconds * 1000 + ms, True)
            topic = self._topic("DDATA", device)
            if not self._send(topic, self._next_seq(), now_ms, [metric]):
                return False
        self.history.drop()
        return True

    # --- commands

    def _received(self, topic, data, is_retained):
        """A command has come, for the node or for a device."""
        if is_retained:  # it is from another time: hosts must not retain commands
            return
        try:
            metrics = payload.read_metrics(data)
        except ValueError as error:
            self.tell("%s: %s" % (topic, error))
            return
        levels = topic.split("/")
        for name, value in metrics:
            if len(levels) == 4:
                if name == _REBIRTH and value:
                    self._is_born = False
            else:
                self._write(levels[4], name, value)

    def _write(self, device_name, name, value):
        """Write a point of a device, or tell why that cannot be."""
        for device in self.devices:
            if device.name == device_name and name in device.points and value is not None:
                try:
                    device.write(device.points.index(name), value)
                except Exception as error:  # noqa: BLE001 - hooks raise what they like
                    self.tell(str(error) or repr(error))
                return
        self.tell("no point %r of device %r takes %r" % (name, device_name, value))
