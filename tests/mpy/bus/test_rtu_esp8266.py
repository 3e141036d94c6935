"""RTUServer on a UART like esp8266's: any() is 0 or 1, and says so 16 characters or two late."""

from support.boards import ESP8266
from support.pdu import request, write_registers
from support.uart import system  # isort: skip

system.platform = "esp8266"

from support.rtu import OURS, Bench, frame  # noqa: E402
from support.traffic import check_echo, check_exchanges, check_garbage, legal_us  # noqa: E402


def bench_on(baudrate=19200):
    return Bench(baudrate, line=ESP8266)


def test_requests_are_answered():
    for baudrate in (2400, 9600, 19200, 115200):
        bench = bench_on(baudrate)
        for pdu in (request(3, 0, 1), write_registers(0, range(123)), request(3, 0, 125), b"\x07"):
            assert len(bench.ask(pdu)) == 1, (baudrate, pdu)
        bench.keeps_its_promises()


def test_long_unknown_codes():
    for n in (0, 1, 11, 12, 13, 14, 20, 100, 250):
        bench = bench_on()
        assert bench.ask(b"\x64" + bytes(n)) == [frame(OURS, b"\xe4\x01")], n


def test_other_slaves():
    check_exchanges(19200, 0, **ESP8266)
    check_exchanges(115200, 1000, **ESP8266)


def test_garbage():
    check_garbage(19200, 0, **ESP8266)


def test_own_echo():
    check_echo(**ESP8266)


def test_a_broadcast_is_obeyed_in_silence():
    bench = bench_on()
    assert bench.ask(request(6, 0, 7), 0) == []
    assert bench.store.holding_registers[0] == 7


def test_who_speaks_before_our_answer_silences_us():
    bench = bench_on()
    bench.hear(frame(OURS, request(6, 0, 1)))
    bench.hear(frame(18, request(6, 0, 1)), 0)
    bench.run()
    assert bench.replies() == []
    bench.hear(frame(OURS, request(6, 0, 2)), legal_us(bench))
    bench.run()
    assert bench.replies() == [frame(OURS, request(6, 0, 2))]
