"""umb.frame.ascii: frames are found among characters, in whatever pieces they come."""

import random

from support.ascii import Receiver, serves, text
from support.pdu import request, write_registers

from umb.frame.ascii import ASCII

_READ = b"\x11" + request(3, 0x6B, 3)  # the example of every manual
_LONG = b"\x11" + write_registers(0, range(123))
_UNKNOWN = b"\x11\x41" + bytes(range(7))
_LONGEST = b"\x11\x41" + bytes(range(252))  # 513 characters


_NOTHING = b""  # a table of lengths that knows no function code


def seal(data):
    """What seal() makes of slave id and PDU."""
    adu = bytearray(262)
    one = ASCII(adu, _NOTHING, serves)
    adu[6 : 6 + len(data)] = data
    n = one.seal(adu, len(data) - 1)
    return bytes(one.out[one.start : one.start + n])


def test_the_well_known_frame():
    assert text(_READ) == b":1103006B00037E\r\n"
    assert seal(_READ) == b":1103006B00037E\r\n"
    assert Receiver().hear(b":1103006B00037E\r\n").found == [_READ]


def test_seal():
    for data in (b"\x11\x07", _READ, _LONG, _UNKNOWN, _LONGEST):
        assert seal(data) == text(data)
    assert len(seal(_LONGEST)) == 513


def test_every_byte_and_every_digit():
    data = b"\x11\x42" + bytes(range(128))
    for half in (data, b"\x11\x42" + bytes(range(128, 256))):
        assert seal(half) == text(half)
        for receiver in (Receiver(), Receiver(_NOTHING), Receiver(most=1)):
            assert receiver.hear(text(half)).found == [half]


def test_lower_case():
    data = b"\x11\x42" + bytes(range(0x9A, 0xFF))
    mixed = bytes(c | 0x20 if i % 3 and c > 64 else c for i, c in enumerate(text(data)))
    assert Receiver().hear(text(data).lower() + mixed).found == [data, data]


def test_pieces_make_no_difference():
    for data in (_READ, _LONG, _UNKNOWN, _LONGEST):
        for most in (1, 2):
            receiver = Receiver(most=most)
            receiver.hear(text(data) + text(_READ) + text(data))
            assert receiver.found == [data, _READ, data], (most, len(data))
            assert receiver.ascii.rejected == 0


def test_it_never_asks_for_more_than_the_frame_has():
    """What follows a frame stays with the driver: the buffer is the handler's then."""
    for data in (b"\x11\x07", _READ, _LONG, _UNKNOWN, _LONGEST):
        for most in (1, 2):
            receiver = Receiver(most=most)
            one = receiver.ascii
            left = text(data)
            while left:
                assert one.need <= len(left), (len(data), one.need, len(left))
                n = min(one.need, one.piece_size, most)
                receiver.hear(left[:n])
                left = left[n:]
            assert receiver.found == [data]


def test_how_much_is_still_to_come():
    """As soon as the byte that counts the rest is there, a driver can stay for the rest."""
    receiver, whole = Receiver(), text(_LONG)
    for at in range(17, len(whole)):
        receiver.hear(whole[at - 17 : at] if at == 17 else whole[at - 1 : at])
        rest = len(whole) - at
        assert receiver.ascii.need == min(rest, 256 - receiver.ascii.have), at
        assert receiver.ascii.for_us


def test_a_colon_begins_a_frame():
    frame = text(_READ)
    for n in range(1, len(frame)):
        receiver = Receiver().hear(frame[:n] + frame)
        assert receiver.found == [_READ], n
        assert receiver.ascii.rejected == 1
    receiver = Receiver().hear(b":::::" + frame)
    assert receiver.found == [_READ]
    assert Receiver().hear(text(_LONGEST)[:-1] + frame).found == [_READ]


def test_what_is_outside_of_frames_is_nothing():
    frame = text(_READ)
    for junk in (b"", b"\r\n", b"1103006B00037E\r\n", b"\0\xff", b"no frame ", bytes(300)):
        receiver = Receiver().hear(junk + frame + junk + frame + junk)
        assert receiver.found == [_READ, _READ]
        assert receiver.ascii.rejected == 0


def test_wrong_lrc():
    for data in (_READ, _LONG, _LONGEST):
        frame = text(data)
        for at in range(1, len(frame) - 2, 5):
            bad = bytearray(frame)
            bad[at] = 0x31 if bad[at] != 0x31 else 0x32
            receiver = Receiver().hear(bytes(bad))
            assert receiver.found == [] and receiver.ascii.rejected == 1, at
            assert receiver.hear(frame).found == [data]


