"""umb.frame.rtu: noise around frames, zeros behind them, and fragments before them."""

from support import every_nth
from support.frames import RTUSlave
from support.pdu import raw, request, write_bits, write_registers
from support.rtu import crc, frame

from umb.frame.rtu import REQUEST, RESPONSE, RTU
from umb.server import Server

_AT = 6
_OURS = 17
_OTHER = 18
_READ = frame(_OURS, request(3, 0, 1))
_WRITE = frame(_OURS, write_registers(0, (0x0101,)))
_COILS = frame(_OURS, write_bits(0, [1] * 9))
_LONG = frame(_OURS, write_registers(0, range(123)))
_OWN = frame(_OURS, raw("41 0102"))  # a user-defined code: nobody knows how long it is
_BROADCAST = frame(0, request(6, 0, 5))
_KNOWN = (_READ, _WRITE, _COILS, _LONG, _BROADCAST)
_SPIT = (b"", b"\0", b"\xff", b"\x11", b"\0\0", b"\xff\0", b"\0\xff\0", b"\x11\x03\xfe", b"\0\0\0")


class Receiver:
    """A frame and its driver. `found` are the frames; what it asks for always fits."""

    def __init__(self, table=REQUEST):
        self.adu = bytearray(262)
        self.rtu = RTU(self.adu, table, lambda slave_id: slave_id == _OURS)
        self.found = []

    def hear(self, data):
        while data:
            rtu = self.rtu
            n = min(rtu.need, len(data))
            assert n > 0 and _AT + rtu.have + n <= 262
            self.adu[_AT + rtu.have : _AT + rtu.have + n] = data[:n]
            data = data[n:]
            self._take(rtu.received(n))
        return self

    def silence(self):
        """A silence that ends frames, and after which the next byte may begin one."""
        self._take(self.rtu.silence())
        self.rtu.gap()
        return self

    def end(self):
        """A silence after which nothing goes on."""
        self._take(self.rtu.silence())
        self._take(self.rtu.silence(True))
        return self

    def abandon(self):
        """A silence that is longer still."""
        self.end().rtu.clear()
        return self

    def _take(self, n):
        if n:
            self.found.append(bytes(self.adu[_AT : _AT + n]))


def test_noise_on_both_sides():
    """Three bytes at most."""
    for ask in _KNOWN + (_OWN,):
        for before in _SPIT:
            for behind in _SPIT:
                receiver = Receiver().hear(before + ask + behind).silence()
                assert receiver.found == [ask], (before, ask, behind, receiver.found)
                assert receiver.end().hear(_READ).found == [ask, _READ]
                assert receiver.rtu.rejected or not before + behind


def test_noise_on_both_sides_of_a_response():
    for pdu in ("83 02", "03 04 0001 0002", "01 01 05", "06 0001 0002", "10 0001 0002", "c1 02"):
        reply = frame(_OURS, raw(pdu))
        for before in _SPIT:
            for behind in _SPIT:
                receiver = Receiver(RESPONSE).hear(before + reply + behind).end()
                assert receiver.found == [reply], (before, reply, behind, receiver.found)


def test_the_noise_of_a_report():
    receiver = Receiver(RESPONSE)
    receiver.rtu.serves = lambda slave_id: slave_id == 4
    assert receiver.hear(raw("00 04 83 02 d0f0 00")).end().found == [raw("04 83 02 d0f0")]


def test_much_noise_before_a_frame():
    for n in (4, 30, 200, 251, 252, 255, 256, 257, 300, 600):
        for byte in (0x00, 0x55, 0xFF):
            for ask in (_READ, _WRITE, _COILS, _BROADCAST):
                receiver = Receiver().hear(bytes((byte,)) * n + ask).silence()
                assert receiver.found == [ask], (n, byte, ask)


def test_noise_before_others_frames_is_just_noise():
    for ask in _KNOWN[:4]:
        for before in _SPIT[1:]:
            other = frame(_OTHER, ask[1:-2])
            assert Receiver().hear(before + other).silence().found == [], (before, other)


def shortest(data):
    """The shortest frame with a right CRC that nothing but zeros follow."""
    for n in range(4, len(data) + 1):
        if crc(data[: n - 2]) == data[n - 2 : n] and not any(data[n:]):
            return data[:n]
    raise AssertionError


def test_zeros_behind_a_frame_of_unknown_length():
    for table in (REQUEST, RESPONSE):
        for size in range(1, 40):
            for byte in (0x00, 0x01, 0x80, 0xFF):
                ask = frame(_OURS, b"\x42" + bytes((byte,)) * (size - 1))
                for zeros in (0, 1, 2, 3, 4, 5, 20, 100):
                    wanted = shortest(ask + bytes(zeros))
                    assert len(wanted) > len(ask) - 2
                    receiver = Receiver(table).hear(ask + bytes(zeros)).end()
                    assert receiver.found == [wanted], (ask, zeros, receiver.found)


