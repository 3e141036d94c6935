"""Functions of a server: what they answer and follow, and user-defined function codes (AP 5)."""

from support.pdu import Link, ask, expect, raw
from support.umb import Told, raises

from umb.errors import IllegalDataAddressError, exception_for
from umb.functions.diagnostics import Diagnostics
from umb.server import Server
from umb.store import Store

_USERS = tuple(range(65, 73)) + tuple(range(100, 111))
_OF_THE_STORE = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23)


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
    for code in range(128):
        pdu = bytes((code,)) + raw("0000 0001")
        refused = ask(server, pdu, 1, link)[:2] == bytes((code | 0x80, 1))
        assert refused == (code not in _OF_THE_STORE), code


class Function:
    """A function that answers these codes with themselves."""

    def __init__(self, codes):
        self.codes = codes

    def handle(self, adu, n, link):
        return 1


class Follower:
    """A function without codes, which is told of requests and responses."""

    codes = b""

    def __init__(self, error=None):
        self.told = []
        self._error = error

    def received(self, adu, link):
        self.told.append(("received", adu[6], adu[7], link))
        if self._error is not None:
            raise self._error

    def sent(self, adu, link):
        self.told.append(("sent", adu[6], adu[7], link))
        if self._error is not None:
            raise self._error


def test_functions_answer_their_codes():
    link = Link()
    for codes in (b"\x07\x41", (7, 65), [7, 65]):
        server = Server(functions=(Function(codes), Function((43,))))
        for code in range(128):
            if code not in _OF_THE_STORE:
                wanted = bytes((code,)) if code in (7, 65, 43) else bytes((code | 0x80, 1))
                expect(server, bytes((code, 0)), wanted, link=link)
    assert link.counters.event_count == 9


def test_functions_that_cannot_be():
    class Nameless:
        def handle(self, adu, n, link):
            return 1

    class Handless:
        codes = b"\x41"

    class Bound(Handless):
        handle = 5

    for wrong in (
        Nameless(),
        Handless(),
        Bound(),
        Function,
        Diagnostics,
        None,
        5,
        "Diagnostics",
        Store(),
        Server(),
        Function((0,)),
        Function((128,)),
        Function((-1,)),
        Function(("a",)),
        Function((65.0,)),
    ):
        raises(ValueError, Server, functions=(wrong,))
        raises(ValueError, Server, functions=(Function((100,)), wrong))
    for wrong in (Diagnostics(), None, 5, Function((65,)), {65: Function((65,))}):
        raises(ValueError, Server, functions=wrong)
    for codes in (65, None):
        raises(TypeError, Server, functions=(Function(codes),))


def test_no_code_is_answered_twice():
    for code in _OF_THE_STORE:
        raises(ValueError, Server, functions=(Function((code,)),))
        raises(ValueError, Server, functions=(Function((65, code)),))
    raises(ValueError, Server, functions=(Function((65,)), Function((66, 65))))
    raises(ValueError, Server, functions=(Function((65, 65)),))
    raises(ValueError, Server, functions=(Diagnostics(), Function((8,))))
    raises(ValueError, Server, functions=(Diagnostics(), Diagnostics()))


def test_lengths_that_cannot_be():
    """What a function returns is a length, or minus an exception code: anything else is a bug."""
    told = Told()
    server = Server(on_error=told)
    wrong = (None, "1", 1.0, b"ab", [1], 254, 1000, -256, -1000)
    for n in wrong:
        server.function(65, Told(n))
        expect(server, b"\x41", "c1 04")
    assert len(told.calls) == len(wrong)
    for n in (1, 2, 253):
        server.function(65, Told(n))
        assert len(ask(server, b"\x41")) == n
    for code in (1, 4, 6, 255):
        server.function(65, Told(-code))
        expect(server, b"\x41", bytes((0xC1, code)))
    server.function(65, Told(0))
    expect(server, b"\x41", None)


