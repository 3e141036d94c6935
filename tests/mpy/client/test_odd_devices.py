"""Devices as people report them: odd slave ids, sloppy replies, registers of other sizes."""

from support.late import LateBus, clock  # comes first: the clock of support.uart

from support.bus import answer, value_of
from support.client import Bench, always, in_turn, raw
from support.client_calls import BAD_RESPONSES, CALLS
from support.client_core import Scripted
from support.net import HOST, PORT, frame, good, is_whole, net, reply_to
from support.pdu import words
from support.rtu import frame as rtu_frame
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.client.tcp import TCPClient
from umb.client.udp import UDPClient
from umb.errors import BadReplyError, IllegalDataAddressError, ModbusError, NoReplyError

_READ = "read_holding_registers(1, 10, 2)"
_WRITES = (
    ("write_single_coil(1, 10, 1)", 1),
    ("write_single_register(1, 10, 2)", 2),
    ("write_multiple_coils(1, 10, [1, 1])", 2),
    ("write_multiple_registers(1, 10, [7])", 1),
    ("mask_write_register(1, 10, 1, 2)", None),
)


# --- slave ids on serial lines


def test_every_slave_id_of_a_serial_line():
    """248 to 255 are reserved, and used by devices as any other (SL 2.2)."""
    for slave_id in range(1, 256):
        bench = Bench(baudrate=115200, timeout_ms=20)
        wanted = value_of(slave_id, 16)
        got = bench.call("read_holding_registers({}, 16, 1)".format(slave_id))
        assert got == [wanted], slave_id
        assert bench.client.slave(slave_id).write_single_register(1, 7) == 7
        assert [asked for asked, _ in bench.bus.asked] == [slave_id] * 2
    for slave_id in (-1, 256, None):
        raises(ValueError, Bench().client.read_coils, slave_id, 0, 1)


def zero(reply_id, pdu, **options):
    """A client's slave 0 that is a device, which answers with this slave id."""
    bench = Bench(timeout_ms=60, **options)
    bench.bus._deliver = Delivered(bench, reply_id, pdu)
    return bench, bench.client.slave(0, broadcast=False)


class Delivered:
    """What the line does with a request to slave 0, which Bus would say nothing to."""

    def __init__(self, bench, reply_id, pdu):
        self._bench = bench
        self._data = rtu_frame(reply_id, raw(pdu))
        self.asked = []

    def __call__(self, slave_id, pdu):
        self.asked.append((slave_id, pdu))
        self._bench.say(3000, self._data)


def test_slave_id_0_as_a_device():
    """00 03 4000 0001 901b is answered with 01 03 02 0001 7984; any other slave id does, too."""
    assert rtu_frame(1, raw("03020001")) == raw("0103020001") + b"\x79\x84"
    for reply_id in range(256):
        bench, meter = zero(reply_id, "03020001")
        assert meter.read_holding_registers(0x4000, 1) == [1], reply_id
        assert bench.bus._deliver.asked == [(0, raw("0340000001"))]
    bench, meter = zero(5, "060001000a")
    assert meter.write_single_register(1, 10) == 10
    bench, meter = zero(5, "8602")
    raises(IllegalDataAddressError, meter.write_single_register, 1, 10)
    assert (meter.requests, meter.exceptions) == (1, 1)


def test_slave_id_0_is_everybody_without_that():
    bench, _ = zero(1, "03020001")
    raises(ValueError, bench.client.read_holding_registers, 0, 0x4000, 1)
    raises(ValueError, bench.client.slave(0).read_holding_registers, 0x4000, 1)
    assert bench.client.slave(0).write_single_register(1, 2) is None
    assert bench.client.write_single_register(0, 1, 2) is None
    bench, _ = zero(1, "03020001", broadcast=False)
    assert bench.client.read_holding_registers(0, 0x4000, 1) == [1]


