"""umb.frame.rtu: frames are found in what a line delivers, in whatever pieces it comes."""

import random

from support.rtu import frame

from umb.frame.rtu import REQUEST, RESPONSE, RTU

_AT = 6  # where a frame stands in its buffer


def serves(slave_id):
    return slave_id == 17


class Receiver:
    """A frame with its driver: everything that comes is put where it asks for it."""

    def __init__(self, table=REQUEST):
        self.adu = bytearray(262)
        self.rtu = RTU(self.adu, table, serves)
        self.found = []

    def hear(self, data):
        while data:
            rtu = self.rtu
            n = min(rtu.need, len(data))
            assert n > 0 and _AT + rtu.have + n <= 262, "no room for what it asks for"
            self.adu[_AT + rtu.have : _AT + rtu.have + n] = data[:n]
            data = data[n:]
            self._take(rtu.received(n))
        return self

    def silence(self, final=False):
        self._take(self.rtu.silence(final))
        return self

    def gap(self):
        self.rtu.gap()
        return self

    def _take(self, n):
        if n:
            self.found.append(bytes(self.adu[_AT : _AT + n]))


_SHORT = frame(17, b"\x03\x00\x00\x00\x02")
_LONG = frame(17, b"\x10\x00\x00\x00\x02\x04\x11\x03\x00\x00")
_UNKNOWN = frame(17, b"\x41\x01\x02")
_LONGEST = frame(17, b"\x10\x00\x00\x00\x7b\xf7" + bytes(247))


def test_seal():
    for n in (1, 2, 5, 100, 253):
        adu = bytearray(b"\xff" * 262)
        data = bytes((17,)) + bytes(range(n))
        adu[_AT : _AT + n + 1] = data
        assert RTU.seal(adu, n) == n + 3
        assert bytes(adu[_AT : _AT + n + 3]) == frame(17, bytes(range(n)))
        assert bytes(adu[_AT + n + 3 :]) == b"\xff" * (253 - n)


def test_a_frame_ends_where_its_code_says():
    for data in (_SHORT, _LONG, _LONGEST):
        assert Receiver().hear(data).found == [data]
        assert Receiver().hear(data + data).found == [data, data]


def test_silence_ends_what_has_no_known_length():
    receiver = Receiver().hear(_UNKNOWN)
    assert receiver.found == []
    assert receiver.silence().found == [_UNKNOWN]
    assert receiver.silence().found == [_UNKNOWN]
    assert receiver.hear(_SHORT).found == [_UNKNOWN, _SHORT]
    assert receiver.rtu.rejected == 0


def test_a_frame_longer_than_its_code_says_ends_by_silence():
    long = frame(17, b"\x03\x00\x00\x00\x02\x00")
    assert Receiver().hear(long).silence().found == [long]


def test_pieces_make_no_difference():
    for data in (_SHORT, _LONG, _LONGEST):
        for step in (1, 3, 100):
            receiver = Receiver()
            for at in range(0, len(data), step):
                receiver.hear(data[at : at + step])
            assert receiver.found == [data] and receiver.rtu.rejected == 0


def test_a_hole_tears_no_frame():
    for data in (_SHORT, _LONG):
        for at in range(1, len(data)):
            receiver = Receiver().hear(data[:at]).silence().gap()
            assert receiver.hear(data[at:]).found == [data], at
            assert receiver.rtu.rejected == 0


def ones_and_zeros():
    """Values with FF FF and zeros behind somewhere in them."""
    for before in (b"", b"\x12", b"\x12\x34"):
        for zeros in range(8):
            values = before + b"\xff\xff" + bytes(zeros)
            yield values + bytes(len(values) & 1)


