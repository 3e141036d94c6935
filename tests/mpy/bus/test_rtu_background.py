"""RTUServer.start(): the slave serves from interrupts, whatever the main program does."""

from support import every_nth, spread
from support.interrupts import PORTS, BackgroundBench, Timer, Watcher, interrupts
from support.life import live
from support.pdu import raw, request, write_registers
from support.rtu import OTHER, OURS, frame
from support.traffic import (
    falls_silent_when_others_speak,
    ANSWER,
    ASK,
    check_echo,
    check_exchanges,
    check_garbage,
)
from support.uart import clock
from support.umb import raises

from umb.frame.ascii import ASCII
from umb.port import ctrl_c
from umb.server import LATER, Server
from umb.server.rtu import RTUServer
from umb.store import Registers, Store

_RATES = (1200, 9600, 19200, 115200)
_REQUESTS = (request(3, 0, 1), request(3, 0, 125), write_registers(0, range(123)), b"\x07")
# How much later than t3.5 an answer may begin: characters and us, beside what the program takes.
_LATE = {
    "rp2": (0.5, 10),
    "rp2, soft timers": (0.5, 10),
    "rp2, PIO": (0.5, 10),
    "stm32": (1.6, 10),
    "stm32 F4": (1.6, 10),
    "mimxrt": (1.6, 10),
    "esp32": (4, 500),
    "alif": (2, 1000),
    "samd": (2, 3000),
    "renesas-ra": (2, 3000),
    "zephyr": (1, 1000),
    "unknown": (3, 10),
}


def on(port):
    """Return what makes a BackgroundBench on that port, as traffic's checks make theirs."""
    return lambda *form, **named: BackgroundBench(*form, port=port, **named)


def reported(bench):
    """Have the bench's errors kept in a list, and handlers run with the heap free. Returns it."""
    errors = []
    interrupts.lock = False
    bench.rtu.server.on_error = lambda error, link: errors.append((error, link))
    return errors


def late_us(bench, pdu, **named):
    """How much later than t3.5 the answer begins; every promise is checked."""
    bench.clear()
    end_us = bench.hear(frame(OURS, pdu))
    bench.run(**named)
    ((begin_ns, _, _),) = bench.transmissions()
    bench.keeps_its_promises()
    return begin_ns // 1000 - end_us - bench.t35_us


def test_requests_short_and_long_on_every_port():
    for port in PORTS:
        characters, more_us = _LATE[port]
        for baudrate in _RATES:
            bench = BackgroundBench(baudrate, port=port)
            most_us = characters * bench.char_us + more_us + 40 * bench.cost_us
            for pdu in _REQUESTS:
                us = late_us(bench, pdu)
                assert -1 <= us <= most_us, (port, baudrate, pdu[:6], us, most_us)
            assert interrupts.lost == 0 or PORTS[port].event is None, port


def test_every_format():
    for form in ((8, None, 1), (8, 0, 1), (8, 1, 1), (8, None, 2)):
        for baudrate in (1200, 4800, 19200, 38400, 921600):
            bench = BackgroundBench(baudrate, *form)
            us = late_us(bench, request(3, 0, 3))
            assert -1 <= us <= bench.char_us + 20 * bench.cost_us, (form, baudrate, us)


def test_ticks_wrap_at_any_moment():
    for port in ("rp2", "esp32", "zephyr"):
        for at_us in range(0, 20_000, 611):
            bench = BackgroundBench(9600, port=port, wrap_us=at_us)
            bench.run(1000)
            assert late_us(bench, request(3, 0, 2)) >= -1, at_us


def test_long_silence():
    for minutes in (4, 8, 9, 10, 17, 18, 60):
        for noise in (b"", b"\x11\x03\x00"):
            bench = BackgroundBench(9600)
            bench.ask(request(3, 0, 2))
            bench.hear(noise)
            bench.turn(minutes * 60_000_000)
            assert late_us(bench, request(3, 0, 1)) >= -1, (minutes, noise)


