"""A file of points as a table of registers, in Markdown, for a manual."""

_AREAS = {
    "coil": ("Coils", "1, 5, 15"),
    "discrete_input": ("Discrete inputs", "2"),
    "input": ("Input registers", "4"),
    "holding": ("Holding registers", "3, 6, 16"),
}
_TIMES = "\u00d7"
_SIZES = {"16": 1, "32": 2, "48": 3, "64": 4}


def table(about, points):
    """Yield the lines of a page about these points."""
    title = " ".join(str(about[key]) for key in ("manufacturer", "model") if key in about)
    yield f"# {title or 'Registers'}"
    if "source" in about:
        yield from ("", f"Source: {about['source']}.")
    for area, (name, codes) in _AREAS.items():
        there = [point for point in points if point.get("input_type", "holding") == area]
        if there:
            yield from ("", f"## {name}", "", f"Function codes {codes}.", "")
            yield from _rows(area, sorted(there, key=lambda point: point["address"]))


def _rows(area, points):
    if area in ("coil", "discrete_input"):
        yield "| address | name | access |"
        yield "| ---: | --- | --- |"
        for point in points:
            yield f"| {point['address']} | {_text(point['name'])} | {_access(point)} |"
        return
    yield "| address | registers | name | type | value | unit | access |"
    yield "| ---: | ---: | --- | --- | --- | --- | --- |"
    for point in points:
        cells = (
            str(point["address"]),
            str(_size(point)),
            _text(point["name"]),
            _type(point),
            _value(point),
            _text(point.get("unit_of_measurement", "")),
            _access(point),
        )
        yield "| " + " | ".join(cells) + " |"


def _text(text):
    return text.replace("|", r"\|")


def _size(point):
    kind = point.get("data_type", "int16")
    return point["count"] if kind == "string" else _SIZES[kind[-2:]]


def _type(point):
    kind = point.get("data_type", "int16")
    if "bit" in point:
        return f"bit {point['bit']}"
    swap = point.get("swap", "none")
    return kind if swap in ("none", "ABCD") else f"{kind}, {swap}"


def _value(point):
    """Return how the value comes out of the registers, and what it may be."""
    words = []
    scale, offset = point.get("scale", 1), point.get("offset", 0)
    if scale != 1:
        words.append(f"{_TIMES} {scale}")
    if "scale_factor" in point:
        words.append(f"{_TIMES} 10^{_text(point['scale_factor'])}")
    if offset:
        words.append(f"{'+' if offset > 0 else '-'} {abs(offset)}")
    if "min_value" in point or "max_value" in point:
        words.append(f"{point.get('min_value', '')} to {point.get('max_value', '')}".strip())
    if "nan_value" in point:
        words.append(f"{point['nan_value']}: none")
    return ", ".join(words)


def _access(point):
    return "read, write" if point.get("writable") else "read"
