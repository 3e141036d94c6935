"""dev.py panel: make umb/panel/page.html.gz of the page's parts, and name it in page.py there.

The parts, page.html, style.css and script.js, are in this folder. What is made of them is kept in
the repository, as the package files are, so that mip can install it.
"""

import argparse
import base64
import gzip
import hashlib
import io
import re
from pathlib import Path

from tools.env import ROOT

_FOLDER = Path(__file__).parent
_TARGET = ROOT / "umb/panel"
MOST = 12 * 1024  # bytes of the compressed page


def without_comments(text):
    """Return a style or a script without indentation, empty lines and lines of comments."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def digest(text):
    """Return the SHA-256 of a text, as a Content-Security-Policy has it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def build():
    """Return (the page as bytes, the text of page.py)."""
    style = without_comments((_FOLDER / "style.css").read_text())
    script = without_comments((_FOLDER / "script.js").read_text())
    page = re.sub(r">\s+<", "><", (_FOLDER / "page.html").read_text().strip())
    page = page.replace("{style}", style).replace("{script}", script).encode()
    tag = hashlib.sha256(page).hexdigest()[:16]
    module = (_TARGET / "page.py").read_text()
    for pattern, value in (
        (r'(?<=ENTITY_TAG = \'")[^"]*', tag),
        (r"(?<=script-src 'sha256-)[^']*", digest(script)),
        (r"(?<=style-src 'sha256-)[^']*", digest(style)),
    ):
        module = re.sub(pattern, value, module)
    return page, module


def compress(page):
    """Return the page compressed, without name and time."""
    file = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, file, 0) as stream:
        stream.write(page)
    return file.getvalue()


def main(arguments):
    """Write both files. Returns the exit status."""
    argparse.ArgumentParser(
        prog="dev.py panel", description=__doc__.partition("\n")[0]
    ).parse_args(arguments)
    page, module = build()
    data = compress(page)
    (_TARGET / "page.html.gz").write_bytes(data)
    (_TARGET / "page.py").write_text(module)
    print(f"umb/panel/page.html.gz: {len(data)} bytes of {MOST}; {len(page)} without compression")
    return 0 if len(data) <= MOST else 1
