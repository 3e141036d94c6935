"""A board at a port: one connection of mpremote's library, from first Ctrl-C to restart."""

import contextlib
import io
import json
import re
import struct
import time
import types
from binascii import b2a_base64

import serial
from mpremote.commands import CommandError, do_romfs
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

from tools.env import Trouble

_PROMPT = b">>> "
_ANSWER_S = 10  # for a board to answer Ctrl-C
_RESET_S = 30  # for a person to press its reset button
_AGAIN_S = 0.5
_QUIET_S = 0.1
_FILE_ITEMS = 3  # what _SURVEY prints of a file
_NAP_S = 0.01
# Prints, as JSON, a list a file, [path, size, SHA-256], and then what the board is and has. One
# program does it all: there are some ninety files, and a program for each would take long. What it
# kept of them would lie all over the memory, with no room for a long text: it keeps nothing.
_SURVEY = """
import gc, json, os, sys
piece = bytearray(512)
try:
    from binascii import hexlify
    from hashlib import sha256
except ImportError:
    sha256 = None
def digest(path):
    if sha256 is None:
        return ""
    digest = sha256()
    with open(path, "rb") as file:
        n = file.readinto(piece)
        while n:
            digest.update(memoryview(piece)[:n])
            n = file.readinto(piece)
    return hexlify(digest.digest()).decode()
def look(path, kind, size):
    if kind & 0x4000:
        for name, kind, _, size in os.ilistdir(path):
            look(path + "/" + name, kind, size)
    else:
        print(json.dumps([path, size, digest(path)]))
def text(path):
    try:
        with open(path) as file:
            return file.read()
    except (OSError, ValueError):
        return None
for path in ("/lib/umb", "/lib/app", "/profiles", "/board.py", "/main.py", "/umb.json.checked"):
    try:
        about = os.stat(path)
    except OSError:
        continue
    look(path, about[0], about[6])
disk = os.statvfs("/")
romfs = 0
try:
    import vfs
    part = vfs.rom_ioctl(2, 0)
    romfs = part.ioctl(4, 0) * part.ioctl(5, 0) if hasattr(part, "ioctl") else len(part)
except Exception:
    pass
frozen = []
places = sys.path[:]
sys.path[:] = [".frozen"]
for name in ("umb", "app", "microdot"):
    try:
        __import__(name)
        frozen.append(name)
    except ImportError:
        pass
sys.path[:] = places
about = sys.implementation
gc.collect()
print(json.dumps({
    "platform": sys.platform,
    "version": list(about[1])[:3],
    "machine": getattr(about, "_machine", ""),
    "build": getattr(about, "_build", ""),
    "mpy": getattr(about, "_mpy", 0),
    "block": disk[0],
    "free": disk[0] * disk[3],
    "romfs": romfs,
    "frozen": frozen,
    "settings": text("/umb.json"),
    "board": text("/board.py"),
}))
"""
# Removes main.py and resets the board if its settings enable a watchdog: that cannot be stopped,
# and nothing would feed it while files are written.
_DISARM = (
    b"exec(\"try:\\n import json,os,machine\\n json.load(open('/umb.json'))['watchdog_s']or 1/0"
    b"\\n os.remove('/main.py');print('armed'+' indeed');machine.reset()\\n"
    b"except Exception:print('not'+' armed')\")\r"
)
_MAKE_FOLDERS = """
import os
for path in {!r}:
    try:
        os.mkdir(path)
    except OSError:
        pass
"""
_HAS = """
import os
try:
    os.stat({!r})
    print("yes")
except OSError:
    print("no")
"""
_REMOVE = """
import os
for path in {!r}:
    os.remove(path)
"""
# Writes a file in pieces, as base64: half as long as what mpremote sends, which a serial adapter
# takes long for.
_PIECE = 1024
_OPEN = """
from binascii import a2b_base64
from os import rename
file = open({!r}, "wb")
"""
_WRITE = "file.write(a2b_base64({!r}))\n"
_CLOSE = "file.close()\nrename({!r}, {!r})\n"


def _as_json(line):
    """Return what a line stands for, None if it is no JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None


class _Transport(SerialTransport):
    """mpremote's connection, with time-outs that are `slow` times as long."""

    slow = 1

    def read_until(self, min_num_bytes, ending, timeout=10, **named):
        overall_s = named.pop("timeout_overall", None)
        if overall_s is not None:
            named["timeout_overall"] = overall_s * self.slow
        timeout = timeout and timeout * self.slow
        return super().read_until(min_num_bytes, ending, timeout=timeout, **named)


