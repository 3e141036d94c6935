"""umb.functions.identity: FC 43/14 and FC 17 (AP 6.21, 6.13)."""

from support.pdu import Link, ask, expect, raw
from support.umb import raises

from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.server import Server

_NAMES = {0: "Company identification", 1: "Product code XX", 2: "V2.11"}  # AP 6.21's example


def identity(objects, code=1, first=0):
    """What is answered: (conformity, more, next, {object id: value})."""
    response = ask(Server(functions=(Identity(objects),)), bytes((43, 14, code, first)))
    assert response[:3] == bytes((43, 14, code)) and len(response) <= 253
    found = {}
    at = 7
    for _ in range(response[6]):
        size = response[at + 1]
        found[response[at]] = response[at + 2 : at + 2 + size]
        at += 2 + size
    assert at == len(response)
    return response[3], response[4], response[5], found


def encoded(objects):
    return {i: objects[i].encode() for i in objects}


def test_the_example_of_the_specification():
    server = Server(functions=(Identity(_NAMES),))
    wanted = raw("2b0e01 81 00 00 03")
    for i in range(3):
        wanted += bytes((i, len(_NAMES[i]))) + _NAMES[i].encode()
    expect(server, "2b0e0100", wanted)


def test_values_are_text_or_bytes():
    objects = {0: b"\x00\xff", 1: bytearray(b"ab"), 2: "\u00e9", 0x80: "", 0xFF: b""}
    _, _, _, found = identity(objects, 3)
    assert found == {0: b"\x00\xff", 1: b"ab", 2: b"\xc3\xa9", 0x80: b"", 0xFF: b""}


def test_identities_that_cannot_be():
    for objects in (
        {},
        {0: "a", 1: "b"},
        {1: "b", 2: "c"},
        {0: "a", 1: "b", 3: "d"},
        _NAMES | {7: "reserved"},
        _NAMES | {0x7F: "reserved"},
        _NAMES | {3: "x" * 245},
        _NAMES | {256: "x"},
        _NAMES | {-1: "x"},
        _NAMES | {3.0: "x"},
        _NAMES | {"3": "x"},
        _NAMES | {None: "x"},
        _NAMES | {80: "x"},
    ):
        raises(ValueError, Identity, objects)
    for objects in ("Acme meter", b"Acme", None, 5, ["a", "b", "c"], ("a", "b", "c")):
        raises(ValueError, Identity, objects)
    for value in (None, 5, 1.5, ["a"], ("a",), {}):
        raises(ValueError, Identity, _NAMES | {1: value})


def test_conformity_level():
    for more, level in (({}, 0x81), ({3: ""}, 0x82), ({6: ""}, 0x82), ({0x80: ""}, 0x83)):
        objects = _NAMES | more
        for code in (1, 2, 3, 4):
            assert identity(objects, code)[0] == level


def test_streams():
    objects = {i: "object %d" % i for i in (0, 1, 2, 3, 5, 6, 0x80, 0x90)}
    for code, last in ((1, 2), (2, 6), (3, 255)):
        for first in range(256):
            begin = first if first in objects and first <= last else 0
            wanted = {i: objects[i].encode() for i in objects if begin <= i <= last}
            assert identity(objects, code, first)[1:] == (0, 0, wanted), (code, first)


def test_more_than_is_there():
    for code in (2, 3):
        assert identity(_NAMES, code) == (0x81, 0, 0, encoded(_NAMES))


def test_single_objects():
    objects = _NAMES | {5: "", 0x80: "x" * 244}
    server = Server(functions=(Identity(objects),))
    for i in range(256):
        if i in objects:
            assert identity(objects, 4, i) == (0x83, 0, 0, encoded({i: objects[i]}))
        else:
            expect(server, bytes((43, 14, 4, i)), "ab02")


def test_more_follows():
    """Whatever the sizes, following `next` brings every object once, whole and in order."""
    for sizes in ((244, 244, 244), (100, 100, 100, 50, 1), (1, 243, 1, 244), (80, 80, 80, 2)):
        objects = {}
        for i in range(len(sizes)):
            objects[i] = chr(97 + i) * sizes[i]
        seen = {}
        first = rounds = 0
        more = 0xFF
        while more:
            _, more, first, found = identity(objects, 3, first)
            assert found and not (set(found) & set(seen))
            seen.update(found)
            rounds += 1
        assert first == 0 and seen == encoded(objects)
        assert 1 < rounds <= len(sizes)


def test_a_response_that_is_just_full():
    """246 bytes of objects are what 253 leave."""
    for last, more in ((238, 0), (239, 0xFF)):
        objects = {0: "", 1: "", 2: "x" * last, 3: ""}
        assert identity(objects, 2)[1] == more


def test_what_is_refused():
    server = Server(functions=(Identity(_NAMES),))
    for pdu, response in (
        ("2b", "ab03"),
        ("2b0e", "ab03"),
        ("2b0e01", "ab03"),
        ("2b0e010000", "ab03"),
        ("2b0d", "ab01"),
        ("2b0d0100", "ab01"),
        ("2b0f010000", "ab01"),
        ("2b0e0000", "ab03"),
        ("2b0e0500", "ab03"),
        ("2b0eff00", "ab03"),
    ):
        expect(server, pdu, response)
    expect(Server(), "2b0e0100", "ab01")


def test_server_id():
    expect(Server(functions=(ServerId("umb", networks=True),)), "11", "1104 756d62 ff")
    expect(Server(functions=(ServerId(b"", networks=True),)), "11", "1101 ff")
    expect(Server(functions=(ServerId(b"\x00", networks=True),)), "11", "1102 00ff")
    expect(Server(functions=(ServerId("umb", networks=True),)), "1100", "9103")
    expect(Server(functions=(Diagnostics(networks=True),)), "11", "9101")


def test_server_id_run_indicator_and_additional_data_of_any_length():
    """AP 6.13: byte count, server id, run indicator, additional data; 253 bytes in all at most."""
    for n in range(251):
        for more in {0, 1, 5, 250 - n}:
            if n + more > 250:
                continue
            one, rest = bytes(range(n)), b"\xa5" * more
            function = ServerId(one, rest, networks=True)
            server = Server(functions=(function,))
            for running, indicator in ((True, b"\xff"), (False, b"\x00"), (1, b"\xff")):
                function.running = running
                wanted = bytes((17, n + 1 + more)) + one + indicator + rest
                expect(server, "11", wanted)


def test_server_ids_that_cannot_be():
    for n in range(251):
        raises(ValueError, ServerId, bytes(n), bytes(251 - n))
    raises(ValueError, ServerId, bytes(300))
    raises(ValueError, ServerId, b"", bytes(300))
    for wrong in (None, 17, 1.5, [1, 2], {0: "a"}):
        raises(ValueError, ServerId, wrong)
        raises(ValueError, ServerId, b"", wrong)


def test_server_id_is_for_serial_lines():
    expect(Server(functions=(ServerId("umb"),)), "11", "9101")
    link = Link(serial=True)
    expect(Server(functions=(ServerId("umb"),)), "11", "1104 756d62 ff", link=link)
