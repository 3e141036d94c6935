"""A model of SunSpec (sunspec/models, json/model_N.json), as points."""

import json

from tools.points.source import Mistake, line_of

# SunSpec's type: (data_type, what stands for "not implemented").
_TYPES = {
    "int16": ("int16", "0x8000"),
    "uint16": ("uint16", "0xFFFF"),
    "acc16": ("uint16", None),
    "enum16": ("uint16", "0xFFFF"),
    "bitfield16": ("uint16", "0xFFFF"),
    "count": ("uint16", None),
    "sunssf": ("int16", "0x8000"),
    "int32": ("int32", "0x80000000"),
    "uint32": ("uint32", "0xFFFFFFFF"),
    "acc32": ("uint32", None),
    "enum32": ("uint32", "0xFFFFFFFF"),
    "bitfield32": ("uint32", "0x80000000"),
    "ipaddr": ("uint32", None),
    "int64": ("int64", "0x8000000000000000"),
    "uint64": ("uint64", "0xFFFFFFFFFFFFFFFF"),
    "acc64": ("uint64", None),
    "bitfield64": ("uint64", "0xFFFFFFFFFFFFFFFF"),
    "float32": ("float32", None),
    "float64": ("float64", None),
    "string": ("string", None),
}
_LEFT_OUT = ("pad", "eui48", "ipv6addr")
_UNITS = {"C": "°C", "Pct": "%", "VAR": "var"}
_HEAD = 2  # registers: model id and length


def find(found, text, model, address):
    """Add the points of a model whose id is in the register at this address."""
    found.about["manufacturer"] = "SunSpec Alliance"
    found.about["model"] = f"{model['group'].get('label', 'model')}, model {model.get('id')}"
    found.about["source"] = f"SunSpec Information Model Reference, model {model.get('id')}"
    if not address:
        found.about["sunspec_model"] = model.get("id")
    _Reader(found, text, address).read_group(model["group"], "")


class _Reader:
    """Goes through a model, register by register."""

    def __init__(self, found, text, address):
        self._found = found
        self._text = text
        self._address = address
        self._begin = address

    def read_group(self, group, prefix):
        """Add the points of a group, and of the groups in it."""
        for point in group.get("points", ()):
            self._read(point, prefix)
        for inner in group.get("groups", ()):
            name = inner.get("name", "group")
            count = inner.get("count", 1)
            if not isinstance(count, int) or count < 1:
                self._found.note(self._line(name), f"the group {name} is left out: it repeats")
                return  # nothing tells where what follows is
            for i in range(count):
                self.read_group(inner, f"{prefix}{name}_" if count == 1 else f"{prefix}{name}{i}_")

    def _line(self, name):
        return line_of(self._text, rf'"name"\s*:\s*{json.dumps(name)}')

    def _read(self, point, prefix):
        name, kind = point.get("name"), point.get("type")
        line = self._line(name)
        size = point.get("size")
        if not isinstance(size, int) or size < 1:
            raise Mistake(self._found.path, line, "size", f"it must be registers, not {size!r}")
        address = self._address
        self._address += size
        if address < self._begin + _HEAD or kind in _LEFT_OUT:
            return
        if kind not in _TYPES:
            raise Mistake(self._found.path, line, "type", f"{kind} is not known")
        self._found.add(_point(point, prefix, address, size), line)


def _point(point, prefix, address, size):
    data_type, missing = _TYPES[point["type"]]
    made = {"name": prefix + point["name"], "address": address, "data_type": data_type}
    if data_type == "string":
        made["count"] = size
    factor = point.get("sf")
    if isinstance(factor, str):
        made["scale_factor"] = prefix + factor
    elif factor:
        made["scale"] = 10**factor
    if missing:
        made["nan_value"] = missing
    if point.get("access") == "RW" and point["type"] != "sunssf":
        made["writable"] = True
    if "units" in point:
        made["unit_of_measurement"] = _UNITS.get(point["units"], point["units"])
    if point["type"].startswith("acc"):
        made["state_class"] = "total_increasing"
    return made