class Board:
    """A board whose port is open. Raises Trouble if the port cannot be opened, or disconnects.

    slow   the factor of all time-outs, for an emulated board, which is slower than a real one
    """

    def __init__(self, port, slow=1):
        self.port = port
        self._slow = slow
        try:
            self._transport = _Transport(port, timeout=_ANSWER_S * slow)
        except (TransportError, OSError, ValueError):
            raise why_not(port) from None
        self._transport.slow = slow

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Let go of the port."""
        with contextlib.suppress(OSError):
            self._transport.close()

    # Its console: the prompt and what programs print.

    def _write(self, data):
        with self._troubles("taking input"):
            self._transport.serial.write(data)

    def _read(self):
        """Return the bytes received, b"" after a short sleep if there are none."""
        with self._troubles("printing"):
            data = self._transport.serial.read(self._transport.serial.in_waiting)
        if not data:
            time.sleep(_NAP_S)
        return data

    def interrupt(self, say, answer_s=_ANSWER_S, reset_s=_RESET_S):
        """Interrupt what runs until the prompt shows. Raises Trouble if it never does."""
        answer_s *= self._slow
        began_s = time.monotonic()
        asked_s = 0
        warned = False
        data = b""
        while True:
            now_s = time.monotonic()
            if now_s - asked_s >= _AGAIN_S:
                asked_s = now_s
                self._write(b"\r\x03\x02")  # Ctrl-C, and Ctrl-B to leave a raw REPL
            data = (data + self._read())[-64:]
            if data.endswith(_PROMPT):
                self._skip_rest()
                return
            if now_s - began_s > answer_s and not warned:
                warned = True
                say("the board does not answer: press its reset button now")
            if now_s - began_s > answer_s + reset_s:
                raise Trouble(
                    f"no MicroPython answers on {self.port} within {answer_s + reset_s:.0f} s: "
                    "is it the right port? --firmware stable --board NAME puts MicroPython on it"
                )

    def _skip_rest(self):
        """Discard further prompts, until the board has been silent for _QUIET_S."""
        end_s = time.monotonic() + _QUIET_S
        while time.monotonic() < end_s:
            if self._read():
                end_s = time.monotonic() + _QUIET_S

    def disarm(self):
        """Reset the board without application and watchdog if its settings enable the watchdog.

        Returns whether the board resets. It has to be at the prompt.
        """
        self._write(_DISARM)
        data = b""
        end_s = time.monotonic() + _ANSWER_S * self._slow
        while time.monotonic() < end_s and b"not armed" not in data:
            data += self._read()
            if b"armed indeed" in data:
                return True
        return False

    def restart(self):
        """Start the interpreter anew, with main.py."""
        self._write(b"\r\x02\x04")  # Ctrl-B leaves a raw REPL, Ctrl-D is a soft reset

    def lines(self, until_s):
        """Yield what the board prints, a line each, until that time (time.monotonic)."""
        data = b""
        while time.monotonic() < until_s:
            data += self._read()
            *whole, data = re.split(rb"\r?\n", data)
            for line in whole:
                yield line.decode(errors="replace")

    # Programs that run on the board, and its files.

    def survey(self):
        """Stop the program of the board. Returns what the board is and has, see _SURVEY.

        Its files are {path: [size, SHA-256]}.
        """
        with self._troubles("a soft reset"), contextlib.redirect_stdout(io.StringIO()):
            self._transport.enter_raw_repl(soft_reset=True)
        text = self._exec("describing itself", _SURVEY)
        # The firmware of some boards prints, at any time, what happens to it. A file whose line is
        # spoilt by that is written again.
        found = None
        files = {}
        for one in map(_as_json, text.splitlines()):
            if isinstance(one, dict):
                found = one
            elif isinstance(one, list) and len(one) == _FILE_ITEMS:
                files[one[0]] = one[1:]
        if found is None:
            raise Trouble(f"{self.port} answers strangely: {text.strip()[-80:]!r}")
        found["files"] = files
        return found

    def _exec(self, what, code):
        with self._troubles(what):
            return self._transport.exec(code).decode(errors="replace")

    def remove(self, paths):
        """Remove these files."""
        self._exec("removing files", _REMOVE.format(list(paths)))

    def make_folders(self, paths):
        """Make these folders, those above others first, unless they are there."""
        self._exec("making folders", _MAKE_FOLDERS.format(list(paths)))

    def has(self, path):
        """Return whether there is such a file or folder."""
        return self._exec("looking for files", _HAS.format(path)).strip() == "yes"

    def read(self, path):
        """Return the content of a file, as bytes."""
        with self._troubles(f"reading {path}"):
            return bytes(self._transport.fs_readfile(path))

    def write(self, path, data):
        """Write a file; a reset meanwhile leaves the old one or the new one."""
        what = f"writing {path}"
        code = _OPEN.format(path + ".new")
        for at in range(0, len(data), _PIECE):
            self._exec(what, code + _WRITE.format(b2a_base64(data[at : at + _PIECE])))
            code = ""
        self._exec(what, code + _CLOSE.format(path + ".new", path))

    def deploy_romfs(self, folder, say):
        """Write a folder as the board's ROMFS; say(text) is called with the progress."""
        state = types.SimpleNamespace(
            transport=self._transport, ensure_raw_repl=lambda: None, did_action=lambda: None
        )
        words = types.SimpleNamespace(command=["deploy"], path=str(folder), partition=0, mpy=False)
        with self._troubles("writing the ROMFS"), contextlib.redirect_stdout(_Progress(say)):
            try:
                do_romfs(state, words)
            except (CommandError, SystemExit) as error:
                raise Trouble(f"mpremote cannot write the ROMFS: {error}") from None

    @contextlib.contextmanager
    def _troubles(self, what):
        """Turn exceptions of mpremote and pyserial into Trouble; `what` names the step."""
        try:
            yield
        except TransportExecError as error:
            raise trouble_of_board(error.error_output) from None
        except serial.SerialException as error:
            raise Trouble(f"{self.port} was lost: {error}") from None
        except OSError as error:
            raise trouble_of_board(f"OSError: {error}") from None
        except (TransportError, struct.error, ValueError, SyntaxError) as error:
            raise Trouble(
                f"{self.port} has not finished {what} ({error}): reset the board and try again; "
                "for one that is slow, as an emulated one is, there is --slow"
            ) from None


