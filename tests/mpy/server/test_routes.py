"""Routes: which endpoint is asked for an address, and what its answers become."""

from support.pdu import (
    Link,
    ask,
    expect,
    read_write,
    request,
    words,
    write_bits,
    write_registers,
)
from support.umb import Signed, Told, raises

from umb import errors
from umb.server import Server
from umb.store import Registers, Store

_ALL = (1, 2, 3, 4, 5, 6, 15, 16)


class Endpoint:
    """Keeps the calls it gets, and gives the address, or `result`, or raises it."""

    def __init__(self, result=None):
        self.calls = []
        self.result = result

    def __call__(self, *, slave_id, function_code, address, **rest):
        if "value" in rest:
            self.calls.append((slave_id, function_code, address, rest["value"]))
        else:
            self.calls.append((slave_id, function_code, address))
        if isinstance(self.result, Exception):
            raise self.result
        return address if self.result is None else self.result


def routed(endpoint, slave_ids=(1,), function_codes=None, addresses=None, **named):
    """A server of which one endpoint is all there is."""
    server = Server()
    server.route(slave_ids, function_codes, addresses, **named)(endpoint)
    return server


def test_endpoints_are_called_per_address():
    endpoint = Endpoint()
    server = routed(endpoint, [1], [3, 4], range(100, 110))
    expect(server, request(3, 105, 3), b"\x03\x06" + words(105, 106, 107))
    assert endpoint.calls == [(1, 3, 105), (1, 3, 106), (1, 3, 107)]
    endpoint.calls.clear()
    expect(server, request(4, 100, 1), b"\x04\x02" + words(100))
    assert endpoint.calls == [(1, 4, 100)]


def test_endpoints_of_bits():
    server = routed(lambda address, **_: 1 if address % 3 == 0 else 0)
    expect(server, request(1, 1, 10), "01 02 2401")
    expect(server, request(2, 0, 3), "02 01 01")


def test_endpoints_get_values():
    for pdu, calls in (
        (request(5, 7, 0xFF00), [(7, 1)]),
        (request(5, 7, 0), [(7, 0)]),
        (request(6, 7, 0xFFFE), [(7, 0xFFFE)]),
        (write_bits(7, [1, 0, 1]), [(7, 1), (8, 0), (9, 1)]),
        (write_registers(7, [1, 0xFFFF]), [(7, 1), (8, 0xFFFF)]),
    ):
        endpoint = Endpoint()
        expect(routed(endpoint), pdu, pdu[:5])
        assert [call[:2] for call in endpoint.calls] == [(1, pdu[0])] * len(calls)
        assert [call[2:] for call in endpoint.calls] == calls, endpoint.calls


def test_largest_requests():
    server = routed(Endpoint(1))
    expect(server, request(1, 0, 2000), b"\x01\xfa" + b"\xff" * 250)
    expect(server, request(3, 0, 125), b"\x03\xfa" + words(*[1] * 125))
    endpoint = Endpoint()
    server = routed(endpoint)
    expect(server, write_bits(0, [1] * 1968), request(15, 0, 1968))
    expect(server, write_registers(0, [1] * 123), request(16, 0, 123))
    assert len(endpoint.calls) == 1968 + 123


def test_what_rules_are_made_of():
    for addresses in ([3, 5], (3, 5), {3, 5}, {3: 0, 5: 0}, range(3, 7, 2), range(5, 2, -2)):
        server = routed(Endpoint(), [1], (3,), addresses)
        for address in range(8):
            wanted = b"\x03\x02" + words(address) if address in (3, 5) else b"\x83\x02"
            expect(server, request(3, address, 1), wanted)
    server = routed(Endpoint(), range(1, 4), b"\x03\x04", range(10, 12))
    for slave_id in (1, 2, 3):
        expect(server, request(4, 11, 1), "04 02 000b", slave_id)
    expect(server, request(4, 11, 1), "84 0b", 4)
    expect(server, request(4, 12, 1), "84 02")


