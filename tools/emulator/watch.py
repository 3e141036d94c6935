"""A remote-I/O slave on an emulated Pico, which prints every frame and pin edge; and its line.

python3 tools/dev.py pico starts it.
"""

import argparse
import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
import tty
from pathlib import Path

from tools.flashing.files import Files

from .firmware import find_firmware
from .image import ARCH
from .line import Line, Station
from .pico import BoardError
from .usb_port import ResettablePico, UsbPort
from .wire import MS, US, Format, crc16

_PROG = "python3 tools/dev.py pico"
_PARITY = {"N": None, "E": 0, "O": 1}
_DE_PIN, _OUTPUTS = 2, range(6, 14)
_SLICE_NS = 5 * MS
_LAG_LIMIT_S = 0.05
_START_LIMIT_NS = 5000 * MS


class Log:
    """Prints what happens: a frame when it has ended, with the time of its beginning."""

    def __init__(self, line, out=sys.stdout):
        self._line, self._out = line, out
        self._frame, self._source = [], None
        self._asked_ns = None  # the end of the master's last frame

    def line(self, ns, text):
        print(f"{ns / MS:13.3f} ms  {text}", file=self._out, flush=True)

    def pin(self, ns, name, level):
        self.flush(ns, 0)
        self.line(ns, f"{name} {'high' if level else 'low'}")

    def char(self, char, source):
        if self._frame and source is not self._source:
            self.flush(char.start_ns)
        self._frame.append(char)
        self._source = source

    def flush(self, ns, silence_chars=1.5):
        """Print the frame under way if it has ended: so many characters' time of silence."""
        form = self._line.form
        if not self._frame or ns < self._frame[-1].end_ns + silence_chars * form.char_ns:
            return
        data = bytes(char.byte for char in self._frame)
        start_ns, end_ns = self._frame[0].start_ns, self._frame[-1].end_ns
        good = "" if len(data) >= 4 and crc16(data) == 0 else "  wrong CRC"
        if self._source is None:
            text = f"master  {data.hex(' ')}{good}"
            self._asked_ns = end_ns
        else:
            text = f"slave   {data.hex(' ')}{good}"
            if self._asked_ns is not None:
                late_us = (start_ns - self._asked_ns - form.t35_ns) / US
                text += f"  (t3.5 {late_us:+.0f} us after the request)"
        self.line(start_ns, text)
        self._frame = []


class Session:
    """The board, the line, and the pseudo-terminal `path` that stands for the line's other end."""

    def __init__(self, usb, line, out=sys.stdout):
        self._usb, self._pico, self._line = usb, usb.pico, line
        self.log = Log(line, out)
        self._master_fd, self._slave_fd = os.openpty()  # both stay open: clients come and go
        tty.setraw(self._slave_fd)
        os.set_blocking(self._master_fd, False)
        self.path = os.ttyname(self._slave_fd)
        self._replies = []
        self._sent_ns = 0.0
        line.on_char = self._received
        line.on_switch = lambda ns, level, _: self.log.pin(ns, f"GPIO {_DE_PIN} direction", level)
        for number in _OUTPUTS:
            self._watch(number)

    def _watch(self, number):
        name = f"GPIO {number} coil {number - _OUTPUTS[0]}"
        self._pico.trace(number).on_change = lambda ns, level: self.log.pin(ns, name, level)

    def _received(self, char, source):
        self.log.char(char, source)
        if source is not None:
            self._replies.append(char)

    def run(self, ended=lambda: False):
        """Run no faster than real time; a delay is not caught up."""
        start_s = time.monotonic() - self._line.now / 1e9
        while not ended():
            ahead_s = self._line.now / 1e9 - (time.monotonic() - start_s)
            if ahead_s < -_LAG_LIMIT_S:
                start_s -= ahead_s
            self._line.run_for(_SLICE_NS)
            self._usb.carry()
            self.log.flush(self._line.now)
            self._deliver()
            if select.select([self._master_fd], [], [], max(0.0, ahead_s))[0]:
                self._send(os.read(self._master_fd, 512))

    def _send(self, data):
        """Put what a client wrote on the line, right after what it wrote before."""
        _, self._sent_ns = self._line.put(data, max(self._line.now, self._sent_ns))

    def _deliver(self):
        """Hand a client the characters that are through by now."""
        now = self._line.now
        through = bytes(char.byte for char in self._replies if char.end_ns <= now)
        if through:
            self._replies = self._replies[len(through) :]
            with contextlib.suppress(BlockingIOError):  # no program reads: it is lost
                os.write(self._master_fd, through)

    def close(self):
        self._usb.close()
        os.close(self._master_fd)
        os.close(self._slave_fd)


