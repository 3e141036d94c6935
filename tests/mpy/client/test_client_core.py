"""umb.client.Client, whatever the transport: arguments, errors, what a call leaves behind."""

from array import array

from support.bus import answer  # comes first: by the clock of support.uart

from support.client_core import Scripted
from support.pdu import raw
from support.umb import Signed, raises

from umb.client.status import BAD_REPLY, LATE_REPLY, NO_CONNECTION, NO_REPLY
from umb.errors import (
    BadReplyError,
    IllegalDataAddressError,
    ModbusError,
    NoConnectionError,
    NoReplyError,
    error_code_to_exception_map,
)


def registers(*values):
    """A script: these values, for a read."""
    data = b"".join(bytes((value >> 8 & 0xFF, value & 0xFF)) for value in values)
    return lambda _, pdu: bytes((pdu[0], len(data))) + data


def bits(*data):
    return lambda _, pdu: bytes((pdu[0], len(data))) + bytes(data)


# --- into


class Own:
    """A sequence that somebody has written."""

    def __init__(self, n):
        self.kept = {}
        self._n = n

    def __len__(self):
        return self._n

    def __getitem__(self, i):
        return self.kept.get(i, 0)

    def __setitem__(self, i, value):
        self.kept[i] = value


_READS = (
    lambda client, into, signed: client.read_holding_registers(1, 0, 3, into, signed=signed),
    lambda client, into, signed: client.read_input_registers(1, 0, 3, into, signed=signed),
    lambda client, into, signed: client.read_write_multiple_registers(
        1, 0, 3, 0, [5], into, signed=signed
    ),
)


def test_into_takes_whole_values_or_is_refused():
    """Each kind of array that there is, for values that it cannot hold all of."""
    for signed, values in ((False, (0, 65535, 32768)), (True, (-32768, -1, 32767))):
        for code in "bBhHiIlLqQfd":
            for read in _READS:
                client = Scripted(registers(*values))
                into = array(code, [1] * 3)
                try:
                    assert read(client, into, signed) == 3
                except ValueError:
                    assert list(into) == [1] * 3, (code, "it was changed")
                    assert client.asked == [], (code, "something was sent")
                    assert code in ("bBhQIL" if not signed else "bBHILQ"), code
                    continue
                assert list(into) == list(values), (code, signed, into)
                assert code not in ("bBh" if not signed else "bBHILQ"), code


def test_into_of_every_other_kind():
    for read in _READS:
        for into in ([9] * 3, Own(3)):
            assert read(Scripted(registers(1, 2, 65535)), into, False) == 3
            assert [into[i] for i in range(3)] == [1, 2, 65535]
        for into in (
            bytearray(6),
            bytes(6),
            (0, 0, 0),
            "abc",
            range(3),
            memoryview(bytearray(6)),
            memoryview(bytes(6)),
            [0, 0],
            array("H", [0, 0]),
        ):
            client = Scripted(registers(1, 2, 0x1234))
            raises(ValueError, read, client, into, False)
            assert client.asked == [], (into, "a bad into must not let anything be sent")
        for into in (5, {}):
            client = Scripted(registers(1, 2, 3))
            raises((ValueError, TypeError, KeyError), read, client, into, False)
            assert client.asked == []


def test_into_for_bits():
    for read in (
        lambda client, into: client.read_coils(1, 0, 10, into),
        lambda client, into: client.read_discrete_inputs(1, 0, 10, into),
    ):
        for into in (bytearray(10), [5] * 10, array("b", [0] * 10), array("I", [7] * 10)):
            assert read(Scripted(bits(0xA5, 2)), into) == 10
            assert list(into) == [1, 0, 1, 0, 0, 1, 0, 1, 0, 1]
        for into in (bytes(10), (0,) * 10, "0123456789", bytearray(9)):
            client = Scripted(bits(0xA5, 2))
            raises(ValueError, read, client, into)
            assert client.asked == []


def test_signed_of_the_program():
    """What conf.SIGNED_VALUES says counts as signed= does, for arrays, too."""
    with Signed():
        raises(ValueError, Scripted().read_holding_registers, 1, 0, 1, array("H", [0]))
        into = array("h", [0])
        Scripted(registers(65535)).read_holding_registers(1, 0, 1, into)
        assert into[0] == -1


# --- values


