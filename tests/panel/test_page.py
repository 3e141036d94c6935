"""The page as it is kept in the repository."""

import gzip

from tools.env import ROOT
from tools.panel import build


def test_it_is_what_its_parts_make():
    """python3 tools/dev.py panel writes it anew."""
    page, module = build.build()
    assert gzip.decompress((ROOT / "umb/panel/page.html.gz").read_bytes()) == page
    assert (ROOT / "umb/panel/page.py").read_text() == module


def test_it_is_small():
    assert (ROOT / "umb/panel/page.html.gz").stat().st_size <= build.MOST
