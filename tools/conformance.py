"""dev.py conformance: run the conformance suite, and write CONFORMANCE.md."""

import argparse
import os
import subprocess

from tools import board_libraries
from tools.env import ROOT, Trouble, Venv, micropython, requirements

_TABLE = ROOT / "CONFORMANCE.md"
_OPEN = "**not"  # the beginning of results that are failures


def main(args):
    """Run the suite; return 1 unless every requirement is met or has its reason."""
    parser = argparse.ArgumentParser(
        prog="dev.py conformance", description="run the conformance suite, write CONFORMANCE.md"
    )
    parser.parse_args(args)
    port = micropython()
    venv = Venv(ROOT / ".venv")
    running = requirements("run")
    wanted = requirements("dev") + board_libraries.pins()
    venv.provide([pin for pin in wanted if pin not in running], "what the tests need")
    environment = {**os.environ, "MICROPYTHON": port, "UMB_CONFORMANCE": _TABLE.name}
    command = [venv.python, "-m", "pytest", "-q", "tests/conformance"]
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if not _TABLE.is_file():
        raise Trouble("the suite did not finish")
    return 1 if status or _OPEN in _TABLE.read_text() else 0
