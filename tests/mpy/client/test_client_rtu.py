"""RTUClient's calls: what they send, what they return, and which answers they do not believe."""

from support.client import Bench, always, frame, garbled, in_turn, raw, silent
from support.client_calls import (
    BAD_CALLS,
    BAD_RESPONSES,
    BAD_SERIAL_CALLS,
    CALLS,
    EXCEPTIONS,
    INTO,
    ODD_CALLS,
)
from support.umb import Signed, raises

from umb.errors import (
    BadReplyError,
    IllegalDataAddressError,
    ModbusError,
    NoConnectionError,
    NoReplyError,
)

_READ = "read_holding_registers(1, 10, 2)"
_RIGHT = always("030400460047")
_VALUES = [0x46, 0x47]
# Bad responses that another master may have sent, as requests: the reply can still come.
_REQUESTS = ("the request itself", "the whole request")


def test_calls():
    for call, request_pdu, response, result in CALLS:
        bench = Bench(always(response))
        bench.expect(result, call)
        assert bench.asked() == [request_pdu], call
        assert bench.bus.asked[0][0] == (247 if "247" in call else 1)


def test_calls_at_every_speed():
    for baudrate in (1200, 9600, 115200, 921600):
        for parity in (None, 0, 1):
            bench = Bench(_RIGHT, baudrate, parity)
            bench.expect(_VALUES, _READ)
            bench.works()


def test_into():
    for call, request_pdu, response, result, filled in INTO:
        bench = Bench(always(response))
        bench.expect(result, call)
        assert bench.values == filled and bench.asked() == [request_pdu], call


def test_bad_arguments_are_refused_before_a_byte_is_sent():
    bench = Bench()
    for call in BAD_CALLS + BAD_SERIAL_CALLS:
        bench.expect("ValueError", call)
        assert bench.took_us < 1000, call
    assert bench.bus.end_ns() == 0 and bench.bus.asked == [] and bench.bus.pin.pulses == 0
    bench.works()


def test_what_is_no_number_is_not_sent():
    bench = Bench()
    for call in ODD_CALLS:
        assert bench.outcome(call) in ("ValueError", "TypeError"), call
    assert bench.bus.end_ns() == 0 and bench.bus.asked == []
    bench.works()


def test_signed():
    for code in ("03", "04", "17"):
        bench = Bench(always(code + "04ffff7fff"))
        call = {
            "03": "read_holding_registers(1, 0, 2{})",
            "04": "read_input_registers(1, 0, 2{})",
            "17": "read_write_multiple_registers(1, 0, 2, 0, [1]{})",
        }[code]
        bench.expect([65535, 32767], call.format(""))
        bench.expect([-1, 32767], call.format(", signed=True"))
        with Signed():
            bench.expect([-1, 32767], call.format(""))
            bench.expect([65535, 32767], call.format(", signed=False"))


def test_exceptions():
    for code, name in EXCEPTIONS:
        bench = Bench(
            lambda slave_id, pdu, code=code: frame(slave_id, bytes((pdu[0] | 0x80, code)))
        )
        for call in [row[0] for row in CALLS][:: 4 if code > 1 else 1]:
            error = raises(ModbusError, bench.call, call)
            assert type(error).__name__ == name and error.error_code == code, (call, error)
        bench.works()


def test_exception_of_a_wrong_crc_is_none():
    bench = Bench(garbled(always("8302")), timeout_ms=100)
    bench.expect("BadReplyError", _READ)
    bench.works()


def test_bad_responses():
    for name, call, response in BAD_RESPONSES:
        bench = Bench(always(response))
        bench.expect("BadReplyError", call)
        at_once = name not in _REQUESTS
        assert (bench.took_us < 100_000) == at_once, name
        bench.works()


