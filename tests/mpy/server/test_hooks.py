"""Hooks of a store's blocks, seen from a client: when they are called, what they can refuse."""

from support.pdu import (
    Link,
    ask,
    expect,
    raw,
    read_write,
    request,
    shown,
    write_bits,
    write_registers,
)
from support.umb import Signed, Told, contents, raises, values

import umb.server
from umb import errors
from umb.port.sockets import call_hook
from umb.server import Server
from umb.store import Bits, Registers, Store

_CODES = (
    (errors.IllegalFunctionError, 1),
    (errors.IllegalDataAddressError, 2),
    (errors.IllegalDataValueError, 3),
    (errors.ServerDeviceFailureError, 4),
    (errors.AcknowledgeError, 5),
    (errors.ServerDeviceBusyError, 6),
    (errors.MemoryParityError, 8),
    (errors.GatewayPathUnavailableError, 10),
    (errors.GatewayTargetDeviceFailedToRespondError, 11),
    (errors.ModbusError, 4),
    (errors.NoReplyError, 4),
    (ValueError, 4),
    (IndexError, 4),
    (OSError, 4),
    (MemoryError, 4),
    (KeyError, 4),
)


def hooked(**hooks):
    """A store with the same hooks on everything: addresses 10 to 29."""
    return Store(
        Bits(10, 20, **hooks),
        Bits(10, 20, **hooks),
        Registers(10, 20, **hooks),
        Registers(10, 20, **hooks),
    )


# Every kind of request: (PDU, what is read, what is written), as (address, quantity).
_REQUESTS = (
    (request(1, 12, 9), (12, 9), None),
    (request(2, 12, 9), (12, 9), None),
    (request(3, 12, 9), (12, 9), None),
    (request(4, 29, 1), (29, 1), None),
    (request(5, 13, 0xFF00), None, (13, 1)),
    (request(6, 13, 77), None, (13, 1)),
    (write_bits(13, [1, 0, 1]), None, (13, 3)),
    (write_registers(13, [1, 2, 3]), None, (13, 3)),
    (request(22, 13, 0, 5), None, (13, 1)),
    (read_write(12, 4, 13, [1, 2, 3]), (12, 4), (13, 3)),
)


def test_hooks_are_told_what_is_read_and_written():
    for pdu, read, written in _REQUESTS:
        on_read, on_write = Told(), Told()
        server = Server(hooked(on_read=on_read, on_write=on_write))
        assert ask(server, pdu)[0] == pdu[0], shown(pdu)
        assert on_read.calls == ([] if read is None else [read]), shown(pdu)
        assert on_write.calls == ([] if written is None else [written]), shown(pdu)


def test_refused_requests_call_no_hooks():
    hook = Told(True)
    server = Server(hooked(on_read=hook, on_write=hook, validate=hook))
    for pdu in (
        request(3, 9, 1),
        request(3, 10, 21),
        request(1, 12, 0),
        request(5, 12, 1),
        request(6, 30, 1),
        write_bits(29, [1, 1]),
        write_registers(29, [1, 1]),
        request(22, 30, 0, 0),
        read_write(10, 1, 29, [1, 1]),
        read_write(29, 2, 10, [1, 1]),
    ):
        assert ask(server, pdu)[0] >= 0x80
        assert hook.calls == [], shown(pdu)


def test_on_read_refreshes_what_is_read():
    block = Registers(0, 4)

    def refresh(address, quantity):
        for i in range(address, address + quantity):
            block[i] = 100 + i

    block.on_read = refresh
    server = Server(Store(holding_registers=block))
    expect(server, "03 0001 0002", "03 04 0065 0066")
    assert values(block) == [0, 101, 102, 0]
    expect(server, read_write(1, 2, 0, [1, 2, 3]), "17 04 0065 0066")


