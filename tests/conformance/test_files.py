"""File records and FIFO queues (Application Protocol V1.1b3, 6.14, 6.15, 6.18)."""

import struct

from tests.conformance.test_general import words


def sub(file, record, length, kind=6):
    """Return the head of a record in a request."""
    return struct.pack(">BHHH", kind, file, record, length)


def read(*subs):
    """Return a request to read records."""
    data = b"".join(subs)
    return bytes([20, len(data)]) + data


def write(*subs):
    """Return a request to write records."""
    data = b"".join(subs)
    return bytes([21, len(data)]) + data


def test_058_byte_count(master):
    for wrong in (
        b"\x14\x00",
        b"\x14\x06" + bytes(6),
        b"\x14\x08" + sub(4, 0, 1) + b"\0",
        read(sub(4, 0, 1)) + b"\0",
        read(sub(4, 0, 1), sub(4, 0, 1))[:-1],
    ):
        assert master.ask(wrong) == b"\x94\x03"
    many = read(*(sub(4, i, 1) for i in range(35)))  # whose response is 140 bytes
    assert master.ask(many)[:2] == b"\x14\x8c"


def test_059_060_what_does_not_exist(master):
    good = sub(4, 0, 1)
    for wrong in (
        sub(4, 0, 1, kind=7),
        sub(4, 0, 1, kind=0),
        sub(9, 0, 1),
        sub(0, 0, 1),
        sub(4, 199, 2),
        sub(4, 10000, 1),
        sub(3, 9999, 2),
        sub(3, 9989, 2),
        sub(4, 0, 0),
    ):
        assert master.ask(read(wrong)) == b"\x94\x02"
        assert master.ask(read(good, wrong)) == b"\x94\x02"
        assert master.ask(write(wrong + bytes(2 * wrong[6]), good + b"\0\0")) == b"\x95\x02"
    assert master.ask(read(sub(3, 9999, 1)))[:4] == b"\x14\x04\x03\x06"


def test_061_063_records_in_order(master):
    response = master.ask(read(sub(4, 1, 2), sub(3, 9990, 1), sub(4, 9, 1)))
    assert response == bytes.fromhex("14 0e 05 06 0001 0002 03 06 0000 03 06 0009")


def test_062_length_of_the_response(master):
    assert len(master.ask(read(sub(4, 0, 121)))) == 2 + 244
    for wrong in (
        read(sub(4, 0, 122)),
        read(sub(4, 0, 0xFFFF)),
        read(sub(9, 0, 100), sub(4, 0, 100)),  # the length comes first
        read(sub(5, 0, 1), sub(4, 0, 121)),  # to read file 5 would be exception 8
    ):
        assert master.ask(wrong) == b"\x94\x03"


def test_064_065_lengths_of_a_write(master):
    good = write(sub(4, 7, 3) + bytes.fromhex("06af 04be 100d"))
    assert master.ask(good) == good
    most = write(sub(4, 0, 122) + struct.pack(">122H", *range(122)))
    assert len(most) == 253
    assert master.ask(most) == most
    for wrong in (
        good[:-1],
        good + b"\0",
        write(sub(4, 7, 1)),
        write(sub(4, 7, 1) + b"\0"),
        write(sub(4, 7, 9) + bytes(6)),
        write(sub(4, 7, 2) + bytes(6)),
        write(sub(4, 7, 1) + bytes(2), sub(4, 8, 1)[:-1]),
        write(sub(4, 7, 0xFFFF) + bytes(6)),
    ):
        assert master.ask(wrong) == b"\x95\x03"
    assert master.ask(read(sub(4, 7, 2)))[4:] == b"\0\7\0\x08"


def test_066_067_echo_and_all_or_nothing(master):
    first = write(sub(4, 0, 1) + b"\0\0", sub(4, 150, 2) + b"\0\x96\0\x97")
    assert master.ask(first) == first
    assert master.ask(write(sub(4, 0, 1) + b"\0\7", sub(9, 0, 1) + b"\0\0")) == b"\x95\x02"
    assert master.ask(write(sub(4, 0, 1) + b"\0\7", sub(4, 1, 2) + b"\0\0")) == b"\x95\x03"
    assert master.ask(read(sub(4, 0, 1))) == b"\x14\x04\x03\x06\0\0"


def test_076_078_079_queue(master):
    for _ in range(2):
        assert master.ask(words(24, 0x4DE)) == words(24, 6, 2, 0x01B8, 0x1284)
    assert master.ask(words(24, 0)) == words(24, 2, 0)
    assert master.ask(words(24, 5)) == b"\x98\x02"


def test_077_too_long_a_queue(master):
    assert master.ask(words(24, 1)) == b"\x98\x03"
    assert master.ask(words(24, 2)) == words(24, 64, 31, *range(31))
