"""The pages of the repository, and the programs in them."""

import re

from tools.env import ROOT
from tools.site import hooks

PAGES = [
    *(ROOT / name for name in hooks.outside()),
    ROOT / "examples" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def name_of(page):
    """Return what a page is called in the names of tests."""
    return page.relative_to(ROOT).with_suffix("").as_posix()


def blocks(page, language):
    """Return the blocks of a page in this language; "" is commands of a shell."""
    return [text for name, text in _BLOCK.findall(page.read_text()) if name == language]


def programs():
    """Return {name: text} of all programs: blocks of Python that import something."""
    found = {}
    for page in PAGES:
        for i, text in enumerate(blocks(page, "python")):
            if "import " in text:
                found[f"{name_of(page)}-{i}"] = text
    return found
