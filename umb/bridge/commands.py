"""Commands: what is published to the topics `.../set`, and what is answered."""

from micropython import const

from .topics import level, parse

_MOST_ANSWERS = const(8)  # that wait to be published; more replace the oldest ones


def _name_of(points, topic):
    """Return the name of the point with this topic. Raises ValueError."""
    if topic in points and level(topic) == topic:
        return topic
    for name in points:
        if level(name) == topic:
            return name
    raise ValueError("there is no point %r" % topic)


class Commands:
    """Carries out commands for devices.

    topic     what all topics begin with
    devices   of umb.bridge.devices
    read_only whether every command is refused

    answers   (topic, text) of each command that could not be carried out, to be published
    """

    def __init__(self, topic, devices, read_only=False):
        self.answers = []
        self._topic = topic
        self._devices = devices
        self._read_only = read_only

    def carry_out(self, topic, data):
        """Carry out the command in this message, if it is one."""
        levels = topic[len(self._topic) + 1 :].split("/")
        if len(levels) != 3 or levels[2] != "set":
            return
        try:
            self._write(levels[0], levels[1], data)
        except Exception as error:  # noqa: BLE001 - hooks raise what they like: it is told
            self.refuse(levels[0], levels[1], error)

    def _write(self, device_name, point_name, data):
        """Write a point. Raises ValueError or a ModbusError."""
        if self._read_only:
            raise ValueError("this board takes no commands")
        for device in self._devices:
            if device.name == device_name:
                name = _name_of(device.points, point_name)
                value = parse(device.points[name], data)
                device.write(device.points.index(name), value)
                return
        raise ValueError("there is no device %r" % device_name)

    def refuse(self, device_name, point_name, error):
        """Have it published why a command was not carried out."""
        if len(self.answers) == _MOST_ANSWERS:
            self.answers.pop(0)
        topic = "%s/%s/%s/error" % (self._topic, device_name, point_name)
        self.answers.append((topic, str(error) or repr(error)))