class _Progress(io.TextIOBase):
    """A text stream that hands the lines of mpremote about its progress to say()."""

    def __init__(self, say):
        self._say = say

    def write(self, text):
        for part in text.split("\r"):
            if part.startswith(("Image", "ROMFS")):
                self._say(f"      {part.strip()}")
        return len(text)


def trouble_of_board(text):
    """Return the Trouble for a traceback that the board printed."""
    if "ENOSPC" in text or "OSError: 28" in text or "Errno 28" in text:
        return Trouble("no space left on the board: remove files (mpremote fs rm), try again")
    if "MemoryError" in text:
        return Trouble("the board ran out of memory: reset it and try again")
    last = (text.strip().splitlines() or ["it does not say why"])[-1]
    return Trouble(f"the board refuses: {last}")


def why_not(port):
    """Return the Trouble that says why a port cannot be opened."""
    text = ""
    try:
        exclusive = {} if "://" in port else {"exclusive": True}
        serial.serial_for_url(port, **exclusive).close()
    except (OSError, ValueError) as error:
        text = str(error).lower()
    if "lock" in text or "busy" in text:
        return Trouble(f"{port} is in use: close the program that has it (a serial monitor?)")
    if "permission" in text or "denied" in text:
        return Trouble(f"not allowed to open {port}: join its group (sudo adduser $USER dialout)")
    if "refused" in text:
        return Trouble(f"nobody listens at {port}")
    return Trouble(f"there is no {port}; without --port the board is looked for")


def find_port():
    """Return the port of the only board there is, by its USB ids. Raises Trouble."""
    ports = sorted(port.device for port in list_ports.comports() if port.vid)
    if not ports:
        raise Trouble(
            "no board found: plug it in with a cable that carries data, or name its port with "
            "--port; a Pico without MicroPython shows up as a drive: --port /media/$USER/RPI-RP2 "
            "--board RPI_PICO --firmware stable"
        )
    if len(ports) > 1:
        raise Trouble(f"several ports: name the board's with --port: {', '.join(ports)}")
    return ports[0]