def test_rules_that_cannot_be():
    """Refused when the route is made, and nothing of it stays."""
    store = Store(holding_registers=10)
    server = Server(store, slave_ids=(1,))
    for wrong in (
        [0, 300],
        [0],
        [248],
        [255],
        [300],
        [-1],
        [5, 0],
        ["5"],
        [5.0],
        [None],
        "5",
        [[5]],
    ):
        raises(ValueError, server.route, wrong)
    for wrong in ([0], [7], [8], [17], [22], [23], [3, 0x83], [300], [-1], ["3"], [3.0], [None]):
        raises(ValueError, server.route, [5], wrong)
    for wrong in ([-1], [65536], [0, 65536], ["0"], [0.0], [None], [(0,)], "0"):
        raises(ValueError, server.route, [5], [3], wrong)
    for wrong in (range(-1, 5), range(65530, 65537), range(65536, 65530, -1), range(5, -2, -1)):
        raises(ValueError, server.route, [5], [3], wrong)
    for wrong in (5, 1.5, Endpoint(), object()):
        raises(TypeError, server.route, wrong)
        raises(TypeError, server.route, [5], wrong)
        raises(TypeError, server.route, [5], [3], wrong)
    for wrong in (2, "yes", [True], 1.5):
        raises(ValueError, server.route, [5], [3], [0], signed=wrong)
    for wrong in (None, 5, "endpoint", [Endpoint()]):
        raises(TypeError, server.route([1], [3], [0]), wrong)
    assert [i for i in range(256) if server.serves(i)] == [1]
    expect(server, request(3, 0, 1), "03 02 0000")


def test_what_has_no_order_or_is_used_up():
    """A generator, a set, a dict: read once, when the route is made."""
    slave_ids = (i for i in (5, 6))
    addresses = (i for i in (7, 3, 4))
    server = routed(Endpoint(), slave_ids, {3: None, 4: None}, addresses)
    for slave_id in (5, 6):
        for address in range(9):
            wanted = b"\x03\x02" + words(address) if address in (3, 4, 7) else b"\x83\x02"
            expect(server, request(3, address, 1), wanted, slave_id)


def test_every_address_of_a_range():
    for addresses in (
        range(65536),
        range(65535, -1, -1),
        range(10, 20),
        range(10, 11),
        range(19, 9, -1),
        range(10, 20, 3),
        range(19, 9, -3),
        range(0, 65536, 4096),
        range(65535, 0, -4096),
        list(range(10, 20)),
        list(range(19, 9, -1)),
        [10, 11, 13],
        [10, 10, 12],
        [12, 11, 10],
    ):
        server = routed(Endpoint(), addresses=addresses)
        for address in tuple(range(40)) + tuple(range(4080, 4100)) + (61439, 61440, 65535):
            wanted = b"\x03\x02" + words(address) if address in addresses else b"\x83\x02"
            expect(server, request(3, address, 1), wanted)


def test_empty_rules_match_nothing():
    for addresses in ([], (), range(0), range(5, 5), range(5, 3)):
        server = routed(Endpoint(), addresses=addresses)
        expect(server, request(3, 0, 1), "83 02")
    expect(routed(Endpoint(), function_codes=[]), request(3, 0, 1), "83 02")


def test_route_returns_the_function():
    def endpoint(**_):
        return 5

    server = Server()
    decorated = server.route([1], [3], [0])(server.route([1], [4], [1])(endpoint))
    assert decorated is endpoint
    expect(server, request(3, 0, 1), "03 02 0005")
    expect(server, request(4, 1, 1), "04 02 0005")
    expect(server, request(3, 1, 1), "83 02")


def test_first_rule_wins():
    first, second, third = Endpoint(1), Endpoint(2), Endpoint(3)
    server = Server()
    server.route(function_codes=[3], addresses=[5])(first)
    server.route(function_codes=[3], addresses=range(10))(second)
    server.route()(third)
    expect(server, request(3, 4, 3), b"\x03\x06" + words(2, 1, 2))
    expect(server, request(3, 9, 2), b"\x03\x04" + words(2, 3))
    expect(server, request(4, 5, 1), b"\x04\x02" + words(3))


