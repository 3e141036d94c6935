"""What the tests measure, beside the goals of the design."""

# name: (goal, which of several measurements counts, format)
_ROWS = {
    "firmware": ("", max, "{}"),
    "line efficiency at 9600 baud": (">= 0.995", min, "{:.4f}"),
    "line efficiency at 19200 baud": (">= 0.99", min, "{:.4f}"),
    "line efficiency at 115200 baud": (">= 0.97", min, "{:.4f}"),
    "reply after t3.5, 1 and 10 registers, us": ("<= 150", max, "{:.1f}"),
    "reply after t3.5, 100 registers, FC16 x 10, us": ("<= 300", max, "{:.1f}"),
    "pin before the first start bit, us, at least": ("> 0", min, "{:.1f}"),
    "pin after the last stop bit, us, at least": (">= 0", min, "{:.1f}"),
    "pin after the last stop bit, us, at most": ("<= 20", max, "{:.1f}"),
    "background: line efficiency at 9600 baud": (">= 0.985", min, "{:.4f}"),
    "background: line efficiency at 19200 baud": (">= 0.965", min, "{:.4f}"),
    "background: line efficiency at 115200 baud": (">= 0.975", min, "{:.4f}"),
    "background: reply after t3.5, 9600 baud, 1 and 10 registers, us": ("<= 500", max, "{:.1f}"),
    "background: reply after t3.5, 9600 baud, 100 registers, us": ("<= 700", max, "{:.1f}"),
    "background: reply after t3.5, 19200 baud, 1 and 10 registers, us": ("<= 800", max, "{:.1f}"),
    "background: reply after t3.5, 19200 baud, 100 registers, us": ("<= 1000", max, "{:.1f}"),
    "background: reply after t3.5, 115200 baud, 1 and 10 registers, us": ("<= 150", max, "{:.1f}"),
    "background: reply after t3.5, 115200 baud, 100 registers, us": ("<= 300", max, "{:.1f}"),
    "background, asyncio: reply after t3.5, 9600 baud, us": ("<= 500", max, "{:.1f}"),
    "background, asyncio: reply after t3.5, 19200 baud, us": ("<= 800", max, "{:.1f}"),
    "background, asyncio: reply after t3.5, 115200 baud, us": ("<= 150", max, "{:.1f}"),
    "background, two lines: requests lost": ("0", max, "{}"),
    "background, two lines: reply after t3.5, us": ("<= 300", max, "{:.1f}"),
    "background, two lines: pin after the last stop bit, us": ("<= 20", max, "{:.1f}"),
    "background: pin after the last stop bit, us, at most": ("<= 20", max, "{:.1f}"),
    "background: answers of 1000 requests": ("1000", min, "{}"),
    "background: speed of the main program, polled at 19200": (">= 0.75", min, "{:.3f}"),
    "background: heap bytes, 12 requests and idle": ("0", max, "{}"),
    "background, PIO: line efficiency at 9600 baud": (">= 0.998", min, "{:.4f}"),
    "background, PIO: line efficiency at 19200 baud": (">= 0.99", min, "{:.4f}"),
    "background, PIO: line efficiency at 115200 baud": (">= 0.985", min, "{:.4f}"),
    "background, PIO: reply after t3.5, 1 and 10 registers, us": ("<= 150", max, "{:.1f}"),
    "background, PIO: reply after t3.5, 100 registers, FC16 x 10, us": ("<= 300", max, "{:.1f}"),
    "background, PIO: speed of the main program, polled at 19200": (">= 0.9", min, "{:.3f}"),
    "background, PIO, two lines: requests lost": ("0", max, "{}"),
    "background, PIO, two lines: reply after t3.5, us": ("<= 300", max, "{:.1f}"),
    "background, PIO, two lines: pin after the last stop bit, us": ("<= 105", max, "{:.1f}"),
    "RAM, a slave with four areas, .mpy, bytes": ("<= 12288", max, "{}"),
    "interned names of such a slave": ("<= 140", max, "{}"),
    "RAM, the remote-I/O application with defaults, .mpy, bytes": ("<= 30720", max, "{}"),
    "RAM, the remote-I/O application with a file of settings, .mpy, bytes": ("", max, "{}"),
    "remote I/O at 115200 baud: reply after t3.5, us": ("<= 150", max, "{:.0f}"),
    "Pico W, gateway: bytes of memory free": (">= 61440", min, "{}"),
    "Pico W, gateway with the page: bytes of memory free": (">= 61440", min, "{}"),
    "page, nobody watches, 19200 baud: requests lost": ("0", max, "{}"),
    "page, nobody watches, 19200 baud: line efficiency": ("", min, "{:.4f}"),
    "page, nobody watches, 19200 baud: reply after t3.5, median, us": ("", max, "{:.1f}"),
    "page, nobody watches, 19200 baud: reply after t3.5, at most, us": ("", max, "{:.1f}"),
    "page, three browsers, 19200 baud: requests lost": ("0", max, "{}"),
    "page, three browsers, 19200 baud: line efficiency": ("", min, "{:.4f}"),
    "page, three browsers, 19200 baud: reply after t3.5, median, us": ("", max, "{:.1f}"),
    "page, three browsers, 19200 baud: reply after t3.5, at most, us": ("", max, "{:.1f}"),
    "RAM, a slave under asyncio, .mpy, bytes": ("<= 18432", max, "{}"),
    "RAM, of it asyncio, bytes": ("", max, "{}"),
    "RAM, of it umb.aio and its task, bytes": ("", max, "{}"),
    "RAM, of it the background, bytes": ("", max, "{}"),
    "shared line, answers of 5": ("5", min, "{}"),
    "two lines: requests lost": ("0", max, "{}"),
    "two lines: reply after t3.5, us": ("<= 300", max, "{:.1f}"),
    "two lines: pin after the last stop bit, us": ("<= 20", max, "{:.1f}"),
    "500 requests: answered": ("500", min, "{}"),
    "500 requests: slowest over the median, us": ("<= 1000", max, "{:.1f}"),
    "master: call to start bit on a silent line, us": ("<= 200", max, "{:.1f}"),
    "master: end of 10 registers to return at 9600, us": ("<= 300", max, "{:.1f}"),
    "master: end of 10 registers to return at 19200, us": ("<= 300", max, "{:.1f}"),
    "master: end of 10 registers to return at 115200, us": ("<= 300", max, "{:.1f}"),
    "master: t3.5 to the next request, us": ("", max, "{:.1f}"),
    "heap bytes, 500 requests": ("0", max, "{}"),
    "heap bytes while idle": ("0", max, "{}"),
}


class Figures:
    """Collects measurements; lines() is the table of those that were made."""

    def __init__(self):
        self._noted = {}

    def note(self, name, value):
        """Keep a measurement for the row `name`, which is one of the table's."""
        if name not in _ROWS:
            raise KeyError(name)
        self._noted.setdefault(name, []).append(value)

    def lines(self):
        """The table, the worst measurement in each row."""
        lines = []
        for name, (goal, worst, form) in _ROWS.items():
            if name in self._noted:
                value = form.format(worst(self._noted[name]))
                lines.append(f"{name:<66} {value:>10}   {goal and 'goal'} {goal}".rstrip())
        return lines
