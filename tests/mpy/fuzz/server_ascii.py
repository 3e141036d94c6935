"""Kind "ascii": an RTUServer of Modbus ASCII on a bus, by an exact clock.

Events are as in server_line.py. A colon begins a frame wherever it comes, so that nothing before
it can spoil a request.
"""

import binascii

from fuzz import device, server_line
from fuzz.frames import ascii
from fuzz.rng import Difference, Rng
from fuzz.server_line import Game, Speaker
from fuzz.traffic import pieces

_BYTES = 255  # of the longest frame: slave id, PDU, LRC
_PAUSE_US = 1_000_000  # the longest between two characters, SL 2.5.2.1
_DIGITS = b"0123456789ABCDEFabcdef"


class Decoder:
    """Finds frames in characters: SL 2.5.2."""

    def __init__(self):
        self._digits = None  # those since the colon; None: no colon has come
        self._returned = False  # CR has come

    def forget(self):
        """Too long nothing came."""
        self._digits = None

    def feed(self, data, delimiter):
        """The frames that end in these characters: (how many follow, bytes) each."""
        found = []
        for i in range(len(data)):
            frame = self._take(data[i], delimiter)
            if frame is not None:
                found.append((len(data) - 1 - i, frame))
        return found

    def _take(self, char, delimiter):
        if char == 0x3A:
            self._digits = b""
            self._returned = False
            return None
        if self._digits is None:
            return None
        digits = self._digits
        if self._returned:
            self._digits = None
            return self._frame(digits) if char == delimiter else None
        if char == 0x0D and len(digits) % 2 == 0:
            self._returned = True
        elif char in _DIGITS and len(digits) < 2 * _BYTES:
            self._digits += bytes((char,))
        else:
            self._digits = None
        return None

    @staticmethod
    def _frame(digits):
        data = binascii.unhexlify(digits)
        return data[:-1] if len(data) >= 3 and sum(data) & 0xFF == 0 else None


def draw(seed):
    """A case on a line of ASCII."""
    rng = Rng(seed)
    setup = device.draw(rng)
    setup.update(server_line.draw_line(rng))
    if not setup["counted"]:
        setup["line"], setup["counted"] = {}, True
    setup["ascii"] = True
    setup["noisy"] = not rng.one_in(4)
    return server_line.case(rng, setup, AsciiSpeaker, _NOISY if setup["noisy"] else _CLEAN)


class AsciiSpeaker(Speaker):
    """Writes down what is said on the line."""

    def frame(self, slave_id, pdu):
        """A frame, sometimes with small letters or another delimiter."""
        end = b"#" if self.setup["noisy"] and self.rng.one_in(6) else b"\n"
        data = ascii(slave_id, pdu, end)
        return data.lower() if self.rng.one_in(4) else data

    def gap(self):
        """Silence means little."""
        return "apart" if self.rng.one_in(30) else "silent"

    def broken(self):
        """A frame of which something is wrong, mostly with a right one right behind it."""
        rng = self.rng
        frame = self.ask() if rng.one_in(2) else self.frame(self.others.id, self.others.pdu())
        at = rng.below(len(frame))
        kind = rng.below(5)
        if kind == 0:
            frame = frame[:at] + bytes((rng.choice(b"G/:@`g \r\n\0\xff0"),)) + frame[at + 1 :]
        elif kind == 1:
            frame = frame[:at] + frame[at + 1 :]
        elif kind == 2:
            frame = frame[:at] + frame[at : at + 1] + frame[at:]
        elif kind == 3:
            frame = frame[:-2] + rng.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b"00\r\n"))
        else:
            frame = frame[: max(1, at)]
        if rng.one_in(2):
            self.say(self.gap(), frame + self.ask())
        else:
            self.say(self.gap(), frame)

    def noise(self):
        """Anything, with a request right behind it."""
        rng = self.rng
        n = rng.choice((1, 2, 5, 40, 255, 520))
        kind = rng.below(4)
        if kind == 0:
            data = b":" + bytes((rng.choice(b"0F3a"),)) * n
        elif kind == 1:
            data = b":" * n
        else:
            data = rng.data(n)
        self.say(self.gap(), data + self.ask())

    def asked_in_pieces(self):
        """A request with holes, of less than a second or more."""
        gap = self.gap()
        for piece in pieces(self.rng, self.ask()):
            self.say(gap, piece)
            gap = "apart" if self.rng.one_in(6) else "silent"

    def others_speak_of_us(self):
        """A frame that another one's beginning precedes."""
        frame = self.frame(self.others.id, self.others.pdu())
        self.say(self.gap(), frame[: self.rng.below(len(frame))] + self.ask())


class AsciiGame(Game):
    """Plays events and compares what umb does with what the model would."""

    def __init__(self, setup):
        from umb.frame.ascii import ASCII

        super().__init__(setup, ASCII)
        self._decoder = Decoder()

    def found(self, gap_us, data):
        """The requests that end in these characters."""
        if gap_us >= self.line.times.apart:
            self._decoder.forget()
        ids = self.setup["ids"]
        found = []
        delimiters = [link.delimiter for _, link in self.states]
        known = min(delimiters) == max(delimiters)
        for behind, frame in self._decoder.feed(data, delimiters[0]):
            if frame[0] in ids or frame[0] == 0:
                certain = known and behind <= 2 and not any(row[1] for row in found)
                end = len(data) - behind
                found.append((certain, frame[0], frame[1:], end - 1, end))
        if found and not found[-1][0]:
            self._decoder.forget()
        return found

    def is_answer(self, data, slave_id, answer):
        """Return whether these characters are the frame of this answer."""
        if len(data) < 9 or data[:1] != b":":
            return False
        try:
            decoded = binascii.unhexlify(data[1:-2])
        except ValueError:
            return False
        pdu = decoded[1:-1]
        ends = [b"\n"]  # the answer to a request that changes it may have the old one
        ends += [bytes((link.delimiter,)) for _, link in self.states]
        ends.append(answer.pdu[3:4] if answer.pdu[:3] == b"\x08\0\3" else b"\n")
        return data in [ascii(slave_id, pdu, end) for end in ends] and answer.fits(pdu)

    def check_time(self, sent, end_ns, certain):
        """An answer comes soon."""
        for begin_ns, _, _ in sent:
            late_us = (begin_ns - end_ns) // 1000
            if late_us > 2 * self.line.times.late:
                raise Difference("an answer soon", "%d us after the request" % late_us)


def play(setup, events):
    """Play a case. Returns how many requests it had."""
    game = AsciiGame(setup)
    n = 0
    for event in events:
        n += game.play(*event)
    game.rest()
    return n


_CLEAN = (
    Speaker.asked,
    Speaker.asked,
    Speaker.others_talk,
    Speaker.others_reply_alone,
    Speaker.other_is_absent,
)
_NOISY = (
    Speaker.asked,
    Speaker.asked,
    Speaker.asked_with_noise,
    AsciiSpeaker.asked_in_pieces,
    AsciiSpeaker.asked_in_pieces,
    Speaker.asked_twice_at_once,
    AsciiSpeaker.broken,
    AsciiSpeaker.broken,
    AsciiSpeaker.noise,
    AsciiSpeaker.noise,
    Speaker.others_talk,
    Speaker.others_reply_alone,
    Speaker.other_is_absent,
    AsciiSpeaker.others_speak_of_us,
    Speaker.exception_comes_back,
    Speaker.program_stalls,
)
