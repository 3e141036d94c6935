"""What a client finds where, in lines to print."""

_FIXED = (
    ("input registers", 100, 101, "uptime in seconds, high word first"),
    ("input registers", 102, 102, "requests served, modulo 65536"),
    ("input registers", 110, 120, "state, memory, address, reset cause, versions"),
    ("input registers", 130, 137, "counters of the serial line"),
    ("input registers", 140, 147, "counters of the network"),
    ("holding registers", 0, 15, "general purpose"),
)
_SETTINGS = (
    ("holding registers", 100, 104, "line settings"),
    ("holding registers", 110, 110, "an order: save and restart"),
)


def lines(settings):
    """Yield a line for each range of addresses; boards/README.md has it all."""
    points = (
        ("coils", 0, "outputs", "outputs"),
        ("discrete inputs", 0, "inputs", "inputs"),
        ("input registers", 0, "analogues", "analogue inputs, 0 to 65535"),
    )
    for table, first, key, meaning in points:
        yield from _line(table, first, first + len(settings[key]) - 1, meaning)
    for row in _FIXED:
        yield from _line(*row)
    yield from _line("holding registers", 32, 31 + len(settings["pwms"]), "pulse outputs")
    for row in _SETTINGS:
        yield from _line(*row)


def _line(table, first, last, meaning):
    if last >= first:
        addresses = "{}-{}".format(first, last) if last > first else str(first)
        yield "  {:17} {:<8} {}".format(table, addresses, meaning)
