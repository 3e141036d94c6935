"""A Server that handles requests of one line from interrupts, wherever it is with another's."""

import micropython
from support.pdu import Link, raw, request
from support.umb import Told

from umb.errors import IllegalDataAddressError, ServerDeviceBusyError
from umb.server import Server
from umb.store import Registers, Store

GOOD, REFUSED, FAILING = 0, 1, 2  # addresses


def hook(address, _quantity):
    if address == REFUSED:
        raise IllegalDataAddressError
    if address == FAILING:
        raise ValueError


class Follower:
    """A function that follows what comes and what leaves, and fails at both."""

    codes = b""

    def received(self, _adu, _link):
        raise KeyError

    def sent(self, _adu, _link):
        raise KeyError


class Line:
    """A line with a buffer of its own, on which the same requests come in turn."""

    def __init__(self, server):
        self.server = server
        self.link = Link(serial=True)
        self.adu = bytearray(262)
        self.count = 0  # requests that were answered rightly
        self.wrong = None  # what was answered otherwise

    def ask(self):
        """Have one request handled: a read or a write, for device 1 or for everybody."""
        i = self.count
        self.count += 1
        address, code, slave_id = i % 3, 3 + i // 3 % 2 * 3, i // 6 & 1
        pdu = request(code, address, 1 if code == 3 else 100 + address)
        adu = self.adu
        adu[6] = slave_id
        adu[7 : 7 + len(pdu)] = pdu
        n = self.server.handle(adu, len(pdu), self.link)
        wanted = raw("03 02 0064") if code == 3 else pdu
        if address != GOOD:
            wanted = bytes((code | 0x80, 2 if address == REFUSED else 4))
        if adu[7 : 7 + n] != (wanted if slave_id else b"") and self.wrong is None:
            self.wrong = (slave_id, pdu, bytes(adu[7 : 7 + n]))


def check(server):
    """Have requests handled while others are at every step where an interrupt can come."""
    main, interrupting = Line(server), Line(server)
    running = True

    def interrupt(_):
        interrupting.ask()
        if running:
            micropython.schedule(interrupt, 0)

    micropython.schedule(interrupt, 0)
    for _ in range(24):
        main.ask()
    running = False
    assert main.wrong is None, main.wrong
    assert interrupting.wrong is None, interrupting.wrong
    assert interrupting.count > 10 * main.count


def store():
    return Store(holding_registers=Registers(0, [100, 101, 102], on_read=hook, on_write=hook))


def test_hooks_that_raise():
    told = Told()
    check(Server(store(), on_error=told))
    for error, _ in told.calls:
        assert isinstance(error, ValueError), error


def test_functions_that_raise():
    told = Told()
    check(Server(store(), functions=(Follower(),), on_error=told))
    for error, _ in told.calls:
        assert isinstance(error, (ValueError, KeyError)), error


def test_endpoints():
    """Each is called with what its own request has."""
    server = Server(None, on_error=None)

    @server.route(function_codes=(3,))
    def read(slave_id, function_code, address):
        assert slave_id == 1 and function_code == 3
        hook(address, 1)
        return 100 + address

    @server.route(function_codes=(6,))
    def write(slave_id, function_code, address, value):
        assert slave_id == 1 and function_code == 6 and value == 100 + address
        hook(address, 1)

    check(server)


def test_an_error_handler_that_raises():
    """What it raises is printed, and nobody's request comes to harm."""
    calls = []

    def on_error(error, _link):
        calls.append(error)
        if len(calls) < 3:
            raise ServerDeviceBusyError

    check(Server(store(), on_error=on_error))
    for error in calls:
        assert isinstance(error, ValueError), error
