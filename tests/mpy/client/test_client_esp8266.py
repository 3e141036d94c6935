"""RTUClient on a UART like esp8266's: any() is 0 or 1, and says so 16 characters or two late."""

from support.boards import ESP8266
from support.uart import system  # isort: skip

system.platform = "esp8266"

from support.client import Bench, always, clock, frame, raw, silent  # noqa: E402

_READ = "read_holding_registers(1, 10, 2)"
_VALUES = [0x46, 0x47]


def bench_on(replies=None, baudrate=19200, **options):
    line = dict(ESP8266, echo=options.pop("has_echo", False))
    return Bench(replies, baudrate, line=line, **options)


def test_calls():
    for baudrate in (2400, 9600, 19200, 115200):
        bench = bench_on(baudrate=baudrate)
        bench.works()
        bench.client.timeout_ms = 3000
        bench.expect(123, "write_multiple_registers(1, 0, [1] * 123)")
        assert len(bench.call("read_holding_registers(1, 0, 125)")) == 125


def test_a_reply_is_taken_when_it_is_seen():
    """That is two characters after its end."""
    bench = bench_on()
    ends_us = []

    def script(slave_id, _):
        reply = frame(slave_id, raw("030400460047"))
        ends_us.append(bench.bus.end_ns() // 1000 + bench.say(5000, reply))

    bench.replies = script
    bench.expect(_VALUES, _READ)
    assert clock.now_us() - ends_us[0] <= 3 * bench.char_us + 1000


def test_own_echo_is_no_answer():
    for baudrate in (9600, 115200):
        for echo in (False, True):
            bench = bench_on(silent, baudrate, has_echo=True, echo=echo, timeout_ms=60)
            for call in (_READ, "write_single_register(1, 10, 7)", "write_single_coil(1, 0, 1)"):
                bench.expect("NoReplyError", call)


def test_calls_with_an_echo():
    for baudrate in (9600, 115200):
        for echo in (False, True):
            bench = bench_on(baudrate=baudrate, has_echo=True, echo=echo)
            bench.bus.delay_us = 5000
            bench.works()
            bench.expect(123, "write_multiple_registers(1, 0, [1] * 123)")


def test_noise():
    for noise in (b"\xff", b"\x01", b"\x01\x03", bytes(20)):
        for gap_us in (0, 6000):
            bench = bench_on()

            def script(slave_id, _, noise=noise, gap_us=gap_us, bench=bench):
                end_us = bench.say(5000, noise)
                bench.say(end_us + gap_us, frame(slave_id, raw("030400460047")))

            bench.replies = script
            bench.expect(_VALUES, _READ)


def test_time_outs():
    bench = bench_on(silent, timeout_ms=100)
    bench.expect("NoReplyError", _READ)
    assert bench.took_us < 130_000
    bench.replies = always("830b")
    bench.expect("GatewayTargetDeviceFailedToRespondError", _READ)
    bench.works()
