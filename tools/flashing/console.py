"""The board's REPL as a person at it sees it: to interrupt what runs, and to see it start."""

import re
import time

import serial

from tools.env import Trouble

_PROMPT = b">>> "
_PATIENCE_S = 10
_RESET_S = 30
_AGAIN_S = 0.5
# A watchdog cannot be stopped, and nobody feeds it while files are written.
_DISARM = (
    b"exec(\"try:\\n import json,os,machine\\n json.load(open('/umb.json'))['watchdog_s']or 1/0"
    b"\\n os.remove('/main.py');print('armed'+' indeed');machine.reset()\\n"
    b"except Exception:print('not'+' armed')\")\r"
)


def busy_or_gone(port, error):
    """Trouble about a port that cannot be opened."""
    text = str(error).lower()
    if "lock" in text or "busy" in text:
        return Trouble(f"{port} is in use: close the program that has it (a serial monitor?)")
    if "permission" in text or "denied" in text:
        return Trouble(f"not allowed to open {port}: join its group (sudo adduser $USER dialout)")
    if "refused" in text:
        return Trouble(f"nobody listens at {port}")
    return Trouble(f"there is no {port}; without --port the board is looked for")


class Console:
    """An open port. Raises Trouble where it cannot be had, or is lost."""

    def __init__(self, port):
        self._port = port
        exclusive = {} if "://" in port else {"exclusive": True}
        try:
            self._serial = serial.serial_for_url(port, 115200, timeout=0.1, **exclusive)
        except (OSError, ValueError) as error:
            raise busy_or_gone(port, error) from None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._serial.close()

    def write(self, data):
        try:
            self._serial.write(data)
        except OSError as error:
            raise Trouble(f"{self._port} was lost: {error}") from None

    def read(self):
        """What has come, perhaps nothing."""
        try:
            return self._serial.read(max(1, self._serial.in_waiting))
        except OSError as error:
            raise Trouble(f"{self._port} was lost: {error}") from None

    def interrupt(self, say, patience_s=_PATIENCE_S, reset_s=_RESET_S):
        """Interrupt what runs until the prompt shows. Raises Trouble if it never does."""
        began_s = time.monotonic()
        asked_s = heard = 0
        told = False
        data = b""
        while True:
            now_s = time.monotonic()
            if now_s - asked_s >= _AGAIN_S:
                asked_s = now_s
                self.write(b"\r\x03\x02")  # Ctrl-C, and Ctrl-B to leave a raw REPL
            data = (data + self.read())[-64:]
            heard += len(data)
            if data.endswith(_PROMPT):
                while self.read():
                    pass  # the answers to all that was asked
                return
            if now_s - began_s > patience_s and not told:
                told = True
                say("the board does not answer: press its reset button now")
            if now_s - began_s > patience_s + reset_s:
                raise Trouble(
                    f"no MicroPython answers on {self._port}: is it the right port? "
                    "--firmware stable --board NAME puts MicroPython on the board"
                )

    def disarm(self):
        """If the application runs with a watchdog, have the board started without either.

        Returns whether that is so: the board resets then. At the prompt.
        """
        self.write(_DISARM)
        data = b""
        end_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end_s and b"not armed" not in data:
            data += self.read()
            if b"armed indeed" in data:
                return True
        return False

    def restart(self):
        """Start the interpreter anew, with main.py."""
        self.write(b"\r\x04")

    def lines(self, until_s):
        """Yield what the board prints, a line each, until that time (time.monotonic)."""
        data = b""
        while time.monotonic() < until_s:
            data += self.read()
            *whole, data = re.split(rb"\r?\n", data)
            for line in whole:
                yield line.decode(errors="replace")
