"""RTUClient: late replies of other slaves that look like requests, and requests that do not.

Echoes of writes, and three bytes of bits, have the form of a request and of a response.
"""

from support.late import TIMEOUT_MS, LateBus, always, clock  # comes first, see there

from support.bus import value_of
from support.client import Bench, raw
from support.rtu import frame
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.errors import ModbusError

# Calls whose late replies can be taken for requests: what is asked, and the reply.
_BOTH_WAYS = (
    ("write_single_coil({}, 172, 1)", "0500acff00"),
    ("write_single_register({}, 1, 3)", "0600010003"),
    ("diagnostics({}, 0, 7)", "0800000007"),
    ("diagnostics({}, 11)", "08000b0005"),
    ("mask_write_register({}, 4, 242, 37)", "16000400f20025"),
    ("write_file_record({}, [(4, 7, [1, 2])])", "150b0600040007000200010002"),
    ("read_coils({}, 5, 17)", "0103000101"),
    ("read_coils({}, 5, 24)", "0103ff07d0"),
    ("read_discrete_inputs({}, 5, 20)", "0203800001"),
    ("request({}, b'\\x01\\0\\0\\0\\x18')", "0103120345"),
    ("request({}, b'\\x06\\0\\1\\0\\3')", "0600010003"),
)
# Calls whose replies cannot, and another shape of each.
_ONE_WAY = (
    ("read_holding_registers({}, 5, 1)", "03021234"),
    ("read_coils({}, 5, 8)", "010177"),
    ("write_multiple_registers({}, 5, [1, 2])", "1000050002"),
    ("read_fifo_queue({}, 5)", "18000400010007"),
    ("read_file_record({}, [(4, 1, 2)])", "1406050600010002"),
    ("get_comm_event_counter({})", "0bffff0108"),
)


def client_on(bus, timeout_ms=TIMEOUT_MS):
    return RTUClient(bus, baudrate=115200, parity=0, de=bus.pin, timeout_ms=timeout_ms)


def call(client, text, slave_id):
    return eval("client." + text.format(slave_id), {"client": client})


def took_ms(client, slave_id, address=1):
    """How long it takes to read a register, which has to come."""
    before_us = clock.now_us()
    assert client.read_holding_registers(slave_id, address, 1) == [value_of(slave_id, address)]
    return (clock.now_us() - before_us) / 1000


def check(text, between, waits, beside):
    """Slave 5 owes a reply; this PDU comes with its id. Is it still waited for?

    beside  whether that comes while another slave is asked, else while nobody is
    """
    bus = LateBus(always(3000))
    client = client_on(bus)
    took_ms(client, 5)
    bus.delay_for = always(None)
    raises(ModbusError, call, client, text, 5)
    if beside:
        bus.delay_for = lambda *_: [(1000, frame(5, raw(between))), (3000, None)]
        took_ms(client, 7)
    else:
        bus.hear(clock.now_us() + 100, frame(5, raw(between)))
        clock.sleep_ms(3)
    bus.delay_for = always(3000)
    took = took_ms(client, 5)
    if waits:
        assert took > 1.7 * TIMEOUT_MS, (text, between, beside, took)
    else:
        assert took < TIMEOUT_MS + 8, (text, between, beside, took)
    bus.is_clean()


def test_the_late_reply_of_another_slave_counts_whatever_its_form():
    for text, reply in _BOTH_WAYS + _ONE_WAY:
        for beside in (False, True):
            check(text, reply, False, beside)


def test_a_late_exception_counts():
    for text, reply in _BOTH_WAYS + _ONE_WAY:
        for beside in (False, True):
            check(text, "%02x03" % (int(reply[:2], 16) | 0x80), False, beside)