def test_wrong_crc():
    for text in ("030400460047", "03", "0102ffff", "c101"):
        for bit in (0, 7, 8, 15):
            turn = 1 << (bit & 7)

            def script(slave_id, _, text=text, turn=turn, bit=bit):
                data = bytearray(frame(slave_id, raw(text)))
                data[-1 - bit // 8] ^= turn
                return bytes(data)

            bench = Bench(script, timeout_ms=100)
            bench.expect("BadReplyError", _READ)
            bench.works()


def test_every_byte_of_a_reply_counts():
    whole = frame(1, raw("030400460047"))
    for i in range(len(whole)):
        bench = Bench(
            lambda *_, i=i: whole[:i] + bytes((whole[i] ^ 4,)) + whole[i + 1 :], timeout_ms=100
        )
        bench.expect("BadReplyError", _READ)
        bench.works()


def test_cut_replies():
    whole = frame(1, raw("030400460047"))
    for n in range(len(whole)):
        bench = Bench(lambda *_, n=n: whole[:n], timeout_ms=100)
        bench.expect("BadReplyError" if n else "NoReplyError", _READ)
        bench.works()


def test_padding_bits_are_nobodys():
    bench = Bench(always("0101ff"))
    bench.expect([1, 1, 1], "read_coils(1, 0, 3)")


def test_answers_of_unknown_length():
    """request() sends what nobody here knows; silence ends the answer."""
    for size in (1, 2, 3, 50, 252):
        bench = Bench(always("42" + "5a" * size))
        bench.expect(b"B" + b"Z" * size, "request(1, b'B12')")
        bench.works()


def test_a_raw_broadcast():
    bench = Bench()
    bench.expect(None, "request(0, b'\\x06\\0\\1\\0\\2')")
    assert bench.bus.asked == [(0, raw("0600010002"))]


def test_retries():
    bad = garbled(_RIGHT)
    for retries in (0, 1, 3):
        bench = Bench(silent, timeout_ms=50, retries=retries)
        bench.expect("NoReplyError", _READ)
        assert bench.asked() == ["03000a0002"] * (retries + 1)
        bench = Bench(bad, timeout_ms=50, retries=retries)
        bench.expect("BadReplyError", _READ)
        assert len(bench.bus.asked) == retries + 1
        scripts = [silent, bad, always("0302")][:retries]
        bench = Bench(in_turn(*scripts, _RIGHT), retries=retries)
        bench.expect(_VALUES, _READ)
        assert len(bench.bus.asked) == retries + 1
        bench.works()


def test_the_last_try_tells_what_went_wrong():
    for first, last, name in (
        (silent, garbled(_RIGHT), "BadReplyError"),
        (garbled(_RIGHT), silent, "NoReplyError"),
    ):
        bench = Bench(in_turn(first, last), timeout_ms=50, retries=1)
        bench.expect(name, _READ)


def test_exceptions_are_not_retried():
    for code in (1, 2, 4, 5, 6, 11):
        bench = Bench(always("83%02x" % code), retries=5)
        assert raises(ModbusError, bench.call, _READ).error_code == code
        assert len(bench.bus.asked) == 1


def test_errors_are_told_apart():
    bench = Bench(always("8302"), timeout_ms=50)
    raises(IllegalDataAddressError, bench.call, _READ)
    bench.replies = silent
    assert raises(NoReplyError, bench.call, _READ).error_code is None


def test_noise_before_a_good_reply_is_forgotten():
    """Silence after it is NoReplyError: nothing came."""

    def noisy(slave_id, pdu):
        return b"\xff" + _RIGHT(slave_id, pdu)

    bench = Bench(in_turn(noisy, silent), timeout_ms=50)
    bench.expect(_VALUES, _READ)
    bench.expect("NoReplyError", _READ)


# --- a context manager


def test_with():
    bench = Bench(_RIGHT)
    client = bench.client
    assert client.connected and client.connect() is None and bench.bus.asked == []
    with client as same:
        assert same is client
        bench.expect(_VALUES, _READ)
        assert client.connected
    assert not client.connected and bench.bus.pin.level == 0
    bench.expect(_VALUES, _READ)  # the next call takes the line again
    assert client.connected
    client.close()
    client.close()
    assert not client.connected
    with client:
        assert client.connected


def test_errors_say_who_and_what():
    bench = Bench(silent, timeout_ms=50)
    error = raises(NoReplyError, bench.call, "read_holding_registers(7, 0, 2)")
    assert str(error) == "slave 7 did not answer FC 3 at 0 x 2 within 50 ms", error
    bench = Bench(always("8602"))
    error = raises(IllegalDataAddressError, bench.call, "write_single_register(7, 100, 1)")
    assert str(error) == ("slave 7 refused FC 6 at 100: illegal data address (exception 2)"), error
    assert (error.slave_id, error.function_code, error.error_code) == (7, 6, 2)
    bench = Bench(garbled(_RIGHT))
    error = raises(BadReplyError, bench.call, _READ)
    assert str(error) == "slave 1 gave no valid answer to FC 3 at 10 x 2", error
    bench = Bench(_RIGHT)
    bench.bus.fail_in = "write"
    error = raises(NoConnectionError, bench.call, _READ)
    assert str(error) == "the serial line failed: error 5, asking slave 1 FC 3 at 10 x 2", error
