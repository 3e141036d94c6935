"""RTUClient: which frame on the line is the reply, and when it is clear that none will come."""

from support.boards import RECEIVERS, BOARDS
from support.client import Bench, always, clock, frame, garbled, in_turn, raw
from support import spread
from support.bus import answer, value_of  # isort: skip

import random

from umb.client.status import PENDING
from umb.fast import crc16

_READ = "read_holding_registers(1, 10, 2)"
_RIGHT = always("030400460047")
_VALUES = [0x46, 0x47]

# Calls, right replies to them, and what they return.
_EXCHANGES = (
    (_READ, "030400460047", _VALUES),
    ("read_holding_registers(1, 0, 125)", "03fa" + "0001" * 125, [1] * 125),
    ("read_coils(1, 0, 3)", "010105", [1, 0, 1]),
    ("read_coils(1, 0, 2000)", "01fa" + "ff" * 250, [1] * 2000),
    ("write_single_coil(1, 0, 1)", "050000ff00", 1),
    ("write_single_register(1, 0, 1)", "0600000001", 1),
    ("write_multiple_coils(1, 0, [1])", "0f00000001", 1),
    ("write_multiple_registers(1, 0, [1])", "1000000001", 1),
    ("mask_write_register(1, 0, 1, 2)", "16000000010002", None),
    ("read_write_multiple_registers(1, 0, 1, 0, [1])", "17020001", [1]),
    ("read_fifo_queue(1, 5)", "18000400010007", [7]),
    ("diagnostics(1, 10)", "08000a0000", 0),
    ("report_server_id(1)", "110241ff", b"A\xff"),
    ("read_device_identification(1)", "2b0e01010000010001" + "41", {0: b"A"}),
    ("request(1, b'A')", "41aa55", b"A\xaaU"),
)


# --- the length of a reply


def has_an_end_inside(data):
    """Whether a part of this frame that begins with it looks like a whole one."""
    for n in range(4, len(data)):
        if crc16(data, 0, n) == 0:
            return True
    return False


def test_replies_that_look_whole_before_they_are():
    """The CRC of a beginning may be right by chance: the byte count decides, for every value."""
    tried = 0
    for value in range(65536):
        for head in (b"\x03\x02", b"\x18\x00\x04\x00\x01", b"\x06\x00\x05", b"\x01\x02"):
            pdu = head + bytes((value >> 8, value & 0xFF))
            crc = crc16(b"\x01" + pdu, 0, len(pdu) + 1)
            data = b"\x01" + pdu + bytes((crc & 0xFF, crc >> 8))
            if has_an_end_inside(data) or value % 8191 == 0:
                check_value(head[0], value, data)
                tried += 1
    assert tried > 500, tried


def check_value(code, value, data):
    bench = Bench(lambda *_: data, 115200, timeout_ms=50)
    if code == 3:
        bench.expect([value], "read_holding_registers(1, 5, 1)")
    elif code == 6:
        bench.expect(value, "write_single_register(1, 5, {})".format(value))
    elif code == 1:
        low, high = value >> 8, value & 0xFF
        bits = [(low | high << 8) >> i & 1 for i in range(16)]
        bench.expect(bits, "read_coils(1, 5, 16)")
    else:
        bench.expect([value], "read_fifo_queue(1, 5)")


# --- a reply with an error in it


def test_the_end_of_a_damaged_reply_is_the_end_of_the_wait():
    """Every bit of a reply turned over in turn: then the next try, with nothing to wait for."""
    for call, pdu, value in _EXCHANGES[:1] + _EXCHANGES[4:10]:
        whole = frame(1, raw(pdu))
        for at in range(len(whole)):
            for bit in spread(range(8), 3):
                data = whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :]
                script = in_turn(lambda *_, d=data: d, always(pdu))
                bench = Bench(script, 19200, retries=1, line={"step_us": 20})
                bench.expect(value, call)
                assert bench.took_us < 80_000, (call, at, bit, bench.took_us)
                bench.works()


def test_a_damaged_reply_of_any_length():
    for call, pdu, value in _EXCHANGES[:10]:
        for line in RECEIVERS:
            bench = Bench(in_turn(garbled(always(pdu)), always(pdu)), 115200, line=BOARDS[line])
            bench.expect("BadReplyError", call)
            assert bench.took_us < 120_000, (call, bench.took_us)
            bench.expect(value, call)
            assert bench.took_us < 80_000, "that one had answered"


