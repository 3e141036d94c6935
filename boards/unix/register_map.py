"""What a client finds where, in lines to print: a table, the first address and how many."""

_TABLES = ("coils", "discrete inputs", "input registers", "holding registers")
_STATE = (
    (2, 100, 2, "uptime in seconds, high word first"),
    (2, 102, 1, "requests for this device, modulo 65536"),
    (2, 110, 11, "state, memory, address, versions"),
    (2, 121, 4, "peers and requests refused, changes of settings"),
)
_COUNTERS = {
    "io": ("the serial line", "the network"),
    "gateway": ("line 1", "the network", "line 2"),
    "poller": (None, "the network"),
}
_SETTINGS = (
    (3, 100, 5, "settings of line and fail-safe"),
    (3, 110, 1, "order to save and restart"),
)


def lines(settings):
    """Return a line for each range of addresses that belong together."""
    role = settings["role"]
    rows = list(_points(settings) if role == "io" else ())
    rows.extend(_STATE)
    for i, name in enumerate(_COUNTERS[role]):
        if name is not None and (i < 2 or settings.get("line2")):
            rows.append((2, 130 + 10 * i, 8, "counters of " + name))
    for i, device in enumerate(settings["devices"] if role == "poller" else ()):
        rows.append((2, 200 + 16 * i, 16, "counters of " + device["name"]))
    rows.extend(_SETTINGS)
    return [_line(*row) for row in sorted(rows) if row[2]]


def _points(settings):
    """Return rows for the points of remote I/O: (table, address, count, meaning)."""
    return (
        (0, 0, len(settings["outputs"]), "outputs"),
        (1, 0, len(settings["inputs"]), "inputs"),
        (2, 0, len(settings["analogues"]), "analogue inputs, 0 to 65535"),
        (3, 0, 16, "general purpose"),
        (3, 32, len(settings["pwms"]), "PWM outputs"),
    )


def _line(table, address, count, meaning):
    return "  {:17} {:>3} x {:<2}  {}".format(_TABLES[table], address, count, meaning)
