"""Serial lines through USB adapters: bytes come in lumps, and what is sent may come back."""

from support import spread
from support.pdu import raw, request, write_bits, write_registers
from support.rtu import OTHER, OURS, Bench, frame
from support.uart import clock

from support.client import Bench as ClientBench  # after the clock

_PIECE_MS = 33  # how often 32 bytes are there at 9600 baud
_UNKNOWN = b"\x41" + bytes(range(100))
_ANSWER = frame(OURS, b"\x03\x02\x00\x00")


def adapter(baudrate=9600, echo=False, lump_ms=_PIECE_MS, **options):
    """A slave behind an adapter that tells of bytes every so often."""
    line = {"exact_times": False, "lump": lump_ms * 1000, "echo": echo, "txdone": "true"}
    return Bench(baudrate, line=line, **options)


def test_requests_in_pieces():
    for baudrate, lump_ms in ((9600, 33), (9600, 60), (4800, 66), (19200, 16), (115200, 16)):
        bench = adapter(baudrate, lump_ms=lump_ms)
        for n in (1, 10, 11, 12, 30, 60, 90, 123):
            pdu = write_registers(0, list(range(n)))
            got = bench.ask(pdu, for_us=500_000, every_us=500)
            assert got == [frame(OURS, pdu[:5])], (baudrate, lump_ms, n, got)
        for pdu in (request(3, 0, 1), write_bits(0, [1] * 199), b"\x07", _UNKNOWN):
            assert len(bench.ask(pdu, for_us=500_000, every_us=500)) == 1, (baudrate, pdu)


def test_a_request_behind_a_fragment():
    bench = adapter()
    for n in (1, 5, 40):
        bench.hear(frame(OURS, write_registers(0, [1] * 40))[:n], 500_000)
        assert bench.ask(request(3, 0, 1), for_us=500_000, every_us=500) == [_ANSWER], n


