"""What holds for every function code (Application Protocol V1.1b3, sections 4, 5 and 7)."""

import struct

import pytest


def words(code, *values):
    """Return a PDU of a function code and 16-bit fields."""
    return struct.pack(f">B{len(values)}H", code, *(value & 0xFFFF for value in values))


def test_001_the_longest_pdu(master):
    assert len(master.ask(words(3, 0, 125))) == 252
    echo = bytes([100]) + bytes(range(252))
    assert master.ask(echo) == echo
    master.put(master.frame(echo + b"\0"))
    assert master.refused()


def test_002_003_big_endian_from_0(master):
    for address in (0, 2):
        assert master.ask(words(6, address, 0x1234)) == words(6, address, 0x1234)
        assert master.ask(words(3, address, 1)) == b"\x03\x02\x12\x34"
    assert master.ask(words(16, 1, 2) + b"\x04\x56\x78\x9a\xbc") == words(16, 1, 2)
    assert master.ask(words(3, 0, 3)) == b"\x03\x06\x12\x34\x56\x78\x9a\xbc"
    assert master.ask(words(3, 0x0100, 1)) == b"\x83\x02"


def test_004_no_wrap_at_65535(master):
    assert master.ask(words(3, 65535, 1)) == b"\x03\x02\x00\x00"
    assert master.ask(words(3, 65526, 10))[:2] == b"\x03\x14"
    for quantity in (2, 125):
        assert master.ask(words(3, 65535, quantity)) == b"\x83\x02"
    assert master.ask(words(16, 65535, 2) + b"\x04\0\7\0\7") == b"\x90\x02"


def test_005_exceptions_have_two_bytes(master):
    assert master.ask(words(4, 0, 1))[0] == 4
    assert master.ask(words(4, 500, 1)) == b"\x84\x02"


@pytest.mark.parametrize("code", [0, 9, 10, 13, 14, 18, 19, 25, 42, 44, 63, 65, 99, 102, 127])
def test_006_007_unknown_codes(master, code):
    assert master.ask(bytes([code, 0, 0, 0, 1])) == bytes([code | 0x80, 1])


@pytest.mark.parametrize("code", [17, 20, 21, 22, 23, 24, 100])
def test_007_codes_that_another_device_offers(master, code):
    assert master.ask(bytes([code, 0, 0, 0, 1]), 18) == bytes([code | 0x80, 1])


@pytest.mark.parametrize("code", [0x80, 0x83, 0x90, 0xFF])
def test_008_codes_above_0x80(master, code):
    """On a serial line they are echoes of exception responses: to answer would go on for ever."""
    pdu = bytes([code, 0, 0, 0, 1])
    if master.name in ("TCP", "UDP"):
        assert master.ask(pdu) == bytes([code, 1])
    else:
        master.put(master.frame(pdu))
        assert master.silent()
    assert master.ask(words(3, 0, 1))[0] == 3


_ORDER = {
    words(0x41, 9999, 0): 1,
    words(3, 9999, 126): 3,
    words(3, 9999, 1): 2,
    words(3, 300, 1): 4,
    words(3, 301, 1): 6,
    words(1, 9999, 2001): 3,
    words(5, 9999, 1): 3,
    words(15, 9999, 1) + b"\x02\0\0": 3,
    words(16, 9999, 1) + b"\x03\0\0": 3,
    words(16, 9999, 1) + b"\x02\xde\xad": 2,
    words(16, 0, 1) + b"\x02\xde\xad": 3,
    words(23, 9999, 126, 0, 1) + b"\x02\0\1": 3,
    words(24, 9999): 2,
}


@pytest.mark.parametrize("pdu", _ORDER, ids=bytes.hex)
def test_009_order_of_checks(master, pdu):
    assert master.ask(pdu) == bytes([pdu[0] | 0x80, _ORDER[pdu]])


_PDUS = (
    words(1, 0, 1),
    words(2, 0, 1),
    words(3, 0, 1),
    words(4, 0, 1),
    words(5, 0, 0xFF00),
    words(6, 0, 1),
    b"\x07",
    words(8, 10, 0),
    b"\x0b",
    b"\x0c",
    words(15, 0, 1) + b"\x01\x01",
    words(16, 0, 1) + b"\x02\0\1",
    b"\x11",
    b"\x14\x07\x06\0\4\0\0\0\1",
    b"\x15\x09\x06\0\4\0\0\0\1\0\0",
    words(22, 0, 0xFFFF, 0),
    words(23, 0, 1, 0, 1) + b"\x02\0\1",
    words(24, 0x4DE),
    b"\x2b\x0e\x01\x00",
)


@pytest.mark.parametrize("pdu", _PDUS, ids=lambda pdu: f"FC{pdu[0]}")
def test_010_wrong_lengths(master, pdu):
    assert master.ask(pdu)[0] == pdu[0]
    for wrong in (pdu[:-1], pdu[:1], pdu + b"\0", pdu + bytes(250 - len(pdu))):
        if wrong and wrong != pdu:
            assert master.ask(wrong) == bytes([pdu[0] | 0x80, 3])


def test_011_all_or_nothing(master):
    assert master.ask(words(16, 0, 3) + b"\x06" + bytes(6)) == words(16, 0, 3)
    assert master.ask(words(16, 0, 3) + b"\x06\0\7\0\7\xde\xad") == b"\x90\x03"
    assert master.ask(words(16, 199, 2) + b"\x04\0\7\0\7") == b"\x90\x02"
    assert master.ask(words(23, 0, 3, 0, 3) + b"\x06\0\7\0\7\xde\xad") == b"\x97\x03"
    assert master.ask(words(3, 0, 3)) == b"\x03\x06" + bytes(6)
    assert master.ask(words(3, 199, 1)) == b"\x03\x02\0\0"


def test_012_what_the_work_raises(master):
    for address, code in ((300, 4), (301, 6), (302, 5), (303, 7)):
        assert master.ask(words(3, address, 1)) == bytes([0x83, code])
        assert master.ask(words(6, address, 1)) == bytes([0x86, code])
    assert master.ask(b"\x14\x07\x06\0\5\0\0\0\1") == b"\x94\x08"
    assert master.ask(words(3, 0, 1))[:2] == b"\x03\x02"
