"""RTUClient and what else is on the line: echoes, noise, other slaves, late answers."""

from support import spread
from support.boards import BOARDS
from support.client import Bench, always, clock, frame, garbled, in_turn, raw, silent
from support.client_calls import BROADCASTS

from umb.client.status import PENDING

_READ = "read_holding_registers(1, 10, 2)"
_RIGHT = always("030400460047")
_VALUES = [0x46, 0x47]
_WRITE = "write_single_register(1, 10, 7)"  # its echo looks like its answer


def test_every_port():
    for name in BOARDS:
        for baudrate in (9600, 115200):
            check_long_frames(BOARDS[name], baudrate)
    check_long_frames({}, 1200)


def check_long_frames(line, baudrate):
    bench = Bench(baudrate=baudrate, line=line)
    bench.works()
    bench.client.timeout_ms = 3000  # at 1200 baud the longest reply takes that long
    bench.expect(123, "write_multiple_registers(1, 0, [1] * 123)")
    bench.expect(1968, "write_multiple_coils(1, 0, [1] * 1968)")
    assert len(bench.call("read_holding_registers(1, 0, 125)")) == 125


def replies_seen(baudrate, reply, every_us):
    """Have a program that looks so often take replies that only silence ends. Returns failures."""
    bench = Bench(lambda slave_id, _: frame(slave_id, reply), baudrate, timeout_ms=200)
    clock.step_ns = bench.char_us * 1000 // 20  # a slow board
    client = bench.client
    adu = bytearray(262)
    failures = 0
    for _ in range(10):
        adu[6:8] = b"\1\x41"
        status = client.forward(adu, 1, 200, False)
        while status == PENDING:
            clock.sleep_us(every_us)
            status = client.advance()
        failures += status != 0 or client.response_size() != len(reply)
        clock.sleep_us(every_us // 7)
    return failures


def test_a_reply_that_only_silence_ends_whenever_one_looks():
    """Its last bytes are taken when the silence is seen, however soon after that it is judged."""
    for baudrate, char_us in ((1200, 9167), (9600, 1146), (19200, 573)):
        for n in (1, 2, 32, 33, 34, 65, 100):
            for every_us in spread(range(char_us // 3, char_us, char_us // 23), 6):
                assert not replies_seen(baudrate, b"\x41" * n, every_us), (baudrate, n, every_us)


# --- the client's own echo


def test_own_echo_is_no_answer():
    """The transceiver's receiver is always on (/RE tied low)."""
    for name in BOARDS:
        for baudrate in (19200, 115200):
            for echo in (False, True):
                line = dict(BOARDS[name], echo=True)
                bench = Bench(silent, baudrate, line=line, echo=echo, timeout_ms=60)
                for call in (_READ, _WRITE, "write_single_coil(1, 0, 1)", "request(1, b'A')"):
                    bench.expect("NoReplyError", call)
                bench.works()
                # All of nrf's echo comes while write() blocks, and its ring has 64 characters.
                n = 20 if echo and name == "nrf" else 123
                bench.expect(n, "write_multiple_registers(2, 0, [1] * {})".format(n))


def test_own_echo_of_an_adapter():
    """Where nobody can tell when the request has left, echo=True has it read back."""
    for baudrate in (9600, 115200):
        line = {"echo": True, "txdone": "true"}
        bench = Bench(silent, baudrate, line=line, echo=True, timeout_ms=60)
        bench.be_adapter()
        for call in (_READ, _WRITE):
            bench.expect("NoReplyError", call)
        bench.works()
        bench.expect(123, "write_multiple_registers(2, 0, [1] * 123)")


def echoing(bench, echo, reply=None):
    """A script: this comes back in place of the request, then maybe an answer."""

    def script(_slave_id, _pdu):
        bench.say(-len(echo) * bench.char_us, echo)
        if reply is not None:
            bench.say(bench.t35_us + 500, reply)

    return script


def test_a_changed_echo_is_a_bad_reply():
    """Somebody else was speaking, or the line is cut."""
    request = frame(1, raw("03000a0002"))
    for i in range(len(request)):
        bench = Bench(echo=True, timeout_ms=60)
        bench.replies = echoing(
            bench, request[:i] + bytes((request[i] ^ 0x20,)) + request[i + 1 :]
        )
        bench.expect("BadReplyError", _READ)
    for n in range(1, len(request)):
        bench = Bench(echo=True, timeout_ms=60)
        bench.replies = echoing(bench, request[:n])
        bench.expect("BadReplyError", _READ)


def test_an_echo_that_does_not_come():
    bench = Bench(silent, echo=True, timeout_ms=60)
    bench.expect("NoReplyError", _READ)
    bench.replies = _RIGHT  # which is taken for the echo
    bench.expect("BadReplyError", _READ)


def test_an_answer_after_the_echo():
    request = frame(1, raw("03000a0002"))
    for reply, wanted in (
        (frame(1, raw("030400460047")), _VALUES),
        (frame(1, raw("8302")), "IllegalDataAddressError"),
        (frame(1, raw("0302")), "BadReplyError"),
        (request, "BadReplyError"),
    ):
        bench = Bench(echo=True, timeout_ms=60)
        bench.replies = echoing(bench, request, reply)
        bench.expect(wanted, _READ)


# --- noise


def noisy(noise, gap_us):
    """A script: noise, so much later the right answer."""

    def script(slave_id, pdu, bench):
        end_us = bench.say(bench.t35_us, noise)
        bench.say(end_us + gap_us, _RIGHT(slave_id, pdu))

    return script


def test_noise_before_a_reply():
    """A transceiver that switches spits a character or two."""
    for baudrate in (9600, 19200, 115200):
        for name in ("rp2", "any() is 0 or 1"):
            for noise in (b"\0", b"\xff", b"\x01", b"\x03", b"\x01\x03", b"\0\xff\0", b"\x01\x83"):
                for gap_us in (0, 300, 5000):
                    check_noise(baudrate, BOARDS[name], noise, gap_us)


def check_noise(baudrate, line, noise, gap_us):
    bench = Bench(baudrate=baudrate, line=line, timeout_ms=500)
    script = noisy(noise, gap_us)
    bench.replies = lambda slave_id, pdu: script(slave_id, pdu, bench)
    bench.expect(_VALUES, _READ)
    bench.expect(_VALUES, _READ)


def test_stray_characters_after_a_reply():
    for stray in (b"\0", b"\xff\xff", b"\x01\x03\x04"):
        bench = Bench(lambda slave_id, pdu, tail=stray: _RIGHT(slave_id, pdu) + tail)
        for _ in range(3):
            bench.expect(_VALUES, _READ)
        bench.works()


def test_nothing_but_noise():
    for noise in (b"\xff", b"\x01", b"\x01\x03\xff", bytes(100), bytes(300), b"\x01\x03" * 200):
        bench = Bench(lambda *_, noise=noise: noise, baudrate=115200, timeout_ms=60)
        bench.expect("BadReplyError", _READ)
        bench.works()


def test_a_torn_reply():
    """USB adapters deliver in pieces; up to gap_ms may lie between them."""
    for n in range(1, 9):
        bench = Bench(baudrate=115200, gap_ms=20)

        def script(slave_id, pdu, n=n, bench=bench):
            data = _RIGHT(slave_id, pdu)
            bench.say(bench.say(2000, data[:n]) + 16_000, data[n:])

        bench.replies = script
        bench.expect(_VALUES, _READ)
        bench.works()


# --- other slaves, other times


def test_replies_of_other_slaves_are_dropped():
    other = frame(2, raw("030411112222"))
    for first in (other, other + frame(3, raw("8304")), frame(0, raw("030411112222"))):
        bench = Bench(timeout_ms=200)

        def script(slave_id, pdu, first=first, bench=bench):
            bench.say(bench.say(2500, first) + 6000, _RIGHT(slave_id, pdu))

        bench.replies = script
        bench.expect(_VALUES, _READ)
        bench.replies = lambda *_, first=first: first
        bench.expect("BadReplyError", _READ)
        bench.works()


def test_other_slaves_do_not_prolong_the_wait():
    """SL 2.4.1: the response timer goes on when another slave answers."""
    bench = Bench(timeout_ms=100)

    def script(_slave_id, _pdu):
        at_us = 0
        for _ in range(20):
            at_us = bench.say(at_us + 10_000, frame(2, raw("030411112222")))

    bench.replies = script
    bench.expect("BadReplyError", _READ)
    waited_us = clock.now_us() - bench.bus.times_us[0]
    assert 99_000 <= waited_us <= 112_000, waited_us


def test_a_late_reply_is_dropped_when_it_comes():
    """Before the next call, or when that one would like to speak."""
    for call_us in (100_000, 85_000, 82_500, 80_500):
        bench = Bench(timeout_ms=50)
        bench.replies = lambda *_: (80_000, frame(1, raw("030411112222")))
        bench.expect("NoReplyError", _READ)
        clock.sleep_us(bench.bus.times_us[0] + call_us - clock.now_us())
        bench.replies = _RIGHT
        bench.client.timeout_ms = 1000
        bench.expect(_VALUES, _READ)
        bench.works()


def test_the_late_reply_of_another_slave():
    """It comes after the next request."""
    bench = Bench(timeout_ms=50)
    bench.replies = lambda *_: (65_000, frame(1, raw("030411112222")))
    bench.expect("NoReplyError", _READ)
    bench.replies = lambda slave_id, _: (60_000, frame(slave_id, raw("030400460047")))
    bench.client.timeout_ms = 1000
    bench.expect(_VALUES, "read_holding_registers(2, 10, 2)")


def test_a_slow_slave():
    for delay_us in (250_000, 900_000, 990_000):
        bench = Bench(lambda *_, us=delay_us: (us, frame(1, raw("030400460047"))), 115200)
        bench.expect(_VALUES, _READ)
        bench.works()


# --- broadcasts


def test_broadcasts():
    for call, pdu in BROADCASTS:
        for turnaround_ms in (100, 0, 250):
            bench = Bench(silent, turnaround_ms=turnaround_ms)
            bench.expect(None, call)
            assert bench.bus.asked == [(0, raw(pdu))]
            waited_us = clock.now_us() - bench.bus.times_us[0]
            assert 0 <= waited_us - 1000 * turnaround_ms + 1000 <= 12_000, (call, waited_us)
            bench.works()


def test_slaves_that_answer_a_broadcast():
    bench = Bench()
    bench.bus.asked = Answered(bench)
    bench.expect(None, "write_single_register(0, 10, 7)")
    bench.bus.asked = []
    bench.works()


class Answered(list):
    """What was asked: whatever comes, somebody says something at once."""

    def __init__(self, bench):
        super().__init__()
        self._bench = bench

    def append(self, request):
        self._bench.say(5000, frame(1, request[1]))


def test_broadcasts_with_an_echo():
    for echo in (False, True):
        bench = Bench(silent, line={"echo": True}, echo=echo)
        bench.expect(None, "write_single_register(0, 10, 7)")
        bench.works()


def test_retries_after_all_of_this():
    other = always("030411112222")
    bench = Bench(timeout_ms=60, retries=4)
    bench.replies = in_turn(
        silent, garbled(_RIGHT), lambda _, pdu: other(2, pdu), lambda *_: b"\xff", _RIGHT
    )
    bench.expect(_VALUES, _READ)
    assert len(bench.bus.asked) == 5