def test_gap_ms_is_longer_than_an_adapters_pieces():
    """A hole of more than gap_ms and 64 characters ends a frame."""
    ask = frame(OURS, write_registers(0, [1] * 30))
    for gap_ms in (0, 20, 100):
        for baudrate in (9600, 115200):
            bench = adapter(baudrate, lump_ms=1, gap_ms=gap_ms)
            hole_us = gap_ms * 1000 + 64 * bench.char_us
            for pause_us, answers in ((hole_us * 8 // 10, 1), (hole_us + 10_000, 0)):
                bench.hear(ask[:32], 500_000)
                bench.hear(ask[32:], pause_us)
                bench.run(500_000, 500)
                assert len(bench.replies()) == answers, (gap_ms, baudrate, pause_us)
                bench.clear()


def test_replies_in_pieces():
    for baudrate, lump_ms in ((9600, 33), (9600, 60), (115200, 16)):
        line = {"exact_times": False, "lump": lump_ms * 1000, "txdone": "true"}
        bench = ClientBench(None, baudrate, line=line)
        bench.be_adapter()
        for n in (1, 12, 13, 14, 15, 30, 32, 60, 125):
            values = bench.call("read_holding_registers(1, 0, %d)" % n)
            assert len(values) == n, (baudrate, n)


def test_replies_of_unknown_length_in_pieces():
    """How long those are, only silence can tell."""
    reply = b"\x42" + bytes(range(29))
    line = {"exact_times": False, "lump": 20_000, "txdone": "true"}
    bench = ClientBench(lambda slave_id, _: frame(slave_id, reply), line=line)
    bench.be_adapter()
    assert bench.call("request(1, b'\\x42')") == reply


def test_a_reply_with_a_long_pause():
    """What has begun as an answer is kept: on a TTY until the time is up, else for gap_ms."""
    for exact_times, longest_us in ((True, 18_000), (False, 600_000)):
        for pause_us in (5_000, longest_us // 2, longest_us):
            for at in (1, 3, 5, 8):
                bench = ClientBench(None, timeout_ms=1000, line={"exact_times": exact_times})
                if not exact_times:
                    bench.be_adapter()
                reply = frame(1, raw("03 06 0001 0002 0003"))

                def say(_slave_id, _pdu, bench=bench, reply=reply, at=at, pause_us=pause_us):
                    end_us = bench.say(1000, reply[:at])
                    bench.say(end_us + pause_us, reply[at:])

                bench.replies = say
                got = bench.outcome("read_holding_registers(1, 0, 3)")
                assert got == [1, 2, 3], (exact_times, pause_us, at, got)


# an echo


def ask_once(bench, pdu):
    """Ask, look for a second, and return how often it answered."""
    before = len(bench.replies())
    bench.hear(frame(OURS, pdu), 200_000)
    bench.run(100_000, 500)
    bench.run(1_000_000, 10_000)  # no more comes: it only has to stay quiet
    return len(bench.replies()) - before


_ASKS = (
    request(6, 1, 7),  # its response is the request once more, as those of 5 and 22 are
    request(5, 1, 0xFF00),
    request(22, 1, 0xF0, 0x0F),
    request(3, 0, 1),
    request(3, 0, 125),
    request(3, 1000, 1),  # refused
    request(1, 0, 8),
    write_registers(0, (1, 2)),
    b"\x41",
)


def test_an_echo_is_no_request():
    for baudrate in spread((1200, 9600, 19200, 115200), 3):
        for lump_ms in (0, 1):
            for first in spread(_ASKS, 2):
                bench = adapter(baudrate, True, lump_ms)
                for pdu in (first,) + _ASKS + (first,):
                    assert ask_once(bench, pdu) == 1, (baudrate, lump_ms, first, pdu)
                assert bench.rtu.counters.bus_message_count == len(_ASKS) + 2


def test_an_echo_that_comes_late():
    """Once the adapter is known, its echo may come as late as it likes."""
    for lump_ms in (8, 16):
        bench = adapter(115200, True, lump_ms)
        for pdu in (request(3, 0, 1),) + _ASKS:
            assert ask_once(bench, pdu) == 1, (lump_ms, pdu)


def test_an_echo_between_what_others_say():
    bench = adapter(9600, True, 1)
    for pdu in _ASKS:
        assert ask_once(bench, pdu) == 1
        bench.hear(frame(OTHER, request(6, 1, 7)), 50_000)
        bench.hear(frame(OTHER, request(6, 1, 7)), 5000)
        bench.hear(frame(OTHER, request(3, 0, 9)), 5000)
        bench.run(100_000, 500)
        assert ask_once(bench, request(6, 1, 7)) == 1


def test_the_same_request_once_more_is_no_echo():
    """However soon a master asks again: a write of the same value repeats the response."""
    for baudrate in (1200, 9600, 19200, 115200):
        for first in spread(_ASKS, 3):
            for pause_us in (0, 1000, 20_000):
                bench = adapter(baudrate, False, 0)
                bench.ask(first, for_us=2 * bench.t35_us + 1000)
                for pdu in (request(6, 1, 7), request(5, 1, 0xFF00)):
                    for _ in range(3):
                        bench.hear(frame(OURS, pdu), bench.t35_us + pause_us)
                        before = len(bench.replies())
                        while len(bench.replies()) == before:
                            bench.rtu.poll()
                            clock.now_ns += max(100, bench.char_us) * 500
                            assert clock.now_us() < bench.line_us + 500_000, (baudrate, first, pdu)
                        bench.line_us = bench.uart.end_ns() // 1000 + 1


def test_a_request_that_begins_like_the_reply_before():
    bench = adapter(19200, False, 0)
    for pdu in (request(6, 1, 7), request(6, 1, 8), request(6, 2, 8), request(3, 1, 1)):
        for _ in range(2):
            assert ask_once(bench, pdu) == 1
    assert ask_once(bench, request(6, 1, 7)) == 1
    bench.hear(frame(OURS, request(6, 1, 7))[:5], 3000)
    bench.run(200_000)
    assert ask_once(bench, request(3, 1, 1)) == 1