def test_another_masters_request_to_a_slave_that_owes_a_reply():
    """It is no late reply: its slave is still waited for."""
    requests = (
        "0100050008",
        "0300050001",
        "0400050001",
        "0f0005000a02ff03",
        "10000500020400010002",
        "140706000400010002",
        "180000",
        "180004",
        "2b0e0100",
        "0b",
        "11",
    )
    writes = ("0500ab0000", "0600010004", "08000a0000", "16000400f20026", "150906000400070001beef")
    for text, reply in _BOTH_WAYS + _ONE_WAY:
        for request in requests + writes:
            known = "request(" in text and request[:2] == reply[:2]
            if known or (text.startswith("diagnostics") and request[:2] == "08"):
                continue
            for beside in (False, True):
                check(text, request, True, beside)


def test_another_master_asks_a_slave_that_owes_nothing():
    """As seldom as it answers: it is not believed to answer now."""
    for _, pdu in _BOTH_WAYS:
        bus = LateBus(always(None))
        client = client_on(bus)
        raises(ModbusError, client.read_holding_registers, 5, 0, 1)
        bus.hear(clock.now_us() + 100, frame(9, raw(pdu)))
        clock.sleep_ms(3)
        raises(ModbusError, client.read_holding_registers, 9, 0, 1)
        before_us = clock.now_us()
        raises(ModbusError, client.read_holding_registers, 9, 1, 1)
        assert clock.now_us() - before_us < 1000 * TIMEOUT_MS + 15_000, pdu


def test_a_late_reply_that_comes_after_days():
    """Nobody can owe a reply for so long: nothing is waited for."""
    for days in (0.01, 1, 6.1, 6.3, 12.4, 20):
        bus = LateBus(always(3000))
        client = client_on(bus)
        took_ms(client, 5)
        bus.delay_for = always(None)
        raises(ModbusError, client.read_holding_registers, 5, 1, 1)
        clock.now_ns += int(days * 86_400_000) * 1_000_000
        bus.hear(clock.now_us() + 100, frame(5, raw("03021234")))
        clock.sleep_ms(3)
        bus.delay_for = always(3000)
        assert took_ms(client, 5) < 8, days


# --- replies that are no requests, requests that are no replies


def test_replies_of_three_bytes_of_bits():
    """Every quantity, and bits that make up any quantity of a request."""
    for quantity in range(17, 25):
        for bits in (0, 1, 0x7D0, 0x7D1, 0x10203, 0xFFFFFF, 0xD007):
            pdu = bytes((3, bits & 0xFF, bits >> 8 & 0xFF, bits >> 16))
            wanted = [bits >> i & 1 for i in range(quantity)]
            bench = Bench(lambda *_, p=pdu: frame(1, b"\x01" + p), timeout_ms=60)
            bench.expect(wanted, "read_coils(1, 1000, {})".format(quantity))
            bench = Bench(lambda *_, p=pdu: frame(1, b"\x02" + p), timeout_ms=60)
            bench.expect(wanted, "read_discrete_inputs(1, 1000, {})".format(quantity))
            bench.expect(
                b"\x02" + pdu, "request(1, b'\\x02\\x03\\xe8\\0\\x{:02x}')".format(quantity)
            )


def test_another_master_asks_for_any_queue():
    """Also one whose address looks like the length of a response; the reply comes later."""
    for address in range(0, 65536, 127):
        bench = Bench(timeout_ms=100)

        def script(_id, _pdu, bench=bench, address=address):
            asked = frame(1, bytes((24, address >> 8, address & 0xFF)))
            end_us = bench.say(5000, asked)
            bench.say(end_us + 30_000, frame(1, raw("18000400010007")))

        bench.replies = script
        bench.expect([7], "read_fifo_queue(1, 5)")


def test_another_master_writes_a_file_to_the_slave_that_was_asked():
    bench = Bench(timeout_ms=100)

    def script(_id, _pdu):
        end_us = bench.say(5000, frame(1, raw("150906000400070001beef")))
        bench.say(end_us + 30_000, frame(1, raw("03020007")))

    bench.replies = script
    bench.expect([7], "read_holding_registers(1, 5, 1)")
