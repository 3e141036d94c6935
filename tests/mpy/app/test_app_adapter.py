"""The serial adapter of boards/unix that may be unplugged: what a line behind it is told."""

import sys

from support.uart import clock
from support.umb import raises

sys.path.insert(0, "boards")
sys.path.insert(0, "boards/unix")

import adapter


class Device:
    """Stands for umb.port.tty.TTY. The class knows whether the device is plugged in."""

    plugged = True
    opened = 0

    def __init__(self, path, baudrate, parity, stop):
        if not Device.plugged:
            raise OSError(2)
        Device.last = self
        Device.opened += 1
        self.form = (path, baudrate, parity, stop)
        self.waiting = b""
        self.sent = b""
        self.pollers = []
        self.closed = False

    def register(self, poller):
        self.pollers.append(poller)

    def unregister(self, poller):
        assert not self.closed
        self.pollers.remove(poller)

    def any(self):
        if not Device.plugged:
            raise OSError(5)
        return len(self.waiting)

    def readinto(self, buf, n):
        n = min(n, len(self.waiting))
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n or None

    def write(self, buf, at, n):
        if not Device.plugged:
            raise OSError(5)
        self.sent += bytes(buf[at : at + n])
        return n

    def close(self):
        self.closed = True


adapter.TTY = Device
said = []


def make(wait=False):
    clock.reset()
    said.clear()
    Device.opened = 0
    form = {"baudrate": 9600, "parity": None, "stop": 1}
    return adapter.Adapter("/dev/ttyUSB0", form, said.append, wait)


def read(one):
    buf = bytearray(20)
    n = one.readinto(buf, len(buf))
    return bytes(buf[: n or 0])


def test_it_is_a_tty_while_it_is_plugged_in():
    Device.plugged = True
    one = make()
    assert Device.last.form == ("/dev/ttyUSB0", 9600, None, 1)
    assert not one.exact_times
    Device.last.waiting = b"abc"
    assert one.any() == 3
    assert read(one) == b"abc"
    assert one.any() == 0 and one.readinto(bytearray(1), 1) is None
    assert one.write(b"xyz", 1, 2) == 2
    assert Device.last.sent == b"yz"
    assert one.txdone()
    one.close()
    assert Device.last.closed
    assert said == []


def test_pulled_and_plugged_in_again():
    """What had come is still there to be read: a line counts what it was told of."""
    Device.plugged = True
    one = make()
    pollers = ["first", "second"]
    for poller in pollers:
        one.register(poller)
    before = Device.last
    assert before.pollers == pollers
    before.waiting = b"abc"
    assert one.any() == 3
    Device.plugged = False
    assert one.any() == 3
    assert before.closed and before.pollers == []
    assert said == ["/dev/ttyUSB0 is gone (the device does not answer): waiting for it"]
    assert read(one) == b"abc"
    for _ in range(50):
        clock.sleep_ms(100)
        assert one.any() == 0
        assert one.readinto(bytearray(4), 4) is None
        assert one.write(b"lost", 0, 4) == 4
    Device.plugged = True
    for _ in range(11):
        clock.sleep_ms(100)
        one.any()
    assert Device.opened == 2
    assert said[1:] == ["/dev/ttyUSB0 is back"]
    assert Device.last.pollers == pollers
    one.write(b"heard", 0, 5)
    assert Device.last.sent == b"heard"


def test_it_is_looked_for_once_a_second():
    Device.plugged = False
    one = make(True)
    assert said == ["/dev/ttyUSB0 is gone (no such device): waiting for it"]
    tries = []

    class Counting(Device):
        def __init__(self, *_, **__):
            tries.append(1)
            raise OSError(2)

    adapter.TTY = Counting
    for _ in range(100):
        clock.sleep_ms(50)
        one.any()
    adapter.TTY = Device
    assert 4 <= len(tries) <= 5
    Device.plugged = True
    clock.sleep_ms(1_100)
    assert one.any() == 0
    assert said[1:] == ["/dev/ttyUSB0 is back"]


def test_it_is_lost_while_it_sends():
    Device.plugged = True
    one = make()
    Device.plugged = False
    assert one.write(b"lost", 0, 4) == 4
    assert len(said) == 1
    assert one.any() == 0


def test_one_that_is_away_at_the_start_is_an_error():
    Device.plugged = False
    assert raises(OSError, make).errno == 2


def test_errors_in_words():
    for number, words in (
        (5, "the device does not answer"),
        (25, "not a serial line"),
        (1234, "error 1234 of the operating system"),
    ):
        assert adapter.reason(OSError(number)) == words
