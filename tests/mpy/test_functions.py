"""Server.function: user-defined function codes (AP 5), and what is not offered at all."""

from support_pdu import Link, ask, expect, raw
from support_umb import Told, raises

from umb.errors import IllegalDataAddressError, exception_for
from umb.server import Server
from umb.store import Store

_USERS = tuple(range(65, 73)) + tuple(range(100, 111))


class Handler:
    """Answers with what it is told to, and keeps what it was asked."""

    def __init__(self, answer=b"", error=None):
        self.asked = []
        self._answer = answer
        self._error = error

    def __call__(self, adu, n, link):
        self.asked.append((adu[6], bytes(adu[7 : 7 + n]), link))
        if self._error is not None:
            raise self._error
        adu[8 : 8 + len(self._answer)] = self._answer
        return 1 + len(self._answer)


def test_which_codes():
    server = Server(Store(1))
    for code in range(-1, 258):
        handler = Handler(b"\x01\x02")
        if code in _USERS:
            expect(server, bytes((code, 7)), bytes((code | 0x80, 1)))
            server.function(code, handler)
            expect(server, bytes((code, 7)), bytes((code, 1, 2)))
        else:
            raises(ValueError, server.function, code, handler)


def test_what_a_handler_gets():
    handler = Handler()
    server = Server(None, (1, 9))
    server.function(100, handler)
    for slave_id in (1, 9):
        for link in (Link(), Link(serial=True)):
            for pdu in (b"\x64", b"\x64" + bytes(range(252))):
                assert ask(server, pdu, slave_id, link) == b"\x64"
                assert handler.asked[-1] == (slave_id, pdu, link)


def test_any_length():
    for size in (0, 1, 100, 252):
        server = Server()
        server.function(70, Handler(bytes(size)))
        expect(server, b"\x46", b"\x46" + bytes(size))


def test_what_a_handler_raises():
    told = Told()
    server = Server(on_error=told)
    for code, error in ((2, IllegalDataAddressError()), (7, exception_for(7)), (4, KeyError())):
        server.function(65, Handler(error=error))
        expect(server, b"\x41\x01", bytes((0xC1, code)))
    assert len(told.calls) == 1


def test_no_broadcasts_and_nobody_elses():
    handler = Handler()
    server = Server()
    server.function(65, handler)
    link = Link(serial=True)
    for slave_id in (0, 2, 247):
        assert ask(server, b"\x41\x01", slave_id, link) is None
    assert handler.asked == []


def test_what_is_not_offered():
    server = Server(Store(9, 9, 9, 9))
    link = Link(serial=True)
    offered = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 22, 23)
    for code in range(128):
        pdu = bytes((code,)) + raw("0000 0001")
        assert (ask(server, pdu, 1, link)[:2] == bytes((code | 0x80, 1))) == (code not in offered)
