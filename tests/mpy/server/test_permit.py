"""Server(permit=...): who may ask for what, and what is asked about which request."""

from support.heap import free_of_heap
from support.pdu import Link, ask, expect, raw, read_write, request, write_bits, write_registers
from support.umb import Told, contents, raises

from umb.errors import ServerDeviceBusyError
from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity
from umb.server import Server
from umb.store import Store

# Requests of every form, and what permit is called with: (function code, address, quantity).
REQUESTS = (
    (request(1, 3, 5), [(1, 3, 5)]),
    (request(2, 0, 16), [(2, 0, 16)]),
    (request(3, 258, 2), [(3, 258, 2)]),
    (request(4, 1, 1), [(4, 1, 1)]),
    (request(5, 2, 0xFF00), [(5, 2, 1)]),
    (request(6, 259, 0xFFFF), [(6, 259, 1)]),
    (write_bits(1, [1] * 12), [(15, 1, 12)]),
    (write_registers(256, [7, 8, 9]), [(16, 256, 3)]),
    (request(22, 260, 0xFF00, 3), [(22, 260, 1)]),
    (read_write(256, 4, 262, [1, 2]), [(3, 256, 4), (23, 262, 2)]),
    (raw("08 0000 1234"), [(8, None, 0)]),
    (raw("2b 0e 01 00"), [(43, None, 0)]),
    (raw("41 01"), [(65, None, 0)]),
)
BROADCASTS = (5, 6, 15, 16, 22)


def make(permit, slave_ids=(1,), **named):
    store = Store(16, 16, 8, [0] * 264)
    functions = (Diagnostics(networks=True), Identity({0: "a", 1: "b", 2: "c"}))
    server = Server(store, slave_ids, functions=functions, permit=permit, **named)
    server.function(65, lambda _, n, __: n)
    return server, store


def test_what_is_asked():
    for pdu, expected in REQUESTS:
        permit = Told(True)
        server, _ = make(permit)
        link = Link()
        answer = ask(server, pdu, link=link)
        assert answer[0] == pdu[0], (pdu, answer)
        assert permit.calls == [(1,) + call + (link,) for call in expected], (pdu, permit.calls)


def all_but(refused):
    """A permit that refuses one (function code, address, quantity)."""
    return lambda *call: call[1:4] != refused


def test_what_is_refused():
    for pdu, expected in REQUESTS:
        for refused in expected:
            server, store = make(all_but(refused))
            before = contents(store)
            link = Link()
            expect(server, pdu, bytes((pdu[0] | 0x80, 1)), link=link)
            assert contents(store) == before
            assert link.counters.bus_exception_error_count == 1
            for other, calls in REQUESTS:
                if refused not in calls:
                    assert ask(server, other)[0] == other[0]


def test_any_false_value_refuses():
    for result in (False, None, 0, ""):
        expect(make(Told(result))[0], request(3, 0, 1), "83 01")
    for result in (True, 1, "yes"):
        expect(make(Told(result))[0], request(3, 0, 1), "03 02 0000")


def test_what_has_no_form_is_not_asked_about():
    permit = Told(False)
    server, _ = make(permit)
    for pdu in ("03 0000", "03 0000 0000", "05 0000 0001", "10 0000 0002 02 0000", "16 0000 0000"):
        code = raw(pdu)[0]
        expect(server, pdu, bytes((code | 0x80, 3)))
    assert permit.calls == []


def test_addresses_come_after_it():
    expect(make(Told(False))[0], request(3, 60_000, 1), "83 01")
    expect(make(Told(True))[0], request(3, 60_000, 1), "83 02")


def test_broadcasts():
    for pdu, _ in REQUESTS:
        if pdu[0] in BROADCASTS:
            permit = Told(False)
            server, store = make(permit, (3, 5))
            before = contents(store)
            assert ask(server, pdu, 0, Link(serial=True)) is None
            assert contents(store) == before
            assert {call[0] for call in permit.calls} == {3}  # they share a store


def test_each_device_of_a_broadcast():
    server, _ = make(lambda slave_id, *_: slave_id == 5)
    server.remove(1)
    stores = [Store(holding_registers=1) for _ in range(3)]
    for slave_id, store in zip((4, 5, 6), stores):
        server.add(slave_id, store)
    assert ask(server, request(6, 0, 7), 0, Link(serial=True)) is None
    assert [store.holding_registers[0] for store in stores] == [0, 7, 0]


def test_who_is_asked_for_over_networks():
    """0 and 255 are the device itself."""
    for slave_id in (0, 7, 255):
        permit = Told(True)
        server, _ = make(permit, (7, 9))
        ask(server, request(6, 0, 1), slave_id)
        assert permit.calls[0][0] == 7


def test_what_is_asked_of_others_is_not_asked_about():
    permit = Told(True)
    server, _ = make(permit)
    expect(server, request(3, 0, 1), "83 0b", 9)
    assert ask(server, request(3, 0, 1), 9, Link(serial=True)) is None
    assert permit.calls == []


def test_routes_are_behind_it():
    server, _ = make(lambda _, code, *__: code != 6)
    values = []

    @server.route([1], [3, 6], [100])
    def endpoint(value=0, **_):
        values.append(value)
        return 5

    expect(server, request(6, 100, 9), "86 01")
    assert values == []
    expect(server, request(3, 100, 1), "03 02 0005")


def test_what_it_raises():
    told = Told()
    error = ValueError("a bug")
    server, _ = make(Told(error), on_error=told)
    link = Link()
    expect(server, request(3, 0, 1), "83 04", link=link)
    assert told.calls == [(error, link)]
    expect(make(Told(ServerDeviceBusyError()))[0], request(3, 0, 1), "83 06")


def test_wrong_arguments():
    for permit in (5, "all", (), True):
        assert "permit must be a function" in str(raises(ValueError, Server, permit=permit))


class Traffic:
    """Requests of one form, whom permit lets through or not."""

    def __init__(self, pdu, allowed):
        self.server, _ = make(lambda *_: allowed)
        self.pdu = pdu
        self.adu = bytearray(262)
        self.link = Link()
        self.faults = 0
        self.refused = 0x80 if not allowed else 0


def play(traffic):
    adu = traffic.adu
    for _ in range(20):
        adu[6] = 1
        i = len(traffic.pdu)
        while i:
            i -= 1
            adu[7 + i] = traffic.pdu[i]
        traffic.server.handle(adu, len(traffic.pdu), traffic.link)
        if adu[7] & 0x80 != traffic.refused:
            traffic.faults += 1


def permits(slave_id, function_code, address, quantity, link):  # noqa: ARG001 - as it is called
    return True


def test_heap():
    for pdu, _ in REQUESTS:
        traffic = Traffic(pdu, True)
        traffic.server._permit._permit = permits  # one with *_ makes a tuple
        free_of_heap(str(pdu), play, traffic)
