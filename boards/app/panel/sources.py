"""Sources of the page for an Application: its pins, and points that nobody may write."""

from umb.panel.responses import why_not
from umb.panel.source import Source

_CODES = {"outputs": 5, "pwms": 6}  # the function codes that write pins


class ReadOnly(Source):
    """The points of another Source, none of which can be written."""

    def __init__(self, source):
        self._source = source
        self.count = source.count
        self.value = source.value
        self.state = source.state

    def describe(self, i):
        row = self._source.describe(i)
        row["writable"] = False
        return row

    async def write(self, i, value):
        return "networks may not write: the setting read_only says so"


class Pins(Source):
    """The pins of remote I/O. They are read, and driven, as a client does that."""

    def __init__(self, application):
        from ..io.pins import pins  # which other roles may not have

        self._slave_id = application.settings["slave_id"]
        self._pins = pins(application)

    def count(self):
        return len(self._pins)

    def describe(self, i):
        name, number, pin, _, address = self._pins[i]
        row = {
            "group": {"analogues": "Analogue inputs", "pwms": "PWM outputs"}.get(
                name, name[0].upper() + name[1:]
            ),
            "name": "%s %d, pin %s" % (name[:-1], number, pin["pin"]),
            "value": self.value(i),
            "state": "",
            "writable": name in _CODES,
            "kind": "switch" if name in ("outputs", "inputs") else "number",
            "address": address,
        }
        if name == "pwms":
            row["min_value"] = 0
            row["max_value"] = pin["full"]
        return row

    def value(self, i):
        name, _, pin, block, address = self._pins[i]
        if block.on_read is not None:
            block.on_read(address, 1)
        value = block[address]
        if name == "analogues" and pin["scale"] is not None:
            return value - 0x10000 if value & 0x8000 else value
        return value

    def state(self, i):
        return ""

    async def write(self, i, value):
        name, _, pin, _, address = self._pins[i]
        code = _CODES.get(name)
        if code is None:
            return "an input cannot be written"
        most = pin.get("full", 1)
        if not isinstance(value, int) or not 0 <= value <= most:
            return "%s take whole numbers from 0 to %d, not %r" % (name, most, value)
        if code == 5:
            value = 0xFF00 if value else 0
        body = (self._slave_id, code, address >> 8, address & 0xFF, value >> 8, value & 0xFF)
        return why_not(await self.link.ask(bytes(body)))