def test_all_addresses_must_match_before_the_first_call():
    endpoint = Endpoint()
    server = routed(endpoint, addresses=[0, 1, 2, 4, 65535])
    for pdu in (
        request(3, 1, 3),
        request(1, 2, 3),
        request(3, 65535, 2),
        write_bits(0, [1, 1, 1, 1]),
        write_registers(2, [1, 1, 1]),
        write_registers(65535, [1, 1]),
        request(6, 3, 1),
        request(5, 3, 0),
    ):
        expect(server, pdu, bytes((pdu[0] | 0x80, 2)))
    assert endpoint.calls == []
    expect(server, write_registers(0, [7, 8, 9]), request(16, 0, 3))


def test_checks_come_before_routes():
    endpoint = Endpoint()
    server = routed(endpoint)
    for pdu, code in (
        (request(3, 0, 0), 3),
        (request(3, 0, 126), 3),
        (request(1, 0, 2001), 3),
        (request(5, 0, 1), 3),
        (request(15, 0, 9) + b"\1\1", 3),
        (request(16, 0, 2) + b"\2\0\0", 3),
        (request(3, 0)[:2], 3),
        (request(6, 0, 1) + b"\0", 3),
        (request(0x41, 0), 1),
        (request(7), 1),
        (request(0x83, 0, 1), 1),
    ):
        expect(server, pdu, bytes((pdu[0] | 0x80, code)))
    assert endpoint.calls == []


def test_routes_or_store_never_both():
    endpoint = Endpoint()
    store = Store(holding_registers=10)
    store.holding_registers[4], store.holding_registers[5] = 44, 55
    server = Server(store)
    server.route(function_codes=[3, 6, 16], addresses=range(5, 8))(endpoint)
    expect(server, request(3, 5, 1), b"\x03\x02" + words(5))
    expect(server, request(3, 4, 1), b"\x03\x02" + words(44))
    expect(server, request(3, 4, 2), "83 02")
    expect(server, write_registers(7, [1, 2]), "90 02")
    expect(server, write_registers(8, [1, 2]), request(16, 8, 2))
    expect(server, request(6, 5, 66), request(6, 5, 66))
    assert [store.holding_registers[i] for i in (4, 5, 8, 9)] == [44, 55, 1, 2]


def test_22_and_23_are_the_stores():
    endpoint = Endpoint()
    store = Store(holding_registers=10)
    server = Server(store)
    server.route()(endpoint)
    expect(server, request(22, 3, 0, 9), request(22, 3, 0, 9))
    expect(server, read_write(3, 2, 4, [8]), "17 04 0009 0008")
    assert endpoint.calls == []
    server = routed(endpoint)
    for pdu in (request(22, 3, 0, 9), read_write(0, 1, 0, [8]), request(22, 3), request(23, 3)):
        expect(server, pdu, bytes((pdu[0] | 0x80, 1)))


def test_rules_without_ids_are_for_the_ids_that_are_served():
    endpoint = Endpoint()
    server = Server(Store(), slave_ids=(4,))
    server.add(9, Store())
    server.route([7], [3], [0])(Endpoint(70))
    server.route(addresses=[5])(endpoint)
    for slave_id in (4, 7, 9):
        expect(server, request(3, 5, 1), "03 02 0005", slave_id)
    for slave_id in (1, 2, 8, 247):
        expect(server, request(3, 5, 1), "83 0b", slave_id)
        expect(server, request(3, 5, 1), None, slave_id, Link(serial=True))
    expect(server, request(3, 0, 1), "03 02 0046", 7)
    expect(server, request(3, 0, 1), "83 02", 4)
    assert [call[0] for call in endpoint.calls] == [4, 7, 9]


