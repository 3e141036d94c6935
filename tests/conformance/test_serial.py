"""Serial lines, RTU and what both kinds share (SL 2.1-2.5.1): who answers, what ends a frame."""

import os
import select
import struct
import time

import pytest

from tests.conformance.device import SLAVE_ID, SLAVE_IDS
from tests.conformance.peers import SILENCE_S, crc16
from tests.conformance.test_data import BITS, packed
from tests.conformance.test_general import words

READ = words(3, 0, 1)
_OTHER = 99
_T35_S = 0.001750
_TRIES = 5


def is_heard(master):
    """Does the server answer a request that is fine?"""
    return master.ask(READ)[:2] == b"\x03\x02"


def reply_of_another(master, pdu):
    """Return what another slave says."""
    return master.frame(pdu, _OTHER)


def test_093_every_id_of_the_device(serial):
    for slave_id in SLAVE_IDS:
        assert serial.ask(READ, slave_id)[:2] == b"\x03\x02"


@pytest.mark.transport("RTU", "ASCII")
def test_093_ids_that_cannot_be(shell):
    shell.run("from umb.server import Server\nserver = Server()")
    for wrong in (0, 248, 255, 256, -1):
        assert shell.raised(f"Server(slave_ids=({wrong},))") == "ValueError"
        assert shell.raised(f"server.add({wrong}, None)") == "ValueError"


def test_094_silence_for_others(serial):
    for slave_id in (2, 16, _OTHER, 128, 246, 248, 255):
        for pdu in (READ, words(6, 9, 1), b"\x41", words(3, 9999, 0), b"\x83\x02"):
            serial.put(serial.frame(pdu, slave_id))
    assert serial.silent()
    assert is_heard(serial)


def test_095_broadcasts(serial):
    serial.ask(words(16, 20, 4) + b"\x08" + bytes(8))
    for pdu in (
        words(5, 50, 0xFF00),
        words(15, 51, 3) + b"\x01\x07",
        words(6, 20, 7),
        words(16, 21, 2) + b"\x04\0\x08\0\x09",
        words(22, 23, 0, 10),
    ):
        serial.put(serial.frame(pdu, 0))
    for pdu in (
        READ,
        words(1, 0, 1),
        words(6, 9999, 1),
        words(6, 20, 0xDEAD),
        words(5, 50, 1),
        words(16, 20, 1) + b"\x02\0",
        words(8, 0, 0),
        b"\x07",
        b"\x41",
        b"\x2b\x0e\x01\0",
    ):
        serial.put(serial.frame(pdu, 0))
        time.sleep(0.05)  # without silence the next id may complete a frame that is too short
    assert serial.silent()
    assert serial.ask(words(3, 20, 4)) == b"\x03\x08\0\x07\0\x08\0\x09\0\x0a"
    assert serial.ask(words(1, 50, 4)) == b"\x01\x01\x0f"
    assert serial.ask(words(15, 48, 8) + b"\x01" + packed(BITS[48:56]))[0] == 15


def test_100_crc(rtu, shell):
    assert crc16(b"\x02\x07") == b"\x41\x12"
    shell.run("from umb.fast import crc16")
    assert shell.evaluate("crc16(b'\\x02\\x07', 0, 2)") == 0x1241
    assert is_heard(rtu)


@pytest.mark.transport("RTU")
def test_102_103_106_107_times(shell):
    for parity, stop in ((0, 1), (1, 1), (None, 2)):
        for baudrate, char_us, silence_us in (
            (9600, 1146, 4010),
            (19200, 573, 2005),
            (38400, 287, 1750),
            (115200, 96, 1750),
        ):
            shell.line("rtu", baudrate=baudrate, parity=parity, stop=stop)
            assert shell.evaluate("line.time_us(1)") == char_us
            assert abs(shell.evaluate("line.t35_us") - silence_us) <= 1


@pytest.mark.parametrize("size", [1, 3, 20, 253])
def test_104_silence_ends_a_frame(rtu, size):
    """Nothing tells how long a request with an unknown function code is."""
    assert rtu.ask(b"\x41" + bytes(size - 1)) == b"\xc1\x01"


