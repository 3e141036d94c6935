"""client.slave(): the calls without their first argument, settings of its own, counters."""

from support.bus import answer  # comes first: by the clock of support.uart

from support.client_calls import BAD_RESPONSES, BROADCASTS, CALLS
from support.client_core import Scripted
from support.heap import free_of_heap
from support.umb import raises

from umb.client.status import BAD_REPLY, LATE_REPLY, NO_CONNECTION, NO_REPLY, REWRITE
from umb.client.slave import Slave
from umb.errors import BadReplyError, ModbusError, NoReplyError

# The calls that CALLS has not.
_RARE = (
    ("read_exception_status(7)", "07", "0755", 0x55),
    ("diagnostics(7, 11)", "08000b0000", "08000b0005", 5),
    (
        "diagnostics(slave_id=7, sub_function=0, data=b'abc')",
        "080000616263",
        "080000616263",
        b"abc",
    ),
    ("get_comm_event_counter(7)", "0b", "0bffff0108", (65535, 264)),
    ("get_comm_event_log(7)", "0c", "0c08000001080121" + "2000", (0, 264, 289, b" \0")),
    ("report_server_id(7)", "11", "110241ff", b"A\xff"),
    (
        "read_file_record(7, [(4, 1, 2)])",
        "14070600040001" + "0002",
        "14060506" + "0001" * 2,
        [[1, 1]],
    ),
    ("write_file_record(7, [(4, 7, [5])])", "1509060004000700010005", "1509060004000700010005", 1),
    ("read_fifo_queue(7, 5)", "180005", "18000400010007", [7]),
    ("read_device_identification(7, 1, 2)", "2b0e0102", "2b0e01010000010201" + "41", {2: b"A"}),
    ("read_bytes(7, 3, 0, 1)", "0300000001", "030c" + "00" * 12, bytes(12)),
)


def without_slave_id(call):
    """A call of a client as that of one of its slaves: (slave id, text)."""
    name, _, rest = call.partition("(")
    first, comma, others = rest.partition(",")
    if not comma:
        first, others = first[:-1], " )"
    return int(first.partition("=")[2] or first), name + "(" + others[1:]


def test_every_call():
    """What is sent, and what is made of the reply, is that of the client's own call."""
    seen = set()
    broadcasts = tuple((call, request, "", None) for call, request in BROADCASTS)
    for call, request, response, value in CALLS + _RARE + broadcasts:
        slave_id, text = without_slave_id(call)
        seen.add(text.split("(")[0])
        client = Scripted(lambda *_, r=response: r, serial=True)
        meter = client.slave(slave_id)
        assert isinstance(meter, Slave) and meter.client is client and meter.slave_id == slave_id
        assert eval("meter." + text, {"meter": meter}) == value, call
        assert client.asked == [(slave_id, request)], call
        assert (meter.requests, meter.answers) == (1, 1 if response else 0), call
    assert seen == calls_of(Slave), calls_of(Slave) - seen


def calls_of(kind):
    """The names of the calls of this class that CALLS has."""
    return {name for name in dir(kind) if name[0] != "_" and name != "count"}


def test_into_and_signed():
    meter = Scripted(lambda *_: "03 04 ffff 0001").slave(7)
    assert meter.read_holding_registers(0, 2, signed=True) == [-1, 1]
    values = [0, 0]
    assert meter.read_holding_registers(0, 2, values) == 2 and values == [65535, 1]
    assert meter.read_holding_registers(0, 2, into=values, signed=True) == 2
    assert values == [-1, 1]


# --- settings


def test_settings_of_its_own():
    """Or those that the client has at the time of the call; the client's stay as they are."""
    client = Scripted(timeout_ms=500, retries=1)
    plain = client.slave(7)
    own = client.slave(7, timeout_ms=20, retries=3)
    for meter, times, sentence in (
        (own, 4, "slave 7 did not answer FC 3 at 0 x 2 within 20 ms, 4 times"),
        (plain, 2, "slave 7 did not answer FC 3 at 0 x 2 within 500 ms, 2 times"),
        (client, 2, "slave 7 did not answer FC 3 at 0 x 2 within 500 ms, 2 times"),
    ):
        client.asked.clear()
        arguments = (7, 0, 2) if meter is client else (0, 2)
        error = raises(NoReplyError, meter.read_holding_registers, *arguments)
        assert str(error) == sentence and len(client.asked) == times, error
        assert error.slave_id == 7
    client.timeout_ms = 33
    client.retries = 0
    error = raises(NoReplyError, plain.read_holding_registers, 0, 2)
    assert str(error) == "slave 7 did not answer FC 3 at 0 x 2 within 33 ms"
    plain.timeout_ms = 44
    plain.retries = 1
    error = raises(NoReplyError, plain.read_holding_registers, 0, 2)
    assert str(error) == "slave 7 did not answer FC 3 at 0 x 2 within 44 ms, 2 times"
    error = raises(NoReplyError, own.read_holding_registers, 0, 2)
    assert str(error).endswith("within 20 ms, 4 times")


