"""Bridge: publishes the points of a Poller, or of a store on this board, to an MQTT broker.

    bridge = Bridge(poller, MQTT("192.168.1.2"), name="plant", devices={"meter": meter})
    serve(poller, bridge)

It is a driver: umb.serve.serve() and umb.aio.serve() run it beside others. docs/how-to/mqtt.md
describes its topics.
"""

from ..check import wrong
from .commands import Commands
from .pieces import Pieces
from .topics import as_json, is_level, level, payload
from .uplink import Uplink

_ONLINE = "online"
_OFFLINE = "offline"


class Bridge(Uplink):
    """Publishes points, and carries out what is published to their topics `.../set`.

    source       a Poller, whose devices have all been added; several of them in a tuple; or a
                 PointStore
    mqtt         an umb.bridge.mqtt.MQTT, or what has the same methods
    name         of this board: no two at one broker may have the same
    devices      {name: device} of those of the Poller that are published; None: all of them, by
                 their slave ids as names. For a PointStore {name: store}, None: its name is "io"
    prefix       what all topics begin with
    interval_ms  so often a point that goes on changing is published at most
    period_ms    so often every value is published again; None: only when it changes
    json         whether one object a device is published in place of single values
    discovery    an umb.bridge.discovery.Discovery, which describes everything to Home Assistant
    history      how many values of points with `history` are kept until the broker has them
    read_only    whether commands are refused
    on_error     on_error(text) is called when the connection to the broker is lost or refused

    The hooks of the Poller are called as before. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        source,
        mqtt,
        *,
        name: str,
        devices: "dict | None" = None,
        prefix: str = "umb",
        interval_ms: int = 1000,
        period_ms: "int | None" = 60_000,
        json: bool = False,
        discovery=None,
        history: int = 64,
        read_only: bool = False,
        on_error=None,
    ):
        for word, value in (("name", name), ("prefix", prefix)):
            if not is_level(value):
                raise wrong(word, value, "text without /, + and #")
        if not isinstance(json, bool):
            raise wrong("json", json, "True or False")
        if not (discovery is None or hasattr(discovery, "status_topic")):
            raise wrong("discovery", discovery, "an umb.bridge.discovery.Discovery or None")
        super().__init__(source, mqtt, devices, interval_ms, period_ms, history, on_error)
        self._check_topics()
        self.name = name
        self.topic = "%s/%s" % (prefix, name)
        self.json = json
        self.discovery = discovery
        self._commands = Commands(self.topic, self.devices, read_only)
        self._told_birth = False
        self._object = None  # (device, Pieces) of an object that is being made
        self._turn = 0  # the device whose points come first
        self._sending = None  # the number of the value of the history that is on its way
        topics = [self.topic + "/+/+/set"]
        if discovery is not None:
            topics.append(discovery.status_topic)
        mqtt.open("umb-" + name, self._will, topics, self._received)

    def _will(self):
        """Return what the broker publishes when the connection is lost."""
        return self.topic + "/state", _OFFLINE, True

    def _check_topics(self):
        """Raise ValueError if names cannot be topics, or two of them are one."""
        for device in self.devices:
            if not is_level(device.name) or device.name == "state":
                raise wrong("a device's name", device.name, 'text without /, + and #, not "state"')
            known = set()
            for name in device.points:
                if level(name) in known:
                    raise ValueError("two points have the topic %r: %r" % (level(name), name))
                known.add(level(name))

    def _received(self, topic, data, is_retained):
        """A message has come: a command, or that Home Assistant has started."""
        if self.discovery is not None and topic == self.discovery.status_topic:
            if data == b"online":
                self.discovery.restart()
        elif not is_retained:  # a command that was kept is from another time
            self._commands.carry_out(topic, data)

    # --- what an Uplink asks for

    def begin_session(self):
        """The broker has accepted a connection: it may know nothing of this board."""
        self._told_birth = False
        self._object = None
        self._sending = None
        for device in self.devices:
            device.told_online = None
            device.mark_all()
        if self.discovery is not None:
            self.discovery.restart()

    def has_news(self):
        """Return whether there is something to be published now."""
        if not self._told_birth or self._commands.answers or self._object is not None:
            return True
        for device in self.devices:
            if device.told_online != device.online or device.ready() >= 0:
                return True
        if self.history is not None and len(self.history) and not self.mqtt.unacknowledged:
            return True
        return self.discovery is not None and self.discovery.has_news()

    def publish(self):
        """Publish what is most urgent. Returns False if there was no room for it."""
        if not self._told_birth:
            self._told_birth = self.mqtt.publish(self.topic + "/state", _ONLINE, 1, True)
            return self._told_birth
        if self._commands.answers:
            return self._publish_answer()
        for device in self.devices:
            if device.told_online != device.online:
                return self._publish_state(device)
        if self._object is not None:
            return self._publish_object()
        device = self._next_device()
        if device is not None and self.json:
            self._object = (device, Pieces(self._make_object(device)))
            return True
        if device is not None:
            return self._publish_value(device, device.ready())
        if self.history is not None and not self._publish_history():
            return False
        if self.discovery is not None and self.discovery.has_news():
            return self.discovery.publish(self)
        return True

    def changed(self, device, i):
        """Point number i has another value: it is published, and kept if it has a history."""
        device.mark(i)
        if device.points.has_history(i):
            self.history.put((device, i), device.value(i))

    def _next_device(self):
        """Return a device that has something to be published, None if there is none.

        They take turns.
        """
        for _ in self.devices:
            device = self.devices[self._turn]
            self._turn = (self._turn + 1) % len(self.devices)
            if device.ready() >= 0:
                return device
        return None

    def refuse(self, device, i, error):
        """Have it published why a command to point number i could not be carried out."""
        self._commands.refuse(device.name, level(device.points.name(i)), error)

    # --- what is published

    def _publish_answer(self):
        """Publish why a command could not be carried out."""
        topic, text = self._commands.answers[0]
        if not self.mqtt.publish(topic, text):
            return False
        self._commands.answers.pop(0)
        return True

    def _publish_state(self, device):
        """Publish whether a device answers; after it was offline, all its values again."""
        online = device.online
        topic = "%s/%s/state" % (self.topic, device.name)
        if not self.mqtt.publish(topic, _ONLINE if online else _OFFLINE, 1, True):
            return False
        device.told_online = online
        if online:
            device.mark_all()
        return True

    def _publish_value(self, device, i):
        """Publish the value of point number i."""
        value = device.value(i)
        # What a device that does not answer had before this board started is left as it is.
        if value is not None or device.online:
            topic = "%s/%s/%s" % (self.topic, device.name, level(device.points.name(i)))
            if not self.mqtt.publish(topic, payload(value), 0, True):
                return False
        device.published(i)
        return True

    def _make_object(self, device):
        """Yield the values of a device as one object, in pieces."""
        before = "{"
        for i in range(len(device.points)):
            device.published(i)  # what changes from here on is for the next object
            name = as_json(device.points.name(i))
            yield ("%s%s:%s" % (before, name, as_json(device.value(i)))).encode()
            before = ","
        yield b"}"

    def _publish_object(self):
        """Go on making an object, and publish it."""
        device, message = self._object
        if not message.go_on():
            return True
        topic = "%s/%s" % (self.topic, device.name)
        # As long as a device has never answered, what the broker has of it is left as it is.
        if (device.online or device.has_values()) and not self.mqtt.stream(
            topic, message.size, iter(message.pieces)
        ):
            return False
        self._object = None
        return True

    def _publish_history(self):
        """Publish the oldest value of the history, and drop it when the broker has it."""
        history = self.history
        if self.mqtt.unacknowledged:
            return True
        if self._sending == history.number and len(history):
            history.drop()
        self._sending = None
        if not len(history):
            return True
        seconds, ms, (device, i), value = history.oldest()
        topic = "%s/%s/%s/history" % (self.topic, device.name, level(device.points.name(i)))
        time = "null" if seconds is None else "%d.%03d" % (seconds, ms)
        text = '{"time":%s,"value":%s}' % (time, as_json(value))
        if not self.mqtt.publish(topic, text, 1):
            return False
        self._sending = history.number
        return True