def test_the_zero_of_a_report():
    """The CRC of this frame ends with a zero, too; the shortest counts."""
    receiver = Receiver(RESPONSE)
    receiver.rtu.serves = lambda slave_id: slave_id == 1
    assert receiver.hear(raw("01 42 8011 00")).end().found == [raw("01 42 8011")]


def test_zeros_behind_a_request_with_a_handler():
    """A user-defined function code in a server."""
    lengths = []
    server = Server(None, (_OURS,))
    server.function(65, lambda _adu, n, _link: lengths.append(n) or n)
    slave = RTUSlave(server)
    for size in range(1, 30):
        for zeros in range(6):
            ask = frame(_OURS, b"\x41" + b"\x55" * (size - 1)) + bytes(zeros)
            assert slave.hear(ask) == shortest(ask)[:-2], (size, zeros)
    assert set(lengths) == set(range(1, 30))


def whole_too_early():
    """FC 16 of one register: every frame whose CRC is right a byte too early."""
    for byte in range(256):
        data = b"\x11\x10\0\0\0\1\2" + bytes((byte,))
        data += crc(data)[:1]
        assert crc(data)[1] == 0
        yield data + crc(data)


def test_a_known_length_is_never_cut():
    for ask in whole_too_early():
        for before in _SPIT:
            for behind in (b"", b"\0", b"\0\0"):
                receiver = Receiver().hear(before + ask + behind).silence()
                assert receiver.found == [ask], (before, ask, behind, receiver.found)


def objects(*lengths):
    """A response of FC 43/14 with objects of these lengths (AP 6.21)."""
    pdu = b"\x2b\x0e\x01\x81\0\0" + bytes((len(lengths),))
    for i in range(len(lengths)):
        pdu += bytes((i, lengths[i])) + b"A" * lengths[i]
    return pdu


def ending_with_zero(pdu, slave_id=_OURS):
    """Frames of PDUs that begin so and have two bytes more, if one 00 ends them, the CRC's."""
    for value in range(65536):
        ask = frame(slave_id, pdu + bytes((value >> 8, value & 0xFF)))
        if ask[-1] == 0 and ask[-2]:
            yield ask


def test_an_identification_ends_where_its_objects_do():
    """No silence is needed, however many there are and however long they are."""
    for lengths in ((), (0,), (3,), (0, 0), (1, 2, 3), (244,), (20, 0, 30), (100, 100, 38)):
        reply = frame(_OURS, objects(*lengths))
        for before in (b"", b"\0", b"\xff\xff"):
            receiver = Receiver(RESPONSE).hear(before + reply)
            if before:
                receiver.end()
            assert receiver.found == [reply], (lengths, before)
        for at in range(1, len(reply)):
            receiver = Receiver(RESPONSE).hear(reply[:at]).silence().hear(reply[at:])
            assert receiver.found == [reply], (lengths, at)


def test_an_identification_whose_crc_ends_with_zero():
    """As one in 256 does, whenever its device is asked."""
    asks = list(ending_with_zero(objects(9, 2)[:-2]))
    assert len(asks) > 200
    for reply in asks:
        assert Receiver(RESPONSE).hear(reply).found == [reply]
        for zeros in (1, 2, 3):
            receiver = Receiver(RESPONSE).hear(b"\0" + reply + bytes(zeros)).end()
            assert receiver.found == [reply], (reply, zeros)


def test_objects_that_cannot_be():
    """Counts and lengths without an end are garbage, which ends with the next silence."""
    good = frame(_OURS, objects(3))
    for pdu in (objects(3)[:6] + b"\xff" * 20, objects(3)[:7] + b"\0\xff" + b"\xff" * 240):
        receiver = Receiver(RESPONSE).hear(frame(_OURS, pdu)[:256]).abandon()
        assert receiver.hear(good).found[-1:] == [good], pdu


def test_another_type_of_encapsulated_interface():
    """Only the silence tells where a response of FC 43/13 ends."""
    reply = frame(_OURS, raw("2b 0d 01 02 03"))
    assert Receiver(RESPONSE).hear(reply).silence().found == [reply]


