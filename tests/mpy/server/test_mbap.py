"""umb.frame.mbap: where a Modbus TCP frame ends, and what is none."""

import random

from support.model import random_bytes, random_request
from support.pdu import shown, words

from umb.frame.mbap import MBAP

_LONGEST = 260  # TCP Guide 3.1.3, in bytes


def test_missing_leads_to_the_end():
    random.seed(5)
    frame = MBAP()
    for _ in range(200):
        pdu = random_request()
        data = random_bytes(2) + words(0, len(pdu) + 1) + b"\x01" + pdu
        adu = bytearray(data + bytes(262 - len(data)))
        have, reads = 0, 0
        while True:
            missing = frame.missing(adu, have)
            if missing <= 0:
                break
            have += missing
            reads += 1
        assert missing == 0 and have == len(data), shown(data)
        assert reads <= 2, "{} reads".format(reads)
        assert have - frame.wrapping == len(pdu)


def test_missing_counts_what_is_too_many():
    frame = MBAP()
    adu = bytearray(b"\x12\x34\0\0\0\2\1\3" + b"\xff" * 254)
    for have in range(8, 13):
        assert frame.missing(adu, have) == 8 - have, have


def test_missing_byte_by_byte():
    frame = MBAP()
    data = b"\x12\x34\0\0\0\6\1\3\0\0\0\1"
    for rest in (b"\0", b"\xff"):  # what an earlier frame left behind must not matter
        for have in range(len(data) + 1):
            adu = bytearray(data[:have] + rest * (262 - have))
            missing = frame.missing(adu, have)
            assert missing == (7 - have if have < 7 else 12 - have), (have, missing)


def test_garbage():
    frame = MBAP()
    for protocol, length, good in (
        (0, 0, False),
        (0, 1, False),
        (0, 2, True),
        (0, 254, True),
        (0, 255, False),
        (0, 256, False),
        (0, 258, False),
        (0, 300, False),
        (0, 65535, False),
        (1, 6, False),
        (0x100, 6, False),
        (0xFFFF, 6, False),
    ):
        adu = bytearray(b"\xff\xff" + words(protocol, length) + bytes(256))
        missing = frame.missing(adu, 7)
        wanted = missing == length - 1 if good else missing < -_LONGEST
        assert wanted, (protocol, length, missing)


def test_text_is_garbage():
    for text in (b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"SSH-2.0-x\r\n"):
        assert MBAP().missing(bytearray(text + bytes(262)), 7) < -_LONGEST, text


def test_seal():
    adu = bytearray([0xEE] * 262)
    for n in (1, 2, 5, 253):
        assert MBAP().seal(adu, n) == n + 7
        assert adu[:7] == b"\xee\xee" + words(0, n + 1) + b"\xee", n