def test_values_of_every_kind():
    """Whole values, or ValueError, and nothing is sent."""
    good = (
        ([1, 2, 3], "0001 0002 0003"),
        ((1, -2, 65535), "0001 fffe ffff"),
        (b"\1\2\xff", "0001 0002 00ff"),
        (bytearray(b"\1\2\xff"), "0001 0002 00ff"),
        (array("H", [1, 2, 65535]), "0001 0002 ffff"),
        (array("h", [1, -2, 3]), "0001 fffe 0003"),
        (array("l", [1, -32768, 65535]), "0001 8000 ffff"),
        (range(3), "0000 0001 0002"),
        (memoryview(b"\1\2\xff"), "0001 0002 00ff"),
    )
    for values, data in good:
        client = Scripted(answer)
        assert client.write_multiple_registers(1, 5, values) == 3
        assert client.asked == [(1, "100005000306" + data.replace(" ", ""))], values
        client = Scripted(lambda *_: b"\x17\x02\0\x07")
        assert client.read_write_multiple_registers(1, 0, 1, 5, values) == [7]
        assert client.asked[0][1].endswith("0005000306" + data.replace(" ", "")), values
    for values in (
        [1, 2, 65536],
        [1, 2, -32769],
        [1, 2, 3.0],
        [1, None],
        array("f", [1, 2]),
        array("l", [65536]),
        "ab",
        ["1"],
        [],
        b"",
        [[1]],
    ):
        for call in (
            lambda client, values: client.write_multiple_registers(1, 5, values),
            lambda client, values: client.read_write_multiple_registers(1, 0, 1, 5, values),
        ):
            client = Scripted(answer)
            raises(ValueError, call, client, values)
            assert client.asked == [], values


def test_bits_of_every_kind():
    for values in ([1, 0, 1], (True, False, True), b"\1\0\1", bytearray(b"\1\0\1")):
        client = Scripted(answer)
        assert client.write_multiple_coils(1, 5, values) == 3
        assert client.asked == [(1, "0f000500030105")]
    for values in ([1, 2], b"10", "10", [None], [0.5], [], array("H", [1, 2])):
        client = Scripted(answer)
        raises(ValueError, client.write_multiple_coils, 1, 5, values)
        assert client.asked == []


def test_numbers_that_are_none():
    for call in (
        lambda client, bad: client.read_coils(bad, 0, 1),
        lambda client, bad: client.read_coils(1, bad, 1),
        lambda client, bad: client.read_coils(1, 0, bad),
        lambda client, bad: client.write_single_register(1, bad, 1),
        lambda client, bad: client.write_single_register(1, 0, bad),
        lambda client, bad: client.mask_write_register(1, 0, bad, 0),
        lambda client, bad: client.mask_write_register(1, 0, 0, bad),
        lambda client, bad: client.read_write_multiple_registers(1, 0, 1, bad, [1]),
        lambda client, bad: client.read_fifo_queue(1, bad),
    ):
        for bad in ("1", None, 1.0, [1], b"1", 1 << 40, -(1 << 40)):
            client = Scripted(answer)
            error = raises((ValueError, TypeError), call, client, bad)
            assert len(str(error)) > 15 and client.asked == [], (error, bad)


# --- slave id 0


def test_slave_id_0_is_a_device_over_networks():
    """Inverters use it (TCP Guide 4.4.2.1): its answer is waited for, whatever it is."""
    writes = (
        ("write_single_register(0, 5000, 1)", 1),
        ("write_single_coil(0, 5000, 1)", 1),
        ("write_multiple_registers(0, 5000, [1, 2])", 2),
        ("write_multiple_coils(0, 5000, [1, 0])", 2),
        ("mask_write_register(0, 5000, 1, 2)", None),
        ("read_holding_registers(0, 1, 1)", [7]),
        ("request(0, b'\\x06\\0\\0\\0\\1')", b"\6\0\0\0\1"),
    )
    for call, value in writes:

        def respond(_, pdu):
            if pdu[0] == 3:
                return "03 02 0007"
            return pdu[: 7 if pdu[0] == 22 else 5]

        assert eval("client." + call, {"client": Scripted(respond)}) == value
        refusing = Scripted(lambda _, pdu: bytes((pdu[0] | 0x80, 2)))
        raises(IllegalDataAddressError, eval, "client." + call, {"client": refusing})
        raises(NoReplyError, eval, "client." + call, {"client": Scripted()})


def test_a_broadcast_over_a_network_can_be_asked_for():
    client = Scripted(lambda _, pdu: pdu)
    client.broadcast = True
    assert client.write_single_register(0, 1, 2) is None
    assert client.write_single_register(1, 1, 2) == 2
    raises(BadReplyError, client.read_holding_registers, 0, 1, 1)