def test_rules_make_their_ids_served():
    server = Server(slave_ids=())
    server.route([5, 6], [3], [0])(Endpoint(50))
    server.route([8], [3], [0])(Endpoint(80))
    for slave_id, value in ((5, 50), (6, 50), (8, 80), (0, 50), (255, 50)):
        expect(server, request(3, 0, 1), b"\x03\x02" + words(value), slave_id)
    expect(server, request(3, 0, 1), "83 0b", 1)
    expect(server, request(3, 1, 1), "83 02", 8)


def test_routes_for_others_leave_the_first_id_alone():
    server = routed(Endpoint(), [5])
    serial = Link(serial=True)
    expect(server, request(3, 0, 1), "03 02 0000", 5, serial)
    expect(server, request(3, 0, 1), None, 1, serial)
    expect(server, request(3, 0, 1), "03 02 0000", 0)


def test_slave_id_0_and_255_reach_endpoints_as_the_first_id():
    endpoint = Endpoint()
    server = routed(endpoint, None)
    for slave_id in (0, 255):
        expect(server, request(3, 9, 1), "03 02 0009", slave_id)
    assert endpoint.calls == [(1, 3, 9), (1, 3, 9)]


def test_values_that_fit():
    for value, wanted in ((0, 0), (65535, 65535), (-1, 65535), (-32768, 32768), (40000, 40000)):
        expect(routed(Endpoint(value)), request(3, 0, 1), b"\x03\x02" + words(wanted))
    for value in (0, 1):
        expect(routed(Endpoint(value)), request(1, 0, 1), bytes((1, 1, value)))


def test_booleans_are_bits():
    for value in (False, True):
        expect(routed(Endpoint(value)), request(1, 0, 1), bytes((1, 1, value)))
        expect(routed(Endpoint(value)), request(2, 0, 1), bytes((2, 1, value)))


def test_values_that_do_not_fit():
    told = Told()
    for value in (65536, -32769, 1.0, "5", b"5", [5], 1 << 40):
        server = routed(Endpoint(value))
        server.on_error = told
        expect(server, request(3, 0, 1), "83 04")
        expect(server, request(4, 0, 1), "84 04")
    for value in (2, -1, 255, 0xFF00, 1.0, "1"):
        expect(routed(Endpoint(value)), request(1, 0, 1), "81 04")
    expect(routed(lambda **_: None), request(3, 0, 1), "83 04")
    assert len(told.calls) == 14


def test_signed_values():
    endpoint = Endpoint(-1337)
    server = routed(endpoint)
    with Signed():
        expect(server, request(6, 0, 0xFAC7), request(6, 0, 0xFAC7))
        expect(server, write_registers(0, [0x8000, 5]), request(16, 0, 2))
        expect(server, request(3, 0, 1), "03 02 fac7")
    expect(server, request(6, 0, 0xFAC7), request(6, 0, 0xFAC7))
    assert [call[3] for call in endpoint.calls if call[1] > 4] == [-1337, -32768, 5, 0xFAC7]


def test_signed_of_a_rule_overrides():
    plain, signed = Endpoint(), Endpoint()
    server = Server()
    server.route([1], [6], [0], signed=True)(signed)
    server.route([1], [6], [1], signed=False)(plain)
    for address in (0, 1):
        ask(server, request(6, address, 0xFFFF))
        with Signed():
            ask(server, request(6, address, 0xFFFF))
    assert [call[3] for call in signed.calls] == [-1, -1]
    assert [call[3] for call in plain.calls] == [65535, 65535]


def test_bits_are_never_signed():
    endpoint = Endpoint()
    server = routed(endpoint, signed=True)
    ask(server, request(5, 0, 0xFF00))
    ask(server, write_bits(0, [1]))
    assert [call[3] for call in endpoint.calls] == [1, 1]