@pytest.mark.parametrize("pdu", [READ, b"\x41", words(3, 0, 125)], ids=len)
def test_104_114_silence_before_a_reply(rtu, pdu):
    time.sleep(0.01)
    begin = time.perf_counter()
    os.write(rtu.file, rtu.frame(pdu))
    assert select.select([rtu.file], [], [], 5)[0]
    assert time.perf_counter() - begin >= _T35_S
    assert rtu.answer()


def test_105_torn_frames(rtu):
    """A short hole is bridged (where this machine makes it longer, that is another try)."""
    frame = rtu.frame(READ)
    for _ in range(_TRIES):
        rtu.put(frame[:4])
        rtu.put(frame[4:])
        if not rtu.silent():
            assert rtu.answer()[:2] == b"\x03\x02"
            break
    else:
        pytest.fail("a short hole is not bridged")
    rtu.put(frame[:4])
    time.sleep(SILENCE_S)
    rtu.put(frame[4:])
    assert rtu.silent()
    assert is_heard(rtu)


@pytest.mark.transport("RTU")
def test_108_begins_in_the_middle_of_a_frame(new_bench):
    """What came before it was there does not count, and what goes on then is none either."""
    half = struct.pack(">BBH", SLAVE_ID, 6, 9)
    with new_bench(before=half) as bench:
        rtu = bench.peer("RTU")
        rtu.put((half + b"\0\x4d" + crc16(half + b"\0\x4d"))[4:])
        assert rtu.silent()
        assert rtu.ask(words(3, 9, 1)) == b"\x03\x02\0\0"
        rtu.close()


@pytest.mark.parametrize("size", [257, 300, 1000])
def test_109_too_long(rtu, size):
    rtu.put(bytes(size) + rtu.frame(READ)[:-1])
    assert rtu.silent()
    assert is_heard(rtu)


@pytest.mark.parametrize(
    "noise", [b"\xff", b"\0", b"\x11", b"\x11\x03", b"\x11\x03\0\0\0", b"\xff" * 200]
)
def test_110_noise(serial, noise):
    serial.put(noise)
    time.sleep(0.05)
    assert is_heard(serial)


def test_110_cut_frames(serial):
    frame = serial.frame(words(16, 0, 4) + b"\x08" + bytes(8))
    for n in (1, 4, 7, len(frame) - 1):
        serial.put(frame[:n])
        time.sleep(0.05)
        assert is_heard(serial)


def test_111_other_slaves(serial):
    exchanges = (
        (READ, b"\x03\x02\x12\x34"),
        (words(3, 0, 60), b"\x03\x78" + bytes(range(120))),
        (words(6, 0, 1), words(6, 0, 1)),
        (words(16, 0, 1) + b"\x02\0\7", words(16, 0, 1)),
        (words(3, 9999, 1), b"\x83\x02"),
        (b"\x41\x01", b"\xc1\x01"),
        (READ, None),  # nobody is there
    )
    for asked, answered in exchanges:
        serial.put(serial.frame(asked, _OTHER))
        if answered:
            serial.put(reply_of_another(serial, answered))
        assert is_heard(serial)
    assert serial.silent()


def test_112_what_looks_like_a_request(serial):
    inside = serial.frame(words(6, 9, 0x6666))
    inside = inside if serial.name == "RTU" else bytes.fromhex(inside[1:-4].decode())
    assert serial.ask(words(6, 9, 1)) == words(6, 9, 1)
    for before in (b"", b"\0", b"\0\0\0"):
        data = before + inside + bytes(8)
        serial.put(serial.frame(words(3, 0, 10), _OTHER))
        serial.put(reply_of_another(serial, bytes([3, len(data)]) + data))
    assert serial.silent()
    assert serial.ask(words(3, 9, 1)) == b"\x03\x02\0\x01"


def test_113_direction_pin(serial, tcp):
    """Input registers of the device tell of it: its level, and how often it was at transmit."""
    at = 190 if serial.name == "RTU" else 192

    def state():
        return struct.unpack(">HH", tcp.ask(words(4, at, 2))[2:])

    level, pulses = state()
    assert level == 0
    for pdu in (READ, words(3, 0, 125), words(3, 9999, 1), words(3, 300, 1)):
        serial.ask(pdu)
    for slave_id in (0, _OTHER):
        serial.put(serial.frame(words(6, 9, 1), slave_id))
    serial.put(b"\xff\xff")
    assert serial.silent()
    assert state() == (0, pulses + 4)
