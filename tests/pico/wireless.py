"""The application on an emulated Pico W, its network, and slaves and masters at its line."""

import json
import tempfile
from pathlib import Path

from tools.emulator.line import Line, Station
from tools.emulator.pico_w import PicoW
from tools.emulator.usb_port import UsbPort
from tools.emulator.wifi import PortForward
from tools.emulator.wire import MS, Format, registers_reply
from tools.flashing.files import ARCHITECTURE_OF, Files
from tools.flashing.options import board_of

BOARD = "RPI_PICO_W"
SSID, PASSWORD = "umb", "a password"
FORM = Format(19200)
_FROZEN = ("umb", "app", "microdot")  # what firmware may have frozen in
_RADIO_LIMIT_MS = 5000
_REQUEST_SIZE = 8  # of all requests here
_ANSWER_NS = 5 * MS
# Prints what is free, for memory() to find. It runs within the application, from a timer.
_MEMORY = """
import gc, machine, micropython
def _count(_):
    gc.collect()
    print("free:", gc.mem_free())
_timer = machine.Timer(period=1000, callback=lambda _: micropython.schedule(_count, 0))
"""

_HAS_APPLICATION = """
try:
    import app
    print(True)
except ImportError:
    print(False)
"""


def board_files(settings, say_memory=False, frozen=False):
    """{path: bytes} of what tools/flash.py puts onto the board for these settings.

    With say_memory its boot.py has it print once a second how much memory is free.  Where the
    firmware has the code frozen in, that is not among the files.
    """
    with tempfile.TemporaryDirectory() as folder:
        network = board_of(BOARD).NETWORK
        wanted = Files(Path(folder), BOARD, network, ARCHITECTURE_OF[BOARD], settings)
        if frozen:
            wanted.leave_out(_FROZEN)
        files = {path: file.read_bytes() for path, file in wanted.made.items()}
    files["/umb.json"] = json.dumps(settings).encode()
    if say_memory:
        files["/boot.py"] = _MEMORY.encode()
    return files


def switch_on(firmware):
    """Return a PicoW whose radio is at work.

    That takes half a minute of this machine.  So the radio is left on, and the board reset by
    its REPL.
    """
    pico = PicoW(firmware)
    pico.exec("import network; network.WLAN().active(True)", _RADIO_LIMIT_MS)
    return pico


class Board:
    """A Pico W, as switch_on() returns it, and its network: run() starts the application.

    frozen   whether its firmware has the application frozen in: its flash had no files so far
    """

    def __init__(self, pico):
        self.pico = pico
        self.frozen = pico.exec(_HAS_APPLICATION).strip() == "True"
        self.radio, self.access_point = pico.radio, pico.radio.access_point
        self.forward = PortForward(self.pico)
        self.usb = UsbPort(self.pico)
        self.forward.carried.append(self.usb.carry)

    def run(self, settings, say_memory=False):
        """Start the application with these settings, beside those of the network."""
        settings = {"ssid": SSID, "password": PASSWORD, **settings}
        self.stop()
        self.pico.write_files(board_files(settings, say_memory, self.frozen))
        self._type(b"\x02\x04")  # the plain REPL, and a soft reset
        self.wait_for("umb: serving")

    def put(self, files):
        """Have these files alone on the board, which is at its prompt then."""
        self.stop()
        self.pico.write_files(files)
        self._type(b"\x02\x04")
        self.wait_for("soft reboot")
        self.wait_for(">>> ")

    def stop(self):
        """End the application, and have the board leave the network."""
        self._type(b"\r\x03\x03\x01")
        self.wait_for("raw REPL")
        self.pico.radio.leave()
        self.usb.text.clear()

    def wait_for(self, text):
        """Let the board run until it prints a text."""
        self.forward.run(lambda: text.encode() in self.usb.text)

    def _type(self, keys):
        self.usb._to_board += keys

    def line(self, form=FORM):
        """Return the Line at UART 0."""
        return Line(form, Station(self.pico))

    def close(self):
        self.forward.close()
        self.usb.close()


class Slave:
    """A slave at a Line, which answers reads of registers, function codes 3 and 4.

    registers   {address: value}; others are 0
    requests    those that have come, as frames
    """

    def __init__(self, line, slave_id, registers):
        self._line, self._slave_id, self.registers = line, slave_id, registers
        self._chars = []
        self.requests = []
        line.on_char = self._heard

    def _heard(self, char, station):
        if station is None:  # its own
            return
        if self._chars and char.start_ns - self._chars[-1].end_ns > self._line.form.t35_ns:
            self._chars.clear()
        self._chars.append(char)
        if len(self._chars) < _REQUEST_SIZE:
            return
        chars, self._chars = self._chars, []
        request = bytes(one.byte for one in chars)
        self.requests.append(request)
        slave_id, code, first, quantity = request[0], request[1], *_words(request[2:6])
        if slave_id == self._slave_id and code in (3, 4):
            values = [self.registers.get(first + i, 0) for i in range(quantity)]
            at_ns = char.end_ns + self._line.form.t35_ns + _ANSWER_NS
            self._line.put(registers_reply(slave_id, values, code), at_ns)


def _words(data):
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]