def test_a_main_program_that_is_long_in_coming():
    """It calls C code that takes so long: answers are as late, never early; the pin is right."""
    for port in PORTS:
        for every_us in (1000, 3000, 7000, 30_000):
            for baudrate in (9600, 115200):
                bench = BackgroundBench(baudrate, port=port)
                for pdu in (request(3, 0, 1), request(3, 0, 20)):
                    bench.clear()
                    bench.hear(frame(OURS, pdu))
                    bench.run(60_000 + every_us, every_us)
                    assert len(bench.replies()) == 1, (port, every_us, baudrate, pdu)
                    if PORTS[port].hard_timer and port != "zephyr":
                        bench.keeps_its_promises()


def test_other_slaves_on_every_port():
    for port in spread(sorted(PORTS), 3):
        check_exchanges(115200 if PORTS[port].hard else 19200, 0, make=on(port))


def test_other_slaves_beside_a_slow_program():
    for every_us in (1000, 5000, 15_000):
        check_exchanges(9600, every_us, make=on("rp2"))
        check_exchanges(115200, every_us, make=on("rp2"))


def test_garbage_on_every_port():
    for port in spread(sorted(PORTS), 3):
        check_garbage(115200 if PORTS[port].hard else 19200, 0, make=on(port))
    check_garbage(9600, 0, make=on("rp2"))


def test_own_echo_on_every_port():
    for port in PORTS:
        check_echo(make=on(port))


def ports_that_reply_in_interrupts():
    """Elsewhere no reply begins before the program gives way."""
    return [name for name, port in PORTS.items() if port.hard and port.hard_timer and port.event]


def let_it_handle(bench, pdu):
    """Send a request, and do not give way from the time when it was handled."""
    count = bench.rtu.counters.bus_message_count
    bench.hear(frame(OURS, pdu))
    while bench.rtu.counters.bus_message_count == count:
        bench.turn(20)


def test_requests_while_the_program_keeps_the_scheduler_waiting():
    """None is lost or taken twice that comes before the end of a reply has been noticed."""
    for port in ports_that_reply_in_interrupts():
        for baudrate in (9600, 115200):
            for echo in (False, True):
                bench = BackgroundBench(baudrate, port=port, line={"echo": echo})
                assert len(bench.ask(request(3, 0, 1))) == 1, (port, baudrate, echo)
                for pdu in (request(3, 0, 9), request(6, 9, 9), request(5, 0, 0xFF00)):
                    count = bench.rtu.counters.bus_message_count
                    bench.clear()
                    let_it_handle(bench, pdu)
                    interrupts.pass_us(bench.t35_us + 1000)  # the reply has begun
                    assert bench.uart.end_ns() // 1000 > bench.line_us + bench.t35_us
                    bench.line_us = bench.uart.end_ns() // 1000
                    if not echo:
                        bench.hear(frame(OURS, pdu), bench.t35_us)
                    interrupts.pass_us(60_000)
                    bench.run()
                    replies = 1 if echo else 2
                    assert len(bench.replies()) == replies, (port, baudrate, echo, pdu)
                    count = bench.rtu.counters.bus_message_count - count
                    assert count == replies, (port, baudrate, echo, pdu)


def test_noise_on_both_sides_of_a_request():
    for baudrate in (9600, 19200, 115200):
        bench = BackgroundBench(baudrate)
        for before in (b"", b"\0", b"\xff", b"\0\xff\0", b"\x11\x03"):
            for behind in (b"", b"\0", b"\xff\0", b"\0\0\0"):
                bench.hear(before + frame(OURS, ASK) + behind, 30_000)
                bench.run(25_000)
                assert bench.replies() == [ANSWER], (baudrate, before, behind)
                bench.keeps_its_promises()
                bench.clear()


