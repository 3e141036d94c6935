"""dev.py dist: umb as .mpy files with package files of their own, and as a ROMFS image.

Compiling on a board takes more memory than running: boards short of it install these.
"""

import argparse
from pathlib import Path

from tools.build import ARCHITECTURES, ROMFS, make_dist, need_compiler
from tools.env import ROOT, Trouble
from tools.packages import WHOLE

DIST = ROOT / "dist"


def main(args):
    """Compile umb, make the image, and print what was written; return 0."""
    parser = argparse.ArgumentParser(prog="dev.py dist", description="umb as .mpy and ROMFS")
    parser.add_argument(
        "--arch",
        choices=ARCHITECTURES,
        metavar="ARCH",
        help="compile the machine code, too, for boards of one architecture: "
        + ", ".join(ARCHITECTURES),
    )
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=DIST)
    wanted = parser.parse_args(args)
    need_compiler("dev.py", "dist", *args)
    try:
        make_dist(wanted.output, wanted.arch)
    except OSError as error:
        raise Trouble(f"cannot write {error.filename}: {error.strerror}") from None
    show(wanted.output)
    return 0


def show(folder):
    """Print what was made in folder."""
    folder = folder.resolve()
    at = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    files = [path for path in (folder / "umb").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{at / 'umb'}: {len(files)} files, {size} bytes")
    print(f"{at / WHOLE}.json installs all of it, the .json files beside it install parts")
    print(f"{at / ROMFS}: {(folder / ROMFS).stat().st_size} bytes")
