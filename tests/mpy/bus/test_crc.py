"""umb.fast: both twins agree with SL 6.2.2, bit by bit, and the right one is taken."""

import random
import sys

from support.rtu import crc

from umb.fast import bytecode

_TWINS = [bytecode]
try:
    from umb.fast import viper

    _TWINS.append(viper)
except (ImportError, SyntaxError, ValueError):
    pass  # this MicroPython cannot compile it


def reference(data):
    low, high = crc(data)
    return high << 8 | low


def test_known_values():
    for twin in _TWINS:
        assert twin.crc16(b"\x02\x07", 0, 2) == 0x1241, "SL 6.2.2: 41 12 on the line"
        assert twin.crc16(b"123456789", 0, 9) == 0x4B37
        assert twin.crc16(b"", 0, 0) == 0xFFFF


def test_every_byte_and_random_frames():
    random.seed(1)
    for twin in _TWINS:
        for byte in range(256):
            data = bytes((byte,))
            assert twin.crc16(data, 0, 1) == reference(data), byte
        for n in (2, 3, 8, 64, 255, 256):
            data = bytes(random.getrandbits(8) for _ in range(n))
            assert twin.crc16(data, 0, n) == reference(data), data


def test_part_of_a_buffer():
    data = bytes(range(200, 256)) + bytes(range(100))
    for twin in _TWINS:
        for buf in (data, bytearray(data), memoryview(data)):
            for at, n in ((0, 5), (6, 8), (7, 0), (90, 66), (155, 1)):
                assert twin.crc16(buf, at, n) == reference(data[at : at + n])


def test_own_crc_behind_a_frame_makes_0():
    for twin in _TWINS:
        for n in range(1, 20):
            data = bytes(range(n))
            assert twin.crc16(data + crc(data), 0, n + 2) == 0


def test_frames_of_every_length_are_sealed():
    """The CRC is that of the slave id and the PDU, and nothing else is touched."""
    random.seed(5)
    for twin in _TWINS:
        for n in range(254):
            adu = bytearray(random.getrandbits(8) for _ in range(272))
            wanted = adu[: 7 + n] + crc(adu[6 : 7 + n]) + adu[9 + n :]
            assert twin.seal(adu, n) == n + 3
            assert adu == wanted, n


def test_bytes_are_moved():
    for twin in _TWINS:
        for at, start, n in ((0, 0, 0), (3, 0, 5), (0, 4, 6), (9, 9, 1)):
            source, wanted = bytes(range(10)), bytearray(b"z" * 10)
            target = bytearray(wanted)
            wanted[at : at + n] = source[start : start + n]
            twin.copy(target, at, source, start, n)
            assert target == wanted, (at, start, n)


def test_bytes_are_moved_forward_within_a_buffer():
    for twin in _TWINS:
        buf = bytearray(range(20))
        twin.copy(buf, 2, buf, 5, 10)
        assert buf == bytes((0, 1)) + bytes(range(5, 15)) + bytes(range(12, 20))


def test_the_fast_twin_is_taken_and_the_plain_one_where_there_is_none():
    from umb import fast as chosen

    assert chosen.crc16 is _TWINS[-1].crc16 and chosen.copy is _TWINS[-1].copy
    fast, sys.modules["umb.fast.viper"] = sys.modules.get("umb.fast.viper"), object()
    try:
        del sys.modules["umb.fast"]
        again = __import__("umb.fast", None, None, ("crc16",))
        assert again is not chosen
        assert again.crc16 is bytecode.crc16 and again.copy is bytecode.copy
    finally:
        sys.modules["umb.fast.viper"] = fast
        sys.modules["umb.fast"] = chosen
