"""umb.client.rare: requests of FC 7, 8, 11, 12, 17, 20, 21, 24, 43, and which responses count."""

from support.pdu import raw, request, shown, words
from support.umb import raises

from umb.client.rare import MORE, build, decode

_AT = 7


def built(code, a=0, b=1, values=None):
    """The request PDU; the buffer holds an older frame."""
    adu = bytearray([0xA5] * 262)
    n = build(adu, code, a, b, values)
    assert bytes(adu[:_AT]) == b"\xa5" * _AT
    return bytes(adu[_AT : _AT + n])


def decoded(code, response, values=None):
    """The value of a response PDU; the buffer holds an older frame."""
    pdu = raw(response) if isinstance(response, str) else response
    adu = bytearray([0xA5] * _AT + list(pdu) + [0xA5] * (262 - _AT - len(pdu)))
    return decode(adu, len(pdu), code, values)


def good_until_cut(code, response, values=None):
    """The value of a response, which no shorter and no longer one has."""
    pdu = raw(response)
    for n in range(1, len(pdu)):
        got = decoded(code, pdu[:n], values)
        assert got is None, "{} of {}: {}".format(n, shown(pdu), got)
    assert decoded(code, pdu + b"\0", values) is None
    return decoded(code, pdu, values)


def test_codes_without_data():
    for code in (7, 11, 12, 17):
        assert built(code) == bytes((code,))


def test_exception_status():
    assert good_until_cut(7, "07 6d") == 0x6D


def test_diagnostics():
    assert built(8, 0, 1, 0) == raw("08 0000 0000")
    assert built(8, 0xFFFF, 1, 0xFFFF) == raw("08 ffff ffff")
    assert built(8, 0, 1, b"\xa5\x37") == raw("08 0000 a537")
    assert built(8, 0, 1, b"abc") == raw("08 0000 616263")
    assert built(8, 0, 1, bytes(250)) == raw("08 0000") + bytes(250)
    assert good_until_cut(8, "08 000b 1234", 0) == 0x1234
    assert good_until_cut(8, "08 0000 616263", b"abc") == b"abc"
    for values, response in (
        (0, "08 000b 123456"),
        (b"ab", "08 0000 61"),
        (b"ab", "08 0000 616263"),
    ):
        assert decoded(8, response, values) is None
    assert built(8, 0, 1, memoryview(b"ab")) == raw("08 0000 6162")
    for bad in (-1, 65536, b"", b"a", bytes(251), None, 1.0, "ab", [1, 2]):
        raises(ValueError, built, 8, 0, 1, bad)
    for bad in (-1, 65536, None, "0"):
        raises(ValueError, built, 8, bad, 1, 0)


def test_event_counter_and_log():
    assert good_until_cut(11, "0b ffff 0108") == (0xFFFF, 0x108)
    assert good_until_cut(12, "0c 08 0000 0108 0121 20 00") == (0, 0x108, 0x121, b"\x20\x00")
    assert good_until_cut(12, "0c 06 0000 0001 0002") == (0, 1, 2, b"")
    for wrong in ("0c 05 0000 0001 00", "0c 07 0000 0001 0002", "0c 00"):
        assert decoded(12, wrong) is None
    most = raw("0c 46 0000 0001 0002") + bytes(64)
    assert decoded(12, most) == (0, 1, 2, bytes(64))


def test_server_id():
    assert good_until_cut(17, "11 04 756d62 ff") == b"umb\xff"
    assert decoded(17, "11 00") == b""


def test_read_records():
    records = [(4, 1, 2), (3, 9, 2)]
    assert built(20, 0, 1, records) == raw("14 0e 06 0004 0001 0002 06 0003 0009 0002")
    response = "14 0c 05 06 0dfe 0020 05 06 33cd 0040"
    assert good_until_cut(20, response, records) == [[0x0DFE, 0x20], [0x33CD, 0x40]]
    for wrong in (
        "14 0c 05 07 0dfe 0020 05 06 33cd 0040",
        "14 0c 05 06 0dfe 0020 05 05 33cd 0040",
        "14 0c 03 06 0dfe 07 06 0020 33cd 0040",
        "14 0c 07 06 0dfe 0020 33cd 03 06 0040",
        "14 06 05 06 0dfe 0020",
        "14 12 05 06 0dfe 0020 05 06 33cd 0040 05 06 0000 0000",
        "14 00",
    ):
        assert decoded(20, wrong, records) is None, wrong


