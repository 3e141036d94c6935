"""Draws the pictures of docs/images, for dev.py docs --draw: the wiring of boards, as SVG."""

import importlib
from html import escape
from typing import NamedTuple

from tools.env import ROOT

IMAGES = ROOT / "docs" / "images"
BOARDS = {  # name: title, format of the names of its pins, part of the file name
    "RPI_PICO": ("Raspberry Pi Pico", "GP{}", "pico"),
    "ESP32_GENERIC": ("ESP32", "GPIO {}", "esp32"),
}
# The numbers of a Pico's pins, which board.py does not have.
_CASE = {"RPI_PICO": {"GP0": 1, "GP1": 2, "GP2": 4, "3V3": 36, "GND": 38}}


class Shown(NamedTuple):
    """An exchange on a line; times in ns from the request's first start bit on."""

    form: str
    chars: list  # (start, end, byte, whether the master sent it)
    rise_ns: float  # of the direction pin
    fall_ns: float
    t35_ns: float


_STYLE = """
text { font: 15px sans-serif; fill: #222 }
.title { font-weight: bold }
.small { font-size: 13px; fill: #555 }
.box { fill: #eef5f4; stroke: #2b6b63; stroke-width: 2 }
.wire { fill: none; stroke: #222; stroke-width: 2 }
.bus { fill: none; stroke: #2b6b63; stroke-width: 3 }
.earth { fill: none; stroke: #777; stroke-width: 2; stroke-dasharray: 6 4 }
.part { fill: #fff; stroke: #222; stroke-width: 2 }
.dot { fill: #2b6b63 }
"""
_ROWS = (70, 110, 150, 190, 230)  # where the five wires between board and transceiver are
_BUS = {"A": 90, "B": 150, "GND": 230}


class Drawing:
    """Collects the elements of one picture."""

    def __init__(self, width, height, title):
        self._lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
        ]

    def rect(self, x, y, width, height, kind="box"):
        self._lines.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
        )

    def path(self, kind, *points):
        d = "M" + " L".join(f"{x} {y}" for x, y in points)
        self._lines.append(f'<path class="{kind}" d="{d}"/>')

    def text(self, x, y, text, anchor="start", kind=""):
        kind = f' class="{kind}"' if kind else ""
        self._lines.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{text}</text>')

    def dot(self, x, y):
        self._lines.append(f'<circle class="dot" cx="{x}" cy="{y}" r="5"/>')

    def svg(self):
        """Return the file's text."""
        return "\n".join([*self._lines, "</svg>", ""])


def wiring(name):
    """Return the picture of how a board is connected to an RS-485 bus."""
    title, pin, _ = BOARDS[name]
    board = importlib.import_module(f"boards.{name}.board")
    case = _CASE.get(name, {})
    rows = [
        (pin.format(board.TX), "DI", f"UART {board.UART} TX"),
        (pin.format(board.RX), "RO", f"UART {board.UART} RX"),
        (pin.format(board.DE), "DE + /RE", "direction"),
        ("3V3", "VCC", ""),
        ("GND", "GND", ""),
    ]
    drawing = Drawing(960, 330, f"Wiring of a {title} to an RS-485 bus")
    drawing.rect(20, 20, 250, 240)
    drawing.text(145, 45, title, "middle", "title")
    drawing.rect(370, 20, 170, 240)
    drawing.text(455, 45, "3.3 V transceiver", "middle", "title")
    for y, (left, right, use) in zip(_ROWS, rows, strict=True):
        drawing.path("wire", (270, y), (370, y))
        number = f" (pin {case[left]})" if left in case else ""
        drawing.text(30, y + 5, use, kind="small")
        drawing.text(260, y + 5, left + number, "end")
        drawing.text(380, y + 5, right)
    for wire, y in _BUS.items():
        kind = "earth" if wire == "GND" else "bus"
        drawing.path(kind, (540, y), (820, y))
        drawing.text(530, y + 5, wire, "end")
    drawing.rect(820, 20, 120, 240)
    drawing.text(880, 45, "other devices", "middle", "title")
    for wire, y in _BUS.items():
        drawing.text(830, y + 5, wire)
    for x, y in ((600, 90), (600, 150), (760, 90), (760, 150)):
        drawing.dot(x, y)
    for x in (600, 760):
        drawing.path("wire", (x, 90), (x, 150))
        drawing.rect(x - 8, 103, 16, 34, "part")
        drawing.text(x + 14, 125, "120 Ω", kind="small")
    drawing.text(680, 70, "twisted pair, one line, no star", "middle", "small")
    drawing.text(680, 190, "120 Ω at both ends of the line, nowhere else", "middle", "small")
    drawing.text(680, 250, "ground of all devices", "middle", "small")
    drawing.text(20, 290, _NOTES[0], kind="small")
    drawing.text(20, 312, _NOTES[1], kind="small")
    return drawing.svg()