def test_a_hole_before_ones_and_zeros():
    """FF FF with zeros behind has a right CRC, as an exception response of slave 255 would."""
    for values in ones_and_zeros():
        size = bytes((len(values),))
        head = bytes((0, len(values) // 2)) + size
        torn(REQUEST, b"\x10\x00\x00" + head + values)
        torn(REQUEST, b"\x17\xff\xff\x00\x00\x00\x00" + head + values)
        torn(REQUEST, b"\x0f\xff\xff" + bytes((0, 8 * len(values))) + size + values)
        for code in b"\x01\x03\x0c\x11\x14\x17":
            torn(RESPONSE, bytes((code,)) + size + values)
    torn(REQUEST, b"\x14\x07\x06\xff\xff\x00\x00\x00\x77")
    torn(REQUEST, b"\x16\xff\xff\x00\x00\x00\x00")


def torn(table, pdu):
    """Let there be a hole, or two, anywhere inside a frame."""
    data = frame(17, pdu)
    for cut in range(1, len(data)):
        for end in range(cut, len(data)):
            receiver = Receiver(table).hear(data[:cut]).silence().hear(data[cut:end])
            found = receiver.silence().hear(data[end:]).found
            assert found == [data], (data, cut, end, found)


def test_what_comes_after_silence_is_a_frame_of_its_own_first():
    for data in (_SHORT, _LONG):
        for n in range(1, len(data)):
            receiver = Receiver().hear(data[:n]).silence().gap()
            assert receiver.hear(_SHORT).found == [_SHORT], n
            assert receiver.rtu.rejected > 0


def test_what_was_given_up_does_not_count_any_more():
    receiver = Receiver().hear(_SHORT[:5]).silence(final=True)
    receiver.rtu.clear()
    assert receiver.rtu.rejected == 1
    assert receiver.hear(_SHORT[5:]).silence(final=True).found == []
    assert receiver.hear(_SHORT).found == [_SHORT]


def test_noise_right_before_a_frame_for_us():
    for noise in (b"\x00", b"\xff\xff", b"\x11", _SHORT[:5], _LONG[:7], bytes(40)):
        receiver = Receiver().hear(noise + _SHORT).silence()
        assert receiver.found == [_SHORT], noise
        assert receiver.rtu.rejected == 1


def test_noise_right_before_a_frame_for_others_is_just_noise():
    assert Receiver().hear(b"\xff\xff" + frame(18, _SHORT[1:-2])).silence().found == []


def test_a_wrong_crc_is_no_frame():
    for data in (_SHORT, _LONG, _UNKNOWN):
        for at in range(len(data)):
            bad = bytearray(data)
            bad[at] ^= 0x10
            receiver = Receiver().hear(bytes(bad)).silence()
            assert receiver.found == [], (data, at)
            assert receiver.silence(final=True).found == [], (data, at)
            receiver.rtu.clear()
            assert receiver.rtu.rejected == 1
            assert receiver.hear(_SHORT).found == [_SHORT]


def test_more_than_a_frame_is_nothing_until_silence():
    for n in (256, 257, 600):
        for end in (Receiver.silence, Receiver.gap):
            receiver = Receiver().hear(b"\x11\x41" * 128 + bytes(n - 256))
            receiver.hear(_SHORT)
            assert receiver.found == [], n
            assert end(receiver).hear(_SHORT).found[-1:] == [_SHORT]
            assert receiver.rtu.rejected > 0


def test_anything_may_come():
    """Whatever comes in whatever pieces, it never asks for more than fits and never raises."""
    random.seed(2)
    receiver = Receiver()
    pieces = (_SHORT, _LONG, _UNKNOWN, _LONGEST)
    for _ in range(2000):
        choice = random.getrandbits(3)
        if choice < 4:
            data = pieces[choice]
            at = random.randrange(len(data))
            receiver.hear(data[at:] if choice & 1 else data[:at])
        elif choice == 4:
            receiver.hear(bytes(random.getrandbits(8) for _ in range(random.randrange(1, 60))))
        elif choice == 5:
            receiver.silence()
        elif choice == 6:
            receiver.gap()
        else:
            receiver.rtu.clear()
            n = len(receiver.found)
            assert receiver.hear(_SHORT).found[n:] == [_SHORT]
