"""umb.frame.rtu_stream: RTU frames in a TCP stream are told apart by length and CRC alone."""

from support.pdu import read_write, request, write_bits, write_registers
from support.rtu import frame

from umb.frame.rtu_stream import RTUStream
from umb.frame.rtu import REQUEST, RESPONSE

_AT = 6
_LONGEST = 256
_READ = frame(17, request(3, 0, 2))
_LONG = frame(17, write_registers(0, range(123)))
_UNKNOWN = frame(17, b"\x41\x01\x02\x03\x04\x05")
_LONGEST_FRAME = frame(17, b"\x41" + bytes(252))
_ANSWER = frame(17, b"\x03\x04\x00\x01\x00\x02")
_EXCEPTION = frame(17, b"\x83\x02")


def size_of(data, have=None, table=REQUEST, rest=0):
    """The length of a frame of which `have` bytes are there, the buffer full of rest."""
    adu = bytearray(b"\xee" * _AT + data + bytes([rest] * 300))
    return RTUStream(table).size(adu, len(data) if have is None else have)


def reads(data, table=REQUEST):
    """How often a driver reads until the frame is whole; it never reads too much."""
    have = n = 0
    while True:
        size = size_of(data, have, table)
        if size <= have:
            assert size == have == len(data), (size, have)
            return n
        have = size
        assert have <= len(data), (len(data), have)
        n += 1


def test_whole_frames():
    for data in (_READ, _LONG, _UNKNOWN, _LONGEST_FRAME):
        assert size_of(data) == len(data)
    for data in (_ANSWER, _EXCEPTION):
        assert size_of(data, table=RESPONSE) == len(data)


def test_size_leads_to_the_end():
    assert reads(_READ) == 2
    assert reads(_LONG) == 3
    assert reads(_ANSWER, RESPONSE) == reads(_EXCEPTION, RESPONSE) == 2
    assert reads(_UNKNOWN) == len(_UNKNOWN) - 3
    for n in range(1, 122):
        values = list(range(n))
        for pdu in (write_registers(0, values), read_write(0, 1, 0, values)):
            assert 0 < reads(frame(17, pdu)) <= 3
        bits = [i & 1 for i in values]
        assert 0 < reads(frame(17, write_bits(0, bits))) <= 3
    for pdu in (b"\x07", b"\x11", b"\x2b\x0e\x01\x00", b"\x14\x07" + bytes(7)):
        assert 0 < reads(frame(17, pdu)) <= 3


def test_every_beginning_is_too_short():
    for data, table in (
        (_READ, REQUEST),
        (_LONG, REQUEST),
        (_UNKNOWN, REQUEST),
        (_ANSWER, RESPONSE),
        (_EXCEPTION, RESPONSE),
    ):
        for have in range(len(data)):
            for rest in (0, 0xFF):  # what an earlier frame left behind must not matter
                size = size_of(data[:have], table=table, rest=rest)
                assert have < size <= len(data), (have, size)


def test_what_is_too_many():
    for data in (_READ, _LONG):
        for n in range(1, 5):
            assert size_of(data + bytes(n)) == len(data)
    assert size_of(_LONG + _READ, len(_LONG) + 4) == len(_LONG)


def test_unknown_codes_that_are_short():
    """They end where their CRC is right, even if more was read at once."""
    for size in (1, 2, 3, 4):
        data = frame(17, b"\x41" + bytes(size - 1))
        for n in range(8 - len(data)):
            assert size_of(data + b"\x55" * n) == len(data), (size, n)


def test_every_value_behind_an_unknown_code():
    """One of 256 frames has a right CRC without its last byte, too: it is whole all the same."""
    stream = RTUStream(REQUEST)
    adu = bytearray(262)
    adu[_AT] = 17
    for size in range(2, 7):  # of the PDU
        for value in range(256 if size == 2 else 65536):
            adu[_AT + 1] = 0x41
            adu[_AT + 2] = value >> 8
            adu[_AT + size] = value & 0xFF  # the last one of them
            n = stream.seal(adu, size)
            assert stream.size(adu, n) == n, (size, value)


def test_wrong_crc():
    for data in (_READ, _LONG, frame(17, b"\x07")):
        for at in (0, len(data) - 2, len(data) - 1):
            bad = bytearray(data)
            bad[at] ^= 4
            assert size_of(bytes(bad)) == 0, at
    bad = _EXCEPTION[:-1] + bytes((_EXCEPTION[-1] ^ 1,))
    assert size_of(bad, table=RESPONSE) == 0


def test_longer_than_any_frame():
    assert size_of(b"\x11\x10\0\0\0\x7b\xff\0\0\0") == 0  # 264 bytes, by its byte count
    unknown = b"\x11\x41" + bytes(254)
    assert size_of(unknown[:255]) == _LONGEST
    assert size_of(unknown) == 0


def test_text_is_garbage():
    """At the latest where the longest frame would end."""
    for begin in (b"GET / HTTP/1.1\r\nHost: board\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"):
        text = begin + b"x" * (_LONGEST - len(begin))
        have = 0
        while True:
            size = size_of(text, have)
            if size <= have:
                break
            have = size
            assert have <= _LONGEST
        assert size == 0


def test_seal():
    adu = bytearray([0xEE] * 262)
    adu[_AT : _AT + 6] = _READ[:6]
    n = RTUStream.seal(adu, 5)
    assert bytes(adu[_AT : _AT + n]) == _READ and adu[_AT + n] == 0xEE


def test_sizes_fit_together():
    stream = RTUStream(REQUEST)
    assert stream.start == _AT
    assert len(_READ) - stream.wrapping == 5
    # Two frames are never read at once.
    assert stream.header < stream.first_read < 2 * stream.header
