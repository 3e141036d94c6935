# Freezes umb, the remote-I/O application and a board's own folder. The board names itself, as in
# include("../manifest.py", board="RPI_PICO"). A frozen main.py runs when the board starts.
# ruff: noqa: F821 - manifest files are run with these names at hand
import os

include(
    "../manifest.py",
    native=options.board != "unix",
    thumb=options.board in ("RPI_PICO", "RPI_PICO_W", "W5500_EVB_PICO"),
)
package("app", opt=3)
if os.path.isdir("libraries/microdot"):  # for the page: docs/how-to/freeze.md puts it there
    package("microdot", ("__init__.py", "microdot.py"), base_path="libraries", opt=3)
own = [file for file in sorted(os.listdir(options.board)) if file.endswith(".py")]
own.remove("manifest.py")
for file in own:
    module(file, base_path=options.board, opt=3)
if "main.py" not in own:
    module("main.py", opt=3)