def test_loopbacks_of_several_words():
    """FC 8 with two words or more, whose CRC ends with 00 or not, and zeros behind it."""
    for table in (REQUEST, RESPONSE):
        for n in (4, 6, 20, 40):
            ask = frame(_OURS, b"\x08\0\0" + b"\x5a" * n)
            for zeros in range(4):
                assert Receiver(table).hear(ask + bytes(zeros)).end().found == [ask], (n, zeros)
        asks = list(ending_with_zero(raw("08 0000 0102")))
        assert len(asks) == 255
        for ask in asks:
            for zeros in range(2):
                receiver = Receiver(table).hear(ask + bytes(zeros)).end()
                assert receiver.found == [ask], (ask, zeros)


def fragments():
    """What a frame may begin with, cut anywhere."""
    for whole in (
        frame(_OTHER, raw("03 fa" + "1103" * 125)),  # another slave's longest reply
        frame(_OTHER, raw("10 0000 007b f6" + "1106" * 123)),
        frame(_OTHER, b"\x41" + b"\x11" * 252),  # 256 bytes
        _LONG,
        frame(_OURS, b"\x41" + b"\x03" * 252),
    ):
        for n in range(1, len(whole)):
            yield whole[:n]


def test_a_request_behind_a_fragment():
    """Whatever their lengths; they may not fit into the buffer together."""
    asks = (_READ, _WRITE, _LONG, _OWN, _BROADCAST, frame(_OURS, b"\x41" + bytes(range(252))))
    for n, fragment in enumerate(fragments()):
        for ask in every_nth(asks, 2, n):
            receiver = Receiver().hear(fragment).silence().hear(ask).silence()
            assert receiver.found == [ask], (fragment, ask, receiver.found)
            assert receiver.rtu.rejected == 1


def test_a_request_behind_two_fragments():
    for fragment in fragments():
        if len(fragment) % 7 == 0:
            for other in (b"\x12", b"\x11\x03", frame(_OTHER, raw("03 fa" + "1103" * 125))[:99]):
                receiver = Receiver().hear(fragment).silence().hear(other).silence()
                assert receiver.hear(_READ).silence().found == [_READ], (fragment, other)


def test_a_torn_request_behind_a_fragment():
    """Its parts are put together once the line is silent."""
    for fragment in (b"\x12", b"\x11\x03\x00", frame(_OTHER, raw("03 fa" + "1103" * 125))[:190]):
        for at in range(1, len(_READ)):
            receiver = Receiver().hear(fragment).silence().hear(_READ[:at]).silence()
            assert receiver.hear(_READ[at:]).silence().found == [_READ], (fragment, at)


def test_a_torn_frame_is_not_cut_where_its_crc_happens_to_be_right():
    for ask in whole_too_early():
        for at in range(1, len(ask)):
            receiver = Receiver().hear(ask[:at]).silence().hear(ask[at:])
            assert receiver.found == [ask], (ask, at, receiver.found)


def test_a_frame_too_short_for_its_code():
    """It is handed on, and refused by the server, when it cannot go on any more."""
    for pdu in ("03 0000", "06 0001", "10 0000 0002 04 0001", "17 0000 0001"):
        short = frame(_OURS, raw(pdu))
        assert Receiver().hear(short).silence().found == [], pdu
        assert Receiver().hear(short).end().found == [short], pdu


def test_a_frame_too_long_for_its_code():
    for pdu in ("03 0000 0001 00", "06 0001 0002 0304", "10 0000 0001 02 0001 55"):
        long = frame(_OURS, raw(pdu))
        assert Receiver().hear(long).silence().found == [long], pdu


def test_a_response_that_stops_is_kept():
    """Its length is known. Garbage goes at once."""
    reply = frame(_OURS, raw("03 08 0001 0002 0003 0004"))
    for n in range(1, len(reply)):
        receiver = Receiver(RESPONSE).hear(reply[:n]).end().end()
        assert receiver.rtu.have == n and not receiver.rtu.rejected
        assert receiver.hear(reply[n:]).found == [reply], n
        receiver = Receiver(RESPONSE).hear(reply[:n]).abandon()
        assert not receiver.rtu.have and receiver.rtu.rejected == 1
    for garbage in (reply[:-1] + b"\x00", frame(_OURS, raw("42 0102"))[:-1] + b"\x00"):
        receiver = Receiver(RESPONSE).hear(garbage).end()
        assert not receiver.rtu.have and receiver.rtu.rejected == 1


def test_a_response_behind_one_that_stops():
    reply = frame(_OURS, raw("03 02 0001"))
    for fragment in (b"\x11", b"\x11\x03", frame(_OURS, raw("03 fa" + "0102" * 125))[:254]):
        receiver = Receiver(RESPONSE).hear(fragment).end().hear(reply)
        assert receiver.found == [reply], fragment