def test_a_damaged_exception():
    for at in range(2, 5):
        data = frame(1, raw("8302"))
        data = data[:at] + bytes((data[at] ^ 8,)) + data[at + 1 :]
        bench = Bench(in_turn(lambda *_, d=data: d, _RIGHT), retries=1)
        bench.expect(_VALUES, _READ)
        assert bench.took_us < 80_000


def test_a_reply_that_breaks_off():
    whole = frame(1, raw("030400460047"))
    for n in range(5, len(whole)):
        bench = Bench(in_turn(lambda *_, n=n: whole[:n], _RIGHT), retries=1)
        bench.expect(_VALUES, _READ)
        assert bench.took_us < 80_000


def test_noise_is_no_damaged_reply():
    """As long as a reply, before it: it is still to come."""
    for noise in (b"\0", b"\xff" * 4, b"\x01\x03", b"\x01\x03\x04", b"\x01\x83", bytes(8)):
        bench = Bench(timeout_ms=300)

        def script(slave_id, pdu, noise=noise, bench=bench):
            bench.say(bench.say(3000, noise) + 60_000, _RIGHT(slave_id, pdu))

        bench.replies = script
        bench.expect(_VALUES, _READ)


# --- noise at the edges of a reply


def test_noise_beside_a_reply():
    """Transceivers spit when they switch, on either side; exceptions and replies alike."""
    edges = (b"", b"\0", b"\xff", b"\0\0", b"\xff\0\xff")
    for before in edges:
        for after in edges:
            for call, pdu, value in _EXCHANGES:
                data = before + frame(1, raw(pdu)) + after
                bench = Bench(lambda *_, d=data: d, 19200, timeout_ms=400)
                bench.expect(value, call)
            data = before + frame(1, raw("8302")) + after
            bench = Bench(lambda *_, d=data: d, 19200, timeout_ms=400)
            bench.expect("IllegalDataAddressError", _READ)


# --- another master


_REQUESTS = (
    "0300640002",
    "03006e000a",
    "0100000010",
    "020005 0001",
    "0400050001",
    "0f0005000a02ff03",
    "10000500020400010002",
    "170000000100050001020007",
)


def _expect_behind(request, pdu, value, call):
    """The reply comes behind another master's request to the same slave, and counts."""
    bench = Bench(timeout_ms=300)

    def script(_id, _pdu):
        end_us = bench.say(5000, frame(1, raw(request)))
        bench.say(end_us + 30_000, frame(1, raw(pdu)))

    bench.replies = script
    bench.expect(value, call)


def test_another_masters_request_to_the_slave_that_was_asked():
    """Also one of the very form of ours: the reply comes later, and counts."""
    for request in _REQUESTS:
        for call, pdu, value in _EXCHANGES:
            _expect_behind(request, pdu, value, call)


def test_another_masters_write_to_the_slave_that_was_asked():
    """Its form is that of a response: to another function code than ours it is told by that."""
    for request in ("0600050007", "050005ff00", "1600050001 0002", "0800000007"):
        for call, pdu, value in _EXCHANGES:
            if pdu[:2] == request[:2]:
                continue
            _expect_behind(request, pdu, value, call)


def test_a_request_alone_is_no_reply():
    bench = Bench(lambda *_: frame(1, raw("0300640002")), timeout_ms=100)
    bench.expect("BadReplyError", _READ)
    assert 99_000 < bench.took_us < 125_000, bench.took_us
    bench.works()


def test_values_are_never_those_of_a_frame_that_ends_early():
    """A slave that begins again: any part of its reply, a pause of any length, then all of it."""
    for baudrate in (9600, 115200):
        for quantity in (1, 4, 15, 120):
            wanted = [value_of(5, i) for i in range(quantity)]
            text = "read_holding_registers(5, 0, {})".format(quantity)
            size = 5 + 2 * quantity
            for cut in spread(range(1, min(size + 3, 14)), 7):
                for pause_us in (0, 1000, 5000, 21_000):
                    bench = Bench(baudrate=baudrate, timeout_ms=300)
                    bench.replies = twice(bench, cut, pause_us)
                    got = bench.outcome(text)
                    what = (baudrate, quantity, cut, pause_us, got)
                    assert got == wanted or got in ("BadReplyError", "NoReplyError"), what


