"""Modbus ASCII (SL 2.5.2): characters, delimiters, LRC."""

import time

import pytest

from tests.conformance.peers import lrc
from tests.conformance.test_general import words

_READ = words(3, 0, 1)
_ECHO = bytes([100]) + bytes(range(252))


def test_116_upper_and_lower_case(ascii_master):
    master = ascii_master
    frame = master.frame(bytes([100]) + bytes(range(0x9A, 0xFF)))
    assert frame.startswith(b":1164") and frame.endswith(b"\r\n")
    for text in (frame, frame.lower(), frame[:40].lower() + frame[40:]):
        master.put(text)
        assert master.answer() == bytes([100]) + bytes(range(0x9A, 0xFF))


def test_117_lrc(ascii_master):
    assert lrc(b"\x11\x03\x00\x6b\x00\x03") == b"\x7e"
    ascii_master.put(b":1103006B00037E\r\n")
    assert ascii_master.answer()[:2] == b"\x03\x06"
    for wrong in (b"7D", b"7F", b"82", b"00", b"E7"):
        ascii_master.put(b":1103006B0003" + wrong + b"\r\n")
    assert ascii_master.silent()


@pytest.mark.parametrize(
    "before", [b":", b"::::", b":11", b":1103006B00037", b":1103006B00037E\r"]
)
def test_118_a_colon_begins_a_frame(ascii_master, before):
    frame = ascii_master.frame(_READ)
    ascii_master.put(before + frame)
    assert ascii_master.answer()[:2] == b"\x03\x02"
    ascii_master.put(b"no frame \r\n 123" + frame)
    assert ascii_master.answer()[:2] == b"\x03\x02"
    ascii_master.put(frame[:6] + b":" + frame[6:])  # what follows the colon is too short
    assert ascii_master.silent()


def test_119_a_second_between_characters(ascii_master):
    frame = ascii_master.frame(_READ)
    for at in (1, 7, len(frame) - 1):
        ascii_master.put(frame[:at])
        time.sleep(0.3)
        ascii_master.put(frame[at:])
        assert ascii_master.answer()[:2] == b"\x03\x02"
    ascii_master.put(frame[:7])
    time.sleep(1.3)
    ascii_master.put(frame[7:])
    assert ascii_master.silent()
    assert ascii_master.ask(_READ)[:2] == b"\x03\x02"


def test_120_longest_frame(ascii_master):
    assert len(ascii_master.frame(_ECHO)) == 513
    assert ascii_master.ask(_ECHO) == _ECHO
    for longer in (1, 2, 100, 1000):
        ascii_master.put(ascii_master.frame(_ECHO + bytes(longer)))
    assert ascii_master.silent()
    assert ascii_master.ask(_READ)[:2] == b"\x03\x02"


@pytest.mark.transport("ASCII")
def test_121_characters_of_10_bits(shell):
    """The bench is at 7E1 anyway, as far as a pseudo-terminal knows the difference."""
    for parity, stop in ((0, 1), (1, 1), (None, 2)):
        shell.line("ascii", baudrate=19200, bits=7, parity=parity, stop=stop)
        assert shell.evaluate("line.time_us(1)") == 521  # 10 / 19200 s


def test_122_what_is_no_frame(ascii_master):
    frame = ascii_master.frame(words(6, 9, 0x4D))
    assert ascii_master.ask(words(6, 9, 1)) == words(6, 9, 1)
    for wrong in (
        frame[:-3] + frame[-2:],  # a digit is missing,
        frame[:5] + frame[6:],
        frame[:-2] + b"0" + frame[-2:],  # is too many,
        frame[:9] + b"G" + frame[10:],  # or is none
        frame[:9] + b" " + frame[9:],
        frame[:9] + b"\r" + frame[9:],
        frame[:9] + b"\n" + frame[9:],
        frame[:9] + b"\xc2" + frame[10:],
        frame[1:],
        frame[:-2] + b"\n",
        frame[:-2] + b"\r\r\n",
        b":\r\n",
        b":11\r\n",
        b":11EF\r\n",
    ):
        ascii_master.put(wrong)
    assert ascii_master.silent()
    assert ascii_master.ask(words(3, 9, 1)) == b"\x03\x02\0\x01"
