"""The input plugin `modbus` of a Telegraf configuration, as points."""

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

import re

from tools.points.source import Mistake, line_of

_AREAS = {
    "coils": "coil",
    "discrete_inputs": "discrete_input",
    "input_registers": "input",
    "holding_registers": "holding",
    "coil": "coil",
    "discrete": "discrete_input",
    "input": "input",
    "holding": "holding",
}
_TYPES = {
    "INT16": "int16",
    "UINT16": "uint16",
    "INT32": "int32",
    "UINT32": "uint32",
    "INT64": "int64",
    "UINT64": "uint64",
    "FLOAT32-IEEE": "float32",
    "FLOAT64-IEEE": "float64",
    "FLOAT32": "float32",
    "FLOAT64": "float64",
}
_FIXED = {"FIXED": "int", "UFIXED": "uint", "FLOAT32": "uint"}  # of the style of registers
_SWAPS = {
    "AB": None,
    "BA": "byte",
    "ABCD": None,
    "CDAB": "word",
    "BADC": "byte",
    "DCBA": "word_byte",
}
_WIDE = {"ABCDEFGH": None, "GHEFCDAB": "word", "BADCFEHG": "byte", "HGFEDCBA": "word_byte"}


def find(found, text, slave_id):
    """Add the points of all plugins of a configuration; slave_id: of one slave."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        raise Mistake(found.path, line, None, str(error).partition(" (at")[0]) from None
    plugins = document.get("inputs", {}).get("modbus", [])
    if not plugins:
        raise Mistake(found.path, 0, "inputs.modbus", "there is none")
    reader = _Reader(found, text)
    groups = [group for plugin in plugins for group in reader.groups(plugin)]
    there = sorted({slave for slave, _, _ in groups}, key=str)
    if slave_id is None and len(there) > 1:
        several = ", ".join(map(str, there))
        raise Mistake(found.path, 0, "slave_id", f"there are {several}; --slave-id chooses one")
    if slave_id is not None and slave_id not in there:
        raise Mistake(found.path, 0, "slave_id", f"{slave_id} has nothing there, only {there}")
    for slave, fields, options in groups:
        if slave_id in (None, slave):
            for field in fields:
                reader.add(field, options)


class _Reader:
    def __init__(self, found, text):
        self._found = found
        self._text = text
        self._count = {}  # how many fields had a name so far

    def groups(self, plugin):
        """Yield (slave id, fields, what holds for all of them) for each part of a plugin."""
        for key in ("coils", "discrete_inputs", "input_registers", "holding_registers"):
            if plugin.get(key):
                yield plugin.get("slave_id"), plugin[key], {"register": key, "style": "register"}
        for style in ("request", "metric"):
            for part in plugin.get(style, ()):
                options = {"byte_order": part.get("byte_order"), "style": style}
                options["register"] = part.get("register", "holding")
                yield part.get("slave_id"), part.get("fields", ()), options

    def _mistake(self, line, key, text):
        return Mistake(self._found.path, line, key, text)

    def add(self, field, options):
        """Add the point of a field."""
        name = field.get("name")
        self._count[name] = self._count.get(name, 0) + 1
        pattern = rf"name\s*=\s*[\"']{re.escape(str(name))}[\"']"
        line = line_of(self._text, pattern, self._count[name])
        if field.get("omit"):
            return
        area = _AREAS.get(field.get("register", options["register"]))
        if area is None:
            raise self._mistake(line, "register", f"{options['register']} is not known")
        addresses = field.get("address")
        if addresses is None or addresses == []:
            raise self._mistake(line, "address", "it is missing")
        if not isinstance(addresses, list):
            addresses = [addresses]
        point = {"name": name, "address": addresses[0]}
        if area != "holding":
            point["input_type"] = area
        if area in ("input", "holding"):
            self._set_type(point, field, options, addresses, line)
        self._found.add(point, line)

    def _set_type(self, point, field, options, addresses, line):
        key = "data_type" if options["style"] == "register" else "type"
        kind = field.get(key, "UINT16")
        if kind == "BIT" or "bit" in field:
            point.update({"data_type": "uint16", "bit": field.get("bit", 0)})
            return
        if kind == "STRING":
            count = field.get("length", len(addresses))
            point.update({"data_type": "string", "count": count})
            return
        if options["style"] == "register" and kind in _FIXED:
            point["data_type"] = f"{_FIXED[kind]}{16 * len(addresses)}"
        elif kind in _TYPES:
            point["data_type"] = _TYPES[kind]
        else:
            raise self._mistake(line, key, f"{kind} cannot be told as points")
        order = field.get("byte_order", options.get("byte_order")) or "ABCD"
        orders = {**_SWAPS, **_WIDE}
        if order not in orders:
            raise self._mistake(line, "byte_order", f"{order} is not known")
        if orders[order]:
            point["swap"] = orders[order]
        if field.get("scale", 1) not in (1, 0, 0.0):
            point["scale"] = field["scale"]