def test_most_records():
    many = [(65535, i, 1) for i in range(35)]
    assert len(built(20, 0, 1, many)) == 2 + 245
    large = [(1, 9999, 121)]
    assert built(20, 0, 1, large) == raw("14 07 06 0001 270f 0079")
    values = list(range(121))
    assert decoded(20, b"\x14\xf4\xf3\x06" + words(*values), large) == [values]
    full = [(1, 0, list(range(122)))]
    pdu = built(21, 0, 1, full)
    assert len(pdu) == 253 and pdu[1] == 251
    assert decoded(21, pdu, full) == 1
    for code, records in (
        (20, [(1, 0, 122)]),
        (20, [(1, 0, 61), (1, 0, 61)]),
        (20, [(1, i, 1) for i in range(36)]),
        (21, [(1, 0, [0] * 123)]),
        (21, [(1, 0, [0] * 59), (1, 0, [0] * 60)]),
    ):
        raises(ValueError, built, code, 0, 1, records)


def test_write_records():
    records = [(4, 7, [0x06AF, 0x04BE, -1]), (1, 0, (65535,))]
    text = "15 16 06 0004 0007 0003 06af 04be ffff 06 0001 0000 0001 ffff"
    assert built(21, 0, 1, records) == raw(text)
    assert good_until_cut(21, text, records) == 2
    pdu = bytearray(raw(text))
    for i in range(1, len(pdu)):
        pdu[i] ^= 4
        assert decoded(21, bytes(pdu), records) is None, i
        pdu[i] ^= 4


def test_records_that_cannot_be():
    for wrong in (
        [],
        [(0, 0, 1)],
        [(65536, 0, 1)],
        [(1, -1, 1)],
        [(1, 10_000, 1)],
        [(1, 0, 0)],
        [(1, 0, -1)],
        [(1, 0, 1), (1, 0, 0)],
        [(1, 0)],
        [(1, 0, 1, 1)],
        [(1, 0, "1")],
        [(1, None, 1)],
        [(1.0, 0, 1)],
    ):
        raises(ValueError, built, 20, 0, 1, wrong)
    for wrong in (
        [],
        [(1, 0, [])],
        [(1, 0, [65536])],
        [(1, 0, [1, -32769])],
        [(0, 0, [1])],
        [(1, 0, [1.5])],
        [(1, 0, "ab")],
    ):
        raises(ValueError, built, 21, 0, 1, wrong)


def test_queue():
    assert built(24, 0x04DE) == raw("18 04de")
    assert good_until_cut(24, "18 0006 0002 01b8 1284") == [0x01B8, 0x1284]
    assert good_until_cut(24, "18 0002 0000") == []
    most = list(range(31))
    assert decoded(24, request(24, 64, 31) + words(*most)) == most
    for wrong in ("18 0006 0003 01b8 1284", "18 0004 0002 01b8 1284", "18 0106 0002 01b8 1284"):
        assert decoded(24, wrong) is None, wrong
    for bad in (-1, 65536):
        raises(ValueError, built, 24, bad)


def test_device_identification():
    assert built(43, 1, 0) == raw("2b 0e 01 00")
    assert built(43, 4, 255) == raw("2b 0e 04 ff")
    for code, number in ((0, 0), (5, 0), (1, -1), (1, 256), ("1", 0), (1, None)):
        raises(ValueError, built, 43, code, number)
    found = {}
    pdu = raw("2b 0e 01 81 00 00 03 00 02 4142 01 00 02 01 43")
    for n in range(1, len(pdu)):
        assert decoded(43, pdu[:n], {}) is None, n
    assert decoded(43, pdu + b"\0", {}) is None
    assert decoded(43, pdu, found) is found
    assert found == {0: b"AB", 1: b"", 2: b"C"}
    assert decoded(43, "2b 0e 01 81 00 00 00", {}) == {}
    for wrong in ("2b 0d 01 81 00 00 00", "2b 0e 01 81 00 00 01", "2b 0e 01 81 00 00 01 00 01"):
        assert decoded(43, wrong, {}) is None, wrong


def test_more_follows():
    found = {}
    assert decoded(43, "2b 0e 03 83 ff 02 02 00 01 41 01 00", found) == MORE
    assert found[MORE] == 2
    assert decoded(43, "2b 0e 03 83 ff 80 01 02 01 42", found) == MORE
    assert found[MORE] == 0x80
    assert decoded(43, "2b 0e 03 83 00 00 01 80 01 43", found) is found
    assert found == {0: b"A", 1: b"", 2: b"B", 0x80: b"C"}


def test_who_never_advances_is_not_believed():
    for following in (0, 1):
        pdu = raw("2b 0e 03 83 ff 00 02 00 01 41 01 00")
        pdu = pdu[:5] + bytes((following,)) + pdu[6:]
        assert decoded(43, pdu, {}) is None
    assert decoded(43, "2b 0e 03 83 ff 05 00", {}) is None, "not a single object"
