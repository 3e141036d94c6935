"""dev.py docs: the documentation as a site, in the folder site/ or, with --serve, in a browser."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools import drawings
from tools.env import ROOT, use_venv

SITE = ROOT / "site"
# How mkdocs is started. The variable keeps mkdocs-material from advertising at every start.
PLACE = {
    "cwd": ROOT,
    "env": {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
}


def main(args):
    """Build the site. Returns 0 if mkdocs gave no warning."""
    parser = argparse.ArgumentParser(prog="dev.py docs", description="docs/ as a site")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=SITE)
    parser.add_argument(
        "--serve", action="store_true", help="show it at 127.0.0.1, and build it anew on changes"
    )
    parser.add_argument(
        "--draw", action="store_true", help="draw the pictures of docs/images anew first"
    )
    parser.add_argument("--port", type=int, default=8000, help="where --serve shows it (8000)")
    wanted = parser.parse_args(args)
    modules = ("mkdocs", "material", "mkdocstrings")
    use_venv("docs", "mkdocs", modules, (ROOT / "tools" / "dev.py", "docs", *args))
    if wanted.draw:
        drawings.write()
    if wanted.serve:
        return subprocess.call(command("serve", f"--dev-addr=127.0.0.1:{wanted.port}"), **PLACE)
    warnings = build(wanted.output)
    if warnings:
        print(*warnings, sep="\n", file=sys.stderr)
        return 1
    print(f"the first page is {wanted.output / 'index.html'}")
    return 0


def build(folder):
    """Build the site in a folder. Returns the warnings of mkdocs; if there are any, it failed."""
    words = command("build", "--strict", f"--site-dir={folder.resolve()}")
    done = subprocess.run(words, **PLACE, capture_output=True, text=True, check=False)
    warnings = [line for line in done.stderr.splitlines() if line and not line.startswith("INFO")]
    return warnings or [f"mkdocs ended with {done.returncode}"] if done.returncode else []


def command(*words):
    """Return the words that start mkdocs."""
    return [sys.executable, "-m", "mkdocs", *words]