def test_slave_id_0_is_a_broadcast_on_serial_lines():
    client = Scripted(serial=True)
    assert client.write_single_register(0, 1, 2) is None
    assert client.request(0, b"\x06\0\1\0\2") is None
    raises(ValueError, client.read_coils, 0, 1, 1)
    raises(ValueError, client.read_device_identification, 0)


# --- what answers a request


def test_each_byte_of_a_header_counts():
    """A reply counts if its code, length and what it repeats are right, and in no other case."""
    rows = (
        ("read_coils(1, 5, 10)", "01 02 ff03", (0, 1)),
        ("read_discrete_inputs(1, 5, 16)", "02 02 ff03", (0, 1)),
        ("read_holding_registers(1, 5, 2)", "03 04 00010002", (0, 1)),
        ("read_input_registers(1, 5, 2)", "04 04 00010002", (0, 1)),
        ("write_single_coil(1, 5, 1)", "05 0005 ff00", (0, 1, 2, 3, 4)),
        ("write_single_register(1, 5, 1)", "06 0005 0001", (0, 1, 2, 3, 4)),
        ("read_exception_status(1)", "07 55", (0,)),
        ("diagnostics(1, 10)", "08 000a 0000", (0, 1, 2)),
        ("get_comm_event_counter(1)", "0b ffff 0001", (0,)),
        ("get_comm_event_log(1)", "0c 06 ffff 0001 0002", (0, 1)),
        ("write_multiple_coils(1, 5, [1])", "0f 0005 0001", (0, 1, 2, 3, 4)),
        ("write_multiple_registers(1, 5, [1])", "10 0005 0001", (0, 1, 2, 3, 4)),
        ("report_server_id(1)", "11 02 41ff", (0, 1)),
        ("mask_write_register(1, 5, 1, 2)", "16 0005 0001 0002", (0, 1, 2, 3, 4, 5, 6)),
        ("read_write_multiple_registers(1, 0, 1, 5, [1])", "17 02 0007", (0, 1)),
        ("read_fifo_queue(1, 5)", "18 0004 0001 0007", (0, 1, 2, 3, 4)),
        ("read_device_identification(1)", "2b 0e 01 01 00 00 01 00 01 41", (0, 1)),
    )
    for call, response, looked_at in rows:
        pdu = raw(response)
        eval("client." + call, {"client": Scripted(lambda *_, pdu=pdu: pdu)})
        for n in range(1, len(pdu) + 2):
            if n != len(pdu):
                cut = (pdu + b"\0")[:n]
                client = Scripted(lambda *_, cut=cut: cut)
                raises(BadReplyError, eval, "client." + call, {"client": client})
        for i in looked_at:
            for bit in range(8):
                data = bytearray(pdu)
                data[i] ^= 1 << bit
                client = Scripted(lambda *_, data=data: bytes(data))
                raises(ModbusError, eval, "client." + call, {"client": client})


def test_a_request_of_the_callers_own_making():
    """For devices that do not answer as they should: only the function code is looked at."""
    client = Scripted(lambda *_: "03 0c 000102030405060708090a0b")
    assert len(client.request(1, b"\3\0\0\0\1")) == 14
    raises(BadReplyError, Scripted(lambda *_: "04 02 0001").request, 1, b"\3\0\0\0\1")
    raises(IllegalDataAddressError, Scripted(lambda *_: "83 02").request, 1, b"\3\0\0\0\1")


# --- errors


def said(client, call):
    error = raises(ModbusError, eval, "client." + call, {"client": client})
    return str(error), error


def test_errors_are_sentences():
    read = "read_holding_registers(7, 0, 2)"
    for status, text in (
        (NO_REPLY, "slave 7 did not answer FC 3 at 0 x 2 within 500 ms"),
        (BAD_REPLY, "slave 7 gave no valid answer to FC 3 at 0 x 2"),
        (LATE_REPLY, "slave 7 answered FC 3 at 0 x 2, or else an earlier request"),
        (NO_CONNECTION, "no connection, asking slave 7 FC 3 at 0 x 2"),
        (2, "slave 7 refused FC 3 at 0 x 2: illegal data address (exception 2)"),
        (9, "slave 7 refused FC 3 at 0 x 2: exception 9"),
    ):
        got, error = said(Scripted(lambda *_, status=status: status), read)
        assert got == text, got
        assert error.slave_id == 7 and error.function_code == 3
        assert error.error_code == (status if status > 0 else None)
    for call, what in (
        ("write_single_register(9, 100, 1)", "FC 6 at 100"),
        ("write_single_coil(9, 100, 1)", "FC 5 at 100"),
        ("write_multiple_registers(9, 100, [1])", "FC 16 at 100 x 1"),
        ("write_multiple_coils(9, 100, [1, 1])", "FC 15 at 100 x 2"),
        ("mask_write_register(9, 100, 1, 2)", "FC 22 at 100"),
        ("read_write_multiple_registers(9, 3, 6, 100, [1])", "FC 23 at 3 x 6"),
        ("read_fifo_queue(9, 100)", "FC 24 at 100"),
        ("read_device_identification(9)", "FC 43"),
        ("report_server_id(9)", "FC 17"),
        ("diagnostics(9, 10)", "FC 8"),
        ("request(9, b'A')", "FC 65"),
    ):
        got, error = said(Scripted(), call)
        assert got == "slave 9 did not answer {} within 500 ms".format(what), got
    got, _ = said(Scripted(retries=2), read)
    assert got == "slave 7 did not answer FC 3 at 0 x 2 within 500 ms, 3 times", got