def test_on_write_sees_what_was_written():
    seen = []
    block = Registers(0, 4, on_write=lambda *_: seen.append(values(block)))
    server = Server(Store(holding_registers=block))
    expect(server, write_registers(1, [7, 8]), request(16, 1, 2))
    expect(server, request(6, 3, 9), request(6, 3, 9))
    expect(server, request(22, 3, 0, 6), request(22, 3, 0, 6))
    assert seen == [[0, 7, 8, 0], [0, 7, 8, 9], [0, 7, 8, 6]], seen


def test_on_write_may_change_the_value():
    block = Registers(0, 4)

    def limit(address, _quantity):
        block[address] = min(block[address], 100)

    block.on_write = limit
    server = Server(Store(holding_registers=block))
    expect(server, read_write(0, 1, 0, [5000]), "17 02 0064")


def test_validate_sees_final_values():
    validate = Told(True)
    store = hooked(validate=validate)
    server = Server(store)
    store.holding_registers[13] = 0x12
    for pdu, told in (
        (request(5, 13, 0xFF00), [(13, 1)]),
        (request(6, 13, 0xFFFE), [(13, 0xFFFE)]),
        (write_bits(28, [1, 0]), [(28, 1), (29, 0)]),
        (write_registers(28, [5, 6]), [(28, 5), (29, 6)]),
        (request(22, 13, 0x00F2, 0x0025), [(13, 0x00F7)]),
        (read_write(10, 1, 12, [1, 2]), [(12, 1), (13, 2)]),
    ):
        validate.calls.clear()
        expect(server, pdu, ask(Server(hooked()), pdu))
        assert validate.calls == told, "{}: {}".format(shown(pdu), validate.calls)


def test_validate_sees_signed_values():
    validate = Told(True)
    server = Server(hooked(validate=validate))
    with Signed():
        ask(server, write_registers(10, [0xFFFF, 0x8000, 0x7FFF]))
        ask(server, request(22, 10, 0, 0xFFFE))
    assert validate.calls == [(10, -1), (11, -32768), (12, 32767), (10, -2)]


def test_validate_refuses_all_or_nothing():
    store = hooked(validate=lambda address, value: not (address == 29 and value))
    on_write = Told()
    for area in (store.coils, store.holding_registers):
        area.on_write = on_write
    store.holding_registers[29] = 0x100
    server = Server(store)
    before = contents(store)
    for pdu in (
        request(5, 29, 0xFF00),
        request(6, 29, 1),
        write_bits(10, [1] * 20),
        write_registers(10, [1] * 20),
        request(22, 29, 0xFFFF, 0),
        read_write(10, 20, 10, [1] * 20),
    ):
        expect(server, pdu, bytes((pdu[0] | 0x80, 3)))
        assert contents(store) == before, shown(pdu)
    assert on_write.calls == []
    expect(server, write_registers(10, [1] * 19), request(16, 10, 19))
    expect(server, request(6, 29, 0), request(6, 29, 0))


def test_read_range_of_23_is_checked_before_the_write():
    store = Store(holding_registers=(Registers(0, 10), Registers(20, 10)))
    server = Server(store)
    for address, quantity in ((10, 1), (9, 2), (5, 20), (30, 1), (65535, 1), (65535, 125)):
        expect(server, read_write(address, quantity, 0, [7, 7]), "97 02")
    assert [store.holding_registers[i] for i in range(10)] == [0] * 10
    expect(server, read_write(0, 1, 9, [7, 7]), "97 02")
    assert store.holding_registers[9] == 0


