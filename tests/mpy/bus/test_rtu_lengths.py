"""umb.frame.lengths.announce(): frames of other function codes whose CRC ends with 00."""

from support import spread
from support.client import Bench as Line  # comes first: it stands in for the clock
from support.pdu import request
from support.rtu import OURS, Bench, frame
from support.umb import raises

from umb.frame.lengths import announce
from umb.frame.rtu import REQUEST, RESPONSE
from umb.server import Server

_CODES = spread(tuple(range(65, 73)) + tuple(range(100, 111)), 5)


class Announced:
    """A context manager that takes back what was announced in its block."""

    def __enter__(self):
        self._before = bytes(REQUEST), bytes(RESPONSE)

    def __exit__(self, _, error, trace):
        for table, before in zip((REQUEST, RESPONSE), self._before):
            for code in range(len(table)):
                table[code] = before[code] if code < len(before) else 0


def whose_crc_ends_with_zero(code, size, counted=False):
    """PDUs of so many bytes, two if there are; counted: byte 1 counts the rest."""
    found = []
    for number in range(1, 4000):
        data = bytes((number >> 8, number & 0xFF))
        pdu = bytes((code, size - 2)) + data * size if counted else bytes((code,)) + data * size
        pdu = pdu[:size]
        if frame(OURS, pdu)[-1] == 0 and pdu not in found:
            found.append(pdu)
            if len(found) == 2:
                break
    return found


def given_to_handler(pdus, **options):
    """The request PDUs that a server's handler is given, of these."""
    given = []

    def handler(adu, n, _):
        given.append(bytes(adu[7 : 7 + n]))
        return 1

    server = Server(None, (OURS,))
    for pdu in pdus:
        server.function(pdu[0], handler)
    bench = Bench(handler=server, **options)
    for pdu in pdus:
        bench.ask(pdu)
    bench.keeps_its_promises()
    return given


def test_requests_of_a_length():
    count = 0
    for code in _CODES:
        for size in range(3, 11):
            pdus = whose_crc_ends_with_zero(code, size)
            count += len(pdus)
            assert given_to_handler(pdus) == [pdu[:-1] for pdu in pdus]
            with Announced():
                announce(code, request=size)
                assert given_to_handler(pdus) == pdus, (code, size)
    assert count > 40, count


def test_requests_that_count_their_bytes():
    for size in spread(range(4, 40), 12):
        pdus = whose_crc_ends_with_zero(66, size, True)
        with Announced():
            announce(66, request_count=1)
            assert given_to_handler(pdus) == pdus, size
            assert given_to_handler([b"\x42\0"] + pdus) == [b"\x42\0"] + pdus


def test_replies():
    for size in spread(range(3, 40), 12):
        for counted in (False, True):
            pdus = whose_crc_ends_with_zero(70, size, counted)
            for pdu in pdus:
                line = Line(lambda slave_id, _, pdu=pdu: frame(slave_id, pdu))
                line.expect(pdu[:-1], "request(%d, b'F')" % OURS)
                with Announced():
                    announce(70, response_count=1) if counted else announce(70, response=size)
                    line.expect(pdu, "request(%d, b'F')" % OURS)
                    line.replies = lambda slave_id, _: frame(slave_id, b"\xc6\2")
                    line.expect("IllegalDataAddressError", "request(%d, b'F')" % OURS)


def test_other_frames_stay_as_they_are():
    with Announced():
        for code in _CODES:
            announce(code, request=5, response_count=2)
        bench = Bench()
        assert bench.ask(request(3, 0, 1)) == [frame(OURS, b"\3\2\0\0")]
        assert bench.ask(request(3, 900, 1)) == [frame(OURS, b"\x83\2")]
        pdus = [bytes((code, 1, 2, 3, 4)) for code in _CODES]
        assert given_to_handler(pdus) == pdus
        assert given_to_handler([b"\x41\1"]) == [b"\x41\1"]  # shorter than announced
        assert given_to_handler([b"\x41\1\2\3\4\5"]) == [b"\x41\1\2\3\4\5"]  # and longer


def test_what_cannot_be_announced():
    for code in (0, 128, -1, 3, 16, 43, None, "65"):
        raises(ValueError, announce, code, request=2)
    for wrong in (0, 127, -1, "2", 1.0):
        for name in ("request", "response", "request_count", "response_count"):
            raises(ValueError, announce, 65, **{name: wrong})
    raises(ValueError, announce, 65, request=2, request_count=1)
    raises(ValueError, announce, 65, response=2, response_count=1)
    with Announced():
        announce(65, request=2)
        raises(ValueError, announce, 65, request=3)
    assert not REQUEST[65:] or not any(REQUEST[65:])
