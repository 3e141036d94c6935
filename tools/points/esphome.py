"""ESPHome's configuration of its component `modbus_controller`, as points."""

import re

from tools.points.source import Mistake
from tools.points.yaml_lines import Mapping, Tagged, as_list

_TYPES = {
    "U_WORD": ("uint16", None),
    "S_WORD": ("int16", None),
    "U_DWORD": ("uint32", None),
    "U_DWORD_R": ("uint32", "word"),
    "S_DWORD": ("int32", None),
    "S_DWORD_R": ("int32", "word"),
    "U_QWORD": ("uint64", None),
    "U_QWORD_R": ("uint64", "word"),
    "S_QWORD": ("int64", None),
    "S_QWORD_R": ("int64", "word"),
    "FP32": ("float32", None),
    "FP32_R": ("float32", "word"),
}
_AREAS = {
    "holding": "holding",
    "read": "input",
    "coil": "coil",
    "discrete_input": "discrete_input",
}
_PLATFORMS = ("sensor", "binary_sensor", "switch", "number", "text_sensor")
_COPIED = ("unit_of_measurement", "device_class", "state_class")
_INTERVAL = re.compile(r"([\d.]+) ?(ms|s|min|h)")
_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}


def find(found, document, controller):
    """Add the points of all entities of a controller, by its id; None: of the only one."""
    controllers = {one.get("id"): one for one in as_list(document["modbus_controller"])}
    if controller is None and len(controllers) > 1:
        text = f"there are several: {', '.join(map(str, controllers))}; --controller chooses one"
        raise Mistake(found.path, document.lines["modbus_controller"], "modbus_controller", text)
    if controller is not None and controller not in controllers:
        raise Mistake(found.path, 0, "modbus_controller", f"there is no {controller}")
    names = document.get("substitutions") or {}
    device = controllers[controller] if controller else next(iter(controllers.values()))
    for platform in _PLATFORMS:
        for entity in as_list(document.get(platform)):
            if not isinstance(entity, Mapping):
                line = document.lines[platform]
                raise Mistake(found.path, line, platform, "a list of mappings is needed")
            if _is_of(entity, device):
                _Entity(found, entity, device, names).add(platform)
    for platform in (key for key in document if key not in _PLATFORMS):
        for entity in as_list(document[platform]):
            if isinstance(entity, Mapping) and _is_of(entity, device):
                found.note(entity.line, f"the {platform} is left out")


def _is_of(entity, device):
    """Return whether an entity is one of this controller."""
    own = device.get("id")
    return (
        entity.get("platform") == "modbus_controller"
        and entity.get("modbus_controller_id", own) == own
    )


class _Entity:
    """An entity on its way to a point."""

    def __init__(self, found, entity, device, names):
        self._found = found
        self._entity = entity
        self._device = device
        name = self._get("name", entity.get("id"))
        for key, value in names.items():
            name = re.sub(rf"\$\{{{key}\}}|\${key}\b", str(value), str(name))
        self._point = {"name": name, "address": self._get("address")}
        if self._point["address"] is None:
            raise Mistake(found.path, entity.line, "address", "it is missing")
        if not isinstance(self._point["address"], int):
            raise self._mistake("address", f"it must be a number, not {self._point['address']!r}")

    def _get(self, key, default=None):
        value = self._entity.get(key, default)
        if isinstance(value, Tagged):
            raise self._mistake(key, f"{value} is not known here")
        return value

    def _mistake(self, key, text):
        return Mistake(self._found.path, self._entity.lines.get(key, self._entity.line), key, text)

    def add(self, platform):
        """Add the point of an entity of this platform."""
        default = {"number": "holding", "switch": "coil"}.get(platform)
        kind = self._get("register_type", default)
        if kind not in _AREAS:
            raise self._mistake("register_type", f"{kind} cannot be told as points")
        area = _AREAS[kind]
        point = self._point
        if area != "holding":
            point["input_type"] = area
        if platform in ("switch", "number"):
            point["writable"] = True
        self._set_place(area)
        if area in ("holding", "input"):
            self._set_type(platform)
        self._set_interval()
        for key in _COPIED:
            if key in self._entity:
                point[key] = self._get(key)
        self._found.add(point, self._entity.line)

    def _set_place(self, area):
        """Add `offset`: coils, or bytes of registers."""
        offset = self._get("offset", 0)
        if area in ("coil", "discrete_input"):
            self._point["address"] += offset
        elif offset % 2:
            raise self._mistake("offset", f"{offset} bytes are no registers")
        else:
            self._point["address"] += offset // 2

    def _set_type(self, platform):
        point = self._point
        if platform == "text_sensor":
            size = self._get("response_size", 2 * self._get("register_count", 1))
            point.update({"data_type": "string", "count": (size + 1) // 2})
            return
        mask = self._get("bitmask", 0xFFFFFFFF)
        if platform in ("binary_sensor", "switch"):
            mask = self._get("bitmask", 1)
        if mask != 0xFFFFFFFF:
            if mask <= 0 or mask & mask - 1 or mask > 0x8000:
                raise self._mistake("bitmask", f"{mask:#x} is not one bit of a register")
            point.update({"data_type": "uint16", "bit": mask.bit_length() - 1})
            return
        kind = self._get("value_type", "U_WORD")
        if kind not in _TYPES:
            raise self._mistake("value_type", f"{kind} cannot be told as points")
        point["data_type"], swap = _TYPES[kind]
        if swap:
            point["swap"] = swap
        self._set_numbers(platform)

    def _set_numbers(self, platform):
        """Set how a number is scaled, and within which limits it is."""
        point = self._point
        scale = 1
        if platform == "number":
            scale = 1 / self._get("multiply", 1)
            for key in ("min_value", "max_value"):
                if key in self._entity:
                    point[key] = self._get(key)
        scale, offset = self._filtered(scale)
        if scale != 1:
            point["scale"] = scale
        if offset:
            point["offset"] = offset
        if "accuracy_decimals" in self._entity:
            point["precision"] = self._get("accuracy_decimals")

    def _filtered(self, scale):
        """Return scale and offset with those filters that do nothing else."""
        offset = 0
        for one in as_list(self._entity.get("filters")):
            for key, value in one.items() if isinstance(one, Mapping) else ():
                if key == "multiply":
                    scale, offset = scale * value, offset * value
                elif key == "offset":
                    offset += value
                else:
                    self._found.note(one.lines[key], f"the filter {key} is left out")
        return scale, offset

    def _set_interval(self):
        """Set scan_interval if the entity skips updates of its controller."""
        text = str(self._device.get("update_interval", "60s"))
        found = _INTERVAL.fullmatch(text)
        if "skip_updates" in self._entity and found:
            seconds = float(found[1]) * _SECONDS[found[2]] * (self._get("skip_updates") + 1)
            self._point["scan_interval"] = int(seconds) if seconds == int(seconds) else seconds
        if "lambda" in self._entity:
            self._found.note(self._entity.lines["lambda"], "the lambda is left out")