def test_noise_and_wrong_replies_of_slave_0():
    """Whatever its slave id: length, function code and CRC count as ever."""
    for pdu in ("0302000100", "03040001", "04020001", "0301ff"):
        _, meter = zero(1, pdu)
        error = raises(ModbusError, meter.read_holding_registers, 0x4000, 1)
        assert isinstance(error, (BadReplyError, NoReplyError)), (pdu, error)
    bench, meter = zero(1, "03020001")
    bench.bus._deliver._data = b"\0" + rtu_frame(1, raw("03020001")) + b"\xff"
    assert meter.read_holding_registers(0x4000, 1) == [1]


# --- replies with other ids


class Sloppy:
    """A server that answers with these changes to its MBAP header, and to its PDU."""

    def __init__(self, transaction=0, slave_id=0, pdu=None):
        self._change = transaction, slave_id, pdu

    def __call__(self, sock, data):
        if not is_whole(data):
            return False
        transaction, slave_id, pdu = self._change
        reply = reply_to(data)
        number = transaction(data[0] << 8 | data[1]) if transaction else data[0] << 8 | data[1]
        number &= 0xFFFF
        slave_id = data[6] if slave_id is None else data[6] + slave_id & 0xFF
        pdu = reply[7:] if pdu is None else pdu
        sock.say(5, frame(data, pdu, slave_id, number))
        return True


def client_of(kind, server, **options):
    net.reset()
    net.server = server
    options.setdefault("timeout_ms", 100)
    if kind is UDPClient:
        options.setdefault("retries", 0)
    return kind((HOST, PORT), **options)


_TRANSACTIONS = (
    lambda _: 0,  # always the same
    lambda _: 1,
    lambda _: 0xFFFF,
    lambda number: number - 1,  # that of the request before
    lambda number: number + 1,
    lambda number: number << 8,  # swapped
    lambda number: number & 0xFF,
)


def test_wrong_transaction_ids():
    """Taken with strict=False, and else never."""
    for kind in (TCPClient, UDPClient):
        for transaction in _TRANSACTIONS:
            client = client_of(kind, Sloppy(transaction), strict=False)
            for address in range(300):
                assert client.read_holding_registers(1, address, 1) == [address]
            if kind is TCPClient:
                assert len(net.socks) == 1
            client = client_of(kind, Sloppy(lambda number: number + 7))
            raises(BadReplyError, client.read_holding_registers, 1, 10, 1)
            meter = client.slave(1, strict=False)
            assert meter.read_holding_registers(10, 1) == [10]


def test_wrong_unit_ids():
    for kind in (TCPClient, UDPClient):
        for change in (1, 7, 255):
            client = client_of(kind, Sloppy(slave_id=change))
            for _ in range(2):
                raises(BadReplyError, client.read_holding_registers, 1, 10, 1)
            meter = client.slave(1, strict=False)
            for address in range(10):
                assert meter.read_holding_registers(address, 1) == [address]
            raises(BadReplyError, client.read_holding_registers, 1, 10, 1)
            assert meter.read_holding_registers(3, 1) == [3]


def test_wrong_ids_and_a_refusal():
    client = client_of(TCPClient, Sloppy(lambda _: 0, 3, b"\x83\x02"), strict=False)
    raises(IllegalDataAddressError, client.read_holding_registers, 1, 10, 1)


def test_what_can_be_no_answer_is_never_taken():
    """Another function code, another length: with wrong ids it is waited on."""
    for pdu in (b"\4\2\0\1", b"\3\4\0\1\0\2", b"\3\2\0", b"\x84\2"):
        for change in (0, 3):
            client = client_of(TCPClient, Sloppy(lambda _: 9, change, pdu), strict=False)
            raises(BadReplyError, client.read_holding_registers, 1, 10, 1)


class Late:
    """A server that answers request `number` so late, and every other one after 5 ms; it numbers
    its replies by itself if `sloppy`."""

    def __init__(self, number, delay_ms, sloppy):
        self._number, self._delay_ms, self._sloppy = number, delay_ms, sloppy
        self._asked = 0

    def __call__(self, sock, data):
        if not is_whole(data):
            return False
        self._asked += 1
        delay_ms = self._delay_ms if self._asked == self._number else 5
        reply = reply_to(data)
        sock.say(delay_ms, b"\0\0" + reply[2:] if self._sloppy else reply)
        return True