def twice(bench, cut, pause_us):
    """A script: so many bytes of the reply, perhaps with others behind it, and then the reply."""

    def reply(slave_id, pdu):
        whole = frame(slave_id, answer(slave_id, pdu))
        other = bytes(byte ^ 0x55 for byte in whole[3:-2])
        begun = (whole[:3] + other + whole[-2:] + b"\x05\x03")[:cut]
        begun_us = bench.say(2500, begun)
        bench.say(begun_us + pause_us, whole)

    return reply


# --- a reply that takes longer than the time-out


def test_a_reply_that_is_arriving_is_heard_to_its_end():
    """timeout_ms runs until it begins."""
    for baudrate, timeout_ms in ((1200, 1000), (9600, 100), (19200, 50)):
        for name in RECEIVERS:
            for delay_ms in (5, timeout_ms - 12):
                line = BOARDS[name] if name != "nrf" else {}
                bench = Bench(baudrate=baudrate, line=line, timeout_ms=timeout_ms)
                bench.bus.delay_us = delay_ms * 1000
                wanted = [value_of(5, i) for i in range(100)]
                bench.expect(wanted, "read_holding_registers(5, 0, 100)")
                bench.expect(wanted[:60], "read_input_registers(5, 0, 60)")
                bench.expect([7], "read_holding_registers(5, 0, 1)[:0] or [7]")


def test_a_reply_within_noise_is_heard_to_its_end():
    """Whenever the time is up between its beginning and its end, and however seldom one looks."""
    for baudrate, delay_ms, width_ms in ((1200, 55, 110), (2400, 55, 60)):
        for before in (b"", b"\xff", b"\xff\xff", b"\0"):
            for behind in (b"", b"\xff", b"\0\0"):
                for late_ms in spread(range(len(before) * 9 + 10, width_ms), 6):
                    for every_us in (500, 4583, 9000):
                        bench = Bench(baudrate=baudrate, timeout_ms=delay_ms + late_ms)
                        bench.bus.delay_us = delay_ms * 1000
                        bench.replies = lambda slave_id, _, before=before, behind=behind: (
                            before + frame(slave_id, raw("0304 0001 0002")) + behind
                        )
                        what = (baudrate, before, behind, late_ms, every_us)
                        assert polled(bench.client, every_us) == 0, what


def polled(client, every_us):
    """Read two registers as a gateway does, which looks so often. Returns the status."""
    request = client.new_request(3, 5, 0, 2)
    status = client.begin(request)
    while status == PENDING:
        clock.sleep_us(every_us)
        status = client.go_on(request, False)
    client.release(request)
    return status


def test_a_reply_that_begins_too_late_is_not_heard():
    bench = Bench(_RIGHT, timeout_ms=50)
    bench.replies = lambda slave_id, pdu: (53_000, _RIGHT(slave_id, pdu))
    bench.expect("NoReplyError", _READ)
    assert bench.took_us < 75_000


def test_a_reply_that_stops_arriving():
    """Half of it: no longer than a character may be missing."""
    whole = frame(1, raw("0328" + "0001" * 20))
    bench = Bench(lambda *_: (45_000, whole[:20]), timeout_ms=50)
    bench.expect("BadReplyError", "read_holding_registers(1, 0, 20)")
    assert bench.took_us < 100_000, bench.took_us


# --- noise without end


def test_noise_keeps_the_time_out():
    """On a board that is slower than the line, as on a quick one."""
    random.seed(1)
    noises = (
        bytes(random.randrange(256) for _ in range(3000)),
        bytes(3000),
        b"\xff" * 3000,
        b"\x01" * 3000,
        b"\x01\x03\x04" * 1000,
        frame(1, raw("030411")) * 400,
        frame(2, raw("030411112222")) * 300,
        frame(1, raw("0300640002")) * 350,
    )
    for noise in noises:
        for cost_us in (10, 40, 120):
            bench = Bench(baudrate=115200, timeout_ms=100)
            bench.bus._cost_ns = cost_us * 1000
            bench.replies = lambda *_, noise=noise: noise
            before_us = clock.now_us()
            assert bench.outcome(_READ) in ("BadReplyError", "NoReplyError")
            took_ms = (clock.now_us() - before_us) // 1000
            assert took_ms < 160, (noise[:4], cost_us, took_ms)
