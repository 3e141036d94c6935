"""Device identification and server id (Application Protocol V1.1b3, 6.21, 6.13)."""

import pytest

from tests.conformance.device import BASIC, OBJECTS, REGULAR, SLAVE_ID


def identify(master, code, first, slave_id=SLAVE_ID):
    """Return conformity level, more follows, next object id, and the objects."""
    response = master.ask(bytes([43, 14, code, first]), slave_id)
    assert len(response) <= 253
    assert response[:3] == bytes([43, 14, code])
    conformity, more, following, number = response[3:7]
    objects, at = {}, 7
    while at < len(response):
        size = response[at + 1]
        objects[response[at]] = response[at + 2 : at + 2 + size]
        assert len(objects[response[at]]) == size <= 244
        at += 2 + size
    assert len(objects) == number
    return conformity, more, following, objects


def test_057_server_id(master):
    assert master.ask(b"\x11") == b"\x11\x04umb\xff"


def test_080_other_transports(master):
    for kind in (13, 15, 0, 255):
        assert master.ask(bytes([43, kind, 1, 0])) == b"\xab\x01"


def test_081_codes(master):
    for code in (0, 5, 255):
        assert master.ask(bytes([43, 14, code, 0])) == b"\xab\x03"


@pytest.mark.parametrize("unknown", [3, 7, 0x7F, 0x82])
def test_082_083_streams(master, unknown):
    assert list(identify(master, 1, 0)[3]) == [0, 1, 2]
    assert list(identify(master, 1, 1)[3]) == [1, 2]
    assert list(identify(master, 1, unknown)[3]) == [0, 1, 2]
    assert min(identify(master, 3, unknown)[3]) == 0


def test_084_085_single_objects(master):
    for number, value in OBJECTS.items():
        conformity, more, following, objects = identify(master, 4, number)
        assert (conformity, more, following, objects) == (0x83, 0, 0, {number: value})
    for unknown in (3, 7, 0x7F, 0x82, 0xFF):
        assert master.ask(bytes([43, 14, 4, unknown])) == b"\xab\x02"


def test_086_conformity(master):
    for slave_id, level in ((BASIC, 0x81), (REGULAR, 0x82), (SLAVE_ID, 0x83)):
        for code in (1, 2, 3, 4):
            assert identify(master, code, 0, slave_id)[0] == level


def test_087_more_than_the_device_has(master):
    for slave_id, last in ((BASIC, 2), (REGULAR, 6)):
        wanted = {i: b"name %d" % i for i in range(last + 1)}
        assert identify(master, 3, 0, slave_id)[1:] == (0, 0, wanted)
        assert identify(master, 2, 0, slave_id)[1:] == (0, 0, wanted)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_088_089_091_more_follows(master, code):
    seen, first, rounds = {}, 0, 0
    while True:
        _, more, following, objects = identify(master, code, first)
        assert not set(seen) & set(objects)
        seen.update(objects)
        rounds += 1
        if not more:
            break
        assert more == 0xFF
        assert following > max(objects)
        first = following
    assert following == 0
    last = (2, 6, 255)[code - 1]
    assert seen == {number: OBJECTS[number] for number in OBJECTS if number <= last}
    assert rounds == (1, 2, 5)[code - 1]


def test_090_code_2_is_basic_and_regular(master):
    assert list(identify(master, 2, 0, REGULAR)[3]) == list(range(7))
    assert list(identify(master, 2, 5, REGULAR)[3]) == [5, 6]
