"""What a client finds where, in lines to print."""

_INPUT_REGISTERS = (
    (100, 101, "uptime in seconds, high word first"),
    (102, 102, "requests for this device, modulo 65536"),
    (110, 120, "state, memory, address, versions"),
    (130, 137, "counters of the serial line"),
    (140, 147, "counters of the network"),
)
_SETTINGS = (
    (100, 104, "settings of line and fail-safe"),
    (110, 110, "order to save and restart"),
)


def lines(settings):
    """Yield a line for each range of addresses."""
    yield from _line("coils", 0, len(settings["outputs"]) - 1, "outputs")
    yield from _line("discrete inputs", 0, len(settings["inputs"]) - 1, "inputs")
    last = len(settings["analogues"]) - 1
    yield from _line("input registers", 0, last, "analogue inputs, 0 to 65535")
    for row in _INPUT_REGISTERS:
        yield from _line("input registers", *row)
    yield from _line("holding registers", 0, 15, "general purpose")
    yield from _line("holding registers", 32, 31 + len(settings["pwms"]), "PWM outputs")
    for row in _SETTINGS:
        yield from _line("holding registers", *row)


def _line(table, first, last, meaning):
    if last >= first:
        addresses = "{}-{}".format(first, last) if last > first else str(first)
        yield "  {:17} {:<8} {}".format(table, addresses, meaning)
