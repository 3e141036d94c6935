"""How long PDUs are, and what makes a request a wrong one."""

import random

from support.model import random_request
from support.pdu import raw, request, shown
from support.vectors import VECTORS

from umb.frame import refuse, rtu
from umb.server.standard import check as verdict

# AP 6.7 to 6.21: (request, response); the examples of the other clauses are in VECTORS.
_OTHERS = (
    ("07", "07 6d"),
    ("08 0000 a537", "08 0000 a537"),
    ("0b", "0b ffff 0108"),
    ("0c", "0c 08 0000 0108 0121 2000"),
    ("11", "11 03 2a ff 01"),
    ("14 0e 06 0004 0001 0002 06 0003 0009 0002", "14 0c 05 06 0dfe 0020 05 06 33cd 0040"),
    ("15 0d 06 0004 0007 0003 06af 04be 100d", "15 0d 06 0004 0007 0003 06af 04be 100d"),
    ("18 04de", "18 0006 0002 01b8 1284"),
)
_EXAMPLES = [(vector.request, vector.response) for vector in VECTORS]
_EXAMPLES += [(raw(asked), raw(answered)) for asked, answered in _OTHERS]


def frames():
    """Every example as it travels on a serial line: (table of lengths, id + PDU + CRC)."""
    for asked, answered in _EXAMPLES:
        yield rtu.REQUEST, b"\x11" + asked + b"\0\0"
        yield rtu.RESPONSE, b"\x11" + answered + b"\0\0"


def test_size_is_found_by_reading_on():
    for table, data in frames():
        for rest in (bytes(300), b"\xff" * 300):
            buf = b"\xff" * 6 + data + rest
            have, size = 0, 2
            while size > have:
                have = size
                size = rtu.rtu_size(table, buf, 6, have)
            assert have == size == len(data), "{}: {}".format(shown(data), size)


def test_size_byte_by_byte_never_overshoots():
    for table, data in frames():
        for have in range(2, len(data) + 1):
            size = rtu.rtu_size(table, data[:have] + b"\xff" * 8, 0, have)
            assert have <= size <= len(data), "{} of {}: {}".format(have, shown(data), size)
        assert size == len(data), shown(data)


def test_exception_response_has_two_bytes():
    for function_code in range(0x80, 0x100):
        data = bytes((17, function_code, 2, 0, 0))
        assert rtu.rtu_size(rtu.RESPONSE, data, 0, 2) == 5, function_code
        assert rtu.rtu_size(rtu.REQUEST, data, 0, 2) == 0, function_code


def test_unknown_function_codes_have_no_size():
    for function_code in b"\x00\x09\x0a\x0d\x0e\x12\x13\x19\x2a\x2c\x41\x64\x7f":
        data = bytes((17, function_code, 1, 2, 3, 4, 5, 6, 7))
        for table in (rtu.REQUEST, rtu.RESPONSE):
            assert rtu.rtu_size(table, data, 0, 8) == 0, function_code


def test_refuse():
    adu = bytearray(12)
    adu[7] = 3
    assert refuse(adu, 2) == 2
    assert adu == b"\0\0\0\0\0\0\0\x83\x02\0\0\0"


def check(data, rest):
    """The verdict on a PDU in a buffer that is full of something else: 0, 1 or 3."""
    adu = bytearray([rest] * 262)
    adu[7 : 7 + len(data)] = data
    return verdict(adu, len(data))


def test_examples_pass_the_check():
    for vector in VECTORS:
        assert check(vector.request, 0) == check(vector.request, 0xFF) == 0, vector.clause


def test_verdict_depends_on_the_request_alone():
    random.seed(1)
    for _ in range(2000):
        data = random_request()
        codes = [check(data, rest) for rest in (0, 1, 0xFF)]
        assert codes in ([0] * 3, [1] * 3, [3] * 3), "{}: {}".format(shown(data), codes)


def test_every_length_but_the_right_one_is_wrong():
    for vector in VECTORS:
        for n in range(1, 254):
            data = (vector.request + bytes(253))[:n]
            wanted = 0 if n == len(vector.request) else 3
            assert check(data, 0) == wanted, "AP {}, {} bytes".format(vector.clause, n)


def test_function_code_comes_before_length():
    for function_code in (1, 2, 3, 4, 5, 6, 15, 16, 22, 23):
        assert check(bytes((function_code,)), 0) == 3, function_code
    for function_code in b"\x00\x09\x0a\x0d\x0e\x12\x13\x19\x2a\x2c\x41\x64\x7f\x80\x83\xff":
        assert check(bytes((function_code,)), 0) == 1, function_code
        assert check(request(function_code, 0, 1), 0) == 1, function_code
