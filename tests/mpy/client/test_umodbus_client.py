"""uModbus's client functions: ADUs are made and parsed, and sent over an RTUClient or a UART.

Over sockets, and beside uModbus itself: tests/interop/test_umodbus_client.py.
"""

from support.client import (
    Bench,
    always,
    frame,
    raw,
    silent,
)  # comes first: it stands in for the time

from support import every_nth
from support.bus import Bus
from support.client_calls import BAD_CALLS, BAD_RESPONSES, CALLS, EXCEPTIONS
from support.umb import Signed, raises

from umb import conf, errors
from umb.umodbus import conf as umodbus_conf
from umb.umodbus import exceptions, functions
from umb.umodbus.client import tcp
from umb.umodbus.client.serial import redundancy_check, rtu

_NOT_THEIRS = ("diagnostics", "mask_write", "read_write", "request(", "into=")
_PLACES = {"tcp": tcp, "rtu": rtu}


def is_theirs(call):
    """Does uModbus have this call, too?"""
    return not [word for word in _NOT_THEIRS if word in call]


_CALLS = [row for row in CALLS if is_theirs(row[0])]
_BAD_RESPONSES = [row for row in BAD_RESPONSES if is_theirs(row[1])]


class Sign:
    """`with Sign(call):` sets conf.SIGNED_VALUES as the call's values need it."""

    def __init__(self, call):
        self._signed = "-" in call

    def __enter__(self):
        conf.SIGNED_VALUES = self._signed

    def __exit__(self, *_):
        conf.SIGNED_VALUES = False


def adu(name, call):
    """The ADU that a call makes."""
    return eval(name + "." + call, _PLACES)


def tcp_frame(pdu, transaction=0, slave_id=1):
    head = bytes((transaction >> 8, transaction & 255, 0, 0, 0, len(pdu) + 1, slave_id))
    return head + pdu


def answer(name, request, response):
    """The ADU of this response PDU."""
    if name == "rtu":
        return frame(request[0], raw(response))
    return request[:2] + tcp_frame(raw(response), 0, request[6])[2:]


# --- requests


def test_the_settings_are_umbs():
    assert umodbus_conf is conf


def test_rtu_adus():
    for call, pdu, _, _ in _CALLS:
        slave_id = 247 if "247" in call else 1
        with Sign(call):
            assert adu("rtu", call) == frame(slave_id, raw(pdu)), call


def test_tcp_adus():
    for call, pdu, _, _ in _CALLS:
        with Sign(call):
            made = adu("tcp", call)
        assert isinstance(made, bytes)
        slave_id = 247 if "247" in call else 1
        assert made[2:] == tcp_frame(raw(pdu), 0, slave_id)[2:], call


def test_transactions_differ():
    """All of them, and after 65535 the first one comes again."""
    first = tcp.read_coils(1, 0, 1)[:2]
    ids = bytearray(8192)
    for _ in range(65535):
        made = tcp._create_request_adu(1, b"\1")
        number = made[0] << 8 | made[1]
        assert not ids[number >> 3] & 1 << (number & 7), number
        ids[number >> 3] |= 1 << (number & 7)
    assert tcp.read_coils(1, 0, 1)[:2] == first


def test_adus_are_not_changed_later():
    for name in _PLACES:
        first = adu(name, "write_single_register(1, 2, 3)")
        copy = bytes(bytearray(first))
        adu(name, "write_single_register(9, 8, 7)")
        assert first == copy


def test_bad_arguments():
    refused = (ValueError, errors.IllegalDataValueError)
    for name in _PLACES:
        for call in BAD_CALLS:
            if not is_theirs(call) or "0xff00" in call:
                continue  # 0xFF00 is a coil that is on, for uModbus
            try:
                with Sign(call):
                    made = adu(name, call)
            except refused:
                continue
            raise AssertionError("%s.%s gave %r" % (name, call, made))


def chain(*ranges):
    """Yield what is in each of these: no list of all that has room on the heap."""
    for one in ranges:
        yield from one


def test_quantities():
    """Every one of 16 bits, and a few beyond: a wrong one is an IllegalDataValueError.

    FC 2 and 4 are as FC 1 and 3 are: without --long, a part of them is enough there.
    """
    every = range(-2, 65540)
    for call, most in (
        (functions.read_request, (1, 2000)),
        (functions.read_request, (2, 2000)),
        (functions.read_request, (3, 125)),
        (functions.read_request, (4, 125)),
    ):
        code, limit = most
        edges = (-1, 0, 1, limit, limit + 1, 65535, 65536)
        wide = every if code in (1, 3) else every_nth(every, 7, 0)
        for quantity in chain(edges, wide):
            if 1 <= quantity <= limit:
                made = call(code, 0, quantity)
                assert made == bytes((code, 0, 0, quantity >> 8, quantity & 255)), made
            else:
                try:
                    call(code, 0, quantity)
                except errors.IllegalDataValueError:
                    continue
                raise AssertionError("FC %d x %d" % (code, quantity))