def test_a_late_reply_is_never_the_next_ones():
    """Not with strict=False either: after a time-out it listens where no late reply comes to."""
    for kind in (TCPClient, UDPClient):
        for sloppy in (False, True):
            for delay_ms in range(101, 300, 9):
                client = client_of(kind, Late(2, delay_ms, sloppy), strict=False, timeout_ms=100)
                for address in range(6):
                    try:
                        got = client.read_holding_registers(1, address, 1)
                        assert got == [address], (kind, sloppy, delay_ms, address, got)
                    except ModbusError:
                        assert address == 1


def test_a_late_reply_of_a_strict_call_is_not_taken_by_a_lenient_one():
    for kind in (TCPClient, UDPClient):
        client = client_of(kind, Late(2, 150, False), timeout_ms=100)
        meter = client.slave(1, strict=False)
        assert client.read_holding_registers(1, 0, 1) == [0]
        raises(NoReplyError, client.read_holding_registers, 1, 1, 1)
        for address in range(2, 5):
            assert meter.read_holding_registers(address, 1) == [address]


def test_a_reply_that_comes_twice():
    """Of a device whose ids are right: the second one is known by them."""

    def twice(sock, data):
        done = good(5)(sock, data)
        if done:
            sock.say(12, reply_to(data))
        return done

    for kind in (TCPClient, UDPClient):
        client = client_of(kind, twice, strict=False)
        for address in range(20):
            assert client.read_holding_registers(1, address, 1) == [address]
            clock.now_ns += (address % 9) * 1_000_000


# --- writes that are answered oddly


def odd_echoes(call):
    """Replies to a write that are none, but for the function code."""
    return [raw(response) for _, odd, response in BAD_RESPONSES if odd == call]


def test_odd_echoes_of_writes():
    """Short, long, of another address: with strict=False the function code is enough."""
    tried = 0
    for call, value in _WRITES:
        for reply in odd_echoes(call):
            for slack in (b"\1", b"", b"\0\0\0"):
                client = Scripted(lambda *_, r=reply + slack: r, strict=False)
                assert eval("client." + call, {"client": client}) == value, (call, reply)
                client = Scripted(lambda *_, r=reply + slack: r)
                raises(BadReplyError, eval, "client." + call, {"client": client})
                tried += 1
    assert tried > 30, tried


def test_odd_echoes_on_a_line():
    """Frames that are shorter or longer than their function code says end with the silence."""
    for call, value in _WRITES:
        for reply in odd_echoes(call):
            for strict in (False, True):
                bench = Bench(lambda *_, r=reply: rtu_frame(1, r), timeout_ms=100, strict=strict)
                bench.expect("BadReplyError" if strict else value, call)
                assert bench.took_us < 150_000
                bench.works()


def test_odd_replies_to_reads_are_never_taken():
    for _, call, response in BAD_RESPONSES:
        if call.startswith("read"):
            client = Scripted(lambda *_, r=response: r, strict=False)
            raises(BadReplyError, eval, "client." + call, {"client": client})


def test_other_ids_on_a_line():
    """With strict=False also another slave id is the reply's, but not that of one who is late."""
    bench = Bench(lambda _, pdu: rtu_frame(9, answer(1, pdu)), timeout_ms=60, strict=False)
    for address in range(5):
        bench.expect([value_of(1, address)], "read_holding_registers(1, {}, 1)".format(address))
    bench.client.strict = True
    bench.expect("BadReplyError", _READ)


def test_a_late_reply_of_another_slave_is_not_taken():
    for strict in (True, False):
        for delay_ms in range(21, 60, 3):
            bus = LateBus(lambda _, n, ms=delay_ms: ms * 1000 if n == 1 else 9000)
            client = RTUClient(bus, baudrate=115200, parity=0, timeout_ms=20, strict=strict)
            assert client.read_holding_registers(5, 0, 1) == [value_of(5, 0)]
            raises(ModbusError, client.read_holding_registers, 5, 1, 1)
            for address in range(2, 6):
                try:
                    got = client.read_holding_registers(7, address, 1)
                except ModbusError:
                    continue
                assert got == [value_of(7, address)], (strict, delay_ms, address, got)


