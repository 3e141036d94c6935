"""Home Assistant's configuration of its integration `modbus`, as points."""

from tools.points.source import Mistake
from tools.points.yaml_lines import Mapping, Tagged, as_list

_COPIED = ("unit_of_measurement", "device_class", "state_class")
_NUMBERS = ("scale", "offset", "precision")
_COMMON = {
    "name",
    "address",
    "slave",
    "device_address",
    "unique_id",
    "scan_interval",
    "device_class",
    "lazy_error_count",
    "slave_count",
    "virtual_count",
    "input_type",
}
_SENSOR = _COMMON | {
    "data_type",
    "count",
    "swap",
    "scale",
    "offset",
    "precision",
    "unit_of_measurement",
    "state_class",
    "nan_value",
    "min_value",
    "max_value",
    "zero_suppress",
    "structure",
}
_SWITCH = _COMMON | {"write_type", "command_on", "command_off", "verify"}
_OLD_TYPES = {
    ("int", 1): "int16",
    ("int", 2): "int32",
    ("int", 4): "int64",
    ("uint", 1): "uint16",
    ("uint", 2): "uint32",
    ("uint", 4): "uint64",
    ("float", 2): "float32",
    ("float", 4): "float64",
}
_TYPES = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
    "string": None,
}
_REST = ("climates", "covers")  # more than one value each, which nothing tells apart


def find(found, document, slave_id):
    """Add the points of all hubs of a configuration; slave_id: of one slave, None: of the only."""
    if isinstance(document, dict) and "modbus" in document:
        document = document["modbus"]
    entities = [one for hub in as_list(document) for one in _entities(found, hub)]
    wanted = _slave(found, entities, slave_id)
    for entity, make in entities:
        if _slave_of(entity) == wanted:
            make(found, entity)


def _entities(found, hub):
    """Yield (entity, what makes points of it) for all entities of a hub."""
    if not isinstance(hub, Mapping):
        raise Mistake(found.path, 0, "modbus", f"it must be a list of hubs, not {hub!r}")
    for key, make in _MAKERS.items():
        for entity in as_list(hub.get(key)):
            if not isinstance(entity, Mapping):
                raise Mistake(found.path, hub.lines[key], key, "a list of mappings is needed")
            yield entity, make
    for key in _REST:
        if key in hub:
            found.note(hub.lines[key], f"{key} are left out")


def _slave_of(entity):
    return entity.get("slave", entity.get("device_address", 0))


def _slave(found, entities, slave_id):
    """Return the slave id whose points are wanted."""
    there = sorted({_slave_of(entity) for entity, _ in entities}, key=str)
    if slave_id is None and len(there) > 1:
        text = f"there are several: {', '.join(map(str, there))}; --slave-id chooses one"
        raise Mistake(found.path, 0, "slave", text)
    if slave_id is not None and slave_id not in there:
        raise Mistake(found.path, 0, "slave", f"{slave_id} has nothing there, only {there}")
    return there[0] if slave_id is None and there else slave_id


def _check_keys(found, entity, known):
    for key in entity:
        if key not in known:
            raise Mistake(found.path, entity.lines[key], key, "there is no such key")
        if isinstance(entity[key], Tagged):
            raise Mistake(found.path, entity.lines[key], key, f"{entity[key]} is not known here")


def _point(found, entity, input_type, address=None):
    """Return a point with what all kinds have."""
    if "address" not in entity:
        raise Mistake(found.path, entity.line, "address", "it is missing")
    if not isinstance(entity["address"], int):
        text = f"it must be a number, not {entity['address']!r}"
        raise Mistake(found.path, entity.lines["address"], "address", text)
    point = {
        "name": entity.get("name"),
        "address": entity["address"] if address is None else address,
    }
    if input_type != "holding":
        point["input_type"] = input_type
    return point


def _finish(found, entity, point):
    """Add what stands behind, and the point itself."""
    if "scan_interval" in entity:  # 0 switches polling off there, null does here
        point["scan_interval"] = entity["scan_interval"] or None
    for key in _COPIED:
        if key in entity:
            point[key] = entity[key]
    found.add(point, entity.line)


def _type(found, entity):
    """Return the data_type of a sensor, and how many registers it takes."""
    kind = entity.get("data_type", "int16")
    count = entity.get("count")
    kind = _OLD_TYPES.get((kind, count), kind)
    if kind not in _TYPES:
        line = entity.lines.get("data_type", entity.line)
        raise Mistake(found.path, line, "data_type", f"{kind} cannot be told as points")
    return kind, count if kind == "string" else _TYPES[kind]


def _sensor(found, entity):
    _check_keys(found, entity, _SENSOR)
    kind, size = _type(found, entity)
    count = entity.get("slave_count", entity.get("virtual_count", 0))
    for i in range(count + 1):
        point = _point(found, entity, entity.get("input_type", "holding"))
        point["address"] = entity["address"] + i * (size or 0)
        if i:
            point["name"] = f"{entity.get('name')} {i}"
        point["data_type"] = kind
        if kind == "string" and "count" in entity:
            point["count"] = entity["count"]
        if entity.get("swap", "none") != "none":
            point["swap"] = entity["swap"]
        for key in (*_NUMBERS, "nan_value"):
            if key in entity and kind != "string":
                point[key] = entity[key]
        _finish(found, entity, point)
    for key in ("min_value", "max_value", "zero_suppress"):
        if key in entity:
            found.note(entity.lines[key], f"{key} cuts values off there: it is left out")


def _binary_sensor(found, entity):
    _check_keys(found, entity, _COMMON)
    input_type = entity.get("input_type", "coil")
    count = entity.get("slave_count", entity.get("virtual_count", 0))
    for i in range(count + 1):
        point = _point(found, entity, input_type)
        if i:
            point["name"] = f"{entity.get('name')} {i}"
        if input_type in ("holding", "input"):
            point["address"] = entity["address"] + i // 16
            point.update({"data_type": "uint16", "bit": i % 16})
        else:
            point["address"] = entity["address"] + i
        _finish(found, entity, point)


def _switch(found, entity):
    _check_keys(found, entity, _SWITCH)
    kind = entity.get("write_type", "holding")
    if kind in ("coil", "coils"):
        point = _point(found, entity, "coil")
        point["writable"] = True
    elif kind in ("holding", "holdings"):
        values = (entity.get("command_off", 0), entity.get("command_on", 1))
        point = _point(found, entity, "holding")
        point.update({"data_type": "uint16", "writable": True})
        point.update({"min_value": min(values), "max_value": max(values)})
    else:
        line = entity.lines["write_type"]
        raise Mistake(found.path, line, "write_type", f"{kind} is not known here")
    _finish(found, entity, point)


_MAKERS = {
    "sensors": _sensor,
    "binary_sensors": _binary_sensor,
    "switches": _switch,
    "lights": _switch,
    "fans": _switch,
}