def test_wrong_settings_are_refused_when_they_are_made():
    client = Scripted(answer)
    for slave_id in (-1, 256, None, "7", 1.0, [1]):
        raises(ValueError, client.slave, slave_id)
    for name in ("timeout_ms", "retries", "pause_ms", "busy_pause_ms"):
        for wrong in (-1, 1 << 29, 0.5, "1", [1]) + ((0,) if name == "timeout_ms" else ()):
            error = raises(ValueError, client.slave, 1, **{name: wrong})
            assert str(error).startswith(name + " must be "), error
    raises(TypeError, client.slave, 1, 500)
    raises(TypeError, client.slave)
    raises(TypeError, client.slave, 1, timeout=5)


def test_wrong_arguments_of_calls():
    client = Scripted(answer)
    meter = client.slave(7)
    for call in (
        lambda: meter.read_coils(0, 0),
        lambda: meter.write_single_register(0, "5"),
        lambda: meter.write_multiple_registers(0, 5),
        lambda: meter.read_holding_registers(0, 1, bytes(1)),
        lambda: meter.request(b""),
        lambda: meter.read_bytes(6, 0, 1),
    ):
        raises(ValueError, call)
    assert client.asked == [] and meter.requests == 0
    assert len(client._spare) == 1, "requests are used again"


# --- counters


def counted(meter):
    return meter.requests, meter.answers, meter.exceptions, meter.time_outs, meter.bad_replies


def test_counters():
    """Every request that is sent, with those of retries, is counted once, as what it ended in."""
    client = Scripted()
    meter = client.slave(7)
    wanted = [0, 0, 0, 0, 0]
    good = "03 02 0001"
    for response, at in (
        (good, 1),
        ("83 02", 2),
        (5, 2),
        (NO_REPLY, 3),
        (BAD_REPLY, 4),
        (LATE_REPLY, 4),
        ("03 04 00010002", 4),
        ("04 02 0001", 4),
        (NO_CONNECTION, None),
        (good, 1),
    ):
        client.respond = lambda *_, r=response: r
        wanted[0] += 1
        if at is not None:
            wanted[at] += 1
        try:
            meter.read_holding_registers(0, 1)
            assert at == 1
        except ModbusError:
            assert at != 1
        assert counted(meter) == tuple(wanted), (response, counted(meter))
    responses = [NO_REPLY, BAD_REPLY, REWRITE, NO_REPLY, good]
    client.respond = lambda *_: responses.pop(0)
    meter.retries = 3
    meter.read_holding_registers(0, 1)
    wanted = [wanted[0] + 4, wanted[1] + 1, wanted[2], wanted[3] + 2, wanted[4] + 1]
    assert counted(meter) == tuple(wanted)
    other = client.slave(7)
    client.respond = lambda *_: good
    client.read_holding_registers(7, 0, 1)
    assert counted(meter) == tuple(wanted) and counted(other) == (0,) * 5


def test_every_bad_response_counts_as_one():
    for _, call, response in BAD_RESPONSES:
        client = Scripted(lambda *_, r=response: r)
        slave_id, text = without_slave_id(call)
        meter = client.slave(slave_id)
        raises(BadReplyError, eval, "meter." + text, {"meter": meter})
        assert meter.requests == 1 and meter.bad_replies + meter.answers == 1, call


def test_broadcasts_count_as_requests():
    everybody = Scripted(serial=True).slave(0)
    assert everybody.write_single_register(1, 2) is None
    assert counted(everybody) == (1, 0, 0, 0, 0)


def test_the_time_to_answer():
    client = Scripted(answer)
    meter = client.slave(7)
    for took_ms, longest_ms in ((5, 5), (30, 30), (2, 30), (0, 30), (31, 31)):
        client.took = took_ms
        meter.read_holding_registers(0, 1)
        assert (meter.last_ms, meter.longest_ms) == (took_ms, longest_ms)
    client.respond = lambda *_: 4
    client.took = 50
    raises(ModbusError, meter.read_holding_registers, 0, 1)
    assert (meter.last_ms, meter.longest_ms) == (50, 50), "an exception is an answer, too"
    client.respond = lambda *_: NO_REPLY
    client.took = 1000
    raises(ModbusError, meter.read_holding_registers, 0, 1)
    assert (meter.last_ms, meter.longest_ms) == (50, 50)


def test_objects_are_asked_for_with_its_settings():
    """FC 43 takes several requests, all of which count."""
    responses = ["2b 0e 01 01 ff 01 01 00 01 41", NO_REPLY, "2b 0e 01 01 00 00 01 01 01 42"]
    client = Scripted(lambda *_: responses.pop(0))
    meter = client.slave(7, retries=1)
    assert meter.read_device_identification() == {0: b"A", 1: b"B"}
    assert counted(meter) == (3, 2, 0, 1, 0)


# --- memory


class Traffic:
    """A slave that is asked again and again; its client's driver has the reply at once."""

    def __init__(self):
        client = Scripted()
        self.adu = client._adu
        client.start = self.start
        self.client = client
        self.meter = client.slave(7, timeout_ms=20, retries=1, pause_ms=0, strict=False)
        self.values = [0, 0]
        self.faults = 0

    def start(self, _n):
        self.adu[7] = 3
        self.adu[8] = 4
        self.client._n = 6
        return 0


def ask(traffic):
    meter, values = traffic.meter, traffic.values
    for _ in range(1000):
        if meter.read_holding_registers(0, 2, values) != 2:
            traffic.faults += 1


def test_calls_allocate_nothing():
    traffic = Traffic()
    free_of_heap("a slave's calls", ask, traffic)
    assert traffic.meter.answers == 3000
