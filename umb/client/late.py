"""Late replies: which slaves may still answer a request whose time-out is over.

Frames on a serial line have no transaction ids. A reply that comes after its time-out has the form
of a reply to the next request, and nothing in it shows which of the two it belongs to.
"""

from time import ticks_add, ticks_diff

from micropython import const

from ..fast import crc16

_TIMEOUT_MOST_MS = const(1 << 27)  # ticks wrap at 1 << 30
_SEVERAL = const(-1)  # in place of a fingerprint or a form: there was more than one
# The codes of reads whose requests differ in one word, and of writes whose replies repeat more.
_ONE_WORD = const(b"\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0f\x10\x11\x16\x18\x2b")
_ECHOES = const(b"\x05\x06\x15\x16")  # codes whose reply is the request

_PLACES = const(6)  # how many slaves can be late at the same time
# What a place has, by index:
_SLAVE_ID = const(0)  # the slave
_REPLIES = const(1)  # how many replies of it may still come
_FINGERPRINT = const(2)  # the fingerprint of their request
_FORM = const(3)  # the form of these replies, see LateReplies
_UNTIL_MS = const(4)  # the time after which they are not expected any more
_TIMEOUT_MS = const(5)  # the time-out of their request
_ANSWERED = const(6)  # whether a reply has counted while these were expected
_FREE = const(-1)  # in place of a slave id


def fingerprint_of(adu, n, crc):
    """Return a number that requests have in common if they are the same.

    adu   the request PDU of n bytes at adu[7]
    crc   its CRC-16. It differs between all requests that differ in one word. Those that read bits
          can differ in two, the address and a quantity of the same number of bytes: the quantity
          is in the number, too. Of requests that can differ in more, a second sum is
    """
    code = adu[7]
    more = adu[10] << 8 | adu[11] if code < 5 else 0
    if code not in _ONE_WORD:
        for i in range(7, 7 + n):
            more = more * 31 + adu[i] & 0x7FF
    return (more & 0x7FF) << 16 | crc