def test_crossing_write_is_all_or_nothing():
    first, last = Told(), Told()
    store = Store(
        coils=(Bits(0, 5, on_write=first), Bits(5, 5, validate=lambda a, _: a < 9)),
        holding_registers=(
            Registers(0, 5, on_write=first),
            Registers(5, 5, on_write=last, validate=lambda _, value: value < 100),
        ),
    )
    server = Server(store)
    expect(server, write_registers(3, [1, 2, 3, 100]), "90 03")
    expect(server, read_write(0, 10, 3, [1, 2, 3, 100]), "97 03")
    expect(server, write_bits(3, [1] * 7), "8f 03")
    expect(server, write_registers(8, [1, 2, 3]), "90 02")
    assert [store.holding_registers[i] for i in range(10)] == [0] * 10
    assert [store.coils[i] for i in range(10)] == [0] * 10
    assert first.calls == last.calls == []
    expect(server, write_registers(3, [100, 101, 99]), request(16, 3, 3))
    assert first.calls == [(3, 2)] and last.calls == [(5, 1)]


def test_hooks_of_blocks_that_touch():
    told = [Told(True), Told(True), Told(True)]
    layout = (0, 4, 8)
    server = Server(
        Store(
            coils=tuple(Bits(i, 4, on_read=told[i // 4], on_write=told[i // 4]) for i in layout),
            holding_registers=tuple(
                Registers(i, 4, on_read=told[i // 4], on_write=told[i // 4]) for i in layout
            ),
        )
    )
    for pdu, calls in (
        (request(3, 2, 8), [[(2, 2)], [(4, 4)], [(8, 2)]]),
        (request(1, 3, 2), [[(3, 1)], [(4, 1)], []]),
        (write_registers(7, [1, 2]), [[], [(7, 1)], [(8, 1)]]),
        (write_bits(0, [1] * 12), [[(0, 4)], [(4, 4)], [(8, 4)]]),
        (request(6, 5, 1), [[], [(5, 1)], []]),
    ):
        assert ask(server, pdu)[0] == pdu[0], shown(pdu)
        assert [one.calls for one in told] == calls, shown(pdu)
        for one in told:
            one.calls.clear()


def test_exceptions_of_hooks_become_codes():
    for kind, code in _CODES:
        for hook in ("on_read", "on_write", "validate"):
            server = Server(hooked(**{hook: Told(kind("it is so"))}), on_error=None)
            for pdu, read, written in _REQUESTS:
                if read if hook == "on_read" else written:
                    expect(server, pdu, bytes((pdu[0] | 0x80, code)))


def test_exceptions_with_codes_of_their_own():
    for code in (7, 12, 255):
        server = Server(hooked(on_read=Told(errors.exception_for(code))))
        expect(server, request(3, 10, 1), bytes((0x83, code)))


def test_exceptions_that_look_like_ours():
    class Foreign(Exception):
        pass

    told = Told()
    for error_code in ("E404", 404, 0, -2, None, 2.0):
        error = Foreign()
        error.error_code = error_code
        server = Server(hooked(on_read=Told(error)), on_error=told)
        expect(server, request(3, 10, 1), "83 04")
    assert len(told.calls) == 6


def test_values_stay_when_on_write_fails():
    store = hooked(on_write=Told(errors.ServerDeviceBusyError()))
    server = Server(store)
    expect(server, request(6, 10, 7), "86 06")
    expect(server, write_bits(10, [1, 1]), "8f 06")
    expect(server, read_write(10, 1, 11, [8]), "97 06")
    assert values(store.holding_registers)[:3] == [7, 8, 0]
    assert values(store.coils)[:3] == [1, 1, 0]


def test_nothing_changes_when_validate_fails():
    store = hooked(validate=Told(RuntimeError()))
    before = contents(store)
    server = Server(store, on_error=None)
    for pdu in (request(6, 10, 7), write_bits(10, [1, 1]), request(22, 10, 0, 1)):
        expect(server, pdu, bytes((pdu[0] | 0x80, 4)))
    assert contents(store) == before


def test_on_error_is_told_of_bugs_alone():
    """What has a code is an answer that the program wants to give, even if the code is 4."""
    told = Told()
    link = Link()
    for kind, code in _CODES:
        error = kind("why")
        told.calls.clear()
        server = Server(hooked(on_write=Told(error)), on_error=told)
        expect(server, request(6, 10, 7), bytes((0x86, code)), link=link)
        is_bug = code == 4 and kind is not errors.ServerDeviceFailureError
        wanted = [(error, link)] if is_bug else []
        assert told.calls == wanted, "{} (code {}): {}".format(kind, code, told.calls)


class Printer:
    """Stands for the module sys: print_exception() keeps what it is to print."""

    def __init__(self, error=None):
        self.printed = []
        self._error = error

    def print_exception(self, error):
        self.printed.append(error)
        if self._error is not None:
            raise self._error


class Printing:
    """`with Printing(printer):` makes umb.server print to it."""

    def __init__(self, printer):
        self._printer = printer

    def __enter__(self):
        self._sys = umb.server.sys
        umb.server.sys = self._printer

    def __exit__(self, *_):
        umb.server.sys = self._sys


def test_a_bug_is_printed_unless_the_program_says_otherwise():
    error = KeyError("why")
    store = hooked(on_write=Told(error))
    for named, wanted in (
        ({}, [error]),
        ({"on_error": None}, []),
        ({"on_error": Told()}, []),
    ):
        printer = Printer()
        with Printing(printer):
            expect(Server(store, **named), request(6, 10, 7), "86 04")
        assert printer.printed == wanted, named


def calls_with(**hooks):
    """What print_error() says beside the traceback of the call with wrong parameters."""
    printer = Printer()
    with Printing(printer):
        routed = hooks.pop("route", None)
        code = hooks.pop("code", 6)
        named = {name: hooks.pop(name) for name in tuple(hooks) if name == "on_error"}
        server = Server(hooked(**hooks), **named)
        if routed is not None:
            server.route([1], [3, 6], range(10, 30))(routed)
        expect(server, request(code, 10, 7), bytes((code | 0x80, 4)))
    error, told = printer.printed
    assert isinstance(error, TypeError) and isinstance(told, TypeError)
    return str(told)


def test_what_hooks_are_called_with_is_printed():
    """Every hook with every wrong number of parameters, and with wrong names."""
    wrong = (
        lambda: None,
        lambda a: [a],
        lambda a, b, c: [a, b, c],
        lambda a, b, c, d: [a, b, c, d],
        lambda a, *, quantity: [a, quantity],
        len,
    )
    for hook in wrong:
        assert "on_read and on_write with (address, quantity)," in calls_with(on_read=hook, code=3)
        assert "on_read and on_write with (address, quantity)," in calls_with(on_write=hook)
        assert "validate with (address, value)," in calls_with(validate=hook)
        for code in (3, 6):
            told = calls_with(route=hook, code=code)
            assert "routes with slave_id=, function_code=, address=, and value= if it" in told
    for route in (
        lambda slave_id, function_code: [slave_id, function_code],
        lambda slave_id, function_code, register: [slave_id, function_code, register],
        lambda slave_id, function_code, address, value: [slave_id, function_code, address, value],
    ):
        assert "routes with slave_id=, function_code=, address=," in calls_with(
            route=route, code=3
        )
    for route in (
        lambda slave_id, function_code, address: [slave_id, function_code, address],
        lambda slave_id, function_code, address, value, more: [
            slave_id,
            function_code,
            address,
            value,
            more,
        ],
    ):
        assert ", and value= if it is a write" in calls_with(route=route, code=6)


def test_what_functions_are_called_with_is_printed():
    for handler in (
        lambda: 0,
        len,
        lambda adu, n: adu[n],
        lambda adu, n, link, more: (adu, n, link, more),
    ):
        printer = Printer()
        with Printing(printer):
            server = Server(Store(1))
            server.function(65, handler)
            expect(server, "41 01", "c1 04")
        assert "functions with (adu, n, link)," in str(printer.printed[1])


def test_what_hooks_of_networks_are_called_with_is_printed():
    """With one argument: a host, or a (host, port)."""
    server = Server(Store(1))
    for hook in (lambda: True, lambda host, port: (host, port)):
        for argument in ("10.0.0.5", ("10.0.0.5", 502)):
            printer = Printer()
            with Printing(printer):
                assert call_hook(server, hook, argument, Link()) is None
            told = str(printer.printed[1])
            assert "allow with (host), on_connect and on_disconnect with ((host, port))," in told


def test_other_bugs_are_printed_alone():
    for error in (TypeError("unsupported types"), TypeError(), ValueError("an argument")):
        printer = Printer()
        with Printing(printer):
            expect(Server(hooked(on_write=Told(error))), request(6, 10, 7), "86 04")
        assert printer.printed == [error]


def test_what_on_error_raises_is_printed():
    """Its parameters may be the wrong ones, too."""
    bug = KeyError("why")
    told = calls_with(on_write=Told(bug), on_error=lambda error: [error])
    assert "on_error with (exception, link)" in told
    printer = Printer()
    error = RuntimeError("a bug")
    with Printing(printer):
        server = Server(hooked(on_write=Told(bug)), on_error=Told(error))
        expect(server, request(6, 10, 7), "86 04")
    assert printer.printed == [error]


def test_a_bug_in_a_broadcast_is_printed():
    error = KeyError("why")
    printer = Printer()
    with Printing(printer):
        server = Server(hooked(on_write=Told(error)))
        expect(server, request(6, 10, 7), None, 0, Link(serial=True))
    assert printer.printed == [error]


def test_what_printing_raises_harms_nobody():
    for trouble in (MemoryError(), OSError(5), RuntimeError()):
        printer = Printer(trouble)
        with Printing(printer):
            server = Server(hooked(on_write=Told(ValueError())))
            expect(server, request(6, 10, 7), "86 04")
            expect(server, request(3, 10, 1), "03 02 0007")
        assert len(printer.printed) == 1


def test_what_is_not_an_exception_of_the_program_passes():
    """Ctrl-C and the end of a program are no answer to a request."""
    for kind in (KeyboardInterrupt, SystemExit):
        server = Server(hooked(on_write=Raising(kind)))
        raises(kind, ask, server, request(6, 10, 7))
        expect(server, request(3, 10, 1), "03 02 0007")


class Raising:
    """A hook that raises what is no Exception."""

    def __init__(self, kind):
        self._kind = kind
        self._done = False

    def __call__(self, *_):
        if not self._done:
            self._done = True
            raise self._kind


def test_handle_never_raises():
    server = Server(hooked(on_write=Told(ValueError())), on_error=Told(RuntimeError()))
    expect(server, request(6, 10, 7), "86 04")


def test_codes_that_are_none_are_bugs():
    """An error_code that no exception response can carry."""
    for code in (0, -1, 256, 1 << 20, "2", 2.0, None):
        error = errors.ModbusError()
        error.error_code = code
        told = Told()
        server = Server(hooked(on_write=Told(error)), on_error=told)
        expect(server, request(6, 10, 7), "86 04")
        assert len(told.calls) == 1, code


def test_counters_of_failures():
    link = Link()
    server = Server(hooked(on_read=Told(ValueError())), on_error=None)
    expect(server, request(3, 10, 1), "83 04", link=link)
    assert link.counters.bus_exception_error_count == 1
    assert link.counters.server_message_count == 1


def test_broadcast_calls_hooks_and_stays_silent():
    on_read, on_write = Told(), Told(errors.ServerDeviceBusyError())
    server = Server(hooked(on_read=on_read, on_write=on_write), slave_ids=(1, 2))
    link = Link(serial=True)
    for pdu in (request(3, 10, 1), request(6, 10, 5), raw("06 0008 0001")):
        expect(server, pdu, None, 0, link)
    assert on_read.calls == [] and on_write.calls == [(10, 1)]