def board_files(form, slave_id):
    """{path: bytes} of the application as tools/flash.py would put it on the board."""
    with tempfile.TemporaryDirectory() as folder:
        made = Files(Path(folder), "RPI_PICO", 0, ARCH).made
        files = {path: file.read_bytes() for path, file in made.items()}
    parity = "N" if form.parity is None else "EO"[form.parity]
    settings = {"slave_id": slave_id, "baudrate": form.baudrate, "parity": parity}
    files["/umb.json"] = json.dumps(settings).encode()
    return files


def start(firmware, form, slave_id, bare=False):
    """Boot a board with the application on it, or a bare one; returns (its UsbPort, line)."""
    pico = ResettablePico(firmware, None if bare else board_files(form, slave_id))
    usb = UsbPort(pico)
    direction = pico.trace(_DE_PIN)
    limit_ns = pico.now + _START_LIMIT_NS
    usb.serve(lambda: bare or direction.level == 0 or pico.now > limit_ns)
    if not bare and direction.level != 0:
        raise BoardError(usb.text.decode(errors="replace"))
    return usb, Line(form, Station(pico, 0, _DE_PIN))


def _number(low, high):
    """Return what reads an option that is a number in a range."""

    def read(text):
        if not (text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"must be {low} to {high}, not {text}")
        return int(text)

    return read


def parser():
    """The command line's options."""
    options = argparse.ArgumentParser(prog=_PROG, description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--image", metavar="FILE", help="firmware, instead of UMB_PICO_UF2's")
    options.add_argument(
        "--download", action="store_true", help="get MicroPython first if there is no firmware"
    )
    options.add_argument("--baudrate", type=_number(300, 921600), default=19200)
    options.add_argument("--parity", choices=_PARITY, default="E")
    options.add_argument("--slave-id", type=_number(1, 247), default=1)
    options.add_argument("--bare", action="store_true", help="only MicroPython is on the board")
    return options


def announce(arguments, path, form, url):
    """Print how clients and other programs connect."""
    if arguments.bare:
        print("an emulated Raspberry Pi Pico with nothing but MicroPython on it; to flash it:")
        print(f"  python3 tools/flash.py --port {url} --slow 25")
    else:
        print(f"umb remote I/O on an emulated Raspberry Pi Pico, slave id {arguments.slave_id}")
    print(f"  Modbus RTU on {path} {form}; give a client a time-out of 5 s, because")
    print("  the emulator runs up to 25 times slower than the board while the board works")
    print("  coils 0-7 drive GPIO 6-13, discrete inputs 0-7 are GPIO 14-21, direction is GPIO 2")
    print(f"  its USB port is {url}")
    print("Times are the board's own. Ctrl-C ends it.", flush=True)


def main(args=None):
    """Serve until Ctrl-C; returns the exit status."""
    arguments = parser().parse_args(args)
    form = Format(arguments.baudrate, _PARITY[arguments.parity], 1)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, signal.default_int_handler)
    try:
        image = arguments.image or find_firmware()
        usb, line = start(image, form, arguments.slave_id, arguments.bare)
    except BoardError as error:
        print(f"{_PROG}: the slave did not start: {error}", file=sys.stderr)
        return 1
    session = Session(usb, line)
    announce(arguments, session.path, form, usb.url)
    try:
        session.run()
    except KeyboardInterrupt:
        return 0
    finally:
        session.close()


if __name__ == "__main__":
    sys.exit(main())
