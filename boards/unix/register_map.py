"""What a client finds where, in lines to print."""

_ROWS = (
    ("input registers", 100, 101, "uptime in seconds, high word first"),
    ("input registers", 102, 102, "requests served, modulo 65536"),
    ("input registers", 110, 147, "state, versions, counters"),
    ("holding registers", 0, 15, "general purpose"),
)
_SETTINGS = ("holding registers", 100, 110, "line settings, save and restart")


def lines(settings):
    """Yield a line for each range of addresses."""
    points = (
        ("coils", "outputs", "outputs"),
        ("discrete inputs", "inputs", "inputs"),
        ("input registers", "analogues", "analogue inputs, 0 to 65535"),
    )
    for table, key, meaning in points:
        yield from _line(table, 0, len(settings[key]) - 1, meaning)
    for row in _ROWS:
        yield from _line(*row)
    yield from _line("holding registers", 32, 31 + len(settings["pwms"]), "pulse outputs")
    yield from _line(*_SETTINGS)


def _line(table, first, last, meaning):
    if last >= first:
        addresses = "{}-{}".format(first, last) if last > first else str(first)
        yield "  {:17} {:<8} {}".format(table, addresses, meaning)