def test_replies_that_are_right_are_taken_as_ever():
    for call, _, response, value in CALLS:
        client = Scripted(lambda *_, r=response: r, strict=False)
        assert eval("client." + call, {"client": client}) == value, call


def test_errors_tell_done_from_lost():
    """What a slave said of the right function code is there; what was lost is not."""
    for call, _ in _WRITES:
        for reply in odd_echoes(call):
            client = Scripted(lambda *_, r=reply: r)
            error = raises(BadReplyError, eval, "client." + call, {"client": client})
            assert error.reply == reply and repr(reply) in str(error), error
            bench = Bench(lambda *_, r=reply: rtu_frame(1, r), timeout_ms=100)
            error = raises(BadReplyError, bench.call, call)
            # The whole request may as well be another master's.
            is_request = reply[0] == 15 and len(reply) == 7
            assert error.reply == (None if is_request else reply), (call, reply, error)
    net_reply = b"\x06\0\x0a\0\x03"
    client = client_of(TCPClient, Sloppy(pdu=net_reply))
    error = raises(BadReplyError, client.write_single_register, 1, 10, 2)
    assert error.reply == net_reply
    for lost in ("0600", "0500050000"):
        data = rtu_frame(1, raw(lost))
        bench = Bench(lambda *_, d=data: d[:-1] + b"\x55", timeout_ms=60)
        error = raises(BadReplyError, bench.call, "write_single_register(1, 10, 2)")
        assert error.reply is None, error
    bench = Bench(lambda *_: None, timeout_ms=60)
    error = raises(NoReplyError, bench.call, "write_single_register(1, 10, 2)")
    assert error.reply is None
    error = raises(ModbusError, Scripted(lambda *_: 2).write_single_register, 1, 10, 2)
    assert error.reply is None


def test_fc_17_without_a_count():
    for response, value in (
        ("11 41 42 43", b"ABC"),
        ("11", b""),
        ("11 ff", b"\xff"),
        ("11 02 41 ff", b"A\xff"),  # with a count, as it should be
        ("11 03 41 ff", b"\x03A\xff"),
    ):
        pdu = raw(response)
        client = Scripted(lambda *_, p=pdu: p, strict=False)
        assert client.report_server_id(1) == value, response
        if value:  # else it is the request, which another master may send
            bench = Bench(lambda *_, p=pdu: rtu_frame(1, p), timeout_ms=100, strict=False)
            bench.expect(value, "report_server_id(1)")
        if response != "11 02 41 ff":
            error = raises(BadReplyError, Scripted(lambda *_, p=pdu: p).report_server_id, 1)
            assert error.reply == pdu


# --- registers that are not two bytes


def test_read_bytes():
    """Enron's registers of four bytes, energy meters that send 12 bytes for one register."""
    for code in (1, 2, 3, 4):
        for n in (0, 1, 2, 3, 4, 5, 12, 100, 250):
            data = bytes(range(n))
            pdu = bytes((code, n)) + data
            client = Scripted(lambda *_, p=pdu: p)
            assert client.read_bytes(1, code, 7000, 1) == data
            assert client.asked == [(1, "%02x1b580001" % code)]
            if n:
                bench = Bench(lambda *_, p=pdu: rtu_frame(1, p), baudrate=115200, timeout_ms=100)
                bench.expect(data, "read_bytes(1, {}, 7000, 1)".format(code))
                assert bench.took_us < 60_000
            client = client_of(TCPClient, Sloppy(pdu=pdu))
            assert client.read_bytes(1, code, 7000, 1) == data


def test_read_bytes_of_what_is_no_read():
    """The byte count has to be that of the bytes."""
    for response in ("03", "0301", "030100ff", "0304000102", "04020001"):
        client = Scripted(lambda *_, r=response: r)
        raises(BadReplyError, client.read_bytes, 1, 3, 0, 1)
    raises(IllegalDataAddressError, Scripted(lambda *_: "8302").read_bytes, 1, 3, 0, 1)
    for code in (0, 5, 6, 16, -1, None, "3"):
        raises(ValueError, Scripted(answer).read_bytes, 1, code, 0, 1)
    for address, quantity in ((-1, 1), (65536, 1), (0, 0), (0, 126), (65535, 2), ("0", 1)):
        raises(ValueError, Scripted(answer).read_bytes, 1, 3, address, quantity)