def test_exceptions_of_endpoints():
    for error, code in (
        (errors.IllegalFunctionError(), 1),
        (errors.IllegalDataAddressError(), 2),
        (errors.ServerDeviceBusyError(), 6),
        (errors.GatewayTargetDeviceFailedToRespondError(), 11),
        (errors.NoReplyError(), 4),
        (KeyError(3), 4),
        (TypeError(), 4),
    ):
        told = Told()
        server = routed(Endpoint(error))
        server.on_error = told
        for fc in _ALL:
            pdu = write_bits(0, [1]) if fc == 15 else request(fc, 0, 0 if fc == 5 else 1)
            pdu = write_registers(0, [1]) if fc == 16 else pdu
            expect(server, pdu, bytes((fc | 0x80, code)))
        assert len(told.calls) == (len(_ALL) if code == 4 else 0), (error, told.calls)
        assert all(call[0] is error for call in told.calls)


def test_calls_before_a_failure_stay_done():
    done = {}

    def write(address, value, **_):
        if address == 3:
            raise errors.IllegalDataValueError
        done[address] = value

    server = routed(write)
    expect(server, write_registers(1, [5, 6, 7, 8]), "90 03")
    assert done == {1: 5, 2: 6}, done
    expect(server, request(6, 4, 9), request(6, 4, 9))


def test_broadcast_reaches_every_device():
    endpoint = Endpoint()
    link = Link(serial=True)
    server = routed(endpoint, (1, 2, 9), [3, 6, 16], range(10))
    expect(server, request(6, 0, 7), None, 0, link)
    assert sorted(endpoint.calls) == [(1, 6, 0, 7), (2, 6, 0, 7), (9, 6, 0, 7)], endpoint.calls
    endpoint.calls.clear()
    expect(server, request(3, 0, 1), None, 0, link)
    expect(server, request(6, 10, 1), None, 0, link)
    assert endpoint.calls == []


def test_a_broadcast_writes_a_shared_store_once_and_calls_every_route():
    """Whichever of the devices that share it have routes, and in whatever order."""
    link = Link(serial=True)
    ids = (5, 6, 7)
    for routed_ids in ((), (5,), (6,), (7,), (5, 6), (6, 7), (5, 7), ids):
        endpoint, on_write = Endpoint(), Told()
        store = Store(holding_registers=Registers(0, 4, on_write=on_write))
        server = Server(store, slave_ids=ids)
        server.route([9], [6], [3])(endpoint)
        if routed_ids:
            server.route(routed_ids, [6, 16], [0, 1])(endpoint)
        expect(server, request(6, 0, 7), None, 0, link)
        assert sorted(call[0] for call in endpoint.calls) == list(routed_ids), endpoint.calls
        stored = len(routed_ids) < len(ids)
        assert len(on_write.calls) == stored and store.holding_registers[0] == 7 * stored
        for pdu in (request(6, 2, 8), request(22, 0, 0, 3)):
            on_write.calls.clear()
            expect(server, pdu, None, 0, link)
            assert len(on_write.calls) == 1, routed_ids
        endpoint.calls.clear()
        on_write.calls.clear()
        expect(server, write_registers(1, [1, 2]), None, 0, link)  # one has a route, one has none
        assert endpoint.calls == [] and len(on_write.calls) == stored


def test_a_wrong_broadcast_asks_no_routes():
    """What it claims to write is not looked at, however much that is."""

    class Addresses:
        def __init__(self):
            self.asked = 0

        def matches(self, *_):
            self.asked += 1
            return True

    addresses = Addresses()
    server = routed(Endpoint())
    server.routes._rules[0] = addresses
    for pdu in (
        request(16, 0, 0xFFFF) + b"\0",
        request(15, 0, 0xFFFF),
        request(6, 0),
        request(22),
    ):
        expect(server, pdu, None, 0, Link(serial=True))
    assert addresses.asked == 0


def test_broadcast_reaches_routes_of_devices_that_share_a_store():
    endpoint = Endpoint()
    store = Store(holding_registers=1)
    server = Server(store, slave_ids=(1, 2))
    server.route([2], [6], [0])(endpoint)
    expect(server, request(6, 0, 7), None, 0, Link(serial=True))
    assert store.holding_registers[0] == 7
    assert endpoint.calls == [(2, 6, 0, 7)], endpoint.calls