class LateReplies:
    """Keeps account of the replies that may still come on one serial line.

    A slave may answer a request until three time-outs have passed, counted from the end of the
    request. Until then

    * a slave that answers as a rule is not asked again before its late reply has come, and then
      one more time-out has passed, as it may repeat itself. Where a retry was answered meanwhile,
      three time-outs have to pass: nobody can tell a late reply from that answer repeated;
    * any other slave is asked at once. If it answers, that may be the late reply, and does not
      count, unless it was asked the same each time;
    * a request whose caller did not wait for the reply keeps the line until that has come, or its
      time-out has passed.

    So a reply that counts belongs to its request. Slaves that answer in time are never waited for,
    nor are those that never answer. Of a slave that stops answering, the first request costs three
    time-outs and every further one costs one.

    The client describes the request under way by setting

    slave_id      the slave that the request is for
    fingerprint   fingerprint_of() the request
    form          the function code of its reply << 8 | the length of that PDU, 0: it is not known
    deadline_ms   when its time-out ends
    timeout_ms    how long that is, from the end of the request on

    leaving_ms    how long the end of a request may still be leaving when it counts as sent
    inexact_ms    the error of times, and the delay with which the first byte of a reply may be
                  noticed
    """

    def __init__(self, leaving_ms, inexact_ms):
        self._leaving_ms = leaving_ms
        self._inexact_ms = inexact_ms
        self.slave_id = self.fingerprint = self.form = self.deadline_ms = self.timeout_ms = 0
        self.abandoned_id = None  # the slave whose reply no call waited for; 0: a broadcast
        self.count = 0  # how many places are taken
        self._places = [[_FREE, 0, 0, 0, 0, 0, False] for _ in range(_PLACES)]
        self._answers = bytearray(32)  # a bit for each slave: whether it answers as a rule

    def wait_ms(self, slave_id, now_ms):
        """Return for how long a request to this slave has to wait; 0: it can be sent."""
        self._free_expired(now_ms)
        wait_ms = 0
        if self.abandoned_id is not None:
            place = self._find(self.abandoned_id)
            if place:
                wait_ms = max(0, self._running_ms(place, now_ms))
            if not wait_ms:
                self.abandoned_id = None
        place = self._find(slave_id)
        if place is None:
            if self.count < _PLACES:
                return wait_ms
            place = self._places[0]  # there must be a place to note that this slave is late, too
        elif not self._answers[slave_id >> 3] >> (slave_id & 7) & 1:
            return wait_ms
        return max(wait_ms, ticks_diff(place[_UNTIL_MS], now_ms))

    def expects(self, slave_id, began_ms, fingerprint=None):
        """Return whether a frame of this slave may be a late reply, to another request than this.

        began_ms      when the first byte of the frame was received
        fingerprint   of the request under way; None: any earlier request counts
        """
        if not self.count:
            return False
        self._free_expired(began_ms)
        place = self._find(slave_id)
        return place is not None and place[_REPLIES] > 0 and place[_FINGERPRINT] != fingerprint

    def has_form(self, adu, n):
        """Return whether the PDU of n bytes at adu[7] has the form of a late reply.

        If not, another master has asked slave adu[6], or the PDU is a request. A reply of FC 5, 6,
        21 or 22 is the same as its request.
        """
        place = self._find(adu[6])
        if place is None or not place[_REPLIES]:
            return False
        if adu[7] in _ECHOES:
            crc = crc16(adu, 6, n + 1)
            return place[_FINGERPRINT] == _SEVERAL or place[_FINGERPRINT] == fingerprint_of(
                adu, n, crc
            )
        form = place[_FORM]
        if form == _SEVERAL:
            return True
        if form >> 8 != adu[7] & 0x7F:
            return False
        return n == (2 if adu[7] & 0x80 else form & 0xFF or n)

    def answered(self):
        """Note that the slave has answered the request under way."""
        slave_id = self.slave_id
        self._answers[slave_id >> 3] |= 1 << (slave_id & 7)
        if self.count:
            place = self._find(slave_id)
            if place and place[_REPLIES]:
                # It may have answered an earlier request: then the reply to this one is to come.
                place[_REPLIES] -= 1
                self.timed_out(1)
                place[_ANSWERED] = True

    def timed_out(self, replies):
        """Note the time-out of the request under way, after which so many replies may come."""
        place = self._find(self.slave_id)
        if place is None:
            place = self._find(_FREE) or self._places[0]
            place[_SLAVE_ID] = self.slave_id
            place[_REPLIES] = 0
            self.count += 1
        if not place[_REPLIES]:
            place[_FINGERPRINT] = self.fingerprint
            place[_FORM] = self.form
            place[_UNTIL_MS] = self.deadline_ms
            place[_TIMEOUT_MS] = 0
            place[_ANSWERED] = False
        elif place[_FINGERPRINT] != self.fingerprint:
            place[_FINGERPRINT] = place[_FORM] = _SEVERAL
        place[_REPLIES] += replies
        timeout_ms = min(self.timeout_ms, _TIMEOUT_MOST_MS)
        place[_TIMEOUT_MS] = max(place[_TIMEOUT_MS], timeout_ms)
        until_ms = ticks_add(self.deadline_ms, 2 * timeout_ms + self._inexact_ms)
        if ticks_diff(until_ms, place[_UNTIL_MS]) > 0:
            place[_UNTIL_MS] = until_ms

    def received(self, slave_id, now_ms, has_form):
        """Note a frame of this slave that does not answer the request under way.

        has_form   what has_form() returned for it
        """
        self._free_expired(now_ms)
        self._answers[slave_id >> 3] |= 1 << (slave_id & 7)
        place = self._find(slave_id)
        if place is None or not has_form:
            return
        place[_REPLIES] -= 1
        if place[_REPLIES]:
            return
        if slave_id == self.abandoned_id:
            self.abandoned_id = None
            if self._running_ms(place, now_ms) > 0 and not place[_ANSWERED]:
                self._free(place)  # it was in time, but no call waited for it
                return
        if not place[_ANSWERED] or ticks_diff(place[_UNTIL_MS], now_ms) < place[_TIMEOUT_MS]:
            place[_UNTIL_MS] = ticks_add(now_ms, place[_TIMEOUT_MS])  # it may repeat itself

    def _running_ms(self, place, now_ms):
        """Return for how long the time-out of a slave's last request still runs."""
        return ticks_diff(place[_UNTIL_MS], now_ms) - 2 * place[_TIMEOUT_MS] - self._inexact_ms

    def _find(self, slave_id):
        """Return the place of this slave, or None."""
        for place in self._places:
            if place[_SLAVE_ID] == slave_id:
                return place
        return None

    def _free(self, place):
        slave_id = place[_SLAVE_ID]
        if place[_REPLIES]:  # these replies were not sent
            self._answers[slave_id >> 3] &= ~(1 << (slave_id & 7))
        place[_SLAVE_ID] = _FREE
        self.count -= 1

    def _free_expired(self, now_ms):
        """Free the places of slaves whose late replies are not expected any more."""
        for place in self._places:
            if place[_SLAVE_ID] != _FREE and self._is_expired(place, now_ms):
                self._free(place)

    def _is_expired(self, place, now_ms):
        left_ms = ticks_diff(place[_UNTIL_MS], now_ms)
        longest_ms = 3 * place[_TIMEOUT_MS] + self._inexact_ms + self._leaving_ms
        return not 0 < left_ms <= longest_ms  # more: so much time that the clock has wrapped
