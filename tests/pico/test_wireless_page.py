"""Remote I/O on an emulated Pico W: its serial line while three browsers watch the page."""

import json
import socket
import threading
import time

import pytest

from tools.emulator.wire import MS, Format, read_registers, registers_reply
from tools.env import ROOT

pytestmark = pytest.mark.long_pico

PAGE = (ROOT / "umb" / "panel" / "page.html.gz").read_bytes()
ID, QUANTITY = 1, 10
BROWSERS = 3
SECONDS_S = 3  # between two looks of a page
TIMEOUT_S = 600  # the emulator may be a hundred times slower than the board
FORM = Format(19200)
ALONE = 12  # requests
WATCHED = 180  # these take the board more than six seconds


class Browser(threading.Thread):
    """Does what the script of the page does, in the board's time, until `ends` is set.

    done      what it has had: the page, and answers to each path
    told      events that came
    """

    def __init__(self, clock, address):
        super().__init__(daemon=True)
        self._clock, self._address = clock, address
        self.ends = threading.Event()
        self.done = {}
        self.told = 0
        self.error = None

    def run(self):
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - the test raises it
            if not self.ends.is_set():
                self.error = error

    def _look(self):
        assert self._get("/") == PAGE
        self._get("/info")
        points = json.loads(self._get("/points"))
        assert len(points) == 20
        stream = threading.Thread(target=self._listen, daemon=True)
        stream.start()
        while not self.ends.is_set():
            self._sleep(SECONDS_S)
            if self.ends.is_set():
                return
            self._get("/info")
            if not stream.is_alive():  # enough browsers are told of changes
                self._get("/points")

    def _sleep(self, seconds):
        until_ns = self._clock.nanos + 1000 * seconds * MS
        while self._clock.nanos < until_ns and not self.ends.is_set():
            time.sleep(0.01)

    def _ask(self, path):
        sock = socket.create_connection(self._address, TIMEOUT_S)
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: board\r\n\r\n" % path.encode())
        file = sock.makefile("rb")
        sock.close()  # as soon as the file is
        status = int(file.readline().split()[1])
        while file.readline().strip():
            pass
        return status, file

    def _get(self, path):
        status, file = self._ask(path)
        with file:
            content = file.read()
        assert status == 200, (path, status, content)
        self.done[path] = self.done.get(path, 0) + 1
        return content

    def _listen(self):
        status, file = self._ask("/events")
        with file:
            while status == 200 and not self.ends.is_set():
                self.told += bool(file.readline().strip())


class Exchanges(list):
    """Exchanges of a master that asks back to back, the network being carried in between."""

    def __init__(self, board, quantity):
        from tools.emulator.master import Master  # noqa: PLC0415 - needs the emulator

        master = Master(board.line(FORM))
        for _ in range(quantity):
            self.append(master.ask(read_registers(ID, QUANTITY)))
            board.forward.carry()
        self.good = [one for one in self if one.reply == registers_reply(ID, [0] * QUANTITY)]

    def note(self, figures, who):
        """Put into the table what was measured."""
        from tools.emulator.master import efficiency  # noqa: PLC0415 - needs the emulator

        name = f"page, {who}, {FORM.baudrate} baud: "
        figures.note(name + "requests lost", len(self) - len(self.good))
        figures.note(name + "line efficiency", efficiency(self.good, FORM))
        late = sorted(one.late_us for one in self.good)
        figures.note(name + "reply after t3.5, median, us", late[len(late) // 2])
        figures.note(name + "reply after t3.5, at most, us", late[-1])


def test_the_serial_line_while_three_browsers_watch(pico_w, figures):
    if not pico_w.frozen:
        pytest.skip("firmware with the application frozen in: docs/how-to/freeze.md")
    pico_w.run({"role": "io", "baudrate": FORM.baudrate, "panel": {"port": 80}})
    pico_w.wait_for("WiFi is up")
    alone = Exchanges(pico_w, ALONE)
    alone.note(figures, "nobody watches")
    address = pico_w.forward.listen(80)
    browsers = [Browser(pico_w.pico.clock, address) for _ in range(BROWSERS)]
    for browser in browsers:
        browser.start()
    watched = Exchanges(pico_w, WATCHED)
    for browser in browsers:
        browser.ends.set()
    watched.note(figures, "three browsers")
    for browser in browsers:
        assert browser.error is None
        assert browser.done["/"] == 1 and browser.done["/info"] >= 2
    assert sorted(bool(one.told) for one in browsers) == [False, True, True]
    assert len(alone.good) == len(alone) and len(watched.good) == len(watched)
