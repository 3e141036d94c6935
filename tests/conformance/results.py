"""What became of each requirement on each transport, and the table of it."""

import re

from tests.conformance.requirements import NOT_TESTED, OTHERWISE, REMARKS, REQUIREMENTS

_NAME = re.compile(r"test_((?:\d{3}_)+)")
# How the fixtures that ask on one transport only are called in the table.
_FIXTURES = {"tcp": "TCP", "udp": "UDP", "rtu": "RTU", "ascii_master": "ASCII"}
_ORDER = ("TCP", "UDP", "RTU", "ASCII", "gateway")
_ORDER += tuple(f"{name} client" for name in _ORDER[:4])
_HEAD = """# Conformance

What the specifications of Modbus demand, and whether `umb` does it: made by
`python3 tools/dev.py conformance`, which runs `tests/conformance`. Each test there is named after
the numbers of its requirements.

"""

results = {}  # (number, transport): was it met?


def numbers_of(name):
    """Return the requirements that a test of this name is about."""
    found = _NAME.match(name)
    return [int(number) for number in found[1].rstrip("_").split("_")] if found else []


def note(numbers, transports, passed):
    """Keep whether a test of these requirements passed on these transports."""
    for number in numbers:
        for transport in transports:
            results[number, transport] = results.get((number, transport), True) and passed


def where(item):
    """Return the names of the transports that a test is about."""
    marker = item.get_closest_marker("transport")
    if marker:
        return marker.args
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    for fixture in ("master", "serial", "network", "client", "serial_client", "network_client"):
        if fixture in parameters:
            return (parameters[fixture],)
    return [_FIXTURES[name] for name in item.fixturenames if name in _FIXTURES]


def _result(number):
    """Return the last cell of a requirement's row."""
    found = {where: met for (n, where), met in results.items() if n == number}
    parts = []
    good = "otherwise, on purpose" if number in OTHERWISE else "met"
    for word, wanted in ((good, True), ("**not met**", False)):
        names = sorted((w for w in found if found[w] == wanted), key=_ORDER.index)
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    if not parts:
        parts = [NOT_TESTED.get(number, "**not tested**")]
    return "; ".join(
        [*parts, *(notes[number] for notes in (OTHERWISE, REMARKS) if number in notes)]
    )


def table():
    """Return the lines of the table, in Markdown."""
    lines = ["| no. | requirement | result |", "| ---: | --- | --- |"]
    for number, text in REQUIREMENTS.items():
        lines.append(f"| {number} | {text} | {_result(number)} |")
    return lines


def document():
    """Return the text of CONFORMANCE.md."""
    return _HEAD + "\n".join(table()) + "\n"