def test_read_bytes_when_noise_and_other_masters_are_there():
    for between in ("0300640002", "03006e000a", "060064 0002", "0100000010"):
        bench = Bench(timeout_ms=100)

        def script(_id, _pdu, bench=bench, between=between):
            end_us = bench.say(5000, rtu_frame(1, raw(between)))
            bench.say(end_us + 20_000, rtu_frame(1, raw("0304" + "00010002")))

        bench.replies = script
        bench.expect(b"\0\1\0\2", "read_bytes(1, 3, 0, 1)")


# --- exceptions 5 and 6


def busy(times, code=6, reply="0304" + "00460047"):
    left = [times]

    def script(*_):
        left[0] -= 1
        return raw("83%02x" % code) if left[0] >= 0 else raw(reply)

    return script


def test_busy_slaves_are_asked_again():
    """After a pause that doubles each time; only if asked for, and as often as retries say."""
    for code in (5, 6):
        for times in range(5):
            script = busy(times, code)
            bench = Bench(lambda *_, s=script: rtu_frame(1, s()), retries=3, busy_pause_ms=20)
            name = {5: "AcknowledgeError", 6: "ServerDeviceBusyError"}[code]
            bench.expect([70, 71] if times < 4 else name, _READ)
            assert len(bench.bus.asked) == min(times + 1, 4)
            times_us = bench.bus.times_us
            exchange_ms = (bench.bus.chars_ns(8 + 5) // 1000 + 500) / 1000
            for i in range(len(times_us) - 1):
                gap_ms = (times_us[i + 1] - times_us[i]) / 1000 - exchange_ms
                assert 0 <= gap_ms - (20 << i) < 3, (code, times, i, gap_ms)
            bench.replies = None
            assert bench.call("read_holding_registers(5, 16, 1)") == [value_of(5, 16)]
    for options in ({"retries": 3}, {"busy_pause_ms": 20}):
        bench = Bench(always("8306"), **options)
        bench.expect("ServerDeviceBusyError", _READ)
        assert len(bench.bus.asked) == 1


def test_other_exceptions_are_final():
    for code in range(1, 256):
        if code not in (5, 6):
            client = Scripted(lambda *_, c=code: c, retries=3, busy_pause_ms=1)
            raises(ModbusError, client.read_coils, 1, 0, 1)
            assert len(client.asked) == 1, code


def test_a_slave_that_is_busy_and_silent_by_turns():
    """Both count as tries."""
    script = in_turn(always("8306"), lambda *_: None, always("8305"), always("030400460047"))
    bench = Bench(script, retries=3, busy_pause_ms=10, timeout_ms=30)
    bench.expect([70, 71], _READ)
    assert len(bench.bus.asked) == 4
    meter = bench.client.slave(1, retries=1, busy_pause_ms=0)
    bench.replies = always("8306")
    raises(ModbusError, meter.read_holding_registers, 0, 1)
    assert len(bench.bus.asked) == 5 and meter.requests == 1
    meter.busy_pause_ms = 5
    raises(ModbusError, meter.read_holding_registers, 0, 1)
    assert len(bench.bus.asked) == 7 and meter.exceptions == 3


def test_a_busy_server_in_a_network():
    net.reset()
    asked = []

    def server(sock, data):
        if not is_whole(data):
            return False
        asked.append(clock.now_us())
        sock.say(1, frame(data, b"\x83\6" if len(asked) < 4 else b"\3\4" + words(70, 71)))
        return True

    net.server = server
    client = TCPClient((HOST, PORT), retries=5, busy_pause_ms=100)
    assert client.read_holding_registers(1, 10, 2) == [70, 71]
    gaps = [(asked[i + 1] - asked[i]) // 1000 for i in range(3)]
    assert [100 << i <= gaps[i] < (100 << i) + 5 for i in range(3)] == [True] * 3, gaps
    assert len(net.socks) == 1
