"""dev.py run: the remote-I/O application on the MicroPython unix port."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

from boards.unix import options
from tools.board_libraries import folder
from tools.env import ROOT, Trouble, micropython
from tools.pty_line import PtyLine

_MAIN = ROOT / "boards" / "unix" / "main.py"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 2
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def main(args):
    """Serve until a signal ends it and return 0; 2 if it could not start."""
    try:
        wanted = options.parse(args)
    except ValueError as error:
        raise Trouble(str(error)) from None
    if wanted["help"]:
        print(options.usage("python3 tools/dev.py run"))
        return 0
    command = [micropython(), str(_MAIN), *args]
    libraries = [str(folder("microdot"))] if wanted["panel"] else []
    if wanted["mqtt"]:
        libraries.append(str(folder("chumicro_mqtt")))
    if wanted["serial"] or wanted["gateway"]:
        return _serve(command, libraries)
    with PtyLine() as line:
        ends = ["--serial", line.server_path, "--far-end", line.client_path]
        # Linux refuses a client that asks a pseudo-terminal for parity.
        return _serve([*command, *ends, "--parity", "N"], libraries)


def _serve(command, libraries):
    """Run a command until it ends, or a signal demands that; return the exit status.

    libraries   folders with what MicroPython loads besides
    """
    env = {**os.environ, "MICROPYPATH": ":".join([*libraries, ".frozen"])}
    with _signals() as reading:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            preexec_fn=prepare_child,  # noqa: PLW1509 - two system calls, no lock taken
            env=env,
            start_new_session=True,  # a terminal's Ctrl-C comes to us alone and is passed on once
        )
        while child.poll() is None:
            if os.read(reading, 1)[0] in _ENDING:
                _end(child)
                return 0
    if child.returncode < 0:
        raise Trouble(f"MicroPython was ended by signal {-child.returncode}")
    return child.returncode


@contextlib.contextmanager
def _signals():
    """Turn SIGCHLD and the signals that end this process into bytes to be read from a pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for signum in (*_ENDING, signal.SIGCHLD):
        signal.signal(signum, lambda *_: None)
    yield reading


def prepare_child():
    """Run between fork and exec: ignore SIGINT until MicroPython handles it; end with the parent.

    MicroPython sets its own handler for SIGINT once it is up, whatever was there. The serial line
    becomes its controlling terminal: a line that is lost is an error there, not a SIGHUP.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if _PRCTL:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(child):
    """End the child's process group, first with SIGINT: MicroPython raises KeyboardInterrupt."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_S)
            return