def test_torn_requests_whatever_the_hole():
    """A hole may begin to look like silence, and the rest may come while that is looked at."""
    for port in spread(sorted(PORTS), 5):
        for baudrate in (9600, 115200):
            bench = BackgroundBench(baudrate, port=port)
            ask = frame(OURS, write_registers(0, range(9)))
            char_us = bench.char_us
            for at in (1, 4, 7, len(ask) - 1):
                for hole_us in (char_us, 2 * char_us, 3 * char_us, 4 * char_us, 1700, 5000):
                    bench.hear(ask[:at], 30_000)
                    bench.hear(ask[at:], hole_us)
                    bench.run(25_000)
                    assert len(bench.replies()) == 1, (port, baudrate, at, hole_us)
                    bench.keeps_its_promises()
                    bench.clear()


def test_a_request_right_behind_another_one():
    """The second one comes while the first one's answer waits for the silence: it alone counts."""
    for port in PORTS:
        bench = BackgroundBench(9600, port=port)
        for gap in (0, 1, 2):
            bench.hear(frame(OURS, request(6, 0, 1)))
            bench.hear(frame(OURS, request(6, 1, 2)), gap * bench.char_us)
            bench.run()
            assert bench.replies() == [frame(OURS, request(6, 1, 2))], (port, gap)
            bench.keeps_its_promises()
            bench.clear()


def test_who_speaks_before_our_answer_silences_us():
    falls_silent_when_others_speak(BackgroundBench)


def test_lives():
    live(every_nth(range(1, 41), 2, 0), make=on("rp2"))


def test_lives_on_every_port():
    """Where handlers are not hard, they are no sooner than the main program gives way."""
    for port in PORTS:
        exact = PORTS[port].hard_timer and PORTS[port].hard and PORTS[port].event is not None
        live(
            spread(range(50, 56), 2),
            make=on(port),
            every_us=(60, 1000, 15_000) if exact else (60,),
        )


def test_ascii():
    for port in PORTS:
        for baudrate in (9600, 115200):
            bench = BackgroundBench(baudrate, 7, 0, 1, port=port, framer=ASCII)
            for pdu in (request(3, 0, 2), request(3, 0, 100)):
                text = b":" + hexed(bytes((OURS,)) + pdu) + b"\r\n"
                bench.hear(text)
                bench.run()
                (reply,) = bench.replies()
                assert reply.startswith(b":11") and reply.endswith(b"\r\n"), (port, reply)
                bench.clear()


def hexed(data):
    """The bytes and their LRC in hex."""
    lrc = -sum(data) & 0xFF
    return "".join("%02X" % byte for byte in data + bytes((lrc,))).encode()


class Slow:
    """A handler that keeps the buffer, and answers when the program says so."""

    def __init__(self):
        self.asked = 0

    def handle(self, adu, n, link):
        self.asked += 1
        return LATER


def test_a_handler_that_answers_later():
    for port in PORTS:
        for wait_us in (0, 500, 3000, 50_000):
            handler = Slow()
            bench = BackgroundBench(19200, handler=handler, port=port)
            for n in (1, 2):
                bench.hear(frame(OURS, request(3, 0, 1)))
                bench.run(0)
                while handler.asked < n:
                    bench.turn(100)
                bench.turn(wait_us)
                adu = bench.rtu.line.frame.adu
                adu[7], adu[8] = 0x83, 6
                bench.rtu.answer(2)
                bench.run()
                assert bench.replies() == [frame(OURS, b"\x83\x06")] * n, (port, wait_us, n)
            bench.keeps_its_promises()
            bench.hear(frame(OURS, request(3, 0, 1)))
            bench.run()
            bench.hear(frame(OURS, request(3, 0, 2)))
            bench.run()
            bench.rtu.answer(0)  # says nothing, and listens again
            bench.run()
            assert handler.asked == 4 and len(bench.replies()) == 2, (port, handler.asked)