def test_quantities_of_writes():
    for code, limit in ((15, 1968), (16, 123)):
        for quantity in range(2100):
            values = [1] * quantity
            if 1 <= quantity <= limit:
                made = functions.write_multiple_request(code, 0, values)
                size = (quantity + 7) // 8 if code == 15 else 2 * quantity
                assert len(made) == 6 + size and made[5] == size, (code, quantity)
            else:
                raises(
                    errors.IllegalDataValueError,
                    functions.write_multiple_request,
                    code,
                    0,
                    values,
                )


def test_values_of_coils():
    wrong = (2, -1, 0xFF, 0xFF01, None, "1", 0.5)
    for name, place in _PLACES.items():
        for value, data in ((1, "ff00"), (True, "ff00"), (0xFF00, "ff00"), (0, "0000")):
            made = place.write_single_coil(1, 5, value)
            assert raw("050005" + data) in made, (name, value)
        for value in wrong:
            raises(errors.IllegalDataValueError, place.write_single_coil, 1, 5, value)
            raises(errors.IllegalDataValueError, place.write_multiple_coils, 1, 5, [1, value])
        raises(errors.IllegalDataValueError, place.write_multiple_coils, 1, 5, [0xFF00])


def test_values_of_registers():
    """Each of the 65,536 of either sign, and what lies beyond on both sides."""
    request = functions.write_single_request
    for signed, lowest in ((False, 0), (True, -32768)):
        conf.SIGNED_VALUES = signed
        try:
            for value in range(lowest, lowest + 65536):
                made = request(6, 0, value)
                assert made[3] << 8 | made[4] == value & 0xFFFF
                assert functions.response_data(made, made) == value
            for value in (lowest - 1, lowest + 65536, 1 << 31, None, 1.5, "1"):
                raises(errors.IllegalDataValueError, request, 6, 0, value)
                multiple = functions.write_multiple_request
                raises(errors.IllegalDataValueError, multiple, 16, 0, [0, value])
        finally:
            conf.SIGNED_VALUES = False


def test_addresses_and_slave_ids():
    for place in _PLACES.values():
        for slave_id in range(256):
            assert slave_id in place.read_coils(slave_id, 0, 1)[:7]
        for slave_id in (-1, 256, 257, 1 << 31, None, "1", 1.0):
            raises(ValueError, place.read_coils, slave_id, 0, 1)
        for address, quantity in ((-1, 1), (65536, 1), (65535, 2), (65412, 125), (None, 1)):
            raises(ValueError, place.read_holding_registers, 1, address, quantity)
        assert place.read_holding_registers(1, 65411, 125)


# --- responses


def test_parse_response_adu():
    for call, _, response, result in _CALLS:
        for name, place in _PLACES.items():
            with Sign(call):
                request = adu(name, call)
                got = place.parse_response_adu(answer(name, request, response), request)
            assert got == result and type(got) is type(result), (call, got)


def test_every_quantity_of_coils():
    """Exactly as many as were asked for, whatever the padding bits are."""
    for code in (1, 2):
        for quantity in range(1, 2001):
            size = (quantity + 7) // 8
            request = functions.read_request(code, 0, quantity)
            got = functions.response_data(bytes((code, size)) + b"\xff" * size, request)
            assert got == [1] * quantity


