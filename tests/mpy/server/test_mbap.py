"""umb.frame.mbap: where a Modbus TCP frame ends, and what is none."""

import random

from support.model import random_bytes, random_request
from support.pdu import shown, words

from umb.frame.mbap import MBAP


def test_size_leads_to_the_end():
    random.seed(5)
    frame = MBAP()
    for _ in range(200):
        pdu = random_request()
        data = random_bytes(2) + words(0, len(pdu) + 1) + b"\x01" + pdu
        adu = bytearray(data + bytes(262 - len(data)))
        have, reads = 0, 0
        while True:
            size = frame.size(adu, have)
            if size <= have:
                break
            have = size
            reads += 1
        assert size == have == len(data), shown(data)
        assert reads <= 2, "{} reads".format(reads)
        assert have - frame.wrapping == len(pdu)


def test_size_does_not_count_the_next_frame():
    frame = MBAP()
    adu = bytearray(b"\x12\x34\0\0\0\2\1\3" + b"\xff" * 254)
    for have in range(8, 13):
        assert frame.size(adu, have) == 8, have


def test_size_byte_by_byte():
    frame = MBAP()
    data = b"\x12\x34\0\0\0\6\1\3\0\0\0\1"
    for rest in (b"\0", b"\xff"):  # what an earlier frame left behind must not matter
        for have in range(len(data) + 1):
            adu = bytearray(data[:have] + rest * (262 - have))
            size = frame.size(adu, have)
            assert size == (7 if have < 7 else 12), (have, size)


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
        size = frame.size(adu, 7)
        assert size == (length + 6 if good else 0), (protocol, length, size)


def test_text_is_garbage():
    for text in (b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"SSH-2.0-x\r\n"):
        assert MBAP().size(bytearray(text + bytes(262)), 7) == 0, text


def test_seal():
    adu = bytearray([0xEE] * 262)
    for n in (1, 2, 5, 253):
        assert MBAP().seal(adu, n) == n + 7
        assert adu[:7] == b"\xee\xee" + words(0, n + 1) + b"\xee", n