_NOTES = (
    "DE and /RE are joined: high while the board sends. Modules that switch by themselves have "
    "neither.",
    "RO of a 5 V module needs a divider (1 kΩ from RO, 2 kΩ to GND) before the pin. Some devices "
    "call A and B the other way round.",
)


def exchange(shown):
    """Return the picture of a request, the silence behind it, the reply and the direction pin."""
    left, width, us = 110, 830, 1e3
    end_ns = shown.fall_ns + shown.t35_ns / 4
    drawing = Drawing(960, 300, "A request and its reply on the line")

    def x(ns):
        return round(left + ns / end_ns * width, 1)

    def span(y, from_ns, to_ns, text):
        drawing.path("wire", (x(from_ns), y), (x(to_ns), y))
        for at in (from_ns, to_ns):
            drawing.path("wire", (x(at), y - 5), (x(at), y + 5))
        drawing.text((x(from_ns) + x(to_ns)) / 2, y - 10, text, "middle", "small")

    for y, text in ((80, "master"), (140, "slave"), (200, "direction")):
        drawing.text(10, y + 5, text)
    for start_ns, stop_ns, byte, is_master in shown.chars:
        y = 80 if is_master else 140
        drawing.rect(x(start_ns), y - 16, round(x(stop_ns) - x(start_ns), 1), 32)
        middle = (x(start_ns) + x(stop_ns)) / 2
        drawing.text(round(middle, 1), y + 5, f"{byte:02X}", "middle", "small")
    high, low = 188, 212
    edges = [(0, low), (shown.rise_ns, low), (shown.rise_ns, high), (shown.fall_ns, high)]
    edges += [(shown.fall_ns, low), (end_ns, low)]
    drawing.path("bus", *((x(ns), y) for ns, y in edges))
    request_ns = max(stop_ns for _, stop_ns, _, is_master in shown.chars if is_master)
    reply = [
        (start_ns, stop_ns) for start_ns, stop_ns, _, is_master in shown.chars if not is_master
    ]
    begin_ns, last_ns = reply[0][0], reply[-1][1]
    span(40, request_ns, begin_ns, f"{(begin_ns - request_ns) / us:.0f} us of silence")
    drawing.text(10, 20, f"{shown.form}, FC 3 x 2, on an emulated Raspberry Pi Pico", kind="small")
    for y, text in (
        (
            250,
            f"t3.5 is {shown.t35_ns / us:.0f} us: the reply begins "
            f"{(begin_ns - request_ns - shown.t35_ns) / us:.0f} us later than it may.",
        ),
        (
            270,
            f"The pin rises {(begin_ns - shown.rise_ns) / us:.0f} us before the first start bit "
            f"and falls {(shown.fall_ns - last_ns) / us:.1f} us after the last stop bit.",
        ),
    ):
        drawing.text(10, y, text, kind="small")
    return drawing.svg()


def pictures():
    """Return {file name: text} of all pictures."""
    return {f"wiring-{file}.svg": wiring(name) for name, (_, _, file) in BOARDS.items()}


def write():
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (IMAGES / name).write_text(text)
