"""Draws the pictures of docs/images, for dev.py docs --draw: the wiring of boards, as SVG."""

import importlib
from html import escape

from tools.env import ROOT

IMAGES = ROOT / "docs" / "images"
BOARDS = {  # name: title, format of the names of its pins, part of the file name
    "RPI_PICO": ("Raspberry Pi Pico", "GP{}", "pico"),
    "ESP32_GENERIC": ("ESP32", "GPIO {}", "esp32"),
}
# The numbers of a Pico's pins, which board.py does not have.
_CASE = {"RPI_PICO": {"GP0": 1, "GP1": 2, "GP2": 4, "3V3": 36, "GND": 38}}

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


def pictures():
    """Return {file name: text} of all pictures."""
    return {f"wiring-{file}.svg": wiring(name) for name, (_, _, file) in BOARDS.items()}


def write():
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (IMAGES / name).write_text(text)