def test_every_exception_code_has_words():
    for code in range(1, 256):
        got, error = said(Scripted(lambda *_, code=code: code), "read_coils(1, 2, 3)")
        begin = {10: "nothing leads to slave 1, for FC 1 at 2 x 3: "}
        begin[11] = "nobody has answered for slave 1, FC 1 at 2 x 3: "
        assert got.startswith(begin.get(code, "slave 1 refused FC 1 at 2 x 3: ")), got
        assert str(code) in got, got
        assert error.error_code == code and isinstance(error, ModbusError)
        assert type(error) is error_code_to_exception_map.get(code, ModbusError)


def test_bytes_that_make_no_sense_are_an_error_with_a_sentence():
    for call, response in (
        ("get_comm_event_log(1)", "0c 02 0000"),
        ("read_fifo_queue(1, 5)", "18 0002 0005"),
        ("read_device_identification(1)", "2b 0e 01 01 00 00 01 00 09 41"),
    ):
        got, error = said(Scripted(lambda *_, r=response: r), call)
        assert "gave no valid answer" in got and isinstance(error, BadReplyError), got


# --- a client is a context manager


def test_with():
    client = Scripted(registers(5))
    with client as same:
        assert same is client and client.opened == 1 and client.closed == 0
        assert client.read_holding_registers(1, 0, 1) == [5]
    assert client.closed == 1
    try:
        with client:
            raise KeyError("x")
    except KeyError:
        pass
    assert client.closed == 2


def test_connect():
    client = Scripted()
    assert client.connect() is None and client.opened == 1 and client.asked == []
    client.open = lambda: NO_CONNECTION
    error = raises(NoConnectionError, client.connect)
    assert str(error) == "no connection", error


# --- what a call leaves behind


def test_nothing_of_a_call_is_kept():
    """Neither what it wrote nor where it read to."""
    client = Scripted(answer)
    for _ in range(3):
        client.write_multiple_registers(1, 0, [1, 2])
        raises(ValueError, client.write_multiple_registers, 1, 0, [70000])
        raises(ValueError, client.read_coils, 1, 0, 1, bytes(1))
        raises(NoReplyError, Scripted().read_coils, 1, 0, 1)
    assert len(client._spare) == 1
    (request,) = client._spare
    assert request.values is None and request.into is None
    assert client.abandoned == 0


def test_an_interrupted_call_is_given_up():
    def interrupt(*_):
        raise KeyboardInterrupt

    client = Scripted(interrupt)
    raises(KeyboardInterrupt, client.read_coils, 1, 0, 1)
    assert client.abandoned == 1 and len(client._spare) == 1
    client.respond = bits(1)
    assert client.read_coils(1, 0, 1) == [1]
    assert client.abandoned == 1


def test_a_driver_that_raises_oserror():
    calls = []

    def fail(*_):
        calls.append(1)
        raise OSError(5)

    client = Scripted(fail, retries=2)
    raises(NoConnectionError, client.read_coils, 1, 0, 1)
    assert len(calls) == 3 and client.abandoned == 3


def test_retries():
    statuses = [NO_REPLY, BAD_REPLY, NO_CONNECTION, LATE_REPLY]
    client = Scripted(lambda *_: statuses.pop(0) if statuses else "01 01 01", retries=4)
    assert client.read_coils(1, 0, 1) == [1]
    assert len(client.asked) == 5
    for code in (1, 5, 6, 11):
        client = Scripted(lambda *_, code=code: code, retries=4)
        raises(ModbusError, client.read_coils, 1, 0, 1)
        assert len(client.asked) == 1