def test_parse_response_adu_on_its_own():
    """Without the request nobody knows how many of the bits were asked for."""
    for response, result in (
        ("0102cd01", [1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
        ("020105", [1, 0, 1, 0, 0, 0, 0, 0]),
        ("0304022b0064", [555, 100]),
        ("0402000a", [10]),
        ("050001ff00", 1),
        ("0500010000", 0),
        ("0600019c40", 40000),
        ("0f0013000a", 10),
        ("1000010002", 2),
    ):
        for name, place in _PLACES.items():
            request = adu(name, "read_coils(1, 0, 1)")
            got = place.parse_response_adu(answer(name, request, response))
            assert got == result, (response, got)


def test_signed_values():
    with Signed():
        for name, place in _PLACES.items():
            parse = place.parse_response_adu
            request = adu(name, "write_single_register(1, 1, -1337)")
            assert parse(answer(name, request, "060001fac7"), request) == -1337
            request = adu(name, "read_holding_registers(1, 1, 2)")
            assert parse(answer(name, request, "0304fac77fff"), request) == [-1337, 32767]


def test_exceptions():
    """Each of the 255 codes; what has no class of its own is a ModbusError."""
    kinds = dict(EXCEPTIONS)
    for code in range(1, 256):
        kind = kinds.get(code, "ModbusError")
        for name, place in _PLACES.items():
            request = adu(name, "read_coils(1, 0, 1)")
            refusal = answer(name, request, "81%02x" % code)
            for error in (
                raises(errors.ModbusError, place.parse_response_adu, refusal, request),
                raises(errors.ModbusError, place.parse_response_adu, refusal),
                raises(errors.ModbusError, place.raise_for_exception_adu, refusal),
            ):
                assert type(error).__name__ == kind and error.error_code == code
    for code, kind in exceptions.error_code_to_exception_map.items():
        assert kind.error_code == code and kind is getattr(exceptions, kind.__name__)


def test_what_is_no_exception():
    for name, place in _PLACES.items():
        request = adu(name, "read_coils(1, 0, 1)")
        assert place.raise_for_exception_adu(answer(name, request, "010101")) is None


def test_bad_responses():
    for _, call, response in _BAD_RESPONSES:
        for name, place in _PLACES.items():
            request = adu(name, call)
            parse = place.parse_response_adu
            raises(errors.BadReplyError, parse, answer(name, request, response), request)


def test_responses_to_other_requests():
    """Another slave, another transaction: not ours, whatever they say."""
    request = tcp.read_coils(1, 0, 8)
    right = answer("tcp", request, "0101ff")
    assert tcp.parse_response_adu(right, request) == [1] * 8
    for i in (0, 1, 6):
        for bit in range(8):
            wrong = bytearray(right)
            wrong[i] ^= 1 << bit
            raises(errors.BadReplyError, tcp.parse_response_adu, bytes(wrong), request)
    request = rtu.read_coils(1, 0, 8)
    for slave_id in range(256):
        if slave_id != 1:
            wrong = frame(slave_id, raw("0101ff"))
            raises(errors.BadReplyError, rtu.parse_response_adu, wrong, request)


def test_short_responses_on_their_own():
    for response in (
        "03",
        "83",
        "8300",
        "0302",
        "0300",
        "0100",
        "030400",
        "05",
        "0600",
        "10000100",
    ):
        for name, place in _PLACES.items():
            request = adu(name, "read_coils(1, 0, 1)")
            whole = answer(name, request, response)
            raises(errors.BadReplyError, place.parse_response_adu, whole)
            if response[0] == "8":
                raises(errors.BadReplyError, place.raise_for_exception_adu, whole)


def test_what_is_no_frame():
    for place, whole in ((rtu, frame(1, raw("8302"))), (tcp, tcp_frame(raw("8302")))):
        for bad in (
            b"",
            whole[:-1],
            whole[:3],
            whole + b"\0",
            whole[:2] + b"\7" + whole[3:],  # another protocol; another CRC
        ):
            raises(errors.BadReplyError, place.parse_response_adu, bad)
            raises(errors.BadReplyError, place.raise_for_exception_adu, bad)


def test_the_crc_comes_first():
    """A garbled exception response is no exception response: each bit of it."""
    whole = frame(1, raw("8302"))
    for i in range(8 * len(whole)):
        bad = bytearray(whole)
        bad[i >> 3] ^= 1 << (i & 7)
        raises(redundancy_check.CRCError, rtu.parse_response_adu, bytes(bad))
        raises(redundancy_check.CRCError, rtu.raise_for_exception_adu, bytes(bad))


def test_redundancy_check():
    assert redundancy_check.get_crc(b"\x02\x07") == b"\x41\x12"
    assert redundancy_check.add_crc(b"\x02\x07") == b"\x02\x07\x41\x12"
    redundancy_check.validate_crc(b"\x02\x07\x41\x12")
    for bad in (b"", b"\x41", b"\xff\xff", b"\x02\x07\x12\x41"):
        raises(redundancy_check.CRCError, redundancy_check.validate_crc, bad)


# --- on a line


def test_send_message():
    """send_message(adu, client)."""
    for call, pdu, response, result in _CALLS:
        bench = Bench(always(response))
        with Sign(call):
            got = rtu.send_message(adu("rtu", call), bench.client)
        assert got == result, call
        assert bench.asked() == [pdu]
        bench.works()


def test_send_message_over_a_uart():
    """What is told of it goes to an RTUClient that is made for this message."""
    bus = Bus(9600, 1)
    message = rtu.read_holding_registers(5, 16, 1)
    assert rtu.send_message(message, bus, baudrate=9600, parity=1, de=bus.pin) == [
        (5 * 4099 + 16 * 7) & 0xFFFF
    ]
    assert bus.asked == [(5, raw("0300100001"))]
    assert bus.pin.pulses == 1
    bus.is_clean()
    error = raises(TypeError, rtu.send_message, message, bus)
    assert "baudrate" in str(error)


def test_send_message_of_what_fails():
    bench = Bench(always("8102"))
    raises(errors.IllegalDataAddressError, rtu.send_message, rtu.read_coils(1, 0, 1), bench.client)
    for _, call, response in _BAD_RESPONSES:
        bench.replies = always(response)
        raises(errors.BadReplyError, rtu.send_message, adu("rtu", call), bench.client)
    bench.works()
    bench.replies = silent
    bench.client.timeout_ms = 50
    raises(errors.NoReplyError, rtu.send_message, rtu.read_coils(1, 0, 1), bench.client)


def test_send_message_broadcasts():
    bench = Bench()
    assert rtu.send_message(rtu.write_single_register(0, 1, 2), bench.client) is None
    assert bench.bus.asked == [(0, raw("0600010002"))]


def test_send_message_of_what_is_no_adu():
    bench = Bench()
    for bad in (b"", b"\1", b"\1\3\0\0\0\1\0\0", rtu.read_coils(1, 0, 1)[:-1]):
        raises(ValueError, rtu.send_message, bad, bench.client)
    assert bench.bus.asked == []
