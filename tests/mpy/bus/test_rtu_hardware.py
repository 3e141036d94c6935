"""RTUServer by numbers: the UART that it makes on each port, and every kind of direction pin."""

from support.machine import PORTS, Pin, PinBase, Signal, machine, made
from support.pdu import request
from support.rtu import OURS, Bench, frame
from support.uart import UART, Output, clock, system
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.errors import NoConnectionError
from umb.server.rtu import RTUServer


def make(port, number=1, **named):
    """A slave made by its UART's number on that port; returns the UART."""
    machine.port = PORTS[port]
    system.platform = port
    try:
        rtu = RTUServer(number, **named)
    finally:
        system.platform = "linux"
    (uart,) = made()
    assert uart.number == number
    rtu.server_close()
    return uart


def test_uarts_have_the_format_and_never_wait():
    for port in PORTS:
        if port != "nrf":
            for bits, parity, stop in ((8, 0, 1), (8, None, 2), (8, 1, 1), (7, 0, 1)):
                uart = make(port, baudrate=19200, bits=bits, parity=parity, stop=stop)
                assert uart.format == (19200, bits, parity, stop), port
                assert uart.options["timeout"] == uart.options["timeout_char"] == 0, port


def test_uarts_have_room_for_a_frame():
    for port in PORTS:
        uart = make(port, baudrate=9600)
        assert port == "nrf" or uart.options["rxbuf"] >= 300, port
    assert make("esp32", baudrate=9600).options["txbuf"] >= 512


def test_pins_go_where_they_can_be_chosen():
    for port in PORTS:
        options = make(port, baudrate=9600, tx=8, rx=9).options
        chosen = port in ("rp2", "esp32", "esp8266", "samd", "alif")
        assert (options.get("tx"), options.get("rx")) == ((8, 9) if chosen else (None, None)), port


def test_pins_are_left_to_the_port_unless_chosen():
    options = make("rp2", baudrate=9600).options
    assert "tx" not in options and "rx" not in options


def test_nrf_has_but_one_format():
    assert make("nrf", baudrate=9600).options == {"timeout": 0, "timeout_char": 0}
    for named in ({"parity": 0}, {"stop": 2}, {"bits": 7}):
        raises(ValueError, make, "nrf", baudrate=9600, **named)


def test_a_bad_format_makes_no_uart():
    raises(ValueError, RTUServer, 1, baudrate=0)
    raises(ValueError, RTUServer, 1, baudrate=9600, parity=2)
    assert made() == []


def answers(bench, pin):
    """It answers, and the pin's promises hold."""
    bench.pin = pin
    assert len(bench.ask(request(3, 0, 2))) == 1
    bench.keeps_its_promises()


def test_de_as_a_number():
    for active in (0, 1):
        bench = Bench(de=4, de_active=active)
        pin = Pin.last
        assert pin.number == 4 and pin.mode == Pin.OUT and pin.level() == 1 - active
        answers(bench, pin)


def test_de_as_number_0():
    bench = Bench(de=0)
    assert Pin.last.number == 0 and Pin.last.mode == Pin.OUT
    answers(bench, Pin.last)


def test_de_as_a_pin():
    for active in (0, 1):
        pin = Pin(7)
        bench = Bench(de=pin, de_active=active)
        assert pin.mode == Pin.OUT and pin.trace.values[0] == 1 - active
        answers(bench, pin)


def test_a_pin_is_never_an_output_at_the_wrong_level():
    for active in (0, 1):
        pin = Pin(7)
        Bench(de=pin, de_active=active)
        assert list(pin.trace.values[: pin.trace.n]) == [1 - active] * pin.trace.n


def test_de_as_a_function():
    for active in (0, 1):
        output = Output()
        bench = Bench(de=output.__call__, de_active=active)
        assert output.level() == 1 - active
        answers(bench, output)


class Inverted(PinBase):
    """A pin behind a Signal, with the levels that it is told."""

    def __init__(self):
        self.levels = []

    def value(self, level=None):
        self.levels.append(int(level))
        return 0


def test_de_as_a_signal():
    for active in (0, 1):
        pin = Inverted()
        bench = Bench(de=Signal(pin, invert=True), de_active=active)
        assert pin.levels == [active]
        assert len(bench.ask(request(3, 0, 2))) == 1
        assert pin.levels == [active, 1 - active, active]
        bench.rtu.server_close()
        assert pin.levels[-1] == active


def test_without_de():
    bench = Bench(de=Output())
    plain = RTUServer(bench.uart, bench.rtu.server, baudrate=19200, parity=0)
    bench.rtu = plain
    assert len(bench.ask(request(3, 0, 2))) == 1


def test_the_pin_is_at_receive_when_it_ends():
    for active in (0, 1):
        pin = Pin(7)
        bench = Bench(de=pin, de_active=active)
        pin(active)
        bench.rtu.server_close()
        assert pin.level() == 1 - active


class Stuck(UART):
    """A UART with hardware flow control: it takes `room` bytes, and then none until CTS comes."""

    room = 0

    def write(self, buf, at, n):
        n = min(n, self.room)
        self.room -= n
        if n:
            return super().write(buf, at, n)
        self._spend("write", 3)
        return None


class StuckBench(Bench):
    uart_class = Stuck


def test_a_uart_that_takes_no_more_bytes_ends_a_reply():
    """After what the frame could take at most and 0.1 s; the pin is at receive then."""
    for baudrate in (1200, 19200, 115200):
        for room in range(25):  # the reply has as many bytes
            bench = StuckBench(baudrate, line={"cost_us": 20})
            bench.uart.room = room
            end_us = bench.hear(frame(OURS, request(3, 0, 10)))
            error = raises(OSError, bench.run)
            assert "CTS" in str(error), error
            longest_us = 25 * bench.char_us + 100_000
            assert 100_000 <= clock.now_us() - end_us < longest_us + bench.t35_us + 10_000
            assert bench.pin.level() == 0
            bench.uart.room = 1000
            assert len(bench.ask(request(3, 0, 10))) == 1


def test_a_uart_that_takes_no_more_bytes_ends_a_call():
    for room in range(8):
        clock.reset()
        uart = Stuck(9600, 8, None, 1)
        uart.room = room
        pin = Output()
        client = RTUClient(uart, baudrate=9600, de=pin)
        begin_us = clock.now_us()
        raises(NoConnectionError, client.read_coils, 1, 0, 1)
        assert 100_000 <= clock.now_us() - begin_us < 200_000, clock.now_us() - begin_us
        assert pin.level() == 0
