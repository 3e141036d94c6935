"""dev.py test: every test, in the private environment."""

import os
import sys

from tools.env import ROOT, Venv, micropython, requirements


def main(args):
    """Become pytest, so that its signals and its exit status are nobody else's."""
    port = micropython()
    venv = Venv(ROOT / ".venv")
    running = requirements("run")
    venv.provide([pin for pin in requirements("dev") if pin not in running], "what the tests need")
    os.environ["MICROPYTHON"] = port
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(venv.python, [venv.python, "-m", "pytest", *args])