def test_handlers_that_cannot_be():
    server = Server()
    for handler in (None, 5, "handler", Function((65,))):
        raises(ValueError, server.function, 65, handler)
    for code in (None, "65", 65.0, (65,)):
        raises(ValueError, server.function, code, Handler())


def test_a_handler_takes_the_place_of_an_earlier_one():
    server = Server(functions=(Function((65,)),))
    expect(server, b"\x41", "41")
    server.function(65, Handler(b"\x02"))
    expect(server, b"\x41", "41 02")


def test_followers_are_told_of_requests_and_responses():
    first, second = Follower(), Follower()
    server = Server(Store(holding_registers=2), (5, 6), functions=(first, second))
    link, serial = Link(), Link(serial=True)
    for one, slave_id, pdu, wanted in (
        (link, 5, "03 0000 0001", (("received", 5, 3), ("sent", 5, 3))),
        (link, 6, "03 0001 0002", (("received", 6, 3), ("sent", 6, 0x83))),
        (link, 255, "06 0000 0001", (("received", 5, 6), ("sent", 5, 6))),
        (link, 5, "41", (("received", 5, 0x41), ("sent", 5, 0xC1))),
        (link, 9, "03 0000 0001", ()),
        (serial, 5, "06 0000 0001", (("received", 5, 6), ("sent", 5, 6))),
        (serial, 0, "06 0000 0001", (("received", 0, 6),)),
        (serial, 0, "03 0000 0001", (("received", 0, 3),)),
        (serial, 9, "03 0000 0001", ()),
        (serial, 5, "83 02", ()),
    ):
        ask(server, raw(pdu), slave_id, one)
        for follower in (first, second):
            assert follower.told == [told + (one,) for told in wanted], (pdu, follower.told)
            follower.told.clear()
    serial.listen_only = True
    assert ask(server, raw("03 0000 0001"), 5, serial) is None
    assert first.told == [("received", 5, 3, serial)]


def test_what_a_follower_raises_harms_nobody():
    told = Told()
    bad, good = Follower(KeyError()), Follower()
    store = Store(holding_registers=2)
    server = Server(store, functions=(bad, good), on_error=told)
    expect(server, "06 0000 0007", "06 0000 0007")
    assert len(bad.told) == len(good.told) == len(told.calls) == 2
    expect(server, "06 0001 0008", None, 0, Link(serial=True))
    assert [store.holding_registers[i] for i in (0, 1)] == [7, 8]
    assert len(told.calls) == len(good.told) == 3


def test_only_what_raises_nothing_is_called_without_a_guard():
    """It is the class that says so: a subclass that may raise takes it back."""

    class Loud(Diagnostics):
        never_raises = False

        def received(self, adu, link):
            super().received(adu, link)
            raise KeyError

    told = Told()
    server = Server(Store(holding_registers=2), functions=(Loud(),), on_error=told)
    serial = Link(serial=True)
    expect(server, "06 0000 0007", "06 0000 0007", link=serial)
    assert len(told.calls) == 1
    for functions in ((Diagnostics(),), (Follower(KeyError()), Diagnostics())):
        server = Server(Store(holding_registers=2), functions=functions, on_error=None)
        expect(server, "06 0000 0007", "06 0000 0007", link=serial)
        log = ask(server, b"\x0c", link=serial)
        assert log[8:] == b"\x80\x40\x80", log  # the newest first: each is there once


def test_what_raises_nothing_need_not_have_both_methods():
    class Noting:
        codes = ()
        never_raises = True

        def __init__(self):
            self.noted = 0

    class Received(Noting):
        def received(self, adu, link):
            self.noted += 1

    class Sent(Noting):
        def sent(self, adu, link):
            self.noted += 1

    for kinds in ((Received,), (Sent,), (Received, Sent), (Noting,), (Sent, Noting, Received)):
        functions = [kind() for kind in kinds]
        server = Server(Store(holding_registers=2), functions=functions)
        expect(server, "06 0000 0007", "06 0000 0007", link=Link(serial=True))
        for function in functions:
            assert function.noted == (type(function) is not Noting)