def test_what_is_no_digit():
    frame = text(_READ)
    for at in range(1, len(frame) - 2):
        for char in b"\0 /@G`g\x7f\x80\xb1\xff\n":
            bad = frame[:at] + bytes((char,)) + frame[at + 1 :]
            receiver = Receiver().hear(bad)
            assert receiver.found == [] and receiver.ascii.rejected == 1, (at, char)
            assert receiver.hear(frame).found == [_READ]


def test_odd_digits():
    frame = text(_READ)
    for at in range(1, len(frame) - 2):
        assert Receiver().hear(frame[:at] + frame[at + 1 :]).found == [], at
        assert Receiver().hear(frame[:at] + b"0" + frame[at:]).found == [], at


def test_ends_that_are_none():
    body = text(_READ)[:-2]
    for end in (b"\n", b"\r", b"\r\r\n", b"\r0\n", b"\n\r", b"\r "):
        receiver = Receiver().hear(body + end)
        assert receiver.found == [], end
        assert receiver.hear(text(_READ)).found == [_READ]
        assert receiver.ascii.rejected == 1


def test_too_short():
    for digits in (b"", b"0", b"00", b"11", b"11EF"):
        assert Receiver().hear(b":" + digits + b"\r\n").found == [], digits
    assert Receiver().hear(text(b"\x11\x07")).found == [b"\x11\x07"]


def test_too_long():
    for n in (254, 255, 300, 1000):
        receiver = Receiver().hear(text(b"\x11\x41" + bytes(n)))
        assert receiver.found == [] and receiver.ascii.rejected == 1, n
        assert receiver.hear(text(_LONGEST)).found == [_LONGEST]


def test_another_delimiter():
    frame = text(_READ)
    receiver = Receiver()
    one = receiver.ascii
    one.delimiter = 0x21
    receiver.adu[6 : 6 + len(_READ)] = _READ
    n = one.seal(receiver.adu, 5)
    assert bytes(one.out[:n]) == frame, "the answer to the request for it still ends with LF"
    n = one.seal(receiver.adu, 5)
    assert bytes(one.out[:n]) == frame[:-1] + b"!"
    assert receiver.hear(frame).found == []
    assert receiver.hear(frame[:-1] + b"!").found == [_READ]
    one.delimiter = 0x0A
    assert receiver.hear(frame).found == [_READ, _READ]


def test_a_delimiter_that_is_a_digit():
    receiver = Receiver()
    receiver.ascii.delimiter = 0x41
    assert receiver.hear(text(b"\x11\xaa\xaa")[:-1] + b"A").found == [b"\x11\xaa\xaa"]


def test_silence_means_nothing():
    frame = text(_READ)
    for at in range(1, len(frame)):
        receiver = Receiver().hear(frame[:at])
        receiver.ascii.gap()
        assert receiver.ascii.silence() == 0
        assert receiver.hear(frame[at:]).found == [_READ]
        assert receiver.ascii.rejected == 0


def test_what_was_given_up_does_not_count_any_more():
    frame = text(_READ)
    for at in range(1, len(frame)):
        receiver = Receiver().hear(frame[:at])
        assert receiver.ascii.have
        assert receiver.ascii.silence(True) == 0
        receiver.ascii.clear()
        assert receiver.ascii.rejected == 1 and not receiver.ascii.have
        assert receiver.hear(frame[at:]).found == []
        assert receiver.hear(frame).found == [_READ]
    receiver.ascii.clear()
    assert receiver.ascii.rejected == 1, "there was nothing to give up"


def test_anything_may_come():
    """Whatever comes in whatever pieces, it never asks for more than fits and never raises."""
    random.seed(3)
    frames = [text(data) for data in (_READ, _LONG, _UNKNOWN, _LONGEST)]
    chars = b":0123456789ABCDEFabcdef\r\nG"
    for most in (1, 5, 32, 300):
        receiver = Receiver(most=most)
        for _ in range(400):
            choice = random.getrandbits(3)
            if choice < 4:
                frame = frames[choice]
                at = random.randrange(len(frame))
                receiver.hear(frame[at:] if random.getrandbits(1) else frame[:at])
            elif choice < 7:
                size = random.randrange(1, 700)
                receiver.hear(bytes(chars[random.randrange(len(chars))] for _ in range(size)))
            else:
                n = len(receiver.found)
                assert receiver.hear(frames[1]).found[n:] == [_LONG]