def test_what_the_uart_raises_is_printed_and_the_line_lives_on():
    """MicroPython prints what scheduled functions raise. It is no error of the server."""
    for port in PORTS:
        for method in ("any", "readinto", "write", "txdone"):
            bench = BackgroundBench(19200, port=port)
            errors = reported(bench)
            bench.ask(request(3, 0, 1))
            before = len(bench.replies())
            bench.uart.fail_in = method
            bench.hear(frame(OURS, request(3, 0, 30)))
            bench.run()
            assert bench.uart.fail_in is None and bench.pin.level() == 0, (port, method)
            assert errors == [], (port, method)
            assert [type(error) for error in interrupts.errors] == [OSError], (port, method)
            assert len(bench.replies()) <= before + 1
            bench.clear()
            assert len(bench.ask(request(3, 0, 1))) == 1, (port, method)


def fails(port, echo, method, calls, late):
    """Have a method of the UART raise after so many calls. The line lives on, the heap is free."""
    bench = BackgroundBench(115200, port=port, line={"echo": echo})
    reported(bench)
    bench.uart.fail_in = method
    bench.uart.fail_after = calls
    bench.hear(frame(OURS, request(3, 0, 1)))
    if late:  # once the request has been handled, the scheduler is kept waiting
        for _ in range(200):
            bench.turn(20)
            if bench.rtu.state:
                interrupts.pass_us(30_000)
    bench.run()
    bytearray(100)  # raises MemoryError if the heap is locked
    case = (port, echo, method, calls, late)
    if bench.uart.fail_in is None:
        assert [type(error) for error in interrupts.errors] == [OSError], case
    bench.uart.fail_in = None
    assert bench.pin.level() == 0, case
    # An echo that could not be thrown away may be taken for a request before.
    assert bench.ask(request(3, 0, 1))[-1] == frame(OURS, b"\x03\x02\0\0"), case


def test_whatever_call_of_the_uart_raises():
    """Each in turn: for the request, the reply, and its end, in time or when it has passed."""
    for echo in (False, True):
        for method in ("any", "readinto", "write", "txdone"):
            for calls in range(8):
                fails("rp2, PIO", echo, method, calls, True)
                for port in spread(sorted(PORTS), 3):
                    fails(port, echo, method, calls, False)


def test_what_a_hook_raises_is_reported_and_answered():
    def on_read(address, quantity):  # noqa: ARG001
        raise RuntimeError("a bug")

    handler = Server(Store(holding_registers=Registers(0, 9, on_read=on_read)), (OURS,))
    bench = BackgroundBench(handler=handler)
    errors = reported(bench)
    assert bench.ask(request(3, 0, 1)) == [frame(OURS, b"\x83\x04")]
    assert len(errors) == 1


def test_ctrl_c_within_a_handler():
    """It raises where it likes: the pin falls, and the next request is answered."""
    for port in ("rp2", "esp32"):
        for method in ("any", "readinto", "write", "txdone"):
            bench = BackgroundBench(9600, port=port)
            interrupts.lock = False
            bench.uart.error = KeyboardInterrupt
            bench.uart.fail_in = method
            bench.hear(frame(OURS, request(3, 0, 30)))
            bench.run()
            assert bench.uart.fail_in is None and bench.pin.level() == 0, (port, method)
            bench.clear()
            assert len(bench.ask(request(3, 0, 1))) == 1, (port, method)


class ConsoleOs:
    """The module os of a port whose terminals may be several: what becomes of them."""

    def __init__(self):
        self.terminal = "another one"
        self.received = bytearray(1)

    def dupterm(self, terminal):
        before = self.terminal
        self.terminal = terminal
        return before

    def dupterm_notify(self, _):
        assert self.terminal.readinto(self.received) == 1


def test_ctrl_c_within_a_handler_goes_to_the_main_program():
    """It is sent once more where os can do that; elsewhere MicroPython prints it."""
    for port_os in (None, ConsoleOs()):
        ctrl_c.os = port_os
        bench = BackgroundBench(9600)
        interrupts.lock = False
        bench.uart.error = KeyboardInterrupt
        bench.uart.fail_in = "readinto"
        bench.hear(frame(OURS, request(3, 0, 30)))
        bench.run()
        raised = [type(error) for error in interrupts.errors]
        if port_os is None:
            assert raised == [KeyboardInterrupt]
        else:
            assert raised == [] and port_os.received == b"\x03", raised
            assert port_os.terminal == "another one"


