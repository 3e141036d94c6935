"""uModbus's functional API: ADUs are made and parsed, and sent over an RTUClient.

Over sockets, and beside uModbus itself: tests/interop/test_client_functional.py.
"""

from support_client import (
    Bench,
    always,
    frame,
    raw,
    silent,
)  # comes first: it stands in for the time

import io

from support_client_calls import BAD_CALLS, BAD_RESPONSES, BAD_SERIAL_CALLS, CALLS, EXCEPTIONS
from support_rtu import OURS
from support_rtu import Bench as SlaveBench
from support_umb import Signed, raises

from umb import errors
from umb.client import rtu, tcp
from umb.server import Driver
from umb.umodbus.utils import log_to_stream

# request() and FC 22 and 23 are not uModbus's, but cost nothing.
_CALLS = [row for row in CALLS if not row[0].startswith("request")]
_PLACES = {"tcp": tcp, "rtu": rtu}


def adu(name, call):
    """The ADU that a call makes."""
    return eval(name + "." + call, _PLACES)


def tcp_frame(pdu, transaction=0, slave_id=1):
    head = bytes((transaction >> 8, transaction & 255, 0, 0, 0, len(pdu) + 1, slave_id))
    return head + pdu


def test_rtu_adus():
    for call, pdu, _, _ in _CALLS:
        slave_id = 247 if "247" in call else 1
        assert adu("rtu", call) == frame(slave_id, raw(pdu)), call


def test_tcp_adus():
    for call, pdu, _, _ in _CALLS:
        made = adu("tcp", call)
        assert isinstance(made, bytes)
        slave_id = 247 if "247" in call else 1
        assert made[2:] == tcp_frame(raw(pdu), 0, slave_id)[2:], call


def test_transactions_differ():
    made = [tcp.read_coils(1, 0, 1) for _ in range(300)]
    assert len(set(made)) == 300


def test_adus_are_not_changed_later():
    for name in _PLACES:
        first = adu(name, "write_single_register(1, 2, 3)")
        copy = bytes(bytearray(first))
        adu(name, "write_single_register(9, 8, 7)")
        assert first == copy


def test_bad_arguments():
    for name in _PLACES:
        for call in BAD_CALLS + (BAD_SERIAL_CALLS if name == "rtu" else ()):
            if "into" not in call:
                raises(ValueError, adu, name, call)


def test_parse_response_adu():
    for call, _, response, result in _CALLS:
        for name, place in _PLACES.items():
            request = adu(name, call)
            got = place.parse_response_adu(answer(name, request, response), request)
            assert got == unsigned(result) and type(got) is type(result), (call, got)


def unsigned(result):
    """What a response tells of a register: no sign."""
    return result & 0xFFFF if isinstance(result, int) else result


def answer(name, request, response):
    """The ADU of this response PDU."""
    if name == "rtu":
        return frame(request[0], raw(response))
    return request[:2] + tcp_frame(raw(response), 0, request[6])[2:]


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
    for code, kind in EXCEPTIONS:
        for name, place in _PLACES.items():
            request = adu(name, "read_coils(1, 0, 1)")
            refusal = answer(name, request, "81%02x" % code)
            for error in (
                raises(errors.ModbusError, place.parse_response_adu, refusal, request),
                raises(errors.ModbusError, place.parse_response_adu, refusal),
                raises(errors.ModbusError, place.raise_for_exception_adu, refusal),
            ):
                assert type(error).__name__ == kind and error.error_code == code


def test_what_is_no_exception():
    for name, place in _PLACES.items():
        request = adu(name, "read_coils(1, 0, 1)")
        assert place.raise_for_exception_adu(answer(name, request, "010101")) is None


def test_bad_responses():
    for _, call, response in BAD_RESPONSES:
        if not call.startswith("request"):
            for name, place in _PLACES.items():
                request = adu(name, call)
                parse = place.parse_response_adu
                raises(errors.BadReplyError, parse, answer(name, request, response), request)


def test_short_responses_on_their_own():
    for response in ("03", "83", "8300", "0302", "030400", "05", "0600", "10000100"):
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


def test_send_message():
    """umb.client.rtu.send_message(adu, client)."""
    for call, pdu, response, result in _CALLS:
        bench = Bench(always(response))
        got = rtu.send_message(adu("rtu", call), bench.client)
        assert got == unsigned(result), call
        assert bench.asked() == [pdu]
        bench.works()


def test_send_message_of_what_fails():
    bench = Bench(always("8102"))
    raises(errors.IllegalDataAddressError, rtu.send_message, rtu.read_coils(1, 0, 1), bench.client)
    for _, call, response in BAD_RESPONSES:
        if not call.startswith("request"):
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
    raises(errors.BadReplyError, rtu.send_message, b"\1\3\0\0\0\1\0\0", bench.client)
    assert bench.bus.asked == []


def test_names_that_do_not_exist():
    for place in _PLACES.values():
        raises(AttributeError, getattr, place, "read_coil")
        raises(AttributeError, getattr, place, "_adu_of")


# --- a server the same way


def test_get_server():
    """get_server(RTUServer, uart, ...): what follows goes to RTUServer."""
    from umb.server.rtu import RTUServer, get_server

    bench = SlaveBench(baudrate=9600)
    app = get_server(RTUServer, bench.uart, baudrate=9600, parity=0, de=bench.pin)
    assert isinstance(app, RTUServer)
    bench.rtu = app

    @app.route(slave_ids=[OURS], function_codes=[3], addresses=list(range(10)))
    def read(slave_id, function_code, address):
        return slave_id + function_code + address

    assert bench.ask(raw("0300040002")) == [frame(OURS, raw("0304") + bytes((0, 24, 0, 25)))]
    assert bench.ask(raw("0300090002")) == [frame(OURS, raw("8302"))]


def test_log_to_stream():
    before = Driver.__init__
    stream = io.StringIO()
    log_to_stream(stream)
    try:
        bench = SlaveBench()
        bench.ask(raw("0300040001"))
    finally:
        Driver.__init__ = before
    assert stream.getvalue().splitlines()[:2] == [
        "DEBUG:uModbus:<-- serial - 110300040001",
        "DEBUG:uModbus:--> serial - 1103020000",
    ]
