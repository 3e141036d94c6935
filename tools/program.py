"""dev.py micropython: a program of a board on this PC, or a prompt, with umb at hand."""

import argparse
import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from tools.board_libraries import folders
from tools.env import ROOT, Trouble, micropython
from tools.pty_line import PtyLine
from tools.run import prepare_child

PC = ROOT / "tools" / "pc"
UARTS = 3  # of the simulated board
_DESCRIPTION = """A program of a board on this PC, with umb at hand; a prompt without a program.
UARTs 0 to 2 are pseudo-terminals, pins are kept in memory, the network is the PC's own."""


def main(args):
    """Run the program to its end and return its exit status."""
    parser = argparse.ArgumentParser(prog="dev.py micropython", description=_DESCRIPTION)
    parser.add_argument(
        "--uart",
        action="append",
        default=[],
        metavar="N=DEVICE",
        help="let UART N be this serial device, such as 0=/dev/ttyUSB0",
    )
    parser.add_argument("program", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    wanted = parser.parse_args(args)
    command = [micropython()]
    if wanted.program:
        if not os.path.isfile(wanted.program):
            raise Trouble(f"there is no file {wanted.program}")
        command += [str(PC / "start.py"), wanted.program, *wanted.arguments]
    libraries = folders(Path(wanted.program).read_text()) if wanted.program else []
    with contextlib.ExitStack() as stack:
        env = environment([device_of(text) for text in wanted.uart], stack, libraries)
        return run(command, env) if wanted.program else prompt(command, env)


def run(command, env):
    """Run a program to its end, and return its exit status. Signals are forwarded to it."""
    process = subprocess.Popen(
        command,
        env=env,
        preexec_fn=prepare_child,  # noqa: PLW1509 - two system calls, no lock taken
        start_new_session=True,  # a terminal's Ctrl-C comes to us alone and is passed on once
    )
    # When the terminal is closed, the program is ended with SIGTERM: it may ignore SIGHUP.
    forwarded = {signal.SIGHUP: signal.SIGTERM}
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _: process.send_signal(forwarded.get(number, number)))
    status = process.wait()
    return status if status >= 0 else 128 - status


def prompt(command, env):
    """Run MicroPython's prompt, which handles Ctrl-C itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call(command, env=env)


def device_of(text):
    """Return (number, device) of N=DEVICE. Raises Trouble."""
    found = re.fullmatch(rf"([0-{UARTS - 1}])=(.+)", text)
    if not found:
        raise Trouble(f"--uart takes N=DEVICE, such as 0=/dev/ttyUSB0, not {text}")
    if not os.path.exists(found[2]):
        raise Trouble(f"there is no device {found[2]}")
    return int(found[1]), found[2]


def environment(devices, stack, libraries=()):
    """Return the environment of a program whose UARTs are these devices, or pseudo-terminals.

    libraries   folders of further packages

    The pseudo-terminals are there as long as the ExitStack `stack`.
    """
    env = {**os.environ, "MICROPYPATH": ":".join([str(PC), str(ROOT), *libraries, ".frozen"])}
    for number in range(UARTS):
        line = stack.enter_context(PtyLine())
        env[f"UMB_UART_{number}"] = line.server_path
        env[f"UMB_FAR_END_{number}"] = line.client_path
    for number, device in devices:
        env[f"UMB_UART_{number}"] = device
        del env[f"UMB_FAR_END_{number}"]
    return env