def test_a_full_scheduler_loses_nothing():
    """The main program is away while others fill the queue; the event is not lost for that."""
    for port in ("rp2", "stm32"):
        bench = BackgroundBench(9600, port=port)
        bench.run()
        for _ in range(interrupts.depth):
            interrupts.schedule(bool, None)
        end_us = bench.hear(frame(OURS, request(3, 0, 1)))
        interrupts.pass_us(end_us - clock.now_us() + 10_000)
        bench.run()
        assert len(bench.replies()) == 1, port
        bench.keeps_its_promises()


def test_stop_at_any_moment():
    """The pin is at receive, what was due has left, and poll() serves on; then start() again."""
    for port in spread(sorted(PORTS), 5):
        for baudrate in (19200, 115200):
            bench = BackgroundBench(baudrate, port=port)
            length_us = bench.uart.chars_ns(90) // 1000
            for at_us in spread(range(0, length_us, length_us // 12 - 7), 7):
                begin_us = clock.now_us()
                bench.hear(frame(OURS, request(3, 0, 30)))
                while clock.now_us() < begin_us + at_us:
                    bench.turn(50)
                bench.rtu.stop()
                assert bench.pin.level() == 0 and interrupts.next_timer_ns() is None
                bench.rtu.stop()  # once more does no harm
                interrupts.run()
                bench.poll_for(30_000)
                assert len(bench.replies()) == 1, (port, baudrate, at_us, bench.replies())
                bench.hear(frame(OURS, request(3, 0, 1)))
                bench.poll_for(30_000)
                assert len(bench.replies()) == 2, (port, baudrate, at_us)
                bench.rtu.start()
                bench.ask(request(3, 0, 1))
                assert len(bench.replies()) == 3, (port, baudrate, at_us)
                bench.keeps_its_promises()
                bench.clear()


def test_server_close_at_any_moment():
    """A reply that has begun leaves, and the pin does not fall before its last stop bit."""
    for port in PORTS:
        for baudrate in (9600, 115200):
            for quantity in (9, 30):
                begun = 0
                longest_us = 9000 + (5 + 2 * quantity) * 11_000_000 // baudrate
                for after_us in spread(range(0, longest_us, longest_us // 20), 7):
                    bench = BackgroundBench(baudrate, port=port)
                    let_it_handle(bench, request(3, 0, quantity))
                    if port in ports_that_reply_in_interrupts():
                        interrupts.pass_us(after_us)
                    else:
                        until_us = clock.now_us() + after_us
                        while clock.now_us() < until_us:
                            bench.turn(20)
                    bench.rtu.server_close()
                    assert bench.pin.level() == 0 and interrupts.next_timer_ns() is None
                    begun += len(bench.transmissions())
                    bench.keeps_its_promises()
                assert begun, (port, baudrate)


def test_start_takes_what_has_come_before():
    for port in PORTS:
        bench = BackgroundBench(9600, port=port)
        bench.rtu.stop()
        end_us = bench.hear(frame(OURS, request(3, 0, 1)))
        while clock.now_us() < end_us + 100:
            bench.uart.any()
            clock.now_ns += 100_000
        bench.rtu.start()
        bench.run()
        assert len(bench.replies()) == 1, port


def test_poll_does_nothing_meanwhile():
    bench = BackgroundBench(9600)
    begin_us = clock.now_us()
    assert bench.rtu.poll() == 0 and bench.rtu.poll(10) == 0
    assert 10_000 <= clock.now_us() - begin_us < 11_000
    assert bench.rtu.nap_ms() == 1000
    bench.hear(frame(OURS, request(3, 0, 1)))
    while clock.now_us() < bench.line_us + 20_000:
        assert bench.rtu.poll() == 0
        bench.turn(10)
    assert len(bench.replies()) == 1


def test_start_twice_is_start_once():
    bench = BackgroundBench(9600)
    bench.rtu.start()
    assert len(bench.ask(request(3, 0, 1))) == 1


def test_a_timer_of_the_programs_own():
    bench = BackgroundBench(9600, port="esp32")
    timer = Timer(3)
    for wrong in ("x", 3, Timer):
        raises(ValueError, bench.rtu.start, wrong)
    bench.rtu.start(timer)
    assert len(bench.ask(request(3, 0, 1))) == 1
    assert timer.used


def test_a_pio_idle_in_the_place_of_the_uarts_event():
    """It is told the format, stopped by stop() and server_close(), and used again by start()."""
    for form, bits in (((8, None, 1), 10), ((8, 1, 1), 11), ((7, 0, 2), 11), ((8, None, 2), 11)):
        bench = BackgroundBench(9600, *form, port="rp2, PIO")
        idle = bench.rtu.idle
        for end in (bench.rtu.stop, bench.rtu.server_close):
            assert late_us(bench, request(3, 0, 9)) >= -1
            end()
            bench.hear(frame(OURS, request(3, 0, 1)))
            bench.run()
            assert len(bench.replies()) == 1, form
            bench.rtu.start()
            bench.run()
            assert len(bench.replies()) == 2, form
        assert idle.formats == [(9600, bits, form[2])] * 3
    for wrong in (1, True, "x", Timer, Watcher):
        raises(ValueError, RTUServer, bench.uart, baudrate=9600, idle=wrong)


def test_pio_where_there_is_none():
    """One sentence says what is missing."""
    try:
        from umb.port.pio import PioIdle  # noqa: F401 - it fails
    except ImportError as error:
        assert "RP2040" in str(error), error
    else:
        raise AssertionError("it is there")


def test_a_gateway_is_not_served_in_the_background():
    bench = BackgroundBench(9600)
    bench.rtu.stop()
    bench.rtu.gateway = bench.rtu
    raises(ValueError, bench.rtu.start)


def test_a_slow_direction_pin():
    """It sleeps, which it does not do in an interrupt."""
    for port in PORTS:
        for turnaround_us in (50, 1000, 20_000):
            bench = BackgroundBench(9600, port=port, turnaround_us=turnaround_us)
            for pdu in (request(3, 0, 1), request(3, 0, 30)):
                assert late_us(bench, pdu) >= -1, (port, turnaround_us)


def test_a_thousand_requests():
    bench = BackgroundBench(115200)
    for n in range(1000):
        bench.clear()
        bench.hear(frame(OURS, request(6, n % 200, n)), bench.t35_us)
        bench.run(0)
        while clock.now_us() < bench.line_us + bench.t35_us + 1000:
            bench.turn(20)
        bench.line_us = bench.uart.end_ns() // 1000 + 1
        assert bench.replies() == [frame(OURS, request(6, n % 200, n))], n


def test_frozen_values():
    """A request that comes within a block waits for its end, and for that of a block around it."""
    for port in PORTS:
        bench = BackgroundBench(9600, port=port)
        registers = bench.store.holding_registers
        for n in (3, 100):
            bench.clear()
            bench.hear(frame(OURS, write_registers(0, [7] * n)))
            with bench.store.frozen():
                with bench.store.frozen():
                    bench.run(30_000)
                bench.run(30_000)
                assert list(registers[0:n]) == [0] * n and bench.replies() == [], port
            bench.run()
            assert list(registers[0:n]) == [7] * n and len(bench.replies()) == 1, port
            registers[0:n] = [0] * n
        with_an_error(bench.store)
        assert len(bench.ask(request(3, 0, 1))) == 1, port


def with_an_error(store):
    try:
        with store.frozen():
            raise KeyError
    except KeyError:
        pass


def test_broadcasts_and_requests_to_others():
    bench = BackgroundBench(19200)
    assert bench.ask(request(6, 0, 7), 0) == []
    assert bench.store.holding_registers[0] == 7
    assert bench.ask(request(6, 0, 8), OTHER) == []
    assert bench.store.holding_registers[0] == 7
    assert bench.ask(raw("41 00 01")) == [frame(OURS, b"\xc1\x01")]
