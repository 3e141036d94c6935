"""Sources of a Panel: the points of a store, and of devices of Pollers."""

from ..points import Points
from ..points.rows import AREAS
from .responses import why_not
from .source import Source

_KEYS = ("unit_of_measurement", "min_value", "max_value", "precision", "device_class")


def source_of(points, server):
    """Return the Source of a PointStore, a Poller or {name: Device}. Raises ValueError.

    server   what answers for a PointStore
    """
    if isinstance(getattr(points, "points", None), Points):
        return _StoreSource(points, server)
    if hasattr(points, "devices"):
        return _DevicesSource({"Slave %d" % one.slave_id: one for one in points.devices})
    if isinstance(points, dict):
        return _DevicesSource(points)
    text = "points must be a PointStore, a Poller, {name: Device} or a Source, not %r"
    raise ValueError(text % (points,))


def describe(points: Points, i: int, group: str, value, state: str) -> dict:
    """Return what Source.describe() returns, of point number i of these points."""
    name = points.name(i)
    given = points[name]
    is_bit = points.area(i) < 2 or "bit" in given
    row = {
        "group": group,
        "name": name,
        "value": value,
        "state": state,
        "writable": points.is_writable(i),
        "kind": "switch" if is_bit else "text" if given["data_type"] == "string" else "number",
        "area": AREAS[points.area(i)],
        "address": points.address(i),
    }
    for key in _KEYS:
        if key in given:
            row[key] = given[key]
    return row


class _DevicesSource(Source):
    """The points of devices of Pollers, by their names."""

    def __init__(self, devices):
        self._devices = devices

    def count(self):
        return sum(len(device.points) for device in self._devices.values())

    def _find(self, i):
        """Return the name and the device of point number i, and its number in the device."""
        for name, device in self._devices.items():
            if i < len(device.points):
                return name, device, i
            i -= len(device.points)
        raise IndexError(i)

    def describe(self, i):
        value = self.value(i)
        state = self.state(i)
        name, device, i = self._find(i)
        return describe(device.points, i, name, value, state)

    def value(self, i):
        _, device, i = self._find(i)
        return device[device.points.name(i)]

    def state(self, i):
        device = self._find(i)[1]
        return "" if device.state == "online" else device.state

    async def write(self, i, value):
        _, device, i = self._find(i)
        try:
            await device.write(device.points.name(i), value)
        except Exception as error:  # noqa: BLE001 - what it says is shown
            return str(error)
        return ""


class _StoreSource(Source):
    """The points of a PointStore. They are written as a client writes them, with a request."""

    def __init__(self, store, server):
        self._store = store
        self._server = server

    def count(self):
        return len(self._store.points)

    def describe(self, i):
        points = self._store.points
        return describe(points, i, "", self.value(i), "")

    def value(self, i):
        return self._store[self._store.points.name(i)]

    def state(self, i):
        return ""

    async def write(self, i, value):
        try:
            body = self._request(i, value)
        except (TypeError, ValueError) as error:
            return str(error)
        return why_not(await self.link.ask(body))

    def _request(self, i, value):
        """Return the slave id and the request PDU that write a value to point number i."""
        store = self._store
        points = store.points
        points.check(i, value)
        address = points.address(i)
        head = bytes((self._slave_id(), 0, address >> 8, address & 0xFF))
        if points.area(i) < 2:
            return _with_code(head, 5) + (b"\xff\0" if value else b"\0\0")
        size = points.size(i)
        data = bytearray(2 * size)
        exponent = points.exponent_of(i)
        points.encode(i, value, data, 0, 0 if exponent < 0 else store[points.name(exponent)])
        mask = points.mask(i)
        if mask != 0xFFFF:
            others = mask ^ 0xFFFF
            return _with_code(head, 22) + bytes((others >> 8, others & 0xFF)) + data
        return _with_code(head, 16) + bytes((0, size, 2 * size)) + data

    def _slave_id(self):
        """Return the slave id under which the store is served."""
        stores = getattr(self._server, "stores", {})
        for slave_id in stores:
            if stores[slave_id] is self._store:
                return slave_id
        return 255  # the device itself


def _with_code(head, function_code):
    return bytes((head[0], function_code)) + head[2:]
